#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use super::super::lab::{self, machine, plan, rollback, state, world};
use super::super::{Ending, Runs, Waits, Word, exit_of, follow, waits};
use crate::error::Exit;
use crate::event::Happening;
use crate::host::{Host, Memory};
use crate::receipt::{Outcome, Receipt, Reload};
use crate::values::RunId;

const SECONDS: u32 = 60;

/// Carries out the plan with a window, in which this is said; `Err`: the worker is asked to end.
fn apply(machine: &Memory, word: Option<Result<Word, ()>>) -> (RunId, Ending) {
    let run = lab::started(machine, None, Some(&plan()));
    let state = state();
    let stop = || {
        let waits = waits(machine, &state, &run).is_some();
        match word {
            Some(Ok(word)) if waits => {
                Runs::new(machine, &state).open(&run).say(word).unwrap();
                false
            }
            Some(Err(())) => waits,
            _ => false,
        }
    };
    let ending = lab::go_on_to_keep(machine, &run, &plan(), SECONDS, &stop);
    (run, ending)
}

fn receipt(machine: &Memory, run: &RunId) -> Receipt {
    let receipt = Runs::new(machine, &state()).open(run).receipt();
    receipt.unwrap().unwrap()
}

#[test]
fn what_is_kept_stays_as_if_nobody_had_asked() {
    let (kept, plain) = (machine(), machine());
    let (run, ending) = apply(&kept, Some(Ok(Word::Keep)));
    assert_eq!(
        (ending.exit, ending.outcome),
        (Exit::Done, Outcome::Applied)
    );
    lab::apply(&plain, &plan());
    assert!(world(&kept).keys().eq(world(&plain).keys()));
    let receipt = receipt(&kept, &run);
    assert!(!receipt.not_kept && !receipt.proof.is_empty());
    assert_eq!(rollback(&kept, Some(&run)).1.exit, Exit::Done);
}

#[test]
fn what_nobody_keeps_is_put_back_and_says_so() {
    let machine = machine();
    let before = world(&machine);
    let began = machine.uptime();
    let (run, ending) = apply(&machine, None);
    assert!(machine.uptime().saturating_sub(began) >= Duration::from_secs(SECONDS.into()));
    assert_eq!(
        (ending.exit, ending.outcome),
        (Exit::NotKept, Outcome::RolledBack)
    );
    let problem = ending.problem.unwrap();
    assert_eq!(
        problem,
        "nobody kept it within 60 s; everything was put back"
    );
    assert_eq!(world(&machine), before);
    let receipt = receipt(&machine, &run);
    assert_eq!(exit_of(&receipt), Exit::NotKept);
    assert_eq!(receipt.reload, Reload::Done, "nginx is back, too");
    assert_eq!(Runs::new(&machine, &state()).cut_short(None).unwrap(), None);
    assert!(Runs::new(&machine, &state()).in_force().unwrap().is_empty());
}

#[test]
fn who_wants_it_back_need_not_wait() {
    let machine = machine();
    let before = world(&machine);
    let began = machine.uptime();
    let (_, ending) = apply(&machine, Some(Ok(Word::PutBack)));
    assert!(machine.uptime().saturating_sub(began) < Duration::from_secs(SECONDS.into()));
    assert_eq!(ending.exit, Exit::NotKept);
    assert_eq!(world(&machine), before);
}

#[test]
fn a_worker_that_is_asked_to_end_in_the_window_puts_it_back() {
    let machine = machine();
    let before = world(&machine);
    let (_, ending) = apply(&machine, Some(Err(())));
    assert_eq!(ending.exit, Exit::PutBack);
    assert_eq!(world(&machine), before);
}

#[test]
fn until_it_is_kept_it_counts_as_cut_short() {
    let machine = machine();
    let run = lab::started(&machine, None, Some(&plan()));
    let state = state();
    let stop = || {
        if let Some(Waits { left, .. }) = waits(&machine, &state, &run) {
            assert_eq!(left, i64::from(SECONDS));
            let cut = Runs::new(&machine, &state).cut_short(None).unwrap();
            assert_eq!(cut.as_ref(), Some(&run));
            return true;
        }
        false
    };
    lab::go_on_to_keep(&machine, &run, &plan(), SECONDS, &stop);
    let events = follow(&machine, &state, &run, 0).news().unwrap();
    assert!(events.iter().any(|event| matches!(
        event.what,
        Happening::Waiting {
            seconds: SECONDS,
            ..
        }
    )));
}

#[test]
fn a_word_that_cannot_be_read_keeps_nothing() {
    let machine = machine();
    let before = world(&machine);
    let run = lab::started(&machine, None, Some(&plan()));
    Runs::new(&machine, &state())
        .open(&run)
        .write("word.json", b"perhaps")
        .unwrap();
    let ending = lab::go_on_to_keep(&machine, &run, &plan(), SECONDS, &|| false);
    assert_eq!(ending.exit, Exit::PutBack, "{:?}", ending.problem);
    assert_eq!(world(&machine), before);
}

/// A worker that was stopped until the time was over, and a word that came meanwhile.
#[test]
fn a_word_that_comes_when_the_time_is_over_keeps_nothing() {
    let late = |machine: &Memory| {
        let run: RunId = "2026-01-01-02".parse().unwrap();
        if waits(machine, &state(), &run).is_some() {
            machine.advance(Duration::from_secs(SECONDS.into()));
            let folder = Runs::new(machine, &state()).open(&run);
            folder.say(Word::Keep).unwrap();
        }
    };
    let machine = machine().on_sleep(late);
    let before = world(&machine);
    let (run, ending) = apply(&machine, None);
    assert_eq!(
        Runs::new(&machine, &state()).open(&run).word().unwrap(),
        Some(Word::Keep)
    );
    assert_eq!(ending.exit, Exit::NotKept);
    assert_eq!(world(&machine), before);
}
