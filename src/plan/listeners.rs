//! The `http` block with what its `listen` lines stand for on this host.

use std::net::{IpAddr, SocketAddr};

use crate::error::Problem;
use crate::facts::{Facts, Known};
use crate::nginx::{Address, Config, Http};

/// None where there is no `http` block.
pub(super) fn http<'a>(facts: &Facts, config: &'a Config) -> Option<Http<'a>> {
    Some(
        config
            .http()?
            .looked_up(|name, port| addresses(facts, name, port)),
    )
}

/// The same, for a plan that cannot do without.
pub(super) fn needed<'a>(facts: &Facts, config: &'a Config) -> Result<Http<'a>, Problem> {
    http(facts, config).ok_or_else(|| {
        Problem::host("the configuration of nginx has no http block").remedy("nginx -T")
    })
}

/// The same, where there is another configuration than the one that was looked at.
pub(super) fn of_other<'a>(
    facts: &Facts,
    config: Option<&'a Config>,
) -> Result<Option<Http<'a>>, Problem> {
    config.map(|config| needed(facts, config)).transpose()
}

/// What nginx binds for a name. It may leave out a family that this host has no addresses of;
/// so where it listens on some of them today, those are it.
fn addresses(facts: &Facts, name: &str, port: u16) -> Vec<IpAddr> {
    let Some(Known::Is(all)) = facts.nginx_names.get(name) else {
        return Vec::new();
    };
    let held = |ip: &&IpAddr| {
        let at = SocketAddr::new(**ip, port);
        let listeners = facts.listeners.is().into_iter().flatten();
        let mut of_nginx = listeners.filter(|listener| listener.nginx);
        of_nginx.any(|listener| listener.at == at)
    };
    let bound: Vec<IpAddr> = all.iter().filter(held).copied().collect();
    let chosen = if bound.is_empty() { all } else { &bound };
    // A system may name an address twice.
    let mut each: Vec<IpAddr> = Vec::new();
    for ip in chosen {
        if !each.contains(ip) {
            each.push(*ip);
        }
    }
    each
}

/// Without its addresses nobody could say what a listener is, or try it.
pub(super) fn all_known(facts: &Facts, config: &Config, http: &Http<'_>) -> Result<(), Problem> {
    for listen in http.servers.iter().flat_map(|server| &server.listens) {
        let Address::Name(name) = &listen.address else {
            continue;
        };
        let why = match facts.nginx_names.get(name) {
            Some(Known::Unclear(why)) => why.as_str(),
            _ => "there is no such name",
        };
        return Err(Problem::host(format!(
            "{}: {name} does not resolve on this host, so where this server listens cannot be \
             told: {why}",
            config.shown(&listen.directive.at)
        ))
        .remedy(format!(
            "write the address there, or add the name to /etc/hosts, then: getent hosts {name}"
        )));
    }
    Ok(())
}
