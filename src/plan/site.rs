//! The server that agents and browsers of NGINX Instance Manager 2 reach: found by what it
//! does, not by its file or name.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::error::Problem;
use crate::nginx::{Address, Bound, Config, Directive, Http, Listen, Location, Server, Target};
use crate::values::{Port, SubjectName};

/// The gRPC services that NGINX Agent 2 calls (`f5.nginx.agent.sdk` in its protocol files).
pub const SERVICES: [&str; 2] =
    ["f5.nginx.agent.sdk.Commander", "f5.nginx.agent.sdk.MetricsService"];

pub struct Site<'a> {
    pub(super) config: &'a Config,
    pub(super) http: &'a Http<'a>,
    pub(super) server: &'a Server<'a>,
    /// The locations that calls to [`SERVICES`] reach, each once.
    pub(super) gates: Vec<&'a Location<'a>>,
    /// Where the services run, as nginx names it: sockets and addresses.
    pub(super) backends: BTreeSet<String>,
    pub(super) port: Port,
}

impl<'a> Site<'a> {
    pub fn find(config: &'a Config, http: &'a Http<'a>, port: Port) -> Result<Self, Problem> {
        let holds = |server: &&'a Server<'a>| {
            listens_on(server, port)
                && SERVICES.iter().any(|service| gate(http, server, service).is_some())
        };
        let candidates: Vec<&'a Server<'a>> = http.servers.iter().filter(holds).collect();
        let place = |server: &Server<'_>| config.shown(&server.directive.at);
        let server = match candidates.as_slice() {
            [server] => *server,
            [] => return Err(none_found(config, http, port)),
            several => {
                let places: Vec<String> = several.iter().map(|server| place(server)).collect();
                return Err(Problem::host(format!(
                    "several servers listen on port {port} and pass agents on: {}",
                    places.join(" and ")
                ))
                .remedy("take the locations of the agents out of all but one of them"));
            }
        };
        let mut gates: Vec<&'a Location<'a>> = Vec::new();
        let mut backends = BTreeSet::new();
        for service in SERVICES {
            let Some(gate) = gate(http, server, service) else {
                return Err(Problem::host(format!(
                    "{}: this server passes no calls of {service} on",
                    place(server)
                )));
            };
            for pass in gate.scope.own("grpc_pass") {
                backends.extend(Target::of(pass).iter().flat_map(|target| http.backends(target)));
            }
            if !gates.iter().any(|known| known.directive.at == gate.directive.at) {
                gates.push(gate);
            }
        }
        Ok(Self { config, http, server, gates, backends, port })
    }

    /// The listeners of this server on the port of the manager.
    pub(super) fn listens(&self) -> impl Iterator<Item = &'a Listen<'a>> {
        let port = self.port;
        self.server.listens.iter().filter(move |listen| is_on(listen, port))
    }

    /// One address of this host for each of those listeners, where no other listener is closer.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for listen in self.listens() {
            let mut add = |ip: IpAddr| {
                let address = SocketAddr::new(ip, listen.port);
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            };
            match &listen.address {
                Address::Any4 => add(self.loopback(listen.port)),
                Address::Any6 => {
                    if listen.ipv6only == Some(false) {
                        add(self.loopback(listen.port));
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
    fn loopback(&self, port: u16) -> IpAddr {
        let local = Address::Ip(Ipv4Addr::LOCALHOST.into());
        let hidden = self
            .http
            .sockets()
            .iter()
            .any(|bound| bound.socket.address == local && bound.socket.port == port);
        if hidden { Ipv4Addr::new(127, 0, 0, 2).into() } else { Ipv4Addr::LOCALHOST.into() }
    }

    /// The sockets of those listeners, each with all servers on it.
    pub(super) fn sockets(&self) -> Vec<Bound<'a, 'a>> {
        let mut sockets = self.http.sockets();
        sockets.retain(|bound| {
            self.listens().any(|listen| listen.sockets().any(|socket| socket == bound.socket))
        });
        sockets
    }

    /// The default server of each of its sockets, each once.
    pub(super) fn defaults(&self) -> Vec<&'a Server<'a>> {
        once(self.sockets().iter().map(|bound| bound.default))
    }

    /// Every server that shares one of its sockets, this one included.
    pub(super) fn neighbours(&self) -> Vec<&'a Server<'a>> {
        once(self.sockets().iter().flat_map(|bound| bound.servers.iter().copied()))
    }

    pub(super) fn is_ours(&self, server: &Server<'_>) -> bool {
        server.directive.at == self.server.directive.at
    }

    /// Whether a client that asks for `name` meets this server. An address is never named in the
    /// handshake, so the default server of the port answers it.
    pub(super) fn answers(&self, name: &SubjectName) -> bool {
        let SubjectName::Dns(name) = name else { return self.is_default_everywhere() };
        let lists = |server: &&Server<'_>| server.names.contains(&name.as_str());
        lists(&self.server)
            || (self.is_default_everywhere() && !self.neighbours().iter().any(lists))
    }

    pub(super) fn is_default_everywhere(&self) -> bool {
        self.defaults().iter().all(|server| self.is_ours(server))
    }
}

fn once<'a>(servers: impl Iterator<Item = &'a Server<'a>>) -> Vec<&'a Server<'a>> {
    let mut found: Vec<&'a Server<'a>> = Vec::new();
    for server in servers {
        if !found.iter().any(|known| known.directive.at == server.directive.at) {
            found.push(server);
        }
    }
    found
}

/// The blocks within a location that have values of their own, however deep.
pub(super) fn within<'a>(location: &'a Location<'a>) -> Vec<&'a Directive> {
    let mut blocks = Vec::new();
    for inner in location.deep() {
        if inner.directive.at != location.directive.at {
            blocks.push(inner.directive);
        }
        blocks.extend(inner.conditionals.iter().map(|conditional| conditional.directive));
    }
    blocks
}

/// The location that calls of a service reach, if it passes them on as gRPC.
fn gate<'a>(http: &'a Http<'a>, server: &'a Server<'a>, service: &str) -> Option<&'a Location<'a>> {
    let call = format!("/{service}/CommandChannel");
    let location = http.find_location_for(server, &call).location?;
    (!location.scope.own("grpc_pass").is_empty()).then_some(location)
}

fn listens_on(server: &Server<'_>, port: Port) -> bool {
    server.listens.iter().any(|listen| is_on(listen, port))
}

fn is_on(listen: &Listen<'_>, port: Port) -> bool {
    listen.port == port.number() && !listen.quic && !matches!(listen.address, Address::Unix(_))
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
    .remedy("is /etc/nginx/conf.d/nms-http.conf in place? see nim-tls check")
}
