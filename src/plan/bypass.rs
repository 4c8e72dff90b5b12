//! What could let an agent past the check, found before anything is changed. Each rule here
//! answers a bypass that was measured on a running nginx, or one that its source allows.

use super::guarded::Guarded;
use super::other_ways;
use super::site::{SERVICES, Site, quoted, within};
use super::template::CHECK;
use super::unchecked;
use crate::error::Problem;
use crate::facts::Build;
use crate::nginx::{Directive, Location, Scope, Server, Target, flat, never_begins};

/// The location of the vendor's own check; replacing a call to it is what this tool is for.
pub(super) const VENDOR_CHECK: &str = "/check-agent-client-cert";

/// Refuses a configuration that would still let someone by, with the place. `build`: the nginx
/// that runs, where it is known.
pub(super) fn refuse(site: &Site<'_>, build: Option<&Build>) -> Result<(), Problem> {
    ways_past(site, |line| is_our_list(site, line))?;
    browsers_too(site)?;
    neighbours(site, build)
}

/// Ways that lead past the check in this server. Of settings that decide whom nginx verifies, those
/// of `known` are passed over.
fn ways_past(site: &Site<'_>, known: impl Fn(&Directive) -> bool) -> Result<(), Problem> {
    site.certain()?;
    other_ways::refuse(&Guarded::of(site))?;
    for gate in &site.gates {
        unknown_target(site, gate)?;
        inside(site, gate)?;
        other_check(site, gate)?;
    }
    diversions(site)?;
    unchecked::refuse(site)?;
    no_foreign_trust(site, known)
}

/// Whether one of these lets somebody past a check that is there already. A list of revoked
/// certificates, whoever has written it, lets nobody in.
pub(super) fn leads_round(site: &Site<'_>, build: Option<&Build>) -> bool {
    let strict = |line: &Directive| {
        matches!(
            line.name.as_str(),
            "ssl_crl" | "ssl_ocsp" | "ssl_early_data"
        )
    };
    ways_past(site, strict).is_err() || neighbours(site, build).is_err()
}

/// The same of what stands beside a server that is wholly ours.
pub(super) fn refuse_beside(site: &Site<'_>) -> Result<(), Problem> {
    other_ways::refuse(&Guarded::of(site))?;
    for gate in &site.gates {
        inside(site, gate)?;
    }
    unchecked::refuse(site)?;
    let own = site.server.directive.at.file;
    no_foreign_trust(site, |line| line.at.file == own)
}

/// Other ways to the services can only be found where it is known what the services are.
fn unknown_target(site: &Site<'_>, gate: &Location<'_>) -> Result<(), Problem> {
    for pass in gate.scope.own("grpc_pass") {
        if Target::of(pass).is_none_or(|target| site.http.is_open_ended(&target)) {
            let why = format!(
                "where {} leads depends on the request, so other ways there cannot be found",
                quoted(pass)
            );
            return Err(site
                .refused(pass, why)
                .remedy("name the upstream group there"));
        }
    }
    Ok(())
}

/// Blocks within a gRPC location that set the check aside again.
fn inside<'a>(site: &Site<'a>, gate: &'a Location<'a>) -> Result<(), Problem> {
    for line in within(gate).iter().flat_map(|block| flat(block.children())) {
        let loosens = match line.name.as_str() {
            "auth_request" => line.arg(0) != Some(CHECK),
            "satisfy" => line.arg(0) != Some("all"),
            _ => false,
        };
        if loosens {
            let why = format!("{} would set the check aside", quoted(line));
            return Err(site.refused(line, why).remedy("take this line out"));
        }
    }
    Ok(())
}

/// nginx asks one check for each location: somebody else's would be lost.
fn other_check(site: &Site<'_>, gate: &Location<'_>) -> Result<(), Problem> {
    for line in gate.scope.nearest("auth_request") {
        if !matches!(line.arg(0), Some("off" | CHECK | VENDOR_CHECK)) {
            let why = format!(
                "agents already have to pass {}; nginx asks only one",
                quoted(line)
            );
            return Err(site.refused(line, why).remedy(
                "give the gRPC locations \"auth_request off;\" if agents need not pass it",
            ));
        }
    }
    Ok(())
}

/// What the whole server does to a request runs before the check is found, for the check's own
/// request too, and can answer in its place or lead it elsewhere.
fn diversions(site: &Site<'_>) -> Result<(), Problem> {
    for line in flat(site.server.directive.children()) {
        let same = line.name == "if" && judges_main_request(line);
        let inner = (line.name == "if").then(|| flat(line.children()));
        for line in std::iter::once(line).chain(inner.into_iter().flatten()) {
            let diverts = match line.name.as_str() {
                "rewrite" => !redirects(line) && may_concern_agents(line),
                // Where the agent's own request meets the same condition, it ends here.
                "return" => !same && lets_through(line),
                _ => false,
            };
            if diverts {
                let why = format!(
                    "{} applies to the whole server and could answer in place of the check",
                    quoted(line)
                );
                return Err(site
                    .refused(line, why)
                    .remedy("move this line into a location"));
            }
        }
    }
    Ok(())
}

/// Whether a condition reads only what a request and the check made for it have in common.
fn judges_main_request(condition: &Directive) -> bool {
    const COMMON: [&str; 6] = [
        "$request_method",
        "$scheme",
        "$host",
        "$remote_addr",
        "$server_port",
        "$request_uri",
    ];
    let text = condition.args.joined();
    let mut variables = text.split('$').skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        format!("${}", &rest[..end.unwrap_or(rest.len())])
    });
    variables.all(|name| COMMON.contains(&name.as_str()) || name.starts_with("$http_"))
}

