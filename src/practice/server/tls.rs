//! TLS as nginx sets it up: a bad client certificate does not end the handshake, it is noted,
//! and the HTTP side answers it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerSessionMemoryCache,
    StoresServerSessions, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
    SignatureScheme, SupportedProtocolVersion,
};

use super::asked::Verdict;
use crate::nginx::Scope;
use crate::verify::Identity;

const SESSIONS: usize = 256;

/// The settings of one server.
pub(super) struct Tls {
    pair: Option<Identity>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
    provider: CryptoProvider,
    pub(super) versions: Vec<&'static SupportedProtocolVersion>,
    ignore_client_order: bool,
}

/// A cache of sessions, with what checking the client came to in each: a resumed session goes by
/// that, as it does in nginx.
pub(in super::super) struct Zone {
    sessions: Arc<ServerSessionMemoryCache>,
    verdicts: Mutex<Vec<(Vec<u8>, Verdict)>>,
}

impl Default for Zone {
    fn default() -> Self {
        Self {
            sessions: ServerSessionMemoryCache::new(SESSIONS),
            verdicts: Mutex::default(),
        }
    }
}

impl Zone {
    pub(super) fn remember(&self, leaf: &[u8], verdict: &Verdict) {
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        verdicts.retain(|(known, _)| known != leaf);
        verdicts.push((leaf.to_vec(), verdict.clone()));
    }

    pub(super) fn verdict(&self, leaf: &[u8]) -> Option<Verdict> {
        let verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        let found = verdicts.iter().find(|(known, _)| known == leaf);
        found.map(|(_, verdict)| verdict.clone())
    }
}

