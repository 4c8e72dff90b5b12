//! How fast the proof asks. The vendor's file limits a client address to one request a second
//! with a burst of ten; whoever asks faster measures the limit and not the gate.

use std::cell::Cell;
use std::time::Duration;

use crate::host::Host;
use crate::plan::Proof;

/// Requests that may follow each other at once.
const BURST: u32 = 10;
/// The time between two of them afterwards; a little over what the limit asks for.
const APART: Duration = Duration::from_millis(1_050);

/// Counts requests and waits where it must.
pub(super) struct Pace<'a> {
    host: &'a dyn Host,
    /// How many may still be made at once.
    left: Cell<u32>,
    refilled: Cell<Duration>,
}

impl<'a> Pace<'a> {
    pub(super) fn new(host: &'a dyn Host, spent: u32) -> Self {
        let left = Cell::new(BURST.saturating_sub(spent));
        Self {
            host,
            left,
            refilled: Cell::new(host.uptime()),
        }
    }

    /// Where no limit is known: as fast as can be, until one is met.
    pub(super) fn until_limited(host: &'a dyn Host) -> Self {
        Self {
            left: Cell::new(u32::MAX),
            ..Self::new(host, 0)
        }
    }

    /// For what a proof asks for. The servers before NGINX Instance Manager 1 are ours, and have
    /// no limit.
    pub(super) fn of(host: &'a dyn Host, proof: &Proof, spent: u32) -> Self {
        match proof.agents_port {
            Some(_) => Self::until_limited(host),
            None => Self::new(host, spent),
        }
    }

    /// Waits until another request may be made.
    pub(super) fn request(&self) {
        if self.left.get() > BURST {
            return;
        }
        loop {
            let passed = self.host.uptime().saturating_sub(self.refilled.get());
            let earned = u32::try_from(passed.as_millis() / APART.as_millis()).unwrap_or(BURST);
            if earned > 0 {
                self.left.set((self.left.get() + earned).min(BURST));
                self.refilled.set(self.refilled.get() + APART * earned);
            }
            if self.left.get() > 0 {
                self.left.set(self.left.get() - 1);
                return;
            }
            self.host.sleep(APART.saturating_sub(passed));
        }
    }

    /// How many of the burst have been used up and not earned back.
    pub(super) fn spent(&self) -> u32 {
        BURST.saturating_sub(self.left.get())
    }

    /// The server said that it was asked too often: nothing is left.
    pub(super) fn exhausted(&self) {
        self.left.set(0);
        self.refilled.set(self.host.uptime());
    }
}
