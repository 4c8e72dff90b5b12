//! Who connects in the proof: the right client and the wrong ones. Certificates that exist for
//! the proof only are made in memory, live for minutes, and are written nowhere.

use std::collections::BTreeSet;

use rustls::pki_types::CertificateDer;

use super::identity::Identity;
use crate::certificate::{
    Certificate, DistinguishedName, KeyKind, NameParts, Permitted, Purpose, Recipe, Validity,
    pem_chain, read_pem_chain,
};
use crate::host::Host;
use crate::pki::{Authority, SecretKey, issue_intermediate, issue_leaf_between, issue_root};
use crate::plan::{AgentProof, Proof, RevokedAgent};
use crate::values::{AbsPath, Gather as _, HostName, SubjectName};
use zeroize::Zeroizing;

const MINUTE: i64 = 60;
/// No certificate or key file is larger.
const LIMIT: u64 = 1024 * 1024;

/// Each client, or why it could not be had.
pub(super) struct Cast {
    pub(super) ours: Result<Identity, String>,
    pub(super) foreign: Result<Identity, String>,
    pub(super) expired: Result<Identity, String>,
    pub(super) server: Result<Identity, String>,
    /// One of the same authority that is no agent, where only some are.
    pub(super) unlisted: Option<Result<Identity, String>>,
    /// Agents whose certificate was revoked, each with what the row is called.
    pub(super) revoked: Vec<(String, Result<Identity, String>)>,
}

impl Cast {
    pub(super) fn gather(
        host: &dyn Host,
        proof: &Proof,
        agents: &AgentProof,
        authority: Option<&Authority>,
    ) -> Self {
        let now = host.now();
        let name = proof.agents_name();
        let listed = agents.listed.as_ref();
        let brought = opened(host, agents, authority);
        let authority = match listed {
            Some(_) => brought
                .as_ref()
                .or(authority)
                .filter(|one| signs(agents, one)),
            None => authority,
        };
        let closed = || {
            let gone = listed.is_some() && agents.authority.is_none();
            let state = if gone { "here" } else { "open" };
            format!("the key of the authority is not {state}")
        };
        let usual = listed.and_then(|listed| listed.values().next());
        let current = current(now);
        // The authority may be minutes old, and nothing it issues may be older than it.
        let past = |authority: &Authority| Validity {
            not_before: authority.certificate().validity.not_before,
            not_after: now - MINUTE,
        };
        Self {
            ours: match authority {
                Some(authority) => throw_away(name, usual, authority, current),
                None => issued(host, &proof.state, agents),
            },
            foreign: foreign(name, now, current),
            expired: authority
                .ok_or_else(closed)
                .and_then(|one| throw_away(name, usual, one, past(one))),
            unlisted: listed.map(|_| {
                authority
                    .ok_or_else(closed)
                    .and_then(|authority| throw_away(name, None, authority, current))
            }),
            server: from_files(host, &agents.server_chain, &agents.server_key),
            revoked: agents
                .revoked
                .iter()
                .take(MOST_REVOKED)
                .map(|one| {
                    let case = format!("revoked certificate of {}", one.name);
                    (case, revoked(host, &proof.state, one))
                })
                .collect(),
        }
    }
}

/// So many of them are tried: they lie on one list.
const MOST_REVOKED: usize = 3;

/// Where the certificate and its key lie here still.
fn revoked(host: &dyn Host, state: &AbsPath, agent: &RevokedAgent) -> Result<Identity, String> {
    let folder = state.join(&format!("issued/{}", agent.name));
    let folder = folder.map_err(|error| error.to_string())?;
    let path = |name| folder.join(name).map_err(|error| error.to_string());
    let (chain, key) = (path("agent.crt")?, path("agent.key")?);
    let bytes = host
        .read(chain.as_path(), LIMIT)
        .map_err(|error| error.to_string())?;
    let found = read_pem_chain(&bytes).map_err(|error| error.to_string())?;
    if found.first().is_none_or(|leaf| leaf.serial != agent.serial) {
        return Err("another certificate was issued for it since".to_owned());
    }
    from_files(host, &chain, &key)
}

/// The agents' authority, where its key is here and needs no passphrase; the worker may have opened
/// it already.
fn opened(
    host: &dyn Host,
    agents: &AgentProof,
    authority: Option<&Authority>,
) -> Option<Authority> {
    let brought = agents.authority.as_ref().filter(|one| !one.encrypted)?;
    if authority.is_some_and(|one| signs(agents, one)) {
        return None;
    }
    let pem = Zeroizing::new(host.read(brought.key.as_path(), LIMIT).ok()?);
    Authority::from_file(&brought.chain, &pem, &brought.digest, None).ok()
}

