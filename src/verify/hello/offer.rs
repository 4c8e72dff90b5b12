//! The first message of a handshake, byte by byte (RFC 8446, section 4.1.2; RFC 5246, 7.4.1.2).

use crate::values::HostName;

use super::super::client::Alpn;
use super::super::fault::Fault;

/// What is offered: one version and one kind of suites, nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    Tls10,
    Tls11,
    /// TLS 1.2, only suites in CBC mode.
    Tls12Cbc,
    /// TLS 1.2, only suites whose key exchange is RSA encryption: no forward secrecy.
    Tls12StaticRsa,
    /// TLS 1.2 with suites that any current server takes: the counter-test.
    Tls12Good,
    Tls13,
}

/// Suites of TLS 1.0 and 1.1: all are CBC.
const OLD: &[u16] = &[
    0xc009, 0xc00a, 0xc013, 0xc014, 0x002f, 0x0035, 0x0041, 0x0084, 0xc008, 0xc012, 0x000a,
];
const CBC: &[u16] = &[
    0xc023, 0xc024, 0xc027, 0xc028, 0x003c, 0x003d, 0xc009, 0xc00a, 0xc013, 0xc014, 0x002f, 0x0035,
    0x0041, 0x0084, 0xc008, 0xc012, 0x000a,
];
const STATIC_RSA: &[u16] = &[
    0x009c, 0x009d, 0xc09c, 0xc09d, 0x003c, 0x003d, 0x002f, 0x0035, 0x0041, 0x0084, 0x000a,
];
const GOOD: &[u16] = &[0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9];
const TLS13: &[u16] = &[0x1301, 0x1302, 0x1303];

/// "No renegotiation was going on", said in the place of a suite (RFC 5746).
const RENEGOTIATION_INFO: u16 = 0x00ff;

const X25519: u16 = 0x001d;
const GROUPS: &[u16] = &[X25519, 0x0017, 0x0018, 0x0019];

/// ECDSA, RSA-PSS and RSA PKCS#1 with SHA-256 to SHA-512, then SHA-1 for old versions.
const SIGNATURES: &[u16] = &[
    0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201,
];

impl Offer {
    /// One record with the `ClientHello`.
    pub(super) fn client_hello(self, sni: Option<&HostName>) -> Result<Vec<u8>, Fault> {
        let random: [u8; 64] = random()?;
        let mut body = self.version().to_be_bytes().to_vec();
        body.extend_from_slice(&random[..32]);
        body.push(0); // no session to resume
        with_length(&mut body, 2, |body| {
            for suite in self.suites() {
                body.extend_from_slice(&suite.to_be_bytes());
            }
            if self != Self::Tls13 {
                body.extend_from_slice(&RENEGOTIATION_INFO.to_be_bytes());
            }
        });
        body.extend_from_slice(&[1, 0]); // one compression method: none
        with_length(&mut body, 2, |body| {
            self.extensions(body, sni, &random[32..]);
        });

        // A record says TLS 1.0 until the version is settled.
        let mut record = vec![22, 3, 1];
        with_length(&mut record, 2, |record| {
            record.push(1); // ClientHello
            with_length(record, 3, |record| record.extend_from_slice(&body));
        });
        Ok(record)
    }

    pub(super) fn suites(self) -> &'static [u16] {
        match self {
            Self::Tls10 | Self::Tls11 => OLD,
            Self::Tls12Cbc => CBC,
            Self::Tls12StaticRsa => STATIC_RSA,
            Self::Tls12Good => GOOD,
            Self::Tls13 => TLS13,
        }
    }

    /// The version field, which stopped counting at TLS 1.2.
    fn version(self) -> u16 {
        match self {
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12Cbc | Self::Tls12StaticRsa | Self::Tls12Good | Self::Tls13 => 0x0303,
        }
    }

    fn extensions(self, out: &mut Vec<u8>, sni: Option<&HostName>, share: &[u8]) {
        if let Some(name) = sni {
            extension(out, 0, |out| {
                with_length(out, 2, |out| {
                    out.push(0); // a host name
                    with_length(out, 2, |out| {
                        out.extend_from_slice(name.as_str().as_bytes());
                    });
                });
            });
        }
        extension(out, 10, |out| numbers(out, GROUPS));
        extension(out, 11, |out| out.extend_from_slice(&[1, 0])); // uncompressed points
        extension(out, 16, |out| {
            with_length(out, 2, |out| {
                for protocol in [Alpn::Http2, Alpn::Http11] {
                    with_length(out, 1, |out| out.extend_from_slice(protocol.wire_name()));
                }
            });
        });
        if self.version() == 0x0303 {
            extension(out, 13, |out| numbers(out, SIGNATURES));
        }
        if self == Self::Tls13 {
            extension(out, 43, |out| out.extend_from_slice(&[2, 3, 4])); // TLS 1.3 alone
            extension(out, 51, |out| {
                with_length(out, 2, |out| {
                    out.extend_from_slice(&X25519.to_be_bytes());
                    // Any 32 bytes are a public key of X25519; nobody needs its other half.
                    with_length(out, 2, |out| out.extend_from_slice(share));
                });
            });
        } else {
            extension(out, 23, |_| {}); // extended master secret: some servers insist
        }
    }
}

fn random() -> Result<[u8; 64], Fault> {
    let mut bytes = [0; 64];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Fault::Tls("no random numbers could be had".to_owned()))?;
    Ok(bytes)
}

fn extension(out: &mut Vec<u8>, kind: u16, content: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&kind.to_be_bytes());
    with_length(out, 2, content);
}

fn numbers(out: &mut Vec<u8>, list: &[u16]) {
    with_length(out, 2, |out| {
        for number in list {
            out.extend_from_slice(&number.to_be_bytes());
        }
    });
}

/// Writes `content` behind its own length, in `width` bytes.
fn with_length(out: &mut Vec<u8>, width: usize, content: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.resize(start + width, 0);
    content(out);
    let length = (out.len() - start - width).to_be_bytes();
    out[start..start + width].copy_from_slice(&length[length.len() - width..]);
}
