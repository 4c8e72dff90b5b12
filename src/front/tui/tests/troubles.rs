//! What is done about what was found, and what becomes of the answers meanwhile.

use super::super::super::diagnosis::Examined;
use super::super::super::session;
use super::super::super::standing::Standing;
use super::super::model::{Overlay, Task};
use super::*;
use crate::answers::Goal;
use crate::doctor::{Diagnosis, Finding, Offer, rules};
use crate::event::{Event, Happening};
use crate::questions::Step;
use crate::receipt::Outcome;

const KEPT: &str = "version: 1\nrole: manager\ngeneration: nim2\nproxy: nginx-oss\n\
                    method: ssl-termination\nmanager_name: kept.example.com\n\
                    certificates: {ca_key: {keep: plaintext}}\n";

/// One finding, for which this is offered.
fn examined(id: &str, offer: Offer, standing: Option<Standing>) -> Message {
    let rules = rules();
    let rule = rules.iter().find(|rule| rule.id == id).unwrap();
    let mut finding: Finding = rule.finding();
    finding.fix.offer = Some(offer);
    Message::Examined(Box::new(Ok(Examined {
        diagnosis: Diagnosis {
            findings: vec![finding],
            sources: Vec::new(),
        },
        standing,
        obstacle: None,
    })))
}

fn of_before() -> Standing {
    Standing {
        text: KEPT.to_owned(),
        goal: session::checked(KEPT.as_bytes(), "kept").unwrap(),
        agents: std::collections::BTreeSet::new(),
    }
}

fn raises(model: &mut Model) -> Vec<Effect> {
    press(model, &[Key::Char('t')]);
    update(model, examined("log-level-hides", Offer::RaisedLevel, None));
    press(model, &[Key::Char('m')])
}

#[test]
fn answers_of_before_take_the_place_of_others_only_when_asked_twice() {
    let mut model = at_apply();
    press(&mut model, &[Key::Char('t')]);
    update(
        &mut model,
        examined("configuration-refused", Offer::Answers, Some(of_before())),
    );
    assert!(press(&mut model, &[Key::Enter]).is_empty());
    assert_eq!(model.entered.get("manager_name"), "nim.example.com");
    assert!(drawn(&model, 80, 24).contains("would take the place of yours"));
    // Somebody thinks better of it, and is asked again the next time.
    press(&mut model, &[Key::Esc, Key::Char('t')]);
    update(
        &mut model,
        examined("configuration-refused", Offer::Answers, Some(of_before())),
    );
    press(&mut model, &[Key::Enter]);
    assert_eq!(model.entered.get("manager_name"), "nim.example.com");
    let effects = press(&mut model, &[Key::Enter]);
    assert!(matches!(&effects[..], [Effect::Look(Some(_))]));
    assert_eq!(model.entered.get("manager_name"), "kept.example.com");
    assert_eq!(model.step, Step::Files);
}

#[test]
fn before_anything_was_answered_nothing_is_asked() {
    let mut model = begun();
    press(&mut model, &[Key::Char('t')]);
    update(
        &mut model,
        examined("configuration-refused", Offer::Answers, Some(of_before())),
    );
    assert_eq!(press(&mut model, &[Key::Enter]).len(), 1);
    assert_eq!(model.entered.get("manager_name"), "kept.example.com");
}

#[test]
fn a_level_is_raised_beside_the_answers_and_esc_leads_back_to_them() {
    let mut model = at_apply();
    let effects = raises(&mut model);
    let [Effect::Look(Some(goal))] = &effects[..] else {
        panic!("the host is to be looked at for it");
    };
    assert_eq!(**goal, Goal::LogLevel);
    assert_eq!((model.step, model.task), (Step::Files, Task::LogLevel));
    let mut found = facts();
    found.live = false;
    update(&mut model, Message::Looked(Box::new(found)));
    // The sample is a folder, in which no level can be raised; that is said, and nothing else done.
    assert!(drawn(&model, 80, 24).contains("this is a folder"));
    press(&mut model, &[Key::Esc]);
    assert_eq!(
        (model.step, model.task),
        (Step::Certificates, Task::Answers)
    );
    assert_eq!(model.entered.get("manager_name"), "nim.example.com");
    assert!(model.outlook.plan().is_some());
}

#[test]
fn while_a_run_is_at_work_nothing_else_is_begun() {
    let mut model = at_apply();
    press(&mut model, &[Key::Right, Key::Enter]);
    assert!(raises(&mut model).is_empty());
    assert_eq!((model.step, model.task), (Step::Apply, Task::Answers));
    assert!(matches!(model.overlay, Some(Overlay::Troubleshoot(_))));
}

#[test]
fn what_came_while_the_log_told_more_is_read_when_that_is_over() {
    let mut model = begun();
    let mut tell =
        |at: i64, what: Happening| update(&mut model, Message::Happened(Event { at, what }));
    let steps = ["test", "place", "reload"].map(|id| (id.to_owned(), id.to_owned()));
    tell(
        100,
        Happening::Started {
            run: "2026-11-28-01".parse().unwrap(),
            command: "doctor --fix".to_owned(),
            pid: 7,
            steps: steps.to_vec(),
        },
    );
    tell(101, Happening::Waiting { seconds: 300 });
    let effects = tell(
        401,
        Happening::Ended {
            outcome: Outcome::RolledBack,
            exit: 6,
            problem: None,
        },
    );
    assert!(matches!(&effects[..], [Effect::Examine(Some(100), _)]));
}
