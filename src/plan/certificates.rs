//! Which certificates are kept and which are made, and where each goes.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{Content, FileChange, FolderChange, Piece};
use super::making::Making;
use super::naming;
use super::placed::below;
use super::revoking::Revoking;
use super::server_certificate::{ServerFiles, Today};
use super::step::{Fetch, Issuing, ProofTrust, RevokedAgent};
use crate::answers::Answers;
use crate::certificate::{Purpose, Recipe, kept, pem_chain, spread_days};
use crate::error::Problem;
use crate::facts::{Facts, FoundCa, Known};
use crate::method::{Method, Proxy};
use crate::values::{AbsPath, Gather as _, HostName, Mode, SubjectName};

/// What the rest of the plan needs to know about certificates.
pub(super) struct Certificates {
    pub(super) issuing: Option<Issuing>,
    /// The key of a certificate that was brought.
    pub(super) fetch: Option<Fetch>,
    pub(super) files: Vec<FileChange>,
    pub(super) folders: Vec<FolderChange>,
    /// The server's chain and key, as nginx is to be told.
    pub(super) server: ServerFiles,
    /// A new pair: nginx may have to be told where it is.
    pub(super) new_server: bool,
    pub(super) trust: ProofTrust,
    /// What nginx verifies clients against; only where a method asks for it.
    pub(super) client_bundle: Option<AbsPath>,
    /// Where nginx reads which of them are revoked.
    pub(super) revoking: Option<Revoking>,
    /// What nginx itself shows to the manager, where there is TLS between them.
    pub(super) inner: Option<ServerFiles>,
    /// The root alone, for trust stores.
    pub(super) root: Content,
    pub(super) notes: Vec<String>,
}

impl Certificates {
    /// Those who must be refused although we have issued their certificate.
    pub(super) fn revoked_agents(&self) -> Vec<RevokedAgent> {
        let revoking = self.revoking.iter();
        revoking.flat_map(|one| one.agents.clone()).collect()
    }

    /// Where nginx reads what is revoked.
    pub(super) fn crl(&self) -> Option<&AbsPath> {
        self.revoking.as_ref().map(|one| &one.bundle)
    }
}

/// Plans the certificates for a server that presents `today`.
pub(super) fn plan(
    facts: &Facts,
    answers: &Answers,
    today: &Today,
) -> Result<Certificates, Problem> {
    let mut made = Making::of(facts, answers);
    let ca = authority_of(facts)?;
    let server = made.server(ca, today)?;
    let agents = made.agents(ca);
    made.note_spread(&agents);
    let mut leaves = agents.clone();
    let inner = made.inner(ca, &mut leaves)?;
    let judges = answers.method == Method::ClientMtls && answers.proxy != Proxy::None;
    let revoking = if judges { made.revoking(ca)? } else { None };
    let lists = revoking.as_ref().and_then(|one| one.lists.clone());
    let signs = server.recipe.is_some() || !leaves.is_empty() || lists.is_some();
    let verifies = answers.method == Method::ClientMtls || inner.is_some();
    let authority = match ca {
        Some(ca) if signs => {
            let recipes = server.recipe.iter().chain(leaves.values());
            let names = recipes
                .flat_map(|recipe| recipe.names.iter().cloned())
                .gathered();
            Some(made.existing_authority(ca, &names)?)
        }
        None if signs || verifies => {
            let names = made.names_in_play(server.recipe.as_ref());
            Some(made.new_authority(&names)?)
        }
        _ => None,
    };
    let client_bundle = if verifies {
        Some(made.client_bundle(ca)?)
    } else {
        None
    };
    made.issued(ca, &agents, server.trust == ProofTrust::OurRoot);
    let folders = made.folders(authority.is_some());
    let new_server = server.is_new;
    let issuing = authority.map(|authority| Issuing {
        authority,
        server: server.recipe,
        agents: leaves,
        lists,
        folder: below(&facts.state.folder, "ca"),
    });
    Ok(Certificates {
        issuing,
        revoking,
        fetch: made.fetch.take(),
        inner,
        files: made.files,
        folders,
        server: server.files,
        new_server,
        trust: server.trust,
        client_bundle,
        root: public(ca, Piece::RootCertificate),
        notes: made.notes,
    })
}

