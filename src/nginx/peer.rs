//! Whom a request is passed on to, as the configuration names it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// One peer. Two of them may be the same service all the same: what a name resolves to and
/// where a path really leads only the host can tell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    At(SocketAddr),
    /// A name that nginx looks up, in lower case, and a port.
    Name(String, u16),
    /// The path of a socket: as written, repeated slashes aside.
    Unix(String),
}

impl Peer {
    pub(super) fn unix(path: &str) -> Self {
        let parts = path.split('/');
        let parts: Vec<&str> = parts.filter(|part| !matches!(*part, "" | ".")).collect();
        Self::Unix(format!("/{}", parts.join("/")))
    }

    /// Those that a host (an IPv6 address with its brackets) and a port stand for. `localhost`
    /// is both loopback addresses, whatever a host makes of it.
    pub(super) fn at(host: &str, port: u16) -> Vec<Self> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let local: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        let addresses = match bare.parse::<IpAddr>() {
            Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => vec![local[0]],
            Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => vec![local[1]],
            Ok(ip) => vec![ip],
            Err(_) if bare.eq_ignore_ascii_case("localhost") => local.to_vec(),
            Err(_) => {
                let name = bare.trim_end_matches('.').to_ascii_lowercase();
                return vec![Self::Name(name, port)];
            }
        };
        let at = |ip| Self::At(SocketAddr::new(ip, port));
        addresses.into_iter().map(at).collect()
    }

    /// None for a socket.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::At(address) => Some(address.port()),
            Self::Name(_, port) => Some(*port),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(address) => write!(f, "{address}"),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}
