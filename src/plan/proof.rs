//! What the plan wants proven by connections once it is carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::certificates::Certificates;
use super::dial;
use super::place_for;
use super::redirect;
use super::site::{SERVICES, Site, quoted};
use super::to_prove::{AgentProof, Proof};
use crate::answers::{Answers, Enforce};
use crate::certificate::Recipe;
use crate::facts::Facts;
use crate::method::Method;
use crate::nginx::Directive;
use crate::values::{Gather as _, HostName, SubjectName};

/// It is kept in the receipt: `verify` tries the same again, without a change.
pub(super) fn of(
    site: &Site<'_>,
    answers: &Answers,
    made: &Certificates,
    facts: &Facts,
    master: u32,
    headers: &[String],
) -> Proof {
    let names = |recipe: &Recipe| recipe.names.clone();
    let certified = made
        .issuing
        .as_ref()
        .and_then(|issuing| issuing.server.as_ref())
        .map(names);
    let stale_names: Vec<HostName> = certified
        .unwrap_or_default()
        .into_iter()
        .filter_map(|name| match name {
            SubjectName::Dns(name) => Some(name),
            SubjectName::Ip(_) => None,
        })
        .filter(|name| {
            *name != answers.manager_name
                && !answers.alt_names.contains(&SubjectName::Dns(name.clone()))
        })
        .collect();
    let dial = dial::of(site);
    let agents = (answers.method == Method::ClientMtls).then(|| AgentProof {
        services: SERVICES
            .iter()
            .map(|service| (*service).to_owned())
            .collect(),
        enforced: answers.enforce == Enforce::Require,
        check_log: Some(place_for::log_file(site.config, "nim-tls-agents.log")),
        server_chain: made.server.chain.clone(),
        server_key: made.server.key.clone(),
        stale_names,
        revoked: made.revoked_agents(),
        listed: made.listing.as_ref().map(|one| one.issued.clone()),
        authority: made.listing.as_ref().and_then(|one| one.authority.clone()),
        barred: barred(site, &dial.agents_barred),
    });
    Proof {
        barred: barred(site, &dial.browsers_barred),
        listeners: dial.listeners,
        name: answers.manager_name.clone(),
        other_names: answers.alt_names.iter().cloned().collect(),
        elsewhere: answers
            .alt_names
            .iter()
            .filter(|name| !site.answers(name))
            .cloned()
            .collect(),
        nameless_elsewhere: !site.is_default_on_port(),
        trust: made.trust,
        headers: headers.to_vec(),
        redirect: redirect::proof(site, answers),
        agents,
        agents_port: None,
        closed: Vec::new(),
        state: facts.state.folder.clone(),
        master: Some(master),
    }
}

/// What the operator is told of listeners that turn this host away.
pub(super) fn notes(site: &Site<'_>, answers: &Answers) -> Vec<String> {
    let dial = dial::of(site);
    let mut told = BTreeSet::new();
    let mut tell = |barred: &BTreeMap<SocketAddr, &Directive>, who: &str| {
        for (address, line) in barred {
            told.insert(format!(
                "{}: {} keeps this host itself out at {address}, so that {who} can get in \
                 there is not tried; try it from a host that may connect",
                site.config.shown(&line.at),
                quoted(line)
            ));
        }
    };
    if answers.method == Method::ClientMtls {
        tell(&dial.agents_barred, "the right agents");
    }
    tell(&dial.browsers_barred, "browsers");
    told.into_iter().collect()
}

pub(super) fn barred(
    site: &Site<'_>,
    lines: &BTreeMap<SocketAddr, &Directive>,
) -> BTreeMap<SocketAddr, String> {
    let why = |line: &Directive| {
        format!(
            "{} at {} keeps this host out",
            quoted(line),
            site.config.shown(&line.at)
        )
    };
    lines.iter().map(|(at, line)| (*at, why(line))).gathered()
}
