//! The two lists that several subjects need, fetched once.

use std::time::Duration;

use super::master;
use crate::host::{Host, Process, Socket};

/// An nginx that starts has its title within milliseconds; one that was told to have no master
/// never gets it, so it is not waited for long.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(25);

pub(super) struct System {
    pub(super) processes: Result<Vec<Process>, String>,
    pub(super) sockets: Result<Vec<Socket>, String>,
}

impl System {
    /// Looks again while an nginx starts: taken for none, what is asked of nginx would be asked
    /// without the options it runs with.
    pub(super) fn look(host: &dyn Host) -> Self {
        let mut system = Self::look_once(host);
        let deadline = host.uptime() + PATIENCE;
        let mut looks = 1;
        while host.is_live() && host.uptime() < deadline && system.may_change(host, looks) {
            host.sleep(PAUSE);
            system = Self::look_once(host);
            looks += 1;
        }
        system
    }

    /// Without any nginx a second look is worth it: one that becomes a daemon is another process
    /// from one moment to the next, and can be missed in between.
    fn may_change(&self, host: &dyn Host, looks: u32) -> bool {
        let processes = self.processes.as_deref().unwrap_or_default();
        master::is_starting(host, processes) || (looks < 2 && !master::is_there(processes))
    }

    fn look_once(host: &dyn Host) -> Self {
        Self {
            processes: host.processes().map_err(|error| error.to_string()),
            sockets: host.sockets().map_err(|error| error.to_string()),
        }
    }

    pub(super) fn process(&self, pid: u32) -> Option<&Process> {
        self.processes
            .as_ref()
            .ok()?
            .iter()
            .find(|process| process.pid == pid)
    }
}
