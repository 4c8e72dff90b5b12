#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use super::super::Runs;
use super::super::job::Ending;
use super::super::lab::{
    self, OWN_CONF, Told, apply, apply_with, machine, plan, rollback, state, world,
};
use crate::error::Exit;
use crate::host::{Entry, Faults, Host, Memory};
use crate::values::{Attributes, RunId};

/// What a kill leaves in the folder of [`OWN_CONF`].
const TEMPORARY: &str = "/etc/nginx/conf.d/.nim-tls-0123456789abcdef";

/// A run that was killed in the middle, with its temporary file.
fn cut_short(machine: &Memory) -> RunId {
    let run = lab::started(machine, None, Some(&plan()));
    machine.set_faults(Faults::From(40));
    lab::go_on(machine, &run, &plan());
    machine.set_faults(Faults::None);
    let state = state();
    let runs = Runs::new(machine, &state);
    assert_eq!(runs.cut_short(None).unwrap(), Some(run.clone()));
    put_temporary(machine);
    run
}

fn put_temporary(machine: &Memory) {
    machine.put(TEMPORARY, Entry::file("half of", Attributes::root(0o600)));
}

/// Whoever is told that it is done finds nothing of ours; whoever is told otherwise, is told where.
fn is_named_or_gone(machine: &Memory, ending: &Ending, about: &str) {
    let is_there = machine.stat(Path::new(TEMPORARY)).unwrap().is_some();
    let problem = ending.problem.as_deref().unwrap_or_default();
    let is_named = ending.exit == Exit::Incomplete && problem.contains(TEMPORARY);
    assert!(!is_there || is_named, "{about}: {ending:?}");
}

#[test]
fn a_temporary_file_of_a_killed_run_is_gone_or_named_whichever_call_fails() {
    for fault in [Faults::Once, Faults::Unsynced] {
        for call in 1.. {
            let machine = machine();
            let before = world(&machine);
            let cut = cut_short(&machine);
            let run = lab::started(&machine, Some(&cut), None);
            machine.set_faults(fault(call));
            let ending = lab::go_on_back(&machine, &run, Some(&cut));
            let met = machine.met_fault();
            machine.set_faults(Faults::None);
            // One that never came to its work has not looked.
            if ending.exit != Exit::HostUnfit {
                is_named_or_gone(&machine, &ending, &format!("{:?}", fault(call)));
            }
            if ending.exit != Exit::Done {
                assert_eq!(rollback(&machine, None).1.exit, Exit::Done, "call {call}");
            }
            assert_eq!(world(&machine), before, "call {call}");
            if !met {
                break;
            }
        }
    }
}

/// Whatever is undone: a run that was cut short, one that is done, one that fails.
#[test]
fn one_that_cannot_be_removed_is_named_and_goes_with_the_next_rollback() {
    type Undo = fn(&Memory) -> (RunId, Ending);
    let undos: [(&str, Undo); 3] = [
        ("cut short", |machine| {
            cut_short(machine);
            rollback(machine, None)
        }),
        ("done", |machine| {
            apply(machine, &plan());
            put_temporary(machine);
            rollback(machine, None)
        }),
        ("failed", |machine| {
            put_temporary(machine);
            apply_with(machine, &plan(), &mut Told(false), &|| false)
        }),
    ];
    for (about, undo) in undos {
        let machine = machine().with_obstacle(TEMPORARY, "is on fire");
        let before = world(&machine);
        let (run, ending) = undo(&machine);
        let problem = ending.problem.clone().unwrap_or_default();
        assert_eq!(ending.exit, Exit::Incomplete, "{about}: {problem}");
        assert!(problem.contains("is on fire"), "{about}: {problem}");
        assert!(!problem.contains("kept, because"), "{about}: {problem}");
        is_named_or_gone(&machine, &ending, about);
        let left = Runs::new(&machine, &state()).open(&run).receipt();
        assert_eq!(left.unwrap().unwrap().left, [TEMPORARY], "{about}");
        assert!(machine.stat(Path::new(OWN_CONF)).unwrap().is_none());
        machine.clear(TEMPORARY);
        let (_, again) = rollback(&machine, None);
        assert_eq!(again.exit, Exit::Done, "{about}: {:?}", again.problem);
        assert_eq!(world(&machine), before, "{about}");
    }
}

#[test]
fn what_somebody_else_named_so_is_left() {
    let machine = machine();
    apply(&machine, &plan());
    let folder = Path::new(TEMPORARY);
    machine.put(folder, Entry::folder(Attributes::root(0o755)));
    let before = world(&machine);
    let (_, ending) = rollback(&machine, None);
    assert_eq!(ending.exit, Exit::Done, "{:?}", ending.problem);
    assert_eq!(world(&machine).get(folder), before.get(folder));
}
