//! Each step as it is drawn.

use super::super::super::diagnosis::Examined;
use super::*;
use crate::doctor::{Diagnosis, Evidence, Finding, Severity, Source, rules};
use crate::event::{Event, Happening, StepEnd};
use crate::receipt::Outcome;
use crate::report::Row;

pub(super) fn same(name: &str, shown: &str) {
    insta::with_settings!({
        snapshot_path => "../../../../tests/snapshots",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, shown) });
}

#[test]
fn every_step_at_80_by_24() {
    let mut model = begun();
    same("1-host", &drawn(&model, 80, 24));
    press(&mut model, &[Key::Enter]);
    same("2-prerequisites", &drawn(&model, 80, 24));
    press(&mut model, &[Key::Enter]);
    same("3-method", &drawn(&model, 80, 24));
    press(&mut model, &[Key::Enter]);
    typed(&mut model, "nim.example.com");
    press(&mut model, &[Key::Tab]);
    typed(&mut model, "10.0.0.5, n_m");
    same("4-names", &drawn(&model, 80, 24));
    press(
        &mut model,
        &[Key::Backspace, Key::Backspace, Key::Backspace, Key::Tab],
    );
    typed(&mut model, "web-1.example.com, db-1.example.com");
    press(&mut model, &[Key::Enter]);
    same("5-certificates", &drawn(&model, 80, 24));
    press(&mut model, &[Key::Enter]);
    typed(&mut model, "correct horse");
    press(&mut model, &[Key::Tab]);
    typed(&mut model, "correct horse");
    press(&mut model, &[Key::Enter]);
    same("6-files", &drawn(&model, 80, 24));
    same("6-files-wide", &drawn(&model, 120, 36));
    press(&mut model, &[Key::Enter]);
    same("7-apply", &drawn(&model, 80, 24));
    press(&mut model, &[Key::Right, Key::Enter]);
    same("7-apply-runs", &drawn(running(&mut model), 80, 24));
    let ended = Happening::Ended {
        outcome: Outcome::Applied,
        exit: 0,
        problem: None,
    };
    update(&mut model, Message::Happened(Event { at: 0, what: ended }));
    same("8-verify", &drawn(&model, 80, 24));
}

fn running(model: &mut Model) -> &Model {
    let row = |case: &str, seen: &str, ok| Row {
        leg: "Commander at 127.0.0.1:443".to_owned(),
        case: case.to_owned(),
        expected: "refused".to_owned(),
        seen: seen.to_owned(),
        ok: Some(ok),
        why: None,
    };
    let steps = [
        ("issue", "make the certificates"),
        ("prove", "prove it by connections"),
    ];
    let steps = steps.map(|(id, title)| (id.to_owned(), title.to_owned()));
    for what in [
        Happening::Started {
            run: "2026-01-01-01".parse().unwrap(),
            command: "apply".to_owned(),
            pid: 4711,
            steps: steps.to_vec(),
        },
        Happening::StepEnded {
            step: "issue".to_owned(),
            how: StepEnd::Done,
            detail: "5 certificates".to_owned(),
            milliseconds: 61,
        },
        Happening::StepBegan {
            step: "prove".to_owned(),
        },
        Happening::Proved {
            row: row("no certificate", "nginx: status 16", true),
        },
        Happening::Proved {
            row: row("expired certificate", "nginx: HTTP 400", true),
        },
    ] {
        update(model, Message::Happened(Event { at: 0, what }));
    }
    model
}

#[test]
fn the_running_step_shows_how_long_it_runs() {
    let mut model = at_apply();
    running(&mut model);
    let before = drawn(&model, 80, 24);
    assert!(before.contains("2 connections tried     0s"), "{before}");
    update(&mut model, Message::Second(12));
    let after = drawn(&model, 80, 24);
    assert!(after.contains("2 connections tried    12s"), "{after}");
}

#[test]
fn the_header_loses_whole_parts_and_never_the_blank_before_the_state() {
    let mut model = at_apply();
    model.practice = Some("/tmp/practice".to_owned());
    for (columns, shown) in [
        (120, "nim.example.com - NIM 2.22.2 - nginx 1.26.3  "),
        (90, "(simulated)  nim.example.com - NIM 2.22.2 ["),
        (80, "(simulated)  nim.example.com    "),
        (72, "(simulated)  nim.exa... [ nothing changed yet ]"),
    ] {
        let screen = drawn(&model, columns, 24);
        let header = screen.lines().next().unwrap();
        assert!(header.contains(shown), "{header}");
        assert!(header.ends_with(" [ nothing changed yet ]"), "{header}");
    }
}

