//! Where the proof connects: one address of this host for each listener, one from which this
//! host is let in where there is one.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::access::denied;
use super::manager::is_on;
use super::site::Site;
use crate::nginx::{Address, Directive, Scope};

use crate::values::sort_by_key;

/// The listeners, those first from which everything can be tried.
pub(super) struct Dial<'a> {
    pub(super) listeners: Vec<SocketAddr>,
    /// Where the rules for addresses keep this host from the services of agents: the line.
    pub(super) agents_barred: BTreeMap<SocketAddr, &'a Directive>,
    /// The same for the user interface.
    pub(super) browsers_barred: BTreeMap<SocketAddr, &'a Directive>,
}

pub(super) fn of<'a>(site: &Site<'a>) -> Dial<'a> {
    let page = page(site);
    let agents = |ip| {
        let mut gates = site.gates.iter();
        gates.find_map(|gate| denied(&gate.scope, source(ip)))
    };
    let browsers = |ip| denied_from(page, ip);
    let mut dial = Dial {
        listeners: Vec::new(),
        agents_barred: BTreeMap::new(),
        browsers_barred: BTreeMap::new(),
    };
    for candidates in candidates(site) {
        let barred = |ip: &&IpAddr| (agents(**ip).is_some(), browsers(**ip).is_some());
        // The first of the best.
        let Some(ip) = candidates.iter().min_by_key(barred).copied() else {
            continue;
        };
        let address = SocketAddr::new(ip, site.port.number());
        if dial.listeners.contains(&address) {
            continue;
        }
        dial.listeners.push(address);
        dial.agents_barred
            .extend(agents(ip).map(|line| (address, line)));
        dial.browsers_barred
            .extend(browsers(ip).map(|line| (address, line)));
    }
    let barred = &dial.agents_barred;
    sort_by_key(&mut dial.listeners, |address| barred.contains_key(address));
    dial
}

/// Where a browser ends that asks for the first page.
pub(super) fn page<'a>(site: &Site<'a>) -> &'a Scope<'a> {
    let page = site.http.find_location_for(site.server, "/").location;
    page.map_or(&site.server.scope, |location| &location.scope)
}

fn denied_from<'a>(scope: &Scope<'a>, ip: IpAddr) -> Option<&'a Directive> {
    denied(scope, source(ip))
}

/// What the other end sees of a connection to an own address: that address; for loopback the
/// one address that the kernel takes.
fn source(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) if v4.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// For each listener the addresses at which this host meets it, the usual one first.
pub(super) fn candidates(site: &Site<'_>) -> Vec<Vec<IpAddr>> {
    let mut all = Vec::new();
    for listen in site.listens() {
        match &listen.address {
            Address::Any4 => all.push(ipv4(site)),
            Address::Any6 => {
                if listen.ipv6only == Some(false) {
                    all.push(ipv4(site));
                }
                all.push(ipv6(site));
            }
            Address::Ip(ip) => all.push(vec![*ip]),
            Address::Unix(_) | Address::Name(_) => {}
        }
    }
    all
}

/// A listener on one address hides one on every address from whoever dials that address.
fn ipv4(site: &Site<'_>) -> Vec<IpAddr> {
    let usual = if is_hidden(site, Ipv4Addr::LOCALHOST.into()) {
        Ipv4Addr::new(127, 0, 0, 2)
    } else {
        Ipv4Addr::LOCALHOST
    };
    with_own(site, usual.into())
}

fn ipv6(site: &Site<'_>) -> Vec<IpAddr> {
    with_own(site, Ipv6Addr::LOCALHOST.into())
}

fn with_own(site: &Site<'_>, usual: IpAddr) -> Vec<IpAddr> {
    let own = site.facts.own_addresses.iter().copied();
    let further = own
        .filter(|ip| ip.is_ipv4() == usual.is_ipv4() && !ip.is_loopback() && !is_hidden(site, *ip));
    std::iter::once(usual).chain(further).collect()
}

fn is_hidden(site: &Site<'_>, ip: IpAddr) -> bool {
    let address = Address::Ip(ip);
    let mut listens = site.http.servers.iter().flat_map(|server| &server.listens);
    listens.any(|listen| listen.address == address && is_on(listen, site.port))
}
