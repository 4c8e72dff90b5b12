//! Ways to the agents' services beside the locations that are guarded.

use std::collections::HashMap;

use super::guarded::Guarded;
use super::lent;
use super::peers::{Leads, Reached};
use super::streams::{self, Further};
use crate::error::Problem;
use crate::facts::Known;
use crate::nginx::{Directive, Level, PASSES, Target, all_below, flat};

/// Refuses a configuration that has one, with the place.
pub(super) fn refuse(guarded: &Guarded<'_, '_>) -> Result<(), Problem> {
    locations(guarded)?;
    streams(guarded)?;
    lent::refuse(guarded)
}

/// The first line that is one, in a location of any server.
pub(super) fn first<'a>(guarded: &Guarded<'_, 'a>) -> Option<&'a Directive> {
    in_location(guarded).ok().flatten()
}

fn locations(guarded: &Guarded<'_, '_>) -> Result<(), Problem> {
    let Some(pass) = in_location(guarded)? else {
        return Ok(());
    };
    let to = pass.arg(0).unwrap_or_default();
    let why = format!("passes to {to} as well, past the check of certificates");
    Err(guarded
        .refused(pass, why)
        .remedy("take this line out, or the location that holds it"))
}

/// In a location of any server, or a block in one.
fn in_location<'a>(guarded: &Guarded<'_, 'a>) -> Result<Option<&'a Directive>, Problem> {
    let mut judged = HashMap::new();
    let servers = guarded.http.servers.iter();
    for server in servers.filter(|server| passes_on(server.directive)) {
        for level in server.all_locations() {
            if guarded.is_guarded(level.directive) {
                continue;
            }
            for pass in flat(level.directive.children()) {
                if !PASSES.contains(&pass.name.as_str()) {
                    continue;
                }
                let key = (pass.name.as_str(), pass.arg(0));
                let leads = judged.entry(key).or_insert_with(|| leads(guarded, pass));
                let reaches = match leads {
                    Way::Leads(Leads::There) => true,
                    Way::Leads(Leads::Elsewhere) => false,
                    Way::Leads(Leads::Perhaps(name)) => return Err(unknown(guarded, pass, name)),
                    Way::Anywhere => speaks_grpc(&level, pass),
                };
                if reaches {
                    return Ok(Some(pass));
                }
            }
        }
    }
    Ok(None)
}

/// Whether anything below passes requests on. Most servers of a large host hold files only.
fn passes_on(block: &Directive) -> bool {
    all_below(block, &PASSES).next().is_some()
}

/// Whether a service of agents could understand what is passed: HTTP/2 without TLS, which
/// `proxy_pass` learned in nginx 1.29.4.
fn speaks_grpc(level: &Level<'_, '_>, pass: &Directive) -> bool {
    pass.name == "grpc_pass"
        || (pass.name == "proxy_pass" && level.scope.value("proxy_http_version") == Some("2"))
}

/// Where a pass leads, as seen from the services of agents.
#[derive(Clone)]
enum Way {
    Leads(Leads),
    /// The request decides.
    Anywhere,
}

fn leads(guarded: &Guarded<'_, '_>, pass: &Directive) -> Way {
    let Some(target) = Target::of(pass) else {
        return Way::Leads(Leads::Elsewhere);
    };
    let other = Reached::of(guarded.facts, &guarded.http.backends(&target));
    match guarded.services.met_by(&other) {
        Leads::Elsewhere if guarded.http.is_open_ended(&target) => Way::Anywhere,
        leads => Way::Leads(leads),
    }
}

/// `stream {}` passes bytes on without looking at certificates as HTTP does.
fn streams(guarded: &Guarded<'_, '_>) -> Result<(), Problem> {
    let passes = streams::passes(guarded.config, guarded.http).into_iter();
    for pass in passes.filter(|pass| !guarded.is_guarded(pass.line)) {
        let other = Reached::of(guarded.facts, &pass.peers);
        // Where a variable decides the host, only the port can rule a service on TCP out.
        let anybody = match pass.further {
            Further::Nobody => false,
            Further::AnybodyOn(port) => guarded.services.is_on(port),
            Further::Anybody => guarded.services.is_on_tcp(),
        };
        match guarded.services.met_by(&other) {
            Leads::Perhaps(name) => return Err(unknown(guarded, pass.line, &name)),
            Leads::Elsewhere if !anybody => {}
            Leads::There | Leads::Elsewhere => {
                return Err(guarded
                    .refused(pass.line, "passes straight to a service of the manager")
                    .remedy("take this stream server out"));
            }
        }
    }
    Ok(())
}

/// What cannot be told apart may be the same.
pub(super) fn unknown(guarded: &Guarded<'_, '_>, pass: &Directive, name: &str) -> Problem {
    let why = match guarded.facts.nginx_names.get(name) {
        Some(Known::Unclear(why)) => format!(" ({why})"),
        _ => String::new(),
    };
    guarded
        .refused(
            pass,
            format!(
                "{name} does not resolve on this host{why}, and its port is one of a service of \
             agents: this may be a way past the check of certificates"
            ),
        )
        .remedy(format!(
            "make the name known or write an address in its place, then: getent hosts {name}"
        ))
}
