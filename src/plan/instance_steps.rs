//! The steps of an instance's plan in their order, each with its words.

use super::agent_files::{AgentFiles, other_user};
use super::agent_settings::{in_effect, wanted};
use super::enable::{Enable, Watch};
use super::instance::shows_certificate;
use super::step::{Action, Fetch, Restart, Step, TrustChange};
use super::steps::{
    REACH, RESTART, enable_step, place, reload, step, test, trust_step, watch_steps,
};
use super::to_prove::ReachProof;
use super::usage_reporting::Reports;
use crate::answers::InstanceAnswers;
use crate::facts::{Facts, Known};
use crate::values::{AbsPath, Digest};

const UNIT: &str = "nginx-agent";

/// What there is to do.
pub(super) struct Doing<'a> {
    pub(super) placed: &'a AgentFiles,
    /// Where the key is, if it has to be placed.
    pub(super) key: Option<(AbsPath, Digest)>,
    pub(super) trust: Option<TrustChange>,
    pub(super) enable: Option<Enable>,
    pub(super) watch: Option<Watch>,
    /// The agent has something new to read.
    pub(super) of_agent: bool,
    pub(super) reports: Option<Reports>,
}

pub(super) fn steps(
    facts: &Facts,
    answers: &InstanceAnswers,
    doing: Doing<'_>,
    notes: &mut Vec<String>,
) -> Vec<Step> {
    let placed = doing.placed;
    let mut steps = Vec::new();
    if let Some((from, digest)) = doing.key {
        steps.push(step(
            "fetch",
            "read the agent's key",
            "into memory; it is written only where the agent reads it",
            "nothing to undo",
            Action::Fetch(Fetch { from, digest }),
        ));
    }
    let reloads = |reports: &&Reports| reports.reloads(&placed.files);
    let read = doing.reports.as_ref().filter(reloads);
    let command = read.and_then(|reports| reports.command.clone());
    let private = facts.no_private_copy.is_none();
    steps.extend(command.clone().map(|command| test(command, private)));
    let (before, after) = watch_steps(doing.watch);
    steps.extend(before);
    steps.push(place());
    steps.extend(doing.trust.map(trust_step));
    if !facts.live {
        return steps;
    }
    steps.extend(doing.enable.map(enable_step));
    steps.extend(after);
    steps.extend(command.map(reload));
    let known = is_known(facts);
    if doing.of_agent {
        notes.push(restarts(known).to_owned());
    }
    if known && doing.of_agent {
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
            agent: known,
            settings: in_effect(&wanted(answers, placed, "").0),
            reports: doing.reports.map(|reports| reports.proof),
        }),
    ));
    steps
}

/// Only where systemd runs, and knows the agent, it can be restarted.
fn is_known(facts: &Facts) -> bool {
    let unit = facts.services.get(UNIT);
    facts.systemd.is().is_some() && matches!(unit, Some(Known::Is(_)))
}

fn restarts(known: bool) -> &'static str {
    if known {
        "the agent is restarted: for a few seconds the manager shows this instance offline"
    } else {
        "there is no service nginx-agent of systemd here, so the agent is not restarted: until \
         you restart it, it goes on with what it has read"
    }
}
