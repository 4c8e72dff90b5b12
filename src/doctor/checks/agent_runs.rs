//! Whether the NGINX Agent of this host runs, and by what its files say now.

use super::super::finding::{Evidence, Finding, Severity};
use super::super::seen::of_file;
use super::ground::Ground;
use super::running::is_later;
use crate::facts::{Facts, Known, Service};

const UNIT: &str = "nginx-agent";

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let found = [resting(ground), started_before(ground)];
    found.into_iter().flatten().collect()
}

/// It is installed, and does not run.
fn resting(ground: &Ground<'_>) -> Option<Finding> {
    let facts = &ground.facts;
    let unit = facts.services.get(UNIT).and_then(Known::is);
    let is_here = unit.is_some() || matches!(facts.agent, Known::Is(_));
    let runs = facts.agent_setup.runs_as != Known::Absent || unit.is_some_and(Service::is_active);
    if !facts.live || !is_here || runs {
        return None;
    }
    let finding = ground.finding("agent-not-running", vec![state(facts, unit)])?;
    let is_meant = ground.agent_set_up || is_meant(facts, unit);
    let severity = if is_meant {
        Severity::Error
    } else {
        Severity::Info
    };
    Some(finding.weighed_as(severity))
}

/// Whether it comes up with the system, and has a manager to talk to: packages enable it, and a
/// manager that has the package too need not be told of any.
fn is_meant(facts: &Facts, unit: Option<&Service>) -> bool {
    let is_enabled = unit.is_some_and(|unit| unit.left_out.is_none());
    is_enabled && (facts.is_instance() || facts.agent_setup.is_told_a_manager())
}

fn state(facts: &Facts, unit: Option<&Service>) -> Evidence {
    match (unit, &facts.agent) {
        (Some(unit), _) => {
            let left_out = unit.left_out.as_ref();
            let left_out = left_out.map_or_else(String::new, |word| format!(", and {word}"));
            let words = format!("is {}{left_out}", unit.state);
            of_file(format!("{UNIT}.service"), words)
        }
        (None, Known::Is(version)) => {
            let words = format!("version {version} is installed, and no process is called so");
            of_file(UNIT, words)
        }
        (None, _) => of_file(UNIT, "no process is called so"),
    }
}

/// It reads its settings, and the files that they name, once: when it is started.
fn started_before(ground: &Ground<'_>) -> Option<Finding> {
    let started = ground.facts.agent_setup.started?;
    let late = ground.written_for_agent.iter();
    let late = late.filter(|(_, written)| is_later(**written, started));
    let seen = late.map(|(path, _)| of_file(path, "was written after the agent was started"));
    ground.where_seen("agent-started-before", seen.collect())
}
