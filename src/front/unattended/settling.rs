//! `nim-tls __settle`: waits until no file is being changed any more. Started by the unit that looks
//! after a host, before it looks: a host in between would be found wrong.

use std::time::Duration;

use crate::error::Exit;

use super::super::busy;
use super::super::place::Ground;

/// An upgrade replaces its files within a few seconds, and its services are up again after some
/// more. A unit that watches files misses none for it: what it starts is started once.
const QUIET: Duration = Duration::from_secs(20);
/// A run waits for somebody to keep it as long as it was told; after this, it is looked at all the
/// same.
const LONGEST: Duration = Duration::from_secs(45 * 60);
const PAUSE: Duration = Duration::from_secs(2);

pub(super) fn settle(ground: &Ground) -> u8 {
    let host = ground.host();
    let until = host.uptime() + LONGEST;
    host.sleep(QUIET);
    while busy::run_at_work(ground).is_some() && host.uptime() < until {
        host.sleep(PAUSE);
    }
    Exit::Done as u8
}
