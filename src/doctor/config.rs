//! What the configuration itself shows: that nginx refuses it, that agents are let in without a
//! certificate, that the log keeps quiet about refusals.

use super::finding::{Evidence, Finding, Fix, LOG_LEVEL, Offer, Severity};
use super::rule::Rule;
use super::seen::at;
use super::source::verdicts;
use crate::facts::{Facts, Known};
use crate::nginx::Config;
use crate::plan::{quiet_logs, raised_level, unverified_reports};
use crate::values::{escaped, masked};

/// nginx does not take what is on disk.
pub(super) fn refusals(facts: &Facts, rules: &[Rule]) -> Vec<Finding> {
    refused(facts, rules).into_iter().collect()
}

/// What comes after all causes that are nearer.
pub(super) fn findings(facts: &Facts, rules: &[Rule]) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(resting(facts, rules));
    if let Known::Is(config) = &facts.config {
        found.extend(reports(facts, config, rules));
        found.extend(quiet(facts, config, rules));
    }
    found
}

fn of(rules: &[Rule], id: &str, evidence: Vec<Evidence>) -> Option<Finding> {
    let rule = rules.iter().find(|rule| rule.id == id)?;
    Some(Finding {
        count: evidence.len() as u64,
        evidence,
        ..rule.finding()
    })
}

/// nginx does not take what is on disk now.
fn refused(facts: &Facts, rules: &[Rule]) -> Option<Finding> {
    let Known::Is(Err(said)) = &facts.nginx.is()?.loads else {
        return None;
    };
    let line = format!("[emerg] {said}");
    let rule = rules.iter().find(|rule| rule.fits(line.as_bytes()));
    let rule = rule.filter(|rule| rule.id != "load-refused");
    let id = rule.map_or("configuration-refused", |rule| rule.id.as_str());
    of(rules, id, vec![placed(said)])
}

/// nginx is there, and nobody has started it.
fn resting(facts: &Facts, rules: &[Rule]) -> Option<Finding> {
    let nginx = facts.nginx.is()?;
    if !facts.live || nginx.master.is_some() {
        return None;
    }
    of(rules, "nginx-not-running", Vec::new())
}

/// `path:line: words`, taken apart.
fn placed(said: &str) -> Evidence {
    let taken = said.split_once(": ").and_then(|(place, words)| {
        let (file, line) = place.rsplit_once(':')?;
        Some((file, line.parse().ok()?, words))
    });
    let (file, line, text) = match taken {
        Some((file, line, words)) => (file, Some(line), words),
        None => ("nginx -T", None, said),
    };
    Evidence {
        file: escaped(file),
        line,
        text: escaped(&masked(text)),
    }
}

/// NGINX Plus reports to whoever answers.
fn reports(facts: &Facts, config: &Config, rules: &[Rule]) -> Option<Finding> {
    let place = unverified_reports(facts, config)?;
    of(rules, "usage-reports-unverified", vec![at(config, &place)])
}

/// Refusals of TLS clients are written at level info, and few logs are at that level.
fn quiet(facts: &Facts, config: &Config, rules: &[Rule]) -> Option<Finding> {
    let logs = quiet_logs(config, config.http().as_ref())?;
    let evidence = logs.lines.iter().map(|line| at(config, &line.at)).collect();
    let mut finding = of(rules, LOG_LEVEL, evidence)?;
    // Our own log tells of agents without a certificate at any level.
    if verdicts(config).next().is_some() {
        finding.severity = Severity::Info;
    }
    if raised_level(facts).is_ok() {
        finding.fix = Fix {
            text:
                "Have it tell more for five minutes, and let the client try again meanwhile; then \
                   all is put back, and what came is read."
                    .to_owned(),
            commands: vec![format!("nim-tls doctor --fix {LOG_LEVEL}")],
            offer: Some(Offer::RaisedLevel),
        };
    }
    Some(finding)
}
