//! What lies over a step: help, a reason, a line to type, a question.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Clear;

use super::super::edit::Edit;
use super::super::model::{Model, Overlay};
use super::super::pane::{self, Kind};
use super::{put, row, rule};
use crate::questions::QUESTIONS;
use crate::values::{cell, escaped};

pub(super) fn draw(model: &Model, over: &Overlay, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    let (title, text, edit) = match over {
        Overlay::Help => ("Help (any key closes it)", help(model), None),
        Overlay::Why => ("Why this line (any key closes it)", why(model), None),
        Overlay::Quit => ("Leave?", quit(model), None),
        Overlay::Save(edit) => (
            "Save the answers (Enter saves, Esc does not)",
            "File name. nim-tls apply --answers FILE takes it, on this host or another; no \
             passphrase is in it."
                .to_owned(),
            Some(edit),
        ),
        Overlay::Search(edit) => (
            "Find in this file (Enter finds, Esc does not; n and N go on)",
            "Text to look for; upper and lower case are the same.".to_owned(),
            Some(edit),
        ),
    };
    let mut lines: Vec<String> = text
        .lines()
        .flat_map(|line| cell(&escaped(line), width.saturating_sub(2)))
        .collect();
    if edit.is_some() {
        lines.push(String::new());
    }
    let height = u16::try_from(lines.len() + 2)
        .unwrap_or(u16::MAX)
        .min(area.height);
    let over = Rect {
        y: area.y + area.height - height,
        height,
        ..area
    };
    frame.render_widget(Clear, over);
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

fn why(model: &Model) -> String {
    if let Some(reason) = pane::reason(model) {
        return reason.to_owned();
    }
    let lines = pane::lines(model);
    let kind = lines.get(model.preview.line).map(|line| line.kind);
    match kind {
        Some(Kind::Added) => "This line is new: the file is ours, and written as a whole.",
        Some(Kind::Removed) => "This line goes: what stands beside it takes its place.",
        Some(Kind::Same) => "This line stands in the file already, and stays as it is.",
        Some(Kind::Note) | None => "There is no line here to explain.",
    }
    .to_owned()
}

fn quit(model: &Model) -> String {
    let at_work = model
        .running
        .as_ref()
        .is_some_and(|running| !running.is_over());
    if at_work {
        "The work goes on without this screen; nim-tls watch shows it.\ny or Enter: leave. Any \
         other key: stay."
            .to_owned()
    } else {
        "Nothing has been changed. What you have answered is lost unless you save it.\ny or \
         Enter: leave. s: save first. Any other key: stay."
            .to_owned()
    }
}

fn help(model: &Model) -> String {
    let mut text = String::new();
    for question in QUESTIONS
        .iter()
        .filter(|question| question.step == model.step)
    {
        text.push_str(&format!("{}: {}\n\n", question.label, question.why));
    }
    text.push_str(
        "Enter  accepts the form and goes on, or presses the button\n\
         Esc  leaves a text field; else goes back one step (it does not undo)\n\
         Tab, Shift-Tab, arrows or hjkl  move; Space toggles\n\
         p  preview in full; d  difference or whole file; e  why this line\n\
         /, n, N  find; next and previous match, or change\n\
         s  save the answers; q  leave; Ctrl-C  leave at once",
    );
    text
}
