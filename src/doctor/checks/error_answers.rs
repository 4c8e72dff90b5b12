//! How agents are told of what goes wrong at nginx: gRPC knows no answer but 200 with its own status.

use super::super::finding::{Evidence, Finding};
use super::super::seen::{add, at};
use super::ground::Ground;
use crate::nginx::{Directive, flat};

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let Some((config, http)) = ground.http() else {
        return Vec::new();
    };
    let of_agents = &ground.before_manager().of_agents;
    let mut seen: Vec<Evidence> = Vec::new();
    let servers = http.servers.iter();
    for server in servers.filter(|one| of_agents.contains(&one.directive.at)) {
        let places = flat(server.directive.children()).filter(|place| is_for_errors_of_grpc(place));
        for line in places.flat_map(|place| flat(place.children())) {
            if line.name == "return" && line.arg(0) == Some("204") {
                add(&mut seen, at(config, &line.at));
            }
        }
    }
    let found = ground.where_seen("errors-told-as-204", seen);
    found.into_iter().collect()
}

/// A named place, which only `error_page` leads to, that tells a gRPC status.
fn is_for_errors_of_grpc(place: &Directive) -> bool {
    let tells = |line: &Directive| {
        let header = matches!(line.name.as_str(), "add_header" | "more_set_headers");
        header && line.words().any(|word| word.starts_with("grpc-status"))
    };
    let is_named =
        place.name == "location" && place.arg(0).is_some_and(|name| name.starts_with('@'));
    is_named && flat(place.children()).any(tells)
}
