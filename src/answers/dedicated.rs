//! A server of its own for the agents of NGINX Instance Manager 2.

use std::collections::BTreeMap;

use super::draft::{AgentAuth, Draft};
use super::or;
use super::rules::Refusals;
use crate::facts::Generation;
use crate::method::{Method, Proxy};
use crate::values::{HostName, Port, SubjectName};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dedicated {
    /// The name that agents use, and nobody else.
    pub name: HostName,
    /// Where they connect: the port of the pages, or one of their own.
    pub port: Port,
    /// Whoever asks that port for another name is hung up on.
    pub rejects_others: bool,
}

fn is_dedicated(draft: &Draft) -> bool {
    draft.options.agent_auth == Some(AgentAuth::DedicatedServer)
}

/// Where there is a port for agents alone.
pub(super) fn rejects(draft: &Draft) -> bool {
    draft.options.unknown_names.as_deref() == Some("reject")
}

impl Dedicated {
    /// `None` where agents share the server of the pages.
    pub(super) fn of(draft: &Draft, defaults: &mut BTreeMap<String, String>) -> Option<Self> {
        if draft.generation != Some(Generation::Nim2) || !is_dedicated(draft) {
            return None;
        }
        let https = draft.ports.https.unwrap_or(Port::HTTPS);
        Some(Self {
            name: draft.agent_name.clone()?,
            port: or(defaults, "ports.grpc", draft.ports.grpc, https),
            rejects_others: rejects(draft),
        })
    }
}

impl Refusals {
    /// What goes with such a server, and what only with it.
    pub(super) fn of_dedicated(&mut self, draft: &Draft) {
        let (auth, names) = ("options.agent_auth", "options.unknown_names");
        let unknown = draft.options.unknown_names.as_deref();
        if unknown.is_some_and(|it| !["ui", "reject"].contains(&it)) {
            self.add(names, "is not known; say ui or reject");
        }
        let https = draft.ports.https.unwrap_or(Port::HTTPS);
        let own_port = draft.ports.grpc.is_some_and(|grpc| grpc != https);
        let nim2 = draft.generation == Some(Generation::Nim2);
        if !is_dedicated(draft) || !nim2 {
            if is_dedicated(draft) {
                self.add(auth, "belongs to generation: nim2");
            }
            if rejects(draft) && nim2 {
                self.add(
                    names,
                    "is reject, which needs a port for agents alone: agent_auth: \
                     dedicated-server, and another ports.grpc than ports.https",
                );
            } else if rejects(draft) {
                self.rejects_before_manager_1(draft);
            }
            return;
        }
        if draft.method != Some(Method::ClientMtls) {
            self.add(auth, "belongs to method: client-mtls");
        }
        if rejects(draft) && !own_port {
            self.add(
                names,
                format!(
                    "is reject, which would turn browsers away that come to port {https} by an \
                     address: say another port under ports: {{grpc: PORT}}"
                ),
            );
        }
        let Some(name) = &draft.agent_name else {
            self.add(
                "agent_name",
                "is missing: the server for agents needs a name of its own",
            );
            return;
        };
        let pages = draft.manager_name.as_ref() == Some(name)
            || draft.alt_names.contains(&SubjectName::Dns(name.clone()));
        if pages {
            self.add(
                "agent_name",
                format!("is {name}, which leads to the pages; say one that only agents use"),
            );
        }
    }

    /// There, agents have a port of their own anyway; names are told apart by nginx, over TLS.
    fn rejects_before_manager_1(&mut self, draft: &Draft) {
        let options = &draft.options;
        let why = if draft.proxy == Some(Proxy::None) {
            "is reject, which needs a proxy: the manager itself asks for no name"
        } else if options.grpc_context.as_deref() == Some("stream") {
            "is reject, which needs grpc_context: http: a stream knows one server to a port"
        } else if options.grpc_publish.as_deref() == Some("open") {
            "is reject, which needs TLS: without it nobody names whom he asks for"
        } else {
            return;
        };
        self.add("options.unknown_names", why);
    }
}
