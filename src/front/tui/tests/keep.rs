//! A run that is proven and waits to be kept.

use super::super::stops::{Button, Stop, focused};
use super::screens::same;
use super::*;
use crate::event::{Event, Happening, Switch};
use crate::questions::Step;
use crate::receipt::Outcome;
use crate::worker::Word;

const BEGAN: i64 = 1_000;

fn told(model: &mut Model, at: i64, what: Happening) -> Vec<Effect> {
    update(model, Message::Happened(Event { at, what }))
}

fn waits() -> Happening {
    Happening::Waiting { seconds: 120 }
}

fn waiting() -> Model {
    let mut model = at_apply();
    press(&mut model, &[Key::Right, Key::Enter]);
    let started = Happening::Started {
        run: "2026-01-01-01".parse().unwrap(),
        command: "apply".to_owned(),
        pid: 4711,
        steps: vec![("prove".to_owned(), "prove it".to_owned())],
    };
    told(&mut model, BEGAN, started);
    let switch = Switch::Restart;
    told(&mut model, BEGAN, Happening::Armed { switch });
    let effects = told(&mut model, BEGAN, waits());
    assert!(matches!(&effects[..], [Effect::Look(_)]));
    model
}

fn button(model: &Model) -> Button {
    match focused(model) {
        Some(Stop::Button(button)) => button,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_asked_on_the_proof_with_the_focus_on_what_decides_nothing() {
    let mut model = waiting();
    assert_eq!((model.step, button(&model)), (Step::Verify, Button::NotYet));
    same("8-verify-waits", &drawn(&model, 80, 24));
    let effects = press(&mut model, &[Key::Enter]);
    assert!(matches!(&effects[..], [Effect::Look(_)]));
    assert!(model.waits());
}

#[test]
fn the_first_row_counts_down() {
    let mut model = waiting();
    assert!(drawn(&model, 80, 24).contains("[ CHANGED, back in 2:00 ]"));
    update(&mut model, Message::Second(BEGAN + 17));
    assert!(drawn(&model, 80, 24).contains("[ CHANGED, back in 1:43 ]"));
    update(&mut model, Message::Second(BEGAN + 500));
    assert!(drawn(&model, 80, 24).contains("[ CHANGED, back in 0:00 ]"));
}

#[test]
fn who_came_back_is_counted_as_they_come() {
    let mut model = waiting();
    for (back, of) in [(0, 3), (2, 3)] {
        told(&mut model, BEGAN + 2, Happening::CameBack { back, of });
        let counted = format!("Addresses that are back: {back} of 3");
        assert!(drawn(&model, 80, 24).contains(&counted));
        assert!(model.waits());
    }
}

#[test]
fn keep_and_put_back_are_told_to_the_run() {
    for (key, word) in [(Key::Left, Word::Keep), (Key::Right, Word::PutBack)] {
        let mut model = waiting();
        let effects = press(&mut model, &[key, Key::Enter]);
        let [Effect::Say(run, said)] = &effects[..] else {
            panic!("nothing was said");
        };
        assert_eq!((run.as_str(), *said), ("2026-01-01-01", word));
    }
}

#[test]
fn once_it_is_kept_it_stays_and_can_be_put_back_as_ever() {
    let mut model = waiting();
    press(&mut model, &[Key::Left, Key::Enter]);
    let kept = Happening::Ended {
        outcome: Outcome::Applied,
        exit: 0,
        problem: None,
    };
    told(&mut model, BEGAN + 20, kept);
    assert_eq!((model.step, button(&model)), (Step::Verify, Button::Done));
    assert!(drawn(&model, 80, 24).contains("[ CHANGED, proven ]"));
    assert!(matches!(
        &press(&mut model, &[Key::Right, Key::Enter])[..],
        [Effect::PutBack(run)] if run.as_str() == "2026-01-01-01"
    ));
}

#[test]
fn what_is_not_kept_is_seen_to_go_back_and_ends_with_six() {
    let mut model = waiting();
    let why = "nobody kept it within 120 s".to_owned();
    told(&mut model, BEGAN + 120, Happening::PuttingBack { why });
    assert_eq!(model.step, Step::Apply);
    let shown = drawn(&model, 80, 24);
    assert!(shown.contains("[ CHANGING NOW ]"), "{shown}");
    assert!(shown.contains("because nobody kept it"), "{shown}");
    let ended = Happening::Ended {
        outcome: Outcome::RolledBack,
        exit: 6,
        problem: Some("nobody kept it within 120 s; everything was put back".to_owned()),
    };
    told(&mut model, BEGAN + 121, ended);
    let shown = drawn(&model, 80, 24);
    assert!(shown.contains("[ put back as it was ]"), "{shown}");
    assert!(shown.contains("Every file is back as it was."), "{shown}");
    assert!(matches!(
        &press(&mut model, &[Key::Enter])[..],
        [Effect::Quit(6)]
    ));
}

#[test]
fn esc_and_q_undo_nothing_and_say_what_happens() {
    let mut model = waiting();
    assert!(press(&mut model, &[Key::Esc]).is_empty());
    assert!(drawn(&model, 80, 24).contains("Esc does not undo it"));
    assert!(press(&mut model, &[Key::Char('q')]).is_empty());
    let shown = drawn(&model, 80, 24);
    assert!(shown.contains("nim-tls confirm"), "{shown}");
}

#[test]
fn a_word_that_was_not_heard_is_said() {
    let mut model = waiting();
    press(&mut model, &[Key::Left, Key::Enter]);
    update(&mut model, Message::Unheard("no space is left".to_owned()));
    assert!(model.waits());
    assert!(drawn(&model, 80, 24).contains("No: no space is left"));
}

#[test]
fn a_worker_that_is_gone_while_it_waited_is_not_hidden_by_the_proof() {
    let mut model = waiting();
    update(&mut model, Message::Failed("the worker is gone".to_owned()));
    let shown = drawn(&model, 80, 24);
    assert!(shown.contains("[ IN BETWEEN, see below ]"), "{shown}");
    assert!(shown.contains("the worker is gone"), "{shown}");
}