/// The name on the certificate that every NGINX Instance Manager 2 comes with: what replaces that
/// one has to be for it too.
const VENDORS_NAME: &str = "manager-server";

/// Certificates for agents alone.
pub(super) struct ForAgents {
    pub(super) issuing: Option<Issuing>,
    pub(super) files: Vec<FileChange>,
    pub(super) folders: Vec<FolderChange>,
    pub(super) notes: Vec<String>,
}

/// The same where nothing is for this host itself. `server` is what the manager may be issued
/// later: a new authority has to be allowed to.
pub(super) fn for_agents(
    facts: &Facts,
    answers: &Answers,
    server: Option<&Recipe>,
) -> Result<ForAgents, Problem> {
    let mut made = Making::of(facts, answers);
    let ca = authority_of(facts)?;
    let agents = made.agents(ca);
    made.note_spread(&agents);
    let authority = match ca {
        None => {
            let mut names = made.names_in_play(server);
            names.extend(VENDORS_NAME.parse().map(SubjectName::Dns));
            Some(made.new_authority(&names)?)
        }
        Some(ca) if !agents.is_empty() => {
            let recipes = agents.values();
            let names = recipes.flat_map(|recipe| recipe.names.iter().cloned());
            Some(made.existing_authority(ca, &names.gathered())?)
        }
        Some(_) => None,
    };
    made.issued(ca, &agents, true);
    let mut folders = made.folders(authority.is_some());
    folders.retain(|folder| folder.path != naming::certs(answers.generation()));
    Ok(ForAgents {
        issuing: authority.map(|authority| Issuing {
            authority,
            server: None,
            agents,
            lists: None,
            folder: below(&facts.state.folder, "ca"),
        }),
        files: made.files,
        folders,
        notes: made.notes,
    })
}

/// The authority of this host, if there is one.
fn authority_of(facts: &Facts) -> Result<Option<&FoundCa>, Problem> {
    match &facts.state.ca {
        Known::Is(ca) => Ok(Some(ca)),
        Known::Absent => Ok(None),
        Known::Unclear(why) => Err(Problem::host(format!(
            "the certificate authority cannot be read: {why}; put the file back from a backup, or \
             go back and apply again, which makes a new authority"
        ))
        .remedy("nim-tls rollback")),
    }
}

