//! Which answers belong to which role.

use super::draft::{
    AgentFilesDraft, ClientsDraft, DaysDraft, Draft, OptionsDraft, Role, ServerDraft, SubjectDraft,
};
use super::rules::Refusals;
use crate::facts::Generation;
use crate::method::{Method, Proxy};

impl Refusals {
    /// Answers that say nothing to an instance.
    pub(super) fn of_instance(&mut self, draft: &Draft) {
        let certificates = &draft.certificates;
        let issuing = [
            ("agents", !draft.agents.is_empty()),
            ("alt_names", !draft.alt_names.is_empty()),
            ("certificates.key", certificates.key.is_some()),
            (
                "certificates.days",
                certificates.days != DaysDraft::default(),
            ),
            (
                "certificates.subject",
                certificates.subject != SubjectDraft::default(),
            ),
            (
                "certificates.ca_key",
                certificates.ca_key.keep.is_some() || certificates.ca_key.passphrase_file.is_some(),
            ),
        ];
        for (field, given) in issuing {
            if given {
                self.add(
                    field,
                    "belongs to roles manager and ca: an instance issues nothing",
                );
            }
        }
        let of_instances = OptionsDraft {
            trust_store: draft.options.trust_store,
            enable_services: draft.options.enable_services,
            watch: draft.options.watch,
            ..OptionsDraft::default()
        };
        if draft.options != of_instances {
            self.add(
                "options",
                "belong to role manager, but for trust_store, enable_services and watch",
            );
        }
        let (server, clients) = (&certificates.server, &certificates.clients);
        if *server != ServerDraft::default() {
            self.add("certificates.server", "belongs to role manager");
        }
        if *clients != ClientsDraft::default() {
            self.add("certificates.clients", "belongs to role manager");
        }
        if draft.usage_reporting.is_some() {
            self.usage_reporting(draft);
        }
        self.agent_files(draft);
    }

    fn usage_reporting(&mut self, draft: &Draft) {
        let why = if draft.proxy.is_some_and(|proxy| proxy != Proxy::NginxPlus) {
            "belongs to proxy: nginx-plus: NGINX open source reports no usage"
        } else if draft.generation == Some(Generation::Nim1) {
            "belongs to generation: nim2: NGINX Instance Manager 1 is older than usage reports"
        } else {
            return;
        };
        self.add("usage_reporting", why);
    }

    fn agent_files(&mut self, draft: &Draft) {
        let field = "certificates.agent";
        let none = AgentFilesDraft::default();
        let given = draft.certificates.agent.as_ref().unwrap_or(&none);
        let paths = given.cert.is_some() || given.key.is_some() || given.ca.is_some();
        if given.bundle.is_some() && paths {
            self.add(field, "takes either a bundle, or cert, key and ca");
        } else if given.cert.is_some() != given.key.is_some() {
            self.add(
                field,
                "cert and key belong together: the agent stops with one of them alone",
            );
        } else if draft.method == Some(Method::ClientMtls)
            && given.bundle.is_none()
            && given.cert.is_none()
        {
            self.add(
                field,
                "is missing: with method client-mtls say the agent's cert and key, or a bundle \
                 (the folder issued/NAME of the manager, brought here)",
            );
        }
    }

    /// Answers of other roles, where this is a manager.
    pub(super) fn of_others(&mut self, draft: &Draft) {
        if draft.certificates.agent.is_some() {
            self.add("certificates.agent", "belongs to role instance");
        }
        if draft.usage_reporting.is_some() {
            self.add(
                "usage_reporting",
                "belongs to role instance, with proxy: nginx-plus",
            );
        }
        if draft.role == Some(Role::Ca) && draft.agents.is_empty() {
            self.add("agents", "is empty: role ca issues certificates for agents");
        }
    }
}
