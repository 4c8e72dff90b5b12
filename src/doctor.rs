//! Why it does not work: recognises what the logs of nginx and the agent say, looks at what the
//! configuration lets through, and names the cause, the evidence and what helps. It only looks.
//!
//! What is recognised is data, in `assets/rules`.

mod finding;
mod rule;
mod line;
mod reading;
mod source;
mod tally;
mod config;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::facts::Facts;
use crate::host::{Command, Host};
use crate::values::{escaped, sort_by_key};

pub use finding::{Diagnosis, Evidence, Finding, Fix, Severity, Source};
pub use rule::{Rule, rules};

use tally::Tally;

/// What to look at besides what the host itself names.
pub struct Request<'a> {
    /// Further logs, of the machine on which this runs, and that machine.
    pub logs: &'a [PathBuf],
    pub logs_on: &'a dyn Host,
    /// Lines from before are passed over; seconds since 1970.
    pub since: Option<i64>,
}

/// Examines a host. `told` hears which file is being read.
pub fn examine(
    host: &dyn Host,
    facts: &Facts,
    request: &Request<'_>,
    told: &dyn Fn(&str),
) -> Diagnosis {
    let rules = rules();
    let own = own_addresses(host, facts);
    let zone = zone(host);
    let mut tally = Tally::new(&rules, facts.looked_at, request.since, zone, &own);
    let mut sources = Vec::new();
    for named in source::named(host, facts) {
        sources.push(match named {
            source::Named::Log(path) => {
                told(&path);
                read(host, &path, &mut tally)
            }
            source::Named::Elsewhere(source) => source,
        });
    }
    for path in request.logs {
        let path = path.to_string_lossy();
        told(&path);
        sources.push(read(request.logs_on, &path, &mut tally));
    }
    let mut findings = config::findings(facts, &rules);
    findings.extend(tally.findings());
    // Among equals the order is that of the rules: what is nearer to a first cause comes first.
    sort_by_key(&mut findings, |finding| finding.severity);
    Diagnosis { findings, sources }
}

fn read(host: &dyn Host, path: &str, tally: &mut Tally<'_>) -> Source {
    let before = tally.lines();
    let read = reading::pieces(host, path.as_ref(), |piece| tally.take(path, piece));
    tally.end_of_file();
    match read {
        Ok(()) => Source {
            path: escaped(path),
            read: true,
            why: format!("{} lines", tally.lines() - before),
        },
        Err(why) => Source::not_read(path, why),
    }
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
