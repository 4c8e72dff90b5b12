//! The plan of an authority: certificates for agents, in the folder of this program alone. No
//! service is touched, so it can be made on the manager before anything is enforced, or on another
//! machine.

use super::certificates::{self, OfManager};
use super::file::FileChange;
use super::fitness;
use super::of_manager;
use super::step::{Plan, SCHEMA};
use super::steps::{fetch_keys, issue, place};
use super::to_issue::KeepKey;
use crate::answers::Answers;
use crate::error::Problem;
use crate::facts::Facts;

/// What would be issued here for these answers, or why it cannot be.
pub(super) fn plan(facts: &Facts, answers: &Answers) -> Result<Plan, Problem> {
    if facts.live && !facts.root {
        return Err(
            Problem::host("only root can read the keys that this plan is about")
                .remedy("sudo nim-tls check"),
        );
    }
    if facts.live {
        fitness::space(facts)?;
    }
    if answers.ca_key == Some(KeepKey::Discard) {
        return Err(Problem::usage(
            "certificates.ca_key.keep is discard: the key of the authority would be gone before the \
             manager's certificate is made",
        )
        .remedy("keep: encrypted, or plaintext"));
    }
    // On the manager itself it is known which names its certificate will have.
    let manager = of_manager::plan(facts, answers).ok().map(|plan| OfManager {
        server: plan.issuing().and_then(|issuing| issuing.server.clone()),
    });
    let made = certificates::for_agents(facts, answers, manager.as_ref())?;
    fitness::targets(facts, &made.files)?;
    let mut notes = made.notes;
    notes.push(
        "no service is touched: who was let in before is let in now; bring each agent its files, \
         and apply with role: manager once all have them"
            .to_owned(),
    );
    // Of the answers, those about agents' certificates count.
    let counts = |field: &str| field.starts_with("certificates.") && !field.contains(".server");
    let mut defaults = answers.defaults.clone();
    defaults.retain(|field, _| counts(field));
    let mut steps = Vec::new();
    steps.extend(made.issuing.map(issue));
    steps.extend(fetch_keys(made.fetch_keys));
    if made.files.iter().any(FileChange::changes) {
        steps.push(place());
    }
    Ok(Plan {
        schema: SCHEMA,
        steps,
        files: made.files,
        folders: made.folders,
        notes,
        defaults,
    })
}
