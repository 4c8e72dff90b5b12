//! Whether agents can speak HTTP/2 to nginx, without which there is no gRPC.

use super::super::finding::{Evidence, Finding};
use super::super::seen::{add, at, listen_at};
use super::ground::Ground;
use crate::nginx::{Bound, Server};

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let Some((config, http)) = ground.http() else {
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
            add(&mut seen, listen_at(config, &bound, server));
        }
    }
    let below = ground.before_manager().without_alpn.iter();
    let below = below.map(|place| at(config, place)).collect();
    let found = [
        ground.where_seen("agents-without-http2", seen),
        ground.where_seen("stream-without-alpn", below),
    ];
    found.into_iter().flatten().collect()
}

/// nginx before 1.25.1 does not know `http2 on`, and would not load it.
pub(super) fn speaks(bound: &Bound<'_, '_>, server: &Server<'_>) -> bool {
    bound.http2 || server.scope.value("http2") == Some("on")
}
