//! The lines of a step, which of them stay in sight, and where the focus is among them.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::super::outward::Outward;
use super::super::look::Look;
use super::super::model::Model;
use super::super::stops::{Button, Stop, stops};
use crate::error::Problem;
use crate::questions::{Step, in_questions};
use crate::values::{cell, escaped};

/// Columns of the mark before a row of a table.
const MARK: usize = 5;
/// Blanks between two columns of a table.
const BETWEEN: usize = 2;
/// A longer word is broken where a table is too wide for the screen.
const LONG_WORD: usize = 16;

pub(super) struct Body {
    pub(super) lines: Vec<Line<'static>>,
    width: usize,
    look: Look,
    outward: Outward,
    /// So many lines at the top stay in sight where the others do not all fit.
    head: usize,
    /// The first of the lines at the bottom that stay in sight.
    foot: Option<usize>,
    /// The first line to be shown of those between, where somebody has scrolled there.
    scroll: Option<usize>,
    /// Which keys bring the lines above and below into sight.
    further: (&'static str, &'static str),
    /// The line with the focus.
    focus: Option<usize>,
    /// Line and column of the cursor of a text that is edited.
    cursor: Option<(usize, usize)>,
}

impl Body {
    pub(super) fn new(model: &Model, width: usize) -> Self {
        Self {
            lines: Vec::new(),
            width,
            look: model.look,
            outward: model.outward.clone(),
            head: 0,
            foot: None,
            scroll: model.scroll,
            further: match model.step {
                Step::Names | Step::Certificates => ("Shift-Tab", "Tab"),
                Step::Files | Step::Verify => ("Up", "Down"),
                Step::Method => ("a taller window", "a taller window"),
                _ => ("PageUp", "PageDown"),
            },
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

    /// What stands in the way, and what would do.
    pub(super) fn problem(&mut self, problem: &Problem) {
        let problem = self.outward.problem(problem);
        self.styled(" ! ", &problem.what, self.look.bad());
        if let Some(remedy) = &problem.remedy {
            self.text("   do: ", &in_questions(remedy));
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

    /// The lines so far stay in sight.
    pub(super) fn head_ends(&mut self) {
        self.head = self.lines.len();
    }

    /// The lines from here on stay in sight.
    pub(super) fn foot_begins(&mut self) {
        self.foot = Some(self.lines.len());
    }

    /// How wide each column of a table is: as its longest cell, and where that is too much for
    /// the screen, less where that breaks the fewest cells; never less than its longest word.
    pub(super) fn columns(&self, rows: &[&[String]]) -> Vec<usize> {
        let long = |text: &str| text.chars().count();
        let count = rows.first().map_or(0, |row| row.len());
        let mut widths = vec![0; count];
        let mut words = vec![0; count];
        for (column, text) in rows.iter().flat_map(|row| row.iter().enumerate()) {
            let word = text.split(' ').map(long).max();
            words[column] = words[column].max(word.unwrap_or(0).min(LONG_WORD));
            widths[column] = widths[column].max(long(text));
        }
        let between = MARK + BETWEEN * count.saturating_sub(1) + 1;
        let room = self.width.saturating_sub(between);
        while widths.iter().sum::<usize>() > room {
            let open = (0..count).filter(|column| widths[*column] > words[*column]);
            let broken = |column: &usize| {
                let cells = rows.iter().map(|row| long(&row[*column]));
                let broken = cells.filter(|cell| *cell >= widths[*column]);
                (broken.count(), room.saturating_sub(widths[*column]))
            };
            let Some(column) = open.min_by_key(broken) else {
                break;
            };
            widths[column] -= 1;
        }
        widths
    }

    /// A row of a table, behind a mark. `right`: the last column stands to the right.
    pub(super) fn row(
        &mut self,
        mark: (&str, Style),
        style: Style,
        columns: &[usize],
        texts: &[String],
        right: bool,
    ) {
        let cells: Vec<Vec<String>> = texts
            .iter()
            .zip(columns)
            .map(|(text, width)| cell(&broken(text, *width), *width))
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(1);
        for index in 0..height {
            let mut line = String::new();
            for (column, (cell, width)) in cells.iter().zip(columns).enumerate() {
                let text = cell.get(index).map_or("", String::as_str);
                line.push_str(&if right && column + 1 == cells.len() {
                    format!("{text:>width$}")
                } else {
                    format!("{text:<pad$}", pad = width + BETWEEN)
                });
            }
            let mark = if index == 0 { mark } else { ("", style) };
            self.line(Line::from(vec![
                Span::styled(format!(" {:<1$}", mark.0, MARK - 1), mark.1),
                Span::styled(line.trim_end().to_owned(), style),
            ]));
        }
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
                // Its signs alone: the words need not be drawn again when the focus moves.
                let focus = self.look.focus();
                spans.push(Span::styled("> [", focus));
                spans.push(Span::raw(format!(" {label} ")));
                spans.push(Span::styled("] <", focus));
            } else {
                spans.push(Span::raw(format!("  [ {label} ]  ")));
            }
            spans.push(Span::raw(" "));
        }
        self.line(Line::from(spans));
    }

    /// Without the blank line before the foot, where that makes all fit.
    fn tightened(mut self, room: usize) -> Self {
        let end = self.end();
        let blank = self.foot.is_some() && end > 0 && self.lines[end - 1].width() == 0;
        if blank && self.lines.len() == room + 1 {
            self.lines.remove(end - 1);
            self.foot = Some(end - 1);
            let up = |line: &mut usize| *line -= usize::from(*line >= end);
            self.focus.iter_mut().for_each(up);
        }
        self
    }

    /// The line after those that can be scrolled.
    fn end(&self) -> usize {
        self.foot.unwrap_or(self.lines.len())
    }

    /// Rows for the lines that can be scrolled, where not all of them fit. One more says so.
    fn rows(&self, room: usize) -> usize {
        room.saturating_sub(self.head + self.lines.len() - self.end() + 1)
    }

    /// Which of the lines that can be scrolled are shown in this much room.
    fn middle(&self, room: usize) -> Range<usize> {
        let (head, end) = (self.head, self.end());
        if self.lines.len() <= room {
            return head..end;
        }
        let rows = self.rows(room);
        let last = end.saturating_sub(rows).max(head);
        let first = if let Some(scroll) = self.scroll {
            head + scroll
        } else {
            // A line or two of what comes next stay in sight. Half a page at a time: a body that
            // moved with every key would be drawn anew with every key.
            let focus = self.focus.filter(|line| (head..end).contains(line));
            let after = focus.map_or(head, |line| line + 3).min(end) - head;
            let half = (rows / 2).max(1);
            head + after.saturating_sub(rows).next_multiple_of(half)
        };
        let first = first.min(last);
        first..(first + rows).min(end)
    }

    /// Where the scrolled lines begin after so many lines more.
    pub(super) fn scrolled(self, room: usize, by: isize) -> usize {
        let body = self.tightened(room);
        let middle = body.middle(room);
        let last = body.end() - body.head - middle.len();
        (middle.start - body.head)
            .saturating_add_signed(by)
            .min(last)
    }

    /// The lines that are shown in this much room, and row and column of the cursor.
    pub(super) fn shown(self, room: usize) -> (Vec<Line<'static>>, Option<(usize, usize)>) {
        self.tightened(room).cut(room)
    }

    fn cut(mut self, room: usize) -> (Vec<Line<'static>>, Option<(usize, usize)>) {
        let middle = self.middle(room);
        let end = self.end();
        let (above, below) = (middle.start - self.head, end - middle.end);
        let (up, down) = self.further;
        let sign = match (above, below) {
            (0, 0) => None,
            (0, below) => Some(format!(" {below} more below: {down}")),
            (above, 0) => Some(format!(" {above} more above: {up}")),
            _ => Some(format!(" {above} more above: {up}, {below} below: {down}")),
        };
        let foot = self.lines.split_off(end);
        let seen = |index: &usize| *index < self.head || middle.contains(index);
        let lines = self.lines.into_iter().enumerate();
        let mut rows: Vec<Line<'static>> = lines
            .filter(|(index, _)| seen(index))
            .map(|(_, line)| line)
            .collect();
        rows.extend(sign.map(|sign| Line::styled(sign, self.look.dim())));
        rows.extend(foot);
        let cursor = self.cursor.filter(|(line, _)| seen(line));
        let cursor = cursor.map(|(line, column)| (line.saturating_sub(above), column));
        (rows, cursor)
    }
}

/// A text with blanks in those words that are longer than a column.
fn broken(text: &str, width: usize) -> String {
    let mut all = String::with_capacity(text.len());
    let mut run = 0;
    for letter in text.chars() {
        run = if letter == ' ' { 0 } else { run + 1 };
        if run > width {
            all.push(' ');
            run = 1;
        }
        all.push(letter);
    }
    all
}

fn label(model: &Model, button: Button) -> String {
    let failed = model
        .checks
        .iter()
        .filter(|check| check.status == crate::prerequisites::Status::Failed)
        .count();
    let waits = button == Button::Next && model.step == Step::Prerequisites && failed > 0;
    if waits {
        format!("Next: waits for {failed} of these")
    } else if button == Button::Leave && model.practice.is_some() {
        "Leave, and end practice".to_owned()
    } else {
        button.label().to_owned()
    }
}
