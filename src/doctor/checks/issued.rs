//! The certificates that were issued here for agents.

use super::super::finding::{Evidence, Finding};
use super::super::seen::of_file;
use super::ground::Ground;
use crate::facts::{FoundIssued, Known};
use crate::values::HostName;

const DAY: i64 = 86_400;
/// Less than this is left: that is said.
const SOON: i64 = 30 * DAY;

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let now = ground.facts.looked_at;
    let (mut ended, mut soon) = (Vec::new(), Vec::new());
    for (agent, issued) in &ground.facts.state.issued {
        let Known::Is(issued) = issued else {
            continue;
        };
        let Some(left) = left(issued, now) else {
            continue;
        };
        if left < 0 {
            ended.push(seen(ground, agent, "has expired".to_owned()));
        } else if left < SOON {
            soon.push(seen(ground, agent, format!("ends in {} days", left / DAY)));
        }
    }
    let mut found = Vec::new();
    found.extend(ground.where_seen("issued-certificate-expired", ended));
    found.extend(ground.where_seen("issued-certificate-ends-soon", soon));
    found
}

fn left(issued: &FoundIssued, now: i64) -> Option<i64> {
    let leaf = issued.chain.first()?;
    Some(leaf.validity.not_after - now)
}

fn seen(ground: &Ground<'_>, agent: &HostName, words: String) -> Evidence {
    let folder = &ground.facts.state.folder;
    of_file(format!("{folder}/issued/{agent}/agent.crt"), words)
}
