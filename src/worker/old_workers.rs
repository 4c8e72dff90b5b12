//! Ending the workers of before a reload. A reload ends nothing that is connected: a stream
//! that was opened under the old rules goes on under them for as long as it likes.

use std::time::Duration;

use crate::host::{Host, HostError, Process, Signal};

use super::reload::{Reloaded, is_ending, old_workers};

const PAUSE: Duration = Duration::from_millis(50);
/// How long one that was told to end at once may take.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// What became of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// They were gone by themselves within the time.
    ByThemselves,
    /// So many had to be ended.
    Ended(usize),
    /// These are still there.
    Alive(Vec<Process>),
}

/// Waits until the old workers have ended, ends after `patience` those that have not, and
/// never touches a process of another master.
pub(super) fn end(
    host: &dyn Host,
    reloaded: &Reloaded,
    patience: Duration,
) -> Result<Ending, HostError> {
    let Reloaded { master, since, .. } = reloaded;
    if wait(host, reloaded, patience)?.is_empty() {
        return Ok(Ending::ByThemselves);
    }
    let mut ended = 0;
    for worker in old_workers(host, master, *since)? {
        // One that is not on its way out was never told to go; the reload saw to it that
        // there is none.
        if is_ending(&worker) {
            host.signal(&worker, Signal::Terminate)?;
            ended += 1;
        }
    }
    let alive = wait(host, reloaded, LAST_WAIT)?;
    Ok(if alive.is_empty() {
        Ending::Ended(ended)
    } else {
        Ending::Alive(alive)
    })
}

fn wait(
    host: &dyn Host,
    reloaded: &Reloaded,
    patience: Duration,
) -> Result<Vec<Process>, HostError> {
    let deadline = host.uptime() + patience;
    loop {
        let alive = old_workers(host, &reloaded.master, reloaded.since)?;
        if alive.is_empty() || host.uptime() >= deadline {
            return Ok(alive);
        }
        host.sleep(PAUSE);
    }
}
