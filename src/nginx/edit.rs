//! Edits as data: one stretch of a file, what replaces it, and why.

use std::ops::Range;

use super::lexer::newlines;
use super::tree::FileId;

use crate::values::sort_by_key;

/// Replaces one stretch of a file. `R` is the reason, for whoever shows the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit<R> {
    pub file: FileId,
    /// Bytes of the file's text; empty for an insertion.
    pub span: Range<usize>,
    pub with: String,
    pub why: R,
}

/// A text with edits applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited<R> {
    pub text: String,
    /// The lines of the new text that an edit wrote or touched, from 1, end exclusive, in
    /// order. An edit that only removes has none.
    pub generated: Vec<(Range<u32>, R)>,
}

/// Edits that do not go together, or not with this text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Overlap {
    #[error("two edits change the same text: bytes {0:?} and {1:?}")]
    Each(Range<usize>, Range<usize>),
    #[error("an edit of bytes {0:?} does not fit the text")]
    Text(Range<usize>),
}

/// The text with all `edits` made, which must be of the file that `text` is. Spans are those of
/// the text before any edit. Insertions at one place keep the order in which they are given, and what
/// is removed twice is removed.
pub fn apply<R: Clone>(text: &str, edits: &[Edit<R>]) -> Result<Edited<R>, Overlap> {
    let mut ordered: Vec<&Edit<R>> = edits.iter().collect();
    sort_by_key(&mut ordered, |edit| (edit.span.start, edit.span.end));
    let mut result = Edited {
        text: String::with_capacity(text.len()),
        generated: Vec::new(),
    };
    let mut line = 1;
    let mut before = 0..0;
    let mut removed = false;
    for edit in ordered {
        let removes = edit.with.is_empty();
        // Neighbours on a line may both take the blanks between them along.
        let touch = removed && removes && edit.span.start < before.end;
        if edit.span.start < before.end && !touch {
            return Err(Overlap::Each(before, edit.span.clone()));
        }
        if text.get(edit.span.clone()).is_none() {
            return Err(Overlap::Text(edit.span.clone()));
        }
        let span = edit.span.start.max(before.end)..edit.span.end.max(before.end);
        let kept = &text[before.end..span.start];
        result.text.push_str(kept);
        line += newlines(kept);

        let written = edit.with.trim_matches(['\r', '\n']);
        if !written.is_empty() {
            let blank = edit.with.len() - edit.with.trim_start_matches(['\r', '\n']).len();
            let first = line + newlines(&edit.with[..blank]);
            let lines = first..first + newlines(written) + 1;
            result.generated.push((lines, edit.why.clone()));
        }
        result.text.push_str(&edit.with);
        line += newlines(&edit.with);
        (before, removed) = (span, removes);
    }
    result.text.push_str(&text[before.end..]);
    Ok(result)
}
