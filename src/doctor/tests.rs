#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aside;
mod corpus;
mod fuzz;
mod journal;
mod logs;
mod newest;
mod ways;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::rule::rules;
use super::{Diagnosis, Request, Severity, examine};
use crate::facts::Facts;
use crate::host::Memory;
use crate::probe::{self, Wanted};

const LINES: &str = include_str!("tests/lines.txt");

/// 2026-11-26 12:00:00.
const NOW: i64 = 1_795_694_400;

fn looked(host: &Memory) -> Facts {
    host.set_clock(NOW);
    let wanted = Wanted::without_answers("/var/lib/nim-tls".parse().unwrap());
    probe::look(host, &wanted)
}

/// What is asked of a host of which no more is known than what lies there.
fn request<'a>(host: &'a Memory, logs: &'a [PathBuf], since: Option<i64>) -> Request<'a> {
    Request {
        logs,
        logs_on: host,
        peer: None,
        since,
        standing: None,
        connect: false,
        changed_at: None,
        obstacle: None,
        enforced: false,
        names: &[],
        agent_set_up: false,
    }
}

fn examined(host: &Memory) -> Diagnosis {
    let facts = looked(host);
    let request = request(host, &[], None);
    examine(host, &facts, &request, &|_| ControlFlow::Continue(()))
}

/// The gravity and title of what is found of this rule.
fn told(diagnosis: &Diagnosis, id: &str) -> Option<(Severity, String)> {
    let found = diagnosis.findings.iter().find(|finding| finding.id == id);
    found.map(|finding| (finding.severity, finding.title.clone()))
}

/// The words for causes that scripts may rely on.
const CAUSES: &str = "client-cert-missing client-cert-wrong-ca client-cert-expired \
    client-cert-not-yet-valid client-cert-wrong-purpose client-cert-revoked \
    client-chain-incomplete client-ca-incomplete server-cert-untrusted server-cert-expired \
    server-cert-wrong-purpose server-name-mismatch server-chain-incomplete common-name-only \
    key-mismatch key-encrypted key-readable-by-others weak-key file-missing file-not-pem \
    file-permission selinux-denied http2-missing alpn-missing plaintext-to-tls tls-to-plaintext \
    protocol-mismatch cipher-mismatch port-taken port-closed dns-failed clock-skew upstream-down \
    upstream-socket-missing upstream-tls-mismatch upstream-name-mismatch upstream-untrusted \
    grpc-location-missing grpc-error-mapping sni-mismatch mtls-not-asked mtls-not-enforced \
    bypass-error-page bypass-default-server bypass-satisfy-any client-not-listed \
    old-workers-serving logging-off plaintext-port-exposed shared-session-cache log-level-hides \
    crl-expired crl-missing unknown-directive plus-only-directive duplicate-directive syntax \
    module-missing reload-not-effective agent-tls-off agent-skip-verify agent-server-section \
    agent-half-pair agent-yaml agent-version usage-report-unverified usage-report-failing \
    cert-expiring trust-store-ineffective drift";

#[test]
fn each_line_is_recognised_by_its_rule_and_every_rule_has_a_line() {
    let rules = rules();
    let mut seen = BTreeSet::new();
    for line in LINES.lines().filter(|line| !line.starts_with("# ")) {
        let (id, line) = line.split_once(' ').unwrap();
        let found = rules.iter().find(|rule| rule.fits(line.as_bytes()));
        let found = found.map_or("-", |rule| rule.id.as_str());
        assert_eq!(found, id, "{line}");
        seen.insert(id.to_owned());
    }
    let of_logs = rules.iter().filter(|rule| rule.reads_lines());
    let without: Vec<&str> = of_logs
        .filter(|rule| !seen.contains(&rule.id))
        .map(|rule| rule.id.as_str())
        .collect();
    assert!(without.is_empty(), "no line for {without:?}");
}

#[test]
fn every_rule_has_a_name_of_its_own_and_a_cause_that_scripts_know() {
    let rules = rules();
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids.len(), rules.len());
    assert!(rules.len() >= 25, "{}", rules.len());
    for rule in &rules {
        let finding = rule.finding();
        let known = CAUSES
            .split_whitespace()
            .any(|cause| cause == finding.cause);
        assert!(known, "{}: {}", rule.id, finding.cause);
        for text in [&finding.title, &finding.why, &finding.fix.text] {
            assert!(text.is_ascii() && text.len() > 10, "{}: {text}", rule.id);
        }
        assert!(
            !finding.title.ends_with('.') && finding.why.ends_with('.'),
            "{}",
            rule.id
        );
    }
}
