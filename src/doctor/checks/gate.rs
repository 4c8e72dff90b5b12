//! What happens to agents without a certificate.

use super::super::finding::{Evidence, Finding, Severity};
use super::super::seen::at;
use super::ground::Ground;
use crate::plan::{ClientsToday, WayRound, agents_today, usual_agents_port, way_round};
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
        WayRound::Other => "check-can-be-got-round",
    };
    let mut evidence = vec![at(config, &found.at)];
    // What a plan would say of it names its own place.
    evidence.extend(found.why.map(|why| Evidence {
        file: "as a plan sees it".to_owned(),
        line: None,
        text: escaped(&why),
    }));
    ground.finding(id, evidence).into_iter().collect()
}

/// There is no check, or it refuses nobody.
pub(super) fn open(ground: &Ground<'_>) -> Vec<Finding> {
    let Some(config) = ground.config() else {
        return Vec::new();
    };
    let facts = &ground.facts;
    let Ok((clients, place)) = agents_today(facts, config, usual_agents_port(facts)) else {
        return Vec::new();
    };
    let id = match clients {
        ClientsToday::Enforced | ClientsToday::Bypassable => return Vec::new(),
        ClientsToday::NotAsked => "agents-not-asked",
        ClientsToday::Asked => "agents-let-in",
        ClientsToday::Observed => "agents-observed",
    };
    let found = ground.finding(id, vec![at(config, &place)]);
    let found = found.map(|finding| Finding {
        // It was asked for otherwise, and proven.
        severity: if ground.lets_in() {
            Severity::Error
        } else {
            finding.severity
        },
        ..finding
    });
    found.into_iter().collect()
}
