//! What may not be said, alone or together. [`Answers::check`](super::Answers::check) asks all of
//! it at once, so that a file is mended in one go.

use std::collections::BTreeSet;

use super::draft::{AgentAuth, Draft, Enforce, KeepKey, Role};
use crate::facts::Generation;
use crate::method::{self, Method, Proxy};
use crate::values::Port;

/// Why an answer cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its path in the answers file: `certificates.days.server`.
    pub field: String,
    /// What was found and what would do, as a sentence.
    pub why: String,
}

/// The longest life of a server certificate that clients accept everywhere: the limit of the
/// CA/Browser Forum's baseline requirements since 2020.
const SERVER_DAYS: u32 = 397;

/// Every reason why these answers cannot be taken.
pub(super) fn refusals(draft: &Draft) -> Vec<Refusal> {
    let mut found = Refusals::default();
    found.required(draft);
    found.table(draft);
    if draft.role == Some(Role::Instance) {
        found.of_instance(draft);
        return found.0;
    }
    found.of_others(draft);
    found.not_in_this_version(draft);
    found.wrong_place(draft);
    match draft.generation {
        Some(Generation::Nim1) => found.of_nim1(draft),
        _ => found.of_nim2(draft),
    }
    found.of_dedicated(draft);
    found.names(draft);
    found.lifetimes(draft);
    found.certificates(draft);
    found.options(draft);
    found.0
}

/// Two years: what lists of sites that browsers know in advance ask for, and nobody asks more.
const HSTS_MOST: u32 = 63_072_000;

#[derive(Default)]
pub(super) struct Refusals(Vec<Refusal>);

impl Refusals {
    pub(super) fn add(&mut self, field: &str, why: impl Into<String>) {
        self.0.push(Refusal {
            field: field.to_owned(),
            why: why.into(),
        });
    }

    fn required(&mut self, draft: &Draft) {
        let missing = [
            ("version", draft.version.is_none(), "1"),
            ("role", draft.role.is_none(), "manager, instance or ca"),
            ("generation", draft.generation.is_none(), "nim1 or nim2"),
            (
                "proxy",
                draft.proxy.is_none(),
                "none, nginx-oss or nginx-plus",
            ),
            (
                "method",
                draft.method.is_none(),
                "ssl-termination, client-mtls or grpc-health-checks",
            ),
            (
                "manager_name",
                draft.manager_name.is_none(),
                "the name that browsers and agents use",
            ),
        ];
        for (field, is_missing, what) in missing {
            if is_missing {
                self.add(field, format!("is missing; say {what}"));
            }
        }
        if let Some(version) = draft.version.filter(|version| *version != 1) {
            self.add(
                "version",
                format!("is {version}; this program reads version 1"),
            );
        }
    }

    fn table(&mut self, draft: &Draft) {
        let (Some(generation), Some(method), Some(proxy)) =
            (draft.generation, draft.method, draft.proxy)
        else {
            return;
        };
        let cell = method::cell(generation, method, proxy);
        if let Some(reason) = cell.not_applicable {
            let (row, column) = (method.title(), proxy.title());
            self.add("method", format!("{row} with {column} is N/A: {reason}"));
        }
    }

    /// Options that the answers file knows and this version does not carry out. Their default
    /// is accepted; anything else would be a promise not kept.
    fn not_in_this_version(&mut self, draft: &Draft) {
        let options = &draft.options;
        let mut other = |field: &str, differs: bool, takes: &str| {
            if differs {
                self.add(
                    field,
                    format!("this version of nim-tls takes only: {takes}"),
                );
            }
        };
        other(
            "options.grpc_publish",
            options
                .grpc_publish
                .as_deref()
                .is_some_and(|how| !["open", "tls", "tls-grpcs"].contains(&how)),
            "open, tls, tls-grpcs",
        );
        let certificates = &draft.certificates;
        other(
            "certificates.server.source",
            certificates.server.source.as_deref().is_some_and(|source| {
                !["auto", "generate", "keep", "import", "csr"].contains(&source)
            }),
            "auto, generate, keep, import, csr",
        );
        other(
            "certificates.clients.source",
            certificates
                .clients
                .source
                .as_deref()
                .is_some_and(|source| !["generate", "import-ca", "csr"].contains(&source)),
            "generate, import-ca, csr",
        );
    }

    fn wrong_place(&mut self, draft: &Draft) {
        let certificates = &draft.certificates;
        let server = &certificates.server;
        let why = match server.source.as_deref() {
            Some("import") if server.cert.is_none() || server.key.is_none() => {
                Some("source is import: say cert (with its chain) and key, as paths")
            }
            Some("import") => None,
            Some("csr") => server.key.as_ref().map(|_| {
                "source is csr, whose key is made here: say no key, and cert only where the signed \
                 certificate is to be looked for elsewhere than in the folder of nim-tls"
            }),
            _ if server.cert.is_some() || server.key.is_some() => {
                Some("cert and key belong to source: import")
            }
            _ => None,
        };
        if let Some(why) = why {
            self.add("certificates.server", why);
        }
        self.of_clients(draft);
    }

