//! Where the server that sends browsers on has to listen, beside whoever listens on port 80.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::manager::is_on;
use super::site::Site;
use crate::nginx::{Address, Bound, Server, Socket};
use crate::values::Port;

/// The file of that server.
pub(super) const FILE: &str = "nim-tls-redirect.conf";

/// On port 80, wherever the manager listens with TLS, or without it today. Where somebody listens
/// there for every address, it is on that one: a listener on a single address beside it would take
/// all names away from him there. Where somebody has an address for himself, on that one too.
pub(super) fn sockets(site: &Site<'_>) -> Vec<Socket> {
    let mut wanted: Vec<Socket> = Vec::new();
    let there = site.http.sockets();
    let of_others: Vec<&Bound<'_, '_>> = there
        .iter()
        .filter(|bound| bound.socket == on_port(bound.socket.address.clone()))
        .filter(|bound| bound.servers.iter().any(|server| is_others(site, server)))
        .collect();
    let is_there = |socket: &Socket| of_others.iter().any(|bound| bound.socket == *socket);
    let mut add = |address: &Address| {
        let narrow = on_port(address.clone());
        let wide = every(address).map(on_port).filter(&is_there);
        let socket = match wide {
            Some(wide) if !is_there(&narrow) => wide,
            _ => narrow,
        };
        if !wanted.contains(&socket) {
            wanted.push(socket);
        }
    };
    let plain = site.server.listens.iter();
    let plain = plain.filter(|listen| is_on(listen, Port::HTTP));
    for listen in site.listens().chain(plain) {
        if matches!(listen.address, Address::Any6) && listen.ipv6only == Some(false) {
            add(&Address::Any4);
        }
        match &listen.address {
            Address::Unix(_) | Address::Name(_) => {}
            address => add(address),
        }
    }
    for bound in &of_others {
        let covered =
            every(&bound.socket.address).is_some_and(|every| wanted.contains(&on_port(every)));
        if covered && !wanted.contains(&bound.socket) {
            wanted.push(bound.socket.clone());
        }
    }
    // One line for both families leaves no room for another.
    let both = |bound: &&&Bound<'_, '_>| {
        let others = bound
            .servers
            .iter()
            .filter(|server| is_others(site, server));
        let mut listens = others.flat_map(|server| &server.listens);
        bound.socket.address == Address::Any6
            && listens.any(|listen| is_on(listen, Port::HTTP) && listen.ipv6only == Some(false))
    };
    if of_others.iter().any(|bound| both(&bound)) && !is_there(&on_port(Address::Any4)) {
        wanted.retain(|socket| socket.address != Address::Any4);
        if !wanted.contains(&on_port(Address::Any6)) {
            wanted.push(on_port(Address::Any6));
        }
    }
    wanted
}

/// Neither the manager's own nor the one that this program writes.
pub(super) fn is_others(site: &Site<'_>, server: &Server<'_>) -> bool {
    let file = &site.config.file(server.directive.at.file).path;
    let written = file.rsplit('/').next() == Some(FILE);
    !written && !site.is_ours(server)
}

pub(super) fn on_port(address: Address) -> Socket {
    Socket {
        address,
        port: Port::HTTP.number(),
        quic: false,
    }
}

/// For a single address, every one of its family.
pub(super) fn every(address: &Address) -> Option<Address> {
    match address {
        Address::Ip(IpAddr::V4(_)) => Some(Address::Any4),
        Address::Ip(IpAddr::V6(_)) => Some(Address::Any6),
        _ => None,
    }
}

pub(super) fn ip_of(socket: &Socket) -> Option<IpAddr> {
    match socket.address {
        Address::Any4 => Some(Ipv4Addr::UNSPECIFIED.into()),
        Address::Any6 => Some(Ipv6Addr::UNSPECIFIED.into()),
        Address::Ip(ip) => Some(ip),
        Address::Unix(_) | Address::Name(_) => None,
    }
}
