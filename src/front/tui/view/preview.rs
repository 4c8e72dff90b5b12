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
    // The line before the change tells where it is; a strip shows that and what follows.
    let first = if room > 8 {
        cursor.saturating_sub(room / 2)
    } else {
        cursor.saturating_sub(1)
    };
    let first = first.min(lines.len().saturating_sub(room));
    let is_nginx = pane::file(model).is_some_and(|file| file.path.ends_with("conf"));
    for (y, (index, line)) in (1..).zip(lines.iter().enumerate().skip(first).take(room)) {
        put(
            frame,
            row(area, y),
            shown(model, line, index == cursor, is_nginx),
        );
    }
    if let Some(why) = reason {
        let lines = cell(&escaped(&format!("Why: {why}")), width.saturating_sub(2));
        for (offset, text) in (0..REASON).zip(lines) {
            let y = area.height - below + offset;
            put(frame, row(area, y), Line::raw(format!(" {text}")));
        }
    }
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

fn shown(model: &Model, line: &PaneLine, cursor: bool, is_nginx: bool) -> Line<'static> {
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
    Line::from(spans)
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
