//! Each call of an apply fails in turn.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use super::super::Runs;
use super::super::lab::{self, OWN_CONF, Told, apply, machine, plan, rollback, state, world};
use crate::error::Exit;
use crate::host::{Change, Faults, Host, Signal};
use crate::receipt::Outcome;

/// Every call that changes the machine fails once, each in its own run.
#[test]
fn whichever_call_fails_the_host_is_as_before_or_as_planned() {
    let mut failed = 0;
    for call in 1.. {
        let machine = machine();
        let before = world(&machine);
        let run = lab::started(&machine, None, Some(&plan()));
        let made = machine.changes().len();
        machine.set_faults(Faults::Once(call));
        let ending = lab::go_on(&machine, &run, &plan());
        if !machine.met_fault() {
            assert_eq!(ending.exit, Exit::Done);
            break;
        }
        if ending.exit == Exit::Done {
            assert_eq!(machine.read(Path::new(OWN_CONF), 99).unwrap(), b"# ours\n");
            continue;
        }
        failed += 1;
        let why = format!("call {call}: {:?}", ending.problem);
        assert_eq!(world(&machine), before, "{why}");
        assert!(
            matches!(ending.exit, Exit::PutBack | Exit::HostUnfit),
            "{why}"
        );
        serves_what_is_on_disk(&machine.changes()[made..], &why);
        assert!(why.contains("\\n  do: "), "{why}");
    }
    assert!(failed > 30, "only {failed} calls were made to fail");
}

/// If nginx was told to load anything, it was told again after the last file was put back.
fn serves_what_is_on_disk(changes: &[Change], why: &str) {
    let last = |wanted: &dyn Fn(&Change) -> bool| changes.iter().rposition(wanted);
    let hangup = last(&|change| matches!(change, Change::Signalled(_, Signal::Hangup)));
    let edit = last(&|change| match change {
        Change::Placed(path) | Change::RemovedFile(path) => path.starts_with("/etc/nginx"),
        _ => false,
    });
    if hangup.is_some() {
        assert!(hangup > edit, "{why}: nginx serves files that are gone");
    }
}

/// From one call on nothing reaches the disk. What is written down is never better than it is.
#[test]
fn wherever_a_disk_gives_up_no_receipt_says_what_was_taken_back() {
    let mut taken_back = 0;
    for call in 1.. {
        let machine = machine();
        let before = world(&machine);
        let run = lab::started(&machine, None, Some(&plan()));
        machine.set_faults(Faults::Unsynced(call));
        let ending = lab::go_on(&machine, &run, &plan());
        let met = machine.met_fault();
        machine.set_faults(Faults::None);
        if !met {
            break;
        }
        let folder = Runs::new(&machine, &state()).open(&run);
        let written = folder.receipt().unwrap().map(|receipt| receipt.outcome);
        if ending.exit == Exit::Done {
            assert_eq!(written, Some(Outcome::Applied), "call {call}");
            continue;
        }
        taken_back += 1;
        assert_ne!(
            written,
            Some(Outcome::Applied),
            "call {call}: {:?}",
            ending.problem
        );
        if world(&machine) != before {
            let (_, back) = rollback(&machine, None);
            assert_eq!(back.exit, Exit::Done, "call {call}: {:?}", back.problem);
        }
        assert_eq!(world(&machine), before, "call {call}");
    }
    assert!(taken_back > 30, "only {taken_back} calls failed");
}

/// What such a run has changed is in its journal only: it is cut short for whoever comes next.
#[test]
fn what_could_not_even_be_begun_to_be_put_back_is_put_back_by_a_rollback() {
    const STUBBORN: u32 = 500;
    let machine = machine().on_signal(|machine, to, signal| {
        if to.pid != STUBBORN {
            lab::signalled(machine, to, signal);
        }
    });
    let before = world(&machine);
    let state = state();
    let runs = Runs::new(&machine, &state);
    let run = lab::started(&machine, None, Some(&plan()));
    let mut processes = machine.processes().unwrap();
    processes.push(lab::process(
        STUBBORN,
        1,
        "/usr/sbin/update-ca-certificates",
    ));
    machine.set_processes(processes.clone());
    machine.mark(STUBBORN, &runs.open(&run).path().to_string_lossy());
    let ending = lab::go_on_with(&machine, &run, &plan(), &mut Told(false));
    assert_eq!(ending.exit, Exit::Incomplete);
    let problem = ending.problem.unwrap();
    assert!(
        problem.contains("\n  do: kill -KILL 500; nim-tls rollback"),
        "{problem}"
    );
    assert_eq!(runs.cut_short(None).unwrap(), Some(run.clone()));
    assert_ne!(world(&machine), before);
    processes.retain(|process| process.pid != STUBBORN);
    machine.set_processes(processes);
    let (_, back) = rollback(&machine, Some(&run));
    assert_eq!(back.exit, Exit::Done, "{:?}", back.problem);
    assert_eq!(world(&machine), before);
}

/// From one call on nothing can be done any more, as if the process had been killed.
#[test]
fn wherever_it_is_killed_a_rollback_brings_everything_back() {
    for call in 1.. {
        let machine = machine();
        let before = world(&machine);
        let run = lab::started(&machine, None, Some(&plan()));
        machine.set_faults(Faults::From(call));
        let ending = lab::go_on(&machine, &run, &plan());
        let met = machine.met_fault();
        machine.set_faults(Faults::None);
        if !met {
            break;
        }
        if ending.exit == Exit::Done {
            continue;
        }
        if world(&machine) != before {
            let (_, second) = apply(&machine, &plan());
            assert_eq!(second.exit, Exit::Busy, "call {call}");
            assert!(second.problem.unwrap().contains(run.as_str()));
            let (_, back) = rollback(&machine, None);
            assert_eq!(back.exit, Exit::Done, "call {call}: {:?}", back.problem);
        }
        assert_eq!(world(&machine), before, "call {call}");
    }
}