impl Making<'_> {
    /// The agents that need a certificate.
    fn agents(&mut self, ca: Option<&FoundCa>) -> BTreeMap<HostName, Recipe> {
        let mut missing = BTreeMap::new();
        for agent in &self.answers.agents {
            let days = spread_days(self.answers.days.agent, agent.as_str());
            let names = vec![SubjectName::Dns(agent.clone())];
            let current = self.facts.state.issued.get(agent).and_then(Known::is);
            let current = current.and_then(|found| found.chain.first());
            let is_revoked = ca
                .zip(current)
                .is_some_and(|(ca, leaf)| ca.has_revoked(leaf));
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
            // `Answers::check` has refused every agent that cannot be a common name.
            let Ok(recipe) = self.recipe(Purpose::Agent, agent.as_str(), names, days) else {
                continue;
            };
            let found = self.facts.state.issued.get(agent).and_then(Known::is);
            let stays = ca.zip(found).is_some_and(|(ca, found)| {
                let issuers = [&ca.intermediate, &ca.root];
                found.key_matches
                    && !is_revoked
                    && found.chain.first().is_some_and(|leaf| {
                        let now = self.facts.looked_at;
                        kept(&recipe, &issuers, leaf, None, self.enough(), now).is_ok()
                    })
            });
            if !stays {
                missing.insert(agent.clone(), recipe);
            }
        }
        missing
    }

    /// Nobody is to wonder where the other days are.
    fn note_spread(&mut self, agents: &BTreeMap<HostName, Recipe>) {
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

    fn client_bundle(&mut self, ca: Option<&FoundCa>) -> Result<AbsPath, Problem> {
        let path = naming::free(self.facts, &self.certs(), "ca.pem")?;
        self.place(&path, 0o644, public(ca, Piece::ClientBundle));
        Ok(path)
    }

    /// What each agent is handed.
    fn issued(&mut self, ca: Option<&FoundCa>, new: &BTreeMap<HostName, Recipe>, our_root: bool) {
        let shut_out = std::mem::take(&mut self.shut_out);
        for agent in self.answers.agents.difference(&shut_out) {
            let folder = issued_folder(self.facts, agent);
            if new.contains_key(agent) {
                self.former(ca, agent, &folder);
                let chain = Content::Issued(Piece::AgentChain(agent.clone()));
                self.place(&below(&folder, "agent.crt"), 0o644, chain);
                let key = Content::Issued(Piece::AgentKey(agent.clone()));
                self.place(&below(&folder, "agent.key"), 0o600, key);
            }
            self.place(
                &below(&folder, "ca.pem"),
                0o644,
                public(ca, Piece::RootCertificate),
            );
            let text = super::template::agent_conf(self.answers, our_root);
            self.place(
                &below(&folder, "nginx-agent.conf"),
                0o644,
                Content::Text(text),
            );
        }
    }

    /// What was issued for the name before, and is good still, can be revoked later.
    fn former(&mut self, ca: Option<&FoundCa>, agent: &HostName, folder: &AbsPath) {
        let found = self.facts.state.issued.get(agent).and_then(Known::is);
        let Some((ca, found)) = ca.zip(found) else {
            return;
        };
        let leaves = found.chain.first().into_iter().chain(&found.former);
        let good = leaves.filter(|leaf| {
            leaf.names_as_issuer(&ca.intermediate)
                && leaf.validity.not_after > self.facts.looked_at
                && !ca.has_revoked(leaf)
        });
        let text = pem_chain(good);
        if !text.is_empty() {
            self.place(&below(folder, "former.pem"), 0o644, Content::Text(text));
        }
    }

    fn folders(&self, new_authority: bool) -> Vec<FolderChange> {
        let state = &self.facts.state.folder;
        let mut folders = vec![FolderChange {
            path: self.certs(),
            mode: Mode(0o755),
        }];
        let mut private = |path: AbsPath| {
            folders.push(FolderChange {
                path,
                mode: Mode(0o700),
            });
        };
        private(state.clone());
        if new_authority {
            private(below(state, "ca"));
        }
        if !self.answers.agents.is_empty() {
            private(below(state, "issued"));
        }
        for agent in &self.answers.agents {
            private(issued_folder(self.facts, agent));
        }
        folders
    }

    fn names_in_play(&self, server: Option<&Recipe>) -> BTreeSet<SubjectName> {
        let mut names = self.answers.alt_names.clone();
        names.insert(SubjectName::Dns(self.answers.manager_name.clone()));
        names.extend(self.answers.agents.iter().cloned().map(SubjectName::Dns));
        names.extend(
            server
                .iter()
                .flat_map(|recipe| recipe.names.iter().cloned()),
        );
        names
    }
}

/// A public piece: its text where the authority is there already, a name for it otherwise.
fn public(ca: Option<&FoundCa>, piece: Piece) -> Content {
    match (ca, &piece) {
        (Some(ca), Piece::RootCertificate) => Content::Text(ca.root.pem()),
        (Some(ca), Piece::ClientBundle) => {
            Content::Text(format!("{}{}", ca.intermediate.pem(), ca.root.pem()))
        }
        _ => Content::Issued(piece),
    }
}

fn issued_folder(facts: &Facts, agent: &HostName) -> AbsPath {
    below(&below(&facts.state.folder, "issued"), agent.as_str())
}
