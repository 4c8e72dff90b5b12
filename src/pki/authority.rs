//! What was issued, and who issues.

use super::error::IssueError;
use super::key::SecretKey;
use super::passphrase::Passphrase;
use crate::certificate::{Certificate, Purpose, chain_holds, pem_chain, read_pem_chain};
use crate::values::Digest;

/// A certificate and the key that was made for it.
#[derive(Debug)]
pub struct Issued {
    pub certificate: Certificate,
    pub key: SecretKey,
    /// The recipe asked for more days than the issuer has left, and got fewer.
    pub clamped: bool,
}

/// An authority whose key is at hand.
#[derive(Debug)]
pub struct Authority {
    /// Its own certificate, then those above it.
    chain: Vec<Certificate>,
    key: SecretKey,
}

impl Authority {
    /// Opens an authority: its certificate first, then those above it up to the one that is
    /// trusted. The key must belong to the first.
    pub fn open(chain: Vec<Certificate>, key: SecretKey) -> Result<Self, IssueError> {
        let first = chain.first().ok_or(IssueError::NoAuthority)?;
        if first.public_key != key.public_key_digest() {
            return Err(IssueError::NotItsKey);
        }
        let trusted = chain.last().ok_or(IssueError::NoAuthority)?;
        if chain.len() > 1 {
            chain_holds(&chain, trusted, Purpose::Intermediate)?;
        }
        Ok(Self { chain, key })
    }

    /// The same from the file of its key, if that is the one that is meant.
    pub fn from_file(
        chain: &str,
        file: &[u8],
        meant: &Digest,
        passphrase: Option<&Passphrase>,
    ) -> Result<Self, IssueError> {
        if Digest::of(file) != *meant {
            return Err(IssueError::OtherFile);
        }
        let chain = read_pem_chain(chain.as_bytes()).map_err(|_| IssueError::NoAuthority)?;
        Self::open(chain, SecretKey::from_pem(file, passphrase)?)
    }

    /// The authority that was just issued by `above`; a root has none above it.
    pub fn from_issued(issued: Issued, above: Option<&Authority>) -> Result<Self, IssueError> {
        let mut chain = vec![issued.certificate];
        chain.extend(above.into_iter().flat_map(|one| one.chain.iter().cloned()));
        Self::open(chain, issued.key)
    }

    pub fn certificate(&self) -> &Certificate {
        &self.chain[0]
    }

    /// The authority's certificate and those above it, the trusted one last.
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    pub fn key(&self) -> &SecretKey {
        &self.key
    }

    pub(super) fn trusted(&self) -> &Certificate {
        &self.chain[self.chain.len() - 1]
    }

    /// What goes into the file of a leaf: the leaf, then every authority below the trusted one.
    pub fn leaf_file(&self, leaf: &Certificate) -> String {
        let between = &self.chain[..self.chain.len() - 1];
        pem_chain(std::iter::once(leaf).chain(between))
    }
}
