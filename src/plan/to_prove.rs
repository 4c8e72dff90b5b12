//! What connections are to show: to a manager's host, and from an instance.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::to_issue::BroughtAuthority;
use crate::certificate::Recipe;
use crate::values::{AbsPath, HostName, Port, SubjectName};

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
