//! Certificates of agents: which are made, and what each agent is handed.

use std::collections::BTreeMap;

use super::client_authority::Voucher;
use super::file::{Content, Piece};
use super::making::Making;
use super::naming::issued_folder;
use super::placed::below;
use crate::answers::ClientSource;
use crate::certificate::{Purpose, Recipe, kept, pem_chain, spread_days};
use crate::facts::Known;
use crate::values::{AbsPath, HostName, SubjectName};

impl Making<'_> {
    /// The agents that need a certificate.
    pub(super) fn agents(&mut self, voucher: &Voucher<'_>) -> BTreeMap<HostName, Recipe> {
        let mut missing = BTreeMap::new();
        if !voucher.signs() {
            return missing;
        }
        for agent in &self.answers.agents {
            let current = self.facts.state.issued.get(agent).and_then(Known::is);
            let current = current.and_then(|found| found.chain.first());
            let is_revoked = current.is_some_and(|leaf| voucher.has_revoked(leaf));
            if (is_revoked && !self.answers.orders.issue_anew)
                || self.answers.orders.revoke.contains(agent)
            {
                if is_revoked {
                    self.notes.push(format!(
                        "the certificate of {agent} is revoked, and no other is made: nim-tls \
                         certs issue {agent}"
                    ));
                }
                self.shut_out.insert(agent.clone());
                continue;
            }
            let Some(recipe) = self.agent_recipe(agent) else {
                continue;
            };
            let found = self.facts.state.issued.get(agent).and_then(Known::is);
            let issuers = &voucher.issuers;
            let stays = found.is_some_and(|found| {
                found.key_matches
                    && !is_revoked
                    && !issuers.is_empty()
                    && found.chain.first().is_some_and(|leaf| {
                        let now = self.facts.looked_at;
                        kept(&recipe, issuers, leaf, None, self.enough(), now).is_ok()
                    })
            });
            if !stays {
                missing.insert(agent.clone(), recipe);
            }
        }
        missing
    }

    pub(super) fn agent_recipe(&self, agent: &HostName) -> Option<Recipe> {
        let days = spread_days(self.answers.days.agent, agent.as_str());
        let names = vec![SubjectName::Dns(agent.clone())];
        // `Answers::check` has refused every agent that cannot be a common name.
        let recipe = self.recipe(Purpose::Agent, agent.as_str(), names, days);
        recipe.ok()
    }

    /// Nobody is to wonder where the other days are.
    pub(super) fn note_spread(&mut self, agents: &BTreeMap<HostName, Recipe>) {
        let days = || agents.values().map(|recipe| recipe.days);
        if let (Some(least), Some(most)) = (days().min(), days().max())
            && least < self.answers.days.agent
        {
            let wanted = self.answers.days.agent;
            let lives = if least == most {
                format!("{least} days")
            } else {
                format!("{least} to {most} days")
            };
            self.notes.push(format!(
                "agents' certificates live {lives}: up to a tenth of the {wanted} is taken off, \
                 drawn from each name, so that they do not all end in one night"
            ));
        }
    }

    /// What each agent is handed: its own, and the root that verifies the manager, where that is
    /// known to (`root_is_known`).
    pub(super) fn issued(
        &mut self,
        voucher: &Voucher<'_>,
        new: &BTreeMap<HostName, Recipe>,
        root: Option<&Content>,
        root_is_known: bool,
    ) {
        let shut_out = std::mem::take(&mut self.shut_out);
        if !voucher.signs() && !self.asks_for_agents() {
            return;
        }
        for agent in self.answers.agents.difference(&shut_out) {
            let folder = issued_folder(self.facts, agent);
            if new.contains_key(agent) {
                self.former(voucher, agent, &folder);
                let chain = Content::Issued(Piece::AgentChain(agent.clone()));
                self.place(&below(&folder, "agent.crt"), 0o644, chain);
                let key = Content::Issued(Piece::AgentKey(agent.clone()));
                self.place(&below(&folder, "agent.key"), 0o600, key);
            }
            if let Some(root) = root {
                self.place(&below(&folder, "ca.pem"), 0o644, root.clone());
            }
            let text = super::template::agent_conf(self.answers, root_is_known);
            self.place(
                &below(&folder, "nginx-agent.conf"),
                0o644,
                Content::Text(text),
            );
        }
    }

    /// Their certificates are signed elsewhere, and handed out from here.
    fn asks_for_agents(&self) -> bool {
        matches!(self.answers.clients, Some(ClientSource::Request(_)))
    }

    /// What was issued for the name before, and is good still, can be revoked later.
    fn former(&mut self, voucher: &Voucher<'_>, agent: &HostName, folder: &AbsPath) {
        let found = self.facts.state.issued.get(agent).and_then(Known::is);
        let Some((issuer, found)) = voucher.issuers.first().zip(found) else {
            return;
        };
        let leaves = found.chain.first().into_iter().chain(&found.former);
        let good = leaves.filter(|leaf| {
            leaf.names_as_issuer(issuer)
                && leaf.validity.not_after > self.facts.looked_at
                && !voucher.has_revoked(leaf)
        });
        let text = pem_chain(good);
        if !text.is_empty() {
            self.place(&below(folder, "former.pem"), 0o644, Content::Text(text));
        }
    }
}