/// Whether a `rewrite` could change the path of a call or of the check, or lead to a call: a
/// request that nginx makes itself would arrive there unchecked.
fn may_concern_agents(rewrite: &Directive) -> bool {
    let (from, to) = (rewrite.arg(0), rewrite.arg(1));
    let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
    let written = to.split('$').next().unwrap_or_default();
    let calls = SERVICES.map(|service| format!("/{service}"));
    let mut paths = calls.iter().map(String::as_str).chain([CHECK]);
    let leads_there = |path: &str| path.starts_with(written) || written.starts_with(path);
    paths.any(|path| !never_begins(from, true, path) || leads_there(path))
}

/// Whether a `rewrite` answers with a redirection: nginx takes that from a check as an error,
/// and lets nobody through.
fn redirects(rewrite: &Directive) -> bool {
    let to = rewrite.arg(1).unwrap_or_default();
    matches!(rewrite.arg(2), Some("redirect" | "permanent"))
        || ["http://", "https://", "$scheme"]
            .iter()
            .any(|start| to.starts_with(start))
}

fn lets_through(answer: &Directive) -> bool {
    let code = answer.arg(0).and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| (200..300).contains(&code))
}

/// Refuses such a setting of this server, unless its line is `ours`.
fn no_foreign_trust(site: &Site<'_>, ours: impl Fn(&Directive) -> bool) -> Result<(), Problem> {
    match foreign_trust(|name| site.server.scope.nearest(name), ours) {
        None => Ok(()),
        Some((line, why)) => Err(site.refused(line, why).remedy("take this line out")),
    }
}

/// A setting that decides which certificates count as verified, beyond the client CA, and what it
/// does. Lines that are `ours` are passed over. `nearest`: the lines of a name that hold.
pub(super) fn foreign_trust<'a>(
    nearest: impl Fn(&str) -> Vec<&'a Directive>,
    ours: impl Fn(&Directive) -> bool,
) -> Option<(&'a Directive, String)> {
    let rules = [
        (
            "ssl_trusted_certificate",
            "every authority in this file could vouch for an agent too",
        ),
        (
            "ssl_crl",
            "a revocation list of another authority makes nginx refuse every agent",
        ),
        (
            "ssl_ocsp",
            "nginx would ask a responder that our certificates do not name",
        ),
        (
            "ssl_early_data",
            "whoever records an agent's first bytes could send them again",
        ),
    ];
    for (name, why) in rules {
        let mut lines = nearest(name).into_iter();
        if let Some(line) = lines.find(|line| line.arg(0) != Some("off") && !ours(line)) {
            return Some((line, why.to_owned()));
        }
    }
    let mut commands = nearest("ssl_conf_command").into_iter();
    let line = commands.find(|line| {
        // The commands of OpenSSL (`SSL_CONF_cmd(3)`) that bring authorities or a mode.
        let command = line.arg(0).unwrap_or_default().to_ascii_lowercase();
        let starts = ["verify", "clientca", "chainca", "requestca"];
        starts.iter().any(|start| command.starts_with(start))
    })?;
    let why = format!("{} changes how clients are verified", quoted(line));
    Some((line, why))
}

/// A list that this program has written is of our own authority.
fn is_our_list(site: &Site<'_>, line: &Directive) -> bool {
    let path = site.config.resolved(line.arg(0).unwrap_or_default());
    let path = path.parse().ok();
    let found = path.and_then(|path| site.facts.file(&path).file());
    line.name == "ssl_crl" && found.is_some_and(|file| file.ours)
}

/// Where browsers share the server, what they need today must not be given up in silence.
fn browsers_too(site: &Site<'_>) -> Result<(), Problem> {
    for line in site.server.scope.nearest("ssl_verify_client") {
        if line.arg(0) == Some("on") {
            let why = "browsers have to show a certificate today, and would no longer have to";
            return Err(site
                .refused(line, why)
                .remedy("set ssl_verify_client to optional first, if that is meant"));
        }
    }
    Ok(())
}

/// Another server on one of the sockets that verifies clients by its own authorities. As the
/// default it judges every client that names no server, and its verdict counts when such a
/// client then asks for our server by `Host`. Anywhere on the socket its sessions can be
/// resumed with our name, until that was mended in nginx (CVE-2025-23419).
pub(super) fn neighbours(site: &Site<'_>, build: Option<&Build>) -> Result<(), Problem> {
    let defaults = site.defaults();
    let mended = build.is_some_and(|build| {
        build.version >= (1, 27, 4) || ((1, 26, 3)..(1, 27, 0)).contains(&build.version)
    });
    for server in site.neighbours() {
        let is_default = defaults
            .iter()
            .any(|default| std::ptr::eq(*default, server));
        if site.is_ours(server) || (mended && !is_default) {
            continue;
        }
        if let Some(line) = verifying(&server.scope) {
            let why = if is_default {
                "the default server of this port verifies clients by another authority, and its \
                 verdict counts for clients that name no server"
            } else {
                "this server shares the port and verifies clients by another authority; before \
                 nginx 1.26.3 and 1.27.4 its TLS sessions count as verified here too"
            };
            return Err(site.refused(line, why).remedy(own_port(server)));
        }
    }
    Ok(())
}

fn own_port(server: &Server<'_>) -> String {
    match server.names.first() {
        Some(name) => format!("give the server {name} a port of its own"),
        None => "give that server a port of its own".to_owned(),
    }
}

fn verifying<'a>(scope: &Scope<'a>) -> Option<&'a Directive> {
    let lines = scope.nearest("ssl_verify_client");
    lines.into_iter().find(|line| line.arg(0) != Some("off"))
}
