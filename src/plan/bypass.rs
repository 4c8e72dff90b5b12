//! What could let an agent past the check, found before anything is changed. Each rule here
//! answers a bypass that was measured on a running nginx, or one that its source allows.

use super::site::{Site, within};
use super::template::CHECK;
use crate::error::Problem;
use crate::nginx::{Directive, Location, Scope, Server, Target, flat};

/// The location of the vendor's own check; replacing a call to it is what this tool is for.
pub(super) const VENDOR_CHECK: &str = "/check-agent-client-cert";

/// Refuses a configuration that would still let someone by, with the place.
pub(super) fn refuse(site: &Site<'_>) -> Result<(), Problem> {
    other_ways_to_the_services(site)?;
    streams(site)?;
    for gate in &site.gates {
        inside(site, gate)?;
    }
    other_checks(site)?;
    rewrites(site)?;
    foreign_trust(site)?;
    foreign_default(site)
}

fn refused(site: &Site<'_>, at: &Directive, why: impl std::fmt::Display) -> Problem {
    Problem::host(format!("{}: {why}", site.config.shown(&at.at)))
}

/// A location or server beside the two gRPC locations that passes to the same services.
fn other_ways_to_the_services(site: &Site<'_>) -> Result<(), Problem> {
    for server in &site.http.servers {
        for location in server.all_locations() {
            if site.gates.iter().any(|gate| gate.directive.at == location.directive.at)
                || site.gates.iter().any(|gate| {
                    within(gate).iter().any(|block| block.at == location.directive.at)
                })
            {
                continue;
            }
            for pass in flat(location.directive.children()) {
                if let Some(target) = Target::of(pass)
                    && reaches(site, pass, &target)
                {
                    return Err(refused(
                        site,
                        pass,
                        format!(
                            "passes to {} as well, past the check of agents' certificates",
                            target.host
                        ),
                    )
                    .remedy("take this line out, or the location that holds it"));
                }
            }
        }
    }
    Ok(())
}

/// Whether a `..._pass` can end at one of the services. Where a variable leaves it open, only
/// a `grpc_pass` is taken for one: the others do not speak gRPC to what they pass to.
fn reaches(site: &Site<'_>, pass: &Directive, target: &Target) -> bool {
    !site.http.backends(target).is_disjoint(&site.backends)
        || (pass.name == "grpc_pass" && site.http.is_open_ended(target))
}

/// `stream {}` passes bytes on without looking at certificates as HTTP does.
fn streams(site: &Site<'_>) -> Result<(), Problem> {
    let stream = site.config.top().filter(|directive| directive.name == "stream");
    for block in stream {
        for server in flat(block.children()).filter(|child| child.name == "server") {
            for pass in flat(server.children()).filter(|child| child.name == "proxy_pass") {
                let direct = pass.arg(0).map(|to| Target::parse(to, "http"));
                if direct.is_some_and(|to| !site.http.backends(&to).is_disjoint(&site.backends)) {
                    return Err(refused(site, pass, "passes straight to a service of the manager")
                        .remedy("take this stream server out"));
                }
            }
        }
    }
    Ok(())
}

/// Blocks within a gRPC location that set the check aside again.
fn inside<'a>(site: &Site<'a>, gate: &'a Location<'a>) -> Result<(), Problem> {
    for block in within(gate) {
        for line in flat(block.children()) {
            let loosens = match line.name.as_str() {
                "auth_request" => line.arg(0) != Some(CHECK),
                "satisfy" => line.arg(0) != Some("all"),
                _ => false,
            };
            if loosens {
                let why = format!("\"{} {}\" would set the check aside", line.name, line.args.join(" "));
                return Err(refused(site, line, why).remedy("take this line out"));
            }
        }
    }
    Ok(())
}

/// nginx asks one check for each location: somebody else's would be lost.
fn other_checks(site: &Site<'_>) -> Result<(), Problem> {
    for gate in &site.gates {
        for line in gate.scope.nearest("auth_request") {
            let known = matches!(line.arg(0), Some("off" | CHECK | VENDOR_CHECK));
            if !known {
                let why = format!(
                    "agents already have to pass auth_request {}; nginx asks only one",
                    line.args.join(" ")
                );
                return Err(refused(site, line, why).remedy(
                    "give the gRPC locations \"auth_request off;\" if agents need not pass it",
                ));
            }
        }
    }
    Ok(())
}

