//! What a server of NGINX Instance Manager 2 is known by.

use crate::nginx::{Address, Listen, Server};
use crate::values::Port;

/// The gRPC services that NGINX Agent 2 calls (`f5.nginx.agent.sdk` in its protocol files).
pub const SERVICES: [&str; 2] = [
    "f5.nginx.agent.sdk.Commander",
    "f5.nginx.agent.sdk.MetricsService",
];

pub(super) fn listens_on(server: &Server<'_>, port: Port) -> bool {
    server.listens.iter().any(|listen| is_on(listen, port))
}

pub(super) fn is_on(listen: &Listen<'_>, port: Port) -> bool {
    let ports = listen.port..=listen.last_port;
    ports.contains(&port.number()) && !listen.quic && !matches!(listen.address, Address::Unix(_))
}

/// Whether browsers find the user interface here: it has locations of its own for it.
pub(super) fn serves_ui(server: &Server<'_>) -> bool {
    let parts = ["/ui", "/api"];
    let mut patterns = server.locations().iter().map(|location| location.pattern);
    patterns.any(|pattern| {
        parts
            .iter()
            .any(|part| pattern.trim_start_matches('^').starts_with(part))
    })
}
