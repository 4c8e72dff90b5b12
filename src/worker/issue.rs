//! Making the certificates of a plan, in memory: nothing here writes to a disk.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::certificate::{Certificate, ReadError, Recipe, pem_chain, read_pem_chain};
use crate::host::{Host, HostError};
use crate::pki::{
    Authority, IssueError, Issued, KeyError, Passphrase, SecretKey, issue_intermediate, issue_leaf,
    issue_list, issue_root, request,
};
use crate::plan::{self, BroughtAuthority, Issuing, KeepKey, Piece, RequestsToWrite};

use super::purse::Purse;

/// The files of an authority below its folder, `STATE/ca`.
pub const ROOT_CERTIFICATE: &str = "root.crt";
pub const ROOT_KEY: &str = "root.key";
pub const INTERMEDIATE_CERTIFICATE: &str = "intermediate.crt";
pub const INTERMEDIATE_KEY: &str = "intermediate.key";
const ROOT_LIST: &str = "root.crl";

const MOST_BYTES: u64 = 1 << 20;

/// What was made, and the authority that signed for agents: the proof has it sign its throw-away
/// clients, and then it is gone from memory.
#[derive(Debug)]
pub(super) struct Made {
    pub purse: Purse,
    pub authority: Option<Authority>,
    /// Names whose certificates got fewer days than asked, because the issuer has no more left.
    pub clamped: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum MakeError {
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("{path}: {error}")]
    Certificate { path: PathBuf, error: ReadError },
    #[error("the keys of the authority are to be encrypted, and no passphrase was given")]
    NoPassphrase,
}

pub(super) fn make(
    host: &dyn Host,
    issuing: &Issuing,
    passphrase: Option<&Passphrase>,
) -> Result<Made, MakeError> {
    let now = host.now();
    let mut purse = Purse::default();
    let mut clamped = Vec::new();
    let mut above = None;
    let own = match &issuing.authority {
        plan::Authority::NotNeeded => None,
        plan::Authority::Existing { .. } => Some(open(host, issuing, passphrase)?),
        plan::Authority::New {
            root,
            intermediate,
            key,
        } => {
            let root = Authority::from_issued(issue_root(root, now)?, None)?;
            let intermediate =
                Authority::from_issued(issue_intermediate(intermediate, &root, now)?, Some(&root))?;
            put_key(&mut purse, Piece::RootKey, root.key(), *key, passphrase)?;
            put_key(
                &mut purse,
                Piece::IntermediateKey,
                intermediate.key(),
                *key,
                passphrase,
            )?;
            above = Some(root);
            Some(intermediate)
        }
    };
    let clients = match &issuing.clients {
        Some(brought) => Some(brought_authority(host, brought, passphrase)?),
        None => None,
    };
    if let Some(own) = &own {
        put_authority(&mut purse, own);
    }
    if let (Some(lists), Some(authority)) = (&issuing.lists, &own) {
        let root = if lists.root && above.is_none() {
            Some(open_root(host, issuing, passphrase)?)
        } else {
            above
        };
        let root = root.filter(|_| lists.root);
        put_lists(host, &mut purse, issuing, authority, root.as_ref(), lists)?;
    }
    if let Some(recipe) = &issuing.server {
        let authority = own.as_ref().ok_or(IssueError::NoAuthority)?;
        let leaf = issue_leaf(recipe, authority, now)?;
        clamped.extend(leaf.clamped.then(|| "server".to_owned()));
        put_leaf(
            &mut purse,
            authority,
            &leaf,
            (Piece::ServerChain, Piece::ServerKey),
        )?;
    }
    if let Some(requests) = &issuing.requests {
        put_requests(&mut purse, requests)?;
    }
    let authority = clients.or(own);
    for (name, recipe) in &issuing.agents {
        let authority = authority.as_ref().ok_or(IssueError::NoAuthority)?;
        let leaf = issue_leaf(recipe, authority, now)?;
        clamped.extend(leaf.clamped.then(|| name.to_string()));
        let pieces = (
            Piece::AgentChain(name.clone()),
            Piece::AgentKey(name.clone()),
        );
        put_leaf(&mut purse, authority, &leaf, pieces)?;
    }
    Ok(Made {
        purse,
        authority,
        clamped,
    })
}

/// The authority that is kept in `issuing.folder`, if its key is there and opens.
pub(super) fn open(
    host: &dyn Host,
    issuing: &Issuing,
    passphrase: Option<&Passphrase>,
) -> Result<Authority, MakeError> {
    let folder = issuing.folder.as_path();
    let certificate = |name: &str| -> Result<Vec<Certificate>, MakeError> {
        let path = folder.join(name);
        let bytes = host.read(&path, MOST_BYTES)?;
        read_pem_chain(&bytes).map_err(|error| MakeError::Certificate { path, error })
    };
    let mut chain = certificate(INTERMEDIATE_CERTIFICATE)?;
    chain.truncate(1);
    chain.extend(certificate(ROOT_CERTIFICATE)?.into_iter().take(1));
    let pem = Zeroizing::new(host.read(&folder.join(INTERMEDIATE_KEY), MOST_BYTES)?);
    Ok(Authority::open(
        chain,
        SecretKey::from_pem(&pem, passphrase)?,
    )?)
}

