//! The agent's certificate, its key, and the authority that it trusts: judged where they were
//! brought to, and placed where the agent reads them.

use super::brought::Brought;
use super::file::{Content, FileChange};
use super::naming;
use super::placed::{below, change};
use crate::answers::{CertificateFiles, InstanceAnswers};
use crate::bundle;
use crate::certificate::{Certificate, Purpose, chain_verifies, pem_chain};
use crate::error::Problem;
use crate::facts::{Facts, FileFact, FoundFile, Generation, Known};
use crate::values::{AbsPath, Digest, Mode};

/// What the agent's settings will name.
#[derive(Clone)]
pub(super) struct AgentFiles {
    pub(super) files: Vec<FileChange>,
    pub(super) certificate: Option<CertificateFiles>,
    pub(super) ca: Option<AbsPath>,
    /// For trust stores: the root among what `ca` holds.
    pub(super) root: Option<Content>,
    /// Where the key is fetched from, if it has to be placed.
    pub(super) key: Option<(AbsPath, Digest)>,
    /// Of the agent: each has a place of its own.
    generation: Generation,
}

const DAY: i64 = 86_400;
/// Less than this is left of it: that is said.
const SOON: i64 = 30 * DAY;

fn brought(facts: &Facts) -> Brought<'_> {
    Brought {
        facts,
        field: "certificates.agent",
        user: "the agent",
    }
}

pub(super) fn plan(
    facts: &Facts,
    answers: &InstanceAnswers,
    notes: &mut Vec<String>,
) -> Result<AgentFiles, Problem> {
    let mut placed = AgentFiles {
        files: Vec::new(),
        certificate: None,
        ca: None,
        root: None,
        key: None,
        generation: answers.generation,
    };
    let brought = brought(facts);
    if let Some(bundle) = &answers.bundle {
        is_a_bundle(facts, bundle)?;
    }
    let mut authorities = None;
    if let Some(source) = &answers.ca {
        let found = brought.certificates(source)?;
        are_authorities(facts, source, found)?;
        let root = found.iter().find(|one| one.is_self_issued());
        placed.root = root.map(|root| Content::Text(root.pem()));
        placed.ca = Some(placed.public(facts, source, "agent-ca.pem", found)?);
        authorities = Some(found);
    }
    if let Some(source) = &answers.certificate {
        let chain = brought.certificates(&source.cert)?;
        brought.serves(&source.cert, chain, Purpose::Agent)?;
        brought.key_matches(source, &chain[0])?;
        if let Some(authorities) = authorities {
            notes.extend(leads_to(facts, &source.cert, chain, authorities));
        }
        let left = chain[0].validity.not_after - facts.looked_at;
        if left < SOON {
            let days = left / DAY;
            notes.push(format!(
                "the agent's certificate ends in {days} days: renew it soon"
            ));
        }
        let cert = placed.public(facts, &source.cert, "agent.crt", chain)?;
        let key = placed.key(facts, &source.key)?;
        if key != source.key {
            let brought = answers.bundle.as_ref().unwrap_or(&source.key);
            notes.push(format!(
                "the key is copied, and {brought} stays: once the agent is connected, take it away"
            ));
        }
        placed.certificate = Some(CertificateFiles { cert, key });
    }
    Ok(placed)
}

impl AgentFiles {
    /// A file that everybody may read; where it lies at its place already, it stays as it is.
    fn public(
        &mut self,
        facts: &Facts,
        source: &AbsPath,
        name: &str,
        chain: &[Certificate],
    ) -> Result<AbsPath, Problem> {
        let usual = naming::certs(self.generation)
            .join(name)
            .expect("a literal name");
        let text = pem_chain(chain);
        if *source == usual || holds(facts, &usual, &Digest::of(text.as_bytes())) {
            return Ok(usual);
        }
        let path = naming::free(facts, &naming::certs(self.generation), name)?;
        let change = change(facts, &path, 0o644, Content::Text(text));
        self.files.push(change);
        Ok(path)
    }

