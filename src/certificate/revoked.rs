//! Lists of revoked certificates (RFC 5280, section 5), as an authority has signed them.

use std::collections::BTreeMap;

use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::parse::hex;
use super::pem_text::{PemFault, pem_blocks, what_is};
use super::subject::{Style, name_text};

/// One list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    /// As it was read.
    pub pem: String,
    /// Who has signed it, as [`super::Certificate::subject`] has it.
    pub issuer: String,
    /// Serial numbers, in upper-case hexadecimal as [`super::Certificate::serial`] has them, and
    /// when each was revoked: seconds since 1970.
    pub revoked: BTreeMap<String, i64>,
    /// When it is worth nothing any more, and nginx refuses everybody by it.
    pub ends: Option<i64>,
}

/// Why there is no list. Each reads well after "FILE: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    #[error(transparent)]
    Pem(#[from] PemFault),
    #[error("it holds no list of revoked certificates but {0}")]
    NotAList(String),
    #[error("its list of revoked certificates is damaged")]
    Damaged,
}

impl RevocationList {
    /// The first list of a PEM file.
    pub fn from_pem(bytes: &[u8]) -> Result<Self, ListError> {
        let first = Self::all_from_pem(bytes)?.into_iter().next();
        first.ok_or_else(|| ListError::NotAList(what_is(bytes)))
    }

    /// All lists of a PEM file, at least one. Each has the whole file as its text.
    pub fn all_from_pem(bytes: &[u8]) -> Result<Vec<Self>, ListError> {
        let blocks = pem_blocks(bytes)?;
        let lists = blocks.iter().filter(|block| block.label == "X509 CRL");
        let pem = || std::str::from_utf8(bytes).map_err(|_| ListError::Damaged);
        let lists: Vec<Self> = lists
            .map(|block| of_der(&block.contents, pem()?))
            .collect::<Result<_, _>>()?;
        if lists.is_empty() {
            return Err(ListError::NotAList(what_is(bytes)));
        }
        Ok(lists)
    }
}

fn of_der(der: &[u8], pem: &str) -> Result<RevocationList, ListError> {
    let (rest, list) = CertificateRevocationList::from_der(der).map_err(|_| ListError::Damaged)?;
    if !rest.is_empty() {
        return Err(ListError::Damaged);
    }
    let entries = list.iter_revoked_certificates();
    Ok(RevocationList {
        pem: pem.to_owned(),
        issuer: name_text(list.issuer(), Style::Shown),
        revoked: entries
            .map(|one| {
                let serial = hex(one.raw_serial()).to_uppercase();
                (serial, one.revocation_date.timestamp())
            })
            .collect(),
        ends: list.next_update().map(|at| at.timestamp()),
    })
}
