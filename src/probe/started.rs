//! When a process was started, by the clock.

use std::path::Path;

use crate::host::Host;

/// `sysconf(_SC_CLK_TCK)`: the same on every Linux we run on.
const TICKS_PER_SECOND: u64 = 100;

/// Seconds since 1970, from clock ticks since boot.
pub(super) fn started_at(host: &dyn Host, ticks: u64) -> Option<i64> {
    let uptime = host.read(Path::new("/proc/uptime"), 1 << 10).ok()?;
    let up: u64 = String::from_utf8(uptime)
        .ok()?
        .split('.')
        .next()?
        .parse()
        .ok()?;
    // In a container the uptime may be the container's: then this is nonsense, so nothing.
    let age = up.checked_sub(ticks / TICKS_PER_SECOND)?;
    Some(host.now() - i64::try_from(age).ok()?)
}
