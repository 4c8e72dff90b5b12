//! The text of one value on its line.

use std::ops::Range;

use super::place::Place;

/// The bytes of the line at `place`, without what ends it.
pub(super) fn line_at(text: &str, place: Place) -> Option<Range<usize>> {
    let mut start = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if number + 1 == place.line {
            let end = start + line.trim_end_matches(['\n', '\r']).len();
            return Some(start..end);
        }
        start += line.len();
    }
    None
}

/// What follows the name at `place` on its line.
pub(super) enum After {
    /// Nothing but perhaps a comment: a value would be written here.
    Nothing(usize),
    /// A value that begins and ends on the line.
    Scalar(Range<usize>),
    /// `{`, and the byte behind it.
    Braces(usize),
    /// A list, a block of text, an anchor: nothing that could be replaced by a scalar.
    Other,
}

/// Reads on from a name. `None`: there is no colon behind it, on this line at least.
pub(super) fn after_key(text: &str, place: Place, in_braces: bool) -> Option<After> {
    let line = line_at(text, place)?;
    let key = characters(text, &line, place.column - 1)?;
    let colon = key_end(&text[key..line.end])? + key;
    let rest = &text[colon + 1..line.end];
    let value = colon + 1 + (rest.len() - rest.trim_start().len());
    let rest = rest.trim_start();
    let ends_here = |c: char| in_braces && matches!(c, ',' | '}');
    Some(match rest.chars().next() {
        None | Some('#') => After::Nothing(colon + 1),
        Some(c) if ends_here(c) => After::Nothing(colon + 1),
        Some('{') => After::Braces(value + 1),
        Some('[' | '|' | '>' | '&' | '*' | '!' | '?' | '%' | '@' | '`') => After::Other,
        Some(_) => match value_end(rest, in_braces) {
            Some(end) => After::Scalar(value..value + end),
            None => After::Other,
        },
    })
}

fn characters(text: &str, line: &Range<usize>, count: usize) -> Option<usize> {
    let mut starts = text[line.clone()].char_indices().map(|(at, _)| at);
    let at = starts.nth(count)?;
    Some(line.start + at)
}

/// The colon behind a name.
fn key_end(text: &str) -> Option<usize> {
    let name = match text.chars().next()? {
        '"' | '\'' => value_end(text, false)?,
        _ => text.find(':')?,
    };
    let blank = text[name..].len() - text[name..].trim_start().len();
    text[name + blank..]
        .starts_with(':')
        .then_some(name + blank)
}

/// Where a scalar ends that begins with `text`.
fn value_end(text: &str, in_braces: bool) -> Option<usize> {
    match text.chars().next()? {
        '"' => {
            let mut escaped = false;
            let mut rest = text.char_indices().skip(1);
            let end = rest.find(|(_, c)| {
                let ends = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            })?;
            Some(end.0 + 1)
        }
        '\'' => {
            let mut at = 1;
            loop {
                at += text[at..].find('\'')? + 1;
                if !text[at..].starts_with('\'') {
                    return Some(at);
                }
                at += 1;
            }
        }
        _ => {
            let comment = text.find(" #").or_else(|| text.find("\t#"));
            let mut end = comment.unwrap_or(text.len());
            if in_braces {
                end = text[..end].find([',', '}', ']']).unwrap_or(end);
            }
            Some(text[..end].trim_end().len())
        }
    }
}