/// Whether it is the one that signs for agents.
fn signs(agents: &AgentProof, authority: &Authority) -> bool {
    let brought = agents.authority.as_ref();
    brought.is_some_and(|one| one.chain == pem_chain(authority.chain()))
}

/// An agent's certificate of this authority, for the proof only: one like that agent's, or with a
/// subject that no agent has.
fn throw_away(
    name: &HostName,
    agent: Option<&Recipe>,
    authority: &Authority,
    validity: Validity,
) -> Result<Identity, String> {
    let mut recipe = recipe(Purpose::Agent, "nim-tls proof", Some(name))?;
    if let Some(agent) = agent {
        recipe.subject = agent.subject.clone();
        recipe.names.clone_from(&agent.names);
    }
    let issued = issue_leaf_between(&recipe, authority, validity).map_err(|e| e.to_string())?;
    let mut chain = vec![issued.certificate];
    let above = authority.chain();
    chain.extend(above[..above.len().saturating_sub(1)].iter().cloned());
    identity(&chain, &issued.key)
}

/// An agent of an authority that nobody knows, for minutes.
pub(super) fn stranger(name: &HostName, now: i64) -> Result<Identity, String> {
    foreign(name, now, current(now))
}

fn current(now: i64) -> Validity {
    Validity {
        not_before: now - MINUTE,
        not_after: now + 30 * MINUTE,
    }
}

/// The same from an authority that nobody knows.
fn foreign(name: &HostName, now: i64, validity: Validity) -> Result<Identity, String> {
    let text = |error: crate::pki::IssueError| error.to_string();
    let names: BTreeSet<_> = [SubjectName::Dns(name.clone())].into_iter().gathered();
    let mut root = recipe(Purpose::Root, "nim-tls proof, another root", None)?;
    root.permitted = Some(Permitted::for_names(&names));
    let root = issue_root(&root, now).map_err(text)?;
    let root = Authority::from_issued(root, None).map_err(text)?;
    let intermediate = recipe(
        Purpose::Intermediate,
        "nim-tls proof, another intermediate",
        None,
    )?;
    let intermediate = issue_intermediate(&intermediate, &root, now).map_err(text)?;
    let intermediate = Authority::from_issued(intermediate, Some(&root)).map_err(text)?;
    throw_away(name, None, &intermediate, validity)
}

/// A certificate that waits to be handed out, where its key is still here.
fn issued(host: &dyn Host, state: &AbsPath, agents: &AgentProof) -> Result<Identity, String> {
    let none = "no issued certificate with its key is left in the state folder";
    let folder = state.join("issued").map_err(|error| error.to_string())?;
    let names = match &agents.listed {
        Some(listed) if listed.is_empty() => {
            return Err("agents bring their own, with keys that are not here".to_owned());
        }
        // All others are refused.
        Some(listed) => listed.keys().map(ToString::to_string).collect(),
        None => host
            .list(folder.as_path())
            .map_err(|error| error.to_string())?,
    };
    let revoked = &agents.revoked;
    let is_revoked = |name: &String| revoked.iter().any(|one| one.name.as_str() == name);
    names
        .iter()
        .filter(|name| !is_revoked(name))
        .find_map(|name| {
            let agent = folder.join(name).ok()?;
            let (chain, key) = (agent.join("agent.crt").ok()?, agent.join("agent.key").ok()?);
            let identity = from_files(host, &chain, &key).ok()?;
            Some(identity)
        })
        .ok_or_else(|| none.to_owned())
}

pub(super) fn from_files(
    host: &dyn Host,
    chain: &AbsPath,
    key: &AbsPath,
) -> Result<Identity, String> {
    let read = |path: &AbsPath| host.read(path.as_path(), LIMIT).map_err(|e| e.to_string());
    let chain = read_pem_chain(&read(chain)?).map_err(|error| error.to_string())?;
    let bytes = Zeroizing::new(read(key)?);
    let secret = SecretKey::from_pem(&bytes, None).map_err(|error| format!("{key}: {error}"))?;
    identity(&chain, &secret)
}

fn identity(chain: &[Certificate], key: &SecretKey) -> Result<Identity, String> {
    let chain = chain
        .iter()
        .map(|one| CertificateDer::from(one.der().to_vec()))
        .collect();
    Identity::new(chain, key.pkcs8_der()).map_err(|error| error.to_string())
}

fn recipe(purpose: Purpose, common_name: &str, name: Option<&HostName>) -> Result<Recipe, String> {
    let parts = NameParts {
        common_name: common_name.to_owned(),
        ..NameParts::default()
    };
    Ok(Recipe {
        purpose,
        subject: DistinguishedName::try_from(parts).map_err(|error| error.to_string())?,
        names: name
            .iter()
            .map(|name| SubjectName::Dns((*name).clone()))
            .collect(),
        key: KeyKind::EcdsaP256,
        days: 1,
        permitted: None,
    })
}
