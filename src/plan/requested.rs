//! What an authority elsewhere is asked to sign, and what of it has come back.

use std::collections::BTreeMap;

use super::brought::Brought;
use super::making::Making;
use super::naming::issued_folder;
use super::placed::below;
use super::server_files::{ServerFiles, Today, chain_of};
use crate::answers::{ClientSource, RequestFiles, Requests};
use crate::certificate::{
    Certificate, Purpose, Recipe, SigningRequest, authorities_hold, chain_verifies, valid_for,
};
use crate::error::Problem;
use crate::facts::{Facts, FileFact, FoundCa, FoundContent, Known};
use crate::values::{AbsPath, Digest, HostName, SubjectName};

pub(super) struct Requested<'a> {
    pub(super) server: Option<Item<'a>>,
    pub(super) agents: BTreeMap<HostName, Item<'a>>,
    /// Where the certificates of the authority are brought, as long as they are not there.
    pub(super) no_authority: Option<AbsPath>,
}

/// One certificate that is signed elsewhere.
pub(super) struct Item<'a> {
    pub(super) files: RequestFiles,
    pub(super) standing: Standing<'a>,
    /// What a request is to be written for.
    pub(super) ask: Option<Recipe>,
    /// It has been asked for, or will be.
    pub(super) is_awaited: bool,
    /// The names it is asked for.
    pub(super) names: Vec<SubjectName>,
}

/// Chains are as they are in their files.
#[derive(Clone, Copy)]
pub(super) enum Standing<'a> {
    /// Brought, and yet to be put in its place, with its key.
    Back(&'a [Certificate]),
    /// Brought for the key that is in use: signed again, or with issuers that were missing.
    Again(&'a [Certificate]),
    /// In its place.
    There(&'a [Certificate]),
    Missing,
}

/// Whether a chain at this path will do.
type Judge<'a> = dyn Fn(&AbsPath, &[Certificate]) -> Result<(), Problem> + 'a;

impl<'a> Item<'a> {
    pub(super) fn chain(&self) -> Option<&'a [Certificate]> {
        match self.standing {
            Standing::Back(chain) | Standing::Again(chain) | Standing::There(chain) => Some(chain),
            Standing::Missing => None,
        }
    }

    fn is_missing(&self) -> bool {
        self.chain().is_none()
    }
}

impl Requested<'_> {
    /// Without them nothing else can be done.
    pub(super) fn holds_up(&self) -> bool {
        let mut items = self.server.iter().chain(self.agents.values());
        self.no_authority.is_some() || items.any(Item::is_missing)
    }
}

