//! Where the servers before NGINX Instance Manager 1 listen, beside whoever listens there already.

use std::net::IpAddr;

use super::super::manager::is_on;
use crate::error::Problem;
use crate::facts::{Build, Facts, Nginx};
use crate::nginx::{Address, Config, Http, Listen, Socket};
use crate::values::Port;

/// The arguments of `listen` lines, and what goes with them.
pub(in crate::plan) struct Listens {
    pub(in crate::plan) lines: Vec<String>,
    /// HTTP/2 is switched on by a directive.
    pub(in crate::plan) http2: bool,
}

/// How this nginx is told of HTTP/2: by a directive where the running master and the file on
/// disk both know it.
fn has_http2_directive(nginx: Option<&Nginx>) -> bool {
    nginx.is_some_and(|nginx| {
        let next = nginx.on_disk.as_ref();
        nginx.build.has_http2_directive() && next.is_none_or(Build::has_http2_directive)
    })
}

impl Listens {
    /// Below HTTP.
    pub(super) fn in_stream(sockets: &[Socket], tls: bool) -> Self {
        let further = if tls { " ssl" } else { "" };
        let lines = sockets.iter().map(|socket| format!("{socket}{further}"));
        Self {
            lines: lines.collect(),
            http2: false,
        }
    }

    /// `parameter`: HTTP/2 is asked for there, where no directive does that.
    pub(in crate::plan) fn of(
        facts: &Facts,
        sockets: &[Socket],
        tls: bool,
        parameter: bool,
    ) -> Self {
        let http2 = has_http2_directive(facts.nginx.is());
        let mut further = String::new();
        if tls {
            further.push_str(" ssl");
        }
        if parameter && !http2 {
            further.push_str(" http2");
        }
        Self {
            lines: sockets
                .iter()
                .map(|socket| format!("{socket}{further}"))
                .collect(),
            http2,
        }
    }
}

/// For browsers: every address, and each on which somebody listens on this port for himself.
/// `others` is the configuration without the files of this program.
pub(super) fn for_browsers(
    facts: &Facts,
    config: &Config,
    others: &Http<'_>,
    port: Port,
    notes: &mut Vec<String>,
) -> Result<Listens, Problem> {
    let there: Vec<Socket> = others
        .sockets()
        .into_iter()
        .map(|bound| bound.socket)
        .filter(|socket| socket.port == port.number() && !socket.quic)
        .filter(|socket| !matches!(socket.address, Address::Unix(_) | Address::Name(_)))
        .collect();
    let listens = others.servers.iter().flat_map(|server| &server.listens);
    for listen in listens.filter(|listen| is_on(listen, port)) {
        let shown = config.shown(&listen.directive.at);
        if !listen.ssl {
            return Err(Problem::host(format!(
                "{shown}: this server answers on port {port} without TLS, and nginx speaks TLS to \
                 all of a port or to none"
            ))
            .remedy("give that server another port, or say ports: {https: PORT}"));
        }
        if listen.ipv6only == Some(false) {
            return Err(Problem::host(format!(
                "{shown}: this line takes IPv4 and IPv6 on one socket, which leaves no room for a \
                 listener of its own beside it"
            ))
            .remedy("write two lines there, one for each, then: systemctl restart nginx"));
        }
    }
    let mut sockets = there.clone();
    let is_any = |socket: &Socket| matches!(socket.address, Address::Any4 | Address::Any6);
    // The kernel lets nobody listen on every address while nginx holds a single one.
    if there.is_empty() || there.iter().any(is_any) {
        for socket in everywhere(facts, port) {
            if !sockets.contains(&socket) {
                sockets.push(socket);
            }
        }
    }
    let alone = there.is_empty();
    let is_loopback =
        |socket: &Socket| matches!(socket.address, Address::Ip(ip) if ip.is_loopback());
    if !alone && sockets.iter().all(is_loopback) {
        return Err(Problem::host(format!(
            "nginx listens on port {port} for this host alone ({}), and cannot listen there for \
             others beside that while it runs, so no browser could reach the manager",
            there[0]
        ))
        .remedy(format!(
            "write \"listen {port} ssl;\" there (grep -rn listen /etc/nginx), then: systemctl \
             restart nginx; or say ports: {{https: PORT}}"
        )));
    }
    if !alone && !sockets.iter().any(is_any) {
        let at: Vec<String> = sockets.iter().map(ToString::to_string).collect();
        notes.push(format!(
            "browsers meet the manager at {} alone, because nginx listens on single addresses of \
             port {port} today",
            at.join(", ")
        ));
    }
    Ok(Listens::of(facts, &sockets, true, alone))
}

/// For agents: a port for nobody else, so that no other server's rules count there.
pub(in crate::plan) fn for_agents(
    facts: &Facts,
    config: &Config,
    others: &Http<'_>,
    port: Port,
) -> Result<Vec<Socket>, Problem> {
    let mut listens = others.servers.iter().flat_map(|server| &server.listens);
    if let Some(listen) = listens.find(|listen| is_on(listen, port)) {
        return Err(taken(config, port, &config.shown(&listen.directive.at)));
    }
    let mut blocks = config.top().filter(|block| block.name == "stream");
    let in_stream = blocks.find_map(|block| {
        let mut lines = crate::nginx::all_below(block, &["listen"]);
        lines.find(|line| Listen::of(line).is_some_and(|listen| is_on(&listen, port)))
    });
    if let Some(line) = in_stream {
        return Err(taken(config, port, &config.shown(&line.at)));
    }
    Ok(everywhere(facts, port))
}

fn taken(config: &Config, port: Port, place: &str) -> Problem {
    let main = config.files.first().map_or("", |file| file.path.as_str());
    Problem::host(format!(
        "{place}: this server listens on port {port}, which agents need for themselves: beside \
         another server its names and its rules would count for them too"
    ))
    .remedy(format!(
        "take that server away or give it another port (nginx -T -c {main}), or say ports: \
         {{grpc: PORT}}"
    ))
}

/// IPv6 where this host has an address that others can reach it by.
fn everywhere(facts: &Facts, port: Port) -> Vec<Socket> {
    let reachable = |ip: &IpAddr| match ip {
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local(),
        IpAddr::V4(_) => false,
    };
    let mut addresses = vec![Address::Any4];
    if facts.own_addresses.iter().any(reachable) {
        addresses.push(Address::Any6);
    }
    let socket = |address| Socket {
        address,
        port: port.number(),
        quic: false,
    };
    addresses.into_iter().map(socket).collect()
}
