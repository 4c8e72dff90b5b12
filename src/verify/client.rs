//! A TLS client for one purpose: to see what a server does.
//!
//! ```text
//! Handshake (what we bring) -> Client -- connect(Target) --> Session, with its Negotiated
//!                                     '- resume(Target) --->
//! ```

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::{ClientSessionStore, Resumption};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, SupportedProtocolVersion};

use crate::values::{HostName, escaped};

use super::fault::Fault;
use super::identity::{Asked, Identity, Presenter};
use super::memory::Memory;
use super::names::{Version, suite_name};
use super::trust::{Judgement, Onlooker, Trust, judge};
use super::wire::{Dial, Guarded};

/// What we bring to every connection of a [`Client`].
#[derive(Debug, Clone)]
pub struct Handshake {
    pub trust: Trust,
    /// Sent whenever the server asks, whatever authorities it names.
    pub identity: Option<Identity>,
    /// In order of preference; empty: the extension is left out.
    pub alpn: Vec<Alpn>,
    pub versions: Versions,
}

/// An application protocol, as named in the TLS handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alpn {
    Http2,
    Http11,
}

/// The TLS versions offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    Both,
    Only12,
    Only13,
}

/// Where to connect, and under which name.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    /// `None`: the handshake names no server at all.
    pub sni: Option<HostName>,
    /// For connecting and shaking hands. An exchange on the session has a limit of its own.
    pub patience: Duration,
}

/// Connects as often as asked with one [`Handshake`], and remembers the latest full connection
/// so that it can be resumed. A fresh `Client` knows no earlier session.
pub struct Client {
    config: ClientConfig,
    provider: Arc<CryptoProvider>,
    trust: Trust,
    presenter: Arc<Presenter>,
    onlooker: Arc<Onlooker>,
    memory: Memory,
}

impl Client {
    pub fn new(handshake: Handshake) -> Result<Self, Fault> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let presenter = Arc::new(Presenter::new(handshake.identity));
        let onlooker = Arc::new(Onlooker::new(&provider));
        let mut config = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&handshake.versions.offered())?
            .dangerous()
            .with_custom_certificate_verifier(onlooker.clone())
            .with_client_cert_resolver(presenter.clone());
        config.alpn_protocols = handshake
            .alpn
            .iter()
            .map(|protocol| protocol.wire_name().to_vec())
            .collect();
        Ok(Self {
            config,
            provider,
            trust: handshake.trust,
            presenter,
            onlooker,
            memory: Memory::default(),
        })
    }

    /// A full handshake. Earlier sessions are forgotten; the one made here is remembered. The
    /// server hands out its TLS 1.3 tickets after the handshake: they are there once something
    /// has been read from the session.
    pub fn connect(&mut self, dial: &dyn Dial, target: &Target) -> Result<Session, Fault> {
        let store = self.memory.learning();
        self.shake_hands(dial, target, store)
    }

    /// Offers the remembered session; [`Negotiated::resumed`] says whether the server took it.
    /// The target may be another server of the same socket. Nothing is learnt, so what is
    /// offered is always of the latest [`connect`](Self::connect). TLS 1.3 tickets serve once
    /// each (nginx gives two), a TLS 1.2 session as often as wanted.
    ///
    /// # Errors
    /// [`Fault::NothingToResume`], besides those of a connection.
    pub fn resume(&mut self, dial: &dyn Dial, target: &Target) -> Result<Session, Fault> {
        if self.memory.is_empty() {
            return Err(Fault::NothingToResume);
        }
        let store = self.memory.offering();
        self.shake_hands(dial, target, store)
    }

    fn shake_hands(
        &mut self,
        dial: &dyn Dial,
        target: &Target,
        store: Arc<dyn ClientSessionStore>,
    ) -> Result<Session, Fault> {
        let mut config = self.config.clone();
        config.resumption = Resumption::store(store);
        let name = match &target.sni {
            Some(name) => ServerName::try_from(name.as_str().to_owned())
                .map_err(|_| Fault::Unsendable(format!("the server name \"{name}\"")))?,
            // An address is never sent as a server name.
            None => ServerName::from(target.address.ip()),
        };
        let mut tls = ClientConnection::new(Arc::new(config), name)?;

        // A handshake that failed earlier may have left its notes.
        self.presenter.take_asked();
        self.onlooker.take_complaint();
        let mut wire = Guarded::dial(dial, target.address, target.patience)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut wire)?;
        }
        let negotiated = self.negotiated(&tls, &wire);
        Ok(Session {
            tls,
            wire,
            negotiated,
            used: false,
        })
    }

    fn negotiated(&self, tls: &ClientConnection, wire: &Guarded) -> Negotiated {
        let chain: Vec<_> = tls.peer_certificates().unwrap_or_default().to_vec();
        let mut judgement = judge(&self.trust, &chain, &self.provider);
        if let (Judgement::Trusted, Some(complaint)) = (&judgement, self.onlooker.take_complaint())
        {
            judgement = Judgement::Distrusted(complaint);
        }
        let suite = tls
            .negotiated_cipher_suite()
            .map(|suite| suite_name(suite.suite().into()));
        Negotiated {
            version: match tls.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_2) => Version::Tls12,
                _ => Version::Tls13,
            },
            suite: suite.unwrap_or_default(),
            alpn: tls
                .alpn_protocol()
                .map(|name| escaped(&String::from_utf8_lossy(name))),
            chain,
            judgement,
            asked: self.presenter.take_asked(),
            resumed: tls.handshake_kind() == Some(HandshakeKind::Resumed),
            local_port: wire.local_port(),
        }
    }
}