#[test]
fn a_body_that_is_cut_says_how_much_more_there_is_and_which_key_leads_there() {
    let mut model = begun();
    press(&mut model, &[Key::Enter]);
    let first = drawn(&model, 80, 24);
    assert!(first.contains("19 checks: "), "{first}");
    assert!(first.contains(" more below: PageDown"), "{first}");
    press(&mut model, &[Key::PageDown]);
    let next = drawn(&model, 80, 24);
    assert!(next.contains("8 more above: PageUp, "), "{next}");
    assert!(next.contains("> [ Next ] <"), "{next}");
    for _ in 0..9 {
        press(&mut model, &[Key::PageDown]);
    }
    let last = drawn(&model, 80, 24);
    assert!(last.contains("Agents are not asked"), "{last}");
    press(&mut model, &[Key::PageUp, Key::PageUp, Key::PageUp]);
    assert_eq!(drawn(&model, 80, 24), first);
}

#[test]
fn the_table_of_the_proof_is_scrolled_and_the_focus_stays_where_it_is() {
    let mut model = at_apply();
    running(&mut model);
    for number in 0..20 {
        let mut row = model.running.as_ref().unwrap().rows[0].clone();
        row.case = format!("case {number}");
        let row = Happening::Proved { row };
        update(&mut model, Message::Happened(Event { at: 0, what: row }));
    }
    let ended = Happening::Ended {
        outcome: Outcome::Applied,
        exit: 0,
        problem: None,
    };
    update(&mut model, Message::Happened(Event { at: 0, what: ended }));
    let shown = drawn(&model, 80, 24);
    assert!(shown.contains(" more below: Down"), "{shown}");
    for _ in 0..99 {
        press(&mut model, &[Key::Down]);
    }
    let shown = drawn(&model, 80, 24);
    assert!(shown.contains("case 19"), "{shown}");
    assert!(shown.contains("PROVEN: 22 of 22"), "{shown}");
    assert!(shown.contains("> [ Done ] <"), "{shown}");
    press(&mut model, &[Key::Up]);
    let shown = drawn(&model, 80, 24);
    assert!(shown.contains("1 below: Down"), "{shown}");
}

#[test]
fn help_and_the_question_before_leaving() {
    let mut model = at_apply();
    press(&mut model, &[Key::F1]);
    same("help", &drawn(&model, 80, 24));
    press(&mut model, &[Key::Esc, Key::Char('q')]);
    same("leave", &drawn(&model, 80, 24));
}

#[test]
fn a_window_that_is_too_small_says_so() {
    let shown = drawn(&begun(), 40, 10);
    assert!(shown.contains("too small"), "{shown}");
    drawn(&begun(), 1, 1);
}

#[test]
fn nothing_outside_ascii_is_drawn_in_ascii() {
    for size in [(80, 24), (120, 36)] {
        let shown = drawn(&at_apply(), size.0, size.1);
        assert!(shown.is_ascii(), "{shown}");
    }
}

#[test]
fn what_the_logs_say() {
    let mut model = begun();
    press(&mut model, &[Key::Char('t')]);
    let finding = |severity| Finding {
        severity,
        count: 12,
        evidence: vec![Evidence {
            file: "/var/log/nginx/error.log".to_owned(),
            line: Some(4711),
            text: "2026/11/26 11:00:00 [info] 30#30: *9 client sent no required SSL certificate \
                   while reading client request headers, client: 10.0.0.9, server: nim.example.com"
                .to_owned(),
        }],
        ..rules()
            .iter()
            .find(|rule| rule.id == "client-certificate-missing")
            .unwrap()
            .finding()
    };
    let diagnosis = Diagnosis {
        findings: vec![finding(Severity::Error), finding(Severity::Info)],
        sources: vec![Source {
            path: "/var/log/nginx-agent/agent.log".to_owned(),
            read: false,
            why: "is not there".to_owned(),
        }],
    };
    let examined = Examined {
        diagnosis,
        standing: None,
        obstacle: None,
    };
    update(&mut model, Message::Examined(Box::new(Ok(examined))));
    same("troubleshoot", &drawn(&model, 80, 24));
    same("troubleshoot-wide", &drawn(&model, 120, 36));
    press(&mut model, &[Key::PageDown, Key::PageDown]);
    let shown = drawn(&model, 80, 24);
    assert!(
        shown.contains("errors: 1, warnings: 0, notes: 1"),
        "{shown}"
    );
}
