//! What the plan wants proven by connections once it is carried out.

use super::certificates::Certificates;
use super::place_for;
use super::site::{SERVICES, Site};
use super::step::{AgentProof, Proof};
use crate::answers::Answers;
use crate::certificate::Recipe;
use crate::facts::Facts;
use crate::method::Method;
use crate::values::{HostName, SubjectName};

/// It is kept in the receipt: `verify` tries the same again, without a change.
pub(super) fn of(
    site: &Site<'_>,
    answers: &Answers,
    made: &Certificates,
    facts: &Facts,
    master: u32,
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
    let agents = (answers.method == Method::ClientMtls).then(|| AgentProof {
        services: SERVICES
            .iter()
            .map(|service| (*service).to_owned())
            .collect(),
        check_log: place_for::log_file(site.config, "nim-tls-agents.log"),
        server_chain: made.server.chain.clone(),
        server_key: made.server.key.clone(),
        stale_names,
    });
    Proof {
        listeners: site.addresses(),
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
        agents,
        state: facts.state.folder.clone(),
        master,
    }
}
