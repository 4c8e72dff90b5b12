//! Ways to the manager that nobody guards, because nginx is not on them or asks for no TLS.

use super::super::finding::{Evidence, Finding};
use super::super::seen::{add, at, listen_at, of_file};
use super::ground::Ground;
use crate::facts::{Known, Listener};
use crate::nginx::{Address, Http, Peer, Server};

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(ground.where_seen("service-open-to-all", past_nginx(ground)));
    found.extend(ground.where_seen("manager-in-the-clear", without_tls(ground)));
    found
}

/// Servers of the manager that have a certificate, and no line by which they would show it.
pub(super) fn certificate_without_tls(ground: &Ground<'_>) -> Vec<Finding> {
    let Some((config, http)) = ground.http() else {
        return Vec::new();
    };
    let lines = bare(ground, &http).flat_map(|server| &server.listens);
    let seen = lines.map(|listen| at(config, &listen.directive.at));
    let found = ground.where_seen("listen-without-ssl", seen.collect());
    found.into_iter().collect()
}

fn bare<'h, 'a>(ground: &Ground<'_>, http: &'h Http<'a>) -> impl Iterator<Item = &'h Server<'a>> {
    let managers = ground.before_manager().servers.clone();
    http.servers.iter().filter(move |server| {
        // Up to nginx 1.25 a line of its own could say so.
        let speaks = |one: &Server<'_>| {
            one.scope.value("ssl") == Some("on")
                || one.listens.iter().any(|listen| listen.ssl || listen.quic)
        };
        managers.contains(&server.directive.at)
            && !server.scope.own("ssl_certificate").is_empty()
            && !speaks(server)
    })
}

/// Ports of the services behind nginx at which others than this host are answered.
fn past_nginx(ground: &Ground<'_>) -> Vec<Evidence> {
    let Known::Is(listeners) = &ground.facts.listeners else {
        return Vec::new();
    };
    let services = &ground.before_manager().services;
    let ports: Vec<u16> = services
        .iter()
        .filter_map(|peer| match peer {
            Peer::At(address) if address.ip().is_loopback() => Some(address.port()),
            _ => None,
        })
        .collect();
    let open = |one: &&Listener| {
        !one.nginx && !one.at.ip().is_loopback() && ports.contains(&one.at.port())
    };
    let holder = |one: &Listener| {
        let names: Vec<String> = one
            .holders
            .iter()
            .map(|(name, pid)| format!("{name} (process {pid})"))
            .collect();
        names.join(", ")
    };
    let open = listeners.iter().filter(open);
    open.map(|one| {
        of_file(
            one.at,
            format!("answers whoever asks, past nginx: {}", holder(one)),
        )
    })
    .collect()
}

/// Servers of the manager that speak HTTP to others than this host, and do more than send
/// browsers on.
fn without_tls(ground: &Ground<'_>) -> Vec<Evidence> {
    let Some((config, http)) = ground.http() else {
        return Vec::new();
    };
    let before = ground.before_manager();
    // Those are told apart: TLS was meant.
    let bare: Vec<_> = bare(ground, &http).map(|one| one.directive.at).collect();
    let mut seen: Vec<Evidence> = Vec::new();
    for bound in http.sockets() {
        let outside = match &bound.socket.address {
            Address::Ip(ip) => !ip.is_loopback(),
            Address::Any4 | Address::Any6 => true,
            Address::Unix(_) | Address::Name(_) => false,
        };
        if bound.ssl || !outside || bound.socket.quic {
            continue;
        }
        for server in &bound.servers {
            let place = &server.directive.at;
            if !before.servers.contains(place) || bare.contains(place) {
                continue;
            }
            add(&mut seen, listen_at(config, &bound, server));
        }
    }
    seen
}
