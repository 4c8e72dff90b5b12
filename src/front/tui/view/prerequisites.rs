//! Step 2: what has to be so before anything else, with what helps where it is not.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::super::words::today_in_full;
use super::super::model::Model;
use super::super::stops::{Stop, stops};
use super::body::Body;
use crate::prerequisites::{Check, Status};
use crate::questions::in_questions;
use crate::values::escaped;

pub(super) fn body(model: &Model, width: usize) -> Body {
    let mut body = Body::new(model, width);
    let count = |status| {
        model
            .checks
            .iter()
            .filter(|check| check.status == status)
            .count()
    };
    body.text(
        " ",
        &format!(
            "{} checks: {} stop you, {} you should know, {} unclear, {} fine.",
            model.checks.len(),
            count(Status::Failed),
            count(Status::Warning),
            count(Status::Unknown),
            count(Status::Ok),
        ),
    );
    body.gap();
    let all = stops(model);
    let focused = all.get(model.focus.min(all.len().saturating_sub(1)));
    for (index, check) in model.checks.iter().enumerate() {
        if check.status == Status::Ok {
            continue;
        }
        let here = matches!(focused, Some(Stop::Check(at)) if *at == index);
        attention(&mut body, model, check, here);
    }
    if body.lines.len() > 2 {
        body.gap();
    }
    let fine: Vec<&Check> = model
        .checks
        .iter()
        .filter(|check| check.status == Status::Ok)
        .collect();
    // Two in a row where they fit, and those that do not have one for themselves.
    let column = width / 2 - 9;
    let fits = |check: &&Check| escaped(&words(check)).chars().count() <= column;
    let (short, long): (Vec<&Check>, Vec<&Check>) = fine.into_iter().partition(fits);
    for pair in short.chunks(2) {
        let cells: Vec<String> = pair
            .iter()
            .map(|check| format!(" [ ok ] {:<column$}", escaped(&words(check))))
            .collect();
        body.line(Line::styled(cells.concat(), model.look.dim()));
    }
    for check in long {
        body.styled(" [ ok ] ", &words(check), model.look.dim());
    }
    if let Some(facts) = &model.facts {
        body.gap();
        body.rule("Today");
        body.text(" ", &today_in_full(facts));
    }
    body.gap();
    body.foot_begins();
    body.buttons(model);
    body
}

/// The title, and what was found.
fn words(check: &Check) -> String {
    format!("{}: {}", check.title, check.detail)
}

fn attention(body: &mut Body, model: &Model, check: &Check, here: bool) {
    let (mark, style) = match check.status {
        Status::Failed => ("[STOP]", model.look.bad()),
        Status::Warning => ("[KNOW]", model.look.warning()),
        Status::Unknown => ("[ ?? ]", model.look.dim()),
        Status::Ok => ("[ ok ]", Style::new()),
    };
    if here {
        body.focus_here();
    }
    let title = if here {
        model.look.focus()
    } else {
        model.look.title()
    };
    body.line(Line::from(vec![
        Span::raw(if here { ">" } else { " " }),
        Span::styled(mark, style),
        Span::raw(" "),
        Span::styled(check.title, title),
    ]));
    body.text("        ", &check.detail);
    if let Some(remedy) = &check.remedy {
        body.text("        do: ", &in_questions(remedy));
    }
}
