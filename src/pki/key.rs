//! A private key: made, read, written.

use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair,
};
use pkcs8::pkcs5::{EncryptionScheme, pbes2};
use pkcs8::{EncryptedPrivateKeyInfo, LineEnding, PrivateKeyInfo, SecretDocument};
use rcgen::{KeyPair, PublicKeyData as _, RsaKeySize};
use zeroize::{Zeroize as _, Zeroizing};

use super::passphrase::Passphrase;
use crate::certificate::{KeyKind, PemBlock, PemFault, describe_public_key, pem_blocks, what_is};
use crate::values::Digest;

/// A private key. Wiped when dropped.
pub struct SecretKey(KeyPair);

/// Why there is no key. Each reads well after "FILE: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error(transparent)]
    Pem(#[from] PemFault),
    #[error("it holds no private key but {found}")]
    NotAKey { found: String },
    #[error("the key is encrypted and there is no passphrase for it")]
    Encrypted,
    #[error("the passphrase does not open the key")]
    WrongPassphrase,
    /// OpenSSL before 1.0.0, scrypt, Triple-DES: `openssl pkey -aes256` rewrites it.
    #[error("the key is encrypted in a way this program does not read")]
    Encryption,
    #[error("the key is damaged, or of a kind that is too weak or unknown")]
    Unusable,
    #[error("no key could be made: the source of random numbers or the library failed")]
    NotMade,
}

/// As OWASP recommends for PBKDF2 with HMAC-SHA256; about a tenth of a second.
const PBKDF2_ROUNDS: u32 = 600_000;
/// A file that asks for more would keep the program busy for minutes.
const MOST_ROUNDS: u32 = 5_000_000;

