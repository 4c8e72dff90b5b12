//! The servers of nginx that stand before the manager, for whoever looks for faults in them.

use super::clients_today::usual_agents_port;
use super::gates;
use super::listeners;
use super::manager::{is_on, serves_ui};
use super::peers::Reached;
use super::streams::{self, StreamServer};
use crate::facts::{Facts, Known};
use crate::nginx::{
    Address, Config, Directive, Http, Listen, PASSES, Peer, Place, Server, Target, all_below,
};
use crate::values::Gather as _;

/// What stands before the manager.
#[derive(Debug, Clone, Default)]
pub struct BeforeManager {
    /// The `server` blocks that browsers or agents reach it by.
    pub servers: Vec<Place>,
    /// Those among them that pass calls of agents on.
    pub of_agents: Vec<Place>,
    /// Where agents' calls go from there, by what names resolve to and sockets lead to here.
    pub services: Vec<Peer>,
    /// Servers below HTTP that end TLS where agents arrive, and select no HTTP/2 for them.
    pub without_alpn: Vec<Place>,
    /// The lines by which agents are met, where only this host itself can get there.
    pub for_this_host_alone: Vec<Place>,
}

impl BeforeManager {
    /// What of it there is in this configuration.
    pub fn of(facts: &Facts, config: &Config) -> Self {
        let Some(http) = listeners::http(facts, config) else {
            return Self::default();
        };
        let agents = gates::servers(&http, usual_agents_port(facts));
        let of_agents: Vec<Place> = agents.iter().map(|server| server.directive.at).collect();
        let services = agents
            .iter()
            .flat_map(|server| services(facts, &http, server));
        let port = usual_agents_port(facts);
        let met_in_stream: Vec<_> = streams::servers(config)
            .filter(|server| server.listens.iter().any(|line| is_on(line, port)))
            .collect();
        let without_alpn = met_in_stream
            .iter()
            .filter(|server| server.ends_tls() && !selects_http2(server))
            .map(|server| server.directive.at);
        let servers = http.servers.iter();
        let servers = servers.filter(|server| {
            let at = server.directive.at;
            let path = &config.file(at.file).path;
            of_agents.contains(&at) || serves_ui(server) || is_ours(path)
        });
        Self {
            servers: servers.map(|server| server.directive.at).collect(),
            services: services.gathered(),
            without_alpn: without_alpn.collect(),
            for_this_host_alone: for_this_host_alone(config, &http, &agents, &met_in_stream),
            of_agents,
        }
    }
}

/// Without it gRPC clients leave: the name of HTTP/2 in the handshake is `h2`.
fn selects_http2(server: &StreamServer<'_>) -> bool {
    let lines = server.nearest("ssl_alpn").into_iter();
    lines.flat_map(Directive::words).any(|name| name == "h2")
}

/// Empty where anybody else can reach agents' servers, or something on this host passes on to them.
fn for_this_host_alone(
    config: &Config,
    http: &Http<'_>,
    agents: &[&Server<'_>],
    in_stream: &[StreamServer<'_>],
) -> Vec<Place> {
    let in_http = agents.iter().flat_map(|server| &server.listens);
    let below = in_stream.iter().flat_map(|server| &server.listens);
    let lines: Vec<&Listen<'_>> = in_http.chain(below).collect();
    let is_loopback = |line: &&Listen<'_>| match &line.address {
        Address::Ip(ip) => ip.is_loopback(),
        _ => false,
    };
    if !lines.iter().all(is_loopback) {
        return Vec::new();
    }
    let ports: Vec<u16> = lines.iter().map(|line| line.port).collect();
    let leads_there = |peer: &Peer| match peer {
        Peer::At(address) => address.ip().is_loopback() && ports.contains(&address.port()),
        _ => false,
    };
    let in_http = all_below(http.directive, &PASSES).filter_map(Target::of);
    let mut passed_on = in_http.flat_map(|target| http.backends(&target)).chain(
        streams::passes(config, http)
            .into_iter()
            .flat_map(|pass| pass.peers),
    );
    if passed_on.any(|peer| leads_there(&peer)) {
        return Vec::new();
    }
    lines.iter().map(|line| line.directive.at).collect()
}

/// Written by this program, by its name.
fn is_ours(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.starts_with("nim-tls-agents-server") || name.starts_with("nginx-manager-")
}

fn services(facts: &Facts, http: &Http<'_>, server: &Server<'_>) -> Vec<Peer> {
    let gates = gates::some_of(http, server);
    let passes = gates
        .certain
        .iter()
        .flat_map(|gate| all_below(gate.directive, &PASSES));
    let targets = passes.filter_map(Target::of);
    let peers = targets.flat_map(|target| http.backends(&target)).gathered();
    Reached::of(facts, &peers).known().cloned().collect()
}

/// Whether anybody on this host takes connections there. `None`: it cannot be told.
pub fn is_met(facts: &Facts, peer: &Peer) -> Option<bool> {
    let Peer::At(address) = peer else {
        return None;
    };
    let Known::Is(listeners) = &facts.listeners else {
        return None;
    };
    let here = address.ip().is_loopback();
    here.then(|| listeners.iter().any(|one| one.at.port() == address.port()))
}