/// One that was brought: its key is read where it lies.
fn brought_authority(
    host: &dyn Host,
    brought: &BroughtAuthority,
    passphrase: Option<&Passphrase>,
) -> Result<Authority, MakeError> {
    let pem = Zeroizing::new(host.read(brought.key.as_path(), MOST_BYTES)?);
    Ok(Authority::from_file(
        &brought.chain,
        &pem,
        &brought.digest,
        passphrase,
    )?)
}

/// The root itself: it signs no certificate any more, but its own list.
fn open_root(
    host: &dyn Host,
    issuing: &Issuing,
    passphrase: Option<&Passphrase>,
) -> Result<Authority, MakeError> {
    let folder = issuing.folder.as_path();
    let path = folder.join(ROOT_CERTIFICATE);
    let bytes = host.read(&path, MOST_BYTES)?;
    let chain = read_pem_chain(&bytes).map_err(|error| MakeError::Certificate { path, error })?;
    let pem = Zeroizing::new(host.read(&folder.join(ROOT_KEY), MOST_BYTES)?);
    let key = SecretKey::from_pem(&pem, passphrase)?;
    Ok(Authority::open(chain, key)?)
}

/// nginx reads both lists from one file, so the root's comes from where it is kept where it is
/// not signed anew.
fn put_lists(
    host: &dyn Host,
    purse: &mut Purse,
    issuing: &Issuing,
    authority: &Authority,
    root: Option<&Authority>,
    lists: &plan::Lists,
) -> Result<(), MakeError> {
    let now = host.now();
    let revoked = lists
        .revoked
        .iter()
        .map(|(serial, at)| (serial.as_str(), at.unwrap_or(now)));
    let own = issue_list(authority, revoked, now)?;
    let of_root = if let Some(root) = root {
        issue_list(root, [], now)?
    } else {
        let path = issuing.folder.as_path().join(ROOT_LIST);
        let bytes = host.read(&path, MOST_BYTES)?;
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let mut put = |piece, text: String| purse.put(piece, Zeroizing::new(text.into_bytes()));
    put(Piece::RevocationBundle, format!("{own}{of_root}"));
    put(Piece::IntermediateList, own);
    put(Piece::RootList, of_root);
    Ok(())
}

/// Each with a key of its own, which stays here.
fn put_requests(purse: &mut Purse, requests: &RequestsToWrite) -> Result<(), MakeError> {
    let mut put = |recipe: &Recipe, request_piece: Piece, key_piece: Piece| {
        let key = SecretKey::generate(recipe.key)?;
        let text = request(recipe, &key)?;
        purse.put(request_piece, Zeroizing::new(text.into_bytes()));
        purse.put(key_piece, bytes(&key.to_pem()?));
        Ok::<(), MakeError>(())
    };
    if let Some(recipe) = &requests.server {
        put(recipe, Piece::ServerRequest, Piece::ServerRequestKey)?;
    }
    for (agent, recipe) in &requests.agents {
        let name = || agent.clone();
        put(
            recipe,
            Piece::AgentRequest(name()),
            Piece::AgentRequestKey(name()),
        )?;
    }
    Ok(())
}

fn put_authority(purse: &mut Purse, authority: &Authority) {
    let chain = authority.chain();
    let mut put = |piece, text: String| purse.put(piece, Zeroizing::new(text.into_bytes()));
    put(
        Piece::IntermediateCertificate,
        authority.certificate().pem(),
    );
    put(Piece::ClientBundle, pem_chain(chain));
    if let Some(root) = chain.last() {
        put(Piece::RootCertificate, root.pem());
    }
}

fn put_key(
    purse: &mut Purse,
    piece: Piece,
    key: &SecretKey,
    keep: KeepKey,
    passphrase: Option<&Passphrase>,
) -> Result<(), MakeError> {
    let pem = match keep {
        KeepKey::Discard => return Ok(()),
        KeepKey::Plaintext => key.to_pem()?,
        KeepKey::Encrypted => key.to_encrypted_pem(passphrase.ok_or(MakeError::NoPassphrase)?)?,
    };
    purse.put(piece, bytes(&pem));
    Ok(())
}

fn put_leaf(
    purse: &mut Purse,
    authority: &Authority,
    leaf: &Issued,
    (chain, key): (Piece, Piece),
) -> Result<(), MakeError> {
    let text = authority.leaf_file(&leaf.certificate);
    purse.put(chain, Zeroizing::new(text.into_bytes()));
    purse.put(key, bytes(&leaf.key.to_pem()?));
    Ok(())
}

fn bytes(text: &Zeroizing<String>) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.as_bytes().to_vec())
}

#[cfg(test)]
#[path = "issue/tests.rs"]
mod tests;
