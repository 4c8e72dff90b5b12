//! The server that agents and browsers of NGINX Instance Manager 2 reach: found by what it
//! does, not by its file or name.

use std::collections::BTreeSet;

use super::gates::{self, Gates};
pub use super::manager::SERVICES;
use super::manager::is_on;
use super::peers::Reached;
use crate::error::Problem;
use crate::facts::Facts;
use crate::nginx::{Bound, Config, Directive, Http, Listen, Location, Peer, Server, Target};
use crate::values::{Gather as _, Port, SubjectName, masked};

pub struct Site<'a> {
    pub(super) facts: &'a Facts,
    pub(super) config: &'a Config,
    pub(super) http: &'a Http<'a>,
    pub(super) server: &'a Server<'a>,
    /// The locations that calls to [`SERVICES`] reach, each once.
    pub(super) gates: Vec<&'a Location<'a>>,
    /// Those that calls may reach for which there is none of the others.
    unsure: Vec<&'a Location<'a>>,
    /// Where the services run.
    pub(super) backends: Reached,
    pub(super) port: Port,
    /// Every socket of the server, on other ports too, each with all servers on it.
    sockets: Vec<Bound<'a, 'a>>,
}

impl<'a> Site<'a> {
    pub fn find(
        facts: &'a Facts,
        config: &'a Config,
        http: &'a Http<'a>,
        port: Port,
    ) -> Result<Self, Problem> {
        let server = gates::server(config, http, port)?;
        let found = gates::of(config, http, server)?;
        Ok(Self::of(facts, config, http, server, found, port))
    }

    /// A server that is known, with the locations in it that agents' calls reach.
    pub(super) fn of(
        facts: &'a Facts,
        config: &'a Config,
        http: &'a Http<'a>,
        server: &'a Server<'a>,
        found: Gates<'a>,
        port: Port,
    ) -> Self {
        let gates = found.certain.iter().chain(&found.unsure);
        let passes = gates.flat_map(|gate| gate.scope.own("grpc_pass"));
        let targets = passes.filter_map(Target::of);
        let peers: BTreeSet<Peer> = targets.flat_map(|target| http.backends(&target)).gathered();
        let mut sockets = http.sockets();
        sockets.retain(|bound| holds(bound, server));
        Self {
            facts,
            config,
            http,
            server,
            gates: found.certain,
            unsure: found.unsure,
            backends: Reached::of(facts, &peers),
            port,
            sockets,
        }
    }

    /// The listeners of this server on the port of the manager.
    pub(super) fn listens(&self) -> impl Iterator<Item = &'a Listen<'a>> {
        let port = self.port;
        let listens = self.server.listens.iter();
        listens.filter(move |listen| is_on(listen, port))
    }

    /// A check can only be put where the calls are known to end.
    pub(super) fn certain(&self) -> Result<(), Problem> {
        let Some(location) = self.unsure.first() else {
            return Ok(());
        };
        let why = format!(
            "whether calls of agents end here cannot be told from the regular expression {}",
            location.pattern
        );
        Err(self.refused(location.directive, why).remedy(format!(
            "give each service a location without one, as NIM's own file has: location /{} {{ ... \
             }} and location /{} {{ ... }}",
            SERVICES[0], SERVICES[1]
        )))
    }

    /// What this program is to edit must be written down.
    pub(super) fn explicit(&self) -> Result<(), Problem> {
        match self.listens().find(|listen| listen.implied) {
            None => Ok(()),
            Some(_) => Err(Problem::host(format!(
                "{}: this server has no \"listen\" line",
                self.config.shown(&self.server.directive.at)
            ))
            .remedy(format!("give it: listen {} ssl;", self.port))),
        }
    }

    /// The sockets on the port of the manager.
    pub(super) fn on_port(&self) -> impl Iterator<Item = &Bound<'a, 'a>> {
        self.sockets.iter().filter(|bound| {
            let socket = &bound.socket;
            socket.port == self.port.number() && !socket.quic
        })
    }

    /// The server that answers on a socket where no name matches, for each of its sockets (each
    /// server once): its settings rule the TLS sessions there.
    pub(super) fn defaults(&self) -> Vec<&'a Server<'a>> {
        once(self.sockets.iter().map(|bound| bound.default))
    }

    /// Every server that shares one of its sockets, this one included.
    pub(super) fn neighbours(&self) -> Vec<&'a Server<'a>> {
        let sockets = self.sockets.iter();
        once(sockets.flat_map(|bound| bound.servers.iter().copied()))
    }

    /// Those among them that share a socket on the port of the manager.
    pub(super) fn neighbours_on_port(&self) -> Vec<&'a Server<'a>> {
        let sockets = self.on_port();
        once(sockets.flat_map(|bound| bound.servers.iter().copied()))
    }

    /// What is wrong with a line of the configuration.
    pub(super) fn refused(&self, at: &Directive, why: impl std::fmt::Display) -> Problem {
        Problem::host(format!("{}: {why}", self.config.shown(&at.at)))
    }

    pub(super) fn is_ours(&self, server: &Server<'_>) -> bool {
        std::ptr::eq(server.directive, self.server.directive)
    }

    /// Whether a client that asks for `name` meets this server. An address is never named in the
    /// handshake, so the default server of the port answers it.
    pub(super) fn answers(&self, name: &SubjectName) -> bool {
        let SubjectName::Dns(name) = name else {
            return self.is_default_on_port();
        };
        let lists = |server: &Server<'_>| server.names.contains(&name.as_str());
        let others = self.neighbours_on_port();
        lists(self.server) || (self.is_default_on_port() && !others.into_iter().any(lists))
    }

    pub(super) fn is_default_on_port(&self) -> bool {
        self.on_port().all(|bound| self.is_ours(bound.default))
    }
}

fn once<'a>(servers: impl Iterator<Item = &'a Server<'a>>) -> Vec<&'a Server<'a>> {
    let mut found: Vec<&'a Server<'a>> = Vec::new();
    for server in servers {
        if !found.iter().any(|known| std::ptr::eq(*known, server)) {
            found.push(server);
        }
    }
    found
}

fn holds(bound: &Bound<'_, '_>, server: &Server<'_>) -> bool {
    let mut servers = bound.servers.iter();
    servers.any(|other| std::ptr::eq(other.directive, server.directive))
}

/// The blocks within a location that have values of their own, however deep.
pub(super) fn within<'a>(location: &'a Location<'a>) -> Vec<&'a Directive> {
    let mut blocks = Vec::new();
    for inner in location.deep() {
        if !std::ptr::eq(inner.directive, location.directive) {
            blocks.push(inner.directive);
        }
        blocks.extend(inner.conditionals.iter().map(|one| one.directive));
    }
    blocks
}

/// A directive as it is written, for messages, without a secret.
pub(super) fn quoted(line: &Directive) -> String {
    let whole = masked(&format!("{} {};", line.name, line.args.joined()));
    format!("\"{}\"", whole.trim_end_matches(';'))
}
