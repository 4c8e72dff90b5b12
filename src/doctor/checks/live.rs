//! What nginx really shows, against what lies on disk: connections to this host itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::super::finding::{Evidence, Finding};
use super::super::seen::of_file;
use super::ground::{Ground, certificates, with_tls};
use crate::certificate::Certificate;
use crate::host::Host;
use crate::nginx::{Address, Bound, Config, Http, Server};
use crate::values::HostName;
use crate::verify;

/// Each of them may keep whoever asks waiting for two seconds.
const MOST: usize = 8;

pub(super) fn findings(host: &dyn Host, ground: &Ground<'_>) -> Vec<Finding> {
    let http = ground.config().and_then(Config::http);
    let Some(http) = http.filter(|_| ground.facts.live && ground.connects) else {
        return Vec::new();
    };
    let managers = &ground.before_manager().servers;
    let mut seen: Vec<Evidence> = Vec::new();
    let servers = with_tls(&http).filter(|server| managers.contains(&server.directive.at));
    let asked = servers.filter_map(|server| Some((server, name_of(ground, server)?)));
    for (server, name) in asked.take(MOST) {
        let files = on_disk(ground, server);
        let Some(address) = socket_of(&http, server).filter(|_| !files.is_empty()) else {
            continue;
        };
        let Some(shown) = verify::shown(host, address, &name) else {
            continue;
        };
        if files
            .iter()
            .any(|(_, leaf)| leaf.fingerprint == shown.fingerprint)
        {
            continue;
        }
        for (path, leaf) in files {
            let words = format!(
                "holds {} (number {}); nginx shows {} (number {}) at {address}",
                leaf.subject, leaf.serial, shown.subject, shown.serial
            );
            let evidence = of_file(path, words);
            if !seen.contains(&evidence) {
                seen.push(evidence);
            }
        }
    }
    ground
        .where_seen("served-is-not-on-disk", seen)
        .into_iter()
        .collect()
}

/// A name by which this server answers.
fn name_of(ground: &Ground<'_>, server: &Server<'_>) -> Option<HostName> {
    let mut listed = server
        .names
        .iter()
        .filter_map(|name| name.parse::<HostName>().ok());
    listed.next().or_else(|| ground.names.first().cloned())
}

/// What its lines name: the paths, and what stands first in each.
fn on_disk<'g>(ground: &'g Ground<'_>, server: &Server<'_>) -> Vec<(String, &'g Certificate)> {
    let lines = server.scope.nearest("ssl_certificate").into_iter();
    let named = lines.filter_map(|line| ground.named(line));
    let leaves = named.filter_map(|(path, file)| {
        let leaf = certificates(file)?.first()?;
        Some((path.to_string(), leaf))
    });
    leaves.collect()
}

/// Where this host reaches it.
fn socket_of(http: &Http<'_>, server: &Server<'_>) -> Option<SocketAddr> {
    let takes_proxy_header = server.listens.iter().any(|listen| listen.proxy_protocol);
    let is_of = |bound: &Bound<'_, '_>| {
        let mut servers = bound.servers.iter();
        bound.ssl
            && !bound.socket.quic
            && servers.any(|one| one.directive.at == server.directive.at)
    };
    let sockets = http.sockets();
    let mut sockets = sockets
        .iter()
        .filter(|bound| is_of(bound) && !takes_proxy_header);
    sockets.find_map(|bound| {
        let ip: IpAddr = match &bound.socket.address {
            Address::Any4 => Ipv4Addr::LOCALHOST.into(),
            Address::Any6 => Ipv6Addr::LOCALHOST.into(),
            Address::Ip(ip) => *ip,
            Address::Unix(_) | Address::Name(_) => return None,
        };
        Some(SocketAddr::new(ip, bound.socket.port))
    })
}
