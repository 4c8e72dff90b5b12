//! Differences in the unified form, as `diff -u` writes them and `patch` reads them.

use std::fmt::{self, Write};

use imara_diff::{
    Algorithm, Diff, InternedInput, Interner, Token, UnifiedDiffConfig, UnifiedDiffPrinter,
};

/// How many lines were added and removed, and the hunks, without headlines.
pub(super) fn difference(before: &str, after: &str) -> (usize, usize, String) {
    let input = InternedInput::new(before, after);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let printer = Printer(&input.interner);
    let hunks = diff.unified_diff(&printer, UnifiedDiffConfig::default(), &input);
    (
        diff.count_additions() as usize,
        diff.count_removals() as usize,
        hunks.to_string(),
    )
}

struct Printer<'a>(&'a Interner<&'a str>);

impl Printer<'_> {
    fn line(&self, f: &mut impl Write, sign: char, token: Token) -> fmt::Result {
        let line = self.0[token];
        write!(f, "{sign}{line}")?;
        if line.ends_with('\n') {
            Ok(())
        } else {
            f.write_str("\n\\ No newline at end of file\n")
        }
    }
}

/// Where a side has no lines, its place is given as the line before.
fn place(start: u32, length: u32) -> u32 {
    if length == 0 { start } else { start + 1 }
}

impl UnifiedDiffPrinter for Printer<'_> {
    fn display_header(
        &self,
        mut f: impl Write,
        start_before: u32,
        start_after: u32,
        len_before: u32,
        len_after: u32,
    ) -> fmt::Result {
        let (before, after) = (
            place(start_before, len_before),
            place(start_after, len_after),
        );
        writeln!(f, "@@ -{before},{len_before} +{after},{len_after} @@")
    }

    fn display_context_token(&self, mut f: impl Write, token: Token) -> fmt::Result {
        self.line(&mut f, ' ', token)
    }

    fn display_hunk(&self, mut f: impl Write, before: &[Token], after: &[Token]) -> fmt::Result {
        let removed = before.iter().map(|token| ('-', token));
        let added = after.iter().map(|token| ('+', token));
        removed
            .chain(added)
            .try_for_each(|(sign, token)| self.line(&mut f, sign, *token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hunks_are_written_as_diff_writes_them() {
        let (added, removed, hunks) = difference("a\nb\nc\n", "a\nB\nc\nd");
        assert_eq!((added, removed), (2, 1));
        assert_eq!(
            hunks,
            "@@ -1,3 +1,4 @@\n a\n-b\n+B\n c\n+d\n\\ No newline at end of file\n"
        );
        assert_eq!(difference("", "x\n").2, "@@ -0,0 +1,1 @@\n+x\n");
        assert_eq!(difference("x\n", "x\n"), (0, 0, String::new()));
    }
}
