//! What a worker that was killed has left running. A command of its own session goes on, and
//! goes on changing files: nothing may be put back before it has ended.

use std::time::Duration;

use crate::error::{Exit, Problem};
use crate::host::{Host, HostError, Process, Signal};
use crate::values::escaped;

use super::run_folder::RunFolder;

/// How long it may take to end by itself, which leaves less behind than being ended.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long one that was told to end may take.
const LAST_WAIT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(50);

/// Returns once nothing runs any more that the run in `folder` has started: waited for, and
/// ended where that takes too long. `tell` hears what is waited for.
pub(super) fn end_leftovers(
    host: &dyn Host,
    folder: &RunFolder<'_>,
    mut tell: impl FnMut(String),
) -> Result<(), Problem> {
    if !host.is_live() {
        return Ok(());
    }
    let found = host.marked(&folder.mark())?;
    let Some(first) = found.first() else {
        return Ok(());
    };
    tell(format!(
        "run {} left process {} running ({}): waiting for its end",
        folder.id(),
        first.pid,
        escaped(&first.title)
    ));
    let mut alive = wait(host, folder, PATIENCE)?;
    for signal in [Signal::Terminate, Signal::Kill] {
        if alive.is_empty() {
            return Ok(());
        }
        for process in &alive {
            tell(format!("process {} is ended", process.pid));
            // It may have ended meanwhile; whether it has is looked at below.
            let _ = host.signal(process, signal);
        }
        alive = wait(host, folder, LAST_WAIT)?;
    }
    match alive.first() {
        None => Ok(()),
        Some(process) => Err(still_there(folder, process)),
    }
}

fn wait(
    host: &dyn Host,
    folder: &RunFolder<'_>,
    patience: Duration,
) -> Result<Vec<Process>, HostError> {
    let deadline = host.uptime() + patience;
    loop {
        let alive = host.marked(&folder.mark())?;
        if alive.is_empty() || host.uptime() >= deadline {
            return Ok(alive);
        }
        host.sleep(PAUSE);
    }
}

fn still_there(folder: &RunFolder<'_>, process: &Process) -> Problem {
    let (run, pid) = (folder.id(), process.pid);
    let title = escaped(&process.title);
    let what = format!(
        "process {pid} ({title}), which run {run} has started, does not end, and what it changes \
         cannot be put back before it has"
    );
    Problem::new(Exit::Incomplete, what)
        .remedy(format!("kill -KILL {pid}; nim-tls rollback {run} --yes"))
}

#[cfg(test)]
#[path = "leftovers/tests.rs"]
mod tests;
