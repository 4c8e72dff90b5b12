//! What `systemctl enable` is to be asked.

use serde::{Deserialize, Serialize};

/// Services that are to come up with the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enable {
    /// As systemd calls them.
    pub units: Vec<String>,
    /// Folders in which the command writes.
    pub rewrites: Vec<String>,
}

impl Enable {
    pub fn command(&self) -> String {
        format!("systemctl enable {}", self.units.join(" "))
    }
}
