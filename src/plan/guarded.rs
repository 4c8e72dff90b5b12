//! What only agents with a certificate may reach: the services of agents, and the port at which
//! nginx meets them.

use super::peers::Reached;
use super::site::{Site, within};
use super::streams::StreamServer;
use crate::error::Problem;
use crate::facts::Facts;
use crate::nginx::{Address, Config, Directive, Http};
use crate::values::Port;

pub(super) struct Guarded<'g, 'a> {
    pub(super) facts: &'g Facts,
    pub(super) config: &'a Config,
    pub(super) http: &'g Http<'a>,
    /// Where the services run.
    pub(super) services: &'g Reached,
    /// Blocks and lines that lead there, and are guarded themselves.
    pub(super) ways: Vec<&'a Directive>,
    pub(super) port: Port,
    /// Paths of sockets at which agents are met too.
    pub(super) sockets: Vec<&'g str>,
}

impl<'g, 'a> Guarded<'g, 'a> {
    pub(super) fn of(site: &'g Site<'a>) -> Self {
        let gates = site.gates.iter();
        let ways = gates.flat_map(|gate| std::iter::once(gate.directive).chain(within(gate)));
        let listens = site.server.listens.iter();
        let sockets = listens.filter_map(|listen| match &listen.address {
            Address::Unix(path) => Some(path.as_str()),
            _ => None,
        });
        Self {
            facts: site.facts,
            config: site.config,
            http: site.http,
            services: &site.backends,
            ways: ways.collect(),
            port: site.port,
            sockets: sockets.collect(),
        }
    }

    /// The same of a server below HTTP, and the services that it passes to.
    pub(super) fn of_stream(
        facts: &'g Facts,
        config: &'a Config,
        http: &'g Http<'a>,
        services: &'g Reached,
        server: &StreamServer<'a>,
        port: Port,
    ) -> Self {
        Self {
            facts,
            config,
            http,
            services,
            ways: server.passes().collect(),
            port,
            sockets: Vec::new(),
        }
    }

    pub(super) fn is_guarded(&self, line: &Directive) -> bool {
        self.ways.iter().any(|known| std::ptr::eq(*known, line))
    }

    /// What is wrong with a line of the configuration.
    pub(super) fn refused(&self, at: &Directive, why: impl std::fmt::Display) -> Problem {
        Problem::host(format!("{}: {why}", self.config.shown(&at.at)))
    }
}
