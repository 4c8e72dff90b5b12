//! What NGINX Instance Manager 1 asks for besides: it listens on ports of its own, and the nginx
//! before it has one for browsers and one for agents.

use std::collections::BTreeMap;

use super::dedicated::rejects;
use super::draft::{Draft, Enforce};
use super::or;
use super::rules::Refusals;
use crate::facts::Generation;
use crate::method::{Method, Proxy};
use crate::values::{HostName, Port};

/// The further answers of a manager of generation 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nim1Answers {
    /// Where agents connect.
    pub grpc: Port,
    /// The name that agents use.
    pub agent_name: HostName,
    /// Where the manager itself takes agents, where that was said; else it stays as it is.
    pub manager_grpc: Option<Port>,
    /// The same for browsers.
    pub manager_gateway: Option<Port>,
    /// The port of loopback on which nginx tells how it fares; none where that is not wanted.
    pub status: Option<Port>,
    /// Whether the services are published with TLS. Counts for health checks only.
    pub publish: Publish,
    /// TLS between nginx and the manager too.
    pub backend_tls: bool,
    pub context: Context,
    /// Whoever asks the agents' port for another name is hung up on.
    pub rejects_others: bool,
}

/// Where nginx meets agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    Http,
    /// Below HTTP; nginx ends TLS.
    Stream,
    /// Below HTTP; the manager ends TLS.
    PassedThrough,
}

/// How the services of agents are published where their health is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publish {
    /// In the clear, to everybody.
    Open,
    Tls,
}

impl Nim1Answers {
    /// `None` for another generation.
    pub(super) fn of(
        draft: &Draft,
        manager_name: &HostName,
        defaults: &mut BTreeMap<String, String>,
    ) -> Option<Self> {
        if draft.generation != Some(Generation::Nim1) {
            return None;
        }
        let ports = &draft.ports;
        let native = draft.proxy == Some(Proxy::None);
        let grpc = if native {
            ports.manager_grpc.unwrap_or(Port::NIM1_GRPC)
        } else {
            or(defaults, "ports.grpc", ports.grpc, Port::NIM1_AGENTS)
        };
        let page = !native
            && or(
                defaults,
                "options.status_page",
                draft.options.status_page,
                true,
            );
        Some(Self {
            grpc,
            agent_name: draft
                .agent_name
                .clone()
                .unwrap_or_else(|| manager_name.clone()),
            manager_grpc: ports.manager_grpc,
            manager_gateway: ports.manager_gateway,
            status: page.then(|| or(defaults, "ports.status", ports.status, Port::STATUS)),
            publish: match draft.options.grpc_publish.as_deref() {
                Some("open") => Publish::Open,
                _ => Publish::Tls,
            },
            backend_tls: draft.options.backend_tls == Some(true)
                || draft.options.grpc_publish.as_deref() == Some("tls-grpcs")
                || draft.options.grpc_passthrough == Some(true),
            context: match draft.options.grpc_context.as_deref() {
                Some("stream") if draft.options.grpc_passthrough == Some(true) => {
                    Context::PassedThrough
                }
                Some("stream") => Context::Stream,
                _ => Context::Http,
            },
            rejects_others: rejects(draft),
        })
    }
}

