//! What lies over a step: help, a reason, a line to type, a question.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Clear;

use super::super::edit::Edit;
use super::super::model::{Model, Overlay};
use super::super::overlay;
use super::{put, row, rule};
use crate::values::escaped;

pub(super) fn draw(model: &Model, over: &Overlay, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    let (edit, first) = match over {
        Overlay::Save(edit) | Overlay::Search(edit) => (Some(edit), 0),
        Overlay::Help(first) | Overlay::Why(first) | Overlay::Troubleshoot(first) => (None, *first),
        Overlay::Quit | Overlay::CutShort(..) => (None, 0),
    };
    let title = overlay::title(over);
    let mut lines = overlay::lines(model, over, width);
    if edit.is_some() {
        lines.push(String::new());
    }
    let mut lines: Vec<String> = lines.into_iter().skip(first).collect();
    let height = u16::try_from(lines.len() + 2)
        .unwrap_or(u16::MAX)
        .min(area.height);
    let over = Rect {
        y: area.y + area.height - height,
        height,
        ..area
    };
    frame.render_widget(Clear, over);
    let room = usize::from(height.saturating_sub(1));
    if lines.len() > room && edit.is_none() {
        let more = lines.len() + 1 - room;
        lines.truncate(room - 1);
        lines.push(format!("{more} more below: PageDown"));
    }
    put(frame, row(over, 0), rule(model, title, width));
    for (y, text) in (1..height).zip(lines) {
        put(frame, row(over, y), Line::raw(format!(" {text}")));
    }
    if let Some(edit) = edit {
        line(frame, row(over, height - 1), edit);
    }
}

fn line(frame: &mut Frame<'_>, area: Rect, edit: &Edit) {
    put(
        frame,
        area,
        Line::raw(format!(" > {}", escaped(edit.text()))),
    );
    let column = u16::try_from(edit.cursor() + 3).unwrap_or(u16::MAX);
    frame.set_cursor_position((area.x + column.min(area.width - 1), area.y));
}
