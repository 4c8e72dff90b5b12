//! What goes with certificates of an authority from elsewhere.

use super::draft::{Draft, Role};
use super::rules::Refusals;
use crate::method::{Method, Proxy};

impl Refusals {
    /// Who vouches for agents, and what that needs.
    pub(super) fn of_clients(&mut self, draft: &Draft) {
        let clients = &draft.certificates.clients;
        let is_ca = draft.role == Some(Role::Ca);
        let (imports, requests) = (clients.imports(), clients.requests());
        let rules = [
            (
                "certificates.clients",
                !imports && !requests && (clients.ca_cert.is_some() || clients.ca_key.is_some()),
                "ca_cert and ca_key belong to source: import-ca",
            ),
            (
                "certificates.clients",
                !requests && clients.certs.is_some(),
                "certs belongs to source: csr",
            ),
            (
                "certificates.clients.ca_key",
                requests && clients.ca_key.is_some(),
                "belongs to source: import-ca: with csr the authority signs elsewhere",
            ),
            (
                "certificates.clients.ca_cert",
                imports && clients.ca_cert.is_none(),
                "is missing: source import-ca needs the authority that issues, and after it in the \
                 same file what is above it, up to the root",
            ),
            (
                "certificates.clients.ca_key",
                imports && is_ca && clients.ca_key.is_none(),
                "is missing: role ca issues certificates, and without the key of the authority \
                 nobody can",
            ),
        ];
        self.add_all(rules);
        if imports || requests {
            self.with_other_authority(draft);
        }
        self.of_requests(draft);
    }

    fn with_other_authority(&mut self, draft: &Draft) {
        let options = &draft.options;
        let is_ca = draft.role == Some(Role::Ca);
        self.add_all([
            (
                "certificates.clients.source",
                draft
                    .method
                    .is_some_and(|method| method != Method::ClientMtls),
                "is an authority from elsewhere, which belongs to method: client-mtls",
            ),
            (
                "certificates.clients.source",
                draft.proxy == Some(Proxy::None),
                "is an authority from elsewhere, which needs a proxy: the manager itself has no \
                 list of agents, and every certificate of that authority would be an agent",
            ),
            (
                "agents",
                !is_ca && draft.agents.is_empty(),
                "is empty: with an authority from elsewhere only these agents are let in, because \
                 it may have signed for others too, and every certificate of it would be an agent",
            ),
            (
                "options.crl",
                options.crl == Some(true),
                "belongs to clients: {source: generate}: lists of an authority from elsewhere are \
                 its own to sign; whoever is taken out of agents is refused",
            ),
            (
                "options.backend_tls",
                options.backend_tls == Some(true),
                "belongs to clients: {source: generate}: nginx and the manager know each other by \
                 an authority of this program",
            ),
        ]);
    }

    /// Whoever signs a request decides how long the certificate lives.
    fn of_requests(&mut self, draft: &Draft) {
        let certificates = &draft.certificates;
        let (server, days) = (&certificates.server, &certificates.days);
        let why =
            "is for an authority to decide that signs requests: leave it out with source: csr";
        self.add_all([
            (
                "certificates.days.server",
                server.source.as_deref() == Some("csr") && days.server.is_some(),
                why,
            ),
            (
                "certificates.days.agent",
                certificates.clients.requests() && days.agent.is_some(),
                why,
            ),
        ]);
    }

    fn add_all<const N: usize>(&mut self, rules: [(&str, bool, &str); N]) {
        for (field, is_wrong, why) in rules {
            if is_wrong {
                self.add(field, why);
            }
        }
    }
}
