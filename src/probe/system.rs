//! The two lists that several subjects need, fetched once.

use crate::host::{Host, Process, Socket};

pub(super) struct System {
    pub(super) processes: Result<Vec<Process>, String>,
    pub(super) sockets: Result<Vec<Socket>, String>,
}

impl System {
    pub(super) fn look(host: &dyn Host) -> Self {
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
