//! Copies of replaced files that nothing can ask for any more. They hold the host of before, keys
//! among it, and a trust store for each run: they are not kept for ever.

use std::path::Path;

use crate::host::{Host, HostError};
use crate::receipt::Receipt;

use super::run_folder::RunFolder;
use super::runs::Runs;

/// Of so many runs everything stays, for whoever wants to see what happened.
const STAY: usize = 10;

/// Takes away the copies of older runs that were rolled back, or that left nothing changed. A
/// run in force keeps its own, however old and whatever came after it: undoing goes backwards,
/// and the first of all runs holds the files as they were when this program came. For the holder
/// of the lock only; what cannot be removed now is met again after the next run.
pub(super) fn prune(host: &dyn Host, runs: &Runs<'_>) {
    let (Ok(all), Ok(undone)) = (runs.list(), runs.undone()) else {
        return;
    };
    for run in all.iter().rev().skip(STAY) {
        let folder = runs.open(run);
        let receipt = folder.receipt().ok().flatten();
        let done_with =
            |receipt: Receipt| receipt.changes.is_empty() || undone.contains_key(&receipt.run);
        if receipt.is_some_and(done_with) {
            let _ = remove_copies(host, &folder);
        }
    }
}

fn remove_copies(host: &dyn Host, folder: &RunFolder<'_>) -> Result<(), HostError> {
    let copies = folder.copies();
    if host.stat(&copies)?.is_none() {
        return Ok(());
    }
    for name in host.list(&copies)? {
        host.remove_file(&copies.join(Path::new(&name)))?;
    }
    host.remove_folder(&copies)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::lab::{apply, machine, plan, rollback, second_plan, state, world};
    use super::*;
    use crate::error::Exit;
    use crate::host::Memory;
    use crate::values::RunId;

    fn has_copies(machine: &Memory, run: &RunId) -> bool {
        let folder = Runs::new(machine, &state()).open(run);
        machine.stat(&folder.copies()).unwrap().is_some()
    }

    #[test]
    fn what_was_rolled_back_long_ago_has_no_copies_and_what_is_in_force_has() {
        let machine = machine();
        let before = world(&machine);
        let (oldest, _) = apply(&machine, &plan());
        let mut later = Vec::new();
        for _ in 0..7 {
            let (run, ending) = apply(&machine, &second_plan());
            assert_eq!(ending.exit, Exit::Done);
            assert_eq!(rollback(&machine, Some(&run)).1.exit, Exit::Done);
            later.push(run);
        }
        let kept: Vec<bool> = later.iter().map(|run| has_copies(&machine, run)).collect();
        assert_eq!(kept, [false, false, true, true, true, true, true]);
        assert!(has_copies(&machine, &oldest));
        assert_eq!(rollback(&machine, Some(&oldest)).1.exit, Exit::Done);
        assert_eq!(world(&machine), before);
    }
}
