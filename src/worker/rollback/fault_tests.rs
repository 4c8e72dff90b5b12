//! Each call of a rollback fails in turn.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::super::Runs;
use super::super::lab::{self, apply, machine, plan, rollback, state, world};
use crate::error::Exit;
use crate::host::Faults;

/// Each call of a rollback fails once; what it left, a second one finishes.
#[test]
fn whichever_call_fails_a_second_rollback_finishes() {
    for call in 1.. {
        let machine = machine();
        let before = world(&machine);
        apply(&machine, &plan());
        let run = lab::started(&machine, None, None);
        machine.set_faults(Faults::Once(call));
        let ending = lab::go_on_back(&machine, &run, None);
        if !machine.met_fault() {
            break;
        }
        if ending.exit != Exit::Done {
            assert_ne!(ending.exit, Exit::PutBack);
            // Of what was left, the front says how it is finished.
            let problem = ending.problem.unwrap_or_default();
            let is_helped = ending.exit == Exit::Incomplete || problem.contains("\n  do: ");
            assert!(is_helped, "call {call}: {problem}");
            let (_, again) = rollback(&machine, None);
            assert_eq!(again.exit, Exit::Done, "call {call}: {:?}", again.problem);
        }
        assert_eq!(world(&machine), before, "call {call}");
        assert_eq!(Runs::new(&machine, &state()).cut_short(None).unwrap(), None);
    }
}

/// The same of what puts a run back that was cut short: who is told that it is done finds no run
/// cut short.
#[test]
fn whichever_call_fails_it_is_done_when_it_says_so() {
    for fault in [Faults::Once, Faults::From, Faults::Unsynced] {
        for call in 1.. {
            let machine = machine();
            let before = world(&machine);
            let cut = lab::started(&machine, None, Some(&plan()));
            machine.set_faults(Faults::From(40));
            lab::go_on(&machine, &cut, &plan());
            machine.set_faults(Faults::None);
            let state = state();
            let runs = Runs::new(&machine, &state);
            assert_eq!(runs.cut_short(None).unwrap(), Some(cut.clone()));
            let run = lab::started(&machine, Some(&cut), None);
            machine.set_faults(fault(call));
            let ending = lab::go_on_back(&machine, &run, Some(&cut));
            let met = machine.met_fault();
            machine.set_faults(Faults::None);
            let open = runs.cut_short(None).unwrap();
            eprintln!("{:?} {:?} {open:?} {met}", fault(call), ending.exit);
            let why = format!("call {call}: {:?}", ending.problem);
            assert!(ending.exit != Exit::Done || open.is_none(), "{why}");
            if open.is_some() || ending.exit != Exit::Done {
                let (_, again) = rollback(&machine, None);
                assert_eq!(again.exit, Exit::Done, "{why}: {:?}", again.problem);
            }
            assert_eq!(world(&machine), before, "{why}");
            if !met {
                break;
            }
        }
    }
}

/// Killed at each call, or on a disk that gives up there; what is left over, the next one
/// finishes.
#[test]
fn wherever_a_rollback_ends_another_goes_on_with_it() {
    for fault in [Faults::From, Faults::Unsynced] {
        for call in 1.. {
            if !goes_on(fault(call)) {
                break;
            }
        }
    }
}

/// Whether the fault was met at all.
fn goes_on(fault: Faults) -> bool {
    let machine = machine();
    let before = world(&machine);
    apply(&machine, &plan());
    let run = lab::started(&machine, None, None);
    machine.set_faults(fault);
    let ending = lab::go_on_back(&machine, &run, None);
    let met = machine.met_fault();
    machine.set_faults(Faults::None);
    let state = state();
    let runs = Runs::new(&machine, &state);
    if ending.exit != Exit::Done || runs.cut_short(None).unwrap().is_some() {
        let (_, again) = rollback(&machine, None);
        assert_eq!(again.exit, Exit::Done, "{fault:?}: {:?}", again.problem);
    }
    assert_eq!(world(&machine), before, "{fault:?}");
    assert_eq!(runs.cut_short(None).unwrap(), None, "{fault:?}");
    met
}
