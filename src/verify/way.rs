//! The ways to ask for the UI, and one request along such a way.

use std::net::SocketAddr;
use std::time::Duration;

use super::client::{Alpn, Client, Handshake, Target, Versions};
use super::fault::Fault;
use super::http::{HttpAnswer, HttpRequest};
use super::on_host::OnHost;
use super::pace::Pace;
use super::trust::{Judgement, Trust};
use crate::certificate::{Certificate, valid_for};
use crate::host::Host;
use crate::plan::Proof;
use crate::values::{HostName, SubjectName};

const PATIENCE: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 6;

/// Where the user interface is: its location has a header of its own in the vendor's file, and
/// inherits none.
pub(super) const UI: &str = "/ui/";

/// One way to ask for the UI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) address: SocketAddr,
    /// The name in the handshake; an address is never sent there.
    pub(super) sni: Option<HostName>,
    /// What the request asks for, and what the certificate must be for.
    pub(super) name: SubjectName,
    /// Another server answers here, with a certificate that is not ours to judge.
    pub(super) elsewhere: bool,
    pub(super) words: String,
}

pub(super) fn ways(proof: &Proof) -> Vec<Way> {
    let manager = SubjectName::Dns(proof.name.clone());
    let mut ways = Vec::new();
    for (index, address) in proof.listeners.iter().enumerate() {
        let mut add = |sni: Option<&HostName>, name: &SubjectName, elsewhere, words: String| {
            let (sni, name) = (sni.cloned(), name.clone());
            ways.push(Way {
                address: *address,
                sni,
                name,
                elsewhere,
                words,
            });
        };
        add(
            Some(&proof.name),
            &manager,
            false,
            format!("browser, as {manager}"),
        );
        if index > 0 {
            continue;
        }
        for name in &proof.other_names {
            let sni = match name {
                SubjectName::Dns(name) => Some(name),
                SubjectName::Ip(_) => None,
            };
            let elsewhere = proof.elsewhere.contains(name);
            add(sni, name, elsewhere, format!("browser, as {name}"));
        }
        let nameless = "browser, no name in the handshake".to_owned();
        add(None, &manager, proof.nameless_elsewhere, nameless);
    }
    ways
}

/// What was found out about the certificate.
pub(super) enum Trusted {
    Yes,
    No(String),
    /// A kept certificate: its issuer is not ours to judge.
    NameOnly,
    OtherName,
}

/// `GET`, again where a limit of requests was met.
pub(super) fn request(
    host: &dyn Host,
    way: &Way,
    path: &str,
    trust: Trust,
    pace: &Pace<'_>,
) -> Result<(HttpAnswer, Trusted), Fault> {
    let handshake = Handshake {
        trust,
        identity: None,
        alpn: vec![Alpn::Http11],
        versions: Versions::Both,
    };
    let mut client = Client::new(handshake)?;
    let target = Target {
        address: way.address,
        sni: way.sni.clone(),
        patience: PATIENCE,
    };
    let mut limited = Err(Fault::TimedOut);
    for _ in 0..ATTEMPTS {
        pace.request();
        let mut session = client.connect(&OnHost(host), &target)?;
        let trusted = match &session.negotiated().judgement {
            Judgement::Trusted => Trusted::Yes,
            Judgement::Distrusted(why) => Trusted::No(why.to_string()),
            Judgement::NotJudged => {
                let leaf = session.negotiated().chain.first();
                let leaf = leaf.and_then(|der| Certificate::from_der(der).ok());
                match leaf {
                    Some(leaf) if valid_for(&leaf, &way.name) => Trusted::NameOnly,
                    _ => Trusted::OtherName,
                }
            }
        };
        let request = HttpRequest {
            host: authority(&way.name),
            path: path.to_owned(),
        };
        let answer = session.get(&request, PATIENCE)?;
        if !matches!(answer.status, 429 | 503) {
            return Ok((answer, trusted));
        }
        pace.exhausted();
        limited = Ok((answer, trusted));
    }
    limited
}

fn authority(name: &SubjectName) -> String {
    match name {
        SubjectName::Ip(std::net::IpAddr::V6(address)) => format!("[{address}]"),
        name => name.to_string(),
    }
}
