//! Step 7: asks, and then shows how it goes.

use ratatui::style::Style;

use super::super::super::words;
use super::super::model::Model;
use super::super::running::{Running, StepState};
use super::super::stops::{Button, Stop, stops};
use super::body::Body;
use crate::error::Exit;
use crate::event::StepEnd;
use crate::receipt::Outcome;
use crate::values::escaped;

pub(super) fn body(model: &Model, width: usize, room: usize) -> Body {
    match &model.running {
        None => asks(model, width),
        Some(running) => runs(model, running, width, room),
    }
}

fn asks(model: &Model, width: usize) -> Body {
    let mut body = Body::new(model, width);
    let Some(plan) = model.outlook.plan() else {
        body.text(
            " ",
            "There is no plan that could be carried out; go back to Files, which says why.",
        );
        body.gap();
        body.buttons(model);
        return body;
    };
    if plan.is_empty() {
        for line in words::nothing_to_do(plan).lines() {
            body.text(" ", line);
        }
        body.gap();
        body.buttons(model);
        return body;
    }
    body.text(
        " ",
        "Nothing has been changed so far. On yes, in this order:",
    );
    for (number, step) in (1..).zip(&plan.steps) {
        let title = titled(model, &step.id, &step.title);
        body.text(&format!("  {number:>2} "), &title);
    }
    body.rule("What people will notice");
    for (who, what) in words::noticed(model.facts.as_ref(), &model.entered, plan) {
        body.text(&format!(" {who:<9} "), &what);
    }
    body.gap();
    let mut fears = words::if_it_fails(plan);
    if model.practice.is_none() {
        fears = format!("{fears} {}", words::IF_THE_LINE_DROPS);
    }
    body.text(" ", &fears);
    if stops(model)
        .iter()
        .any(|stop| matches!(stop, Stop::Button(Button::HandOut)))
    {
        body.text(" ", words::HAND_OUT);
    }
    body.gap();
    body.foot_begins();
    body.buttons(model);
    body
}

/// The title of a step, with a word where it is not real.
fn titled(model: &Model, step: &str, title: &str) -> String {
    let word = if model.simulates(step) {
        " (simulated)"
    } else {
        ""
    };
    format!("{title}{word}")
}

fn runs(model: &Model, running: &Running, width: usize, room: usize) -> Body {
    let mut body = Body::new(model, width);
    steps(&mut body, model, running);
    // Once it is over, the last lines say how it ended.
    let going_back = running.putting_back.as_ref();
    if let Some(why) = going_back.filter(|_| !running.is_over()) {
        body.gap();
        body.styled(
            " ! ",
            &format!("Everything is being put back, because {why}"),
            model.look.bad(),
        );
    }
    match &running.ended {
        None => {
            let left = room.saturating_sub(body.lines.len() + 5);
            let said = running.said.iter().rev().take(left.min(4));
            for line in said.collect::<Vec<_>>().into_iter().rev() {
                body.styled("    ", line, model.look.dim());
            }
            body.gap();
            body.text(" ", &model.without_screen());
        }
        Some(ended) => {
            body.gap();
            let mut style = Style::new();
            let is_back = ended.outcome == Outcome::RolledBack
                && [Exit::Done as u8, Exit::NotKept as u8].contains(&ended.exit);
            if ended.exit != 0 && !is_back {
                style = model.look.bad();
            }
            let words = if is_back {
                "Every file is back as it was.".to_owned()
            } else {
                format!("Ended: {}.", ended.outcome)
            };
            body.styled(" ", &words, style);
            if let Some(problem) = &ended.problem {
                body.text("   ", problem);
            }
            for row in running.rows.iter().filter(|row| row.ok == Some(false)) {
                body.styled(
                    "   NOT ",
                    &format!(
                        "{}, {}: expected {}, seen {}",
                        row.leg, row.case, row.expected, row.seen
                    ),
                    model.look.bad(),
                );
            }
        }
    }
    body.gap();
    body.foot_begins();
    body.buttons(model);
    body
}

/// The steps in columns: what it is, what came of it, how long it took or takes so far.
fn steps(body: &mut Body, model: &Model, running: &Running) {
    let look = model.look;
    let mut rows = Vec::new();
    for step in &running.steps {
        let plain = Style::new();
        let (mark, style, result, time) = match &step.state {
            StepState::ToCome => (("..", look.dim()), look.dim(), String::new(), String::new()),
            StepState::Going { since } => (
                (look.here(), look.title()),
                look.title(),
                progress(running),
                format!("{}s", running.now.saturating_sub(*since).max(0)),
            ),
            StepState::Over {
                how,
                detail,
                milliseconds,
            } => {
                let hundredths = milliseconds % 1000 / 10;
                // Without a blank, so that no line ends before the unit.
                let time = format!("{}.{hundredths:02}s", milliseconds / 1000);
                let detail = escaped(detail);
                match how {
                    StepEnd::Done => (look.mark(Some(true)), plain, detail, time),
                    StepEnd::Warned => (
                        (look.done(), look.warning()),
                        look.warning(),
                        format!("with a warning: {detail}"),
                        time,
                    ),
                    StepEnd::Skipped => {
                        let detail = format!("skipped: {detail}");
                        (look.mark(None), look.dim(), detail, String::new())
                    }
                    StepEnd::Failed => (look.mark(Some(false)), look.bad(), detail, time),
                }
            }
        };
        let title = escaped(&titled(model, &step.id, &step.title));
        rows.push((mark, style, vec![title, result, time]));
    }
    let texts: Vec<&[String]> = rows.iter().map(|(_, _, texts)| &texts[..]).collect();
    let columns = body.columns(&texts);
    for (mark, style, texts) in &rows {
        body.row(*mark, *style, &columns, texts, true);
    }
}

fn progress(running: &Running) -> String {
    match running.rows.len() {
        0 => String::new(),
        tried => format!("{tried} connections tried"),
    }
}
