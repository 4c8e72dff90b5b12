//! What keys do, step by step.

use super::super::model::Overlay;
use super::*;
use crate::event::{Event, Happening};
use crate::questions::Step;
use crate::receipt::Outcome;

#[test]
fn the_whole_way_takes_at_most_thirteen_keys_besides_what_is_typed() {
    let mut model = begun();
    let mut count = 0;
    let mut push = |model: &mut Model, keys: &[Key]| {
        count += keys.len();
        press(model, keys)
    };
    push(&mut model, &[Key::Enter, Key::Enter, Key::Enter]);
    assert_eq!(model.step, Step::Names);
    typed(&mut model, "nim.example.com");
    push(&mut model, &[Key::Enter]);
    // A passphrase is needed, so Enter goes to it.
    push(&mut model, &[Key::Enter]);
    typed(&mut model, "correct horse");
    push(&mut model, &[Key::Tab]);
    typed(&mut model, "correct horse");
    push(&mut model, &[Key::Enter]);
    assert_eq!(model.step, Step::Files);
    push(&mut model, &[Key::Enter]);
    assert_eq!(model.step, Step::Apply);
    let effects = push(&mut model, &[Key::Right, Key::Enter]);
    assert!(matches!(&effects[..], [Effect::Start { .. }]));
    assert!(count <= 13, "{count}");
}

#[test]
fn enter_alone_never_starts_the_work() {
    let mut model = at_apply();
    assert_eq!(model.step, Step::Apply);
    let effects = press(&mut model, &[Key::Enter]);
    assert!(effects.is_empty());
    assert_eq!(model.step, Step::Files);
}

#[test]
fn in_a_text_field_every_letter_is_text() {
    let mut model = begun();
    press(&mut model, &[Key::Enter, Key::Enter, Key::Enter]);
    let before = model.entered.get("manager_name").to_owned();
    let effects = press(
        &mut model,
        &"sq?/ntdphjkl e ".chars().map(Key::Char).collect::<Vec<_>>(),
    );
    assert!(effects.is_empty() && model.overlay.is_none());
    assert_eq!(
        model.entered.get("manager_name"),
        format!("{before}sq?/ntdphjkl e")
    );
    // Esc leaves the field and keeps what was typed; then letters are commands.
    press(&mut model, &[Key::Esc]);
    assert_eq!(model.step, Step::Names);
    press(&mut model, &[Key::Char('?')]);
    assert!(model.overlay.is_some());
}

#[test]
fn a_field_that_will_not_do_is_said_while_typing_and_holds_enter() {
    let mut model = begun();
    press(&mut model, &[Key::Enter, Key::Enter, Key::Enter]);
    typed(&mut model, " nim;x");
    assert!(
        drawn(&model, 80, 24).contains("! "),
        "{}",
        drawn(&model, 80, 24)
    );
    press(&mut model, &[Key::Enter]);
    assert_eq!(model.step, Step::Names);
    assert!(model.notice.as_ref().unwrap().refusal);
}

#[test]
fn back_and_on_again_keeps_every_answer() {
    let mut model = at_apply();
    let before = model.entered.clone();
    for _ in 0..20 {
        press(&mut model, &[Key::Esc]);
    }
    assert_eq!(model.step, Step::Host);
    assert_eq!(model.entered, before);
}

#[test]
fn a_cell_that_is_not_there_says_why() {
    let mut model = begun();
    press(&mut model, &[Key::Enter, Key::Enter]);
    press(&mut model, &[Key::Right, Key::Enter]);
    assert_eq!(model.step, Step::Method);
    assert!(
        model
            .notice
            .as_ref()
            .unwrap()
            .text
            .starts_with("not here: ")
    );
    press(&mut model, &[Key::Left, Key::Left, Key::Char(' ')]);
    assert!(model.notice.as_ref().unwrap().text.starts_with("N/A: "));
}

#[test]
fn the_passphrase_is_nowhere_but_in_the_effect() {
    let mut model = at_apply();
    for size in [(80, 24), (120, 36)] {
        assert!(!drawn(&model, size.0, size.1).contains("correct horse"));
    }
    assert!(!model.entered.to_yaml().contains("correct horse"));
    let effects = press(&mut model, &[Key::Right, Key::Enter]);
    let [Effect::Start { passphrase, .. }] = &effects[..] else {
        panic!("nothing was started");
    };
    assert_eq!(passphrase.as_str(), "correct horse");
    assert!(model.secret.first.is_empty() && model.secret.again.is_empty());
}

#[test]
fn while_the_work_goes_on_esc_only_says_so_and_ctrl_c_leaves() {
    let mut model = at_apply();
    press(&mut model, &[Key::Right, Key::Enter]);
    assert!(press(&mut model, &[Key::Esc]).is_empty());
    assert_eq!(model.step, Step::Apply);
    assert!(model.notice.is_some());
    let effects = press(&mut model, &[Key::CtrlC]);
    assert!(matches!(&effects[..], [Effect::Quit(130)]));
}

