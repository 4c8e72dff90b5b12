//! Who was connected before a change, and how many of them have come through the new rules
//! since: for whoever has to say whether the change shall stay.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::host::{Host, Socket};
use crate::plan::{Action, Plan, Proof, logged_verdicts};
use crate::values::{AbsPath, Gather as _};

/// More of a log than this is not read at once.
const MOST_LOG: u64 = 1 << 20;

/// The clients of before, by address: behind one there may be several.
pub(super) struct Clients<'a> {
    host: &'a dyn Host,
    proof: Option<&'a Proof>,
    before: BTreeSet<IpAddr>,
    /// Where the verdicts on agents stand that are not read yet.
    read: u64,
    judged: BTreeSet<IpAddr>,
}

impl<'a> Clients<'a> {
    /// To be called before anything is changed.
    pub(super) fn of(host: &'a dyn Host, plan: &'a Plan) -> Self {
        let proof = plan.steps.iter().find_map(|step| match &step.action {
            Action::Prove(proof) => Some(proof),
            _ => None,
        });
        let mut clients = Self {
            host,
            proof,
            before: BTreeSet::new(),
            read: 0,
            judged: BTreeSet::new(),
        };
        clients.before = clients.connected();
        let log = clients.log().and_then(|log| host.stat(log.as_path()).ok()?);
        clients.read = log.map_or(0, |log| log.size);
        clients
    }

    pub(super) fn before(&self) -> usize {
        self.before.len()
    }

    /// How many of them are connected again. To be called when no worker of before is left: then
    /// every connection stands under the new rules. Where agents are judged, it takes a verdict
    /// that let them through.
    pub(super) fn back(&mut self) -> usize {
        let log = self.log();
        if let Some(log) = log {
            self.catch_up(log);
        }
        let connected = self.connected();
        let back = self.before.intersection(&connected);
        back.filter(|address| log.is_none() || self.judged.contains(*address))
            .count()
    }

    fn log(&self) -> Option<&'a AbsPath> {
        let agents = self.proof?.agents.as_ref()?;
        agents.check_log.as_ref()
    }

    fn connected(&self) -> BTreeSet<IpAddr> {
        let Some(proof) = self.proof else {
            return BTreeSet::new();
        };
        let ours = |socket: &Socket| {
            let mut ports = proof
                .agents_listeners()
                .iter()
                .map(std::net::SocketAddr::port);
            ports.any(|port| port == socket.local.port())
        };
        let sockets = self.host.sockets().unwrap_or_default();
        let here = sockets.iter().filter(|socket| ours(socket));
        let remotes = here.filter_map(|socket| socket.remote);
        remotes.map(|remote| remote.ip().to_canonical()).gathered()
    }

    fn catch_up(&mut self, log: &AbsPath) {
        let news = self.host.read_from(log.as_path(), self.read, MOST_LOG);
        let news = news.unwrap_or_default();
        let Some(end) = news.iter().rposition(|byte| *byte == b'\n') else {
            return;
        };
        self.read += end as u64 + 1;
        // Where nobody is refused, whoever calls has come through.
        let agents = self.proof.and_then(|proof| proof.agents.as_ref());
        let enforced = agents.is_none_or(|agents| agents.enforced);
        let through = logged_verdicts(&news[..end]).filter(|one| !enforced || one.is_an_agent());
        self.judged.extend(through.map(|one| one.from.ip()));
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::super::lab::plan;
    use super::*;
    use crate::host::Memory;
    use crate::plan::AgentProof;

    const LOG: &str = "/var/log/nginx/nim-tls-agents.log";

    fn connected(machine: &Memory, remotes: &[&str]) {
        let local: SocketAddr = "10.0.0.1:443".parse().expect("an address");
        let socket = |remote: &&str| Socket {
            local,
            remote: Some(remote.parse().expect("an address")),
            holders: Vec::new(),
        };
        let elsewhere = Socket {
            local: SocketAddr::new(local.ip(), 22),
            remote: Some("10.0.0.99:5000".parse().expect("an address")),
            holders: Vec::new(),
        };
        let sockets = remotes.iter().map(socket).chain([elsewhere]);
        machine.set_sockets(sockets.collect());
    }

    fn judged(address: &str, verify: &str) -> String {
        format!(
            "{{\"address\":\"{address}\",\"port\":\"1\",\"verify\":\"{verify}\",\"subject\":\"CN=a\",\
             \"answer\":\"204\"}}\n"
        )
    }

    fn with_agents() -> Plan {
        let mut plan = plan();
        for step in &mut plan.steps {
            if let Action::Prove(proof) = &mut step.action {
                let path = |text: &str| text.parse().expect("a path");
                proof.agents = Some(AgentProof {
                    revoked: Vec::new(),
                    listed: None,
                    authority: None,
                    services: Vec::new(),
                    enforced: true,
                    check_log: Some(path(LOG)),
                    server_chain: path("/a"),
                    server_key: path("/b"),
                    stale_names: Vec::new(),
                    barred: std::collections::BTreeMap::new(),
                });
            }
        }
        plan
    }

    #[test]
    fn an_agent_is_back_when_it_was_let_in_and_not_when_it_calls() {
        let plan = with_agents();
        // Let in before the change: that says nothing.
        let machine = Memory::new().with_file(LOG, judged("10.0.0.7", "SUCCESS"));
        connected(
            &machine,
            &[
                "10.0.0.7:1",
                "10.0.0.7:2",
                "[::ffff:10.0.0.8]:1",
                "10.0.0.9:1",
            ],
        );
        let mut clients = Clients::of(&machine, &plan);
        assert_eq!(clients.before(), 3);
        assert_eq!(clients.back(), 0);
        let refused = judged("10.0.0.7", "NONE");
        machine
            .append(LOG.as_ref(), refused.as_bytes())
            .expect("room");
        connected(&machine, &["10.0.0.7:3", "10.0.0.8:3", "10.0.0.10:1"]);
        assert_eq!(clients.back(), 0);
        let through = ["10.0.0.7", "10.0.0.8", "10.0.0.9", "10.0.0.10"];
        for address in through {
            let line = judged(address, "SUCCESS");
            machine.append(LOG.as_ref(), line.as_bytes()).expect("room");
        }
        // 9 has gone again, and 10 was not here before.
        assert_eq!(clients.back(), 2);
    }

    #[test]
    fn where_nobody_is_judged_who_is_connected_is_back() {
        let plan = plan();
        let machine = Memory::new();
        connected(&machine, &["10.0.0.7:1", "10.0.0.8:1"]);
        let mut clients = Clients::of(&machine, &plan);
        connected(&machine, &["10.0.0.8:2"]);
        assert_eq!((clients.back(), clients.before()), (1, 2));
    }
}
