//! Who vouches for agents: the authority of this host, or one that was brought and may have signed
//! for others too.

use std::collections::{BTreeMap, BTreeSet};

use super::brought::Brought;
use super::listed::{Listed, Listing};
use super::making::Making;
use super::requested::Requested;
use super::to_issue::BroughtAuthority;
use crate::answers::{ClientSource, ImportedCa};
use crate::certificate::{
    Certificate, Purpose, Recipe, Validity, authorities_hold, flaws, pem_chain,
};
use crate::error::Problem;
use crate::facts::{FoundCa, Known};
use crate::values::{AbsPath, HostName, SubjectName};

/// As whom the proof may show itself: one whose certificate lies here is enough.
const PROVEN: usize = 8;

const FIELD: &str = "certificates.clients";

pub(super) struct Voucher<'a> {
    /// The one that issues, then those above it, the root last. None: it is yet to be made.
    pub(super) issuers: Vec<&'a Certificate>,
    source: Source<'a>,
}

enum Source<'a> {
    /// The one of this host, as far as there is one.
    Own(Option<&'a FoundCa>),
    /// From elsewhere; it signs here where its key was brought, too.
    Brought(Option<BroughtAuthority>),
}

impl Voucher<'_> {
    /// Whether certificates are issued here at all.
    pub(super) fn signs(&self) -> bool {
        !matches!(self.source, Source::Brought(None))
    }

    pub(super) fn is_brought(&self) -> bool {
        matches!(self.source, Source::Brought(_))
    }

    /// What signs for agents in place of the authority of this host.
    pub(super) fn signer(self) -> Option<BroughtAuthority> {
        match self.source {
            Source::Brought(signer) => signer,
            Source::Own(_) => None,
        }
    }

    pub(super) fn has_revoked(&self, certificate: &Certificate) -> bool {
        matches!(self.source, Source::Own(Some(ca)) if ca.has_revoked(certificate))
    }
}

impl<'a> Making<'a> {
    pub(super) fn voucher(&mut self, ca: Option<&'a FoundCa>) -> Result<Voucher<'a>, Problem> {
        match &self.answers.clients {
            Some(ClientSource::Import(source)) => {
                let voucher = self.brought(source)?;
                if !voucher.signs() {
                    self.notes.push(format!(
                        "no certificate is issued for agents, because {FIELD}.ca_key is not said: \
                         each brings its own of {}, with its name as the common name, last in the \
                         subject",
                        voucher.issuers[0].subject
                    ));
                }
                Ok(voucher)
            }
            Some(ClientSource::Request(_)) => {
                let requests = self.answers.requests(&self.facts.state.folder);
                let cert = requests
                    .authority
                    .ok_or_else(|| Problem::usage(format!("{FIELD}.ca_cert is missing")))?;
                self.brought(&ImportedCa { cert, key: None })
            }
            None => Ok(Voucher {
                issuers: ca.map_or(Vec::new(), |ca| vec![&ca.intermediate, &ca.root]),
                source: Source::Own(ca),
            }),
        }
    }

    fn brought(&mut self, source: &ImportedCa) -> Result<Voucher<'a>, Problem> {
        self.none_is_revoked()?;
        let brought = Brought {
            facts: self.facts,
            field: FIELD,
            user: "nim-tls",
        };
        let now = self.facts.looked_at;
        let chain = brought.certificates(&source.cert)?;
        let agents = self.answers.agents.iter().cloned();
        let names: Vec<SubjectName> = agents.map(SubjectName::Dns).collect();
        if let Err(fault) = authorities_hold(chain, now, Purpose::Agent, &names) {
            return Err(brought.refused(&source.cert, &format!("cannot be used: {fault}")));
        }
        for flaw in flaws(chain, now) {
            self.notes
                .push(format!("{FIELD}: {}: {}", source.cert, flaw.words));
        }
        let signer = match &source.key {
            Some(key) => Some(self.signer(brought, &source.cert, chain, key)?),
            None => None,
        };
        Ok(Voucher {
            issuers: chain.iter().collect(),
            source: Source::Brought(signer),
        })
    }

