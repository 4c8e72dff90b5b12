#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use super::super::Runs;
use super::super::events::follow;
use super::super::lab::{
    self, CONF, KEY, OLD_KEY, OWN_CONF, ToldOfOurs, apply, apply_with, machine, plan, proof_alone,
    rollback, second_plan, state, world,
};
use super::*;
use crate::error::Exit;
use crate::host::{Entry, Faults, Host, Memory};
use crate::receipt::proven_last;
use crate::values::{Attributes, RunId};

pub(super) fn bytes(machine: &Memory, path: &str) -> Vec<u8> {
    machine.read(Path::new(path), 1 << 20).unwrap()
}

pub(super) fn receipt(machine: &Memory, run: &RunId) -> Receipt {
    Runs::new(machine, &state())
        .open(run)
        .receipt()
        .unwrap()
        .unwrap()
}

#[test]
fn everything_is_as_before_and_nginx_has_loaded_it() {
    let machine = machine();
    let before = world(&machine);
    let (applied, _) = apply(&machine, &plan());
    assert_ne!(world(&machine), before);
    let (run, ending) = rollback(&machine, None);
    assert_eq!(ending, Ending::done(Outcome::RolledBack));
    assert_eq!(world(&machine), before);
    let receipt = receipt(&machine, &run);
    assert_eq!(
        (receipt.undid, receipt.reload),
        (Some(applied), Reload::Done)
    );
    let again = rollback(&machine, None).1;
    assert_eq!(
        again.exit,
        Exit::HostUnfit,
        "there is nothing left to roll back"
    );
}

#[test]
fn what_somebody_edited_since_is_left_and_named_and_the_rest_is_put_back() {
    let machine = machine();
    let before = world(&machine);
    let (applied, _) = apply(&machine, &plan());
    let attributes = before[Path::new(CONF)].attributes.clone();
    machine.put(CONF, Entry::file("edited\n", attributes));
    let key = bytes(&machine, KEY);
    machine.put(KEY, Entry::file(key, Attributes::root(0o640)));
    let (run, ending) = rollback(&machine, None);
    assert_eq!(
        (ending.exit, ending.outcome),
        (Exit::Incomplete, Outcome::Incomplete)
    );
    let receipt = receipt(&machine, &run);
    assert_eq!(receipt.left, ["/etc/nms/certs", KEY, CONF]);
    let kept: Vec<&str> = receipt.kept.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(kept, [OWN_CONF], "it may use our own file");
    assert_eq!(bytes(&machine, CONF), b"edited\n");

    // What stands in the way is theirs to move; then the same rollback goes on.
    machine.take_away("/etc/nms/certs");
    machine.put(CONF, before[Path::new(CONF)].clone());
    let (_, ending) = rollback(&machine, Some(&applied));
    assert_eq!(ending.exit, Exit::Done, "{:?}", ending.problem);
    assert_eq!(world(&machine), before);
}

#[test]
fn it_is_not_done_before_its_receipt_is_written() {
    let machine = machine();
    let (applied, _) = apply(&machine, &plan());
    for call in 1.. {
        let run = lab::started(&machine, Some(&applied), None);
        machine.set_faults(Faults::From(call));
        let ending = lab::go_on_back(&machine, &run, Some(&applied));
        machine.set_faults(Faults::None);
        let written = Runs::new(&machine, &state()).open(&run).has_receipt();
        assert_eq!(
            ending.exit == Exit::Done,
            written && ending.outcome == Outcome::RolledBack
        );
        if ending.exit == Exit::Done {
            assert!(call > 20, "it had something to do");
            break;
        }
        if !written && ending.exit == Exit::Incomplete {
            let problem = ending.problem.unwrap_or_default();
            assert!(problem.contains("could not be written down"), "{problem}");
            let remedy = format!("do: nim-tls rollback {run} --yes");
            assert!(problem.ends_with(&remedy), "{problem}");
        }
    }
}

#[test]
fn what_an_earlier_run_could_not_take_away_is_taken_away() {
    let machine = machine();
    let (earlier, _) = apply(&machine, &plan());
    let not_begun = lab::started(&machine, None, None);
    let left = |run: &RunId| {
        let folder = Runs::new(&machine, &state()).open(run);
        folder.path().join(".nim-tls-04a4998910930659")
    };
    for run in [&earlier, &not_begun] {
        machine.put(left(run), Entry::file("half", Attributes::root(0o600)));
    }
    rollback(&machine, None);
    assert!(machine.stat(&left(&earlier)).unwrap().is_none());
    assert!(
        machine.stat(&left(&not_begun)).unwrap().is_some(),
        "its front may be at it"
    );
}

