//! Workers of before a reload: whoever is connected to one lives under the old rules.

use super::attempt::said;
use crate::host::Host;
use crate::report::Row;

/// nginx writes this into the title of a worker that no longer takes connections.
const LEAVING: &str = "is shutting down";

pub(super) fn row(host: &dyn Host, master: u32) -> Row {
    let (leg, case, expected) = ("nginx", "workers of before", "gone");
    match host.processes() {
        Ok(processes) => {
            let left = processes
                .iter()
                .filter(|process| process.parent == master && process.title.contains(LEAVING))
                .count();
            let seen = if left == 0 {
                "gone".to_owned()
            } else {
                format!("{left} still serve")
            };
            said(leg, case, expected, seen, left == 0)
        }
        Err(error) => Row::not_tried(leg, case, expected, error.to_string()),
    }
}
