//! Ways to the agents' services beside the locations that are guarded.

use std::collections::HashMap;

use super::site::{Site, within};
use crate::error::Problem;
use crate::nginx::{Directive, Level, PASSES, Target, flat};

/// Refuses a configuration that has one, with the place.
pub(super) fn refuse(site: &Site<'_>) -> Result<(), Problem> {
    locations(site)?;
    streams(site)
}

/// A location of any server, or a block in one.
fn locations(site: &Site<'_>) -> Result<(), Problem> {
    let guarded = guarded(site);
    let mut judged = HashMap::new();
    for server in &site.http.servers {
        for level in server.all_locations() {
            if guarded
                .iter()
                .any(|known| std::ptr::eq(*known, level.directive))
            {
                continue;
            }
            for pass in flat(level.directive.children()) {
                if !PASSES.contains(&pass.name.as_str()) {
                    continue;
                }
                let key = (pass.name.as_str(), pass.arg(0));
                let leads = *judged.entry(key).or_insert_with(|| leads(site, pass));
                let reaches = match leads {
                    Leads::There => true,
                    Leads::Elsewhere => false,
                    Leads::Anywhere => speaks_grpc(&level, pass),
                };
                if reaches {
                    let to = pass.arg(0).unwrap_or_default();
                    let why = format!("passes to {to} as well, past the check of certificates");
                    return Err(site
                        .refused(pass, why)
                        .remedy("take this line out, or the location that holds it"));
                }
            }
        }
    }
    Ok(())
}

fn guarded<'a>(site: &Site<'a>) -> Vec<&'a Directive> {
    let gates = site.gates.iter();
    gates
        .flat_map(|gate| std::iter::once(gate.directive).chain(within(gate)))
        .collect()
}

/// Whether a service of agents could understand what is passed: HTTP/2 without TLS, which
/// `proxy_pass` learned in nginx 1.29.4.
fn speaks_grpc(level: &Level<'_, '_>, pass: &Directive) -> bool {
    pass.name == "grpc_pass"
        || (pass.name == "proxy_pass" && level.scope.value("proxy_http_version") == Some("2"))
}

/// Where a pass leads, as seen from the services of agents.
#[derive(Clone, Copy)]
enum Leads {
    There,
    Elsewhere,
    /// The request decides.
    Anywhere,
}

fn leads(site: &Site<'_>, pass: &Directive) -> Leads {
    let Some(target) = Target::of(pass) else {
        return Leads::Elsewhere;
    };
    if !site.http.backends(&target).is_disjoint(&site.backends) {
        Leads::There
    } else if site.http.is_open_ended(&target) {
        Leads::Anywhere
    } else {
        Leads::Elsewhere
    }
}

/// `stream {}` passes bytes on without looking at certificates as HTTP does.
fn streams(site: &Site<'_>) -> Result<(), Problem> {
    let streams = site.config.top().filter(|block| block.name == "stream");
    for stream in streams {
        let named = |name| flat(stream.children()).filter(move |child| child.name == name);
        for pass in named("server").flat_map(|server| flat(server.children())) {
            if pass.name == "proxy_pass" && stream_reaches(site, stream, pass) {
                return Err(site
                    .refused(pass, "passes straight to a service of the manager")
                    .remedy("take this stream server out"));
            }
        }
    }
    Ok(())
}

fn stream_reaches(site: &Site<'_>, stream: &Directive, pass: &Directive) -> bool {
    let to = pass.arg(0).unwrap_or_default();
    if !to.contains('$') {
        return group_reaches(site, stream, to);
    }
    // Any value of any variable of the block could be meant.
    let tables = flat(stream.children())
        .filter(|block| matches!(block.name.as_str(), "map" | "geo" | "split_clients"));
    let mut values = tables
        .flat_map(|table| flat(table.children()))
        .filter_map(|entry| entry.arg(0));
    values.any(|value| group_reaches(site, stream, value)) || port_reaches(site, to)
}

/// Whether a name, which may be that of a group, or an address leads to one of the services.
fn group_reaches(site: &Site<'_>, stream: &Directive, to: &str) -> bool {
    let is_group = |block: &&Directive| {
        let name = block.arg(0).unwrap_or_default();
        block.name == "upstream" && name.eq_ignore_ascii_case(to)
    };
    let leads = |address: &str| {
        let peers = site.http.backends(&Target::parse(address, "http"));
        !peers.is_disjoint(&site.backends)
    };
    match flat(stream.children()).find(is_group) {
        Some(group) => flat(group.children())
            .filter(|line| line.name == "server")
            .any(|line| line.arg(0).is_some_and(leads)),
        None => leads(to),
    }
}

/// Where a variable decides the host, only the port can rule a service on TCP out.
fn port_reaches(site: &Site<'_>, to: &str) -> bool {
    let port = Target::parse(to, "http").port;
    let mut on_tcp = site
        .backends
        .iter()
        .filter(|peer| !peer.starts_with("unix:"));
    on_tcp.any(|peer| port.is_none_or(|port| peer.ends_with(&format!(":{port}"))))
}
