//! The steps of a plan, and what most of them need to be carried out.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::enable::{Enable, Watch};
use super::file::{FileChange, FolderChange};
use super::to_issue::Issuing;
use super::to_prove::{Proof, ReachProof};
use crate::facts::AGENT_FILES;
use crate::values::{AbsPath, Digest, HostName};

pub const SCHEMA: u32 = 1;

/// How a note begins that tells what differs from the answers and is not changed.
pub const LEFT: &str = "left as it is: ";

/// How a note begins that tells what somebody else is to sign or to bring.
pub const AWAITED: &str = "awaited: ";

/// Why a line says that nginx tells of refused clients.
pub(super) const RAISED: &str = "raised-level";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub schema: u32,
    pub steps: Vec<Step>,
    pub files: Vec<FileChange>,
    /// Folders that must exist before the files, parents first.
    pub folders: Vec<FolderChange>,
    /// What the operator should know, in sentences.
    pub notes: Vec<String>,
    /// Fields that the answers left open, and what was taken.
    pub defaults: BTreeMap<String, String>,
}

impl Plan {
    /// Nothing would change.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What differs from the answers, and stays.
    pub fn leaves_differences(&self) -> bool {
        self.notes.iter().any(|note| note.starts_with(LEFT))
    }

    /// Whether it ends with connections that prove it: where it touches a service.
    pub fn proves(&self) -> bool {
        self.step("prove").is_some()
    }

    /// Whether all it does is have nginx's error log tell more.
    pub fn raises_level(&self) -> bool {
        let mut reasons = self.changed_files().flat_map(|file| &file.reasons);
        reasons.any(|(_, why)| why.id == RAISED)
    }

    /// Whether it is about an agent, and not about a manager.
    pub fn is_of_instance(&self) -> bool {
        let mut files = self.files.iter();
        files.any(|file| AGENT_FILES.contains(&file.path.as_str()))
    }

    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// The files that would differ from what is on disk.
    pub fn changed_files(&self) -> impl Iterator<Item = &FileChange> {
        self.files.iter().filter(|file| file.changes())
    }

    /// The certificates this plan makes, if it makes any.
    pub fn issuing(&self) -> Option<&Issuing> {
        self.steps.iter().find_map(|step| match &step.action {
            Action::Issue(issuing) => Some(issuing),
            _ => None,
        })
    }
}

/// The unit of reversal: says what it does, why, and how it is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub id: String,
    pub title: String,
    pub why: String,
    pub undo: String,
    pub action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "a plan has a handful of steps")]
pub enum Action {
    /// Make keys and certificates, in memory.
    Issue(Issuing),
    /// Ask nginx whether it would accept the new files, in a private copy.
    Test(NginxCommand),
    /// Put `Plan::folders` and `Plan::files` in place.
    Place,
    Trust(TrustChange),
    /// Let the running nginx load what is on disk, and see that it did.
    Reload(NginxCommand),
    /// End workers that still serve the old rules to whoever is connected.
    EndOldWorkers {
        after_seconds: u32,
    },
    Prove(Proof),
    /// Read a key that is to be placed.
    Fetch(Fetch),
    /// The same of agents' keys.
    FetchKeys(BTreeMap<HostName, Fetch>),
    /// Have a service read everything anew, and see that it stays up.
    Restart(Restart),
    /// Have services come up with the system from now on.
    Enable(Enable),
    /// Have systemd look after what was set up, or no longer.
    Watch(Watch),
    /// Prove by connections from an instance that its agent gets through.
    Reach(ReachProof),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    pub from: AbsPath,
    /// What it held when the plan was made.
    pub digest: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// As systemd calls it.
    pub unit: String,
    /// Where it has to listen then. Plans of before have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listens: Vec<SocketAddr>,
}

/// How to start another process of the nginx that runs here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NginxCommand {
    pub binary: String,
    /// `-p` and `-c` as the running master has them.
    pub args: Vec<String>,
    /// The main configuration file, which `args` need not name. Plans of before have it not.
    #[serde(default)]
    pub main: Option<String>,
    /// The running master.
    pub master: u32,
    /// Folders that `nginx -t` writes to by itself (logs, temporary files, the pid file).
    pub touches: Vec<String>,
    /// The error log of the main configuration, where it is a file.
    pub error_log: Option<String>,
    /// Where it must listen after a reload.
    pub listens: Vec<SocketAddr>,
}

/// The system's trust: the anchor is one of `Plan::files`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustChange {
    pub anchor: AbsPath,
    pub command: String,
    /// Folders that the command rewrites.
    pub rewrites: Vec<String>,
    /// The file in which the anchor must be found afterwards.
    pub bundle: String,
}
