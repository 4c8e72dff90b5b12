//! Ports that nginx listens on today and will not afterwards: whoever goes there finds nobody.

use std::collections::BTreeSet;

use super::super::streams;
use crate::nginx::{Address, Config, Http};

pub(super) fn note(today: Both<'_>, after: Both<'_>) -> Option<String> {
    let after = ports(after);
    let gone = ports(today)
        .into_iter()
        .filter(|port| !after.contains(port));
    let gone: Vec<String> = gone.map(|port| port.to_string()).collect();
    if gone.is_empty() {
        return None;
    }
    Some(format!(
        "nginx will no longer listen on port {}: agents and browsers that are sent there today \
         find nobody until they are told the new port",
        gone.join(" and ")
    ))
}

/// A configuration, and what its `http` block is on this host.
pub(super) type Both<'a> = (&'a Config, &'a Http<'a>);

fn ports((config, http): Both<'_>) -> BTreeSet<u16> {
    let in_streams: Vec<_> = streams::servers(config)
        .flat_map(|server| server.listens)
        .collect();
    let listens = http.servers.iter().flat_map(|server| &server.listens);
    let listens = listens.chain(&in_streams);
    let listens = listens.filter(|listen| !matches!(listen.address, Address::Unix(_)));
    listens
        .flat_map(|listen| listen.port..=listen.last_port)
        .collect()
}