impl<'a> Making<'a> {
    /// `today`: what the server presents, whose names a new certificate has to have, too.
    pub(super) fn requested(
        &self,
        ca: Option<&FoundCa>,
        today: Option<&Today>,
    ) -> Result<Requested<'a>, Problem> {
        if matches!(self.answers.clients, Some(ClientSource::Request(_))) {
            self.none_is_revoked()?;
        }
        let Requests {
            server,
            agents,
            authority,
        } = self.answers.requests(&self.facts.state.folder);
        let server = match (server, today) {
            (Some(files), Some(today)) => Some(self.of_server(ca, &files, today)?),
            _ => None,
        };
        let nothing = |path: &AbsPath| matches!(self.facts.file(path), FileFact::Nothing { .. });
        let no_authority = authority.clone().filter(nothing);
        let issuers = match &authority {
            Some(path) if no_authority.is_none() => self.authorities(path)?,
            _ => &[],
        };
        let agents = agents.into_iter().map(|(agent, files)| {
            let item = self.of_agent(&agent, &files, issuers)?;
            Ok((agent, item))
        });
        let agents: BTreeMap<HostName, Item<'a>> = agents.collect::<Result<_, Problem>>()?;
        Ok(Requested {
            server,
            agents,
            no_authority,
        })
    }

    /// The one that signs for agents, and those above it: where they would not do, no agent's
    /// certificate is to blame.
    fn authorities(&self, path: &AbsPath) -> Result<&'a [Certificate], Problem> {
        let brought = self.of_clients();
        let chain = brought.certificates(path)?;
        let agents = self.answers.agents.iter().cloned();
        let names: Vec<SubjectName> = agents.map(SubjectName::Dns).collect();
        let held = authorities_hold(chain, self.facts.looked_at, Purpose::Agent, &names);
        held.map_err(|fault| brought.refused(path, &format!("cannot be used: {fault}")))?;
        Ok(chain)
    }

    pub(super) fn of_clients(&self) -> Brought<'a> {
        Brought {
            facts: self.facts,
            field: "certificates.clients",
            user: "nim-tls",
        }
    }

    fn of_server(
        &self,
        ca: Option<&FoundCa>,
        files: &RequestFiles,
        today: &Today,
    ) -> Result<Item<'a>, Problem> {
        let brought = self.of_server_files();
        let presented = self.presented(today).ok();
        let replaced = presented.as_ref().and_then(|found| found.first());
        let recipe = self.server_recipe(replaced.and_then(|(_, chain)| chain.first()))?;
        let placed = self.placed_pair()?;
        let chain = placed_chain(self.facts, &placed);
        // What an authority of this host has signed was not asked for elsewhere.
        let own = |leaf: &Certificate| ca.is_some_and(|ca| leaf.names_as_issuer(&ca.intermediate));
        let placed = chain
            .filter(|chain| !own(&chain[0]))
            .map(|chain| (placed.chain, chain));
        let judge = |path: &AbsPath, chain: &[Certificate]| {
            brought.serves(path, chain, Purpose::Server)?;
            self.is_managers(&brought, path, &files.key, chain)
        };
        self.item(brought, files, &recipe, placed, &judge)
    }

    fn of_agent(
        &self,
        agent: &HostName,
        files: &RequestFiles,
        issuers: &[Certificate],
    ) -> Result<Item<'a>, Problem> {
        let brought = self.of_clients();
        let recipe = self.agent_recipe(agent).ok_or_else(|| {
            Problem::usage(format!(
                "agents: {agent} cannot be the name of a certificate"
            ))
        })?;
        let found = self.facts.state.issued.get(agent).and_then(Known::is);
        let placed = found.filter(|found| found.key_matches && !found.chain.is_empty());
        let path = below(&issued_folder(self.facts, agent), "agent.crt");
        let placed = placed.map(|found| (path, found.chain.as_slice()));
        let now = self.facts.looked_at;
        let judge = |path: &AbsPath, chain: &[Certificate]| {
            brought.serves(path, chain, Purpose::Agent)?;
            // By its subject nginx tells it from the others.
            if chain[0].common_name.as_deref() != Some(agent.as_str()) {
                let why = format!(
                    "holds {}, and its common name has to be {agent}: nginx tells agents apart by \
                     their subjects",
                    chain[0].subject
                );
                return Err(brought.refused(path, &why));
            }
            let (Some(issuer), Some(root)) = (issuers.first(), issuers.last()) else {
                return Ok(());
            };
            let leaf = &chain[0];
            if !leaf.names_as_issuer(issuer) {
                let why = format!(
                    "holds {}, which {} has signed, and not the authority of agents, {}",
                    leaf.subject, leaf.issuer, issuer.subject
                );
                return Err(brought.refused(path, &why));
            }
            let mut whole = vec![leaf];
            whole.extend(issuers.iter().filter(|one| !one.is_self_issued()));
            chain_verifies(&whole, root, now, Purpose::Agent)
                .map_err(|fault| brought.refused(path, &format!("cannot be used: {fault}")))
        };
        self.item(brought, files, &recipe, placed, &judge)
    }

    fn item(
        &self,
        brought: Brought<'a>,
        files: &RequestFiles,
        recipe: &Recipe,
        placed: Option<(AbsPath, &'a [Certificate])>,
        judge: &Judge<'_>,
    ) -> Result<Item<'a>, Problem> {
        let request = request_at(self.facts, &files.request);
        let key = key_at(self.facts, &files.key);
        // The certificate for it is on its way.
        let is_out = request.is_some_and(|asked| {
            asked.asks_for(recipe) && key.is_some_and(|key| *key == asked.public_key)
        });
        let item = |standing, asks: bool| Item {
            files: files.clone(),
            standing,
            ask: (asks && !is_out).then(|| recipe.clone()),
            is_awaited: asks || is_out,
            names: recipe.names.clone(),
        };
        let known = placed.as_ref().map(|(_, chain)| *chain);
        if let Some(standing) = back(&brought, files, key, known)? {
            if let Standing::Back(chain) | Standing::Again(chain) = standing {
                judge(&files.certificate, chain)?;
            }
            return Ok(Item {
                is_awaited: is_out && matches!(standing, Standing::Again(_)),
                ..item(standing, false)
            });
        }
        let good = placed.filter(|(path, chain)| judge(path, chain).is_ok());
        let Some((_, chain)) = good else {
            return Ok(item(Standing::Missing, true));
        };
        let leaf = &chain[0];
        // An authority may leave out a name; asking again would change nothing.
        let answered = request
            .is_some_and(|asked| asked.public_key == leaf.public_key && asked.names_all(recipe));
        let has_all = recipe.names.iter().all(|name| valid_for(leaf, name));
        let lasts = self
            .enough()
            .is_left_of(leaf.validity, self.facts.looked_at)
            .is_ok();
        let asks = !lasts || !(answered || has_all);
        Ok(item(Standing::There(chain), asks))
    }
}

