//! A reload, and whether it happened. `nginx -s reload` says yes in either case: a master that
//! cannot open a port or read a key says so in its log only, and goes on with what it has.
//! What counts is seen from outside: workers that were not there before, and the old ones
//! told to end.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::host::{Host, HostError, Process, Signal};
use crate::plan::NginxCommand;
use crate::values::escaped;

/// nginx itself tries for 2.5 s to open a port before it gives up.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);
/// A worker that cannot start is gone within this time.
const SETTLING: Duration = Duration::from_millis(200);
const MOST_LOG: u64 = 1 << 20;
const MOST_LINES: usize = 5;

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
    #[error(transparent)]
    Host(#[from] HostError),
}

/// What nginx logged about it, the first few lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LogLines(pub Vec<String>);

impl std::fmt::Display for LogLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl ReloadError {
    /// nginx certainly goes on with what it had loaded before.
    pub(super) fn changed_nothing(&self) -> bool {
        match self {
            Self::PortTaken { .. } => true,
            Self::NoEffect(lines) => is_final(lines),
            Self::NotRunning | Self::Host(_) => false,
        }
    }
}

/// A reload that took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reloaded {
    pub master: Process,
    /// When the first new worker started: workers of before are older.
    pub since: u64,
    pub workers: usize,
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
                    workers: still.len(),
                });
            }
        }
        let lines = log.since(host)?;
        if host.uptime() > deadline || is_final(&lines) {
            return Err(ReloadError::NoEffect(lines));
        }
    }
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

/// Where the error log ended before the reload.
struct LogMark<'a> {
    path: Option<&'a str>,
    offset: u64,
    master: u32,
}

impl<'a> LogMark<'a> {
    fn now(host: &dyn Host, path: Option<&'a str>, master: u32) -> Result<Self, HostError> {
        let stat = path
            .map(|path| host.stat(Path::new(path)))
            .transpose()?
            .flatten();
        Ok(Self {
            path,
            offset: stat.map_or(0, |stat| stat.size),
            master,
        })
    }

    /// What this master has complained of since.
    fn since(&self, host: &dyn Host) -> Result<LogLines, HostError> {
        let Some(path) = self.path.map(Path::new) else {
            return Ok(LogLines::default());
        };
        if host.stat(path)?.is_none() {
            return Ok(LogLines::default());
        }
        let text = host.read_from(path, self.offset, MOST_LOG)?;
        let text = String::from_utf8_lossy(&text);
        let by_master = format!("] {}#", self.master);
        let lines = text
            .lines()
            .filter(|line| line.contains(&by_master))
            .filter(|line| LEVELS.iter().any(|level| line.contains(level)));
        let mut lines: Vec<&str> = lines.collect();
        // The same port is tried five times over.
        lines.dedup_by_key(|line| line.split_once(&by_master).map(|(_, words)| words));
        Ok(LogLines(
            lines.into_iter().take(MOST_LINES).map(escaped).collect(),
        ))
    }
}

const LEVELS: [&str; 4] = ["[emerg]", "[alert]", "[crit]", "[error]"];

/// nginx has given up: it tries again only to open a port.
fn is_final(lines: &LogLines) -> bool {
    lines
        .0
        .iter()
        .any(|line| line.contains("[emerg]") && !line.contains(" bind() to "))
}

#[cfg(test)]
#[path = "reload/tests.rs"]
mod tests;
