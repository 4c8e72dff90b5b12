//! The agents that nginx has judged, told from its log and from who is connected now.

use std::net::IpAddr;

use super::{Client, Known};
use crate::values::sort_by;

const SUCCESS: &str = "SUCCESS";

/// One agent: whoever calls the services of agents from this address with this certificate, or
/// with none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    pub address: IpAddr,
    /// Of the certificate that was verified.
    pub subject: Option<String>,
    /// As nginx says it: `SUCCESS`, `NONE`, or `FAILED:` and why; `SUCCESS, not listed` where it is
    /// verified and no agent's.
    pub verify: String,
    /// When it last called, as nginx writes it.
    pub last_called: String,
    pub connected: bool,
    /// A later call from its address came with a certificate: it has one by now, or another one
    /// at that address has.
    pub perhaps: bool,
}

impl Agent {
    /// Whether it would get through where certificates are required.
    pub fn is_ready(&self) -> bool {
        self.subject.is_some() && self.verify == SUCCESS
    }
}

/// One call, as it was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub address: IpAddr,
    pub subject: Option<String>,
    pub verify: String,
    pub at: String,
}

/// From calls in their order. Behind an address there may be several agents, so one that called
/// without a certificate is never forgotten.
pub fn agents(calls: impl Iterator<Item = Call>, connected: &Known<Vec<Client>>) -> Vec<Agent> {
    let mut all: Vec<Agent> = Vec::new();
    for call in calls {
        if call.subject.is_some() && call.verify == SUCCESS {
            let from = all.iter_mut().filter(|agent| agent.address == call.address);
            for without in from.filter(|agent| !agent.is_ready()) {
                without.perhaps = true;
            }
        }
        let agent = Agent {
            address: call.address,
            subject: call.subject,
            verify: call.verify,
            last_called: call.at,
            connected: false,
            perhaps: false,
        };
        let same =
            |known: &&mut Agent| known.address == agent.address && known.subject == agent.subject;
        match all.iter_mut().find(same) {
            Some(known) => *known = agent,
            None => all.push(agent),
        }
    }
    for agent in &mut all {
        agent.connected = is_connected(agent, connected);
        agent.perhaps &= !agent.connected;
    }
    sort_by(&mut all, |a, b| {
        (a.address, &a.subject).cmp(&(b.address, &b.subject))
    });
    all
}

fn is_connected(agent: &Agent, connected: &Known<Vec<Client>>) -> bool {
    let mut clients = connected.is().into_iter().flatten();
    clients.any(|client| {
        client.from.ip() == agent.address
            && match &client.certificate {
                Known::Is(subject) => agent.subject.as_ref() == Some(subject),
                Known::Absent => agent.subject.is_none(),
                Known::Unclear(_) => false,
            }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(address: &str, subject: Option<&str>, at: &str) -> Call {
        Call {
            address: address.parse().expect("an address"),
            subject: subject.map(str::to_owned),
            verify: subject.map_or("NONE", |_| "SUCCESS").to_owned(),
            at: at.to_owned(),
        }
    }

    fn told(calls: &[Call], connected: &Known<Vec<Client>>) -> Vec<(String, bool, bool)> {
        let found = agents(calls.iter().cloned(), connected);
        let short = |agent: &Agent| {
            let who = agent.subject.as_deref().unwrap_or("-");
            let perhaps = if agent.perhaps { " perhaps" } else { "" };
            let words = format!("{} {who} {}{perhaps}", agent.address, agent.last_called);
            (words, agent.is_ready(), agent.connected)
        };
        found.iter().map(short).collect()
    }

    #[test]
    fn the_latest_call_counts_and_nobody_is_forgotten() {
        let calls = [
            call("10.0.0.9", None, "1"),
            call("10.0.0.7", Some("CN=a"), "2"),
            call("10.0.0.9", Some("CN=b"), "3"),
            call("10.0.0.7", Some("CN=a"), "4"),
            call("10.0.0.8", Some("CN=c"), "5"),
            call("10.0.0.8", None, "6"),
        ];
        let found = told(&calls, &Known::Absent);
        let own = |words: &str, ready| (words.to_owned(), ready, false);
        assert_eq!(
            found,
            [
                own("10.0.0.7 CN=a 4", true),
                // It has lost its certificate, or it is another one at the same address.
                own("10.0.0.8 - 6", false),
                own("10.0.0.8 CN=c 5", true),
                // The same one, or its neighbour.
                own("10.0.0.9 - 1 perhaps", false),
                own("10.0.0.9 CN=b 3", true),
            ]
        );
    }

    #[test]
    fn one_that_is_connected_without_is_not_ready_for_sure() {
        let calls = [
            call("10.0.0.9", None, "1"),
            call("10.0.0.9", Some("CN=b"), "2"),
        ];
        let from = "10.0.0.9:50000".parse().expect("an address");
        let connected = Known::Is(vec![Client {
            from,
            certificate: Known::Absent,
        }]);
        let found = told(&calls, &connected);
        let own = |words: &str, ready, connected| (words.to_owned(), ready, connected);
        assert_eq!(
            found,
            [
                own("10.0.0.9 - 1", false, true),
                own("10.0.0.9 CN=b 2", true, false),
            ]
        );
    }
}
