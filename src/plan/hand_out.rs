//! The part of a plan that cuts nobody off: certificates are made and laid out for the agents,
//! and no service is touched. Whoever carries it out first can bring every agent its files, and
//! enforce later: a plan for the same answers then takes what is there as it is.

use super::step::{Action, Plan};
use super::to_issue::{Authority, KeepKey};
use crate::error::Problem;

/// The plan without everything outside the folder of this program.
pub fn hand_out_only(plan: &Plan) -> Result<Plan, Problem> {
    let Some(issuing) = plan.issuing().filter(|issuing| !issuing.agents.is_empty()) else {
        return Err(Problem::host(
            "no agent's certificate has to be made: what there is to hand out lies in the folder \
             issued already",
        ));
    };
    let discarded = matches!(
        issuing.authority,
        Authority::New {
            key: KeepKey::Discard,
            ..
        }
    );
    if discarded && issuing.server.is_some() {
        return Err(Problem::host(
            "the key of the authority would be gone before the manager's certificate is made: \
             keep it, encrypted or plaintext, to hand out first and enforce later",
        ));
    }
    let state = issuing.folder.parent();
    let mut part = plan.clone();
    part.files.retain(|file| file.path.is_below(&state));
    part.folders
        .retain(|folder| folder.path == state || folder.path.is_below(&state));
    part.steps.retain_mut(|step| match &mut step.action {
        Action::Issue(issuing) => {
            issuing.server = None;
            true
        }
        Action::Place => true,
        _ => false,
    });
    part.notes.clear();
    Ok(part)
}
