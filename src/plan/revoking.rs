//! Certificates of agents that are no longer good: the lists that say so, and where nginx reads
//! them.

use std::collections::BTreeMap;

use super::file::{Content, Piece};
use super::making::Making;
use super::naming;
use super::placed::below;
use super::to_issue::Lists;
use super::to_prove::RevokedAgent;
use crate::certificate::Certificate;
use crate::error::Problem;
use crate::facts::{CaKey, FoundCa, FoundIssued, Known};
use crate::values::{AbsPath, HostName};

const BUNDLE: &str = "agents.crl";

/// What nginx judges agents by, beside their authority.
pub(super) struct Revoking {
    pub(super) bundle: AbsPath,
    /// To be signed; none where the lists stay as they are.
    pub(super) lists: Option<Lists>,
    pub(super) agents: Vec<RevokedAgent>,
}

impl Making<'_> {
    /// None where nobody has asked for lists, and there are none.
    pub(super) fn revoking(&mut self, ca: Option<&FoundCa>) -> Result<Option<Revoking>, Problem> {
        let wanted = self.answers.orders.revoke.clone();
        let listed = ca.and_then(|ca| ca.revoked.as_ref());
        if wanted.is_empty() && !self.answers.crl && listed.is_none() {
            return Ok(None);
        }
        let bundle = naming::free(self.facts, &self.certs(), BUNDLE)?;
        let before = listed.map(|list| list.revoked.clone()).unwrap_or_default();
        let mut revoked: BTreeMap<String, Option<i64>> = before
            .iter()
            .map(|(serial, at)| (serial.clone(), Some(*at)))
            .collect();
        for name in &wanted {
            self.notes.push(format!(
                "{name} is refused from now on, whoever shows its certificate, and its open calls \
                 are ended"
            ));
            for leaf in self.issued_for(ca, name)? {
                revoked.entry(leaf.serial.clone()).or_insert(None);
            }
        }
        let agents = self.refused_for_good(&revoked);
        let state = below(&self.facts.state.folder, "ca");
        if let (Some(list), Some(root)) = (listed, ca.and_then(|ca| ca.root_list.as_ref()))
            && revoked.len() == before.len()
        {
            let text = format!("{}{}", list.pem, root.pem);
            self.place(&bundle, 0o644, Content::Text(text));
            let lists = None;
            return Ok(Some(Revoking {
                bundle,
                lists,
                agents,
            }));
        }
        let root = ca.is_none_or(|ca| ca.root_list.is_none());
        if let Some(ca) = ca {
            can_sign(ca, root, &state)?;
        }
        let mut list = |name: &str, piece| {
            self.place(&below(&state, name), 0o644, Content::Issued(piece));
        };
        list("intermediate.crl", Piece::IntermediateList);
        if root {
            list("root.crl", Piece::RootList);
        }
        self.place(&bundle, 0o644, Content::Issued(Piece::RevocationBundle));
        Ok(Some(Revoking {
            bundle,
            lists: Some(Lists { revoked, root }),
            agents,
        }))
    }

    /// All certificates of an agent that our intermediate has issued, and that are good still.
    fn issued_for(
        &self,
        ca: Option<&FoundCa>,
        name: &HostName,
    ) -> Result<Vec<&Certificate>, Problem> {
        let none = || {
            Problem::host(format!(
                "no certificate that is good still was issued here for {name}, so there is \
                 nothing to revoke"
            ))
            .remedy(format!("ls {}/issued", self.facts.state.folder))
        };
        let ca = ca.ok_or_else(none)?;
        let found = self.facts.state.issued.get(name).and_then(Known::is);
        let found: &FoundIssued = found.ok_or_else(none)?;
        let leaves = found.chain.first().into_iter().chain(&found.former);
        let leaves: Vec<&Certificate> = leaves
            .filter(|leaf| leaf.names_as_issuer(&ca.intermediate))
            .filter(|leaf| leaf.validity.not_after > self.facts.looked_at)
            .collect();
        if leaves.is_empty() {
            return Err(none());
        }
        Ok(leaves)
    }

    /// Those whose certificate lies here: the proof tries them.
    fn refused_for_good(&self, revoked: &BTreeMap<String, Option<i64>>) -> Vec<RevokedAgent> {
        let issued = self.facts.state.issued.iter();
        let current = issued.filter_map(|(name, found)| Some((name, found.is()?.chain.first()?)));
        current
            .filter(|(_, leaf)| revoked.contains_key(&leaf.serial))
            .map(|(name, leaf)| RevokedAgent {
                name: name.clone(),
                serial: leaf.serial.clone(),
            })
            .collect()
    }
}

fn can_sign(ca: &FoundCa, root: bool, folder: &AbsPath) -> Result<(), Problem> {
    let gone = |key: CaKey| key == CaKey::Gone;
    let missing = gone(ca.key) || (root && gone(ca.root_key));
    if !missing {
        return Ok(());
    }
    Err(Problem::host(format!(
        "a key of the authority is no longer in {folder}, and only with it can anything be \
         revoked; once the run that made the authority is put back, another apply makes a new one, \
         and then no certificate of before is good"
    ))
    .remedy("nim-tls rollback"))
}