    /// There, agents and browsers share one server.
    fn of_nim2(&mut self, draft: &Draft) {
        let publish = draft.options.grpc_publish.as_deref();
        if publish.is_some_and(|how| how != "tls") {
            self.add("options.grpc_publish", "belongs to generation: nim1");
        }
        let options = &draft.options;
        let stream = options
            .grpc_context
            .as_deref()
            .is_some_and(|it| it != "http");
        for (field, given) in [
            ("options.backend_tls", options.backend_tls == Some(true)),
            ("options.grpc_context", stream),
            (
                "options.grpc_passthrough",
                options.grpc_passthrough == Some(true),
            ),
        ] {
            if given {
                self.add(field, "belongs to generation: nim1");
            }
        }
        if draft.options.agent_auth == Some(AgentAuth::DedicatedServer) {
            return;
        }
        let https = draft.ports.https.unwrap_or(Port::HTTPS);
        if let Some(grpc) = draft.ports.grpc.filter(|grpc| *grpc != https) {
            self.add(
                "ports.grpc",
                format!(
                    "is {grpc}; with agent_auth in-place agents use the port of the UI, {https}"
                ),
            );
        }
        if draft.agent_name.is_some() && draft.agent_name != draft.manager_name {
            self.add(
                "agent_name",
                "belongs to agent_auth: dedicated-server; in place agents use manager_name",
            );
        }
    }

    fn names(&mut self, draft: &Draft) {
        let mut seen = BTreeSet::new();
        for (index, agent) in draft.agents.iter().enumerate() {
            if !seen.insert(agent) {
                self.add(
                    &format!("agents[{index}]"),
                    format!("{agent} is there twice"),
                );
            }
        }
    }

    fn lifetimes(&mut self, draft: &Draft) {
        let days = &draft.certificates.days;
        // How long an authority from elsewhere lives, only a look at it tells.
        let elsewhere = draft.certificates.clients.elsewhere().is_some();
        let root = days.root.unwrap_or(3650);
        let intermediate = days.intermediate.unwrap_or(1825.min(root));
        let issued = [
            ("root", days.root, u32::MAX, "anything"),
            ("intermediate", days.intermediate, root, "the root"),
            ("server", days.server, intermediate, "the intermediate"),
            ("agent", days.agent, intermediate, "the intermediate"),
        ];
        for (name, given, issuer_days, issuer) in issued {
            let unknown = elsewhere && name == "agent";
            let issuer_days = if unknown { u32::MAX } else { issuer_days };
            let field = format!("certificates.days.{name}");
            match given {
                Some(0) => self.add(&field, "is 0; say at least 1"),
                Some(given) if given > 36_500 => {
                    self.add(&field, format!("is {given}; say at most 36500"));
                }
                Some(given) if given > issuer_days => {
                    let why =
                        format!("is {given}, longer than {issuer} that issues it ({issuer_days})");
                    self.add(&field, why);
                }
                _ => {}
            }
        }
        if let Some(given) = days
            .server
            .filter(|given| *given > SERVER_DAYS && *given <= 36_500)
        {
            self.add(
                "certificates.days.server",
                format!(
                    "is {given}; clients refuse server certificates of over {SERVER_DAYS} days"
                ),
            );
        }
    }

    fn options(&mut self, draft: &Draft) {
        let options = &draft.options;
        let observes = options.enforce == Some(Enforce::Observe);
        if observes && draft.method != Some(Method::ClientMtls) {
            self.add(
                "options.enforce",
                "is observe, which belongs to method: client-mtls",
            );
        }
        if options.crl == Some(true)
            && (draft.method != Some(Method::ClientMtls) || draft.proxy == Some(Proxy::None))
        {
            self.add(
                "options.crl",
                "belongs to method: client-mtls with a proxy, which reads the list",
            );
        }
        let Some(seconds) = options.hsts_max_age else {
            return;
        };
        let field = "options.hsts_max_age";
        let https = draft.ports.https.unwrap_or(Port::HTTPS);
        if https != Port::HTTPS {
            self.add(
                field,
                format!("would lead browsers from port {https} to port 443 of the same name"),
            );
        } else if options.security_headers == Some(false) {
            self.add(field, "belongs to security_headers: true");
        } else if seconds > HSTS_MOST {
            self.add(
                field,
                format!("is {seconds}; say seconds, at most {HSTS_MOST} (two years)"),
            );
        }
    }

    fn certificates(&mut self, draft: &Draft) {
        let certificates = &draft.certificates;
        if let Err(error) = certificates.subject.named("any name") {
            self.add(
                &format!("certificates.subject.{}", error.field),
                error.reason,
            );
        }
        for (index, agent) in draft.agents.iter().enumerate() {
            if let Err(error) = certificates.subject.named(agent.as_str()) {
                let why = format!(
                    "cannot be the common name of a certificate: {}",
                    error.reason
                );
                self.add(&format!("agents[{index}]"), why);
            }
        }
        let ca_key = &certificates.ca_key;
        if ca_key.passphrase_file.is_some()
            && certificates.clients.ca_key.is_none()
            && ca_key.keep.is_some_and(|keep| keep != KeepKey::Encrypted)
        {
            self.add(
                "certificates.ca_key.passphrase_file",
                "belongs to keep: encrypted",
            );
        }
    }
}
