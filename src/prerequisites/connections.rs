//! Who reaches the manager, and what is asked of them today.

use super::check::{Check, Subject, about};
use crate::facts::{Facts, Generation, Known, Listener};
use crate::method::generation_of;
use crate::plan;
use crate::values::Port;

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![port(facts), clients(facts), connected(facts)];
    checks.extend(facts.names.keys().next().map(|_| names(facts, true)));
    checks
}

/// An instance has to find the manager, elsewhere.
pub(super) fn of_instance(facts: &Facts) -> Vec<Check> {
    let names = facts.names.keys().next().map(|_| names(facts, false));
    names.into_iter().collect()
}

/// The names of the answers, where there are answers; `own`: they are to lead here.
fn names(facts: &Facts, own: bool) -> Check {
    let subject = about("names", "names of the manager");
    if let Some(found) = facts.ends_tls.as_ref().filter(|_| own) {
        let at = found.at;
        return subject.warning(
            format!(
                "TLS ends at {at}, which is no address of this host: {} is shown there. Agents show \
                 their certificates to whoever ends TLS",
                found.shown
            ),
            format!("openssl s_client -connect {at} </dev/null"),
        );
    }
    let mut words = Vec::new();
    for (name, found) in &facts.names {
        let remedy = format!("getent hosts {name}");
        match found {
            Known::Absent => {
                return subject.warning(format!("{name}: there is no such name"), remedy);
            }
            Known::Unclear(why) => return subject.unknown(format!("{name}: {why}")).remedy(remedy),
            Known::Is(addresses) => {
                let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                let shown = shown.join(", ");
                let is_own = |one| facts.own_addresses.contains(one);
                let leads_here = addresses.iter().any(is_own);
                if own && facts.live && !leads_here {
                    let what = format!("{name} leads to {shown}, which is no address of this host");
                    return subject.warning(what, remedy);
                }
                words.push(format!("{name}: {shown}"));
            }
        }
    }
    subject.ok(words.join("; "))
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
                // There, nginx is yet to be put before the manager.
                _ if here.is_empty() && generation_of(facts) == Generation::Nim1 => {
                    subject.ok("it is free")
                }
                _ if here.is_empty() => subject.warning(
                    "nobody listens there",
                    "where the manager uses another port, say ports: {https: PORT}",
                ),
                Some(other) => held(&subject, facts, other),
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

/// The port is not with the nginx of these facts, or that cannot be told.
fn held(subject: &Subject, facts: &Facts, other: &Listener) -> Check {
    let at = other.at;
    let Some((program, pid)) = other.holders.first() else {
        let whose = if facts.root {
            "a program that may not be seen"
        } else {
            "a program that only root may see"
        };
        let check = subject.unknown(format!("{at} is held by {whose}"));
        return if facts.root {
            check
        } else {
            check.remedy("sudo nim-tls check")
        };
    };
    let who = format!("{program} (process {pid})");
    let found = facts.nginx.is();
    let what = match found {
        // A process of that name alone does not tell which configuration it reads.
        None if program == "nginx" => format!(
            "{at} is held by a process that is called {who}, and no program nginx was found that \
             belongs to it"
        ),
        Some(nginx) if program == "nginx" => {
            format!(
                "{at} belongs to another nginx (process {pid}) than {}",
                nginx.binary
            )
        }
        _ => format!("{at} belongs to {who}, not to nginx"),
    };
    subject.failed(what, format!("ss -ltnp 'sport = :{}'", at.port()))
}

/// What nginx does about clients' certificates now; also whether the server to change is found.
fn clients(facts: &Facts) -> Check {
    let subject = about("clients", "what is asked of agents today");
    if let Known::Unclear(why) = &facts.config {
        return subject.unknown(format!("the configuration of nginx cannot be read: {why}"));
    }
    match plan::today(facts) {
        Ok(today) => subject.ok(format!("agents are {today}")),
        Err(problem) => {
            // What a plan advises (to run this check) would lead round in a circle.
            let remedy = problem
                .remedy
                .filter(|remedy| !remedy.contains("nim-tls check"));
            let usual = || "ls -l /etc/nginx/conf.d/nms-http.conf".to_owned();
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
            count => {
                let shown = connected
                    .iter()
                    .filter(|client| client.certificate.is().is_some())
                    .count();
                let who = match generation_of(facts) {
                    Generation::Nim1 => "",
                    Generation::Nim2 => ", agents and browsers alike",
                };
                let words = format!(
                    "{count} on port {}{who}; {shown} of them showed a certificate",
                    plan::usual_agents_port(facts)
                );
                if shown == count {
                    subject.ok(words)
                } else {
                    subject.warning(
                        words,
                        "client-mtls cuts agents without a certificate off: hand certificates \
                         out first",
                    )
                }
            }
        },
        || subject.ok("nginx does not run, so nobody"),
    )
}
