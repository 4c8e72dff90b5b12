//! What the operator of an instance wants: its agent to reach the manager.

use std::collections::BTreeMap;

use super::draft::Draft;
use super::{or, rules::Refusal};
use crate::facts::Generation;
use crate::method::{Method, Proxy};
use crate::values::{AbsPath, HostName, Port};

/// A choice that can be planned: role instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceAnswers {
    /// Of the manager, and of the agent: each speaks to its like.
    pub generation: Generation,
    /// The NGINX on this instance.
    pub proxy: Proxy,
    pub method: Method,
    pub manager_name: HostName,
    /// The name on the certificate that agents meet.
    pub agent_name: HostName,
    pub grpc: Port,
    /// The agent's certificate with its chain, and its key. Always there for client mTLS.
    pub certificate: Option<CertificateFiles>,
    /// What the manager's certificate is verified with; without it, the system's trust store.
    pub ca: Option<AbsPath>,
    /// The folder or archive that they come from, where it was named as one.
    pub bundle: Option<AbsPath>,
    pub trust_store: bool,
    /// Services that run now come up with the system from then on.
    pub enable_services: bool,
    /// systemd looks after what was set up.
    pub watch: bool,
    /// Where its NGINX Plus is to report its usage; none: as it does.
    pub usage: Option<UsageReporting>,
    pub defaults: BTreeMap<String, String>,
}

/// Usage reports of NGINX Plus, and where they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReporting {
    pub endpoint: HostName,
    pub port: Port,
    /// Whether who takes them has to show who it is.
    pub verify: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    pub cert: AbsPath,
    pub key: AbsPath,
}

/// What a bundle holds: the names under `STATE/issued/NAME`.
const IN_BUNDLE: [&str; 3] = ["agent.crt", "agent.key", "ca.pem"];

impl UsageReporting {
    /// As the configuration of NGINX has it: with a port only where it is not the usual one.
    pub fn receiver(&self) -> String {
        match self.port {
            Port::HTTPS => self.endpoint.to_string(),
            port => format!("{}:{port}", self.endpoint),
        }
    }
}

/// Where NGINX Plus has its licence, unless it is told another file.
const LICENCE: &str = "/etc/nginx/license.jwt";

impl InstanceAnswers {
    /// Complete and valid answers, or every reason why not.
    pub fn check(draft: &Draft) -> Result<Self, Vec<Refusal>> {
        let refusals = super::rules::refusals(draft);
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let (Some(manager_name), Some(method), Some(proxy)) =
            (draft.manager_name.clone(), draft.method, draft.proxy)
        else {
            return Err(refusals); // `required` has refused this already
        };
        let mut defaults = BTreeMap::new();
        let files = draft.certificates.agent.clone().unwrap_or_default();
        let below = |name| {
            files
                .bundle
                .as_ref()
                .and_then(|folder| folder.join(name).ok())
        };
        let [cert, key, ca] = IN_BUNDLE.map(below);
        let pair = files.cert.or(cert).zip(files.key.or(key));
        let generation = draft.generation.unwrap_or(Generation::Nim2);
        let usual = match generation {
            Generation::Nim1 => Port::NIM1_AGENTS,
            Generation::Nim2 => draft.ports.https.unwrap_or(Port::HTTPS),
        };
        Ok(Self {
            usage: usage(&mut defaults, draft, &manager_name),
            generation,
            proxy,
            method,
            agent_name: or(
                &mut defaults,
                "agent_name",
                draft.agent_name.clone(),
                manager_name.clone(),
            ),
            manager_name,
            grpc: or(&mut defaults, "ports.grpc", draft.ports.grpc, usual),
            certificate: pair.map(|(cert, key)| CertificateFiles { cert, key }),
            ca: files.ca.or(ca),
            bundle: files.bundle,
            trust_store: or(
                &mut defaults,
                "options.trust_store",
                draft.options.trust_store,
                true,
            ),
            enable_services: draft.options.enable_services == Some(true),
            watch: draft.options.watch == Some(true),
            defaults,
        })
    }

    /// Where the agent connects. Agents of version 1 know one name only, for the address and for
    /// the certificate.
    pub fn host(&self) -> &HostName {
        match self.generation {
            Generation::Nim1 => &self.agent_name,
            Generation::Nim2 => &self.manager_name,
        }
    }

    /// Files that a plan for these answers refers to.
    pub fn files(&self) -> Vec<AbsPath> {
        let pair = self.certificate.iter();
        let pair = pair.flat_map(|files| [files.cert.clone(), files.key.clone()]);
        let licence = self.usage.as_ref().and_then(|_| LICENCE.parse().ok());
        pair.chain(self.ca.clone())
            .chain(self.bundle.clone())
            .chain(licence)
            .collect()
    }

    /// Names that are to lead somewhere.
    pub fn names(&self) -> Vec<HostName> {
        let endpoint = self.usage.iter().map(|usage| usage.endpoint.clone());
        std::iter::once(self.host().clone())
            .chain(endpoint)
            .collect()
    }
}

/// The manager takes reports where browsers reach it, which is where agents do.
fn usage(
    defaults: &mut BTreeMap<String, String>,
    draft: &Draft,
    manager: &HostName,
) -> Option<UsageReporting> {
    let given = draft.usage_reporting.as_ref()?;
    let (endpoint, ports) = (given.endpoint.clone(), &draft.ports);
    Some(UsageReporting {
        endpoint: or(
            defaults,
            "usage_reporting.endpoint",
            endpoint,
            manager.clone(),
        ),
        port: ports.https.or(ports.grpc).unwrap_or(Port::HTTPS),
        verify: or(defaults, "usage_reporting.verify", given.verify, true),
    })
}
