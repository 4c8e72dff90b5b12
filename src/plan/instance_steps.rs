//! The steps of an instance's plan in their order, each with its words.

use super::agent_files::{AgentFiles, other_user};
use super::agent_settings::{in_effect, wanted};
use super::instance::shows_certificate;
use super::step::{Action, Fetch, ReachProof, Restart, Step, TrustChange};
use super::steps::{REACH, RESTART, place, step, trust_step};
use crate::answers::InstanceAnswers;
use crate::facts::{Facts, Known};
use crate::values::{AbsPath, Digest};

const UNIT: &str = "nginx-agent";

pub(super) fn steps(
    facts: &Facts,
    answers: &InstanceAnswers,
    placed: &AgentFiles,
    key: Option<(AbsPath, Digest)>,
    trust: Option<TrustChange>,
    notes: &mut Vec<String>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some((from, digest)) = key {
        steps.push(step(
            "fetch",
            "read the agent's key",
            "into memory; it is written only where the agent reads it",
            "nothing to undo",
            Action::Fetch(Fetch { from, digest }),
        ));
    }
    steps.push(place());
    steps.extend(trust.map(trust_step));
    if !facts.live {
        return steps;
    }
    let restarts = restarts(facts, notes);
    if restarts {
        steps.push(step(
            "restart",
            RESTART,
            "it reads its settings and its certificate once, when it starts",
            "the agent is restarted with what was there before",
            Action::Restart(Restart {
                unit: UNIT.to_owned(),
                listens: Vec::new(),
            }),
        ));
    }
    if let Some(user) = other_user(facts) {
        notes.push(format!(
            "the agent runs as user {user}: its group may read the key (mode 0640)"
        ));
    }
    let pair = placed.certificate.as_ref();
    steps.push(step(
        "prove",
        REACH,
        "only a request shows who gets through",
        "nothing to undo: no call that is tried exists behind nginx",
        Action::Reach(ReachProof {
            host: answers.host().clone(),
            name: answers.agent_name.clone(),
            port: answers.grpc,
            ca: placed.ca.clone(),
            system: facts
                .trust_store
                .is()
                .and_then(|store| store.bundle.parse().ok()),
            certificate: pair.map(|pair| pair.cert.clone()),
            key: pair.map(|pair| pair.key.clone()),
            shows_certificate: shows_certificate(answers),
            agent: restarts,
            settings: in_effect(&wanted(answers, placed, "").0),
        }),
    ));
    steps
}

/// Only where systemd runs, and knows the agent.
fn restarts(facts: &Facts, notes: &mut Vec<String>) -> bool {
    let unit = facts.services.get(UNIT);
    if facts.systemd.is().is_some() && matches!(unit, Some(Known::Is(_))) {
        notes.push(
            "the agent is restarted: for a few seconds the manager shows this instance offline"
                .to_owned(),
        );
        return true;
    }
    notes.push(
        "there is no service nginx-agent of systemd here, so the agent is not restarted: until \
         you restart it, it goes on with what it has read"
            .to_owned(),
    );
    false
}