/// Rewriting for the whole server runs before the check is found, for the check's own request
/// too, and can lead it elsewhere.
fn rewrites(site: &Site<'_>) -> Result<(), Problem> {
    let mut lines: Vec<&Directive> = Vec::new();
    for line in flat(site.server.directive.children()) {
        match line.name.as_str() {
            "if" => lines.extend(flat(line.children())),
            _ => lines.push(line),
        }
    }
    for line in lines {
        let diverts = match line.name.as_str() {
            "rewrite" => true,
            "return" => line.arg(0).is_some_and(|code| code.starts_with('2')),
            _ => false,
        };
        if diverts {
            let why = format!(
                "\"{} {}\" applies to the whole server and could answer in place of the check",
                line.name,
                line.args.join(" ")
            );
            return Err(refused(site, line, why).remedy("move this line into a location"));
        }
    }
    Ok(())
}

/// Settings that decide which certificates count as verified, beyond the client CA.
fn foreign_trust(site: &Site<'_>) -> Result<(), Problem> {
    let scope = &site.server.scope;
    let rules = [
        ("ssl_trusted_certificate", "every authority in this file could vouch for an agent too"),
        ("ssl_crl", "a revocation list of another authority makes nginx refuse every agent"),
        ("ssl_ocsp", "nginx would ask a responder that our certificates do not name"),
    ];
    for (name, why) in rules {
        for line in scope.nearest(name) {
            if line.arg(0) != Some("off") {
                return Err(refused(site, line, why).remedy("take this line out"));
            }
        }
    }
    for line in scope.nearest("ssl_verify_client") {
        if line.arg(0) == Some("on") {
            let why = "browsers have to show a certificate today, and would no longer have to";
            return Err(refused(site, line, why)
                .remedy("set ssl_verify_client to optional first, if that is meant"));
        }
    }
    Ok(())
}

/// A client that names no server is judged by the default server of the port, and may then ask
/// for this one by its `Host`: the default server's authorities would count here.
fn foreign_default(site: &Site<'_>) -> Result<(), Problem> {
    for server in site.defaults() {
        if site.is_ours(server) {
            continue;
        }
        for line in verifying(&server.scope) {
            let why = "the default server of this port verifies clients by another authority, \
                       and its verdict counts for clients that name no server";
            return Err(refused(site, line, why)
                .remedy("make the manager's server the default_server of the port"));
        }
    }
    Ok(())
}

fn verifying<'a>(scope: &Scope<'a>) -> Vec<&'a Directive> {
    let lines = scope.nearest("ssl_verify_client");
    lines.into_iter().filter(|line| line.arg(0) != Some("off")).collect()
}

/// What a server does about agents' certificates today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientsToday {
    NotAsked,
    /// Asked for, and whoever has none gets through.
    Asked,
    /// A check stands in both gRPC locations, but it can be got round.
    Bypassable,
    Enforced,
}

/// Judges what is there, and names the line that decides.
pub fn clients_today<'a>(site: &Site<'a>) -> (ClientsToday, &'a Directive) {
    let server: &Server<'a> = site.server;
    let verify = server.scope.nearest("ssl_verify_client").into_iter().next();
    let decides = verify.unwrap_or(server.directive);
    match verify.and_then(|line| line.arg(0)) {
        Some("on") => return (ClientsToday::Enforced, decides),
        Some("optional") => {}
        _ => return (ClientsToday::NotAsked, decides),
    }
    let checks: Vec<Option<&Directive>> = site
        .gates
        .iter()
        .map(|gate| gate.scope.nearest("auth_request").into_iter().next())
        .collect();
    let asks = |line: &Option<&Directive>| line.is_some_and(|line| line.arg(0) != Some("off"));
    if !checks.iter().all(asks) {
        return (ClientsToday::Asked, decides);
    }
    let ours = |line: &Option<&Directive>| line.is_some_and(|line| line.arg(0) == Some(CHECK));
    let all = |gate: &&Location<'_>| {
        gate.scope.nearest("satisfy").into_iter().all(|line| line.arg(0) == Some("all"))
    };
    if checks.iter().all(ours) && site.gates.iter().all(|gate| all(&gate)) && refuse(site).is_ok() {
        (ClientsToday::Enforced, decides)
    } else {
        (ClientsToday::Bypassable, checks.into_iter().flatten().next().unwrap_or(decides))
    }
}
