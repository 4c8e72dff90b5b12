//! The certificates that nginx shows.

use super::super::finding::{Evidence, Finding, Severity};
use super::ground::{Ground, at, certificates, of_file, with_tls};
use crate::certificate::{Certificate, Purpose, Standing, flaws, valid_for};
use crate::nginx::{Directive, Place, Server};
use crate::values::{HostName, SubjectName};

/// What can be wrong with one, and the rule that tells of it.
const RULES: [(&str, &str); 6] = [
    ("server-cert-expired", "served-certificate-expired"),
    (
        "client-cert-not-yet-valid",
        "served-certificate-not-yet-valid",
    ),
    ("cert-expiring", "served-certificate-ends-soon"),
    ("weak-key", "served-certificate-weak"),
    ("common-name-only", "served-certificate-nameless"),
    ("server-chain-incomplete", "served-chain-broken"),
];

/// Something wrong with what a server shows.
struct Seen {
    id: &'static str,
    is_managers: bool,
    evidence: Evidence,
}

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let Some((config, http)) = ground
        .config()
        .and_then(|config| Some((config, config.http()?)))
    else {
        return Vec::new();
    };
    let managers = &ground.before_manager().servers;
    let sockets = http.sockets().into_iter();
    let defaults: Vec<Place> = sockets.map(|bound| bound.default.directive.at).collect();
    let mut found: Vec<Seen> = Vec::new();
    for server in with_tls(&http) {
        let place = server.directive.at;
        let is_managers = managers.contains(&place);
        let mut add = |id, evidence| {
            found.push(Seen {
                id,
                is_managers,
                evidence,
            });
        };
        // The names of the manager are those of whoever answers to them.
        let named = |name: &HostName| server.names.contains(&name.as_str());
        let answers = defaults.contains(&place) || ground.names.iter().any(named);
        let names = if is_managers && answers {
            ground.names
        } else {
            &[]
        };
        for line in server.scope.nearest("ssl_certificate") {
            let Some((path, file)) = ground.named(line) else {
                continue;
            };
            let Some(chain) = certificates(file) else {
                continue;
            };
            of_chain(ground, chain, &mut |id, words| {
                add(id, of_file(&path, words));
            });
            if is_managers && let Some(issuer) = unknown_issuer(ground, chain) {
                add(
                    "served-by-nobody-known",
                    of_file(&path, format!("is of {issuer}")),
                );
            }
            if let Some(words) = other_name(chain, server, names) {
                add("served-name-differs", of_file(&path, &words));
                if let Some(line) = server_name(server) {
                    add("served-name-differs", at(config, &line.at));
                }
            }
        }
    }
    grouped(ground, &found)
}

fn of_chain(ground: &Ground<'_>, chain: &[Certificate], add: &mut dyn FnMut(&'static str, &str)) {
    for flaw in flaws(chain, ground.facts.looked_at) {
        if let Some((_, id)) = RULES.iter().find(|(cause, _)| *cause == flaw.cause) {
            add(id, &flaw.words);
        }
    }
    let Some(leaf) = chain.first().filter(|leaf| leaf.standing == Standing::Leaf) else {
        return;
    };
    if !leaf.serves(Purpose::Server) {
        add(
            "served-certificate-purpose",
            &format!("{} is not for servers", leaf.subject),
        );
    }
    // Whoever verifies by the root alone needs what is between.
    let between = ground.facts.state.ca.is().map(|ca| &ca.intermediate);
    if let Some(issuer) = between
        && chain.len() == 1
        && leaf.names_as_issuer(issuer)
    {
        add(
            "served-chain-incomplete",
            &format!(
                "{} stands there without its issuer {}",
                leaf.subject, issuer.subject
            ),
        );
    }
}

/// Who has issued the last certificate, where that is neither the authority of this host nor one
/// that its system trusts.
fn unknown_issuer<'a>(ground: &Ground<'_>, chain: &'a [Certificate]) -> Option<&'a str> {
    let last = chain.last()?;
    let own = ground.facts.state.ca.is();
    let mut own = own.into_iter().flat_map(|ca| [&ca.root, &ca.intermediate]);
    if own.any(|one| last.names_as_issuer(one)) || ground.trusted.is_empty() {
        return None;
    }
    let is_known = ground.trusted.iter().any(|one| last.names_as_issuer(one));
    (!is_known).then_some(last.issuer.as_str())
}

/// The names that clients of this server use, where the certificate is for none of them.
fn other_name(chain: &[Certificate], server: &Server<'_>, known: &[HostName]) -> Option<String> {
    let leaf = chain.first()?;
    let listed = server.names.iter();
    let listed = listed.filter_map(|name| name.parse::<HostName>().ok());
    let names: Vec<HostName> = if known.is_empty() {
        listed.filter(|name| name.as_str().contains('.')).collect()
    } else {
        known.to_vec()
    };
    let names: Vec<SubjectName> = names.into_iter().map(SubjectName::Dns).collect();
    if names.is_empty() || leaf.names.is_empty() {
        return None;
    }
    if names.iter().any(|name| valid_for(leaf, name)) {
        return None;
    }
    let own: Vec<String> = leaf.names.iter().map(ToString::to_string).collect();
    Some(format!("{} is for {}", leaf.subject, own.join(", ")))
}

fn server_name<'a>(server: &Server<'a>) -> Option<&'a Directive> {
    server.scope.own("server_name").into_iter().next()
}

/// One finding for each rule: those of the manager's servers count fully.
fn grouped(ground: &Ground<'_>, found: &[Seen]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for is_managers in [true, false] {
        let of_these = || found.iter().filter(|seen| seen.is_managers == is_managers);
        let mut ids: Vec<&str> = of_these().map(|seen| seen.id).collect();
        ids.dedup();
        for (place, id) in ids.iter().enumerate() {
            if ids[..place].contains(id) {
                continue;
            }
            let mut evidence: Vec<Evidence> = Vec::new();
            for seen in of_these().filter(|seen| seen.id == *id) {
                if !evidence.contains(&seen.evidence) {
                    evidence.push(seen.evidence.clone());
                }
            }
            // Other sites may show the manager's certificate too.
            let is_told = |finding: &Finding| {
                finding.id == *id && evidence.iter().all(|seen| finding.evidence.contains(seen))
            };
            if findings.iter().any(is_told) {
                continue;
            }
            let finding = ground.finding(id, evidence);
            findings.extend(finding.map(|finding| of_site(finding, is_managers)));
        }
    }
    findings
}

fn of_site(finding: Finding, is_managers: bool) -> Finding {
    if is_managers || finding.severity != Severity::Error {
        return finding;
    }
    Finding {
        severity: Severity::Warning,
        title: format!("Of another site: {}", finding.title),
        ..finding
    }
}