impl Tls {
    pub(super) fn new(
        pair: Option<Identity>,
        roots: &[CertificateDer<'static>],
        scope: &Scope<'_>,
    ) -> Result<Self, String> {
        let provider = with_ciphers(scope.value("ssl_ciphers").unwrap_or("HIGH:!aNULL:!MD5"))?;
        let words: Vec<&str> = scope
            .nearest("ssl_protocols")
            .last()
            .map_or(vec!["TLSv1.2", "TLSv1.3"], |line| line.words().collect());
        let mut versions = Vec::new();
        for (word, version) in [
            ("TLSv1.3", &rustls::version::TLS13),
            ("TLSv1.2", &rustls::version::TLS12),
        ] {
            if words.contains(&word) {
                versions.push(version);
            }
        }
        if versions.is_empty() {
            return Err("the practice host speaks TLSv1.2 and TLSv1.3 only".to_owned());
        }
        Ok(Self {
            pair,
            clients: verifier(roots, &provider)?,
            provider,
            versions,
            ignore_client_order: scope.value("ssl_prefer_server_ciphers") == Some("on"),
        })
    }

    /// What one connection is served with. `None`: this server rejects every handshake.
    pub(super) fn for_connection(
        &self,
        witness: &Arc<Witness>,
        versions: &[&'static SupportedProtocolVersion],
        http2: bool,
        cache: Option<&Zone>,
    ) -> Option<Result<ServerConfig, Error>> {
        let pair = self.pair.as_ref()?.pair();
        let builder = ServerConfig::builder_with_provider(Arc::new(self.provider.clone()))
            .with_protocol_versions(versions);
        let builder = match builder {
            Ok(builder) => builder,
            Err(error) => return Some(Err(error)),
        };
        let builder = match &self.clients {
            Some(_) => builder.with_client_cert_verifier(Arc::clone(witness) as _),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(Only(pair)));
        config.session_storage = match cache {
            Some(zone) => Arc::clone(&zone.sessions) as Arc<dyn StoresServerSessions>,
            None => Arc::new(NoServerSessionStorage {}),
        };
        config.ignore_client_order = self.ignore_client_order;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if http2 {
            config.alpn_protocols.insert(0, b"h2".to_vec());
        }
        Some(Ok(config))
    }

    pub(super) fn witness(&self) -> Arc<Witness> {
        Arc::new(Witness {
            judge: self.clients.clone(),
            seen: Mutex::default(),
        })
    }
}

fn verifier(
    roots: &[CertificateDer<'static>],
    provider: &CryptoProvider,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, String> {
    if roots.is_empty() {
        return Ok(None);
    }
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots.iter().cloned());
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(store), Arc::new(provider.clone()));
    builder.build().map(Some).map_err(|error| error.to_string())
}

/// A list of `OpenSSL` that names suites leaves those that it names. Other words (`HIGH`) are
/// taken as all suites that this server has: they all are strong.
fn with_ciphers(list: &str) -> Result<CryptoProvider, String> {
    const NAMES: [(&str, &str); 6] = [
        (
            "ECDHE-ECDSA-AES128-GCM-SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        ),
        (
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        ),
        (
            "ECDHE-ECDSA-CHACHA20-POLY1305",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        ),
        (
            "ECDHE-RSA-AES128-GCM-SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ),
        (
            "ECDHE-RSA-AES256-GCM-SHA384",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        ),
        (
            "ECDHE-RSA-CHACHA20-POLY1305",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        ),
    ];
    let mut provider = aws_lc_rs::default_provider();
    let words: Vec<&str> = list
        .split([':', ' ', ','])
        .filter(|word| !word.is_empty())
        .collect();
    if words
        .iter()
        .any(|word| matches!(*word, "HIGH" | "DEFAULT" | "ALL"))
    {
        return Ok(provider);
    }
    let named = |suite: &str| {
        NAMES
            .iter()
            .any(|(name, long)| *long == suite && words.contains(name))
    };
    provider.cipher_suites.retain(|suite| {
        let name = format!("{:?}", suite.suite());
        name.starts_with("TLS13_") || named(&name)
    });
    let left = provider
        .cipher_suites
        .iter()
        .any(|suite| suite.tls13().is_none());
    if left {
        Ok(provider)
    } else {
        Err(format!(
            "no suite of \"{list}\" is known to the practice host"
        ))
    }
}

/// Presents one certificate, whatever is asked for.
struct Only(Arc<CertifiedKey>);

impl ResolvesServerCert for Only {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

impl fmt::Debug for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Only")
    }
}

/// Sees the client's certificate checked, lets the handshake go on, and remembers.
pub(super) struct Witness {
    judge: Option<Arc<dyn ClientCertVerifier>>,
    seen: Mutex<Option<Verdict>>,
}

impl Witness {
    /// What was seen in the handshake; `None`: no certificate was checked in it.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Witness")
    }
}

impl ClientCertVerifier for Witness {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.judge
            .as_ref()
            .map_or(&[], |judge| judge.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let judged = self
            .judge
            .as_ref()
            .map(|judge| judge.verify_client_cert(leaf, between, now));
        let verdict = match judged {
            Some(Ok(_)) => Verdict::Success,
            Some(Err(error)) => Verdict::Failed(in_words(&error)),
            None => Verdict::None,
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judged()?
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judged()?
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge
            .as_ref()
            .map_or_else(Vec::new, |judge| judge.supported_verify_schemes())
    }
}

impl Witness {
    fn judged(&self) -> Result<&Arc<dyn ClientCertVerifier>, Error> {
        self.judge
            .as_ref()
            .ok_or_else(|| Error::General("no certificate was asked for".to_owned()))
    }
}

/// The words of `OpenSSL`, which nginx logs and puts into `$ssl_client_verify`.
fn in_words(error: &Error) -> String {
    let Error::InvalidCertificate(why) = error else {
        return error.to_string();
    };
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "certificate is not yet valid"
        }
        CertificateError::UnknownIssuer => "unable to get local issuer certificate",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "unsuitable certificate purpose"
        }
        CertificateError::BadSignature => "certificate signature failure",
        _ => "certificate rejected",
    }
    .to_owned()
}
