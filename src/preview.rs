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

fn reason_text(id: &str) -> Option<&'static str> {
    include_str!("../assets/help/reasons.txt")
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
