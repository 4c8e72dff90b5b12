//! What the server with the pages says for all its locations, and holds for agents too: who may
//! connect, what variables stand for, how the services are called, where errors go.

use super::super::site::{Site, quoted};
use crate::error::Problem;
use crate::nginx::{Directive, Location, flat};

/// Said again in the server for agents, with all that begins with `grpc_`. Of the error pages, those
/// that lead to a named place.
const CARRIED: [&str; 5] = ["allow", "deny", "set", "resolver", "resolver_timeout"];

/// Keep clients out by other means than these. In a server of their own agents would not meet them.
const KEEPING_OUT: [&str; 3] = ["auth_basic", "auth_jwt", "auth_request"];

/// Decide on requests before a location is found.
const DECIDING: [&str; 3] = ["if", "return", "rewrite"];

/// The lines, in their order, as they are written.
pub(super) fn lines(pages: &Site<'_>) -> Vec<String> {
    let all = flat(pages.server.directive.children());
    let carried = all.filter(|line| is_carried(line));
    carried
        .map(|line| {
            let text = &pages.config.file(line.at.file).text[line.at.span.range()];
            let lines = text.lines().map(|line| format!("    {}", line.trim()));
            lines.collect::<Vec<_>>().join("\n")
        })
        .collect()
}

fn is_carried(line: &Directive) -> bool {
    let name = line.name.as_str();
    CARRIED.contains(&name) || name.starts_with("grpc_") || is_to_named_place(line)
}

pub(super) fn is_to_named_place(line: &Directive) -> bool {
    let target = line.words().last().unwrap_or_default();
    line.name == "error_page" && target.starts_with('@')
}

/// Refuses to move locations out from under a check that nobody would ask any more.
pub(super) fn refuse(pages: &Site<'_>, gates: &[&Location<'_>]) -> Result<(), Problem> {
    let own = |line: &&Directive| KEEPING_OUT.contains(&line.name.as_str());
    for line in flat(pages.server.directive.children()).filter(own) {
        let holds = |gate: &&&Location<'_>| gate.scope.own(&line.name).is_empty();
        if line.arg(0) != Some("off") && gates.iter().any(|gate| holds(&gate)) {
            let why = format!(
                "{} keeps clients out of the locations of agents too, and would not do so in a \
                 server of their own",
                quoted(line)
            );
            return Err(pages.refused(line, why).remedy(
                "say options: {agent_auth: in-place}, or give those locations lines of their own",
            ));
        }
    }
    Ok(())
}

/// What is not carried, where it concerned agents: the places.
pub(super) fn note(pages: &Site<'_>, gates: &[&Location<'_>]) -> Option<String> {
    let deciding = |line: &&Directive| DECIDING.contains(&line.name.as_str());
    let in_server = flat(pages.server.directive.children()).filter(deciding);
    let errors = gates.iter().flat_map(|gate| gate.scope.own("error_page"));
    let lost = in_server.chain(errors.filter(|line| !is_to_named_place(line)));
    let mut places: Vec<String> = Vec::new();
    for line in lost {
        let place = pages.config.shown(&line.at);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    (!places.is_empty()).then(|| {
        format!(
            "what these lines do in the server with the pages is not done for agents any more, or \
             leads nowhere: {}",
            places.join(", ")
        )
    })
}
