//! One certificate as found, and files of them.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::constraint::NameConstraints;
use super::parse::parse;
use super::pem_text::{PemFault, pem_blocks, what_is};
use super::recipe::{Purpose, Validity};
use crate::values::{Digest, SubjectName};

/// What one certificate says. Read once from its DER, so the fields cannot disagree with it;
/// texts are escaped and safe to show. Stored as its PEM and checked again when read back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Certificate {
    /// For people, last part first: `CN=nim.example.com,O=Example\, Inc.,C=US`.
    pub subject: String,
    pub issuer: String,
    /// The subject as nginx's `$ssl_client_s_dn` gives it: printable ASCII.
    pub subject_rfc2253: String,
    pub common_name: Option<String>,
    /// Hexadecimal, in capitals, as `openssl x509 -serial` and nginx print it.
    pub serial: String,
    pub validity: Validity,
    /// The subject alternative names.
    pub names: Vec<EntryName>,
    pub standing: Standing,
    /// `None`: the extension is absent and any use is allowed.
    pub key_use: Option<BTreeSet<KeyUse>>,
    pub extended_use: Option<BTreeSet<ExtendedUse>>,
    /// `ecdsa-p256`, `rsa-2048`, `ed25519`, ...
    pub key_kind: String,
    /// SHA-256 of the public key (`SubjectPublicKeyInfo`), the same for a key and its certificate.
    pub public_key: Digest,
    /// Too weak to be used: RSA below 2048 bits.
    pub weak_key: bool,
    /// Signed over MD5 or SHA-1.
    pub weak_signature: bool,
    pub subject_key_id: Option<String>,
    pub authority_key_id: Option<String>,
    pub constraints: Option<NameConstraints>,
    /// Critical extensions that this program cannot judge, by OID. Such a chain is refused.
    pub unjudged: Vec<String>,
    /// SHA-256 of the whole certificate.
    pub fingerprint: Digest,
    pub(super) der: Vec<u8>,
    pub(super) subject_der: Vec<u8>,
    pub(super) issuer_der: Vec<u8>,
}

/// Whether a certificate may vouch for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Leaf,
    /// `below` limits how many further authorities may stand between it and a leaf.
    Authority {
        below: Option<u32>,
    },
}

/// A subject alternative name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryName {
    Exact(SubjectName),
    /// `*.` and this name.
    Wildcard(crate::values::HostName),
    /// An address of another kind, or a DNS name that is no host name; escaped.
    Other(String),
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => name.fmt(f),
            Self::Wildcard(base) => write!(f, "*.{base}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// What a key may do to bits, as far as TLS and authorities need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyUse {
    DigitalSignature,
    KeyEncipherment,
    KeyAgreement,
    CertificateSign,
    CrlSign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExtendedUse {
    Server,
    Client,
    /// `anyExtendedKeyUsage`: OpenSSL does not take it for a server's or a client's.
    Any,
    Other,
}

impl Certificate {
    /// Reads one certificate. The error is a fragment: "it is not a certificate (...)".
    pub fn from_der(der: &[u8]) -> Result<Self, ReadError> {
        parse(der).map_err(|why| ReadError::Damaged { position: 1, why })
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }

    pub fn pem(&self) -> String {
        let block = pem::Pem::new("CERTIFICATE", self.der.clone());
        let lines = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        pem::encode_config(&block, lines)
    }

    /// Whether its issuer bears the name of its subject: a root, by its looks.
    pub fn is_self_issued(&self) -> bool {
        self.subject_der == self.issuer_der
    }

    /// Whether it names `other` as its issuer. Whether that is true is for a chain to say.
    pub fn names_as_issuer(&self, other: &Certificate) -> bool {
        self.issuer_der == other.subject_der
    }

    pub fn is_authority(&self) -> bool {
        matches!(self.standing, Standing::Authority { .. })
    }

    /// Whether the extensions let it be used so, judged as OpenSSL does: an absent extension
    /// allows everything, `anyExtendedKeyUsage` nothing.
    pub fn serves(&self, purpose: Purpose) -> bool {
        use KeyUse::{CertificateSign, DigitalSignature, KeyAgreement, KeyEncipherment};
        let key_use = match purpose {
            Purpose::Root | Purpose::Intermediate => [CertificateSign].as_slice(),
            Purpose::Server => &[DigitalSignature, KeyEncipherment, KeyAgreement],
            Purpose::Agent => &[DigitalSignature, KeyAgreement],
        };
        let key_may = self
            .key_use
            .as_ref()
            .is_none_or(|uses| key_use.iter().any(|one| uses.contains(one)));
        let standing = !purpose.is_authority() || self.is_authority();
        standing && key_may && self.extends_to(purpose)
    }

    /// Whether the extended use covers `purpose`; on an authority, for what it may issue.
    pub(super) fn extends_to(&self, purpose: Purpose) -> bool {
        let wanted = match purpose {
            Purpose::Root | Purpose::Intermediate => return true,
            Purpose::Server => ExtendedUse::Server,
            Purpose::Agent => ExtendedUse::Client,
        };
        self.extended_use
            .as_ref()
            .is_none_or(|uses| uses.contains(&wanted))
    }
}

/// Whoever prints facts wants to see which certificate it is, not a thousand numbers.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject)
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

impl TryFrom<String> for Certificate {
    type Error = ReadError;

    fn try_from(pem: String) -> Result<Self, ReadError> {
        let mut chain = read_pem_chain(pem.as_bytes())?;
        Ok(chain.swap_remove(0))
    }
}

impl From<Certificate> for String {
    fn from(certificate: Certificate) -> Self {
        certificate.pem()
    }
}

/// Why a file gives no certificates. Each reads well after "FILE: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Pem(#[from] PemFault),
    #[error("it holds no certificate but {found}")]
    NoCertificate { found: String },
    /// The block is PEM, its contents are not a certificate. Positions count from 1.
    #[error("certificate {position} of it cannot be read: {why}")]
    Damaged { position: usize, why: String },
}

/// All certificates of a PEM file, in its order, never none. Other blocks (a key in the same
/// file) are passed over, as nginx does.
pub fn read_pem_chain(bytes: &[u8]) -> Result<Vec<Certificate>, ReadError> {
    let blocks = pem_blocks(bytes)?;
    let certificates = blocks
        .iter()
        .filter(|block| matches!(block.label.as_str(), "CERTIFICATE" | "X509 CERTIFICATE"));
    let chain = certificates
        .enumerate()
        .map(|(at, block)| {
            parse(&block.contents).map_err(|why| ReadError::Damaged {
                position: at + 1,
                why,
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if chain.is_empty() {
        let found = what_is(bytes);
        return Err(ReadError::NoCertificate { found });
    }
    Ok(chain)
}

/// The text of a file that holds these certificates, in this order.
pub fn pem_chain<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> String {
    certificates.into_iter().map(Certificate::pem).collect()
}
