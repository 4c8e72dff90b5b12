//! The certificate we present, and a note of whether the server asked for one.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::fault::Fault;

/// A client certificate with its chain (leaf first) and private key.
#[derive(Clone)]
pub struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// `key` is DER (PKCS#8, PKCS#1 or SEC1). It is read where it lies and never copied as
    /// bytes: wiping that memory stays with the caller.
    ///
    /// # Errors
    /// [`Fault::Unsendable`] where the chain is empty, the key cannot be read, or the key is
    /// not the one of the first certificate.
    pub fn new(chain: Vec<CertificateDer<'static>>, key: &[u8]) -> Result<Self, Fault> {
        let unreadable = || Fault::Unsendable("the client's private key cannot be read".to_owned());
        let key = PrivateKeyDer::try_from(key).map_err(|_| unreadable())?;
        let key = any_supported_type(&key).map_err(|_| unreadable())?;
        if chain.is_empty() {
            return Err(Fault::Unsendable(
                "there is no client certificate".to_owned(),
            ));
        }
        let pair = CertifiedKey::new(chain, key);
        // Any other complaint is about a certificate that rustls cannot read (version 1, for
        // one). Servers may still accept it, and that is theirs to say.
        if let Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) =
            pair.keys_match()
        {
            return Err(Fault::Unsendable(
                "the client's private key belongs to another certificate".to_owned(),
            ));
        }
        Ok(Self(Arc::new(pair)))
    }

    /// Chain and key, as a server presents them.
    pub fn pair(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0)
    }
}

/// Says how long the chain is, and nothing of the key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificates", &self.0.cert.len())
            .finish_non_exhaustive()
    }
}

/// That the server asked for a client certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// How many authorities it said it would accept; 0 leaves it open.
    pub ca_names: usize,
    /// Whether a certificate was sent. False without an identity, or where the server accepts
    /// no signature that our key can make.
    pub sent: bool,
}

/// Hands the identity to rustls whenever a server asks, also when the server names other
/// authorities. A usual client would stay silent then (Go does), and "refused because of its
/// certificate" could not be told from "refused because it had none".
#[derive(Debug)]
pub(super) struct Presenter {
    identity: Option<Identity>,
    asked: Mutex<Option<Asked>>,
}

impl Presenter {
    pub(super) fn new(identity: Option<Identity>) -> Self {
        Self {
            identity,
            asked: Mutex::new(None),
        }
    }

    /// What was noted since the last call.
    pub(super) fn take_asked(&self) -> Option<Asked> {
        self.note().take()
    }

    fn note(&self) -> std::sync::MutexGuard<'_, Option<Asked>> {
        // A panic elsewhere cannot leave a plain value half-written.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesClientCert for Presenter {
    fn resolve(
        &self,
        root_hint_subjects: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let pair = self.identity.as_ref().map(|identity| &identity.0);
        *self.note() = Some(Asked {
            ca_names: root_hint_subjects.len(),
            sent: pair.is_some_and(|pair| pair.key.choose_scheme(schemes).is_some()),
        });
        pair.cloned()
    }

    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}
