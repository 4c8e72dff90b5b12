//! The sockets of services that nginx passes calls to.

use std::path::Path;

use crate::host::Host;
use crate::nginx::Peer;

/// The kernel's table of a host is smaller.
const LARGEST_TABLE: u64 = 16 << 20;

#[derive(Default)]
pub(super) struct Sockets {
    /// The kernel has told.
    known: bool,
    /// They are not there.
    pub(super) missing: Vec<String>,
    /// They are there, and nobody takes connections at them.
    pub(super) deaf: Vec<String>,
}

impl Sockets {
    /// Of these services. Where nothing runs (`live`), there is none to look for.
    pub(super) fn of(host: &dyn Host, services: &[Peer], live: bool) -> Self {
        if !live {
            return Self::default();
        }
        let paths = services.iter().filter_map(|peer| match peer {
            Peer::Unix(path) => Some(path.clone()),
            _ => None,
        });
        let is_missing = |path: &String| match host.stat(path.as_ref()) {
            Ok(found) => found.is_none(),
            Err(error) => error.is_absence(),
        };
        // Where the kernel does not tell, on a practice host, there are no services either.
        let Some(listening) = listening_at(host) else {
            return Self::default();
        };
        let (missing, there): (Vec<_>, Vec<_>) = paths.partition(is_missing);
        let is_deaf = |path: &String| !listening.contains(&real(host, path));
        Self {
            known: true,
            missing,
            deaf: there.into_iter().filter(is_deaf).collect(),
        }
    }

    /// Whether somebody is known to take connections at this one.
    pub(super) fn answer(&self, path: &String) -> bool {
        self.known && !self.missing.contains(path) && !self.deaf.contains(path)
    }
}

/// The paths at which somebody takes connections, as the kernel knows them.
fn listening_at(host: &dyn Host) -> Option<Vec<String>> {
    /// `__SO_ACCEPTCON`, as `unix(7)` and `/proc/net/unix` have it.
    const ACCEPTS: &str = "00010000";
    let table = host.read(Path::new("/proc/net/unix"), LARGEST_TABLE).ok()?;
    let table = String::from_utf8_lossy(&table);
    let paths = table.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let flags = words.nth(3)?;
        let path = words.nth(3)?;
        (flags == ACCEPTS && path.starts_with('/')).then(|| real(host, path))
    });
    Some(paths.collect())
}

fn real(host: &dyn Host, path: &str) -> String {
    let real = host.real_path(Path::new(path)).ok().flatten();
    real.map_or_else(
        || path.to_owned(),
        |real| real.to_string_lossy().into_owned(),
    )
}
