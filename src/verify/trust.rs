//! Whether a server is who it should be: the chain, the time, the purpose and the name.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::values::{SubjectName, escaped};

/// What a server's certificate is measured by. The handshake goes on either way: a proof wants
/// to know what else is true of a server that is not trusted. Nothing confidential is sent.
#[derive(Debug, Clone)]
pub enum Trust {
    /// These roots (DER) and no others; the certificate must be for `name`, for servers, and
    /// valid at `now` (seconds since 1970).
    Only {
        roots: Vec<CertificateDer<'static>>,
        name: SubjectName,
        now: i64,
    },
    /// Whatever is shown is noted and not judged.
    RecordOnly,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    Trusted,
    Distrusted(Distrust),
    /// [`Trust::RecordOnly`].
    NotJudged,
}

/// Why a server's certificate is not good enough. Each is a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    #[error("the server sent no certificate")]
    NoCertificate,
    /// `issuer` signed the last of the `sent` certificates. Another authority, or a chain
    /// without its intermediate.
    #[error(
        "the {sent} certificate(s) sent do not lead to the trusted root: the last is by {issuer}"
    )]
    UnknownIssuer { sent: usize, issuer: String },
    #[error("the certificate, or one above it, expired {0}")]
    Expired(Ago),
    #[error("the certificate, or one above it, is not valid yet: it begins {0}")]
    NotYetValid(Ago),
    #[error("the certificate is not for {expected}, only for {}", list(.presented))]
    WrongName {
        expected: String,
        presented: Vec<String>,
    },
    #[error("the certificate names no host in its subjectAltName, so it is for nobody")]
    NoName,
    #[error("the certificate is not made for servers (no serverAuth in its extended key usage)")]
    WrongPurpose,
    #[error("a signature in the chain is wrong")]
    BadSignature,
    #[error("the server could not show that it holds the certificate's private key")]
    BadProof,
    #[error("the given root cannot be used: {0}")]
    RootUnusable(String),
    #[error("the certificate is not acceptable: {0}")]
    Other(String),
}

/// Seconds between then and now, shown in the largest fitting unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ago(i64);

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.unsigned_abs();
        let (count, unit) = match seconds {
            0..120 => (seconds, "seconds"),
            120..7200 => (seconds / 60, "minutes"),
            7200..172_800 => (seconds / 3600, "hours"),
            _ => (seconds / 86_400, "days"),
        };
        if self.0 >= 0 {
            write!(f, "{count} {unit} ago")
        } else {
            write!(f, "in {count} {unit}")
        }
    }
}

/// Measures `chain` (leaf first).
pub(super) fn judge(
    trust: &Trust,
    chain: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Judgement {
    let Trust::Only { roots, name, now } = trust else {
        return Judgement::NotJudged;
    };
    match check(roots, name, *now, chain, provider) {
        Ok(()) => Judgement::Trusted,
        Err(reason) => Judgement::Distrusted(reason),
    }
}

fn check(
    roots: &[CertificateDer<'static>],
    name: &SubjectName,
    now: i64,
    chain: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<(), Distrust> {
    let unusable = |error: &dyn fmt::Display| Distrust::RootUnusable(error.to_string());
    let (leaf, above) = chain.split_first().ok_or(Distrust::NoCertificate)?;
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.clone()).map_err(|error| unusable(&error))?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(store.into(), provider.clone())
        .build()
        .map_err(|error| unusable(&error))?;
    let expected = match name {
        SubjectName::Dns(name) => ServerName::try_from(name.as_str())
            .map_err(|_| Distrust::Other(format!("\"{name}\" is not a DNS name")))?,
        SubjectName::Ip(address) => ServerName::from(*address),
    };
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now).unwrap_or(0)));
    match verifier.verify_server_cert(leaf, above, &expected, &[], time) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InvalidCertificate(error)) => Err(reason(error, name, chain)),
        Err(other) => Err(Distrust::Other(other.to_string())),
    }
}

fn reason(error: CertificateError, name: &SubjectName, chain: &[CertificateDer]) -> Distrust {
    let between = |now: UnixTime, then: UnixTime| {
        Ago(now.as_secs().cast_signed() - then.as_secs().cast_signed())
    };
    match error {
        CertificateError::UnknownIssuer => Distrust::UnknownIssuer {
            sent: chain.len(),
            issuer: chain.last().map_or_else(String::new, issuer),
        },
        CertificateError::ExpiredContext { time, not_after } => {
            Distrust::Expired(between(time, not_after))
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            Distrust::NotYetValid(between(time, not_before))
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            Distrust::NoName
        }
        CertificateError::NotValidForNameContext { presented, .. } => Distrust::WrongName {
            expected: name.to_string(),
            presented: presented.iter().map(|name| plain_name(name)).collect(),
        },
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            Distrust::WrongPurpose
        }
        CertificateError::BadSignature => Distrust::BadSignature,
        CertificateError::Other(inner) => Distrust::Other(escaped(&inner.to_string())),
        other => Distrust::Other(escaped(&other.to_string())),
    }
}

/// webpki writes `DnsName("a.example")` and `IpAddress(10.0.0.5)`.
fn plain_name(shown: &str) -> String {
    let inner = shown
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    escaped(inner.unwrap_or(shown).trim_matches('"'))
}

fn list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let text = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

fn issuer(certificate: &CertificateDer) -> String {
    match x509_parser::parse_x509_certificate(certificate) {
        Ok((_, certificate)) => format!("\"{}\"", escaped(&certificate.issuer().to_string())),
        Err(_) => "an unreadable name".to_owned(),
    }
}

/// Lets every handshake pass and notes whether the server proved to hold its key; the
/// certificates themselves are judged afterwards, in resumed connections too (there rustls
/// asks no verifier at all).
#[derive(Debug)]
pub(super) struct Onlooker {
    algorithms: WebPkiSupportedAlgorithms,
    proof: Mutex<Option<rustls::Error>>,
}

impl Onlooker {
    pub(super) fn new(provider: &CryptoProvider) -> Self {
        Self {
            algorithms: provider.signature_verification_algorithms,
            proof: Mutex::new(None),
        }
    }

    /// What was wrong with the server's signature since the last call.
    pub(super) fn take_complaint(&self) -> Option<Distrust> {
        match self.note().take()? {
            rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
                Some(Distrust::BadProof)
            }
            other => Some(Distrust::Other(escaped(&other.to_string()))),
        }
    }

    fn note(&self) -> MutexGuard<'_, Option<rustls::Error>> {
        // A panic elsewhere cannot leave a plain value half-written.
        self.proof.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(
        &self,
        outcome: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> HandshakeSignatureValid {
        outcome.unwrap_or_else(|error| {
            *self.note() = Some(error);
            HandshakeSignatureValid::assertion()
        })
    }
}

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let outcome = verify_tls12_signature(message, certificate, signature, &self.algorithms);
        Ok(self.pass(outcome))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let outcome = verify_tls13_signature(message, certificate, signature, &self.algorithms);
        Ok(self.pass(outcome))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
