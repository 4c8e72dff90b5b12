//! Why it does not work: recognises what the logs of nginx and the agent say, looks at what the
//! configuration lets through, and names the cause, the evidence and what helps. It only looks.
//!
//! What is recognised is data, in `assets/rules`.

mod finding;
mod rule;
mod carried;
mod line;
mod sites;
mod reading;
mod gzip;
mod known;
mod matcher;
mod source;
mod rotated;
mod tail;
mod own_log;
mod journal;
mod judge;
mod kept;
mod tally;
mod logs;
mod seen;
mod config;
mod checks;
mod connection;
mod correlated;
mod placeholder;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::error::Problem;
use crate::facts::Facts;
use crate::host::{Command, Host};
use crate::plan::{BeforeManager, Plan};
use crate::values::{HostName, Peer, escaped, sort_by_key};

pub use finding::{
    Connection, Diagnosis, Evidence, Finding, Fix, LOG_LEVEL, Offer, Severity, Source,
};
pub use journal::tail_of_journal;
use rule::Mark;
pub use rule::{Rule, rules};
pub use tail::{Tail, tail};

use checks::Ground;
use judge::{Judge, OfHost};
use tally::Tally;

/// What to look at besides what the host itself names.
pub struct Request<'a> {
    /// Further logs, of the machine on which this runs, and that machine.
    pub logs: &'a [PathBuf],
    pub logs_on: &'a dyn Host,
    /// Lines from before are passed over; seconds since 1970.
    pub since: Option<i64>,
    /// When this program has last changed this host (seconds since 1970): what its logs told before
    /// is over.
    pub changed_at: Option<i64>,
    /// What the answers that stand on this host come to today, where there are any and they can be
    /// carried out.
    pub standing: Option<&'a Plan>,
    /// Why they cannot be carried out as the host is, where that is so.
    pub obstacle: Option<&'a Problem>,
    /// Whether connections to this host may be made.
    pub connect: bool,
    /// A manager's port that is looked at from the machine on which this runs.
    pub peer: Option<&'a Peer>,
    /// Whether those answers want agents without a certificate refused.
    pub enforced: bool,
    /// The names that those answers say clients use.
    pub names: &'a [HostName],
    /// Whether answers stand that have set up the agent of this host.
    pub agent_set_up: bool,
}

/// What is told while logs are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told<'a> {
    /// So many bytes of this file, or of the journal of a unit, have been read, of so many.
    Reading { path: &'a str, done: u64, of: u64 },
    /// Something was seen for the first time; how often and until when is not known yet.
    Seen { id: &'a str, title: &'a str },
}

/// Who hears it. A break ends the reading of logs; what was found until then is the result.
pub type Listener<'a> = dyn Fn(Told<'_>) -> ControlFlow<()> + 'a;

/// Examines a host. `told` hears how far it is, and what was seen, at once: the newest lines of
/// each log are read first.
pub fn examine(
    host: &dyn Host,
    facts: &Facts,
    request: &Request<'_>,
    told: &Listener<'_>,
) -> Diagnosis {
    let rules = rules();
    let own = own_addresses(host, facts);
    let zone = zone(host);
    let config = facts.config.is();
    let before = config.map(|config| BeforeManager::of(facts, config));
    let before = before.unwrap_or_default();
    let here = OfHost::of(facts, &before, request.changed_at);
    let mut tally = Tally::new(
        &rules,
        Judge::new(facts.looked_at, request.since, zone, &own),
    );
    let mut sources = logs::read_all(host, facts, request, &here, &mut tally, told);
    let ground = Ground::of(host, facts, &rules, request, before);
    let mut findings = config::refusals(facts, &rules);
    if let Some(peer) = request.peer {
        let machine = request.logs_on;
        let (found, source) = connection::to_peer(host, machine, facts, peer, &rules);
        findings.extend(found);
        sources.push(source);
    }
    let mut others = Vec::new();
    if request.connect && facts.live {
        let (found, met) = connection::of_agent(host, facts, &rules);
        others.extend(found);
        sources.extend(met);
    }
    others.extend(tally.findings());
    findings.extend(checks::findings(host, &ground, others));
    findings.extend(config::findings(facts, &rules));
    correlated::together(&ground, &mut findings);
    placeholder::filled(&rules, &mut findings);
    if let Some(plan) = request.standing {
        for finding in &mut findings {
            if is_repaired(&rules, finding, plan) {
                finding.fix.offer = Some(Offer::Answers);
            }
        }
    }
    // Among equals the order is that of the rules: what is nearer to a first cause comes first.
    sort_by_key(&mut findings, |finding| finding.severity);
    Diagnosis { findings, sources }
}

/// Whether the plan is known to cure it: it changes what was seen.
fn is_repaired(rules: &[Rule], finding: &Finding, plan: &Plan) -> bool {
    let rule = rules.iter().find(|rule| rule.id == finding.id);
    let mut changed = plan.changed_files();
    let is_seen = |path: &str| finding.evidence.iter().any(|seen| seen.file == path);
    rule.is_some_and(|rule| rule.is(Mark::Repair))
        && changed.any(|file| is_seen(&escaped(file.path.as_str())))
}

/// The addresses from which this host connects to itself, besides those of its loopback.
fn own_addresses(host: &dyn Host, facts: &Facts) -> BTreeSet<IpAddr> {
    let mut own = facts.own_addresses.clone();
    if host.is_live() {
        own.extend(host.addresses().unwrap_or_default());
    }
    own
}

/// How far the clock in nginx's logs is ahead of UTC, in seconds. A tree of files does not say.
fn zone(host: &dyn Host) -> i64 {
    if !host.is_live() {
        return 0;
    }
    let output = host.run(&Command::new("date", &["+%z"]));
    output.map_or(0, |output| line::zone(&output.out()).unwrap_or(0))
}
