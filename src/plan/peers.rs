//! Whether two ways lead to the same service: told by what names resolve to and where the paths
//! of sockets really lead on this host, not by how they are written.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::facts::{Facts, Known};
use crate::nginx::Peer;

/// Peers as this host reaches them.
#[derive(Debug, Clone, Default)]
pub(super) struct Reached {
    /// Addresses and sockets, each in one form only.
    known: BTreeSet<Peer>,
    /// Names and ports of those that could not be looked up.
    unknown: BTreeSet<(String, u16)>,
}

/// Where a way leads, as seen from the services of agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leads {
    There,
    Elsewhere,
    /// This name on the port of a service: nobody could say what it stands for.
    Perhaps(String),
}

impl Reached {
    pub(super) fn of(facts: &Facts, peers: &BTreeSet<Peer>) -> Self {
        let mut reached = Self::default();
        for peer in peers {
            match peer {
                Peer::At(address) => reached.add(facts, *address),
                Peer::Unix(path) => {
                    reached.known.insert(Peer::Unix(real_path(facts, path)));
                }
                Peer::Name(name, port) => match facts.nginx_names.get(name) {
                    Some(Known::Is(addresses)) => {
                        for ip in addresses {
                            reached.add(facts, SocketAddr::new(*ip, *port));
                        }
                    }
                    Some(Known::Absent | Known::Unclear(_)) | None => {
                        reached.unknown.insert((name.clone(), *port));
                    }
                },
            }
        }
        reached
    }

    /// A service of this host is one and the same by every address of the host: it seldom
    /// listens on one of them only, and what else listens there is no service of agents.
    fn add(&mut self, facts: &Facts, address: SocketAddr) {
        let ip = address.ip().to_canonical();
        let here = ip.is_loopback() || ip.is_unspecified() || facts.own_addresses.contains(&ip);
        let ip = if here {
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        } else {
            ip
        };
        let address = SocketAddr::new(ip, address.port());
        self.known.insert(Peer::At(address));
    }

    /// Those that could be looked up.
    pub(super) fn known(&self) -> impl Iterator<Item = &Peer> {
        self.known.iter()
    }

    /// Whether another way leads to one of these.
    pub(super) fn met_by(&self, other: &Self) -> Leads {
        let same_name = !self.unknown.is_disjoint(&other.unknown);
        if same_name || !self.known.is_disjoint(&other.known) {
            return Leads::There;
        }
        let theirs = other.unknown.iter().filter(|(_, port)| self.is_on(*port));
        let ours = self.unknown.iter().filter(|(_, port)| other.is_on(*port));
        match theirs.chain(ours).next() {
            Some((name, _)) => Leads::Perhaps(name.clone()),
            None => Leads::Elsewhere,
        }
    }

    /// Whether one of these, wherever it is, has this port.
    pub(super) fn is_on(&self, port: u16) -> bool {
        let mut known = self.known.iter().filter_map(Peer::port);
        known.any(|other| other == port) || self.unknown.iter().any(|(_, other)| *other == port)
    }

    pub(super) fn is_on_tcp(&self) -> bool {
        !self.unknown.is_empty() || self.known.iter().any(|peer| peer.port().is_some())
    }
}

/// `/var/run` is `/run` everywhere; said here for hosts on which neither could be looked at.
fn real_path(facts: &Facts, path: &str) -> String {
    let real = facts.socket_paths.get(path).map_or(path, String::as_str);
    match real.strip_prefix("/var/run/") {
        Some(below) => format!("/run/{below}"),
        None => real.to_owned(),
    }
}
