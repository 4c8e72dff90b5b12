//! The steps of a plan, and what each needs to be carried out.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::enable::{Enable, Watch};
use super::file::{FileChange, FolderChange};
pub use crate::answers::KeepKey;
use crate::certificate::Recipe;
use crate::facts::AGENT_FILES;
use crate::values::{AbsPath, Digest, HostName, Port, SubjectName};

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

/// What is to be proven from an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachProof {
    /// The manager's name, which leads to its address.
    pub host: HostName,
    /// The name that its certificate has to be for.
    pub name: HostName,
    pub port: Port,
    /// What it is verified with; without it, the system's trust store.
    pub ca: Option<AbsPath>,
    /// That store, as one file.
    pub system: Option<AbsPath>,
    pub certificate: Option<AbsPath>,
    pub key: Option<AbsPath>,
    /// Who has none is to be refused.
    pub shows_certificate: bool,
    /// The agent itself runs, perhaps restarted just now, and has to connect.
    pub agent: bool,
    /// What it has to go by, whatever else tells it: `server.host` and its value.
    #[serde(default)]
    pub settings: Vec<(String, String)>,
    /// Where NGINX Plus reports its usage, as far as that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports: Option<ReportsProof>,
}

/// Who takes usage reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportsProof {
    pub endpoint: HostName,
    pub port: Port,
    /// What NGINX verifies it with; without it NGINX verifies nothing.
    pub ca: Option<AbsPath>,
    /// Whether NGINX says the name when it connects.
    pub says_name: bool,
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

/// Certificates to make. Whatever is `None` or absent is there already and stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuing {
    pub authority: Authority,
    /// Who signs for agents in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<BroughtAuthority>,
    pub server: Option<Recipe>,
    pub agents: BTreeMap<HostName, Recipe>,
    /// Lists of what is revoked, to be signed anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lists: Option<Lists>,
    /// What others are asked to sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<RequestsToWrite>,
    /// Where the authority is kept: `STATE/ca`.
    pub folder: AbsPath,
}

/// Certificates that an authority elsewhere is to sign: each gets a key, and a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestsToWrite {
    pub server: Option<Recipe>,
    pub agents: BTreeMap<HostName, Recipe>,
}

impl RequestsToWrite {
    pub fn is_empty(&self) -> bool {
        self.server.is_none() && self.agents.is_empty()
    }
}

/// What the lists are to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lists {
    /// Serial numbers of agents' certificates, and when each was revoked (seconds since 1970);
    /// none: now.
    pub revoked: BTreeMap<String, Option<i64>>,
    /// The root's own, which is empty, is signed as well.
    pub root: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "a plan has one")]
pub enum Authority {
    New {
        root: Recipe,
        intermediate: Recipe,
        key: KeepKey,
    },
    /// In `STATE/ca`; opening it needs the passphrase if `encrypted`.
    Existing { encrypted: bool },
    /// It signs nothing, and need not be there.
    NotNeeded,
}

/// An authority that was brought from elsewhere. Its key stays where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroughtAuthority {
    /// As PEM: the one that signs, then those above it, the root last.
    pub chain: String,
    pub key: AbsPath,
    /// What the key's file held when the plan was made.
    pub digest: Digest,
    pub encrypted: bool,
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

/// What is to be proven by connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Where to connect: one address of this host for each listener.
    pub listeners: Vec<SocketAddr>,
    /// Of those, the ones at which `allow` and `deny` keep this host from the user interface,
    /// and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub barred: BTreeMap<SocketAddr, String>,
    /// The name that browsers and agents use.
    pub name: HostName,
    /// Further names and addresses under which the UI must answer as before.
    pub other_names: Vec<SubjectName>,
    /// Those of them that another server of the port answers; it has a certificate of its own.
    #[serde(default)]
    pub elsewhere: Vec<SubjectName>,
    /// Another server of the port answers clients that name none.
    #[serde(default)]
    pub nameless_elsewhere: bool,
    pub trust: ProofTrust,
    /// Headers that every answer to a browser has to have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// Where browsers without TLS have to be sent on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<RedirectProof>,
    /// Present where agents must show a certificate.
    pub agents: Option<AgentProof>,
    /// Where agents have a port of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents_port: Option<AgentsPort>,
    /// Where nobody from outside may find the manager itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<SocketAddr>,
    /// Where this program keeps the authority and issued certificates.
    pub state: AbsPath,
    /// The running master, whose old workers must be gone. None: there is no nginx, and the
    /// manager answers itself.
    pub master: Option<u32>,
}

impl Proof {
    /// Where agents connect.
    pub fn agents_listeners(&self) -> &[SocketAddr] {
        let own = self.agents_port.as_ref();
        own.map_or(&self.listeners, |own| &own.listeners)
    }

    /// Whether agents without a certificate are to be refused.
    pub fn refuses_agents(&self) -> bool {
        self.agents.as_ref().is_some_and(|agents| agents.enforced)
    }

    /// The name that agents use.
    pub fn agents_name(&self) -> &HostName {
        let own = self.agents_port.as_ref();
        own.map_or(&self.name, |own| &own.name)
    }
}

/// An agent that must be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedAgent {
    pub name: HostName,
    /// Of the certificate: there may be another one in the file by now.
    pub serial: String,
}

/// A port for agents alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentsPort {
    /// One address of this host for each listener.
    pub listeners: Vec<SocketAddr>,
    pub name: HostName,
    pub encrypted: bool,
    /// Called to see that something is behind it.
    pub service: String,
    /// The manager itself ends TLS there, whoever listens.
    #[serde(default)]
    pub by_manager: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedirectProof {
    /// One address of this host for each listener.
    pub addresses: Vec<SocketAddr>,
    /// `https://nim.example.com`, without the path.
    pub to: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofTrust {
    /// The server's chain must verify with our root alone.
    OurRoot,
    /// A certificate that was there before: its name is checked, its issuer is not ours to judge.
    Kept,
}

fn enforced() -> bool {
    true
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentProof {
    /// The gRPC services behind the check: `f5.nginx.agent.sdk.Commander`, ...
    pub services: Vec<String>,
    /// Who has no certificate of ours is refused. Receipts of before have it not, and it was so.
    #[serde(default = "enforced")]
    pub enforced: bool,
    /// Where nginx logs what the check decided, a JSON object a line. None: there is no nginx.
    pub check_log: Option<AbsPath>,
    pub server_chain: AbsPath,
    pub server_key: AbsPath,
    /// Names that reach this server today and must not be a way around.
    pub stale_names: Vec<HostName>,
    /// Agents whose certificate was revoked, as far as it lies here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<RevokedAgent>,
    /// Present where the authority of agents has signed for others too, and only some get through:
    /// a few of those whose certificates are issued here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<BTreeMap<HostName, Recipe>>,
    /// That authority, where its key is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<BroughtAuthority>,
    /// The listeners at which `allow` and `deny` keep this host out, and why: that the right
    /// client gets through cannot be shown there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub barred: BTreeMap<SocketAddr, String>,
}
