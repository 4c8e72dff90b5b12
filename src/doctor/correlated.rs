//! Findings that speak of the same thing become one, or stand in another order than by themselves.

use std::net::SocketAddr;

use super::checks::Ground;
use super::finding::{Connection, Evidence, Finding, LOG_LEVEL, Severity};
use crate::plan::taken;
use crate::values::{escaped, instant};

/// Says that a certificate was refused, and not why.
const UNEXPLAINED: [&str; 2] = ["access-agent-refused", "agent-refused"];
/// What an agent's own file shows, where that is what the manager refuses.
const OF_AGENT: &str = "agent-own-authority-differs";

pub(super) fn together(ground: &Ground<'_>, findings: &mut Vec<Finding>) {
    of_agent(findings);
    issued_here(findings);
    explained(findings);
    hidden(findings);
    other_server(ground, findings);
    answer_now(ground, findings);
    clock_of_agent(ground, findings);
    without_tls(ground, findings);
    holders(ground, findings);
    ended(findings);
    not_running(findings);
    silent_where_well(findings);
}

fn is_now(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

fn is_unexplained(finding: &Finding) -> bool {
    UNEXPLAINED.contains(&finding.id.as_str())
}

/// Where a reason is known, the refusal alone says nothing more.
fn explained(findings: &mut Vec<Finding>) {
    let reason = |one: &Finding| {
        (one.cause.starts_with("client-c") || one.cause.starts_with("crl-"))
            && !is_unexplained(one)
            && one.severity != Severity::Info
    };
    if findings.iter().any(reason) {
        findings.retain(|one| !is_now(one) || !is_unexplained(one));
    }
}

/// Agents are refused, and the log that would say why keeps quiet: that comes first.
fn hidden(findings: &mut Vec<Finding>) {
    // Who comes without a certificate is answered 401 and stands in our own log, at any error_log
    // level; who comes with one that is refused is answered 400 by nginx itself.
    let by_nginx = |seen: &Evidence| {
        [" 400 ", "400 (Bad"]
            .iter()
            .any(|one| seen.text.contains(one))
    };
    let quiet = |one: &Finding| one.id == LOG_LEVEL;
    let told = findings
        .iter()
        .any(|one| quiet(one) && one.severity == Severity::Info);
    let refused = |one: &Finding| {
        is_now(one) && is_unexplained(one) && (!told || one.evidence.iter().any(by_nginx))
    };
    if findings.iter().any(quiet)
        && let Some(at) = findings.iter().position(refused)
    {
        raise(findings, quiet, at);
    }
}

/// The agent is refused, and its own certificate shows why.
fn of_agent(findings: &mut Vec<Finding>) {
    let refused = |one: &Finding| is_now(one) && one.cause == "client-cert-missing";
    if let Some(at) = findings.iter().position(refused) {
        raise(findings, |one| one.id == OF_AGENT, at);
    }
}

/// A client came with a certificate that has expired, and one that was issued here has: it is that
/// one, and this program can make another.
fn issued_here(findings: &mut Vec<Finding>) {
    let refused = |one: &Finding| is_now(one) && one.cause == "client-cert-expired";
    if let Some(at) = findings.iter().position(refused) {
        raise(findings, |one| one.id == "issued-certificate-expired", at);
    }
}

/// Puts one of them before the one at this place, as grave as that.
fn raise(findings: &mut Vec<Finding>, which: impl Fn(&Finding) -> bool, at: usize) {
    let Some(from) = findings.iter().position(which) else {
        return;
    };
    let mut finding = findings.remove(from);
    finding.severity = Severity::Error;
    let at = if from < at { at - 1 } else { at };
    findings.insert(at, finding);
}

/// Where agents have a server of their own, calls that end in another one asked for another name.
fn other_server(ground: &Ground<'_>, findings: &mut [Finding]) {
    const LOST: [&str; 2] = ["access-grpc-location-missing", "grpc-location-missing"];
    if !ground.has_server_of_agents() {
        return;
    }
    for finding in findings.iter_mut() {
        if !LOST.contains(&finding.id.as_str()) {
            continue;
        }
        if let Some(known) = ground.finding("agent-asks-for-the-pages", Vec::new()) {
            *finding = known.instead_of(finding);
        }
    }
}

/// What logs tell of services that were away is over where all of them are there now.
fn answer_now(ground: &Ground<'_>, findings: &mut [Finding]) {
    const AWAY: [&str; 2] = ["upstream-down", "upstream-socket-missing"];
    if !ground.services_answer() {
        return;
    }
    for finding in findings.iter_mut() {
        if !ground.is_of_here(finding) {
            continue;
        }
        // Lines of the journal have no numbers.
        let has_number = |seen: &Evidence| seen.line.is_some();
        let of_log = finding.last.is_some() || finding.evidence.iter().any(has_number);
        if of_log && is_now(finding) && AWAY.contains(&finding.cause.as_str()) {
            finding.severity = Severity::Info;
            finding.why.push_str(" Now they take connections again.");
        }
    }
}

/// The agent's line names the time it has: where this host has not reached it yet, the certificate
/// is not to blame.
fn clock_of_agent(ground: &Ground<'_>, findings: &mut [Finding]) {
    const AHEAD: i64 = 10 * 60;
    let limit = ground.looked_at() + AHEAD;
    let says = |seen: &Evidence| {
        let (_, told) = seen.text.split_once("current time ")?;
        instant(told.split_whitespace().next()?)
    };
    for finding in findings.iter_mut() {
        let is_ahead = |seen: &Evidence| says(seen).is_some_and(|at| at > limit);
        if finding.id != "manager-certificate-expired" || !finding.evidence.iter().any(is_ahead) {
            continue;
        }
        if let Some(known) = ground.finding("agent-clock-ahead", Vec::new()) {
            *finding = known.instead_of(finding);
        }
    }
}

/// The first bytes of HTTP/2 without TLS, where HTTP/2 is on behind TLS: it is TLS that is missing.
fn without_tls(ground: &Ground<'_>, findings: &mut [Finding]) {
    let lacks = |one: &Finding| one.id == "agents-without-http2";
    if findings.iter().any(lacks) || !ground.has_agents() {
        return;
    }
    for finding in findings.iter_mut() {
        if finding.id == "preface-without-http2"
            && let Some(known) = ground.finding("agent-without-tls", Vec::new())
        {
            *finding = known.instead_of(finding);
        }
    }
}

/// nginx names the address that it could not have; who has it shows on the host.
fn holders(ground: &Ground<'_>, findings: &mut [Finding]) {
    let listeners = ground.facts.listeners.is();
    let is_own = |address: &SocketAddr| {
        let mut listeners = listeners.into_iter().flatten();
        listeners.any(|one| one.nginx && one.at == *address)
    };
    let is_meant = |one: &&mut Finding| one.cause == "port-taken" && ground.is_of_here(one);
    for finding in findings.iter_mut().filter(is_meant) {
        let mut wanted: Vec<SocketAddr> = Vec::new();
        for address in finding.evidence.iter().filter_map(refused_address) {
            if !wanted.contains(&address) {
                wanted.push(address);
            }
        }
        if !wanted.is_empty() && wanted.iter().all(is_own) {
            finding.severity = Severity::Info;
            finding.why.push_str(" Now nginx itself listens there.");
            continue;
        }
        for address in wanted {
            let Some(holder) = taken(&ground.facts, address) else {
                continue;
            };
            finding.connections.push(Connection {
                connection: format!("port {}", address.port()),
                seen: format!("it is {} that listens there now", escaped(&holder)),
            });
            let command = format!("ss -ltnp 'sport = :{}'", address.port());
            if !finding.fix.commands.contains(&command) {
                finding.fix.commands.retain(|known| known != "ss -ltnp");
                finding.fix.commands.push(command);
            }
        }
    }
}

/// Of `bind() to 0.0.0.0:443 failed (98: ...`.
fn refused_address(seen: &Evidence) -> Option<SocketAddr> {
    let (_, rest) = seen.text.split_once("bind() to ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// What systemd says of the end of a service belongs to what is found of it now; where it runs
/// again, it is over.
fn ended(findings: &mut Vec<Finding>) {
    const ENDS: [(&str, &[&str]); 3] = [
        ("nginx-service-failed", &["nginx-not-running"]),
        ("agent-service-failed", &["agent-not-running"]),
        (
            "manager-service-failed",
            &["socket-of-service-missing", "service-not-listening"],
        ),
    ];
    for (id, now) in ENDS {
        let Some(at) = findings.iter().position(|one| one.id == id) else {
            continue;
        };
        let end = findings.remove(at);
        let is_of_it = |one: &&mut Finding| now.contains(&one.id.as_str());
        if let Some(finding) = findings.iter_mut().find(is_of_it).filter(|_| is_now(&end)) {
            finding.evidence.extend(end.evidence);
            finding.count = end.count;
            finding.first = end.first;
            finding.last = end.last;
        }
    }
}

/// Nothing is served, and nginx has said why it does not start: that comes before all else.
fn not_running(findings: &mut [Finding]) {
    if !findings.iter().any(|one| one.id == "nginx-not-running") {
        return;
    }
    let is_why = |one: &Finding| {
        is_now(one)
            && one
                .evidence
                .iter()
                .any(|seen| seen.text.contains("[emerg]"))
    };
    // Stable: what is nearer to a first cause stays before the rest.
    findings.sort_by_key(|one| !is_why(one));
}

/// That refusals leave no line is of interest where something is wrong.
fn silent_where_well(findings: &mut Vec<Finding>) {
    if findings.iter().all(|one| one.severity == Severity::Info) {
        findings.retain(|one| one.id != LOG_LEVEL);
    }
}
