//! The answers file, field by field, as far as it has been written. Unknown fields are refused
//! at every level; either/or mappings are plain structs with optional fields, because serde's
//! tagged and untagged enums let unknown fields through or hide their names.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ClientSource, ImportedCa, RequestedClients};
use crate::certificate::{DistinguishedName, KeyKind, NameError, NameParts};
use crate::facts::Generation;
use crate::method::{Method, Proxy};
use crate::values::{AbsPath, HostName, Port, SubjectName};

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    pub version: Option<u32>,
    pub role: Option<Role>,
    pub generation: Option<Generation>,
    pub proxy: Option<Proxy>,
    pub method: Option<Method>,
    pub manager_name: Option<HostName>,
    pub agent_name: Option<HostName>,
    #[serde(default)]
    pub alt_names: Vec<SubjectName>,
    #[serde(default)]
    pub ports: PortsDraft,
    #[serde(default)]
    pub agents: Vec<HostName>,
    #[serde(default)]
    pub certificates: CertificatesDraft,
    #[serde(default)]
    pub options: OptionsDraft,
    pub usage_reporting: Option<UsageReportingDraft>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Manager,
    Instance,
    Ca,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manager => "manager",
            Self::Instance => "instance",
            Self::Ca => "ca",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentAuth {
    InPlace,
    DedicatedServer,
}

/// What becomes of an agent without a certificate of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforce {
    /// It is refused.
    Require,
    /// It is judged and logged, and let through.
    Observe,
}

impl fmt::Display for Enforce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Require => "require",
            Self::Observe => "observe",
        })
    }
}

/// What becomes of the keys of the authority once the certificates are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeepKey {
    Encrypted,
    Plaintext,
    Discard,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortsDraft {
    pub https: Option<Port>,
    pub grpc: Option<Port>,
    pub manager_grpc: Option<Port>,
    pub manager_gateway: Option<Port>,
    pub status: Option<Port>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificatesDraft {
    pub key: Option<KeyKind>,
    #[serde(default)]
    pub days: DaysDraft,
    #[serde(default)]
    pub subject: SubjectDraft,
    #[serde(default)]
    pub ca_key: CaKeyDraft,
    #[serde(default)]
    pub server: ServerDraft,
    #[serde(default)]
    pub clients: ClientsDraft,
    pub agent: Option<AgentFilesDraft>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DaysDraft {
    pub root: Option<u32>,
    pub intermediate: Option<u32>,
    pub server: Option<u32>,
    pub agent: Option<u32>,
}

/// The parts of a certificate's subject that all certificates share.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectDraft {
    pub country: Option<String>,
    pub state: Option<String>,
    pub locality: Option<String>,
    pub organization: Option<String>,
}

impl SubjectDraft {
    /// The whole subject of a certificate for `common_name`.
    pub fn named(&self, common_name: &str) -> Result<DistinguishedName, NameError> {
        NameParts {
            country: self.country.clone(),
            state: self.state.clone(),
            locality: self.locality.clone(),
            organization: self.organization.clone(),
            common_name: common_name.to_owned(),
        }
        .try_into()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaKeyDraft {
    pub keep: Option<KeepKey>,
    pub passphrase_file: Option<AbsPath>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerDraft {
    pub source: Option<String>,
    pub cert: Option<AbsPath>,
    pub key: Option<AbsPath>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientsDraft {
    pub source: Option<String>,
    pub ca_cert: Option<AbsPath>,
    pub ca_key: Option<AbsPath>,
    pub certs: Option<AbsPath>,
}

impl ClientsDraft {
    pub fn imports(&self) -> bool {
        self.source.as_deref() == Some("import-ca")
    }

    pub fn requests(&self) -> bool {
        self.source.as_deref() == Some("csr")
    }

    /// Where agents' certificates are of an authority from elsewhere.
    pub(super) fn elsewhere(&self) -> Option<ClientSource> {
        let ca_cert = self.ca_cert.clone();
        if self.requests() {
            let certs = self.certs.clone();
            return Some(ClientSource::Request(RequestedClients { ca_cert, certs }));
        }
        let cert = ca_cert.filter(|_| self.imports())?;
        let key = self.ca_key.clone();
        Some(ClientSource::Import(ImportedCa { cert, key }))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentFilesDraft {
    pub cert: Option<AbsPath>,
    pub key: Option<AbsPath>,
    pub ca: Option<AbsPath>,
    pub bundle: Option<AbsPath>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionsDraft {
    pub agent_auth: Option<AgentAuth>,
    pub enforce: Option<Enforce>,
    pub crl: Option<bool>,
    pub unknown_names: Option<String>,
    pub grpc_context: Option<String>,
    pub grpc_passthrough: Option<bool>,
    pub grpc_publish: Option<String>,
    pub backend_tls: Option<bool>,
    pub security_headers: Option<bool>,
    pub hsts_max_age: Option<u32>,
    pub redirect_http: Option<bool>,
    pub status_page: Option<bool>,
    pub trust_store: Option<bool>,
    pub enable_services: Option<bool>,
    pub watch: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageReportingDraft {
    pub endpoint: Option<HostName>,
    pub verify: Option<bool>,
}
