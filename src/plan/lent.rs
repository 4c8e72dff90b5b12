//! Certificates that nginx lends: whoever brings one along to the agents' own port lets others in
//! with it.

use std::net::{Ipv4Addr, SocketAddr};

use super::peers::{Leads, Reached};
use super::site::Site;
use super::streams;
use crate::error::Problem;
use crate::nginx::{Directive, PASSES, Peer, Scope, Server, Target, all_below, flat};
use crate::values::Gather as _;

const LENDING: [&str; 2] = ["grpc_ssl_certificate", "proxy_ssl_certificate"];

pub(super) fn refuse(site: &Site<'_>) -> Result<(), Problem> {
    let own = Peer::At(SocketAddr::new(
        Ipv4Addr::LOCALHOST.into(),
        site.port.number(),
    ));
    let own = Reached::of(site.facts, &[own].into_iter().gathered());
    // Most hosts have none: their locations need not be gone through.
    let inherited = says(&site.http.scope);
    let may_lend =
        |server: &&Server<'_>| inherited || all_below(server.directive, &LENDING).next().is_some();
    let servers = site.http.servers.iter().filter(may_lend);
    for level in servers.flat_map(Server::all_locations) {
        if !says(&level.scope) {
            continue;
        }
        let passes = flat(level.directive.children());
        for pass in passes.filter(|line| PASSES.contains(&line.name.as_str())) {
            let peers = Target::of(pass).map(|target| site.http.backends(&target));
            let leads = peers.map(|peers| own.met_by(&Reached::of(site.facts, &peers)));
            if leads == Some(Leads::There) {
                return Err(lends(site, pass));
            }
        }
    }
    for pass in streams::passes(site.config, site.http) {
        let leads = own.met_by(&Reached::of(site.facts, &pass.peers));
        if pass.lends && leads == Leads::There {
            return Err(lends(site, pass.line));
        }
    }
    Ok(())
}

fn says(scope: &Scope<'_>) -> bool {
    LENDING.iter().any(|name| !scope.nearest(name).is_empty())
}

fn lends(site: &Site<'_>, pass: &Directive) -> Problem {
    let why = format!(
        "passes to the agents' port {} with a certificate of its own: whoever comes here needs none",
        site.port
    );
    site.refused(pass, why)
        .remedy("take this line out, or the block that holds it")
}
