//! What a plan would look like on disk: differences, and the reason for each generated line.
//! Everything shown comes from the plan; nothing that holds a secret has anything to show.

mod unified;

use crate::plan::{Content, FileChange, Plan, Reason, Status};
use crate::values::{escaped, masked_lines};

/// One file of a plan, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePreview {
    pub path: String,
    pub status: Status,
    pub mode: String,
    pub owner: String,
    pub sensitive: bool,
    pub added: usize,
    pub removed: usize,
    /// A unified diff; `None` for what is sensitive or only made while applying.
    pub diff: Option<String>,
    /// Lines of the new text (from 1, end exclusive) and why they are there.
    pub reasons: Vec<(std::ops::Range<u32>, String)>,
    /// What the vendor's guide says there, where that does not work.
    pub guides: Vec<(std::ops::Range<u32>, &'static str)>,
}

pub fn files(plan: &Plan) -> Vec<FilePreview> {
    plan.files.iter().map(file).collect()
}

fn file(change: &FileChange) -> FilePreview {
    let (added, removed, diff) = match &change.content {
        Content::Text(text) => differences(change, text),
        Content::Issued(_) => (0, 0, None),
    };
    FilePreview {
        path: change.path.to_string(),
        status: change.status,
        mode: change.mode.to_string(),
        owner: format!("{}:{}", change.owner.0, change.owner.1),
        sensitive: change.is_sensitive(),
        added,
        removed,
        diff,
        reasons: change
            .reasons
            .iter()
            .map(|(lines, reason)| (lines.clone(), explained(reason)))
            .collect(),
        guides: change
            .reasons
            .iter()
            .filter_map(|(lines, reason)| Some((lines.clone(), erratum(&reason.id)?)))
            .collect(),
    }
}

fn differences(change: &FileChange, text: &str) -> (usize, usize, Option<String>) {
    if change.status == Status::Unchanged {
        return (0, 0, Some(String::new()));
    }
    let before = change.text_before.as_deref().unwrap_or("");
    // Each line as the whole text shows it: what hides it may stand lines before, outside of the
    // hunk.
    let (added, removed, hunks) = unified::difference(before, text, |text| {
        masked_lines(text).map(|line| escaped(&line)).collect()
    });
    let old = if change.status == Status::Create {
        "/dev/null"
    } else {
        change.path.as_str()
    };
    let new = if change.status == Status::Remove {
        "/dev/null"
    } else {
        change.path.as_str()
    };
    let shown = format!("--- {old}\n+++ {new}\n");
    let shown = escaped_lines(&shown) + &hunks;
    (added, removed, Some(shown))
}

fn escaped_lines(text: &str) -> String {
    text.lines().map(|line| escaped(line) + "\n").collect()
}

/// The reason in words. The texts are one line each in `assets/help/reasons.txt`: an identifier,
/// a colon, and a sentence in which `{}` stands for what the reason is about.
pub fn explained(reason: &Reason) -> String {
    let text = reason_text(&reason.id).unwrap_or(&reason.id);
    text.replace("{}", &escaped(&reason.about))
}

/// What the vendor's guide says in the place of such a line: its number among the errata, a colon,
/// and a sentence.
fn erratum(id: &str) -> Option<&'static str> {
    line_of(include_str!("../assets/help/errata.txt"), id)
}

fn reason_text(id: &str) -> Option<&'static str> {
    line_of(include_str!("../assets/help/reasons.txt"), id)
}

fn line_of(texts: &'static str, id: &str) -> Option<&'static str> {
    texts
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| *name == id)
        .map(|(_, text)| text)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::values::{Digest, Mode};

    #[test]
    fn each_erratum_is_about_a_line_that_is_written_and_has_its_number() {
        let errata = include_str!("../assets/help/errata.txt").lines();
        for line in errata {
            let (id, erratum) = line.split_once(": ").unwrap();
            assert!(reason_text(id).is_some(), "{id} is no reason");
            let (number, words) = erratum.split_once(": ").unwrap();
            let rest = number.strip_prefix(['C', 'E', 'S']).unwrap_or(number);
            assert!(rest.trim_end_matches('a').parse::<u8>().is_ok(), "{line}");
            assert!(!words.is_empty() && !words.ends_with('.'), "{line}");
        }
    }

    /// Red where the difference is shown as it is.
    #[test]
    fn a_secret_beside_a_change_is_not_shown() {
        let before = "token: |\n  canary-0\n  canary-0\n  canary-0\n  canary-0\n  canary-0\n# password: canary-1\n\
             token: canary-2\nproxy_set_header Authorization \"canary-3\";\n";
        let change = FileChange {
            path: "/etc/nginx/conf.d/nms-http.conf".parse().unwrap(),
            status: Status::Change,
            mode: Mode(0o644),
            owner: (0, 0),
            content: Content::Text(format!("{before}new: 1\n")),
            before: Some(Digest::of(before.as_bytes())),
            text_before: Some(before.to_owned()),
            reasons: Vec::new(),
        };
        let diff = file(&change).diff.unwrap();
        assert!(!diff.contains("canary"), "{diff}");
        assert!(
            diff.contains(" token: ********\n") && diff.contains("+new: 1\n"),
            "{diff}"
        );
    }
}

#[cfg(test)]
#[path = "preview/tests/fuzz.rs"]
mod fuzz;
