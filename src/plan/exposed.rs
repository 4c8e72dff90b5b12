//! Whether the manager's pages are open to the internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::access::denied;
use super::dial;
use super::site::Site;

/// Addresses that are nobody's (RFC 5737, RFC 3849): what a rule says of them, it says of anybody.
const ANYBODY: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// What to say of a server of the vendor's, which an operator may edit.
pub(super) fn note(site: &Site<'_>) -> Option<String> {
    let place = site.config.shown(&site.server.directive.at);
    let open = open(site)?;
    Some(format!(
        "{open}: let in only your own networks, those of agents among them, by lines such as \
         allow 10.0.0.0/8; and deny all; in {place}, or close the port in the firewall"
    ))
}

/// The same of a server in a file of ours. Whoever edits it makes it theirs, and the next plan
/// refuses it.
pub(super) fn note_of_ours(site: &Site<'_>) -> Option<String> {
    let open = open(site)?;
    Some(format!(
        "{open}: close the port to other networks than your own in the firewall"
    ))
}

/// A certificate keeps agents' calls from strangers, and no page.
fn open(site: &Site<'_>) -> Option<String> {
    let page = dial::page(site);
    let lets_in = |own: &IpAddr| {
        let mut alike = ANYBODY.iter().filter(|who| who.is_ipv4() == own.is_ipv4());
        alike.any(|who| denied(page, *who).is_none())
    };
    let candidates = dial::candidates(site);
    let public = candidates.iter().flatten().filter(|ip| is_public(**ip));
    let public = public.copied().find(lets_in)?;
    Some(format!(
        "{} is an address of the internet, and anybody may ask for the manager's pages and its \
         API there",
        SocketAddr::new(public, site.port.number())
    ))
}

/// Not among those that the registries keep for private networks, tests and the like (RFC 6890).
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [first, second, third, _] = ip.octets();
            let shared = first == 100 && second & 0b1100_0000 == 64;
            let tests = first == 198 && second & 0b1111_1110 == 18;
            let protocols = (first, second, third) == (192, 0, 0);
            let kept =
                ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_documentation();
            !(kept || shared || tests || protocols || first == 0 || first >= 224)
        }
        // What is given out at all, without the documentation's.
        IpAddr::V6(ip) => {
            let [first, second, ..] = ip.segments();
            first & 0xe000 == 0x2000 && (first, second) != (0x2001, 0xdb8)
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::is_public;

    #[test]
    fn addresses_of_the_internet() {
        for public in [
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.32.0.1",
            "198.20.0.1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for public in ["2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for kept in [
            "10.0.0.1",
            "172.31.0.1",
            "192.168.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "198.19.0.1",
            "192.0.2.1",
            "203.0.113.7",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "fd00::1",
            "2001:db8::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_public(kept.parse().unwrap()), "{kept}");
        }
    }
}
