//! The certificates that nginx shows.

use std::collections::HashSet;

use super::super::finding::{Evidence, Finding, Severity};
use super::super::seen::{add, at, of_file};
use super::ground::{Ground, certificates, with_tls};
use crate::certificate::{Certificate, Purpose, Standing, flaws, valid_for};
use crate::nginx::{Directive, Http, Place, Server};
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

/// So many places are named of each fault; how many there are is told.
const MOST: usize = 10;

/// A fault of what servers show: those before the manager are told apart from all others.
struct Fault {
    id: &'static str,
    is_managers: bool,
    evidence: Vec<Evidence>,
    count: u64,
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    /// Notes one; what shows it is made only where it will be named.
    fn add(&mut self, id: &'static str, is_managers: bool, shows: impl FnOnce() -> Evidence) {
        let known = |fault: &Fault| fault.id == id && fault.is_managers == is_managers;
        let at = self.0.iter().position(known).unwrap_or_else(|| {
            self.0.push(Fault {
                id,
                is_managers,
                evidence: Vec::new(),
                count: 0,
            });
            self.0.len() - 1
        });
        let fault = &mut self.0[at];
        fault.count += 1;
        if fault.evidence.len() < MOST {
            add(&mut fault.evidence, shows());
        }
    }
}

/// What is wrong with those of the servers before the manager, and with those of all others, where
/// they do not show the same.
pub(super) fn findings(ground: &Ground<'_>) -> (Vec<Finding>, Vec<Finding>) {
    let all = faults(ground).0.into_iter();
    let (managers, mut others): (Vec<_>, Vec<_>) = all.partition(|one| one.is_managers);
    others.retain(|other| {
        !managers.iter().any(|one| {
            let is_named = |seen| one.evidence.contains(seen);
            one.id == other.id && other.evidence.iter().all(is_named)
        })
    });
    (told(ground, managers), told(ground, others))
}

fn faults(ground: &Ground<'_>) -> Faults {
    let mut faults = Faults::default();
    let Some((config, http)) = ground.http() else {
        return faults;
    };
    let managers = &ground.before_manager().servers;
    let sockets = http.sockets().into_iter();
    let defaults: HashSet<Place> = sockets.map(|bound| bound.default.directive.at).collect();
    for server in with_tls(&http) {
        let place = server.directive.at;
        let is_managers = managers.contains(&place);
        // The names of the manager are those of whoever answers to them.
        let lists = |one: &Server<'_>, name: &HostName| one.names.contains(&name.as_str());
        let answers = |name: &&HostName| {
            // Where agents have a server of their own, the default one is not meant for its name.
            let is_default = defaults.contains(&place) && !ground.has_server_of_agents();
            lists(server, name) || is_default && !http.servers.iter().any(|one| lists(one, name))
        };
        let names = ground.names.iter().filter(|_| is_managers);
        let names: Vec<&HostName> = names.filter(answers).collect();
        for line in server.scope.nearest("ssl_certificate") {
            let Some((path, file)) = ground.named(line) else {
                continue;
            };
            let Some(chain) = certificates(file) else {
                continue;
            };
            of_chain(ground, chain, &mut |id, words| {
                faults.add(id, is_managers, || of_file(&path, words));
            });
            if is_managers && let Some(issuer) = unknown_issuer(ground, chain) {
                let words = format!("is of {issuer}");
                faults.add("served-by-nobody-known", is_managers, || {
                    of_file(&path, words)
                });
            }
            let is_agents = ground.before_manager().of_agents.contains(&place);
            let lists_one = ground.names.iter().any(|name| lists(server, name));
            if is_agents
                && !lists_one
                && let Some(name) = unlisted(ground, chain, &http)
            {
                let line = server_name(server).unwrap_or(server.directive);
                faults.add("server-lists-another-name", true, || at(config, &line.at));
                faults.add("server-lists-another-name", true, || {
                    of_file(&path, format!("is for {name}, which no server lists"))
                });
                continue;
            }
            if let Some(words) = other_name(chain, server, &names) {
                faults.add("served-name-differs", is_managers, || {
                    of_file(&path, &words)
                });
                if let Some(line) = server_name(server) {
                    faults.add("served-name-differs", is_managers, || at(config, &line.at));
                }
            }
        }
    }
    faults
}

fn of_chain(ground: &Ground<'_>, chain: &[Certificate], add: &mut dyn FnMut(&'static str, &str)) {
    for flaw in flaws(chain, ground.facts.looked_at) {
        // Of an authority in between the word is that of clients.
        let cause = match flaw.cause {
            "client-cert-expired" => "server-cert-expired",
            "client-chain-incomplete" => "server-chain-incomplete",
            cause => cause,
        };
        if let Some((_, id)) = RULES.iter().find(|(known, _)| *known == cause) {
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

/// The certificate is for none of the names that its server lists, or not for one that clients are
/// known to use.
fn other_name(chain: &[Certificate], server: &Server<'_>, known: &[&HostName]) -> Option<String> {
    let leaf = chain.first().filter(|leaf| !leaf.names.is_empty())?;
    let is_for = |name: &HostName| valid_for(leaf, &SubjectName::Dns(name.clone()));
    let listed = server.names.iter();
    let listed = listed.filter_map(|name| name.parse::<HostName>().ok());
    let listed: Vec<HostName> = listed.filter(|name| name.as_str().contains('.')).collect();
    let is_other = if known.is_empty() {
        !listed.is_empty() && !listed.iter().any(is_for)
    } else {
        !known.iter().all(|name| is_for(name))
    };
    let own: Vec<String> = leaf.names.iter().map(ToString::to_string).collect();
    is_other.then(|| format!("{} is for {}", leaf.subject, own.join(", ")))
}

/// A name that clients use, that this certificate is for, and that no server answers to by name,
/// where agents have a server of their own.
fn unlisted<'g>(
    ground: &'g Ground<'_>,
    chain: &[Certificate],
    http: &Http<'_>,
) -> Option<&'g HostName> {
    let leaf = chain.first().filter(|_| ground.has_server_of_agents())?;
    let is_listed = |name: &HostName| {
        let mut servers = http.servers.iter();
        servers.any(|server| server.names.contains(&name.as_str()))
    };
    let is_for = |name: &HostName| valid_for(leaf, &SubjectName::Dns(name.clone()));
    let mut names = ground.names.iter();
    names.find(|name| is_for(name) && !is_listed(name))
}

fn server_name<'a>(server: &Server<'a>) -> Option<&'a Directive> {
    server.scope.own("server_name").into_iter().next()
}

fn told(ground: &Ground<'_>, faults: Vec<Fault>) -> Vec<Finding> {
    let told = faults.into_iter().filter_map(|fault| {
        let finding = ground.finding(fault.id, fault.evidence)?;
        let count = fault.count.max(finding.count);
        Some(of_site(Finding { count, ..finding }, fault.is_managers))
    });
    told.collect()
}

fn of_site(finding: Finding, is_managers: bool) -> Finding {
    if is_managers || finding.severity != Severity::Error {
        return finding;
    }
    Finding {
        title: format!("Of another site: {}", finding.title),
        ..finding.weighed_as(Severity::Warning)
    }
}
