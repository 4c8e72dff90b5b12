//! What a fact may say about a private key: never the key.

use serde::{Deserialize, Serialize};
use x509_parser::asn1_rs::{Any, BitString, FromDer as _, Integer, Sequence, ToDer as _};
use zeroize::Zeroizing;

use super::key::{KeyError, SecretKey, first_key};
use crate::certificate::describe_public_key;
use crate::values::Digest;

/// A key file, reduced to what plans and findings need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFact {
    /// `ecdsa-p256`, `rsa-1024`, ...; "encrypted" where the kind cannot be told.
    pub kind: String,
    pub encrypted: bool,
    /// SHA-256 of the public half, to be compared with a certificate's. `None` if encrypted.
    pub public: Option<Digest>,
}

/// Looks at the first private key of a PEM file. The key is forgotten before this returns.
pub fn inspect_key(pem: &[u8]) -> Result<KeyFact, KeyError> {
    let block = first_key(pem)?;
    match SecretKey::from_block(&block, None) {
        Ok(key) => Ok(KeyFact {
            kind: key.kind(),
            encrypted: false,
            public: Some(key.public_key_digest()),
        }),
        Err(KeyError::Encrypted) => Ok(KeyFact {
            kind: "encrypted".to_owned(),
            encrypted: true,
            public: None,
        }),
        // Too short for the library to load, which is worth a finding rather than an error.
        Err(KeyError::Unusable) => {
            let spki = rsa_public_key(&block.contents, block.label == "RSA PRIVATE KEY");
            spki.and_then(|spki| {
                Some(KeyFact {
                    kind: describe_public_key(&spki)?,
                    encrypted: false,
                    public: Some(Digest::of(&spki)),
                })
            })
            .ok_or(KeyError::Unusable)
        }
        Err(error) => Err(error),
    }
}

/// The `AlgorithmIdentifier` of RSA: its OID, 1.2.840.113549.1.1.1, and NULL.
const RSA_ENCRYPTION: [u8; 15] = [
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

/// The public half (`SubjectPublicKeyInfo`) of an RSA key of any size, taken from PKCS#1
/// (RFC 8017, A.1.2), which may be wrapped in PKCS#8.
fn rsa_public_key(der: &[u8], is_pkcs1: bool) -> Option<Vec<u8>> {
    let inner = if is_pkcs1 {
        Zeroizing::new(der.to_vec())
    } else {
        let wrapped = pkcs8::PrivateKeyInfo::try_from(der).ok()?;
        let is_rsa = wrapped.algorithm.oid.to_string() == "1.2.840.113549.1.1.1";
        is_rsa.then(|| Zeroizing::new(wrapped.private_key.to_vec()))?
    };
    let (_, key) = Sequence::from_der(&inner).ok()?;
    let (rest, _version) = Any::from_der(key.content.as_ref()).ok()?;
    let (rest, modulus) = Integer::from_der(rest).ok()?;
    let (_, exponent) = Integer::from_der(rest).ok()?;
    let mut public = modulus.to_der_vec().ok()?;
    public.extend(exponent.to_der_vec().ok()?);
    let public = Sequence::new(public.into()).to_der_vec().ok()?;
    let mut spki = RSA_ENCRYPTION.to_vec();
    spki.extend(BitString::new(0, &public).to_der_vec().ok()?);
    Sequence::new(spki.into()).to_der_vec().ok()
}
