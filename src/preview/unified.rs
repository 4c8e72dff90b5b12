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
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#[expect(
    clippy::disallowed_methods,
    reason = "`patch` is asked, of a file of its own"
)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn differ(before: &str, after: &str) -> (usize, usize, String) {
        difference(before, after, |text| {
            text.lines().map(str::to_owned).collect()
        })
    }

    #[test]
    fn hunks_are_written_as_diff_writes_them() {
        let (added, removed, hunks) = differ("a\nb\nc\n", "a\nB\nc\nd");
        assert_eq!((added, removed), (2, 1));
        assert_eq!(
            hunks,
            "@@ -1,3 +1,4 @@\n a\n-b\n+B\n c\n+d\n\\ No newline at end of file\n"
        );
        assert_eq!(differ("", "x\n").2, "@@ -0,0 +1,1 @@\n+x\n");
        assert_eq!(differ("x\n", "x\n"), (0, 0, String::new()));
        assert_eq!(
            differ("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\nx\n6\n").2,
            "@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-5\n+x\n 6\n"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// `patch` makes the one text out of the other. Red where a headline has a wrong number.
        #[test]
        fn patch_reads_them(lines in prop::collection::vec(0..4_u8, 0..40), changes in prop::collection::vec((0..40_usize, 0..3_u8), 0..5)) {
            let mut after = lines.clone();
            for (at, kind) in changes {
                let at = at.min(after.len());
                match kind {
                    0 => after.insert(at, 9),
                    1 if at < after.len() => drop(after.remove(at)),
                    _ => after.insert(at, 2),
                }
            }
            let text = |lines: &[u8]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let folder = tempfile::tempdir().unwrap();
            let (file, patch) = (folder.path().join("a"), folder.path().join("p"));
            std::fs::write(&file, text(&lines)).unwrap();
            let hunks = differ(&text(&lines), &text(&after)).2;
            std::fs::write(&patch, format!("--- a\n+++ a\n{hunks}")).unwrap();
            if !hunks.is_empty() {
                let args = ["--fuzz=0", "--silent", "--input"];
                let done = Command::new("patch").args(args).arg(&patch).arg(&file).status().unwrap();
                prop_assert!(done.success());
            }
            prop_assert_eq!(std::fs::read_to_string(&file).unwrap(), text(&after));
        }
    }
}
