//! Offers that no current TLS library makes: old versions and weak suites, each alone, to see
//! whether a server still takes them. The handshake goes no further than the server's choice.

mod answer;
mod offer;

use std::io::Write;

use super::client::Target;
use super::fault::Fault;
use super::names::{Alert, Version};
use super::wire::{Dial, Guarded};

pub use offer::Offer;

/// What a server made of an [`Offer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelloOutcome {
    /// It chose from the offer, and had what it takes to carry the choice out.
    Accepted {
        version: Version,
        suite: String,
    },
    Alert {
        level: AlertLevel,
        alert: Alert,
    },
    /// It hung up without a word.
    Closed,
    /// It does not speak TLS here, or chose what was not offered: how its answer begins.
    Other(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertLevel {
    Warning,
    Fatal,
}

impl Offer {
    /// Makes this offer on a connection of its own.
    ///
    /// # Errors
    /// A [`Fault`] where nobody answered; any answer is an outcome.
    pub fn make(self, dial: &dyn Dial, target: &Target) -> Result<HelloOutcome, Fault> {
        let hello = self.client_hello(target.sni.as_ref())?;
        let mut wire = Guarded::dial(dial, target.address, target.patience)?;
        wire.write_all(&hello)?;
        wire.flush()?;
        answer::read(&mut wire)
    }
}

#[cfg(test)]
mod tests;
