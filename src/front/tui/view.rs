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
mod top;
mod verify;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::model::Model;
use super::pane;
use crate::questions::Step;
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
    put(frame, row(area, 0), top::header(model, wide));
    put(frame, row(area, 1), top::steps(model, wide));
    put(
        frame,
        row(area, 2),
        rule(model, &top::promise(model, wide), wide),
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

/// What fits, with a sign where that is not all.
fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let begin: String = text.chars().take(room.saturating_sub(3)).collect();
    format!("{begin}...")
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
