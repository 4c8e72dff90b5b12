//! The servers of nginx that stand before the manager, for whoever looks for faults in them.

use super::clients_today::usual_agents_port;
use super::gates;
use super::listeners;
use super::manager::serves_ui;
use super::peers::Reached;
use crate::facts::{Facts, Known};
use crate::nginx::{Config, Http, PASSES, Peer, Place, Server, Target, all_below};
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
        let servers = http.servers.iter();
        let servers = servers.filter(|server| {
            let at = server.directive.at;
            let path = &config.file(at.file).path;
            of_agents.contains(&at) || serves_ui(server) || is_ours(path)
        });
        Self {
            servers: servers.map(|server| server.directive.at).collect(),
            services: services.gathered(),
            of_agents,
        }
    }
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