fn happened(model: &mut Model, what: Happening) -> Vec<Effect> {
    update(model, Message::Happened(Event { at: 0, what }))
}

#[test]
fn what_can_be_handed_out_first_is_made_without_touching_a_service() {
    let mut model = begun();
    press(&mut model, &[Key::Enter, Key::Enter, Key::Enter]);
    typed(&mut model, "nim.example.com");
    press(&mut model, &[Key::Tab, Key::Tab]);
    typed(&mut model, "web-1.example.com");
    press(&mut model, &[Key::Enter]);
    press(&mut model, &[Key::Right, Key::Enter, Key::Enter]);
    assert_eq!(model.step, Step::Apply);
    let shown = drawn(&model, 80, 24);
    assert!(shown.contains("[ Issue and hand out only ]"), "{shown}");
    let effects = press(&mut model, &[Key::Right, Key::Enter]);
    let [Effect::Start { plan, .. }] = &effects[..] else {
        panic!("nothing was started");
    };
    let steps: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(steps, ["issue", "place"]);
}

#[test]
fn a_run_that_is_applied_leads_to_the_proof_and_can_be_put_back_from_there() {
    let mut model = at_apply();
    press(&mut model, &[Key::Right, Key::Enter]);
    begins(&mut model, "apply");
    let effects = happened(
        &mut model,
        Happening::Ended {
            outcome: Outcome::Applied,
            exit: 0,
            problem: None,
        },
    );
    assert_eq!(model.step, Step::Verify);
    // Who has come back is looked at.
    assert!(matches!(&effects[..], [Effect::Look(_)]));
    let effects = press(&mut model, &[Key::Right, Key::Enter]);
    assert!(matches!(&effects[..], [Effect::PutBack(_)]));
    // Where that cannot begin, the screen goes on saying that this host was changed.
    update(
        &mut model,
        Message::Failed("another run is at work".to_owned()),
    );
    assert_eq!(model.step, Step::Verify);
    assert!(drawn(&model, 80, 24).contains("[ CHANGED, proven ]"));
    begins(&mut model, "rollback");
    assert_eq!(model.step, Step::Apply);
    assert!(drawn(&model, 80, 24).contains("[ CHANGING NOW ]"));
    model.tell("Putting everything back ...");
    happened(
        &mut model,
        Happening::Ended {
            outcome: Outcome::RolledBack,
            exit: 0,
            problem: None,
        },
    );
    let shown = drawn(&model, 80, 24);
    assert!(shown.contains("Every file is back as it was."), "{shown}");
    assert!(!shown.contains("Putting everything back"), "{shown}");
}

fn begins(model: &mut Model, command: &str) {
    happened(
        model,
        Happening::Started {
            run: "2026-01-01-01".parse().unwrap(),
            command: command.to_owned(),
            pid: 4711,
            steps: vec![("prove".to_owned(), "prove it".to_owned())],
        },
    );
}

#[test]
fn a_worker_that_is_gone_leaves_a_screen_that_goes_on_saying_so() {
    let mut model = at_apply();
    press(&mut model, &[Key::Right, Key::Enter]);
    begins(&mut model, "apply");
    update(&mut model, Message::Failed("the worker is gone".to_owned()));
    press(&mut model, &[Key::Tab]);
    let shown = drawn(&model, 80, 24);
    assert!(shown.contains("[ IN BETWEEN, see below ]"), "{shown}");
    assert!(shown.contains("the worker is gone"), "{shown}");
    assert!(matches!(
        &press(&mut model, &[Key::Enter])[..],
        [Effect::Quit(4)]
    ));
}

/// Red where a command that is shown acts on the machine around the tree.
#[test]
fn what_helps_after_a_run_on_a_tree_names_the_tree() {
    let mut model = at_apply();
    model.outward = Outward::new(Some("/mnt/x".to_owned()), " --root /mnt/x".to_owned());
    begins(&mut model, "apply");
    let problem = "it is locked\n  do: chattr -i /etc/a; nim-tls history".to_owned();
    happened(
        &mut model,
        Happening::Ended {
            outcome: Outcome::Refused,
            exit: 1,
            problem: Some(problem),
        },
    );
    let shown = drawn(&model, 120, 36);
    assert!(shown.contains("chattr -i /mnt/x/etc/a"), "{shown}");
    assert!(shown.contains("nim-tls history --root /mnt/x"), "{shown}");
}

#[test]
fn a_run_that_failed_stays_in_sight_with_its_reason_and_its_exit_code() {
    let mut model = at_apply();
    press(&mut model, &[Key::Right, Key::Enter]);
    happened(
        &mut model,
        Happening::Ended {
            outcome: Outcome::Refused,
            exit: 3,
            problem: Some("nginx would not".to_owned()),
        },
    );
    assert_eq!(model.step, Step::Apply);
    assert!(drawn(&model, 80, 24).contains("nginx would not"));
    let effects = press(&mut model, &[Key::Enter]);
    assert!(matches!(&effects[..], [Effect::Quit(3)]));
}

