//! The nginx of the practice host as processes: a master that is only said to be one, and its
//! workers, each generation with the configuration that it loaded.

use std::net::SocketAddr;
use std::sync::Arc;

use super::Practice;
use super::files::Laid;
use super::server::{Client, Loaded, Logs, Shown, Visit, Zones, error_line};
use super::stock::{ACCOUNT_OF_NGINX, AGENTS, MAIN};
use crate::host::{Host, Owner, Process, Signal, Socket};

pub(super) const MASTER: u32 = 1180;
const WORKERS: u32 = 2;
/// How long the machine has been up when practice begins.
const UP: u64 = 86_400;
const TICKS_PER_SECOND: u64 = 100;

#[derive(Default)]
pub(super) struct Master {
    /// The oldest first; the last one takes new connections.
    generations: Vec<Generation>,
    last_pid: u32,
    pub(super) connections: u64,
}

/// Workers that were started together.
struct Generation {
    workers: Vec<u32>,
    started: u64,
    loaded: Arc<Loaded>,
    /// Simulated agents that are connected to it.
    agents: Vec<SocketAddr>,
}

impl Generation {
    /// A worker that was told to end stays as long as somebody is connected to it.
    fn is_needed(&self) -> bool {
        !self.agents.is_empty() || Arc::strong_count(&self.loaded) > 1
    }
}

impl Practice {
    /// Starts nginx, or has it load what is on disk now. The error is why it goes on as before.
    pub(super) fn start_nginx(&self) -> Result<(), String> {
        let zones = match self.loaded() {
            Some(loaded) => loaded.zones.clone(),
            None => Zones::new(),
        };
        let loaded = Arc::new(Loaded::new(MAIN, &Laid::as_is(self), &zones)?);
        let visit = Visit {
            loaded: &loaded,
            logs: &Silent,
        };
        let agents = AGENTS.into_iter().zip(0..).filter_map(|(from, number)| {
            let from = SocketAddr::new(from.parse().ok()?, 41_022 + 317 * number);
            visit
                .lets_in(
                    &agent(from)?,
                    "/f5.nginx.agent.sdk.Commander/CommandChannel",
                )
                .then_some(from)
        });
        let agents = agents.collect();
        let started = self.ticks();
        let mut master = self.master();
        let first = master.last_pid.max(MASTER) + 1;
        master.last_pid = first + WORKERS - 1;
        master.generations.push(Generation {
            workers: (first..first + WORKERS).collect(),
            started,
            loaded,
            agents,
        });
        Ok(())
    }

    /// What new connections are served by.
    pub(super) fn loaded(&self) -> Option<Arc<Loaded>> {
        self.master()
            .generations
            .last()
            .map(|last| Arc::clone(&last.loaded))
    }

    /// Since the machine started, in clock ticks; never the same twice.
    fn ticks(&self) -> u64 {
        let own = u64::try_from(self.uptime().as_millis() / 10).unwrap_or(u64::MAX);
        let ticks = UP * TICKS_PER_SECOND + own;
        let last = self
            .master()
            .generations
            .last()
            .map_or(0, |last| last.started + 1);
        ticks.max(last)
    }

    /// `/proc/uptime`
    pub(super) fn uptime_file(&self) -> String {
        format!("{}.00 0.00\n", UP + self.uptime().as_secs())
    }

    pub(super) fn process_list(&self) -> Vec<Process> {
        let mut master = self.master();
        master.settle();
        let process = |pid, parent, started, title: &str, user| Process {
            stopped: false,
            pid,
            parent,
            started,
            title: title.to_owned(),
            exe: "/usr/sbin/nginx".into(),
            exe_deleted: false,
            cwd: "/".into(),
            owner: Owner { user, group: user },
        };
        let title = "nginx: master process /usr/sbin/nginx";
        let mut list = vec![process(MASTER, 1, 6000, title, 0)];
        let last = master.generations.len().saturating_sub(1);
        for (index, generation) in master.generations.iter().enumerate() {
            let title = if index == last {
                "nginx: worker process"
            } else {
                "nginx: worker process is shutting down"
            };
            let workers = generation.workers.iter();
            list.extend(
                workers
                    .map(|pid| process(*pid, MASTER, generation.started, title, ACCOUNT_OF_NGINX)),
            );
        }
        list
    }

    pub(super) fn socket_list(&self) -> Vec<Socket> {
        let mut master = self.master();
        master.settle();
        let mut list = Vec::new();
        if let Some(last) = master.generations.last() {
            let holders = || {
                std::iter::once(MASTER)
                    .chain(last.workers.iter().copied())
                    .collect()
            };
            let listens = last.loaded.listens().into_iter();
            list.extend(listens.map(|local| Socket {
                local,
                remote: None,
                holders: holders(),
            }));
        }
        for generation in &master.generations {
            let holders: Vec<u32> = generation.workers.iter().copied().take(1).collect();
            let agents = generation.agents.iter();
            list.extend(agents.map(|from| Socket {
                local: SocketAddr::new(super::stock::ADDRESS.into(), 443),
                remote: Some(*from),
                holders: holders.clone(),
            }));
        }
        list
    }

    pub(super) fn signalled(&self, process: &Process, signal: Signal) -> Result<(), String> {
        if process.pid == MASTER && signal == Signal::Hangup {
            if let Err(why) = self.start_nginx() {
                self.complain(&why);
            }
            return Ok(());
        }
        let mut master = self.master();
        let known = master
            .generations
            .iter()
            .any(|one| one.workers.contains(&process.pid));
        if !known || signal == Signal::Hangup {
            return Err("is gone".to_owned());
        }
        for generation in &mut master.generations {
            generation.workers.retain(|pid| *pid != process.pid);
            if generation.workers.is_empty() {
                generation.agents.clear();
            }
        }
        Ok(())
    }

    /// What nginx logs when it goes on with what it had.
    fn complain(&self, why: &str) {
        let line = error_line(Host::now(self), "emerg", MASTER, why);
        self.append_line("/var/log/nginx/error.log", &line);
    }
}

impl Master {
    /// Old workers without anybody connected to them end.
    fn settle(&mut self) {
        let Some(last) = self.generations.pop() else {
            return;
        };
        self.generations
            .retain(|old| !old.workers.is_empty() && old.is_needed());
        self.generations.push(last);
    }
}

/// A simulated agent without a certificate.
fn agent(from: SocketAddr) -> Option<Client> {
    Some(Client {
        from,
        to: SocketAddr::new(super::stock::ADDRESS.into(), 443),
        number: 0,
        tls: true,
        sni: Some(super::NAME.to_owned()),
        sni_known: false,
        certificate: Shown::default(),
    })
}

/// Nobody reads what simulated clients would leave in the logs.
struct Silent;

impl Logs for Silent {
    fn append(&self, _: &str, _: &str) {}

    fn now(&self) -> i64 {
        0
    }

    fn process(&self) -> u32 {
        0
    }

    fn read(&self, _: &str) -> Option<Vec<u8>> {
        None
    }
}
