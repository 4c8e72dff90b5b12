//! `nim-tls agents`: the agents that nginx has judged, and which of them are ready.

use std::fmt::Write as _;
use std::net::IpAddr;

use serde::Serialize;

use crate::error::Problem;
use crate::facts::{Agent, Facts, Known};
use crate::plan::{ClientsToday, agents_today, usual_agents_port};
use crate::values::{Port, cell, escaped, wrapped};

use super::super::output::Output;
use super::super::place::Ground;
use super::super::session;

#[derive(Serialize)]
struct Document {
    schema: u32,
    agents: Vec<AgentLine>,
    /// `null`: it could not be told.
    enforced: Option<Enforced>,
    /// Why nobody can be told, where that is so.
    why: Option<String>,
}

#[derive(Serialize)]
struct AgentLine {
    address: IpAddr,
    subject: Option<String>,
    verify: String,
    last_seen: String,
    connected: bool,
    ready: bool,
    /// A later call from the same address came with a certificate.
    perhaps: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Enforced {
    Require,
    Observe,
    No,
}

pub(super) fn agents(ground: &Ground, output: &Output) -> Result<u8, Problem> {
    let facts = session::first_look(ground, None);
    let enforced = enforced(&facts);
    let (found, why) = match &facts.agents {
        Known::Is(agents) => (agents.as_slice(), None),
        Known::Absent => (&[][..], Some(NOT_JUDGED.to_owned())),
        Known::Unclear(why) => (&[][..], Some(escaped(why))),
    };
    if output.is_json() {
        output.document(&Document {
            schema: 1,
            agents: found.iter().map(line).collect(),
            enforced,
            why,
        })?;
    } else {
        output.result(&text(found, enforced, why.as_deref(), output.width))?;
    }
    Ok(0)
}

const NOT_JUDGED: &str = "no certificate of an agent is judged here yet, so nobody can be told \
                          ready: method client-mtls with options: {enforce: observe}, behind nginx, \
                          judges them and refuses nobody";

/// Of the manager's server, on whatever port it is.
fn enforced(facts: &Facts) -> Option<Enforced> {
    let config = facts.config.is()?;
    let http = config.http()?;
    let listens = http.servers.iter().flat_map(|server| &server.listens);
    let ports = listens
        .filter(|listen| listen.ssl)
        .map(|listen| listen.port);
    let ports = std::iter::once(usual_agents_port(facts).number()).chain(ports);
    let mut ports = ports.filter_map(|port| Port::try_from(i64::from(port)).ok());
    let (today, _) = ports.find_map(|port| agents_today(facts, config, port).ok())?;
    Some(match today {
        ClientsToday::Enforced => Enforced::Require,
        ClientsToday::Observed => Enforced::Observe,
        ClientsToday::NotAsked | ClientsToday::Asked | ClientsToday::Bypassable => Enforced::No,
    })
}

fn line(agent: &Agent) -> AgentLine {
    AgentLine {
        address: agent.address,
        subject: agent.subject.as_deref().map(escaped),
        verify: escaped(&agent.verify),
        last_seen: escaped(&agent.last_called),
        connected: agent.connected,
        ready: agent.is_ready(),
        perhaps: agent.perhaps,
    }
}

fn text(agents: &[Agent], enforced: Option<Enforced>, why: Option<&str>, width: usize) -> String {
    let mut text = String::new();
    let lengths = agents.iter().map(|agent| agent.address.to_string().len());
    let column = lengths.max().unwrap_or(0);
    for agent in agents.iter().map(line) {
        let mark = match (agent.ready, agent.perhaps) {
            (true, _) => "ready",
            (false, true) => "perhaps",
            (false, false) => "NOT READY",
        };
        let who = match &agent.subject {
            Some(subject) if agent.ready => subject.clone(),
            Some(subject) => format!("{subject}: not among the agents"),
            None => in_words(&agent.verify),
        };
        let now = if agent.connected { ", connected" } else { "" };
        let seen = format!("{who} ({}{now})", agent.last_seen);
        let address = agent.address.to_string();
        let lines = cell(&seen, width.saturating_sub(MARK + 2 + column + 2).max(20));
        for (index, seen) in lines.iter().enumerate() {
            let (mark, address) = if index == 0 {
                (mark, &*address)
            } else {
                ("", "")
            };
            let _ = writeln!(
                text,
                "{}",
                format!("{mark:<MARK$}  {address:<column$}  {seen}").trim_end()
            );
        }
    }
    if !agents.is_empty() {
        let ready = agents.iter().filter(|agent| agent.is_ready()).count();
        let perhaps = agents.iter().filter(|agent| agent.perhaps).count();
        let _ = writeln!(text, "\n{ready} of {} are ready.", agents.len());
        if perhaps > 0 {
            text.push_str(&wrapped("", PERHAPS, width));
        }
    }
    if let Some(why) = why {
        text.push_str(&wrapped("", why, width));
    } else if agents.is_empty() {
        text.push_str("No agent has called yet.\n");
    }
    let stands = match enforced {
        Some(Enforced::Require) => "Whoever is not ready is refused.",
        Some(Enforced::Observe) => {
            "NOT ENFORCED: nobody is refused. Once all are ready, apply again with options: \
             {enforce: require}."
        }
        Some(Enforced::No) => "Agents without a certificate are let in.",
        None => "Whether agents without a certificate are refused could not be told: nim-tls check",
    };
    text.push_str(&wrapped("", stands, width));
    text
}

const PERHAPS: &str = "perhaps: it called without a certificate before somebody at the same address \
                       came with one, and may be the same.";

const MARK: usize = "NOT READY".len();

/// What nginx says of a certificate that was not verified.
fn in_words(verify: &str) -> String {
    match verify.strip_prefix("FAILED:") {
        Some(why) => format!("not verified: {why}"),
        None if verify == "NONE" => "no certificate".to_owned(),
        None => verify.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_fits_a_terminal_and_says_how_it_stands() {
        let agent = |address: &str, subject: Option<&str>, verify: &str| Agent {
            address: address.parse().expect("an address"),
            subject: subject.map(str::to_owned),
            verify: verify.to_owned(),
            last_called: "2026-11-23T20:55:13+00:00".to_owned(),
            connected: subject.is_some(),
            perhaps: false,
        };
        let all = [
            agent(
                "10.0.0.7",
                Some("CN=web-1.example.com,O=A\u{1b}[2J"),
                "SUCCESS",
            ),
            agent("10.0.0.9", None, "NONE"),
            agent(
                "2001:db8:1:2:3:4:5:6",
                None,
                "FAILED:self-signed certificate",
            ),
        ];
        let said = text(&all, Some(Enforced::Observe), None, 80);
        assert!(
            said.lines().all(|line| line.chars().count() <= 80),
            "{said}"
        );
        for words in [
            "ready      10.0.0.7              CN=web-1.example.com",
            "NOT READY  10.0.0.9              no certificate",
            "NOT READY  2001:db8:1:2:3:4:5:6  not verified: self-signed",
            "1 of 3 are ready.",
            "NOT ENFORCED",
        ] {
            assert!(said.contains(words), "{words} is not in:\n{said}");
        }
        assert!(!said.contains('\u{1b}'), "{said}");
        let nobody = text(&[], Some(Enforced::No), Some(NOT_JUDGED), 80);
        assert!(nobody.contains("enforce: observe"), "{nobody}");
    }
}
