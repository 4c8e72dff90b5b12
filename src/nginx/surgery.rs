//! Edits that leave everything else where it is: indentation, alignment, line endings, comments.
//!
//! Lines to insert are given without indentation of their own level and with their `;` or
//! braces; a block inside is indented by four spaces a level, and no word spans lines. Whether a file may be edited at
//! all is for [`Config::editable`] to say.

use super::config::Config;
use super::edit::Edit;
use super::layout::{Layout, in_line, is_blank, whole_lines};
use super::lexer::tokens;
use super::tree::{Body, Directive, FileId};

/// Replaces the arguments by `new_args`, written as in the file (see
/// [`quote`](super::quote::quote)). What stands between the name and the first argument stays.
pub fn set_args<R>(config: &Config, directive: &Directive, new_args: &str, why: R) -> Edit<R> {
    let file = directive.at.file;
    let span = directive.args_span.range();
    if span.is_empty() {
        let gap = if new_args.is_empty() { "" } else { " " };
        return insertion(file, span.start, format!("{gap}{new_args}"), why);
    }
    let text = &config.file(file).text;
    let start = if new_args.is_empty() {
        // Behind the name, which may end in white space that a backslash protects.
        let name = tokens(&text[directive.at.span.range()]).next();
        let length = name.map_or(0, |name| name.map_or(0, |name| name.span.end));
        directive.at.span.start() + length
    } else {
        span.start
    };
    Edit {
        file,
        span: start..span.end,
        with: new_args.to_owned(),
        why,
    }
}

/// Puts `lines` before a directive: above it, or on its line where something precedes it there.
pub fn insert_before<R>(
    config: &Config,
    directive: &Directive,
    lines: &[String],
    why: R,
) -> Edit<R> {
    let file = directive.at.file;
    let layout = Layout(&config.file(file).text);
    let at = directive.at.span.start();
    let indentation = layout.indentation(at);
    let ending = layout.ending(at);
    if layout.is_first(at) {
        let with = whole_lines(lines, indentation, ending);
        return insertion(file, layout.line_start(at), with, why);
    }
    let with = match in_line(lines) {
        Some(joined) => format!("{joined} "),
        None => broken(lines, indentation, ending) + indentation,
    };
    insertion(file, at, with, why)
}

/// Puts `lines` after a directive: below it, or on its line where something follows it there.
/// A comment that follows it on its line stays with it.
pub fn insert_after<R>(
    config: &Config,
    directive: &Directive,
    lines: &[String],
    why: R,
) -> Edit<R> {
    let file = directive.at.file;
    let layout = Layout(&config.file(file).text);
    let at = directive.at.span.end();
    let indentation = layout.indentation(directive.at.span.start());
    let ending = layout.ending(at);
    if layout.is_last(at) {
        let with = whole_lines(lines, indentation, ending);
        return below(layout, file, at, with, ending, why);
    }
    let with = match in_line(lines) {
        Some(joined) => format!(" {joined}"),
        None => broken(lines, indentation, ending) + indentation,
    };
    insertion(file, at, with, why)
}

/// Puts `lines` first in the block of `directive`. Without a block: after the directive.
pub fn insert_at_start<R>(
    config: &Config,
    directive: &Directive,
    lines: &[String],
    why: R,
) -> Edit<R> {
    let Body::Block(block) = &directive.body else {
        return insert_after(config, directive, lines, why);
    };
    let file = directive.at.file;
    let layout = Layout(&config.file(file).text);
    let at = block.inner.start();
    let indentation = layout.inside(directive);
    let ending = layout.ending(at);
    if layout.is_last(at) {
        let with = whole_lines(lines, &indentation, ending);
        return below(layout, file, at, with, ending, why);
    }
    let inner = &layout.0[block.inner.range()];
    let with = match in_line(lines) {
        Some(joined) if inner.is_empty() => format!(" {joined} "),
        Some(joined) if inner.starts_with([' ', '\t']) => format!(" {joined}"),
        Some(joined) => format!("{joined} "),
        None => broken(lines, &indentation, ending) + &indentation,
    };
    insertion(file, at, with, why)
}

/// Puts `lines` last in the block of `directive`. Without a block: after the directive.
pub fn insert_at_end<R>(
    config: &Config,
    directive: &Directive,
    lines: &[String],
    why: R,
) -> Edit<R> {
    let Body::Block(block) = &directive.body else {
        return insert_after(config, directive, lines, why);
    };
    let file = directive.at.file;
    let layout = Layout(&config.file(file).text);
    let brace = block.inner.end();
    let indentation = layout.inside(directive);
    let ending = layout.ending(block.inner.start());
    if layout.is_first(brace) {
        let with = whole_lines(lines, &indentation, ending);
        return insertion(file, layout.line_start(brace), with, why);
    }
    let inner = &layout.0[block.inner.range()];
    let at = block.inner.start() + inner.trim_end().len();
    let with = match in_line(lines) {
        Some(joined) if inner.is_empty() => format!(" {joined} "),
        Some(joined) => format!(" {joined}"),
        None => broken(lines, &indentation, ending) + layout.indentation(directive.at.span.start()),
    };
    insertion(file, at, with, why)
}

/// Takes a directive out, and its line with it where nothing else stands there.
pub fn remove<R>(config: &Config, directive: &Directive, why: R) -> Edit<R> {
    let file = directive.at.file;
    let layout = Layout(&config.file(file).text);
    let span = directive.at.span.range();
    let rest = layout.rest(span.end);
    let alone = layout.is_first(span.start) && is_blank(rest);
    let span = if alone {
        layout.line_start(span.start)..layout.next_line(span.end)
    } else if is_blank(rest) {
        layout.0[..span.start].trim_end().len()..span.end
    } else {
        let gap = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        span.start..span.end + gap
    };
    Edit {
        file,
        span,
        with: String::new(),
        why,
    }
}

fn insertion<R>(file: FileId, at: usize, with: String, why: R) -> Edit<R> {
    Edit {
        file,
        span: at..at,
        with,
        why,
    }
}

/// Inserts whole lines under the line of `at`, which may be the last one and not be ended.
fn below<R>(
    layout: Layout<'_>,
    file: FileId,
    at: usize,
    lines: String,
    ending: &str,
    why: R,
) -> Edit<R> {
    let next = layout.next_line(at);
    if layout.0[..next].ends_with('\n') {
        return insertion(file, next, lines, why);
    }
    let lines = lines.strip_suffix(ending).unwrap_or(&lines);
    insertion(file, next, format!("{ending}{lines}"), why)
}

/// Whole lines for a place in the middle of one: they begin with a line ending of their own.
fn broken(lines: &[String], indentation: &str, ending: &str) -> String {
    format!("{ending}{}", whole_lines(lines, indentation, ending))
}