impl SecretKey {
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        let rsa = |size| KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size);
        let pair = match kind {
            KeyKind::EcdsaP256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            KeyKind::EcdsaP384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            KeyKind::Rsa2048 => rsa(RsaKeySize::_2048),
            KeyKind::Rsa3072 => rsa(RsaKeySize::_3072),
            KeyKind::Rsa4096 => rsa(RsaKeySize::_4096),
        };
        pair.map(Self).map_err(|_| KeyError::NotMade)
    }

    /// The first private key of a PEM file: PKCS#8, encrypted or not, PKCS#1 or SEC1. The
    /// passphrase is not looked at where the key is not encrypted.
    pub fn from_pem(bytes: &[u8], passphrase: Option<&Passphrase>) -> Result<Self, KeyError> {
        Self::from_block(&first_key(bytes)?, passphrase)
    }

    pub(super) fn from_block(
        block: &PemBlock,
        passphrase: Option<&Passphrase>,
    ) -> Result<Self, KeyError> {
        let der = block.contents.as_slice();
        if block.encrypted {
            return Err(passphrase.map_or(KeyError::Encrypted, |_| KeyError::Encryption));
        }
        let pkcs8 = match block.label.as_str() {
            "ENCRYPTED PRIVATE KEY" => decrypt(der, passphrase.ok_or(KeyError::Encrypted)?)?,
            "RSA PRIVATE KEY" => rsa_to_pkcs8(der).ok_or(KeyError::Unusable)?,
            "EC PRIVATE KEY" => ec_to_pkcs8(der).ok_or(KeyError::Unusable)?,
            _ => block.contents.clone(),
        };
        // The library passes over bytes that follow the key; they could not be written again.
        SecretDocument::try_from(pkcs8.as_slice()).map_err(|_| KeyError::Unusable)?;
        let pair = KeyPair::try_from(pkcs8.as_slice()).map_err(|_| KeyError::Unusable)?;
        Ok(Self(pair))
    }

    /// `ecdsa-p256` and so on; also kinds that this program reads but does not make.
    pub fn kind(&self) -> String {
        let unknown = || "a key of an unknown kind".to_owned();
        describe_public_key(&self.public_key()).unwrap_or_else(unknown)
    }

    /// The same as [`crate::certificate::Certificate::public_key`] of a certificate that
    /// belongs to it.
    pub fn public_key_digest(&self) -> Digest {
        Digest::of(&self.public_key())
    }

    /// PKCS#8, not encrypted: for a file that is born with mode 0600.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        pem_text("PRIVATE KEY", self.pkcs8_der())
    }

    /// PKCS#8 under PBES2 with PBKDF2 (HMAC-SHA256) and AES-256-CBC, which OpenSSL reads from
    /// 1.0.0 on; its limits refuse scrypt.
    pub fn to_encrypted_pem(&self, passphrase: &Passphrase) -> Result<Zeroizing<String>, KeyError> {
        let (mut salt, mut iv) = ([0; 16], [0; 16]);
        rand::fill(&mut salt).map_err(|_| KeyError::NotMade)?;
        rand::fill(&mut iv).map_err(|_| KeyError::NotMade)?;
        let scheme = pbes2::Parameters::pbkdf2_sha256_aes256cbc(PBKDF2_ROUNDS, &salt, &iv)
            .map_err(|_| KeyError::NotMade)?;
        let key = PrivateKeyInfo::try_from(self.pkcs8_der()).map_err(|_| KeyError::Unusable)?;
        let sealed = key
            .encrypt_with_params(scheme, passphrase.bytes())
            .map_err(|_| KeyError::NotMade)?;
        pem_text("ENCRYPTED PRIVATE KEY", sealed.as_bytes())
    }

    /// Not encrypted, for handing to a TLS client in memory.
    pub fn pkcs8_der(&self) -> &[u8] {
        self.0.serialized_der()
    }

    pub(super) fn pair(&self) -> &KeyPair {
        &self.0
    }

    pub(super) fn public_key(&self) -> Vec<u8> {
        self.0.subject_public_key_info()
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// The first block that holds a private key.
pub(super) fn first_key(bytes: &[u8]) -> Result<PemBlock, KeyError> {
    let mut blocks = pem_blocks(bytes)?.into_iter();
    blocks
        .find(|block| block.label.ends_with("PRIVATE KEY"))
        .ok_or_else(|| KeyError::NotAKey {
            found: what_is(bytes),
        })
}

fn decrypt(der: &[u8], passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let sealed = EncryptedPrivateKeyInfo::try_from(der).map_err(|_| KeyError::Encryption)?;
    let EncryptionScheme::Pbes2(scheme) = &sealed.encryption_algorithm else {
        return Err(KeyError::Encryption);
    };
    match &scheme.kdf {
        pbes2::Kdf::Pbkdf2(kdf) if kdf.iteration_count <= MOST_ROUNDS => {}
        _ => return Err(KeyError::Encryption),
    }
    match sealed.decrypt(passphrase.bytes()) {
        Ok(open) if PrivateKeyInfo::try_from(open.as_bytes()).is_ok() => Ok(open.to_bytes()),
        Err(pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::UnsupportedAlgorithm {
            ..
        })) => Err(KeyError::Encryption),
        // A wrong passphrase shows as bad padding, or as padding that happens to be right
        // around what is no key.
        _ => Err(KeyError::WrongPassphrase),
    }
}

fn rsa_to_pkcs8(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let pair = RsaKeyPair::from_der(der).ok()?;
    let pkcs8 = pair.as_der().ok()?;
    Some(Zeroizing::new(pkcs8.as_ref().to_vec()))
}

fn ec_to_pkcs8(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    [
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        &ECDSA_P384_SHA384_ASN1_SIGNING,
        &ECDSA_P521_SHA512_ASN1_SIGNING,
    ]
    .into_iter()
    .find_map(|curve| {
        let pair = EcdsaKeyPair::from_private_key_der(curve, der).ok()?;
        let pkcs8 = pair.to_pkcs8v1().ok()?;
        Some(Zeroizing::new(pkcs8.as_ref().to_vec()))
    })
}

/// Through a document that wipes itself; no copy of the text stays behind.
fn pem_text(label: &'static str, der: &[u8]) -> Result<Zeroizing<String>, KeyError> {
    let document = SecretDocument::try_from(der).map_err(|_| KeyError::Unusable)?;
    document
        .to_pem(label, LineEnding::LF)
        .map_err(|_| KeyError::Unusable)
}
