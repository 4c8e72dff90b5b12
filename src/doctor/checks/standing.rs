//! Whether this host is still as the answers that stand have made it.

use super::super::finding::{Evidence, Finding, Severity};
use super::super::seen::of_file;
use super::ground::Ground;
use crate::plan::{FileChange, Plan, Status};
use crate::values::{escaped, is_command};

/// The manager's own configuration of nginx, which its package may put back.
const NMS_HTTP: &str = "/etc/nginx/conf.d/nms-http.conf";

/// Of a command that moves away what is in the way of a plan.
const CLEARS: &str =
    "This clears the way. Then look again, and apply the answers that stand once more.";

/// A file that was placed here is gone, and the check of agents with it: nothing that is seen of
/// nginx besides is nearer to the cause.
pub(super) fn that_lacks_files(ground: &Ground<'_>) -> Vec<Finding> {
    let found = drift(ground).filter(|_| ground.lets_in() && lacks_files(ground));
    found.into_iter().collect()
}

/// It is not, and agents without a certificate get in for it.
pub(super) fn that_lets_in(ground: &Ground<'_>) -> Vec<Finding> {
    let found = drift(ground).filter(|_| ground.lets_in() && !lacks_files(ground));
    let told = found.map(|mut finding| {
        if finding.evidence.iter().any(|seen| seen.file == NMS_HTTP) {
            let words = " The file that an upgrade puts back asks no agent for a certificate.";
            finding.why.push_str(words);
        }
        finding
    });
    told.into_iter().collect()
}

/// It is not, in some other way.
pub(super) fn else_different(ground: &Ground<'_>) -> Vec<Finding> {
    let found = drift(ground).filter(|_| !ground.lets_in());
    let told = found.map(|finding| finding.weighed_as(Severity::Warning));
    told.into_iter().collect()
}

/// By the answers that stand no plan can be made any more.
pub(super) fn out_of_reach(ground: &Ground<'_>) -> Vec<Finding> {
    let Some(obstacle) = ground.obstacle else {
        return Vec::new();
    };
    let evidence = Evidence {
        file: "as a plan sees it".to_owned(),
        line: None,
        text: escaped(&obstacle.what),
    };
    let severity = if ground.lets_all_in() {
        Severity::Error
    } else if ground.was_set_up() {
        Severity::Warning
    } else {
        // What an instance was handed may be gone once it is placed: on a stick, say.
        Severity::Info
    };
    let told = ground.finding("answers-out-of-reach", vec![evidence]);
    let told = told.map(|finding| {
        let mut finding = finding.weighed_as(severity);
        if let Some(remedy) = &obstacle.remedy {
            finding.fix.commands.clear();
            let remedy = escaped(remedy);
            if is_command(&remedy) {
                CLEARS.clone_into(&mut finding.fix.text);
                finding.fix.commands = vec![remedy, "nim-tls doctor".to_owned()];
            } else {
                finding.fix.text = remedy;
            }
        }
        finding
    });
    told.into_iter().collect()
}

fn lacks_files(ground: &Ground<'_>) -> bool {
    let state = ground.facts.state.folder.as_path();
    let files = ground.standing.into_iter().flat_map(Plan::changed_files);
    let mut gone = files.filter(|file| file.status == Status::Create);
    gone.any(|file| !file.path.as_path().starts_with(state))
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
                _ => "differs from what the answers that stand make of it",
            };
            of_file(&file.path, words)
        })
        .collect();
    ground.where_seen("drift", evidence)
}

fn gone(file: &FileChange) -> bool {
    matches!(file.status, Status::Create | Status::Remove)
}
