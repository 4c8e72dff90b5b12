//! What nginx itself says the check decided. The check logs each verdict with the port of the
//! client, so the answer to one of our own connections can be found, and a refusal of nginx can
//! be told from one of the service behind it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::host::Host;
use crate::plan::{LoggedVerdict, logged_verdicts};
use crate::values::AbsPath;

/// More than this is not read at once: other agents write to the same log.
const LIMIT: u64 = 1024 * 1024;

pub(super) struct CheckLog<'a> {
    host: &'a dyn Host,
    path: Option<&'a AbsPath>,
    read: Cell<u64>,
    /// Those that nobody has asked for yet, the latest last.
    verdicts: RefCell<Vec<LoggedVerdict>>,
}

impl<'a> CheckLog<'a> {
    /// Starts at the end of the log as it is now.
    pub(super) fn from_here(host: &'a dyn Host, path: Option<&'a AbsPath>) -> Self {
        let stat = path.and_then(|path| host.stat(path.as_path()).ok().flatten());
        let size = stat.map_or(0, |stat| stat.size);
        Self {
            host,
            path,
            read: Cell::new(size),
            verdicts: RefCell::default(),
        }
    }

    /// What the check said of the client on this port. `None`: it was not asked.
    pub(super) fn verdict(&self, port: u16) -> Option<LoggedVerdict> {
        self.path?;
        // nginx writes the line before the answer; the wait is for a busy disk.
        for wait in [0, 20, 80] {
            self.host.sleep(Duration::from_millis(wait));
            self.catch_up();
            let mut verdicts = self.verdicts.borrow_mut();
            let latest = verdicts.iter().rposition(|one| one.from.port() == port);
            if let Some(latest) = latest {
                let found = verdicts.swap_remove(latest);
                verdicts.retain(|one| one.from.port() != port);
                return Some(found);
            }
        }
        None
    }

    fn catch_up(&self) {
        let Some(path) = self.path else { return };
        let read = self.host.read_from(path.as_path(), self.read.get(), LIMIT);
        let Ok(bytes) = read else { return };
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
            return;
        };
        self.read.set(self.read.get() + end as u64 + 1);
        let verdicts = logged_verdicts(&bytes[..end]);
        self.verdicts.borrow_mut().extend(verdicts);
    }
}
