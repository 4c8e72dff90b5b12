//! Certificates that an authority elsewhere signs: where the requests lie, and where what was signed
//! is looked for.

use std::collections::BTreeMap;

use super::{Answers, ClientSource, ServerSource};
use crate::values::{AbsPath, Gather as _, HostName};

/// An authority elsewhere signs requests of agents that are written here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedClients {
    /// Its certificate, and after it what is above it, up to the root. None: `requests/ca.pem`.
    pub ca_cert: Option<AbsPath>,
    /// The folder to which certificates are brought, each as `NAME.crt`. None: `requests/agents`.
    pub certs: Option<AbsPath>,
}

/// All of it, with nothing left open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests {
    pub server: Option<RequestFiles>,
    pub agents: BTreeMap<HostName, RequestFiles>,
    /// The certificates of the authority that signs for agents.
    pub authority: Option<AbsPath>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFiles {
    pub request: AbsPath,
    /// It stays here until there is a certificate for it.
    pub key: AbsPath,
    /// Where that certificate is brought, its issuers after it.
    pub certificate: AbsPath,
}

impl Answers {
    /// `state` is the folder of this program.
    pub fn requests(&self, state: &AbsPath) -> Requests {
        let folder = below(state, "requests");
        let server = match &self.server {
            ServerSource::Request { cert } => Some(RequestFiles {
                request: below(&folder, "server.csr"),
                key: below(&folder, "server.key"),
                certificate: cert.clone().unwrap_or_else(|| below(&folder, "server.crt")),
            }),
            _ => None,
        };
        let Some(ClientSource::Request(clients)) = &self.clients else {
            return Requests {
                server,
                ..Requests::default()
            };
        };
        let own = below(&folder, "agents");
        let certs = clients.certs.as_ref().unwrap_or(&own);
        let agents = self.agents.iter().map(|agent| {
            let files = RequestFiles {
                request: below(&own, &format!("{agent}.csr")),
                key: below(&own, &format!("{agent}.key")),
                certificate: below(certs, &format!("{agent}.crt")),
            };
            (agent.clone(), files)
        });
        let authority = clients.ca_cert.clone();
        Requests {
            server,
            agents: agents.gathered(),
            authority: Some(authority.unwrap_or_else(|| below(&folder, "ca.pem"))),
        }
    }
}

impl Requests {
    /// Everything that a plan has to look at.
    pub fn files(&self) -> impl Iterator<Item = &AbsPath> {
        let all = self.server.iter().chain(self.agents.values());
        let files = all.flat_map(|one| [&one.request, &one.key, &one.certificate]);
        files.chain(&self.authority)
    }
}

fn below(folder: &AbsPath, name: &str) -> AbsPath {
    let path = folder.join(name);
    path.expect("a literal or a host name is a path component")
}
