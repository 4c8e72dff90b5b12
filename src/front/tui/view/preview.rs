//! The preview pane: a strip, a half of the screen, or all of it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::model::Model;
use super::super::pane::{self, Kind, PaneLine};
use super::{put, row, rule};
use crate::nginx::{TokenKind, tokens};
use crate::values::{cell, escaped};

/// Lines of a reason that are shown below the text, where there is room for them.
const REASON: u16 = 3;
/// Columns of the mark, the number and the sign before a line.
const GUTTER: usize = 9;

pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    put(frame, row(area, 0), rule(model, &title(model), width));
    let lines = pane::lines(model);
    if lines.is_empty() {
        if area.height > 1 {
            put(
                frame,
                row(area, 1),
                Line::styled(" nothing to show yet", model.look.dim()),
            );
        }
        return;
    }
    let reason = pane::reason(model).filter(|_| area.height > 8);
    let below = if reason.is_some() { REASON } else { 0 };
    let room = usize::from(area.height - 1 - below);
    let cursor = model.preview.line.min(lines.len() - 1);
    let is_nginx = pane::file(model).is_some_and(|file| file.path.ends_with("conf"));
    let rows: Vec<(usize, Line<'static>)> = (0..lines.len())
        .skip(cursor.saturating_sub(room))
        .take(2 * room + 1)
        .flat_map(|index| {
            let spans = shown(model, &lines[index], index == cursor, is_nginx);
            let rows = wrapped(spans, width).into_iter();
            rows.map(move |row| (index, Line::from(row)))
        })
        .collect();
    let first = first_row(rows.iter().map(|(index, _)| *index), cursor, room);
    for (y, (_, line)) in (1..).zip(rows.into_iter().skip(first).take(room)) {
        put(frame, row(area, y), line);
    }
    if let Some(why) = reason {
        let lines = cell(&escaped(&format!("Why: {why}")), width.saturating_sub(2));
        for (offset, text) in (0..REASON).zip(lines) {
            let y = area.height - below + offset;
            put(frame, row(area, y), Line::raw(format!(" {text}")));
        }
    }
}

/// The first row to be shown, so that the line under the cursor is in sight, and some of what
/// comes before it: in a strip one row, which tells where that is.
fn first_row(rows: impl Iterator<Item = usize> + Clone, cursor: usize, room: usize) -> usize {
    let before = rows.clone().filter(|index| *index < cursor).count();
    let all = rows.count();
    let above = if room > 8 { room / 2 } else { 1 };
    before.saturating_sub(above).min(all.saturating_sub(room))
}

/// A line in rows no wider than the pane; what goes on in another row stands behind the numbers.
fn wrapped(spans: Vec<Span<'static>>, width: usize) -> Vec<Vec<Span<'static>>> {
    let mut rows = vec![Vec::new()];
    let mut left = width;
    for span in spans {
        let mut rest: &str = &span.content;
        while !rest.is_empty() {
            if left == 0 {
                rows.push(vec![Span::raw(" ".repeat(GUTTER))]);
                left = width.saturating_sub(GUTTER).max(1);
            }
            let end = rest
                .char_indices()
                .nth(left)
                .map_or(rest.len(), |(at, _)| at);
            let (part, further) = rest.split_at(end);
            left -= part.chars().count();
            rest = further;
            if let Some(row) = rows.last_mut() {
                row.push(Span::styled(part.to_owned(), span.style));
            }
        }
    }
    rows
}

fn title(model: &Model) -> String {
    let Some(file) = pane::file(model) else {
        return "Preview".to_owned();
    };
    let count = model
        .outlook
        .sketch()
        .map_or(0, |sketch| sketch.files.len());
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    let form = if model.preview.whole_file {
        "whole file"
    } else {
        "difference"
    };
    format!(
        "Preview {}/{count} {}  +{} -{}  {form}  (p: {})",
        model.preview.file + 1,
        escaped(name),
        file.added,
        file.removed,
        if model.preview.full { "back" } else { "full" }
    )
}

fn shown(model: &Model, line: &PaneLine, cursor: bool, is_nginx: bool) -> Vec<Span<'static>> {
    let number = line
        .number
        .map_or_else(|| "     ".to_owned(), |number| format!("{number:>5}"));
    let (sign, style) = match line.kind {
        Kind::Same => (" ", Style::new()),
        Kind::Added => ("+", model.look.added()),
        Kind::Removed => ("-", model.look.removed()),
        Kind::Note => (" ", model.look.dim()),
    };
    let mark = if cursor { ">" } else { " " };
    let text = line.text.replace('\t', "        ");
    let mut spans = vec![
        Span::raw(mark),
        Span::styled(number, model.look.dim()),
        Span::styled(format!(" {sign} "), style),
    ];
    if is_nginx && line.kind == Kind::Same {
        spans.extend(coloured(model, &text));
    } else {
        spans.push(Span::styled(text, style));
    }
    spans
}

/// nginx text with its names and comments told apart, by the lexer that plans use too. A line
/// that is no whole text by itself is shown as it is.
fn coloured(model: &Model, text: &str) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut named = false;
    let mut end = 0;
    for token in tokens(text) {
        let Ok(token) = token else { break };
        let style = match token.kind {
            TokenKind::Comment => model.look.dim(),
            TokenKind::Word if !named => {
                named = true;
                model.look.keyword()
            }
            _ => Style::new(),
        };
        end = token.span.end;
        spans.push(Span::styled(text[token.span].to_owned(), style));
    }
    spans.push(Span::raw(text[end..].to_owned()));
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_goes_on_behind_the_numbers() {
        let spans = vec![
            Span::raw(">   12 + "),
            Span::raw("abcdefgh"),
            Span::raw("ij"),
        ];
        let rows = wrapped(spans, 13);
        let text = |row: &Vec<Span<'_>>| row.iter().map(|span| span.content.as_ref()).collect();
        let rows: Vec<String> = rows.iter().map(text).collect();
        assert_eq!(rows, [">   12 + abcd", "         efgh", "         ij"]);
    }

    #[test]
    fn the_line_under_the_cursor_is_in_sight() {
        // Lines 4 and 5 take three rows each.
        let rows = [3, 4, 4, 4, 5, 5, 5, 6];
        assert_eq!(first_row(rows.into_iter(), 5, 3), 3);
        assert_eq!(first_row(rows.into_iter(), 3, 3), 0);
        assert_eq!(first_row(rows.into_iter(), 6, 3), 5);
        assert_eq!(first_row(rows.into_iter(), 3, 20), 0);
    }
}
