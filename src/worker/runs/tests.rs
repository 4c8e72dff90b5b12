#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::super::journal::Entry;
use super::super::lab::{apply, machine, plan, request, rollback, state, world};
use super::*;

#[test]
fn runs_are_numbered_within_their_day_and_none_is_used_again() {
    let machine = machine();
    let state = state();
    let runs = Runs::new(&machine, &state);
    let create = || runs.create(&request(None)).unwrap().id().to_string();
    assert_eq!(
        create(),
        "2026-01-01-02",
        "the first was made with the machine"
    );
    machine.take_away("/var/lib/nim-tls/runs/2026-01-01-01");
    assert_eq!(create(), "2026-01-01-03");
    for _ in 4..=100 {
        create();
    }
    assert_eq!(create(), "2026-01-01-101");
    machine.advance(Duration::from_secs(86_400));
    assert_eq!(create(), "2026-01-02-01");
    let listed = runs.list().unwrap();
    assert_eq!(listed[97].as_str(), "2026-01-01-99");
    assert_eq!(listed[98].as_str(), "2026-01-01-100");
    assert_eq!(listed.last().unwrap().as_str(), "2026-01-02-01");
}

#[test]
fn a_clock_that_jumps_does_not_change_the_order_of_runs() {
    const TEN_YEARS: i64 = 10 * 365 * 86_400;
    let machine = machine();
    let now = machine.now();
    let before = world(&machine);
    for off in [0, TEN_YEARS, -TEN_YEARS, 0] {
        machine.set_clock(now + off);
        let (run, ending) = apply(&machine, &plan());
        assert_eq!(ending.exit, Exit::Done, "{ending:?}");
        let state = state();
        let runs = Runs::new(&machine, &state);
        assert_eq!(runs.list().unwrap().last(), Some(&run));
        assert_eq!(
            runs.in_force().unwrap().last().map(|one| &one.run),
            Some(&run)
        );
        machine.set_clock(now - off);
        // The latest one is taken back, whatever day it is.
        assert_eq!(rollback(&machine, None).1.exit, Exit::Done);
        assert_eq!(world(&machine), before);
    }
    let state = state();
    let names: Vec<String> = Runs::new(&machine, &state)
        .list()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names[3..5], ["2035-12-30-01", "2035-12-30-02"]);
}

#[test]
fn a_run_that_nobody_began_is_not_cut_short() {
    let machine = machine();
    let state = state();
    let runs = Runs::new(&machine, &state);
    let folder = runs.create(&request(None)).unwrap();
    assert_eq!(runs.cut_short(None).unwrap(), None);
    let entry = Entry::Undoing {
        run: folder.id().clone(),
    };
    folder.begin_journal().write(entry).unwrap();
    assert_eq!(runs.cut_short(None).unwrap().as_ref(), Some(folder.id()));
    assert_eq!(
        runs.cut_short(Some(folder.id())).unwrap(),
        None,
        "it is our own"
    );
}

#[test]
fn what_is_no_run_is_passed_over() {
    let machine = machine().with_file("/var/lib/nim-tls/runs/notes.txt", "");
    let state = state();
    assert_eq!(Runs::new(&machine, &state).list().unwrap().len(), 1);
}

#[test]
fn a_run_that_did_nothing_can_be_forgotten() {
    let machine = machine();
    let state = state();
    let runs = Runs::new(&machine, &state);
    let folder = runs.create(&request(None)).unwrap();
    runs.forget(folder.id()).unwrap();
    assert!(!runs.list().unwrap().contains(folder.id()));
}

#[test]
fn a_damaged_receipt_counts_as_none_until_the_run_is_undone() {
    for damage in ["{", "{}", "{\"schema\": 0}"] {
        let machine = machine();
        let (run, _) = apply(&machine, &plan());
        let state = state();
        let runs = Runs::new(&machine, &state);
        let path = runs.open(&run).path().join("receipt.json");
        machine.put(
            &path,
            crate::host::Entry::file(damage, Attributes::root(0o600)),
        );
        assert_eq!(runs.cut_short(None).unwrap(), Some(run.clone()), "{damage}");
        let problem = in_between(&runs, &run, " --root /mnt/x");
        assert!(
            problem.what.contains("receipt.json is damaged"),
            "{problem}"
        );
        assert_eq!(
            problem.remedy,
            Some(format!("nim-tls rollback {run} --yes --root /mnt/x"))
        );
        let (by, _) = rollback(&machine, None);
        assert_eq!(runs.cut_short(None).unwrap(), None);
        assert_eq!(runs.undone().unwrap().get(&run), Some(&by));
    }
}

#[test]
fn a_receipt_of_a_newer_version_stops_everything_by_name() {
    let machine = machine();
    let (run, _) = apply(&machine, &plan());
    let state = state();
    let runs = Runs::new(&machine, &state);
    let path = runs.open(&run).path().join("receipt.json");
    machine.put(
        &path,
        crate::host::Entry::file("{\"schema\": 2}", Attributes::root(0o600)),
    );
    for error in [
        runs.cut_short(None).unwrap_err(),
        runs.in_force().unwrap_err(),
    ] {
        assert!(!error.is_damaged_receipt());
        let words = error.to_string();
        assert!(
            words.contains("written by a newer nim-tls (schema 2"),
            "{words}"
        );
    }
}
