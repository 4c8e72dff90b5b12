#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::path::Path;

use super::super::holder::Holder;
use super::super::lab::{
    self, ANCHOR, CONF, ERROR_LOG, KEY, OLD_KEY, OWN_CONF, Told, apply, apply_with, machine, plan,
    rollback, state, world,
};
use super::super::{Runs, follow};
use crate::error::Exit;
use crate::event::Happening;
use crate::host::{Change, Entry, Host, Memory, Signal, Socket};
use crate::receipt::{Outcome, Receipt, Reload};
use crate::values::{Attributes, Mode, RunId};

fn receipt(machine: &Memory, run: &RunId) -> Receipt {
    Runs::new(machine, &state())
        .open(run)
        .receipt()
        .unwrap()
        .unwrap()
}

#[test]
fn a_run_that_ended_while_the_plan_was_made_stops_it() {
    let machine = machine();
    let runs_seen = Runs::new(&machine, &state()).that_changed().ok();
    let earlier = lab::started(&machine, None, Some(&plan()));
    apply(&machine, &plan());
    let before = world(&machine);
    let ending = lab::go_on_having_seen(&machine, &earlier, &plan(), runs_seen);
    assert_eq!(ending.exit, Exit::HostUnfit, "{:?}", ending.problem);
    let problem = ending.problem.unwrap_or_default();
    assert!(problem.starts_with("another run has ended"), "{problem}");
    assert_eq!(world(&machine), before);
}

#[test]
fn a_folder_may_lie_elsewhere() {
    let machine = machine();
    let folder = plan().folders[0].path.clone();
    let real = Path::new("/srv/elsewhere");
    machine.put(real, Entry::folder(Attributes::root(0o755)));
    for name in machine.list(folder.as_path()).unwrap_or_default() {
        machine
            .rename(&folder.as_path().join(&name), &real.join(&name))
            .unwrap();
    }
    machine.take_away(folder.as_path());
    machine.put(folder.as_path(), Entry::link(real));
    let before = world(&machine);
    let (run, ending) = apply(&machine, &plan());
    assert_eq!((ending.exit, ending.problem), (Exit::Done, None));
    rollback(&machine, Some(&run));
    assert_eq!(world(&machine), before);
}

#[test]
fn a_link_that_leads_to_no_folder_is_found_before_anything_is_placed() {
    let machine = machine();
    let folder = plan().folders[0].path.clone();
    machine.take_away(folder.as_path());
    machine.put(folder.as_path(), Entry::link("/nowhere"));
    let before = world(&machine);
    let (_, ending) = apply(&machine, &plan());
    assert_eq!(ending.exit, Exit::HostUnfit, "{:?}", ending.problem);
    assert_eq!(world(&machine), before);
}

#[test]
fn a_plan_is_carried_out_and_receipted() {
    let machine = machine();
    let (run, ending) = apply(&machine, &plan());
    assert_eq!((ending.exit, ending.problem), (Exit::Done, None));
    let receipt = receipt(&machine, &run);
    assert_eq!(
        (receipt.outcome, &receipt.reload),
        (Outcome::Applied, &Reload::Done)
    );
    let changed: Vec<&str> = receipt
        .changes
        .iter()
        .map(|change| change.path.as_str())
        .collect();
    for path in [
        KEY,
        OLD_KEY,
        ANCHOR,
        CONF,
        OWN_CONF,
        "/etc/ssl/certs/stale.0",
    ] {
        assert!(changed.contains(&path), "{path} is not in {changed:?}");
    }
    assert!(
        !changed.contains(&"/etc/ssl/certs"),
        "it did not change itself"
    );
    let key = machine.stat(Path::new(KEY)).unwrap().unwrap();
    assert_eq!(key.attributes.mode, Mode(0o600));
    let conf = machine.stat(Path::new(CONF)).unwrap().unwrap();
    assert_eq!(conf.attributes.extended.len(), 1, "the label stays");
}

#[test]
fn no_private_key_is_in_what_a_run_keeps() {
    let machine = machine();
    apply(&machine, &plan());
    for (path, entry) in machine.entries() {
        if path.starts_with("/var/lib/nim-tls/runs") {
            let text = String::from_utf8_lossy(&entry.bytes).into_owned();
            assert!(!text.contains("PRIVATE KEY"), "{}", path.display());
            assert_eq!(entry.attributes.mode.0 & 0o077, 0, "{}", path.display());
        }
    }
}

#[test]
fn the_events_redraw_the_run() {
    let machine = machine();
    let (run, _) = apply(&machine, &plan());
    let state = state();
    let mut follower = follow(&machine, &state, &run, 0);
    let events = follower.news().unwrap();
    let Happening::Started { steps, .. } = &events[0].what else {
        panic!("{:?}", events[0])
    };
    assert_eq!(steps.len(), plan().steps.len());
    let begun = events
        .iter()
        .filter(|event| matches!(event.what, Happening::StepBegan { .. }));
    assert_eq!(begun.count(), steps.len());
    let last = &events.last().unwrap().what;
    assert!(matches!(last, Happening::Ended { exit: 0, .. }), "{last:?}");
    assert_eq!(follower.news().unwrap(), []);
}

#[test]
fn a_file_that_was_edited_since_stops_it_before_anything_is_touched() {
    let machine = machine();
    machine.put(CONF, Entry::file("edited\n", Attributes::root(0o644)));
    let before = world(&machine);
    let (run, ending) = apply(&machine, &plan());
    assert_eq!(ending.exit, Exit::HostUnfit);
    assert!(ending.problem.unwrap().contains(CONF));
    assert_eq!(world(&machine), before);
    assert_eq!(receipt(&machine, &run).outcome, Outcome::Refused);
}

