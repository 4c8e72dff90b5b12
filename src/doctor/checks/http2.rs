//! Whether agents can speak HTTP/2 to nginx, without which there is no gRPC.

use super::super::finding::{Evidence, Finding};
use super::ground::{Ground, at};
use crate::nginx::{Bound, Server};

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let Some((config, http)) = ground
        .config()
        .and_then(|config| Some((config, config.http()?)))
    else {
        return Vec::new();
    };
    let of_agents = &ground.before_manager().of_agents;
    let mut seen: Vec<Evidence> = Vec::new();
    for bound in http.sockets() {
        if bound.socket.quic || !bound.ssl {
            continue;
        }
        for server in &bound.servers {
            if !of_agents.contains(&server.directive.at) || speaks(&bound, server) {
                continue;
            }
            let mut listens = server.listens.iter();
            let port = bound.socket.port;
            let line = listens.find(|one| (one.port..=one.last_port).contains(&port));
            let evidence = at(
                config,
                &line.map_or(server.directive.at, |line| line.directive.at),
            );
            if !seen.contains(&evidence) {
                seen.push(evidence);
            }
        }
    }
    ground
        .where_seen("agents-without-http2", seen)
        .into_iter()
        .collect()
}

/// nginx before 1.25.1 does not know `http2 on`, and would not load it.
fn speaks(bound: &Bound<'_, '_>, server: &Server<'_>) -> bool {
    bound.http2 || server.scope.value("http2") == Some("on")
}