/// What both sides agreed on.
#[derive(Debug, Clone)]
pub struct Negotiated {
    pub version: Version,
    /// The registered name: `TLS_AES_128_GCM_SHA256`.
    pub suite: String,
    pub alpn: Option<String>,
    /// The server's certificates (DER), leaf first; in a resumed session those of the first.
    pub chain: Vec<CertificateDer<'static>>,
    pub judgement: Judgement,
    /// Whether a client certificate was asked for. A resumed session never asks again: there
    /// the server goes by what it remembers.
    pub asked: Option<Asked>,
    pub resumed: bool,
    pub local_port: Option<u16>,
}

/// An open connection, good for one request.
pub struct Session {
    tls: ClientConnection,
    wire: Guarded,
    negotiated: Negotiated,
    used: bool,
}

impl Session {
    pub fn negotiated(&self) -> &Negotiated {
        &self.negotiated
    }

    /// Sends `request` whole and starts the clock of its answer. Where sending fails because
    /// the server has already hung up, its last word (a TLS alert) may still be in the line
    /// and is the better explanation.
    pub(super) fn send(&mut self, request: &[u8], patience: Duration) -> Result<(), Fault> {
        if std::mem::replace(&mut self.used, true) {
            return Err(Fault::Unsendable(
                "a second request on one connection".to_owned(),
            ));
        }
        self.wire.renew(patience);
        let sent = self.write_all(request).and_then(|()| self.flush());
        let Err(error) = sent else { return Ok(()) };
        match self.read(&mut [0; 256]).map_err(Fault::from) {
            Err(alert @ Fault::Alert(_)) => Err(alert),
            _ => Err(error.into()),
        }
    }
}

impl Read for Session {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        rustls::Stream::new(&mut self.tls, &mut self.wire).read(buffer)
    }
}

impl Write for Session {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        rustls::Stream::new(&mut self.tls, &mut self.wire).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        rustls::Stream::new(&mut self.tls, &mut self.wire).flush()
    }
}

impl Alpn {
    pub(super) fn wire_name(self) -> &'static [u8] {
        match self {
            Self::Http2 => b"h2",
            Self::Http11 => b"http/1.1",
        }
    }
}

impl Versions {
    fn offered(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Both => vec![&rustls::version::TLS13, &rustls::version::TLS12],
            Self::Only12 => vec![&rustls::version::TLS12],
            Self::Only13 => vec![&rustls::version::TLS13],
        }
    }
}

#[cfg(test)]
mod tests;
