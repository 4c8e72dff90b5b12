//! Whether somebody ends TLS before it comes to this host: a look from here to where the name leads.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::answers::Answers;
use crate::facts::{EndsTls, Facts};
use crate::host::Host;
use crate::verify::shown;

/// Of a name with many addresses, the first are asked.
const ASKED: usize = 3;

/// None where the name leads here alone, or where nobody answers with TLS.
pub(super) fn ends_tls(host: &dyn Host, facts: &Facts, answers: &Answers) -> Option<EndsTls> {
    let name = answers.agents_name();
    let addresses = facts.names.get(name)?.is()?;
    if !facts.live {
        return None;
    }
    let port = answers.agents_port().number();
    // Where it leads here as well, some agents come by the others.
    let others = addresses
        .iter()
        .filter(|ip| !facts.own_addresses.contains(*ip));
    let mut asked = others.take(ASKED);
    let (at, there) = asked.find_map(|ip| {
        let at = SocketAddr::new(*ip, port);
        Some((at, shown(host, at, name)?))
    })?;
    let here = here(facts, port).and_then(|at| shown(host, at, name));
    // Who passes TCP through shows what is shown here.
    let same = here
        .as_ref()
        .is_some_and(|here| here.certificate.fingerprint == there.certificate.fingerprint);
    (!same).then(|| EndsTls {
        at,
        shown: there.certificate.subject,
        here: here.map(|here| here.certificate.subject),
    })
}

/// Where nginx listens on that port.
fn here(facts: &Facts, port: u16) -> Option<SocketAddr> {
    let mut listeners = facts.listeners.is()?.iter();
    let found = listeners.find(|listener| listener.nginx && listener.at.port() == port)?;
    let ip = match found.at.ip() {
        ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    Some(SocketAddr::new(ip, port))
}
