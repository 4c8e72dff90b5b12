//! Names and sockets in nginx's configuration of which a plan has to know what they are.

use std::collections::{BTreeSet, HashSet};

use super::gates;
use super::lent;
use super::streams;
use crate::nginx::{Address, Config, Http, PASSES, Peer, Target, all_below};
use crate::values::{Gather as _, Port};

/// What is to be looked up before a plan is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    pub hosts: BTreeSet<String>,
    /// Paths, as [`Peer::Unix`] has them.
    pub sockets: BTreeSet<String>,
}

/// A host may name hundreds of others: only those count that could be a service of the agents
/// who connect to `port`.
pub fn named(config: &Config, port: Port) -> Named {
    let Some(http) = config.http() else {
        return Named::default();
    };
    let mut named = Named::default();
    let listens = http.servers.iter().flat_map(|server| &server.listens);
    named
        .hosts
        .extend(listens.filter_map(|listen| match &listen.address {
            Address::Name(name) => Some(name.clone()),
            _ => None,
        }));
    let lent = lent::passes(config, &http).into_iter();
    for peer in lent.flat_map(|pass| pass.peers) {
        match peer {
            Peer::Name(name, other) if other == port.number() => {
                named.hosts.insert(name);
            }
            Peer::Unix(path) => {
                named.sockets.insert(path);
            }
            _ => {}
        }
    }
    let services = services(config, &http, port);
    let ports: BTreeSet<u16> = services.iter().filter_map(Peer::port).gathered();
    let has_socket = services.iter().any(|peer| peer.port().is_none());
    for peer in services.into_iter().chain(peers(config, &http)) {
        match peer {
            Peer::Name(name, port) if ports.contains(&port) => {
                named.hosts.insert(name);
            }
            Peer::Unix(path) if has_socket => {
                named.sockets.insert(path);
            }
            _ => {}
        }
    }
    named
}

/// Whom agents' calls are passed to.
fn services(config: &Config, http: &Http<'_>, port: Port) -> BTreeSet<Peer> {
    let found = gates::server(config, http, port)
        .and_then(|server| gates::of(config, http, server))
        .unwrap_or_default();
    let gates = found.certain.iter().chain(&found.unsure);
    let passes = gates.flat_map(|gate| gate.scope.own("grpc_pass"));
    let targets = passes.filter_map(Target::of);
    targets.flat_map(|target| http.backends(&target)).gathered()
}

/// Whom anything is passed to.
fn peers(config: &Config, http: &Http<'_>) -> BTreeSet<Peer> {
    let mut peers = BTreeSet::new();
    let mut seen = HashSet::new();
    for line in all_below(http.directive, &PASSES) {
        if seen.insert((line.name.as_str(), line.arg(0)))
            && let Some(target) = Target::of(line)
        {
            peers.extend(http.backends(&target));
        }
    }
    let streams = streams::passes(config, http).into_iter();
    peers.extend(streams.flat_map(|pass| pass.peers));
    peers
}
