//! Everything back, and nothing of ours beside it.

use std::collections::BTreeMap;

use crate::host::Host;
use crate::receipt::Change;

use super::run_folder::RunFolder;
use super::sweep::{is_left_over, sweep};
use super::undo::{Stays, Undone, undo};

/// [`undo`], with the temporary files of the run in `folder` and those of the undoing itself. One
/// that stays is among what was not taken back: a later try takes it away.
pub(super) fn take_back(
    host: &dyn Host,
    folder: &RunFolder<'_>,
    changes: &[Change],
    keep: &BTreeMap<usize, String>,
    mut tell: impl FnMut(&Change, &Undone),
) -> Vec<Stays> {
    // Before, because a folder that has to go may hold one.
    let swept = sweep(host, folder, changes);
    let mut stays = undo(host, folder, changes, keep, &mut tell);
    stays.retain(|one| !is_left_over(&one.change));
    // A file is placed through one, and where that failed it may be there still.
    if !swept.is_empty() || stays.iter().any(|one| !one.kept) {
        for one in sweep(host, folder, changes) {
            tell(&one.change, &Undone::Failed(one.why.clone()));
            stays.push(one);
        }
    }
    stays
}

#[cfg(test)]
#[path = "take_back/tests.rs"]
mod tests;