/// What was brought for this request, or again for the key that is in use; none where nothing was,
/// or what is there is in its place already.
fn back<'a>(
    brought: &Brought<'a>,
    files: &RequestFiles,
    key: Option<&Digest>,
    placed: Option<&[Certificate]>,
) -> Result<Option<Standing<'a>>, Problem> {
    let path = &files.certificate;
    if let FileFact::Nothing { .. } = brought.facts.file(path) {
        return Ok(None);
    }
    let chain = brought.certificates(path)?;
    let leaf = &chain[0];
    if key == Some(&leaf.public_key) {
        return Ok(Some(Standing::Back(chain)));
    }
    if let Some(placed) = placed.filter(|placed| placed[0].public_key == leaf.public_key) {
        let longer = chain.iter().filter(|one| !one.is_self_issued()).count() > placed.len();
        let other = placed[0].fingerprint != leaf.fingerprint;
        return Ok((longer || other).then_some(Standing::Again(chain)));
    }
    let subject = &leaf.subject;
    let why = match key {
        Some(key) if chain.iter().any(|one| one.public_key == *key) => format!(
            "holds {subject} first: the certificate itself comes first in its file, and its \
             issuers after it"
        ),
        Some(_) => format!(
            "holds {subject}, which is not for the request {}: it has another key",
            files.request
        ),
        None => format!(
            "holds {subject}, and its key is not in {}: take it away, and apply again, to have a \
             request written",
            files.key
        ),
    };
    Err(brought.refused(path, &why))
}

fn request_at<'a>(facts: &'a Facts, path: &AbsPath) -> Option<&'a SigningRequest> {
    match &facts.file(path).file()?.content {
        FoundContent::Request(request) => Some(request),
        _ => None,
    }
}

fn key_at<'a>(facts: &'a Facts, path: &AbsPath) -> Option<&'a Digest> {
    match &facts.file(path).file()?.content {
        FoundContent::Key {
            public,
            encrypted: false,
        } => public.as_ref(),
        _ => None,
    }
}

/// A chain that this program has put there, with its key.
fn placed_chain<'a>(facts: &'a Facts, files: &ServerFiles) -> Option<&'a [Certificate]> {
    let chain = chain_of(facts, files).ok()?;
    let ours = facts
        .file(&files.chain)
        .file()
        .is_some_and(|file| file.ours);
    Some(chain).filter(|chain| ours && !chain.is_empty())
}

impl Making<'_> {
    /// The root under which that chain stands, where it is known: it is not in the chain that is
    /// presented.
    pub(super) fn root_above(
        &self,
        chain: &[Certificate],
        files: &RequestFiles,
        issuers: &[&Certificate],
    ) -> Option<Certificate> {
        let agents = self.answers.agents.iter();
        let issued = agents.map(|agent| below(&issued_folder(self.facts, agent), "ca.pem"));
        let files = std::iter::once(files.certificate.clone()).chain(issued);
        let brought = files.filter_map(|path| match &self.facts.file(&path).file()?.content {
            FoundContent::Certificates(found) => Some(found),
            _ => None,
        });
        let known = issuers.iter().copied();
        let mut roots = brought
            .flatten()
            .chain(known)
            .filter(|one| one.is_self_issued());
        let sent = self.completed(chain, issuers);
        let now = self.facts.looked_at;
        let root = roots.find(|root| chain_verifies(&sent, root, now, Purpose::Server).is_ok());
        root.cloned()
    }

    /// What is sent: without the root, which whoever trusts it has, and with the authorities between
    /// that were left out, as far as they are known.
    pub(super) fn completed(
        &self,
        chain: &[Certificate],
        issuers: &[&Certificate],
    ) -> Vec<Certificate> {
        let mut sent: Vec<Certificate> = chain
            .iter()
            .filter(|one| !one.is_self_issued())
            .cloned()
            .collect();
        while let Some(above) = sent.last().and_then(|last| {
            let mut known = issuers.iter();
            known.find(|one| !one.is_self_issued() && last.names_as_issuer(one))
        }) {
            if sent.iter().any(|one| one.fingerprint == above.fingerprint) {
                break;
            }
            sent.push((*above).clone());
        }
        sent
    }

    /// The root of the manager's certificate, where nothing here touches that certificate.
    pub(super) fn root_of_server(&self, issuers: &[&Certificate]) -> Option<Certificate> {
        let files = self.answers.requests(&self.facts.state.folder).server?;
        let placed = self.placed_pair().ok()?;
        let chain = placed_chain(self.facts, &placed);
        let brought = self.facts.file(&files.certificate).file();
        let brought = brought.and_then(|file| match &file.content {
            FoundContent::Certificates(found) => Some(found.as_slice()),
            _ => None,
        });
        self.root_above(chain.or(brought)?, &files, issuers)
    }
}