#[test]
fn a_private_key_is_moved_not_deleted() {
    let machine = machine();
    let (applied, _) = apply(&machine, &plan());
    let made = [
        bytes(&machine, KEY),
        bytes(&machine, "/var/lib/nim-tls/ca/root.key"),
    ];
    rollback(&machine, None);
    assert_eq!(bytes(&machine, OLD_KEY), b"an old key");
    let removed = format!("/var/lib/nim-tls/runs/{applied}/removed");
    let kept: Vec<(Vec<u8>, u32)> = machine
        .entries()
        .into_iter()
        .filter(|(path, _)| path.parent() == Some(Path::new(&removed)))
        .map(|(_, entry)| (entry.bytes, entry.attributes.mode.0))
        .collect();
    for key in made {
        assert!(key.starts_with(b"-----BEGIN PRIVATE KEY"));
        assert!(kept.contains(&(key, 0o600)));
    }
}

#[test]
fn a_broken_file_of_somebody_else_does_not_stop_it() {
    let machine = machine();
    let before = world(&machine);
    apply(&machine, &plan());
    let broken = "/etc/nginx/conf.d/broken.conf";
    machine.put(broken, Entry::file("x", Attributes::root(0o644)));
    let (run, ending) = rollback(&machine, None);
    assert_eq!(ending.exit, Exit::Done);
    let why = format!("{broken}:1: unknown directive \"x\"");
    let refused = Reload::Refused { why };
    assert_eq!(receipt(&machine, &run).reload, refused);
    // Whoever watches is told of nginx too: the files are back, and it does not serve them.
    let state = state();
    let events = follow(&machine, &state, &run, 0).news().unwrap();
    let told = events.iter().find_map(|event| match &event.what {
        Happening::StepEnded { how, detail, .. } => Some((*how, detail.clone())),
        _ => None,
    });
    assert_eq!(
        told,
        Some((StepEnd::Warned, format!("nginx: reload {refused}")))
    );
    machine.take_away(broken);
    assert_eq!(world(&machine), before);
}

#[test]
fn without_nginx_the_files_are_put_back_all_the_same() {
    let machine = machine();
    let before = world(&machine);
    apply(&machine, &plan());
    machine.set_processes(Vec::new());
    let (run, ending) = rollback(&machine, None);
    assert_eq!(
        (ending.exit, receipt(&machine, &run).reload),
        (Exit::Done, Reload::NotRunning)
    );
    assert_eq!(world(&machine), before);
}

#[test]
fn later_runs_on_the_same_paths_go_first() {
    let machine = machine();
    let before = world(&machine);
    let (first, _) = apply(&machine, &plan());
    let between = world(&machine);
    let (second, ending) = apply(&machine, &second_plan());
    assert_eq!(ending.exit, Exit::Done, "{:?}", ending.problem);
    let refused = rollback(&machine, Some(&first)).1;
    assert_eq!(refused.exit, Exit::HostUnfit);
    let problem = refused.problem.unwrap();
    assert!(
        problem.contains(second.as_str()) && problem.contains(CONF),
        "{problem}"
    );
    assert_eq!(rollback(&machine, None).1.exit, Exit::Done);
    assert_eq!(world(&machine), between);
    assert_eq!(rollback(&machine, None).1.exit, Exit::Done);
    assert_eq!(world(&machine), before);
}

#[test]
fn a_run_without_a_file_to_change_is_unchanged() {
    let machine = machine();
    apply(&machine, &plan());
    let done = world(&machine);
    let mut same = second_plan();
    same.files.clear();
    let (run, ending) = apply(&machine, &same);
    assert_eq!(ending, Ending::done(Outcome::Unchanged));
    assert_eq!(world(&machine), done);
    assert_eq!(receipt(&machine, &run).changes, []);
}

/// Red where such a run is called unchanged (`is_new`), is none of those in force, or where the
/// one below it may be undone first.
#[test]
fn a_run_that_proves_the_contrary_of_the_last_one_is_in_force_without_a_file() {
    let machine = machine();
    let before = world(&machine);
    let (first, _) = apply(&machine, &plan());
    let done = world(&machine);
    let proven = || {
        let in_force = Runs::new(&machine, &state()).in_force().unwrap();
        (
            in_force.len(),
            proven_last(&in_force).unwrap().refuses_agents(),
        )
    };
    let alone = |refused| apply_with(&machine, &proof_alone(refused), &mut ToldOfOurs, &|| false);
    // The same again is nothing new.
    let (_, same) = alone(false);
    assert_eq!(same, Ending::done(Outcome::Unchanged));
    assert_eq!(proven(), (1, false));

    let (second, ending) = alone(true);
    assert_eq!(ending, Ending::done(Outcome::Applied));
    let (_, same) = alone(true);
    assert_eq!(same, Ending::done(Outcome::Unchanged));
    let (third, _) = alone(false);
    assert_eq!(proven(), (3, false));
    assert_eq!(world(&machine), done);
    for early in [&first, &second] {
        let refused = rollback(&machine, Some(early)).1;
        let problem = refused.problem.unwrap();
        assert!(problem.contains(third.as_str()), "{problem}");
    }

    assert_eq!(rollback(&machine, None).1.exit, Exit::Done);
    assert_eq!(proven(), (2, true));
    assert_eq!(world(&machine), done);
    assert_eq!(rollback(&machine, None).1.exit, Exit::Done);
    assert_eq!(proven(), (1, false));
    assert_eq!(rollback(&machine, None).1.exit, Exit::Done);
    assert_eq!(world(&machine), before);
}