#[test]
fn a_proof_that_does_not_hold_puts_everything_back() {
    let machine = machine();
    let before = world(&machine);
    let (run, ending) = apply_with(&machine, &plan(), &mut Told(false), &|| false);
    assert_eq!(ending.exit, Exit::PutBack, "{:?}", ending.problem);
    assert_eq!(world(&machine), before);
    let receipt = receipt(&machine, &run);
    assert_eq!((receipt.reload, receipt.changes.len()), (Reload::Done, 0));
    assert_eq!(receipt.proof.len(), 1, "what was seen stays on record");
}

#[test]
fn asked_to_end_it_puts_everything_back() {
    for steps_before in 0..plan().steps.len() {
        let machine = machine();
        let before = world(&machine);
        let asked = Cell::new(0);
        let stop = || asked.replace(asked.get() + 1) == steps_before;
        let (_, ending) = apply_with(&machine, &plan(), &mut Told(true), &stop);
        assert_ne!(ending.exit, Exit::Done);
        assert_eq!(world(&machine), before, "asked after {steps_before} steps");
    }
}

#[test]
fn a_port_of_somebody_else_stops_it_before_anything_is_touched() {
    let machine = machine();
    machine.set_sockets(vec![Socket {
        local: "0.0.0.0:443".parse().unwrap(),
        remote: None,
        holders: vec![1],
    }]);
    let before = world(&machine);
    let (_, ending) = apply(&machine, &plan());
    assert_eq!(ending.exit, Exit::HostUnfit);
    assert!(ending.problem.unwrap().contains("0.0.0.0:443"));
    assert_eq!(world(&machine), before);
}

/// It says so in its log, and serves what it served: the files are put back, and that is all.
#[test]
fn a_reload_that_nginx_gives_up_needs_no_second_one() {
    let machine = machine().on_signal(|machine, _, _| {
        let words = "2026/01/01 00:00:00 [emerg] 100#100: still could not bind()\n";
        machine.put(ERROR_LOG, Entry::file(words, Attributes::root(0o644)));
    });
    let mut before = world(&machine);
    let (_, ending) = apply(&machine, &plan());
    assert_eq!(ending.exit, Exit::PutBack);
    assert!(ending.problem.unwrap().contains("still could not bind()"));
    let mut after = world(&machine);
    for world in [&mut before, &mut after] {
        world.remove(Path::new(ERROR_LOG));
    }
    assert_eq!(after, before);
    let hangups = machine
        .changes()
        .into_iter()
        .filter(|change| matches!(change, Change::Signalled(_, Signal::Hangup)));
    assert_eq!(hangups.count(), 1);
}

#[test]
fn nginx_refusing_the_plan_leaves_nothing_behind() {
    let machine = machine();
    machine.put(
        "/etc/nginx/conf.d/broken.conf",
        Entry::file("x", Attributes::root(0o644)),
    );
    let before = world(&machine);
    let (_, ending) = apply(&machine, &plan());
    assert_eq!(ending.exit, Exit::HostUnfit);
    assert!(
        ending
            .problem
            .unwrap()
            .contains("/etc/nginx/conf.d/broken.conf:1: unknown directive")
    );
    assert_eq!(world(&machine), before);
}

#[test]
fn one_run_at_a_time() {
    let machine = machine();
    let held = Holder {
        run: "2026-01-01-09".to_owned(),
        process: 4711,
        user: "bob".to_owned(),
        terminal: "/dev/pts/7".to_owned(),
        since: machine.now(),
    };
    let file = Runs::new(&machine, &state()).lock_file();
    let lock = machine.lock(&file, &held.note()).unwrap();
    let before = world(&machine);
    for ending in [apply(&machine, &plan()).1, rollback(&machine, None).1] {
        assert_eq!(ending.exit, Exit::Busy);
        let problem = ending.problem.unwrap();
        for word in ["4711", "bob", "/dev/pts/7", "2026-01-01T00:00:00Z"] {
            assert!(problem.contains(word), "{word} is not in {problem}");
        }
    }
    assert_eq!(world(&machine), before);
    drop(lock);
    assert_eq!(apply(&machine, &plan()).1.exit, Exit::Done);
}

#[test]
fn folders_above_a_planned_one_are_made_and_taken_back() {
    let machine = machine();
    machine.take_away("/usr/local");
    let mut plan = plan();
    plan.steps
        .retain(|step| matches!(step.id.as_str(), "issue" | "place"));
    plan.folders.push(crate::plan::FolderChange {
        path: "/usr/local/share/ca-certificates".parse().unwrap(),
        mode: Mode(0o755),
    });
    let before = world(&machine);
    let (_, ending) = apply(&machine, &plan);
    assert_eq!(ending.exit, Exit::Done, "{:?}", ending.problem);
    let share = machine
        .stat(Path::new("/usr/local/share"))
        .unwrap()
        .unwrap();
    assert_eq!(share.attributes, Attributes::root(0o755));
    let (_, ending) = rollback(&machine, None);
    assert_eq!(ending.exit, Exit::Done, "{:?}", ending.problem);
    assert_eq!(world(&machine), before);
}

#[test]
fn in_a_folder_the_steps_of_a_running_system_are_named_as_skipped() {
    let machine = machine().not_live();
    let mut plan = plan();
    plan.steps
        .retain(|step| matches!(step.id.as_str(), "issue" | "place"));
    let (run, ending) = apply(&machine, &plan);
    assert_eq!(ending.exit, Exit::Done, "{:?}", ending.problem);
    let skipped = receipt(&machine, &run).skipped;
    let steps: Vec<&str> = skipped.iter().map(|one| one.step.as_str()).collect();
    assert_eq!(
        steps,
        ["test", "trust", "reload", "end-old-workers", "prove"]
    );
    assert!(skipped.iter().all(|one| one.why.contains("--root")));
}
