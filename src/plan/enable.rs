//! What `systemctl` is to be asked: which services come up with the system, and which units look
//! after what was set up.

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

/// Units of ours, which start a service by the time and by the change of files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    pub deed: Deed,
    /// As systemd calls them; not the service.
    pub units: Vec<String>,
    /// Folders in which the command writes.
    pub rewrites: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// They are new.
    Begin,
    /// They run, and say something else now.
    Renew,
    /// Their files are to go.
    End,
    /// Their files have gone.
    Forget,
}

impl Watch {
    pub fn command(&self) -> String {
        let units = self.units.join(" ");
        let begin = format!("systemctl daemon-reload && systemctl enable --now {units}");
        match self.deed {
            Deed::Begin => begin,
            Deed::Renew => format!("{begin} && systemctl restart {units}"),
            Deed::End => format!("systemctl disable --now {units}"),
            Deed::Forget => "systemctl daemon-reload".to_owned(),
        }
    }
}
