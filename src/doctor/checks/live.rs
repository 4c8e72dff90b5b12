//! What nginx really shows, against what lies on disk: connections to this host itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::super::finding::{Evidence, Finding};
use super::super::seen::{add, at, of_file};
use super::ground::{Ground, certificates, with_tls};
use super::http2::speaks;
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
    let before = ground.before_manager();
    let (mut others, mut without) = (Vec::new(), Vec::new());
    let servers = with_tls(&http).filter(|server| before.servers.contains(&server.directive.at));
    let asked = servers.filter_map(|server| Some((server, name_of(ground, server)?)));
    for (server, name) in asked.take(MOST) {
        let files = on_disk(ground, server);
        let Some(way) = way_to(&http, server).filter(|_| !files.is_empty()) else {
            continue;
        };
        let Some(shown) = verify::shown(host, way.address, &name) else {
            continue;
        };
        let is_agents = before.of_agents.contains(&server.directive.at);
        if is_agents && way.http2 && !shown.http2 {
            let place = ground
                .config()
                .map(|config| at(config, &server.directive.at));
            without.extend(place.map(|place| Evidence {
                text: format!("has HTTP/2 on; nginx agrees to none at {}", way.address),
                ..place
            }));
        }
        let is_shown = |leaf: &Certificate| leaf.fingerprint == shown.certificate.fingerprint;
        if files.iter().any(|(_, leaf)| is_shown(leaf)) {
            continue;
        }
        for (path, leaf) in files {
            let other = &shown.certificate;
            let words = format!(
                "holds {} (number {}); nginx shows {} (number {}) at {}",
                leaf.subject, leaf.serial, other.subject, other.serial, way.address
            );
            add(&mut others, of_file(path, words));
        }
    }
    let found = [
        ground.where_seen("http2-is-not-loaded", without),
        ground.where_seen("served-is-not-on-disk", others),
    ];
    found.into_iter().flatten().collect()
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

/// How this host reaches a server.
struct Way {
    address: SocketAddr,
    /// Whether HTTP/2 is on there, by what is on disk.
    http2: bool,
}

fn way_to(http: &Http<'_>, server: &Server<'_>) -> Option<Way> {
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
        Some(Way {
            address: SocketAddr::new(ip, bound.socket.port),
            http2: speaks(bound, server),
        })
    })
}
