//! What is done to the manager itself, and what is to be proven of it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::super::certificates::Certificates;
use super::super::dial::Dial;
use super::super::manager::SERVICES;
use super::super::place_for;
use super::super::proof;
use super::super::redirect;
use super::super::step::Restart;
use super::super::to_prove::{AgentProof, AgentsPort, Proof};
use super::files::is_encrypted;
use super::proxied::After;
use super::settings::Settings;
use crate::answers::{Answers, Context, Enforce, Nim1Answers};
use crate::error::Problem;
use crate::facts::{Facts, Known};
use crate::method::Method;

const UNIT: &str = "nginx-manager";

/// The restart of the manager, where it has to read its settings or a certificate anew (`reads`).
/// Where nobody can do that, it would go on as it is, and lead past nginx.
pub(super) fn restart(
    facts: &Facts,
    settings: &Settings,
    reads: bool,
    notes: &mut Vec<String>,
) -> Result<Option<Restart>, Problem> {
    if !facts.live || !reads {
        return Ok(None);
    }
    let unit = facts.services.get(UNIT);
    if facts.systemd.is().is_none() || !matches!(unit, Some(Known::Is(_))) {
        return Err(Problem::host(
            "the manager has to read its settings anew, and there is no service nginx-manager of \
             systemd here that could be restarted: it would go on listening as it does, and \
             nothing could be proven",
        )
        .remedy("systemctl status nginx-manager"));
    }
    notes.push(
        "the manager is restarted: agents and browsers are without it for a few seconds".to_owned(),
    );
    Ok(Some(Restart {
        unit: UNIT.to_owned(),
        listens: settings.listens().to_vec(),
    }))
}

/// The manager's own ports at addresses that others can reach.
pub(super) fn closed(facts: &Facts, settings: &Settings) -> Vec<SocketAddr> {
    let reachable = |ip: &&IpAddr| !ip.is_loopback() && !ip.is_unspecified();
    let own = facts.own_addresses.iter().filter(reachable);
    let ports = [settings.gateway, settings.grpc];
    own.flat_map(|ip| ports.map(|port| SocketAddr::new(*ip, port.number())))
        .collect()
}

/// It is kept in the receipt: `verify` tries the same again, without a change.
pub(super) fn prove(
    after: &After<'_>,
    answers: &Answers,
    nim1: &Nim1Answers,
    made: &Certificates,
    headers: &[String],
    master: u32,
    closed: Vec<SocketAddr>,
) -> Proof {
    let (ui, grpc) = after.dialled();
    let by_manager = nim1.context == Context::PassedThrough;
    let agents = (answers.method == Method::ClientMtls).then(|| AgentProof {
        services: SERVICES.map(str::to_owned).to_vec(),
        enforced: answers.enforce == Enforce::Require,
        // Of a stream nothing is logged before it ends.
        check_log: (nim1.context == Context::Http)
            .then(|| place_for::log_file(after.config, "nim-tls-agents.log")),
        server_chain: made.server.chain.clone(),
        server_key: made.server.key.clone(),
        stale_names: Vec::new(),
        revoked: made.revoked_agents(),
        listed: made.listing.as_ref().map(|one| one.issued.clone()),
        authority: made.listing.as_ref().and_then(|one| one.authority.clone()),
        barred: barred(after, &grpc),
    });
    Proof {
        barred: proof::barred(&after.ui, &ui.browsers_barred),
        listeners: ui.listeners,
        name: answers.manager_name.clone(),
        other_names: answers.alt_names.iter().cloned().collect(),
        elsewhere: answers
            .alt_names
            .iter()
            .filter(|name| !after.ui.answers(name))
            .cloned()
            .collect(),
        nameless_elsewhere: !after.ui.is_default_on_port(),
        trust: made.trust,
        headers: headers.to_vec(),
        redirect: redirect::proof(&after.ui, answers),
        agents,
        agents_port: Some(AgentsPort {
            listeners: grpc.listeners,
            name: nim1.agent_name.clone(),
            encrypted: is_encrypted(answers, nim1),
            service: SERVICES[0].to_owned(),
            by_manager,
        }),
        closed,
        state: after.facts.state.folder.clone(),
        master: Some(master),
    }
}

fn barred(after: &After<'_>, grpc: &Dial<'_>) -> BTreeMap<SocketAddr, String> {
    proof::barred(&after.ui, &grpc.agents_barred)
}