    fn signer(
        &mut self,
        brought: Brought<'_>,
        cert: &AbsPath,
        chain: &[Certificate],
        key: &AbsPath,
    ) -> Result<BroughtAuthority, Problem> {
        self.lives_long_enough(&chain[0])?;
        let encrypted = brought.is_encrypted(key, cert, &chain[0])?;
        let found = brought.readable(key)?;
        if found.mode.0 & 0o077 != 0 {
            self.notes.push(format!(
                "others on this host can read {key}, the key of the agents' authority (mode {}): \
                 chmod 600 {key}",
                found.mode
            ));
        }
        Ok(BroughtAuthority {
            chain: pem_chain(chain),
            key: key.clone(),
            digest: found.digest.clone(),
            encrypted,
        })
    }

    /// Its lists are its own to sign.
    pub(super) fn none_is_revoked(&self) -> Result<(), Problem> {
        if self.answers.orders.revoke.is_empty() {
            return Ok(());
        }
        Err(Problem::host(
            "the agents' authority is from elsewhere, and lists of what it revokes are its own to \
             sign; nginx lets in nobody who is not among agents: take the name out of agents in \
             the answers, and apply them again",
        )
        .remedy("nim-tls apply --answers FILE"))
    }

    /// Nothing outlives its issuer: a default is cut, an explicit lifetime refused.
    fn lives_long_enough(&mut self, issuer: &Certificate) -> Result<(), Problem> {
        let left = (issuer.validity.not_after - self.facts.looked_at) / Validity::DAY;
        let wanted = self.answers.days.agent;
        let field = "certificates.days.agent";
        if i64::from(wanted) <= left {
            return Ok(());
        }
        if self.answers.defaults.contains_key(field) {
            self.notes.push(format!(
                "agents' certificates live {left} days at most instead of {wanted}: their issuer \
                 ends then"
            ));
            return Ok(());
        }
        let what = format!(
            "{field} is {wanted}, longer than {} lives ({left})",
            issuer.subject
        );
        Err(Problem::usage(what).remedy(format!("say at most {left}")))
    }

    /// Who is let in, where not everybody is whom the authority has signed for. `new`: what is to
    /// be issued.
    pub(super) fn listing(
        &self,
        voucher: &Voucher<'_>,
        new: &BTreeMap<HostName, Recipe>,
        requested: &Requested<'_>,
    ) -> Option<Listing> {
        let Source::Brought(signer) = &voucher.source else {
            return None;
        };
        let depth = voucher.issuers.len().saturating_sub(1);
        let mut listing = Listing {
            entries: BTreeSet::new(),
            issued: BTreeMap::new(),
            authority: signer.clone(),
            depth,
        };
        for agent in &self.answers.agents {
            if requested.agents.contains_key(agent) {
                listing.entries.extend(self.subjects_of(requested, agent));
                let recipe = self
                    .agent_recipe(agent)
                    .filter(|_| listing.issued.len() < PROVEN);
                listing
                    .issued
                    .extend(recipe.map(|recipe| (agent.clone(), recipe)));
                continue;
            }
            if signer.is_none() {
                listing.entries.insert(Listed::CommonName(agent.clone()));
                continue;
            }
            // With other parts in its subject it may be in use until the new one is brought there.
            let found = self.facts.state.issued.get(agent).and_then(Known::is);
            let leaves = found.map(|found| found.chain.first().into_iter().chain(&found.former));
            let good = leaves.into_iter().flatten().filter(|leaf| {
                let issuer = voucher.issuers.first();
                issuer.is_some_and(|issuer| leaf.names_as_issuer(issuer))
                    && leaf.validity.not_after > self.facts.looked_at
            });
            let subjects = good.map(|leaf| Listed::Subject(leaf.subject_rfc2253.clone()));
            listing.entries.extend(subjects);
            let recipe = new.get(agent).cloned();
            if let Some(recipe) = recipe.or_else(|| self.agent_recipe(agent)) {
                let subject = recipe.subject.rfc2253();
                listing.entries.insert(Listed::Subject(subject));
                if listing.issued.len() < PROVEN {
                    listing.issued.insert(agent.clone(), recipe);
                }
            }
        }
        Some(listing)
    }
}
