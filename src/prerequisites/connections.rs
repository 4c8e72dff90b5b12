//! Who reaches the manager, and what is asked of them today.

use super::check::{Check, about};
use crate::facts::{Facts, Known, Listener};
use crate::plan;
use crate::values::Port;

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    vec![port(facts), clients(facts), connected(facts)]
}

fn port(facts: &Facts) -> Check {
    let subject = about("port", "port 443");
    subject.of(
        &facts.listeners,
        |listeners| {
            let port = Port::HTTPS.number();
            let here: Vec<_> = listeners
                .iter()
                .filter(|found| found.at.port() == port)
                .collect();
            match here.iter().find(|found| !found.nginx) {
                _ if here.is_empty() => subject.warning(
                    "nobody listens there",
                    "where the manager uses another port, say ports: {https: PORT}",
                ),
                Some(other) => subject.failed(
                    format!("{} belongs to {}, not to nginx", other.at, holder(other)),
                    "ss -ltnp 'sport = :443'",
                ),
                None => {
                    let places: Vec<String> =
                        here.iter().map(|found| found.at.to_string()).collect();
                    subject.ok(format!("nginx listens on {}", places.join(", ")))
                }
            }
        },
        || subject.unknown("it was not looked at"),
    )
}

fn holder(listener: &Listener) -> String {
    match listener.holders.first() {
        Some((program, pid)) => format!("{program} (process {pid})"),
        None => "a program that may not be seen".to_owned(),
    }
}

/// What nginx does about clients' certificates now; also whether the server to change is found.
fn clients(facts: &Facts) -> Check {
    let subject = about("clients", "agents and their certificates today");
    if let Known::Unclear(why) = &facts.config {
        return subject.unknown(format!("the configuration of nginx cannot be read: {why}"));
    }
    match plan::today(facts, Port::HTTPS) {
        Ok(today) => subject.ok(format!("agents are {today}")),
        Err(problem) => {
            // What a plan advises (to run this check) would lead round in a circle.
            let remedy = problem
                .remedy
                .filter(|remedy| !remedy.contains("nim-tls check"));
            let usual = || "grep -rn grpc_pass /etc/nginx /etc/nms".to_owned();
            subject.failed(problem.what, remedy.unwrap_or_else(usual))
        }
    }
}

fn connected(facts: &Facts) -> Check {
    let subject = about("connected", "clients connected now");
    subject.of(
        &facts.connected,
        |connected| match connected.len() {
            0 => subject.ok("nobody"),
            count => subject.warning(
                format!("{count} on port 443, agents and browsers alike"),
                "client-mtls cuts agents without a certificate off: hand certificates out first",
            ),
        },
        || subject.ok("nginx does not run, so nobody"),
    )
}
