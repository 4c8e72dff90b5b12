//! Name constraints (RFC 5280, 4.2.1.10): what an authority may vouch for.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::values::{HostName, SubjectName};

/// What our root may vouch for: these names with all below them, and addresses only where some
/// are in play.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permitted {
    pub dns: BTreeSet<HostName>,
    pub ip: BTreeSet<IpAddr>,
}

impl Permitted {
    /// The narrowest permission that serves `names` and their neighbours: the zone of each
    /// name (the name itself where that would be a top-level domain), and each address.
    pub fn for_names<'a>(names: impl IntoIterator<Item = &'a SubjectName>) -> Self {
        let mut permitted = Self::default();
        for name in names {
            match name {
                SubjectName::Dns(host) => {
                    permitted
                        .dns
                        .insert(host.zone().unwrap_or_else(|| host.clone()));
                }
                SubjectName::Ip(address) => {
                    permitted.ip.insert(*address);
                }
            }
        }
        permitted
    }

    pub fn allows(&self, name: &SubjectName) -> bool {
        match name {
            SubjectName::Dns(host) => self.dns.iter().any(|zone| host.is_within(zone)),
            SubjectName::Ip(_) => !self.ip.is_empty(),
        }
    }

    /// The same as a certificate says it. A kind of name without a permitted subtree is free of
    /// constraints, so each kind that is not in play is excluded as a whole. Addresses in play
    /// are left free: `BoringSSL`, which gRPC's C core brings along, refuses every certificate
    /// that names an address under an authority that constrains addresses (measured).
    pub fn constraints(&self) -> NameConstraints {
        let mut constraints = NameConstraints::default();
        let dns = self.dns.iter();
        constraints
            .permitted
            .extend(dns.map(|zone| Subtree::Dns(zone.to_string())));
        if self.dns.is_empty() {
            constraints.excluded.push(Subtree::Dns(String::new()));
        }
        if self.ip.is_empty() {
            for nowhere in [
                IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            ] {
                constraints.excluded.push(Subtree::Ip {
                    address: nowhere,
                    mask: nowhere,
                });
            }
        }
        constraints
    }
}

/// The constraints that a certificate carries, ours or anybody's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameConstraints {
    pub permitted: Vec<Subtree>,
    pub excluded: Vec<Subtree>,
}

/// One subtree of names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subtree {
    /// The name itself and everything below it, in lower case; the empty text is every name.
    Dns(String),
    Ip {
        address: IpAddr,
        mask: IpAddr,
    },
    /// A kind of name this program does not judge, escaped for showing.
    Other(String),
}

impl NameConstraints {
    /// Whether a certificate below may carry this name.
    pub fn allows(&self, name: &SubjectName) -> bool {
        match name {
            SubjectName::Dns(host) => self.allows_dns(host.as_str()),
            SubjectName::Ip(address) => self.allow(
                // RFC 5280 knows one kind for both families: a permitted IPv4 subtree leaves
                // no IPv6 address permitted. OpenSSL judges so too.
                |tree| matches!(tree, Subtree::Ip { .. }),
                |tree| tree.holds_address(*address),
            ),
        }
    }

    /// The same for a text in lower case that takes the place of a DNS name.
    pub(super) fn allows_dns(&self, host: &str) -> bool {
        self.allow(
            |tree| matches!(tree, Subtree::Dns(_)),
            |tree| tree.holds_dns(host),
        )
    }

    fn allow(&self, same_kind: fn(&Subtree) -> bool, holds: impl Fn(&Subtree) -> bool) -> bool {
        let mut permitted = self
            .permitted
            .iter()
            .filter(|tree| same_kind(tree))
            .peekable();
        let inside = permitted.peek().is_none() || permitted.any(&holds);
        inside && !self.excluded.iter().any(holds)
    }

    /// The subtrees that this program cannot judge.
    pub fn unjudged(&self) -> impl Iterator<Item = &str> {
        let all = self.permitted.iter().chain(&self.excluded);
        all.filter_map(|tree| match tree {
            Subtree::Other(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Whether everything that `wanted` needs is allowed here, and whole kinds of names that
    /// are excluded there are not free here.
    pub fn serves(&self, wanted: &Permitted) -> bool {
        let names = wanted.dns.iter().cloned().map(SubjectName::Dns);
        let addresses = wanted.ip.iter().copied().map(SubjectName::Ip);
        let enough = names.chain(addresses).all(|name| self.allows(&name));
        let bounded = |is_kind: fn(&Subtree) -> bool| {
            self.permitted.iter().chain(&self.excluded).any(is_kind)
        };
        enough
            && bounded(|tree| matches!(tree, Subtree::Dns(_)))
            && (!wanted.ip.is_empty()
                || (bounded(
                    |tree| matches!(tree, Subtree::Ip { address, .. } if address.is_ipv4()),
                ) && bounded(
                    |tree| matches!(tree, Subtree::Ip { address, .. } if address.is_ipv6()),
                )))
    }
}

impl Subtree {
    fn holds_dns(&self, host: &str) -> bool {
        let Self::Dns(zone) = self else {
            return false;
        };
        // Some authorities write the zone with a leading dot.
        let zone = zone.trim_start_matches('.');
        let below = || host.strip_suffix(zone)?.strip_suffix('.');
        zone.is_empty() || host == zone || below().is_some()
    }

    fn holds_address(&self, ip: IpAddr) -> bool {
        let Self::Ip { address, mask } = self else {
            return false;
        };
        let ((base, a), (mask, b), (ip, c)) = (bits(*address), bits(*mask), bits(ip));
        a == b && b == c && base & mask == ip & mask
    }
}

impl fmt::Display for NameConstraints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |trees: &[Subtree]| {
            let shown: Vec<String> = trees.iter().map(ToString::to_string).collect();
            shown.join(", ")
        };
        write!(f, "permitted: {}", list(&self.permitted))?;
        match self.excluded.as_slice() {
            [] => Ok(()),
            excluded => write!(f, "; excluded: {}", list(excluded)),
        }
    }
}

impl fmt::Display for Subtree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(zone) if zone.is_empty() => f.write_str("every DNS name"),
            Self::Dns(zone) => f.write_str(&crate::values::escaped(zone)),
            Self::Ip { address, mask } => write!(f, "{address}/{}", bits(*mask).0.count_ones()),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// An address as a number, and how many bits it has.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(v4) => (v4.to_bits().into(), 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    }
}
