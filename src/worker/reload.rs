//! A reload, and whether it happened. `nginx -s reload` says yes in either case: a master that
//! cannot open a port or read a key says so in its log only, and goes on with what it has.
//! What counts is seen from outside: workers that were not there before, and the old ones
//! told to end.

mod log;

use std::net::SocketAddr;
use std::time::Duration;

use crate::host::{Host, HostError, Process, Signal};
use crate::plan::NginxCommand;
use crate::values::escaped;

use log::{LogLines, LogMark, is_final};

/// nginx itself tries for 2.5 s to open a port before it gives up.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);
/// A worker that cannot start is gone within this time.
const SETTLING: Duration = Duration::from_millis(200);
/// One that starts and then dies has done so within this time.
const LASTING: Duration = Duration::from_secs(10);
const GLANCE: Duration = Duration::from_millis(200);

#[derive(Debug, thiserror::Error)]
pub(super) enum ReloadError {
    #[error("nginx is not running")]
    NotRunning,
    #[error("nginx could not open {address}: {holders}")]
    PortTaken {
        address: SocketAddr,
        holders: String,
    },
    #[error("the reload had no effect, nginx still serves what it served before{0}")]
    NoEffect(LogLines),
    #[error("nginx took the reload, and ended after it{0}")]
    Ended(LogLines),
    #[error("nginx took the reload, and its workers died after it{0}")]
    WorkersDied(LogLines),
    #[error(transparent)]
    Host(#[from] HostError),
}

impl ReloadError {
    /// nginx certainly goes on with what it had loaded before.
    pub(super) fn changed_nothing(&self) -> bool {
        match self {
            Self::PortTaken { .. } => true,
            Self::NoEffect(lines) => is_final(lines),
            Self::NotRunning | Self::Ended(_) | Self::WorkersDied(_) | Self::Host(_) => false,
        }
    }
}

/// A reload that took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reloaded {
    pub master: Process,
    /// When the first new worker started: workers of before are older.
    pub since: u64,
    pub workers: Vec<Process>,
    /// When it was seen, on [`Host::uptime`].
    at: Duration,
    log: LogMark,
}

/// The running master: the one of the plan, or the one that runs the same configuration now.
pub(super) fn find_master(
    host: &dyn Host,
    nginx: &NginxCommand,
) -> Result<Option<Process>, HostError> {
    let masters: Vec<Process> = host.processes()?.into_iter().filter(is_master).collect();
    if let Some(same) = masters.iter().find(|process| process.pid == nginx.master) {
        return Ok(Some(same.clone()));
    }
    let configuration = value_of("-c", &nginx.args);
    let mut fitting = masters.into_iter().filter(|process| {
        let words: Vec<String> = process.title.split(' ').map(str::to_owned).collect();
        value_of("-c", &words).is_none_or(|file| configuration.is_none_or(|own| own == file))
    });
    Ok(fitting.next().filter(|_| fitting.next().is_none()))
}

/// Whether a reload could open all it has to: asked before anything is placed.
pub(super) fn can_reload(host: &dyn Host, nginx: &NginxCommand) -> Result<(), ReloadError> {
    let master = find_master(host, nginx)?.ok_or(ReloadError::NotRunning)?;
    ports_are_ours(host, &master, &nginx.listens)
}

/// Has the running nginx load what is on disk, and sees that it did.
pub(super) fn reload(host: &dyn Host, nginx: &NginxCommand) -> Result<Reloaded, ReloadError> {
    let master = find_master(host, nginx)?.ok_or(ReloadError::NotRunning)?;
    ports_are_ours(host, &master, &nginx.listens)?;
    let log = LogMark::now(host, nginx.error_log.as_deref(), master.pid)?;
    let old = workers(host, &master)?;
    host.signal(&master, Signal::Hangup)?;
    let deadline = host.uptime() + PATIENCE;
    loop {
        host.sleep(PAUSE);
        if !host
            .processes()?
            .iter()
            .any(|process| same(process, &master))
        {
            return Err(ReloadError::NotRunning);
        }
        let new = new_workers(host, &master, &old)?;
        if !new.is_empty() && all_ending(host, &master, &old)? {
            host.sleep(SETTLING);
            let still = new_workers(host, &master, &old)?;
            let since = still.iter().map(|worker| worker.started).min();
            if let (Some(since), true) = (since, new.iter().any(|one| has(&still, one))) {
                return Ok(Reloaded {
                    master,
                    since,
                    workers: still,
                    at: host.uptime(),
                    log,
                });
            }
        }
        let lines = log.since(host)?;
        if host.uptime() > deadline || is_final(&lines) {
            return Err(ReloadError::NoEffect(lines));
        }
    }
}

