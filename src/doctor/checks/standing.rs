//! Whether this host is still as the answers that stand have made it.

use super::super::finding::{Evidence, Finding, Severity};
use super::super::seen::of_file;
use super::ground::Ground;
use crate::plan::{FileChange, Status};

/// It is not, and agents without a certificate get in for it.
pub(super) fn that_lets_in(ground: &Ground<'_>) -> Vec<Finding> {
    let found = drift(ground).filter(|_| ground.lets_in());
    found.into_iter().collect()
}

/// It is not, in some other way.
pub(super) fn else_different(ground: &Ground<'_>) -> Vec<Finding> {
    let found = drift(ground).filter(|_| !ground.lets_in());
    let found = found.map(|finding| Finding {
        severity: Severity::Warning,
        ..finding
    });
    found.into_iter().collect()
}

fn drift(ground: &Ground<'_>) -> Option<Finding> {
    let plan = ground.standing?;
    // What is made anew because it ends is no drift: its text is not known before.
    let differs = plan
        .changed_files()
        .filter(|file| file.text_before.is_some() || gone(file));
    let evidence: Vec<Evidence> = differs
        .map(|file| {
            let words = match file.status {
                Status::Create => "is not there, and the answers that stand put it there",
                Status::Remove => "is there, and by the answers that stand it is not",
                _ => "is no longer as the answers that stand have made it",
            };
            of_file(&file.path, words)
        })
        .collect();
    ground.where_seen("drift", evidence)
}

fn gone(file: &FileChange) -> bool {
    matches!(file.status, Status::Create | Status::Remove)
}
