//! By which answers this host was set up, as far as the runs that stand have kept them.

use std::collections::BTreeSet;

use crate::answers::{Answers, Enforce, Entered, Goal};
use crate::error::Problem;
use crate::method::{Method, Proxy};
use crate::receipt::Receipt;
use crate::values::{HostName, escaped};
use crate::worker::Runs;

use super::busy;
use super::place::Ground;
use super::session;

/// What `certs` and repairs go on from.
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
            Goal::Instance(_) | Goal::LogLevel => continue,
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
    /// Whether agents without a certificate are to be refused by nginx.
    pub(super) fn enforces(&self) -> bool {
        let Goal::Manager(answers) = &self.goal else {
            return false;
        };
        let by_nginx = answers.proxy != Proxy::None;
        by_nginx && answers.method == Method::ClientMtls && answers.enforce == Enforce::Require
    }

    /// The names by which clients reach the manager.
    pub(super) fn names(&self) -> Vec<HostName> {
        match &self.goal {
            Goal::Manager(answers) => {
                vec![answers.manager_name.clone(), answers.agents_name().clone()]
            }
            Goal::Authority(_) | Goal::Instance(_) | Goal::LogLevel => Vec::new(),
        }
    }

    /// As the wizard has answers; agents that were issued certificates since then are among them.
    pub(super) fn entered(&self) -> Option<Entered> {
        let mut entered = Entered::from_yaml(&self.text)?;
        let mut agents: BTreeSet<String> = self.agents.iter().map(ToString::to_string).collect();
        agents.extend(entered.list("agents").into_iter().map(str::to_owned));
        let agents: Vec<String> = agents.into_iter().collect();
        entered.set("agents", &agents.join(", "));
        Some(entered)
    }

    /// Whether agents' certificates are of an authority from elsewhere.
    pub(super) fn has_brought_authority(&self) -> bool {
        match &self.goal {
            Goal::Manager(answers) | Goal::Authority(answers) => answers.clients.is_some(),
            Goal::Instance(_) | Goal::LogLevel => false,
        }
    }

    pub(super) fn answers(&mut self) -> Option<&mut Answers> {
        match &mut self.goal {
            Goal::Manager(answers) | Goal::Authority(answers) => Some(answers),
            Goal::Instance(_) | Goal::LogLevel => None,
        }
    }
}

/// The same of whatever this host is: what applying it once more would make of the host is a
/// repair. None where no answers were kept, or they cannot be told.
pub(super) fn to_repair(ground: &Ground) -> Option<Standing> {
    let of_manager = standing(ground).ok()?;
    let is_set_up = |one: &Standing| matches!(one.goal, Goal::Manager(_));
    if let Some(mut standing) = of_manager.filter(is_set_up) {
        let agents = standing.agents.clone();
        standing.answers()?.agents.extend(agents);
        return Some(standing);
    }
    of_instance(ground)
}

/// Whether a run that stands has set up the agent of this host.
pub(super) fn has_set_up_agent(ground: &Ground) -> bool {
    of_instance(ground).is_some()
}

/// When a run that stands has last ended here: seconds since 1970. One that had the log tell more
/// has cured nothing of what it told.
pub(super) fn changed_at(ground: &Ground) -> Option<i64> {
    let runs = Runs::new(ground.host(), ground.state());
    let mut receipts = runs.in_force().ok()?;
    receipts.sort_by_key(|receipt| -receipt.ended);
    let tells = |receipt: &&Receipt| {
        let plan = runs.open(&receipt.run).plan().ok().flatten();
        plan.is_some_and(|plan| plan.raises_level())
    };
    receipts
        .iter()
        .find(|receipt| !tells(receipt))
        .map(|receipt| receipt.ended)
}

/// Of the latest run that has set up the agent of this host.
fn of_instance(ground: &Ground) -> Option<Standing> {
    let runs = Runs::new(ground.host(), ground.state());
    let receipts = runs.in_force().ok()?;
    receipts.iter().rev().find_map(|receipt| {
        let text = runs.open(&receipt.run).request().ok()??.answers?;
        let goal = session::checked(text.as_bytes(), "answers that were kept").ok()?;
        matches!(goal, Goal::Instance(_)).then(|| Standing {
            text,
            goal,
            agents: BTreeSet::new(),
        })
    })
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
