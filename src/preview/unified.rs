//! Differences in the unified form, as `diff -u` writes them and `patch` reads them. Written here:
//! what imara-diff 0.2.0 writes for a first change in lines 5 to 7 has a wrong headline.

use std::fmt::Write;

use imara_diff::{Algorithm, Diff, Hunk, InternedInput};

/// So many lines are shown before and after what was changed.
const CONTEXT: u32 = 3;

/// How many lines were added and removed, and the hunks, without the names of files. `shown` gives
/// the lines of a text as they are shown, which may be others than those that are compared.
pub(super) fn difference(
    before: &str,
    after: &str,
    shown: impl Fn(&str) -> Vec<String>,
) -> (usize, usize, String) {
    let input = InternedInput::new(before, after);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let hunks: Vec<Hunk> = diff.hunks().collect();
    let sides = Sides {
        old: Side::of(before, &shown),
        new: Side::of(after, &shown),
    };
    let near = |one: &Hunk, next: &Hunk| next.before.start - one.before.end <= 2 * CONTEXT;
    let text = hunks.chunk_by(near).map(|hunks| sides.group(hunks));
    (
        diff.count_additions() as usize,
        diff.count_removals() as usize,
        text.collect(),
    )
}

struct Side {
    lines: Vec<String>,
    ends_with_a_line: bool,
}

impl Side {
    fn of(text: &str, shown: impl Fn(&str) -> Vec<String>) -> Self {
        Self {
            lines: shown(text),
            ends_with_a_line: text.is_empty() || text.ends_with('\n'),
        }
    }

    fn line(&self, sign: char, number: u32) -> String {
        let number = number as usize;
        let line = self.lines.get(number).map_or("", String::as_str);
        if number + 1 == self.lines.len() && !self.ends_with_a_line {
            format!("{sign}{line}\n\\ No newline at end of file\n")
        } else {
            format!("{sign}{line}\n")
        }
    }
}

struct Sides {
    old: Side,
    new: Side,
}

impl Sides {
    /// Changes that share the lines around them.
    fn group(&self, hunks: &[Hunk]) -> String {
        let (Some(first), Some(last)) = (hunks.first(), hunks.last()) else {
            return String::new();
        };
        let lead = first.before.start.min(CONTEXT);
        let all = u32::try_from(self.old.lines.len()).unwrap_or(u32::MAX);
        let trail = (all - last.before.end).min(CONTEXT);
        let old = first.before.start - lead..last.before.end + trail;
        let new = first.after.start - lead..last.after.end + trail;
        let mut text = format!("@@ -{} +{} @@\n", place(&old), place(&new));
        let mut next = old.start;
        for hunk in hunks {
            let context = (next..hunk.before.start).map(|number| self.old.line(' ', number));
            let removed = hunk.before.clone().map(|number| self.old.line('-', number));
            let added = hunk.after.clone().map(|number| self.new.line('+', number));
            for line in context.chain(removed).chain(added) {
                let _ = write!(text, "{line}");
            }
            next = hunk.before.end;
        }
        for number in next..old.end {
            text.push_str(&self.old.line(' ', number));
        }
        text
    }
}

/// Where a side has no lines, its place is given as the line before.
fn place(lines: &std::ops::Range<u32>) -> String {
    let first = if lines.is_empty() {
        lines.start
    } else {
        lines.start + 1
    };
    format!("{first},{}", lines.end - lines.start)
}

#[cfg(test)]
#[path = "unified/tests.rs"]
mod tests;