#[test]
fn saving_gives_the_answers_file_that_apply_takes() {
    let mut model = at_apply();
    let effects = press(&mut model, &[Key::Char('s'), Key::Enter]);
    let [Effect::Save { file, text }] = &effects[..] else {
        panic!("nothing is saved");
    };
    assert_eq!(file.to_str(), Some("answers.yaml"));
    let again = Entered::from_yaml(text).unwrap();
    assert_eq!(again.check(), model.entered.check());
}

#[test]
fn what_is_pasted_is_text_and_never_a_command() {
    let mut model = begun();
    update(&mut model, Message::Pasted("q\n".to_owned()));
    assert_eq!(model.step, Step::Host);
    press(&mut model, &[Key::Enter, Key::Enter, Key::Enter]);
    for _ in 0..40 {
        press(&mut model, &[Key::Backspace]);
    }
    update(&mut model, Message::Pasted("nim.example.com\n".to_owned()));
    assert_eq!(model.step, Step::Names);
    assert_eq!(model.entered.get("manager_name"), "nim.example.com");
}

#[test]
fn a_run_that_was_cut_short_is_put_back_or_left() {
    let mut model = begun();
    model.overlay = Some(Overlay::CutShort(
        "2026-01-01-01".parse().unwrap(),
        "run 2026-01-01-01 was cut short".to_owned(),
    ));
    let shown = drawn(&model, 80, 24);
    assert!(shown.contains("run 2026-01-01-01 was cut short"), "{shown}");
    assert!(press(&mut model, &[Key::Char('x'), Key::Tab]).is_empty());
    assert!(model.overlay.is_some());
    let effects = press(&mut model, &[Key::Enter]);
    assert!(matches!(&effects[..], [Effect::PutBack(_)]));
    model.overlay = Some(Overlay::CutShort(
        "2026-01-01-01".parse().unwrap(),
        String::new(),
    ));
    let effects = press(&mut model, &[Key::Char('q')]);
    assert!(matches!(&effects[..], [Effect::Quit(5)]));
}

#[test]
fn the_logs_are_read_from_every_step_and_any_other_key_closes_what_they_say() {
    let mut model = begun();
    for _ in 0..3 {
        let effects = press(&mut model, &[Key::Char('t')]);
        let [Effect::Examine(None, first)] = &effects[..] else {
            panic!("nothing is examined");
        };
        update(&mut model, Message::Reading("error.log: 7 %".to_owned()));
        update(&mut model, Message::Seen("A client came".to_owned()));
        let shown = drawn(&model, 80, 24);
        for words in ["Reading the logs", "error.log: 7 %", "seen: A client came"] {
            assert!(shown.contains(words), "{shown}");
        }
        assert!(first.is_so());
        // Looked at again: nobody waits for the first any more.
        let effects = press(&mut model, &[Key::Down, Key::Enter]);
        let [Effect::Examine(None, second)] = &effects[..] else {
            panic!("nothing is examined");
        };
        assert!(!first.is_so() && second.is_so());
        assert!(!drawn(&model, 80, 24).contains("7 %"));
        press(&mut model, &[Key::Down]);
        assert!(second.is_so());
        press(&mut model, &[Key::Esc]);
        assert_eq!(model.overlay, None);
        assert!(!second.is_so());
        press(&mut model, &[Key::Enter]);
    }
}

#[test]
fn a_proof_that_fails_opens_what_the_logs_say_since_it_began() {
    let mut model = at_apply();
    press(&mut model, &[Key::Right, Key::Right, Key::Enter]);
    let row = crate::report::Row {
        leg: "Commander at 127.0.0.1:443".to_owned(),
        case: "no certificate".to_owned(),
        expected: "refused".to_owned(),
        seen: "grpc-status 12".to_owned(),
        ok: Some(false),
        why: None,
    };
    let started = Happening::Started {
        run: "2026-01-01-01".parse().unwrap(),
        command: "apply".to_owned(),
        pid: 4711,
        steps: Vec::new(),
    };
    let ended = Happening::Ended {
        outcome: Outcome::RolledBack,
        exit: 3,
        problem: Some("the proof failed".to_owned()),
    };
    let mut effects = Vec::new();
    for (at, what) in [
        (1000, started),
        (1010, Happening::Proved { row }),
        (1020, ended),
    ] {
        effects = update(&mut model, Message::Happened(Event { at, what }));
    }
    assert!(matches!(&effects[..], [Effect::Examine(Some(1000), _)]));
    let shown = drawn(&model, 80, 24);
    assert!(
        shown.contains("The proof: Commander at 127.0.0.1:443, no certificate"),
        "{shown}"
    );
    assert!(shown.contains("put back as it was"), "{shown}");
}
