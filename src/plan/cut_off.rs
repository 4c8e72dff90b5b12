//! Who would be refused from now on, and gets through today: nobody is cut off unawares.

use std::collections::BTreeSet;

use super::listed::Listing;
use crate::certificate::Certificate;
use crate::facts::{Agent, Client, Facts};
use crate::values::{Gather as _, Port, escaped};

/// How many addresses a note names.
const SHOWN: usize = 5;

/// For the agents that come to `port`. First those who are at work now. `listing`: whose
/// certificates count, where not all of their authority do.
pub(super) fn notes(facts: &Facts, port: Port, listing: Option<&Listing>) -> Vec<String> {
    let connected = facts.connected.is().map_or(&[][..], Vec::as_slice);
    let without = without_certificate(connected, port);
    let others = listing.and_then(|listing| not_listed(connected, port, listing));
    let dropped = listing.and_then(|listing| dropped(facts, listing));
    let seen = seen(facts, listing);
    let all = without.into_iter().chain(others).chain(dropped);
    all.chain(seen).collect()
}

/// Agents whose certificates lie here and are good, and that are listed no more.
fn dropped(facts: &Facts, listing: &Listing) -> Option<String> {
    let is_dropped = |leaf: &Certificate| {
        leaf.validity.not_after > facts.looked_at && !listing.allows(&leaf.subject_rfc2253)
    };
    let issued = facts.state.issued.iter();
    let names: Vec<&str> = issued
        .filter(|(_, found)| {
            let leaf = found.is().and_then(|found| found.chain.first());
            leaf.is_some_and(is_dropped)
        })
        .map(|(name, _)| name.as_str())
        .collect();
    if names.is_empty() {
        return None;
    }
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    let shown = names[..names.len().min(SHOWN)].join(", ");
    Some(format!(
        "have a certificate of this host that is good, and are not listed: {shown}{more}; whoever \
         shows one of those is refused"
    ))
}

fn without_certificate(connected: &[Client], port: Port) -> Option<String> {
    let without = connected
        .iter()
        .filter(|client| client.certificate.is().is_none());
    let from: BTreeSet<String> = without
        .map(|client| client.from.ip().to_string())
        .gathered();
    if from.is_empty() {
        return None;
    }
    let first: Vec<&str> = from.iter().take(SHOWN).map(String::as_str).collect();
    let more = match from.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "connected to port {port} now without a certificate: {}{more}; agents among them are \
         refused until they have a certificate of this authority",
        first.join(", ")
    ))
}

/// A verified certificate is not enough where others have some, too.
fn not_listed(connected: &[Client], port: Port, listing: &Listing) -> Option<String> {
    let shown = connected
        .iter()
        .filter_map(|client| client.certificate.is());
    let others: BTreeSet<String> = shown
        .filter(|subject| !listing.allows(subject))
        .map(|subject| escaped(subject))
        .gathered();
    if others.is_empty() {
        return None;
    }
    let first: Vec<&str> = others.iter().take(SHOWN).map(String::as_str).collect();
    Some(format!(
        "connected to port {port} now, with a certificate that is not listed: {}{}; they are \
         refused unless they are among agents",
        first.join("; "),
        if others.len() > SHOWN { "; ..." } else { "" }
    ))
}

/// Where agents have been observed: who is ready, and who is not.
fn seen(facts: &Facts, listing: Option<&Listing>) -> Option<String> {
    let agents = facts.agents.is().filter(|agents| !agents.is_empty())?;
    // The list of today may be another one than the one they were held against.
    let is_ready = |agent: &Agent| match (listing, &agent.subject) {
        (Some(listing), Some(subject)) => listing.allows(subject),
        (Some(_), None) => false,
        (None, _) => agent.is_ready(),
    };
    let ready = agents.iter().filter(|agent| is_ready(agent)).count();
    let perhaps = agents.iter().filter(|agent| agent.perhaps).count();
    let others = agents
        .iter()
        .filter(|agent| !is_ready(agent) && !agent.perhaps);
    let words: Vec<String> = others
        .take(SHOWN)
        .map(|agent| {
            let why = match &agent.subject {
                Some(subject) => format!("{}, not listed", escaped(subject)),
                None => escaped(&agent.verify),
            };
            format!("{} ({why})", agent.address)
        })
        .collect();
    Some(match agents.len() - ready - perhaps {
        0 if perhaps > 0 => format!(
            "of the agents seen, {ready} are ready, and {perhaps} called without a certificate \
             before others from the same address came with one: it is one of them, or will be \
             cut off; nim-tls agents lists them"
        ),
        0 => format!("of the agents seen, all {ready} are ready; nim-tls agents lists them"),
        more => format!(
            "of the agents seen, {ready} are ready and {more} would be cut off: {}{}; nim-tls \
             agents lists all",
            words.join(", "),
            if more > SHOWN { ", ..." } else { "" }
        ),
    })
}
