//! The server that agents and browsers of NGINX Instance Manager 2 reach: found by what it
//! does, not by its file or name.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::error::Problem;
use crate::nginx::{Address, Bound, Config, Directive, Http, Listen, Location, Server, Target};
use crate::values::{Port, SubjectName};

/// The gRPC services that NGINX Agent 2 calls (`f5.nginx.agent.sdk` in its protocol files).
pub const SERVICES: [&str; 2] = [
    "f5.nginx.agent.sdk.Commander",
    "f5.nginx.agent.sdk.MetricsService",
];

/// A call that no location is made for, then the calls of both services by name: somebody may
/// have given one of them a location of its own.
const CALLS: [&str; 6] = [
    "AnyCall",
    "CommandChannel",
    "Download",
    "Upload",
    "Stream",
    "StreamEvents",
];

pub struct Site<'a> {
    pub(super) config: &'a Config,
    pub(super) http: &'a Http<'a>,
    pub(super) server: &'a Server<'a>,
    /// The locations that calls to [`SERVICES`] reach, each once.
    pub(super) gates: Vec<&'a Location<'a>>,
    /// Where the services run, as nginx names it: sockets and addresses.
    pub(super) backends: BTreeSet<String>,
    pub(super) port: Port,
    /// Every socket of the server, on other ports too, each with all servers on it.
    sockets: Vec<Bound<'a, 'a>>,
}

impl<'a> Site<'a> {
    pub fn find(config: &'a Config, http: &'a Http<'a>, port: Port) -> Result<Self, Problem> {
        let server = the_one(config, http, port)?;
        let gates = gates(config, http, server)?;
        let passes = gates.iter().flat_map(|gate| gate.scope.own("grpc_pass"));
        let targets = passes.filter_map(Target::of);
        let backends = targets.flat_map(|target| http.backends(&target)).collect();
        let mut sockets = http.sockets();
        sockets.retain(|bound| holds(bound, server));
        Ok(Self {
            config,
            http,
            server,
            gates,
            backends,
            port,
            sockets,
        })
    }

    /// The listeners of this server on the port of the manager.
    pub(super) fn listens(&self) -> impl Iterator<Item = &'a Listen<'a>> {
        let port = self.port;
        let listens = self.server.listens.iter();
        listens.filter(move |listen| is_on(listen, port))
    }

    /// One address of this host for each of those listeners, where no other listener is closer.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let port = self.port.number();
        let mut addresses: Vec<SocketAddr> = Vec::new();
        let mut add = |ip: IpAddr| {
            let address = SocketAddr::new(ip, port);
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        };
        for listen in self.listens() {
            match &listen.address {
                Address::Any4 => add(self.loopback()),
                Address::Any6 => {
                    if listen.ipv6only == Some(false) {
                        add(self.loopback());
                    }
                    add(Ipv6Addr::LOCALHOST.into());
                }
                Address::Ip(ip) => add(*ip),
                Address::Unix(_) | Address::Name(_) => {}
            }
        }
        addresses
    }

    /// A listener on 127.0.0.1 hides one on every address from local clients; then 127.0.0.2
    /// reaches the latter.
    fn loopback(&self) -> IpAddr {
        let local = Address::Ip(Ipv4Addr::LOCALHOST.into());
        let mut listens = self.http.servers.iter().flat_map(|server| &server.listens);
        let hidden = listens.any(|listen| listen.address == local && is_on(listen, self.port));
        if hidden {
            Ipv4Addr::new(127, 0, 0, 2).into()
        } else {
            Ipv4Addr::LOCALHOST.into()
        }
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

/// The one server on this port that passes agents' calls on.
fn the_one<'a>(config: &Config, http: &'a Http<'a>, port: Port) -> Result<&'a Server<'a>, Problem> {
    let passes_on = |server: &&'a Server<'a>| {
        listens_on(server, port)
            && SERVICES
                .iter()
                .any(|service| gate(http, server, service, CALLS[0]).is_some())
    };
    let candidates: Vec<&'a Server<'a>> = http.servers.iter().filter(passes_on).collect();
    match candidates.as_slice() {
        [server] => Ok(server),
        [] => Err(none_found(config, http, port)),
        several => {
            let places: Vec<String> = several
                .iter()
                .map(|server| config.shown(&server.directive.at))
                .collect();
            Err(Problem::host(format!(
                "several servers listen on port {port} and pass agents on: {}",
                places.join(" and ")
            ))
            .remedy("take the locations of the agents out of all but one of them"))
        }
    }
}

fn gates<'a>(
    config: &Config,
    http: &Http<'a>,
    server: &'a Server<'a>,
) -> Result<Vec<&'a Location<'a>>, Problem> {
    let mut gates: Vec<&'a Location<'a>> = Vec::new();
    for service in SERVICES {
        if gate(http, server, service, CALLS[0]).is_none() {
            let place = config.shown(&server.directive.at);
            return Err(Problem::host(format!(
                "{place}: this server passes no calls of {service} on"
            ))
            .remedy(format!(
                "give it a location /{service} with a grpc_pass, as NIM's own file has"
            )));
        }
        let all = CALLS.iter();
        for found in all.filter_map(|call| gate(http, server, service, call)) {
            let known = |gate: &&Location<'_>| std::ptr::eq(gate.directive, found.directive);
            if !gates.iter().any(known) {
                gates.push(found);
            }
        }
    }
    Ok(gates)
}

/// The location that a call reaches, if it passes it on as gRPC.
fn gate<'a>(
    http: &Http<'a>,
    server: &'a Server<'a>,
    service: &str,
    call: &str,
) -> Option<&'a Location<'a>> {
    let selected = http.find_location_for(server, &format!("/{service}/{call}"));
    let location = selected.location?;
    (!location.scope.own("grpc_pass").is_empty()).then_some(location)
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

/// A directive as it is written, for messages.
pub(super) fn quoted(line: &Directive) -> String {
    format!("\"{} {}\"", line.name, line.args.join(" "))
}

fn listens_on(server: &Server<'_>, port: Port) -> bool {
    server.listens.iter().any(|listen| is_on(listen, port))
}

fn is_on(listen: &Listen<'_>, port: Port) -> bool {
    let ports = listen.port..=listen.last_port;
    ports.contains(&port.number()) && !listen.quic && !matches!(listen.address, Address::Unix(_))
}

fn none_found(config: &Config, http: &Http<'_>, port: Port) -> Problem {
    let places: Vec<String> = http
        .servers
        .iter()
        .filter(|server| listens_on(server, port))
        .map(|server| config.shown(&server.directive.at))
        .collect();
    let looked = if places.is_empty() {
        format!("no server listens on port {port}")
    } else {
        format!("looked at {}", places.join(", "))
    };
    Problem::host(format!(
        "no server on port {port} passes the calls of agents on ({}): {looked}",
        SERVICES.join(", ")
    ))
    .remedy("ls -l /etc/nginx/conf.d/nms-http.conf")
}
