//! `listen` lines, read as `ngx_parse_url` and `ngx_http_core_listen` in nginx's source do.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::tree::Directive;

/// The address part of a socket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// `*` and `0.0.0.0`
    Any4,
    /// `[::]`
    Any6,
    Ip(IpAddr),
    /// The path behind `unix:`
    Unix(String),
    /// A name that nginx resolves when it starts, in lower case.
    Name(String),
}

/// What nginx binds: two `listen` lines with the same socket share it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Socket {
    pub address: Address,
    /// 0 for a Unix socket.
    pub port: u16,
    /// QUIC listens on UDP, so it never shares a socket with the rest.
    pub quic: bool,
}

/// One `listen` line. `ssl` and `http2` are what this line says; nginx turns them on for all
/// servers of the socket (see [`Bound`](super::model::Bound)). The old `ssl on;` is not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent words of one line of the file"
)]
pub struct Listen<'a> {
    /// The `server` itself where it has no `listen` and nginx assumes one.
    pub directive: &'a Directive,
    /// True where there is no `listen` line: `*:80` (for a master that runs as root).
    pub implied: bool,
    pub address: Address,
    pub port: u16,
    /// The last port of a range (`8000-8010`); the same as `port` where there is none.
    pub last_port: u16,
    pub ssl: bool,
    pub http2: bool,
    pub quic: bool,
    pub default_server: bool,
    pub proxy_protocol: bool,
    /// None where the line does not say; nginx then takes `on`.
    pub ipv6only: Option<bool>,
}

impl<'a> Listen<'a> {
    /// Reads a `listen` directive; None where nginx would refuse its address.
    pub fn of(directive: &'a Directive) -> Option<Self> {
        let (address, port, last_port) = endpoint(directive.arg(0)?)?;
        let says = |word: &str| directive.args.iter().skip(1).any(|arg| arg == word);
        let ipv6only = directive.args.iter().rev().find_map(|arg| match arg {
            "ipv6only=on" => Some(true),
            "ipv6only=off" => Some(false),
            _ => None,
        });
        Some(Self {
            directive,
            implied: false,
            address,
            port,
            last_port,
            ssl: says("ssl"),
            http2: says("http2"),
            quic: says("quic"),
            default_server: says("default_server") || says("default"),
            proxy_protocol: says("proxy_protocol"),
            ipv6only,
        })
    }

    /// What nginx assumes for a server without a `listen`.
    pub(super) fn implied(server: &'a Directive) -> Self {
        Self {
            directive: server,
            implied: true,
            address: Address::Any4,
            port: 80,
            last_port: 80,
            ssl: false,
            http2: false,
            quic: false,
            default_server: false,
            proxy_protocol: false,
            ipv6only: None,
        }
    }

    /// Whether this line sets an option of the socket, so that nginx opens one for it even beside
    /// a listener on every address of the port (`ngx_http_core_listen` sets `bind` for these).
    pub fn opens_its_own(&self) -> bool {
        const WORDS: [&str; 4] = ["bind", "deferred", "reuseport", "multipath"];
        const VALUES: [&str; 8] = [
            "setfib=",
            "fastopen=",
            "backlog=",
            "rcvbuf=",
            "sndbuf=",
            "accept_filter=",
            "ipv6only=",
            "so_keepalive=",
        ];
        let sets =
            |arg: &str| WORDS.contains(&arg) || VALUES.iter().any(|start| arg.starts_with(start));
        let mut options = self.directive.args.iter().skip(1);
        !self.implied && options.any(sets)
    }

    /// The same line for one of the addresses that its name stands for.
    pub(super) fn with_address(&self, ip: IpAddr) -> Self {
        let address = match ip {
            IpAddr::V4(ip) if ip.is_unspecified() => Address::Any4,
            IpAddr::V6(ip) if ip.is_unspecified() => Address::Any6,
            ip => Address::Ip(ip),
        };
        Self {
            address,
            ..self.clone()
        }
    }

    /// The sockets that this line binds: one, or one for each port of a range.
    pub fn sockets(&self) -> impl Iterator<Item = Socket> {
        (self.port..=self.last_port).map(|port| Socket {
            address: self.address.clone(),
            port,
            quic: self.quic,
        })
    }
}

impl fmt::Display for Socket {
    /// As nginx writes it: `*:443`, `[::]:443`, `unix:/run/x.sock`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Address::Any4 => write!(f, "*:{}", self.port),
            Address::Any6 => write!(f, "[::]:{}", self.port),
            Address::Ip(IpAddr::V4(ip)) => write!(f, "{ip}:{}", self.port),
            Address::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
            Address::Unix(path) => write!(f, "unix:{path}"),
            Address::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

/// Address, port and last port of the first argument of a `listen`.
fn endpoint(text: &str) -> Option<(Address, u16, u16)> {
    if let Some(path) = strip_prefix_caseless(text, "unix:") {
        return Some((Address::Unix(path.to_owned()), 0, 0));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (ip, behind) = rest.split_once(']')?;
        let ip: Ipv6Addr = ip.parse().ok()?;
        let (port, last) = match behind.strip_prefix(':') {
            Some(port) => ports(port)?,
            None if behind.is_empty() => (80, 80),
            None => return None,
        };
        let address = if ip.is_unspecified() {
            Address::Any6
        } else {
            Address::Ip(ip.into())
        };
        return Some((address, port, last));
    }
    if let Some((host, port)) = text.split_once(':') {
        let (port, last) = ports(port)?;
        return Some((host_address(host)?, port, last));
    }
    match ports(text) {
        Some((port, last)) => Some((Address::Any4, port, last)),
        None if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') => None,
        None => Some((host_address(text)?, 80, 80)),
    }
}

fn ports(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (port(first)?, port(last)?);
    (first <= last).then_some((first, last))
}

/// A port: digits only, not 0.
pub(super) fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

fn host_address(host: &str) -> Option<Address> {
    if host.is_empty() || host.contains('/') {
        return None;
    }
    Some(match host.parse::<Ipv4Addr>() {
        _ if host == "*" => Address::Any4,
        Ok(ip) if ip.is_unspecified() => Address::Any4,
        Ok(ip) => Address::Ip(ip.into()),
        Err(_) => Address::Name(host.to_ascii_lowercase()),
    })
}

/// The rest behind an ASCII prefix, in upper or lower case.
pub(super) fn strip_prefix_caseless<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}
