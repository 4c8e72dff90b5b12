//! The lines of a step, and where the focus is among them.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::look::Look;
use super::super::model::Model;
use super::super::stops::{Button, Stop, stops};
use crate::values::{cell, escaped};

pub(super) struct Body {
    pub(super) lines: Vec<Line<'static>>,
    width: usize,
    look: Look,
    /// The line with the focus.
    focus: Option<usize>,
    /// Line and column of the cursor of a text that is edited.
    pub(super) cursor: Option<(usize, usize)>,
}

impl Body {
    pub(super) fn new(model: &Model, width: usize) -> Self {
        Self {
            lines: Vec::new(),
            width,
            look: model.look,
            focus: None,
            cursor: None,
        }
    }

    pub(super) fn line(&mut self, line: impl Into<Line<'static>>) {
        self.lines.push(line.into());
    }

    pub(super) fn gap(&mut self) {
        self.line("");
    }

    /// A paragraph, with `head` before its first line and as much room before the others.
    pub(super) fn text(&mut self, head: &str, text: &str) {
        self.styled(head, text, Style::new());
    }

    pub(super) fn styled(&mut self, head: &str, text: &str, style: Style) {
        let hang = head.chars().count();
        let lines = cell(&escaped(text), self.width.saturating_sub(hang + 1));
        for (index, line) in lines.into_iter().enumerate() {
            let before = if index == 0 {
                head.to_owned()
            } else {
                " ".repeat(hang)
            };
            self.line(Line::from(vec![
                Span::raw(before),
                Span::styled(line, style),
            ]));
        }
    }

    pub(super) fn rule(&mut self, title: &str) {
        let mark = self.look.rule();
        let head = format!("{mark} {title} ");
        let rest = self.width.saturating_sub(head.chars().count());
        self.line(Line::styled(
            format!("{head}{}", mark.repeat(rest)),
            self.look.dim(),
        ));
    }

    /// The next line has the focus.
    pub(super) fn focus_here(&mut self) {
        self.focus = Some(self.lines.len());
    }

    /// The next line holds the cursor, at this column.
    pub(super) fn cursor_at(&mut self, column: usize) {
        self.cursor = Some((self.lines.len(), column));
    }

    /// The buttons of the step in a row, the focused one marked by signs and by style.
    pub(super) fn buttons(&mut self, model: &Model) {
        let all = stops(model);
        let focus = model.focus.min(all.len().saturating_sub(1));
        let mut spans = vec![Span::raw(" ")];
        for (index, stop) in all.iter().enumerate() {
            let Stop::Button(button) = stop else { continue };
            let label = label(model, *button);
            if index == focus {
                self.focus_here();
                spans.push(Span::styled(format!("> [ {label} ] <"), self.look.focus()));
            } else {
                spans.push(Span::raw(format!("  [ {label} ]  ")));
            }
            spans.push(Span::raw(" "));
        }
        self.line(Line::from(spans));
    }

    /// The first line to be shown in this much room, so that the focus is in sight.
    pub(super) fn first_shown(&self, room: usize) -> usize {
        let end = self.lines.len();
        if end <= room {
            return 0;
        }
        // A line or two of what comes next stay in sight. Half a page at a time: a body that moved
        // with every key would be drawn anew with every key.
        let wanted = (self.focus.unwrap_or(0) + 3).min(end).saturating_sub(room);
        let half = (room / 2).max(1);
        wanted.next_multiple_of(half).min(end - room)
    }
}

fn label(model: &Model, button: Button) -> String {
    let failed = model
        .checks
        .iter()
        .filter(|check| check.status == crate::prerequisites::Status::Failed)
        .count();
    let waits =
        button == Button::Next && model.step == crate::questions::Step::Prerequisites && failed > 0;
    if waits {
        format!("Next: waits for {failed} of these")
    } else if button == Button::Leave && model.practice.is_some() {
        "Leave, and end practice".to_owned()
    } else {
        button.label().to_owned()
    }
}
