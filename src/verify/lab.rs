//! What the tests of this folder talk to: a small certificate authority, real nginx and
//! OpenSSL servers on loopback ports, and servers that read from a script.

#![expect(clippy::disallowed_methods, reason = "a test sets its own scene")]
#![expect(
    clippy::expect_used,
    reason = "a test ends where its scene cannot be set"
)]

mod servers;

use std::io::{self, Cursor, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256,
};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::client::{Alpn, Client, Handshake, Target, Versions};
use super::identity::Identity;
use super::trust::Trust;
use super::wire::{Dial, Wire};

pub(super) use servers::{Nginx, OpenSsl, free_port};

pub(super) const PATIENCE: Duration = Duration::from_secs(5);
pub(super) const SERVER: ExtendedKeyUsagePurpose = ExtendedKeyUsagePurpose::ServerAuth;
pub(super) const CLIENT: ExtendedKeyUsagePurpose = ExtendedKeyUsagePurpose::ClientAuth;
const DAY: i64 = 86_400;

pub(super) fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// Dials with the standard library.
pub(super) struct Tcp;

impl Dial for Tcp {
    fn dial(&self, address: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Wire>> {
        let stream = TcpStream::connect_timeout(&address, timeout)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        let opened = Instant::now();
        Ok(Box::new(TcpWire { stream, opened }))
    }
}

struct TcpWire {
    stream: TcpStream,
    opened: Instant,
}

impl Read for TcpWire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for TcpWire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Wire for TcpWire {
    fn local_port(&self) -> Option<u16> {
        self.stream.local_addr().ok().map(|address| address.port())
    }

    fn age(&self) -> Duration {
        self.opened.elapsed()
    }
}

/// A peer that says what was written down for it, a few bytes at a time, and keeps what it
/// is told.
pub(super) struct Script {
    incoming: Cursor<Vec<u8>>,
    pub(super) told: Vec<u8>,
}

impl Script {
    pub(super) fn new(incoming: Vec<u8>) -> Self {
        Self {
            incoming: Cursor::new(incoming),
            told: Vec::new(),
        }
    }
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(7);
        self.incoming.read(&mut buffer[..room])
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.told.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A root and an intermediate that issue leaves.
pub(super) struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
}

/// A leaf with its intermediate, and its key.
pub(super) struct Issued {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: KeyPair,
}

/// What is special about a leaf.
pub(super) struct Leaf<'a> {
    pub(super) names: &'a [&'a str],
    pub(super) purpose: ExtendedKeyUsagePurpose,
    /// Days from now.
    pub(super) valid: (i64, i64),
    pub(super) rsa: bool,
}

impl Leaf<'_> {
    pub(super) const fn of<'a>(names: &'a [&'a str], purpose: ExtendedKeyUsagePurpose) -> Leaf<'a> {
        Leaf {
            names,
            purpose,
            valid: (-2, 30),
            rsa: false,
        }
    }
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let key = || KeyPair::generate().expect("a key");
        let ca = |title: &str| {
            let mut params = params(&[], (-3, 60));
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            params
                .distinguished_name
                .push(DnType::CommonName, format!("{name} {title}"));
            params
        };
        let root = CertifiedIssuer::self_signed(ca("root"), key()).expect("a root");
        let intermediate =
            CertifiedIssuer::signed_by(ca("intermediate"), key(), &root).expect("an intermediate");
        Self { root, intermediate }
    }

    pub(super) fn issue(&self, leaf: &Leaf) -> Issued {
        let key = if leaf.rsa {
            KeyPair::generate_for(&PKCS_RSA_SHA256).expect("an RSA key")
        } else {
            KeyPair::generate().expect("a key")
        };
        let mut params = params(leaf.names, leaf.valid);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        params.extended_key_usages = vec![leaf.purpose.clone()];
        let first = leaf.names.first().copied().unwrap_or("only.example.com");
        params.distinguished_name.push(DnType::CommonName, first);
        let certificate = params.signed_by(&key, &self.intermediate).expect("a leaf");
        Issued {
            chain: vec![certificate.der().clone(), self.intermediate.der().clone()],
            key,
        }
    }

    pub(super) fn root(&self) -> CertificateDer<'static> {
        self.root.der().clone()
    }

    /// What nginx verifies clients by: intermediate and root.
    pub(super) fn bundle(&self) -> String {
        format!("{}{}", self.intermediate.pem(), self.root.pem())
    }

    /// Trust in this root alone, for `name`.
    pub(super) fn trust(&self, name: &str) -> Trust {
        Trust::Only {
            roots: vec![self.root()],
            name: name.parse().expect("a name"),
            now: now(),
        }
    }
}

fn params(names: &[&str], valid: (i64, i64)) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    let day = |days: i64| OffsetDateTime::now_utc() + time::Duration::seconds(days * DAY);
    params.not_before = day(valid.0);
    params.not_after = day(valid.1);
    params.use_authority_key_identifier_extension = true;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
}

impl Issued {
    pub(super) fn identity(&self) -> Identity {
        Identity::new(self.chain.clone(), self.key.serialized_der()).expect("an identity")
    }

    pub(super) fn chain_pem(&self) -> String {
        let block = |der: &CertificateDer| pem::encode(&pem::Pem::new("CERTIFICATE", der.to_vec()));
        self.chain.iter().map(block).collect()
    }
}

/// A client that offers both protocols and both versions.
pub(super) fn client(trust: Trust, identity: Option<Identity>, alpn: Alpn) -> Client {
    client_of(trust, identity, alpn, Versions::Both)
}

pub(super) fn client_of(
    trust: Trust,
    identity: Option<Identity>,
    alpn: Alpn,
    versions: Versions,
) -> Client {
    Client::new(Handshake {
        trust,
        identity,
        alpn: vec![alpn],
        versions,
    })
    .expect("a client")
}

/// A loopback port under a name; an empty name sends none.
pub(super) fn target(port: u16, sni: &str) -> Target {
    Target {
        address: SocketAddr::from(([127, 0, 0, 1], port)),
        sni: (!sni.is_empty()).then(|| sni.parse().expect("a name")),
        patience: PATIENCE,
    }
}
