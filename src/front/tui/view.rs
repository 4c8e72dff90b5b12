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
mod keys;
mod method;
mod overlay;
mod prerequisites;
mod preview;
mod verify;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::words;
use super::model::Model;
use super::pane;
use super::running::Running;
use crate::facts::Known;
use crate::questions::Step;
use crate::receipt::Outcome;
use crate::values::{cell, escaped};

use body::Body;

/// Below this there is no room for a step and its preview.
const SMALLEST: (u16, u16) = (72, 20);
/// From this width on the preview stands beside the step.
const SIDE_BY_SIDE: u16 = 120;
/// Rows of the frame around the middle of the screen.
const AROUND: u16 = 5;
/// Lines of the preview where it is a strip.
const STRIP: u16 = 4;
/// Lines of a notice, at most.
const NOTICE: usize = 4;
/// Rows that step 3 needs to say all it has to say.
const METHOD: u16 = 15;

pub(super) fn frame(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        too_small(frame, area);
        return;
    }
    let wide = usize::from(area.width);
    put(frame, row(area, 0), header(model, wide));
    put(frame, row(area, 1), steps(model, wide));
    put(
        frame,
        row(area, 2),
        rule(model, &promise(model, wide), wide),
    );
    let footer = footer(model, wide);
    let more = u16::try_from(footer.len() - 1).unwrap_or(u16::MAX);
    let middle = Rect {
        x: area.x,
        y: area.y + 3,
        width: area.width,
        height: area.height - AROUND - more,
    };
    put(frame, row(area, middle.bottom()), rule(model, "", wide));
    for (y, line) in (middle.bottom() + 1..area.bottom()).zip(footer) {
        put(frame, row(area, y), line);
    }
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
        // Where that leaves less than three lines of it, `p` shows the preview.
        Step::Method => match area.height.saturating_sub(METHOD) {
            0..STRIP => 0,
            rest => rest,
        },
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
    if strip > 0 {
        preview::draw(model, frame, below);
    }
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

/// Where the lines of this step begin after a key that scrolls them by so many.
pub(super) fn scrolled(model: &Model, by: isize) -> usize {
    let width = model.size.0.max(SMALLEST.0);
    let height = model.size.1.max(SMALLEST.1) - AROUND;
    body(model, usize::from(width), height).scrolled(usize::from(height), by)
}

/// As much of the body as fits, with the focus in sight.
fn draw_body(frame: &mut Frame<'_>, area: Rect, body: Body) {
    let (lines, cursor) = body.shown(usize::from(area.height));
    for (y, line) in (0..area.height).zip(lines) {
        put(frame, row(area, y), line);
    }
    if let Some((line, column)) = cursor {
        let x = u16::try_from(column)
            .unwrap_or(u16::MAX)
            .min(area.width.saturating_sub(1));
        let y = u16::try_from(line).unwrap_or(u16::MAX);
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

/// What fits, with a sign where that is not all.
fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let begin: String = text.chars().take(room.saturating_sub(3)).collect();
    format!("{begin}...")
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
    let keep = left.len() + 1;
    for (index, part) in whose(model).into_iter().enumerate() {
        let before = if index == 0 { "  " } else { " - " };
        left.push(Span::raw(format!("{before}{}", escaped(&part))));
    }
    let state = Span::styled(format!("[ {state} ]"), style);
    both_ends(left, keep, state, width)
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
            let handed_out = model.running.as_ref().is_some_and(Running::hands_out);
            if handed_out {
                "certificates made"
            } else {
                "CHANGED, not proven"
            }
        }
        Some(Some(ended)) => words::state(ended.outcome),
    }
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
    both_ends(spans, 2, Span::raw("F1 help"), width)
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

/// That nothing is written yet, and how to get back later. It is the same on every step, so that
/// it costs nothing to be there.
fn promise(model: &Model, width: usize) -> String {
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

/// What was just done or refused, in a few lines where it is long, or else which keys do something
/// here.
fn footer(model: &Model, width: usize) -> Vec<Line<'static>> {
    if let Some(notice) = &model.notice {
        let (mark, style) = if notice.refusal {
            ("No: ", model.look.bad())
        } else {
            ("", model.look.title())
        };
        let text = format!("{mark}{}", escaped(&notice.text));
        let lines = cell(&text, width.saturating_sub(2))
            .into_iter()
            .take(NOTICE);
        return lines
            .map(|line| Line::styled(format!(" {line}"), style))
            .collect();
    }
    vec![Line::raw(keys::line(model, width))]
}
