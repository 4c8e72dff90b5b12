//! `stream` blocks: they pass bytes on without looking at certificates as HTTP does.

use std::collections::BTreeSet;

use crate::nginx::{Config, Directive, Http, Peer, Target, flat};
use crate::values::Gather as _;

/// A `proxy_pass` of a stream server, and whom it may reach.
pub(super) struct StreamPass<'a> {
    pub(super) line: &'a Directive,
    pub(super) peers: BTreeSet<Peer>,
    pub(super) further: Further,
    /// Whoever comes this way brings a certificate of nginx along.
    pub(super) lends: bool,
}

/// Whom else, where a variable decides the host.
pub(super) enum Further {
    Nobody,
    AnybodyOn(u16),
    Anybody,
}

pub(super) fn passes<'a>(config: &'a Config, http: &Http<'_>) -> Vec<StreamPass<'a>> {
    let streams = config.top().filter(|block| block.name == "stream");
    let of_stream = |stream: &'a Directive| {
        let servers = flat(stream.children()).filter(|block| block.name == "server");
        servers.flat_map(move |server| {
            let lends = [server, stream].into_iter().any(lends);
            let lines = flat(server.children()).filter(|line| line.name == "proxy_pass");
            lines.map(move |line| one(http, stream, line, lends))
        })
    };
    streams.flat_map(of_stream).collect()
}

fn lends(block: &Directive) -> bool {
    flat(block.children()).any(|line| line.name == "proxy_ssl_certificate")
}

fn one<'a>(
    http: &Http<'_>,
    stream: &Directive,
    line: &'a Directive,
    lends: bool,
) -> StreamPass<'a> {
    let to = line.arg(0).unwrap_or_default();
    if !to.contains('$') {
        return StreamPass {
            line,
            peers: group(http, stream, to),
            further: Further::Nobody,
            lends,
        };
    }
    // Any value of any variable of the block could be meant.
    let tables = flat(stream.children())
        .filter(|block| matches!(block.name.as_str(), "map" | "geo" | "split_clients"));
    let values = tables
        .flat_map(|table| flat(table.children()))
        .filter_map(|entry| entry.arg(0));
    StreamPass {
        line,
        peers: values
            .flat_map(|value| group(http, stream, value))
            .gathered(),
        further: match Target::parse(to, "http").port {
            Some(port) => Further::AnybodyOn(port),
            None => Further::Anybody,
        },
        lends,
    }
}

/// The peers behind a name, which may be that of a group, or an address.
fn group(http: &Http<'_>, stream: &Directive, to: &str) -> BTreeSet<Peer> {
    let is_group = |block: &&Directive| {
        let name = block.arg(0).unwrap_or_default();
        block.name == "upstream" && name.eq_ignore_ascii_case(to)
    };
    let peers = |address: &str| http.backends(&Target::parse(address, "http"));
    match flat(stream.children()).find(is_group) {
        Some(group) => flat(group.children())
            .filter(|line| line.name == "server")
            .filter_map(|line| line.arg(0))
            .flat_map(peers)
            .gathered(),
        None => peers(to),
    }
}
