//! What happens to agents without a certificate.

use super::super::finding::{Evidence, Finding, Severity};
use super::super::seen::at;
use super::ground::Ground;
use crate::nginx::Config;
use crate::plan::{CHECK, ClientsToday, WayRound, agents_today, usual_agents_port, way_round};
use crate::values::escaped;

/// A check that is there leads nowhere.
pub(super) fn got_round(ground: &Ground<'_>) -> Vec<Finding> {
    let Some(config) = ground.config() else {
        return Vec::new();
    };
    let facts = &ground.facts;
    let Some(found) = way_round(facts, config, usual_agents_port(facts)) else {
        return Vec::new();
    };
    let id = match found.way {
        WayRound::ErrorPage => "error-page-lets-in",
        WayRound::SatisfyAny => "satisfy-any-lets-in",
        WayRound::DefaultServer => "default-server-lets-in",
        WayRound::InTheClear => "services-in-the-clear",
        WayRound::Other => "check-can-be-got-round",
    };
    let mut evidence = vec![at(config, &found.at)];
    // What a plan would say of it names its own place.
    evidence.extend(found.why.map(|why| Evidence {
        file: "as a plan sees it".to_owned(),
        line: None,
        text: escaped(&why),
    }));
    let finding = ground.finding(id, evidence);
    let told = finding.map(|finding| {
        if found.from_here_alone {
            finding.weighed_as(Severity::Warning)
        } else {
            finding
        }
    });
    told.into_iter().collect()
}

/// Certificates are asked for, and nobody is refused, although it was asked for otherwise and proven:
/// somebody has opened a way beside the check.
pub(super) fn held_open(ground: &Ground<'_>) -> Vec<Finding> {
    by_mistake(ground, |finding| finding.id == "agents-let-in")
}

/// Nobody is asked for a certificate, and the check that was proven stands: it refuses every agent
/// for want of one.
pub(super) fn asked_for_in_vain(ground: &Ground<'_>) -> Vec<Finding> {
    let found = open(ground).filter(|finding| ground.lets_in() && is_in_vain(ground, finding));
    let named = found.and_then(|finding| ground.finding("asked-for-in-vain", finding.evidence));
    named.into_iter().collect()
}

fn is_in_vain(ground: &Ground<'_>, finding: &Finding) -> bool {
    let checks = |config: &Config| {
        let mut lines = config.all(&["auth_request"]);
        lines.any(|line| line.arg(0) == Some(CHECK))
    };
    finding.id == "agents-not-asked" && ground.config().is_some_and(checks)
}

/// There is no check any more, although it was asked for and proven.
pub(super) fn not_there(ground: &Ground<'_>) -> Vec<Finding> {
    by_mistake(ground, |finding| {
        finding.id != "agents-let-in" && !is_in_vain(ground, finding)
    })
}

fn by_mistake(ground: &Ground<'_>, which: impl Fn(&Finding) -> bool) -> Vec<Finding> {
    let found = open(ground).filter(|finding| ground.lets_in() && which(finding));
    let told = found.map(|finding| finding.weighed_as(Severity::Error));
    told.into_iter().collect()
}

/// The same, where nothing else was asked for.
pub(super) fn open_so_far(ground: &Ground<'_>) -> Vec<Finding> {
    let found = open(ground).filter(|_| !ground.lets_in());
    let told = found.map(|finding| {
        // That was chosen.
        if finding.id == "agents-not-asked" && ground.was_set_up() {
            finding.weighed_as(Severity::Info)
        } else {
            finding
        }
    });
    told.into_iter().collect()
}

fn open(ground: &Ground<'_>) -> Option<Finding> {
    let config = ground.config()?;
    let facts = &ground.facts;
    let (clients, place) = agents_today(facts, config, usual_agents_port(facts)).ok()?;
    let id = match clients {
        ClientsToday::Enforced | ClientsToday::Bypassable => return None,
        ClientsToday::NotAsked => "agents-not-asked",
        ClientsToday::Asked => "agents-let-in",
        ClientsToday::Observed => "agents-observed",
    };
    ground.finding(id, vec![at(config, &place)])
}
