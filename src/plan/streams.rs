//! `stream` blocks: they pass bytes on without looking at certificates as HTTP does.

use std::collections::BTreeSet;

use crate::nginx::{Config, Directive, Http, Listen, Peer, Target, flat};
use crate::values::Gather as _;

/// A `server` of a `stream` block.
pub(super) struct StreamServer<'a> {
    pub(super) directive: &'a Directive,
    pub(super) stream: &'a Directive,
    pub(super) listens: Vec<Listen<'a>>,
}

impl<'a> StreamServer<'a> {
    /// The lines of that name that hold in it: its own, else those of the block around it.
    pub(super) fn nearest(&self, name: &str) -> Vec<&'a Directive> {
        let lines = |block: &'a Directive| -> Vec<&'a Directive> {
            flat(block.children())
                .filter(|line| line.name == name)
                .collect()
        };
        let own = lines(self.directive);
        if own.is_empty() {
            lines(self.stream)
        } else {
            own
        }
    }

    pub(super) fn passes(&self) -> impl Iterator<Item = &'a Directive> {
        flat(self.directive.children()).filter(|line| line.name == "proxy_pass")
    }

    pub(super) fn ends_tls(&self) -> bool {
        self.listens.iter().any(|listen| listen.ssl)
    }

    /// Whom it passes on to.
    pub(super) fn peers(&self, http: &Http<'_>) -> BTreeSet<Peer> {
        let to = self.passes().filter_map(|line| line.arg(0));
        to.flat_map(|to| group(http, self.stream, to)).gathered()
    }
}

pub(super) fn servers(config: &Config) -> impl Iterator<Item = StreamServer<'_>> {
    let streams = config.top().filter(|block| block.name == "stream");
    streams.flat_map(|stream| {
        let servers = flat(stream.children()).filter(|block| block.name == "server");
        servers.map(move |directive| {
            let lines = flat(directive.children()).filter(|line| line.name == "listen");
            StreamServer {
                directive,
                stream,
                listens: lines.filter_map(Listen::of).collect(),
            }
        })
    })
}

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
    let passes = servers(config).flat_map(|server| {
        let lends = [server.directive, server.stream].into_iter().any(lends);
        let lines: Vec<_> = server.passes().collect();
        let pass = move |line| one(http, server.stream, line, lends);
        lines.into_iter().map(pass)
    });
    passes.collect()
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
