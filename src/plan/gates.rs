//! The server that passes agents' calls on, and the locations in which the calls end.

use super::manager::{SERVICES, listens_on};
use crate::error::Problem;
use crate::nginx::{Config, Http, Location, LocationKind, Server};
use crate::values::Port;

/// A call that no location is made for, then the calls of both services by name: somebody may
/// have given one of them a location of its own.
const CALLS: [&str; 6] = [
    "AnyCall",
    "CommandChannel",
    "Download",
    "Upload",
    "Stream",
    "StreamEvents",
];

/// Locations that pass on what arrives there as gRPC.
#[derive(Default)]
pub(super) struct Gates<'a> {
    /// Calls of agents end here.
    pub(super) certain: Vec<&'a Location<'a>>,
    /// Where calls for which there is nothing certain may end: only PCRE could tell.
    pub(super) unsure: Vec<&'a Location<'a>>,
}

/// The servers on this port that pass agents' calls on; where none does for certain, those that
/// may.
pub(super) fn servers<'h, 'a>(http: &'h Http<'a>, port: Port) -> Vec<&'h Server<'a>> {
    let (mut sure, mut unsure) = (Vec::new(), Vec::new());
    for server in http
        .servers
        .iter()
        .filter(|server| listens_on(server, port))
    {
        let found = SERVICES.map(|service| for_call(http, server, service, CALLS[0]));
        if found.iter().any(|found| !found.certain.is_empty()) {
            sure.push(server);
        } else if found.iter().any(|found| !found.unsure.is_empty()) {
            unsure.push(server);
        }
    }
    if sure.is_empty() { unsure } else { sure }
}

/// The one server on this port that passes agents' calls on.
pub(super) fn server<'h, 'a>(
    config: &Config,
    http: &'h Http<'a>,
    port: Port,
) -> Result<&'h Server<'a>, Problem> {
    match servers(http, port).as_slice() {
        [server] => Ok(server),
        [] => Err(none_found(config, http, port)),
        several => {
            let places: Vec<String> = several
                .iter()
                .map(|server| config.shown(&server.directive.at))
                .collect();
            Err(Problem::host(format!(
                "several servers listen on port {port} and pass agents on: {}",
                places.join(" and ")
            ))
            .remedy("take the locations of the agents out of all but one of them"))
        }
    }
}

/// Those that there are, where a service may have none.
pub(super) fn some_of<'h>(http: &Http<'_>, server: &'h Server<'_>) -> Gates<'h> {
    let mut gates = Gates::default();
    for service in SERVICES {
        for call in CALLS {
            add(
                &mut gates.certain,
                for_call(http, server, service, call).certain,
            );
        }
    }
    gates
}

/// The locations of that server, each once.
pub(super) fn of<'h>(
    config: &Config,
    http: &Http<'_>,
    server: &'h Server<'_>,
) -> Result<Gates<'h>, Problem> {
    let mut gates = Gates::default();
    for service in SERVICES {
        let any = for_call(http, server, service, CALLS[0]);
        if any.certain.is_empty() && any.unsure.is_empty() {
            let place = config.shown(&server.directive.at);
            return Err(Problem::host(format!(
                "{place}: this server passes no calls of {service} on"
            ))
            .remedy(format!(
                "give it a location /{service} with a grpc_pass, as NIM's own file has"
            )));
        }
        if any.certain.is_empty() {
            add(&mut gates.unsure, any.unsure);
        }
        for call in CALLS {
            add(
                &mut gates.certain,
                for_call(http, server, service, call).certain,
            );
        }
    }
    Ok(gates)
}

fn add<'a>(all: &mut Vec<&'a Location<'a>>, found: Vec<&'a Location<'a>>) {
    for location in found {
        let known = |other: &&Location<'_>| std::ptr::eq(other.directive, location.directive);
        if !all.iter().any(known) {
            all.push(location);
        }
    }
}

/// Where one call ends. The location that takes it unless a regular expression does counts too:
/// what is guarded and never reached does no harm.
fn for_call<'h>(http: &Http<'_>, server: &'h Server<'_>, service: &str, call: &str) -> Gates<'h> {
    let path = format!("/{service}/{call}");
    let selected = http.find_location_for(server, &path);
    let passes = |location: &&'h Location<'_>| !location.scope.own("grpc_pass").is_empty();
    let mut gates = Gates::default();
    for location in selected.maybe.into_iter().filter(passes) {
        let by_itself = matches!(location.kind, LocationKind::Regex { .. });
        if by_itself && location.children.is_empty() && location.takes(&path) == Some(true) {
            gates.certain.push(location);
        } else {
            gates.unsure.push(location);
        }
    }
    gates.certain.extend(selected.location.filter(passes));
    gates
}

fn none_found(config: &Config, http: &Http<'_>, port: Port) -> Problem {
    let places: Vec<String> = http
        .servers
        .iter()
        .filter(|server| listens_on(server, port))
        .map(|server| config.shown(&server.directive.at))
        .collect();
    let looked = if places.is_empty() {
        format!("no server listens on port {port}")
    } else {
        format!("looked at {}", places.join(", "))
    };
    Problem::host(format!(
        "no server on port {port} passes the calls of agents on ({}): {looked}",
        SERVICES.join(", ")
    ))
    .remedy("ls -l /etc/nginx/conf.d/nms-http.conf")
}