#[test]
fn a_run_that_never_was_is_named() {
    let machine = machine();
    let run = "2020-01-01-01".parse().unwrap();
    let problem = target(&machine, &state(), Some(&run), None).unwrap_err();
    assert!(problem.what.contains("2020-01-01-01"));
}

#[test]
fn a_rollback_that_was_killed_before_its_own_receipt_is_gone_on_with() {
    let machine = machine();
    let before = world(&machine);
    let (run, _) = apply(&machine, &plan());
    let state = state();
    let without_receipt = |run: &RunId| {
        let folder = Runs::new(&machine, &state).open(run);
        machine.take_away(folder.path().join("receipt.json"));
    };
    without_receipt(&run);
    // It gives the run that was cut short its receipt, and comes no further.
    let (killed, ending) = rollback(&machine, Some(&run));
    assert_eq!(ending.exit, Exit::Done);
    without_receipt(&killed);
    let runs = Runs::new(&machine, &state);
    assert_eq!(runs.cut_short(None).unwrap(), Some(killed));
    let found = target(&machine, &state, None, None).unwrap();
    let (_, ending) = rollback(&machine, Some(&found.run));
    assert_eq!((ending.exit, ending.problem), (Exit::Done, None));
    assert_eq!(runs.cut_short(None).unwrap(), None);
    assert_eq!(world(&machine), before);
}

#[test]
fn what_was_being_placed_when_it_was_killed_is_taken_away() {
    let machine = machine();
    let before = world(&machine);
    let (run, _) = apply(&machine, &plan());
    let folder = Runs::new(&machine, &state()).open(&run).path().to_owned();
    machine.take_away(folder.join("receipt.json"));
    let file = |bytes: &[u8]| Entry::file(bytes.to_vec(), Attributes::root(0o600));
    for path in [CONF, KEY] {
        let beside = Path::new(path).with_file_name(".nim-tls-04a4998910930659");
        machine.put(beside, file(b"half"));
    }
    let (_, ending) = rollback(&machine, Some(&run));
    assert_eq!((ending.exit, ending.problem), (Exit::Done, None));
    assert_eq!(world(&machine), before);
}

#[test]
fn without_its_plan_nginx_is_said_not_to_have_been_asked() {
    let machine = machine();
    let before = world(&machine);
    let (run, _) = apply(&machine, &plan());
    let folder = Runs::new(&machine, &state()).open(&run).path().to_owned();
    machine.take_away(folder.join("plan.json"));
    let (own, ending) = rollback(&machine, Some(&run));
    assert_eq!((ending.exit, ending.problem), (Exit::Done, None));
    assert_eq!(world(&machine), before);
    let receipt = Runs::new(&machine, &state()).open(&own).receipt();
    let reload = receipt.unwrap().unwrap().reload;
    assert!(
        matches!(&reload, Reload::Refused { why } if why.contains("do: nginx -t")),
        "{reload:?}"
    );
}

#[test]
fn nothing_is_put_back_from_where_others_may_write() {
    let machine = machine();
    let (run, _) = apply(&machine, &plan());
    let applied = world(&machine);
    let why = "everybody may replace files in /var/lib/nim-tls: chmod o-w /var/lib/nim-tls";
    let file = Runs::new(&machine, &state()).any_file();
    let machine = machine.with_obstacle(file, why);
    let (_, ending) = rollback(&machine, Some(&run));
    assert_eq!(ending.exit, Exit::HostUnfit);
    assert_eq!(
        ending.problem.unwrap(),
        "nothing was put back: everybody may replace files in /var/lib/nim-tls\n  \
         do: chmod o-w /var/lib/nim-tls"
    );
    assert_eq!(world(&machine), applied);
}

/// Red where only the journal and the copies are asked, which a run of new files has none of.
#[test]
fn a_run_that_told_of_its_files_is_not_taken_for_one_that_never_began() {
    let machine = machine();
    let (run, _) = apply(&machine, &plan());
    let runs = Runs::new(&machine, &state());
    let folder = runs.open(&run);
    for file in machine.entries().into_keys() {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let told = name == "plan.json" || name == "events.jsonl";
        if file.starts_with(folder.path()) && file != folder.path() && !told {
            machine.take_away(&file);
        }
    }
    assert!(folder.was_begun().unwrap());
    let after = world(&machine);
    let ending = rollback(&machine, Some(&run)).1;
    assert_eq!(ending.exit, Exit::Incomplete);
    assert_eq!(world(&machine), after, "nothing is guessed");
}