impl Refusals {
    /// What does not go together there.
    pub(super) fn of_nim1(&mut self, draft: &Draft) {
        let ports = &draft.ports;
        let native = draft.proxy == Some(Proxy::None);
        if native {
            for (field, given) in [
                ("ports.https", ports.https),
                ("ports.grpc", ports.grpc),
                ("ports.status", ports.status),
            ] {
                if given.is_some() {
                    self.add(
                        field,
                        "belongs to a proxy; without one say manager_gateway and manager_grpc",
                    );
                }
            }
            let options = &draft.options;
            for (field, given) in [
                ("options.redirect_http", options.redirect_http == Some(true)),
                ("options.backend_tls", options.backend_tls == Some(true)),
                ("options.grpc_context", is_stream(draft)),
                (
                    "options.grpc_passthrough",
                    options.grpc_passthrough == Some(true),
                ),
            ] {
                if given {
                    self.add(field, "belongs to a proxy");
                }
            }
            if options.enforce == Some(Enforce::Observe) {
                self.add(
                    "options.enforce",
                    "is observe, which needs a proxy: the manager itself judges nobody for a trial",
                );
            }
        }
        self.of_context(draft);
        let publish = draft.options.grpc_publish.as_deref();
        if publish == Some("open") && draft.options.backend_tls == Some(true) {
            self.add(
                "options.backend_tls",
                "is of no use where everybody can read the other leg: grpc_publish is open",
            );
        }
        let mut named = Vec::new();
        if !native {
            named.push(("ports.https", ports.https.unwrap_or(Port::HTTPS)));
            named.push(("ports.grpc", ports.grpc.unwrap_or(Port::NIM1_AGENTS)));
            if draft.options.status_page != Some(false) {
                named.push(("ports.status", ports.status.unwrap_or(Port::STATUS)));
            }
            if draft.options.redirect_http == Some(true) {
                named.push(("options.redirect_http", Port::HTTP));
            }
        }
        // Where they are not said, the manager's own file has them, and the plan looks there.
        let own = [
            ("ports.manager_grpc", ports.manager_grpc),
            ("ports.manager_gateway", ports.manager_gateway),
        ];
        named.extend(
            own.into_iter()
                .filter_map(|(field, port)| Some((field, port?))),
        );
        for (at, (field, port)) in named.iter().enumerate() {
            if let Some((other, _)) = named[..at].iter().find(|(_, other)| other == port) {
                self.add(field, format!("is {port}, and so is {other}"));
            }
        }
        if publish.is_some_and(|how| how != "tls") && draft.method != Some(Method::GrpcHealthChecks)
        {
            self.add(
                "options.grpc_publish",
                "belongs to method: grpc-health-checks",
            );
        }
    }

    /// What nginx cannot do below HTTP.
    fn of_context(&mut self, draft: &Draft) {
        let options = &draft.options;
        let context = options.grpc_context.as_deref();
        if context.is_some_and(|context| !["http", "stream"].contains(&context)) {
            self.add("options.grpc_context", "is not known; say http or stream");
        }
        let passes = options.grpc_passthrough == Some(true);
        if !is_stream(draft) {
            if passes {
                self.add(
                    "options.grpc_passthrough",
                    "belongs to grpc_context: stream",
                );
            }
            return;
        }
        let mtls = draft.method == Some(Method::ClientMtls);
        for (field, given, why) in [
            (
                "options.grpc_context",
                draft.method == Some(Method::GrpcHealthChecks),
                "is stream, where nginx knows nothing of gRPC: health is checked in http only",
            ),
            (
                "options.enforce",
                mtls && options.enforce == Some(Enforce::Observe),
                "is observe, which needs grpc_context: http: of a stream nginx logs nothing before \
                 it ends, and agents stay for days",
            ),
            (
                "options.backend_tls",
                !passes && options.backend_tls == Some(true),
                "in a stream nginx offers the manager no HTTP/2, which gRPC asks for: say \
                 grpc_context: http, or grpc_passthrough: true",
            ),
            (
                "certificates.clients",
                mtls && draft.certificates.clients.elsewhere().is_some(),
                "are of an authority from elsewhere, which needs grpc_context: http: in a stream \
                 nginx holds no subject against a list",
            ),
            (
                "options.crl",
                passes && options.crl == Some(true),
                "is for nginx to read, and with grpc_passthrough the manager judges agents",
            ),
        ] {
            if given {
                self.add(field, why);
            }
        }
    }
}

pub(super) fn is_stream(draft: &Draft) -> bool {
    draft.options.grpc_context.as_deref() == Some("stream")
}
