//! What an authority from elsewhere needs besides its files.

use super::draft::{Draft, Role};
use super::rules::Refusals;
use crate::method::{Method, Proxy};

impl Refusals {
    pub(super) fn of_import(&mut self, draft: &Draft) {
        let clients = &draft.certificates.clients;
        let options = &draft.options;
        let is_ca = draft.role == Some(Role::Ca);
        let rules = [
            (
                "certificates.clients.ca_cert",
                clients.ca_cert.is_none(),
                "is missing: source import-ca needs the authority that issues, and after it in the \
                 same file what is above it, up to the root",
            ),
            (
                "certificates.clients.ca_key",
                is_ca && clients.ca_key.is_none(),
                "is missing: role ca issues certificates, and without the key of the authority \
                 nobody can",
            ),
            (
                "certificates.clients.source",
                draft
                    .method
                    .is_some_and(|method| method != Method::ClientMtls),
                "is import-ca, which belongs to method: client-mtls",
            ),
            (
                "certificates.clients.source",
                draft.proxy == Some(Proxy::None),
                "is import-ca, which needs a proxy: the manager itself has no list of agents, and \
                 every certificate of that authority would be an agent",
            ),
            (
                "agents",
                !is_ca && draft.agents.is_empty(),
                "is empty: with source import-ca only these agents are let in, because the \
                 authority may have signed for others too, and every certificate of it would be an \
                 agent",
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
        ];
        for (field, is_wrong, why) in rules {
            if is_wrong {
                self.add(field, why);
            }
        }
    }
}
