//! Headers that tell browsers to be careful, and whether they arrive.

use super::attempt::said;
use super::http::HttpAnswer;
use super::pace::Pace;
use super::trust::Trust;
use super::way::{UI, request, ways};
use crate::host::Host;
use crate::plan::Proof;
use crate::report::Row;

/// Headers reach browsers with a page and with an error: nginx leaves out of the latter what is
/// not marked for it.
pub(super) fn rows(host: &dyn Host, proof: &Proof, pace: &Pace<'_>, tell: &mut dyn FnMut(Row)) {
    if proof.headers.is_empty() {
        return;
    }
    let Some(way) = ways(proof).into_iter().next() else {
        return;
    };
    let leg = format!("UI at {}", way.address);
    for (path, case) in [
        (UI, "security headers"),
        (NOWHERE, "the same, no such page"),
    ] {
        tell(match proof.barred.get(&way.address) {
            Some(why) => Row::not_tried(&leg, case, "sent", why.clone()),
            None => match request(host, &way, path, Trust::RecordOnly, pace) {
                Ok((answer, _)) => sent(&leg, case, &proof.headers, &answer),
                Err(fault) => said(&leg, case, "sent", format!("refused ({fault})"), false),
            },
        });
    }
}

/// No page of the manager has this name.
const NOWHERE: &str = "/nim-tls-proof";

fn sent(leg: &str, case: &str, wanted: &[String], answer: &HttpAnswer) -> Row {
    let is_sent = |name: &&String| answer.header(name).is_some_and(|value| !value.is_empty());
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|name| !is_sent(name))
        .map(String::as_str)
        .collect();
    let seen = if missing.is_empty() {
        format!("HTTP {} with all {}", answer.status, wanted.len())
    } else {
        format!("HTTP {} without {}", answer.status, missing.join(", "))
    };
    said(leg, case, "sent", seen, missing.is_empty())
}
