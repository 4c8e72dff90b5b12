//! Draws the model. A step gives its body as lines and says on which of them the focus is; the
//! frame around it, the preview and what lies over it are drawn here.
//!
//! ```text
//!  nim-tls  who and where                              [ nothing changed yet ]
//!  ok Names  > 5/8 Certificates  next: Files                           F1 help
//! ------------------------------------------------------------------------------
//!  body                                         | preview, from 120 columns on
//! - preview: a strip, below 120 columns ------------------------------------------
//! ------------------------------------------------------------------------------
//!  keys, or what was just done or refused
//! ```

mod apply;
mod body;
mod files;
mod form;
mod host;
mod method;
mod overlay;
mod prerequisites;
mod preview;
mod verify;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::words;
use super::model::Model;
use super::pane;
use super::running::Running;
use super::stops::{Stop, focused};
use crate::facts::Known;
use crate::questions::Step;
use crate::receipt::Outcome;
use crate::values::escaped;

use body::Body;

/// Below this there is no room for a step and its preview.
const SMALLEST: (u16, u16) = (72, 20);
/// From this width on the preview stands beside the step.
const SIDE_BY_SIDE: u16 = 120;
/// Lines of the preview where it is a strip.
const STRIP: u16 = 4;

pub(super) fn frame(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        too_small(frame, area);
        return;
    }
    let wide = usize::from(area.width);
    put(frame, row(area, 0), header(model, wide));
    put(frame, row(area, 1), steps(model, wide));
    put(frame, row(area, 2), rule(model, "", wide));
    put(frame, row(area, area.height - 2), rule(model, "", wide));
    put(frame, row(area, area.height - 1), footer(model, wide));
    let middle = Rect {
        x: area.x,
        y: area.y + 3,
        width: area.width,
        height: area.height - 5,
    };
    if model.preview.full {
        preview::draw(model, frame, middle);
    } else {
        step(model, frame, middle);
    }
    if let Some(over) = &model.overlay {
        overlay::draw(model, over, frame, middle);
    }
}

fn too_small(frame: &mut Frame<'_>, area: Rect) {
    let words = [
        "nim-tls: this window is too small.".to_owned(),
        format!(
            "{} by {} would do; 80 by 24 is good.",
            SMALLEST.0, SMALLEST.1
        ),
        "Nothing is lost. Ctrl-C leaves.".to_owned(),
    ];
    for (index, text) in words.into_iter().enumerate() {
        let y = u16::try_from(index).unwrap_or(u16::MAX);
        if y < area.height {
            put(frame, row(area, y), Line::raw(text));
        }
    }
}

/// The step and its preview, in what room there is.
fn step(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    if !pane::is_there(model) {
        return draw_body(
            frame,
            area,
            body(model, usize::from(area.width), area.height),
        );
    }
    if area.width >= SIDE_BY_SIDE {
        let left = Rect {
            width: area.width * 11 / 20,
            ..area
        };
        let right = Rect {
            x: area.x + left.width + 1,
            width: area.width - left.width - 1,
            ..area
        };
        draw_body(
            frame,
            left,
            body(model, usize::from(left.width), left.height),
        );
        return preview::draw(model, frame, right);
    }
    let strip = match model.step {
        Step::Files => area.height / 2,
        // Its form and its tree need the room.
        Step::Certificates if area.height < 24 => STRIP - 1,
        _ => STRIP + 1,
    };
    let (above, below) = (
        Rect {
            height: area.height - strip,
            ..area
        },
        Rect {
            y: area.y + area.height - strip,
            height: strip,
            ..area
        },
    );
    draw_body(
        frame,
        above,
        body(model, usize::from(above.width), above.height),
    );
    preview::draw(model, frame, below);
}

fn body(model: &Model, width: usize, height: u16) -> Body {
    match model.step {
        Step::Host => host::body(model, width),
        Step::Prerequisites => prerequisites::body(model, width),
        Step::Method => method::body(model, width),
        Step::Names | Step::Certificates => form::body(model, width),
        Step::Files => files::body(model, width),
        Step::Apply => apply::body(model, width, usize::from(height)),
        Step::Verify => verify::body(model, width),
    }
}

/// As much of the body as fits, with the focus in sight.
fn draw_body(frame: &mut Frame<'_>, area: Rect, body: Body) {
    let room = usize::from(area.height);
    let first = body.first_shown(room);
    let cursor = body.cursor;
    let lines = body.lines.into_iter().enumerate().skip(first).take(room);
    for (index, line) in lines {
        let y = u16::try_from(index - first).unwrap_or(u16::MAX);
        put(frame, row(area, y), line);
    }
    if let Some((line, column)) = cursor
        && (first..first + room).contains(&line)
    {
        let x = u16::try_from(column)
            .unwrap_or(u16::MAX)
            .min(area.width.saturating_sub(1));
        let y = u16::try_from(line - first).unwrap_or(u16::MAX);
        frame.set_cursor_position((area.x + x, area.y + y));
    }
}

fn row(area: Rect, y: u16) -> Rect {
    Rect {
        y: area.y + y,
        height: 1,
        ..area
    }
}

