//! Which lines of nginx's error log are about other sites than the manager.

use std::collections::HashSet;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::facts::{Facts, Known};
use crate::nginx::{Address, Bound, Config, Server};
use crate::plan::BeforeManager;

static SERVER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(", server: "));

/// What nginx calls the servers of other sites in its log: by their first name, and while it shakes
/// hands by the address that took the connection.
#[derive(Debug, Default)]
pub(super) struct OtherSites {
    names: HashSet<String>,
    ports: HashSet<u16>,
    /// No server of this host is the manager's.
    all: bool,
}

impl OtherSites {
    /// Of this host. On a manager's host whose own servers cannot be told there are none: nothing
    /// of it is to be passed over.
    pub(super) fn on(facts: &Facts, before: &BeforeManager) -> Self {
        let Some(http) = facts.config.is().and_then(Config::http) else {
            return Self::default();
        };
        let managers = &before.servers;
        if managers.is_empty() {
            // A front of a manager that runs elsewhere would have some.
            return Self {
                all: is_for_agents_only(facts),
                ..Self::default()
            };
        }
        let is_managers = |server: &&Server<'_>| managers.contains(&server.directive.at);
        let own: HashSet<&str> = http
            .servers
            .iter()
            .filter(is_managers)
            .map(called)
            .collect();
        let others = http.servers.iter().map(called);
        let is_other = |bound: &&Bound<'_, '_>| !bound.servers.iter().any(is_managers);
        let sockets = http.sockets();
        let ports = |which: bool| -> HashSet<u16> {
            let sockets = sockets.iter().filter(|bound| is_other(bound) == which);
            let on_network =
                sockets.filter(|bound| !matches!(bound.socket.address, Address::Unix(_)));
            on_network.map(|bound| bound.socket.port).collect()
        };
        Self {
            names: others
                .filter(|name| !own.contains(name))
                .map(str::to_owned)
                .collect(),
            ports: &ports(true) - &ports(false),
            all: false,
        }
    }

    /// Whether this line says that it is about one of them.
    pub(super) fn is_of(&self, line: &[u8]) -> bool {
        if !self.all && self.names.is_empty() && self.ports.is_empty() {
            return false;
        }
        let Some(at) = SERVER.find(line) else {
            return false;
        };
        let rest = String::from_utf8_lossy(&line[at + SERVER.needle().len()..]);
        let told = rest.split_once(", ").map_or(&*rest, |(told, _)| told);
        let port = told
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        self.all || self.names.contains(told) || port.is_some_and(|port| self.ports.contains(&port))
    }
}

/// An instance, or whatever else the manager is not installed on.
fn is_for_agents_only(facts: &Facts) -> bool {
    matches!(facts.nim, Known::Absent) && matches!(facts.agent, Known::Is(_))
}

fn called<'a>(server: &Server<'a>) -> &'a str {
    server.names.first().copied().unwrap_or_default()
}
