//! The preview pane: a strip, a half of the screen, or all of it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::model::Model;
use super::super::pane::{self, Kind, PaneLine};
use super::{put, row, rule, shortened};
use crate::nginx::{TokenKind, tokens};
use crate::values::{cell, escaped};

/// Lines of a reason that are shown below the text, where there is room for them.
const REASON: u16 = 3;
/// Columns of the mark, the number and the sign before a line.
const GUTTER: usize = 9;
/// Columns by which the rest of a line that is broken stands deeper than its beginning.
const HANG: usize = 4;

pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    put(
        frame,
        row(area, 0),
        rule(model, &title(model, width.saturating_sub(4)), width),
    );
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
            let rows = wrapped(&spans, width).into_iter();
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

/// A line in rows no wider than the pane, broken at a blank where there is one. What goes on in
/// another row hangs below the text, deeper than a line of its own would stand.
fn wrapped(spans: &[Span<'static>], width: usize) -> Vec<Vec<Span<'static>>> {
    let letters = spans.iter().flat_map(|span| {
        let letters = span.content.chars();
        letters.map(|letter| (letter, span.style))
    });
    let letters: Vec<(char, Style)> = letters.collect();
    let next = |from: usize, blank: bool| {
        let found = (from..letters.len()).find(|at| (letters[*at].0 == ' ') == blank);
        found.unwrap_or(letters.len())
    };
    let text = next(GUTTER, false);
    let hang = (text + HANG).min(width / 2);
    let mut rows = Vec::new();
    let (mut from, mut before) = (0, 0);
    loop {
        let far = from + width.saturating_sub(before).max(1);
        let end = if letters.len() <= far {
            letters.len()
        } else {
            let within = from.max(text) + 1..far;
            let blank = (within.clone().rev()).find(|at| letters[*at].0 == ' ');
            let colon = within.clone().rev().find(|at| letters[at - 1].0 == ':');
            // A word that is too long for any row is a list with colons, or broken anywhere.
            let fits = |at: &usize| next(at + 1, true) - at <= width - hang;
            blank.filter(fits).or(colon).or(blank).unwrap_or(far)
        };
        let mut row = vec![Span::raw(" ".repeat(before))];
        for part in letters[from..end].chunk_by(|one, other| one.1 == other.1) {
            let text: String = part.iter().map(|(letter, _)| *letter).collect();
            row.push(Span::styled(text, part[0].1));
        }
        rows.push(row);
        if end == letters.len() {
            return rows;
        }
        (from, before) = (next(end, false), hang);
    }
}

/// As much of what is shown, and how, as there is room for; how to see more of it always.
fn title(model: &Model, room: usize) -> String {
    let Some(file) = pane::file(model) else {
        return "Preview".to_owned();
    };
    let count = model
        .outlook
        .sketch()
        .map_or(0, |sketch| sketch.files.len());
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    let name = format!("{}/{count} {}", model.preview.file + 1, escaped(name));
    let changed = format!("  +{} -{}", file.added, file.removed);
    let (form, short) = if model.preview.whole_file {
        ("  whole file", "  file")
    } else {
        ("  difference", "  diff")
    };
    let key = if model.preview.full {
        "  (p: back)"
    } else {
        "  (p: full)"
    };
    let mut parts = ["Preview ", name.as_str(), changed.as_str(), form, key];
    for (part, instead) in [(0, ""), (3, short), (2, ""), (3, "")] {
        if parts.concat().chars().count() <= room {
            break;
        }
        parts[part] = instead;
    }
    let name = shortened(parts[1], room.saturating_sub(key.len()));
    parts[1] = &name;
    parts.concat()
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

    fn rows(text: &str, width: usize) -> Vec<String> {
        let spans = [Span::raw(">   12 + "), Span::raw(text.to_owned())];
        let rows = wrapped(&spans, width).into_iter();
        rows.map(|row| {
            let text: String = row.iter().map(|span| span.content.as_ref()).collect();
            text.trim_end().to_owned()
        })
        .collect()
    }

    #[test]
    fn a_long_line_is_broken_at_a_blank_and_hangs() {
        assert_eq!(rows("  a b;", 15), [">   12 +   a b;"]);
        assert_eq!(
            rows("  key   /one/path /other;", 30),
            [">   12 +   key   /one/path", "               /other;"]
        );
        assert_eq!(
            rows("  key   /a/path/longer;", 30),
            [">   12 +   key", "               /a/path/longer;"]
        );
    }

    #[test]
    fn a_word_longer_than_a_row_is_broken_at_a_colon_or_anywhere() {
        assert_eq!(
            rows("key  one:two:three:four:five;", 26),
            [
                ">   12 + key  one:two:",
                "             three:four:",
                "             five;"
            ]
        );
        assert_eq!(rows("abcdefghij", 14), [">   12 + abcde", "       fghij"]);
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