fn put(frame: &mut Frame<'_>, area: Rect, line: Line<'_>) {
    frame.render_widget(line, area);
}

/// Left and right in one line; the left gives way.
fn both_ends(left: Vec<Span<'static>>, right: Span<'static>, width: usize) -> Line<'static> {
    let taken: usize = left.iter().map(Span::width).sum();
    let room = width.saturating_sub(right.width() + 1);
    let mut line = left;
    if taken > room {
        let text: String = line.iter().map(|span| span.content.as_ref()).collect();
        let style = line.first().map_or_else(Style::new, |span| span.style);
        line = vec![Span::styled(
            text.chars().take(room).collect::<String>(),
            style,
        )];
    } else {
        line.push(Span::raw(" ".repeat(room - taken)));
    }
    line.push(right);
    Line::from(line)
}

fn header(model: &Model, width: usize) -> Line<'static> {
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
    left.push(Span::raw(format!("  {}", whose(model))));
    both_ends(left, Span::styled(format!("[ {state} ]"), style), width)
}

/// Whether anything has been changed.
fn state(model: &Model) -> &'static str {
    let has_proof = model.running.as_ref().is_some_and(Running::has_proof);
    let begun = model.running.as_ref().is_some_and(|run| run.run.is_some());
    let ended = model.running.as_ref().map(|running| &running.ended);
    match ended {
        None => "nothing changed yet",
        // Until the worker speaks, the host is looked at once more.
        Some(None) if !begun => "beginning",
        Some(None) => "CHANGING NOW",
        Some(Some(ended)) if ended.outcome == Outcome::Applied && !has_proof => {
            "CHANGED, not proven"
        }
        Some(Some(ended)) => words::state(ended.outcome),
    }
}

/// Which host this is.
fn whose(model: &Model) -> String {
    let Some(facts) = &model.facts else {
        let run = model.running.as_ref().and_then(|run| run.run.as_ref());
        let run = run.map(|run| format!("run {run}"));
        return run.unwrap_or_else(|| "looking at this host ...".to_owned());
    };
    let mut parts = Vec::new();
    let name = model.entered.get("manager_name");
    // While it is typed, it would push everything after it along the line with each letter.
    if !name.is_empty() && model.step != Step::Names {
        parts.push(escaped(name));
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
    escaped(&parts.join(" - "))
}

fn steps(model: &Model, width: usize) -> Line<'static> {
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
    if let Some(next) = Step::ALL.get(number) {
        spans.push(Span::styled(
            format!("  next: {}", next.title()),
            model.look.dim(),
        ));
    }
    both_ends(spans, Span::raw("F1 help"), width)
}

fn rule(model: &Model, title: &str, width: usize) -> Line<'static> {
    let mark = model.look.rule();
    let head = if title.is_empty() {
        String::new()
    } else {
        format!("{mark} {title} ")
    };
    let rest = width.saturating_sub(head.chars().count());
    Line::styled(format!("{head}{}", mark.repeat(rest)), model.look.dim())
}

/// What was just done or refused, or else which keys do something here.
fn footer(model: &Model, width: usize) -> Line<'static> {
    if let Some(notice) = &model.notice {
        let (mark, style) = if notice.refusal {
            ("No: ", model.look.bad())
        } else {
            ("", model.look.title())
        };
        let text: String = format!(" {mark}{}", escaped(&notice.text));
        return Line::styled(text.chars().take(width).collect::<String>(), style);
    }
    let text: String = format!(" {}", keys(model)).chars().take(width).collect();
    Line::raw(text)
}

fn keys(model: &Model) -> &'static str {
    if model.preview.full {
        return "Up/Down line  Left/Right file  n N change  / find  d diff/file  e why  p back";
    }
    if model.edit.is_some() {
        return "type the answer  Enter next step  Tab next field  Esc leaves the field";
    }
    match (model.step, focused(model)) {
        (Step::Method, _) => {
            "Arrows choose  Enter next  e why this line  p preview  Esc back  q quit"
        }
        (Step::Files, _) => {
            "Up/Down file  n N change  p full  d diff/file  / find  e why  Enter next  Esc"
        }
        (Step::Apply, _)
            if model
                .running
                .as_ref()
                .is_some_and(|run| !Running::is_over(run)) =>
        {
            if model.practice.is_some() {
                "Ctrl-C leaves, and the practice host goes away"
            } else {
                "Enter press  Ctrl-C leaves the screen; the work goes on"
            }
        }
        (Step::Apply, _) => {
            "Left/Right choose  Enter press  Esc back  (Enter alone never starts it)"
        }
        (Step::Verify, _) => "Left/Right choose  Enter press",
        (_, Some(stop)) if stop.is_text() => {
            "Space edits this  Tab next field  Enter next step  Esc back  s save  q quit"
        }
        (_, Some(Stop::Field(_))) => {
            "Left/Right or Space change  Tab next field  Enter next step  Esc back"
        }
        (Step::Prerequisites, _) => {
            "Up/Down move  Enter check again, press  s save  Esc back  q quit"
        }
        _ => "Enter next  F1 help  s save answers  q quit",
    }
}
