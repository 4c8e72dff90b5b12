//! The rows above the step: who and where, whether anything has been changed, which step this is,
//! and how to get back.

use ratatui::text::{Line, Span};

use super::super::super::words;
use super::super::model::Model;
use super::super::running::Running;
use super::shortened;
use crate::facts::Known;
use crate::questions::Step;
use crate::receipt::Outcome;
use crate::report::Standing;
use crate::values::escaped;

pub(super) fn header(model: &Model, width: usize) -> Line<'static> {
    let state = state(model);
    let style = if model.running.is_some() {
        model.look.warning()
    } else {
        model.look.title()
    };
    let mut left = vec![Span::styled(" nim-tls", model.look.title())];
    if model.practice.is_some() {
        left.push(Span::styled(
            "  practice host (simulated)",
            model.look.warning(),
        ));
    }
    let keep = left.len() + 1;
    for (index, part) in whose(model).into_iter().enumerate() {
        let before = if index == 0 { "  " } else { " - " };
        left.push(Span::raw(format!("{before}{}", escaped(&part))));
    }
    let state = Span::styled(format!("[ {state} ]"), style);
    both_ends(left, keep, state, width)
}

/// Whether anything has been changed.
fn state(model: &Model) -> String {
    if let Some(running) = &model.running
        && let Some(until) = running.until
    {
        let left = until.saturating_sub(running.now).max(0);
        return format!("CHANGED, back in {}:{:02}", left / 60, left % 60);
    }
    said(model).to_owned()
}

fn said(model: &Model) -> &'static str {
    let has_proof = model.running.as_ref().is_some_and(Running::has_proof);
    let begun = model.running.as_ref().is_some_and(|run| run.run.is_some());
    let ended = model.running.as_ref().map(|running| &running.ended);
    match ended {
        None => "nothing changed yet",
        // Until the worker speaks, the host is looked at once more.
        Some(None) if !begun => "beginning",
        Some(None) => "CHANGING NOW",
        Some(Some(ended)) if ended.outcome == Outcome::Applied && !has_proof => {
            let handed_out = model.running.as_ref().is_some_and(Running::hands_out);
            if handed_out && !model.awaited().is_empty() {
                "requests written"
            } else if handed_out {
                "certificates made"
            } else {
                "CHANGED, not proven"
            }
        }
        Some(Some(ended)) if ended.outcome == Outcome::Applied && not_enforced(model) => {
            "CHANGED, NOT ENFORCED"
        }
        Some(Some(ended)) => words::state(ended.outcome),
    }
}

fn not_enforced(model: &Model) -> bool {
    let rows = model.running.as_ref().map(|running| &running.rows);
    rows.is_some_and(|rows| Standing::of(rows) == Standing::NotEnforced)
}

/// Which host this is, the most important first.
fn whose(model: &Model) -> Vec<String> {
    let Some(facts) = &model.facts else {
        let run = model.running.as_ref().and_then(|run| run.run.as_ref());
        let run = run.map(|run| format!("run {run}"));
        return vec![run.unwrap_or_else(|| "looking at this host ...".to_owned())];
    };
    let mut parts = Vec::new();
    let name = model.entered.get("manager_name");
    // While it is typed, it would push everything after it along the line with each letter.
    if !name.is_empty() && model.step != Step::Names {
        parts.push(name.to_owned());
    }
    if let Known::Is(nim) = &facts.nim {
        let version = nim.version.as_deref().unwrap_or("2, version unknown");
        // What comes after the hyphen is the package's, not the product's.
        parts.push(format!(
            "NIM {}",
            version.split('-').next().unwrap_or(version)
        ));
    }
    if let Known::Is(nginx) = &facts.nginx {
        parts.push(nginx.build.to_string());
    }
    parts
}

pub(super) fn steps(model: &Model, width: usize) -> Line<'static> {
    let number = model.step.number();
    let mut spans = vec![Span::raw(" ")];
    if let Some(before) = number.checked_sub(2).map(|index| Step::ALL[index]) {
        spans.push(Span::styled(
            format!("{} {}  ", model.look.done(), before.title()),
            model.look.dim(),
        ));
    }
    spans.push(Span::styled(
        format!(
            "{} {number}/{} {}",
            model.look.here(),
            Step::ALL.len(),
            model.step.title()
        ),
        model.look.title(),
    ));
    let is_over = model.running.as_ref().is_some_and(Running::is_over);
    if let Some(next) = Step::ALL.get(number).filter(|_| !is_over) {
        spans.push(Span::styled(
            format!("  next: {}", next.title()),
            model.look.dim(),
        ));
    }
    both_ends(spans, 2, Span::raw("F1 help"), width)
}

/// That nothing is written yet, and how to get back later. It is the same on every step, so that
/// it costs nothing to be there.
pub(super) fn promise(model: &Model, width: usize) -> String {
    if model.running.is_some() {
        return String::new();
    }
    let back = if model.practice.is_some() {
        "a button on step 8".to_owned()
    } else {
        model.way_back()
    };
    let promise = "nothing is written before the yes of step 7";
    let whole = format!("{promise}; way back: {}", escaped(&back));
    if whole.chars().count() + 4 <= width {
        whole
    } else {
        promise.to_owned()
    }
}

/// Left and right in one line, with a blank between. Where there is no room, the left loses its
/// last parts, all but `keep`, and the last that is left its end.
fn both_ends(
    mut left: Vec<Span<'static>>,
    keep: usize,
    right: Span<'static>,
    width: usize,
) -> Line<'static> {
    let room = width.saturating_sub(right.width() + 2);
    let taken = |left: &[Span<'_>]| left.iter().map(Span::width).sum::<usize>();
    while left.len() > keep && taken(&left) > room {
        left.pop();
    }
    let too_much = taken(&left).saturating_sub(room);
    if let Some(last) = left.last_mut().filter(|_| too_much > 0) {
        let own = last.width().saturating_sub(too_much);
        last.content = shortened(&last.content, own).into();
    }
    let blanks = (room + 1).saturating_sub(taken(&left));
    left.push(Span::raw(" ".repeat(blanks)));
    left.push(right);
    Line::from(left)
}
