//! The manager's own ports are for this host alone: whoever could reach them would pass nginx by.

use std::time::Duration;

use super::attempt::said;
use crate::host::Host;
use crate::plan::Proof;
use crate::report::Row;

const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn rows(host: &dyn Host, proof: &Proof, tell: &mut dyn FnMut(Row)) {
    for address in &proof.closed {
        let leg = format!("the manager itself at {address}");
        let (case, expected) = ("anybody, past nginx", "nobody listens");
        // Refused, or lost: nobody is reached either way.
        let (seen, ok) = match host.connect(*address, PATIENCE) {
            Ok(_) => ("connected", false),
            Err(_) => ("no connection", true),
        };
        tell(said(&leg, case, expected, seen.to_owned(), ok));
    }
}
