//! By which answers certificates were made here, as far as the runs that stand have kept them.

use std::collections::BTreeSet;

use crate::answers::{Answers, Goal};
use crate::error::Problem;
use crate::receipt::Receipt;
use crate::values::{HostName, escaped};
use crate::worker::Runs;

use super::super::super::busy;
use super::super::super::place::Ground;
use super::super::super::session;

/// What `certs` goes on from.
pub(super) struct Standing {
    /// As they were written.
    pub(super) text: String,
    /// Those of the manager, where it was set up here; else of the latest authority.
    pub(super) goal: Goal,
    /// Agents that were issued a certificate by runs since then.
    pub(super) agents: BTreeSet<HostName>,
}

/// `None`: no run that stands has kept any.
pub(super) fn standing(ground: &Ground) -> Result<Option<Standing>, Problem> {
    let runs = Runs::new(ground.host(), ground.state());
    let receipts = runs
        .in_force()
        .map_err(|error| busy::unreadable(ground, &error))?;
    let mut found: Option<Standing> = None;
    let mut agents = BTreeSet::new();
    for receipt in receipts.iter().rev() {
        let request = runs.open(&receipt.run).request().ok().flatten();
        let text = request.and_then(|request| request.answers);
        let Some(text) = text else {
            // One that issued further ones was asked for by their names alone.
            agents.extend(issued_by(ground, receipt));
            continue;
        };
        let shown = format!("the answers of run {}", escaped(receipt.run.as_str()));
        let goal = session::checked(text.as_bytes(), &shown)?;
        match &goal {
            // An instance issues nothing.
            Goal::Instance(_) => continue,
            Goal::Manager(answers) | Goal::Authority(answers) => {
                agents.extend(answers.agents.iter().cloned());
            }
        }
        let is_manager = matches!(goal, Goal::Manager(_));
        if found.is_none() || is_manager {
            let agents = agents.clone();
            found = Some(Standing { text, goal, agents });
        }
        if is_manager {
            break;
        }
    }
    // Where no manager was set up, all that was issued here counts.
    if let Some(standing) = &mut found {
        standing.agents.extend(agents);
    }
    Ok(found)
}

impl Standing {
    /// Whether agents' certificates are of an authority from elsewhere.
    pub(super) fn has_brought_authority(&self) -> bool {
        match &self.goal {
            Goal::Manager(answers) | Goal::Authority(answers) => answers.clients.is_some(),
            Goal::Instance(_) => false,
        }
    }

    pub(super) fn answers(&mut self) -> Option<&mut Answers> {
        match &mut self.goal {
            Goal::Manager(answers) | Goal::Authority(answers) => Some(answers),
            Goal::Instance(_) => None,
        }
    }
}

/// The agents whose certificates a run has placed.
fn issued_by(ground: &Ground, receipt: &Receipt) -> Vec<HostName> {
    let below = format!("{}/issued/", ground.state());
    let names = receipt.changes.iter().filter_map(|change| {
        let rest = change.path.strip_prefix(&below)?;
        let name = rest.strip_suffix("/agent.crt")?;
        name.parse().ok()
    });
    names.collect()
}
