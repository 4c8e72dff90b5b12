#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "`patch` is asked, of a file of its own"
)]

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