    fn key(&mut self, facts: &Facts, source: &AbsPath) -> Result<AbsPath, Problem> {
        let found = brought(facts).readable(source)?;
        let name = "agent.key";
        let usual = naming::certs(self.generation)
            .join(name)
            .expect("a literal name");
        if *source == usual || holds(facts, &usual, &found.digest) {
            let there = brought(facts).readable(&usual)?;
            return for_the_agent_alone(facts, &usual, there).map(|()| usual);
        }
        let path = naming::free(facts, &naming::certs(self.generation), name)?;
        // An agent that does not run as root reads it by its group.
        let group = facts
            .agent_setup
            .runs_as
            .is()
            .filter(|(user, _)| *user != 0);
        let (mode, owner) = match group {
            Some((_, group)) => (Mode(0o640), (0, *group)),
            None => (Mode(0o600), (0, 0)),
        };
        let (change, fetch) = brought(facts).carried(source, &path, (mode, owner))?;
        self.key = fetch;
        self.files.push(change);
        Ok(path)
    }
}

/// Whether somebody has put the same there already.
fn holds(facts: &Facts, path: &AbsPath, digest: &Digest) -> bool {
    let found = facts.file(path).file();
    found.is_some_and(|found| !found.ours && found.digest == *digest)
}

/// A key that was put in its place by hand: the agent can read it, and few others can.
fn for_the_agent_alone(facts: &Facts, path: &AbsPath, key: &FoundFile) -> Result<(), Problem> {
    let (mode, owner) = (key.mode, key.owner);
    let open = mode.0 & 0o037 != 0;
    let other = facts
        .agent_setup
        .runs_as
        .is()
        .filter(|(user, _)| *user != 0);
    let shut_out = other.is_some_and(|(user, group)| {
        let by_user = owner.0 == *user && mode.0 & 0o400 != 0;
        let by_group = owner.1 == *group && mode.0 & 0o040 != 0;
        !by_user && !by_group
    });
    if !open && !shut_out {
        return Ok(());
    }
    let why = if open {
        "others can read the key"
    } else {
        "the agent cannot read the key"
    };
    let remedy = match other {
        Some((_, group)) => format!("chown root:{group} {path} && chmod 640 {path}"),
        None => format!("chmod 600 {path}"),
    };
    let (user, group) = owner;
    let what = format!("{path} has mode {mode} and belongs to {user}:{group}: {why}");
    Err(Problem::host(what).remedy(remedy))
}

fn is_a_bundle(facts: &Facts, bundle: &AbsPath) -> Result<(), Problem> {
    let why = match facts.file(bundle) {
        FileFact::NotAFile(_) => return Ok(()),
        FileFact::File(_) if bundle::inside(&below(bundle, "agent.crt")).is_some() => {
            return Ok(());
        }
        FileFact::File(_) => "is neither a folder nor a .tar.gz or .tgz".to_owned(),
        FileFact::Nothing { .. } => "is not there".to_owned(),
        FileFact::Unclear(why) => format!("could not be looked at: {why}"),
    };
    let what = format!("certificates.agent.bundle: {bundle} {why}");
    Err(Problem::host(what).remedy(format!("ls -ld {bundle}")))
}

fn are_authorities(facts: &Facts, path: &AbsPath, found: &[Certificate]) -> Result<(), Problem> {
    for one in found {
        let flaw = if !one.is_authority() {
            "is not an authority, so no server can be verified with it"
        } else if !one.validity.contains(facts.looked_at) {
            "is not valid today"
        } else {
            continue;
        };
        return Err(brought(facts).refused(path, &format!("holds {}, which {flaw}", one.subject)));
    }
    Ok(())
}

/// Whether the chain holds under what the agent trusts. It need not: the manager may go by another
/// authority for agents than for itself; the proof tells.
fn leads_to(
    facts: &Facts,
    path: &AbsPath,
    chain: &[Certificate],
    authorities: &[Certificate],
) -> Option<String> {
    let roots = authorities.iter().filter(|one| one.is_self_issued());
    let mut faults = Vec::new();
    for root in roots {
        match chain_verifies(chain, root, facts.looked_at, Purpose::Agent) {
            Ok(()) => return None,
            Err(fault) => faults.push(fault),
        }
    }
    let fault = faults.into_iter().next()?;
    Some(format!(
        "{path} does not lead to the authority that the agent trusts: {fault}; that is so where \
         the manager judges agents by another authority, and wrong otherwise"
    ))
}

/// Who runs the agent, where that is not root.
pub(super) fn other_user(facts: &Facts) -> Option<u32> {
    let Known::Is((user, _)) = &facts.agent_setup.runs_as else {
        return None;
    };
    (*user != 0).then_some(*user)
}
