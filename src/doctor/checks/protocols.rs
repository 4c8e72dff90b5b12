//! The TLS versions that nginx speaks where agents connect.

use super::super::finding::{Evidence, Finding};
use super::super::seen::{add, at};
use super::ground::Ground;

/// From this one on each server has its own; before it, those of the port's default server count
/// (nginx's CHANGES).
const OWN_SINCE: (u16, u16, u16) = (1, 29, 2);
/// What agents speak.
const CURRENT: [&str; 2] = ["TLSv1.2", "TLSv1.3"];

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let Some((config, http)) = ground.http() else {
        return Vec::new();
    };
    let nginx = ground.facts.nginx.is();
    let is_own = nginx.is_some_and(|nginx| nginx.build.version >= OWN_SINCE);
    let of_agents = &ground.before_manager().of_agents;
    let mut seen: Vec<Evidence> = Vec::new();
    for bound in http.sockets().iter().filter(|bound| bound.ssl) {
        for server in &bound.servers {
            if !of_agents.contains(&server.directive.at) {
                continue;
            }
            let decides = if is_own { server } else { bound.default };
            let lines = decides.scope.nearest("ssl_protocols");
            let mut named = lines.iter().flat_map(|line| line.words());
            if lines.is_empty() || named.any(|name| CURRENT.contains(&name)) {
                continue;
            }
            for line in lines {
                add(&mut seen, at(config, &line.at));
            }
        }
    }
    ground
        .where_seen("agents-protocols-too-old", seen)
        .into_iter()
        .collect()
}
