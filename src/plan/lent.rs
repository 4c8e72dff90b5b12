//! Certificates that nginx lends: whoever brings one along to the agents' own port lets others in
//! with it.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use super::guarded::Guarded;
use super::other_ways::unknown;
use super::peers::{Leads, Reached};
use super::streams::{self, Further};
use crate::error::Problem;
use crate::nginx::{Config, Directive, Http, PASSES, Peer, Scope, Server, Target, all_below, flat};
use crate::values::Gather as _;

const LENDING: [&str; 2] = ["grpc_ssl_certificate", "proxy_ssl_certificate"];

/// A line that passes requests on together with a certificate of nginx's own.
pub(super) struct Lent<'a> {
    line: &'a Directive,
    pub(super) peers: BTreeSet<Peer>,
    further: Further,
}

pub(super) fn passes<'a>(config: &'a Config, http: &Http<'a>) -> Vec<Lent<'a>> {
    let mut found = Vec::new();
    // Most hosts lend none: their locations need not be gone through.
    let inherited = says(&http.scope);
    let may_lend =
        |server: &&Server<'_>| inherited || all_below(server.directive, &LENDING).next().is_some();
    let servers = http.servers.iter().filter(may_lend);
    for level in servers.flat_map(Server::all_locations) {
        if !says(&level.scope) {
            continue;
        }
        let lines = flat(level.directive.children());
        for line in lines.filter(|line| PASSES.contains(&line.name.as_str())) {
            let Some(target) = Target::of(line) else {
                continue;
            };
            found.push(Lent {
                line,
                peers: http.backends(&target),
                further: match target.port {
                    _ if !http.is_open_ended(&target) => Further::Nobody,
                    Some(port) => Further::AnybodyOn(port),
                    None => Further::Anybody,
                },
            });
        }
    }
    let streams = streams::passes(config, http).into_iter();
    found.extend(streams.filter(|pass| pass.lends).map(|pass| Lent {
        line: pass.line,
        peers: pass.peers,
        further: pass.further,
    }));
    found
}

fn says(scope: &Scope<'_>) -> bool {
    LENDING.iter().any(|name| !scope.nearest(name).is_empty())
}

pub(super) fn refuse(guarded: &Guarded<'_, '_>) -> Result<(), Problem> {
    let port = guarded.port.number();
    let sockets = guarded.sockets.iter();
    let sockets = sockets.map(|path| Peer::Unix((*path).to_owned()));
    let here = Peer::At(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    let own = Reached::of(guarded.facts, &sockets.chain([here]).gathered());
    for pass in passes(guarded.config, guarded.http) {
        let anybody = match pass.further {
            Further::Nobody => false,
            Further::AnybodyOn(other) => other == port,
            Further::Anybody => true,
        };
        match own.met_by(&Reached::of(guarded.facts, &pass.peers)) {
            Leads::Perhaps(name) => return Err(unknown(guarded, pass.line, &name)),
            Leads::Elsewhere if !anybody => {}
            Leads::There | Leads::Elsewhere => return Err(lends(guarded, pass.line)),
        }
    }
    Ok(())
}

fn lends(guarded: &Guarded<'_, '_>, pass: &Directive) -> Problem {
    let why = format!(
        "passes to the agents' port {}, or may do so, with a certificate of its own: whoever comes \
         here needs none",
        guarded.port
    );
    guarded
        .refused(pass, why)
        .remedy("take this line out, or the block that holds it")
}