/// Sees that what was reloaded goes on, [`LASTING`] at least: a worker may die of its first
/// connection, and a master start another one as often as that happens.
pub(super) fn lasts(host: &dyn Host, reloaded: &Reloaded) -> Result<(), ReloadError> {
    let until = reloaded.at + LASTING;
    while host.uptime() < until {
        host.sleep(GLANCE.min(until.saturating_sub(host.uptime())));
    }
    goes_on(host, reloaded)
}

/// Whether nginx serves now as it did after the reload.
pub(super) fn goes_on(host: &dyn Host, reloaded: &Reloaded) -> Result<(), ReloadError> {
    let master = &reloaded.master;
    if !has(&host.processes()?, master) {
        return Err(ReloadError::Ended(reloaded.log.since(host)?));
    }
    let serving = new_workers(host, master, &[])?;
    let lines = reloaded.log.since(host)?;
    // Somebody else may have reloaded it meanwhile: then others serve, and nobody died.
    let replaced = !reloaded.workers.iter().any(|worker| has(&serving, worker));
    if serving.is_empty() || (replaced && lines.tell_of_a_death()) {
        return Err(ReloadError::WorkersDied(lines));
    }
    Ok(())
}

/// Workers of `master` from before a reload: told to end, or older than `since`.
pub(super) fn old_workers(
    host: &dyn Host,
    master: &Process,
    since: u64,
) -> Result<Vec<Process>, HostError> {
    let old = |worker: &Process| is_ending(worker) || worker.started < since;
    Ok(workers(host, master)?.into_iter().filter(old).collect())
}

fn ports_are_ours(
    host: &dyn Host,
    master: &Process,
    listens: &[SocketAddr],
) -> Result<(), ReloadError> {
    let processes = host.processes()?;
    let family: Vec<u32> = processes
        .iter()
        .filter(|process| process.pid == master.pid || process.parent == master.pid)
        .map(|process| process.pid)
        .collect();
    let sockets = host.sockets()?;
    for address in listens {
        let on_port = || {
            sockets
                .iter()
                .filter(|socket| socket.remote.is_none() && socket.local.port() == address.port())
        };
        let held = on_port().any(|socket| {
            socket.local == *address && socket.holders.iter().any(|pid| family.contains(pid))
        });
        if !held && !host.can_bind(*address)? {
            let names: Vec<String> = on_port()
                .flat_map(|socket| &socket.holders)
                .filter_map(|pid| processes.iter().find(|process| process.pid == *pid))
                .map(|process| format!("{} (process {})", escaped(&process.title), process.pid))
                .collect();
            let holders = match names.first() {
                Some(name) => format!("{name} listens there"),
                None => "another process listens there".to_owned(),
            };
            return Err(ReloadError::PortTaken {
                address: *address,
                holders,
            });
        }
    }
    Ok(())
}

fn workers(host: &dyn Host, master: &Process) -> Result<Vec<Process>, HostError> {
    let mut processes = host.processes()?;
    processes.retain(|process| process.parent == master.pid && is_worker(process));
    Ok(processes)
}

fn new_workers(
    host: &dyn Host,
    master: &Process,
    old: &[Process],
) -> Result<Vec<Process>, HostError> {
    let new = |worker: &Process| !has(old, worker) && !is_ending(worker);
    Ok(workers(host, master)?.into_iter().filter(new).collect())
}

/// Every worker of before is gone or on its way: one that merely died and was started again
/// would look like a new one.
fn all_ending(host: &dyn Host, master: &Process, old: &[Process]) -> Result<bool, HostError> {
    let serving = |worker: &Process| has(old, worker) && !is_ending(worker);
    Ok(!workers(host, master)?.iter().any(serving))
}

fn is_master(process: &Process) -> bool {
    process.title.starts_with("nginx: master process")
}

fn is_worker(process: &Process) -> bool {
    process.title.starts_with("nginx: worker process")
}

pub(super) fn is_ending(worker: &Process) -> bool {
    worker.title.contains("is shutting down")
}

fn same(a: &Process, b: &Process) -> bool {
    (a.pid, a.started) == (b.pid, b.started)
}

pub(super) fn has(list: &[Process], one: &Process) -> bool {
    list.iter().any(|process| same(process, one))
}

fn value_of<'a>(option: &str, words: &'a [String]) -> Option<&'a str> {
    let at = words.iter().position(|word| word == option)?;
    words.get(at + 1).map(String::as_str)
}

#[cfg(test)]
#[path = "reload/tests.rs"]
mod tests;
