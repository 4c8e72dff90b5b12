//! Who would be refused from now on, and gets through today: nobody is cut off unawares.

use std::collections::BTreeSet;

use crate::facts::Facts;
use crate::values::{Gather as _, Port, escaped};

/// How many addresses a note names.
const SHOWN: usize = 5;

/// For the agents that come to `port`. First those who are at work now.
pub(super) fn notes(facts: &Facts, port: Port) -> Vec<String> {
    connected(facts, port)
        .into_iter()
        .chain(seen(facts))
        .collect()
}

fn connected(facts: &Facts, port: Port) -> Option<String> {
    let connected = facts.connected.is()?;
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

/// Where agents have been observed: who is ready, and who is not.
fn seen(facts: &Facts) -> Option<String> {
    let agents = facts.agents.is().filter(|agents| !agents.is_empty())?;
    let ready = agents.iter().filter(|agent| agent.is_ready()).count();
    let perhaps = agents.iter().filter(|agent| agent.perhaps).count();
    let others = agents
        .iter()
        .filter(|agent| !agent.is_ready() && !agent.perhaps);
    let words: Vec<String> = others
        .take(SHOWN)
        .map(|agent| format!("{} ({})", agent.address, escaped(&agent.verify)))
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
