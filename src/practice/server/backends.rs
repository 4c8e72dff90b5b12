//! The services behind nginx, simulated: each answers as the product does to the calls that the
//! proof makes, and to a browser.

use super::asked::Answer;
use crate::nginx::{Directive, Http, Target, flat};

/// Sockets of services that run on the practice host; the first two speak gRPC only.
const GRPC: [&str; 3] = [
    "/var/run/nms/am.sock",
    "/var/run/nms/ingestion.sock",
    "/var/run/nms/coregrpc.sock",
];
const WEB: [&str; 2] = ["/var/run/nms/core.sock", "/var/run/nms/dpm.sock"];

/// What is behind `pass`, which says where to (with its variables replaced).
pub(super) fn answer(http: &Http<'_>, pass: &Directive, target: &str) -> Answer {
    let grpc = pass.name == "grpc_pass";
    let target = Target::parse(target, if grpc { "grpc" } else { "http" });
    let peer = match http.upstream(&target.host) {
        Some(upstream) => upstream.servers.first().and_then(|line| line.arg(0)),
        None if target.is_unix => Some(target.host.as_str()),
        None => None,
    };
    let path = peer.map(|peer| peer.strip_prefix("unix:").unwrap_or(peer));
    match path {
        Some(path) if grpc && GRPC.contains(&path) => Answer::new(200, "application/grpc", "")
            .with("grpc-status", "12")
            .with("grpc-message", "unknown method"),
        Some(path) if !grpc && WEB.contains(&path) => {
            Answer::new(200, "application/json", "{\"simulated\": true}\n")
        }
        _ => Answer::page(502),
    }
}

/// nginx looks up what it passes requests to when it loads; a name that nobody has is refused.
pub(super) fn unknown(http: &Http<'_>, pass: &Directive) -> Option<String> {
    let target = Target::of(pass)?;
    let known = target.has_variables
        || target.is_unix
        || http.upstream(&target.host).is_some()
        || target.host.parse::<std::net::IpAddr>().is_ok();
    (!known).then(|| format!("host not found in upstream \"{}\"", target.host))
}

/// Every line of this configuration that passes requests on.
pub(super) fn passes<'a>(http: &Http<'a>) -> Vec<&'a Directive> {
    fn within<'a>(lines: &'a [Directive], found: &mut Vec<&'a Directive>) {
        for line in flat(lines) {
            if matches!(line.name.as_str(), "grpc_pass" | "proxy_pass") {
                found.push(line);
            }
            within(line.children(), found);
        }
    }
    let mut found = Vec::new();
    within(http.directive.children(), &mut found);
    found
}
