//! A manager's port, as whoever comes without a certificate meets it, from any machine.

use std::net::SocketAddr;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;

use super::attempt::PATIENCE;
use super::client::{Alpn, Client, Handshake, Session, Target, Versions};
use super::fault::Fault;
use super::grpc::{GrpcAnswer, GrpcRequest, grpc_without_tls};
use super::hello::{HelloOutcome, Offer};
use super::http::{HttpRequest, get_without_tls};
use super::names::Alert;
use super::on_host::OnHost;
use super::trust::{Judgement, Trust, judge};
use crate::host::Host;
use crate::plan::{PROOF_METHOD, SERVICES};
use crate::values::{SubjectName, date_of_http, escaped};

/// What nobody has: where it is answered like a service of agents, that is not there either.
const NO_SERVICE: &str = "nim.tls.NoSuchService";
const PROTOCOL_VERSION: Alert = Alert(70);
const UNIMPLEMENTED: u32 = 12;

/// Who is looked at, and by what it is measured.
pub struct Outside<'a> {
    pub host: &'a dyn Host,
    pub address: SocketAddr,
    pub name: &'a SubjectName,
    /// Authorities that are trusted here (DER). None: nothing is measured.
    pub roots: Vec<Vec<u8>>,
    /// Authorities below them that are known here.
    pub between: Vec<Vec<u8>>,
    /// Whether services of agents are called, as by somebody without a certificate.
    pub calls: bool,
}

/// How far one comes.
pub enum Met {
    /// It answers, and not with TLS: how.
    Plaintext(String),
    /// It speaks a TLS that nobody should speak any more.
    TooOld(String),
    NoHandshake(Fault),
    Tls(Box<Shown>),
}

/// Of a handshake, and what was said after it.
pub struct Shown {
    /// Leaf first (DER).
    pub chain: Vec<CertificateDer<'static>>,
    pub judgement: Judgement,
    /// It would be trusted with an authority that is known here, and that it did not send.
    pub lacks_between: bool,
    pub http2: bool,
    /// The version of TLS, and what was chosen for what comes after it.
    pub spoken: String,
    /// Whether a certificate was asked for.
    pub asked: bool,
    /// By service of agents; none without HTTP/2.
    pub calls: Vec<(&'static str, Answered)>,
    /// Seconds that its clock is ahead of ours, where it tells the time.
    pub ahead: Option<i64>,
}

/// What the call of an agent without a certificate meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    LetIn(String),
    Refused(String),
    /// Nothing there is meant for agents.
    NoLocation(String),
    /// It was let in, and nobody is behind.
    NoService(String),
    /// Not in the words of gRPC.
    NotGrpc(String),
    Undecided(String),
}

impl Answered {
    pub fn words(&self) -> &str {
        match self {
            Self::LetIn(words)
            | Self::Refused(words)
            | Self::NoLocation(words)
            | Self::NoService(words)
            | Self::NotGrpc(words)
            | Self::Undecided(words) => words,
        }
    }
}

impl Outside<'_> {
    pub fn look(&self) -> Met {
        let session = match self.connect(&[Alpn::Http2, Alpn::Http11]) {
            Ok(session) => session,
            Err(fault) => return self.without_handshake(fault),
        };
        let negotiated = session.negotiated().clone();
        let http2 = negotiated.alpn.as_deref() == Some("h2");
        let protocol = negotiated.alpn.as_deref().unwrap_or("no protocol named");
        Met::Tls(Box::new(Shown {
            lacks_between: self.lacks_between(&negotiated.judgement, &negotiated.chain),
            chain: negotiated.chain,
            judgement: negotiated.judgement,
            http2,
            spoken: format!("{}, {}", negotiated.version, escaped(protocol)),
            asked: negotiated.asked.is_some(),
            calls: if http2 && self.calls {
                self.calls()
            } else {
                Vec::new()
            },
            ahead: self.ahead(),
        }))
    }

    fn connect(&self, alpn: &[Alpn]) -> Result<Session, Fault> {
        let trust = if self.roots.is_empty() {
            Trust::RecordOnly
        } else {
            self.trust()
        };
        let mut client = Client::new(Handshake {
            trust,
            identity: None,
            alpn: alpn.to_vec(),
            versions: Versions::Both,
        })?;
        client.connect(&OnHost(self.host), &self.target())
    }

    fn trust(&self) -> Trust {
        Trust::Only {
            roots: self.roots.iter().cloned().map(Into::into).collect(),
            name: self.name.clone(),
            now: self.host.now(),
        }
    }

    fn target(&self) -> Target {
        Target {
            address: self.address,
            sni: match self.name {
                SubjectName::Dns(name) => Some(name.clone()),
                SubjectName::Ip(_) => None,
            },
            patience: PATIENCE,
        }
    }

    fn authority(&self) -> String {
        match self.name {
            SubjectName::Dns(name) => name.to_string(),
            SubjectName::Ip(ip) if ip.is_ipv6() => format!("[{ip}]"),
            SubjectName::Ip(ip) => ip.to_string(),
        }
    }

    fn lacks_between(&self, judgement: &Judgement, chain: &[CertificateDer<'static>]) -> bool {
        if !matches!(judgement, Judgement::Distrusted(_)) || self.between.is_empty() {
            return false;
        }
        let between = self.between.iter().cloned().map(Into::into);
        let whole: Vec<_> = chain.iter().cloned().chain(between).collect();
        let provider = aws_lc_rs::default_provider().into();
        judge(&self.trust(), &whole, &provider) == Judgement::Trusted
    }

    /// What speaks there, if it is not TLS as it should be.
    fn without_handshake(&self, fault: Fault) -> Met {
        match fault {
            Fault::Alert(PROTOCOL_VERSION) => return Met::TooOld(fault.to_string()),
            Fault::Alert(_) => return Met::NoHandshake(fault),
            _ => {}
        }
        for offer in [Offer::Tls11, Offer::Tls10] {
            let made = offer.make(&OnHost(self.host), &self.target());
            if let Ok(HelloOutcome::Accepted { version, .. }) = made {
                return Met::TooOld(format!("it takes {version}, and nothing newer"));
            }
        }
        let (dial, host) = (OnHost(self.host), self.authority());
        let path = "/".to_owned();
        let request = HttpRequest { host, path };
        if let Ok(answer) = get_without_tls(&dial, self.address, &request, PATIENCE) {
            return Met::Plaintext(format!("HTTP {} in the clear", answer.status));
        }
        let request = self.call_of(SERVICES[0]);
        if grpc_without_tls(&dial, self.address, &request, PATIENCE).is_ok() {
            return Met::Plaintext("gRPC in the clear".to_owned());
        }
        match fault {
            Fault::Tls(why) => Met::Plaintext(why),
            fault => Met::NoHandshake(fault),
        }
    }

    fn call_of(&self, service: &str) -> GrpcRequest {
        GrpcRequest {
            authority: self.authority(),
            path: format!("/{service}/{PROOF_METHOD}"),
        }
    }

    fn call(&self, service: &str) -> Result<GrpcAnswer, Fault> {
        let mut session = self.connect(&[Alpn::Http2])?;
        session.grpc(&self.call_of(service), PATIENCE)
    }

    fn calls(&self) -> Vec<(&'static str, Answered)> {
        let nobody = self.call(NO_SERVICE).ok();
        let calls = SERVICES.iter().map(|service| {
            let answer = self.call(service);
            (*service, answered(&answer, nobody.as_ref()))
        });
        calls.collect()
    }

    fn ahead(&self) -> Option<i64> {
        let mut session = self.connect(&[Alpn::Http11]).ok()?;
        let request = HttpRequest {
            host: self.authority(),
            path: "/".to_owned(),
        };
        let answer = session.get(&request, PATIENCE).ok()?;
        let theirs = date_of_http(answer.header("date")?)?;
        Some(theirs - self.host.now())
    }
}

/// What an answer means; `nobody` is how a service is answered that does not exist.
fn answered(answer: &Result<GrpcAnswer, Fault>, nobody: Option<&GrpcAnswer>) -> Answered {
    let answer = match answer {
        Ok(answer) => answer,
        Err(fault @ (Fault::Alert(_) | Fault::Closed)) => {
            return Answered::Refused(fault.to_string());
        }
        Err(fault) => return Answered::Undecided(fault.to_string()),
    };
    let http = answer.http_status;
    let words = match (http, answer.grpc_status, &answer.grpc_message) {
        (_, Some(status), Some(said)) => format!("grpc-status {status}: {}", escaped(said)),
        (_, Some(status), None) => format!("grpc-status {status}"),
        (Some(status), None, _) => format!("HTTP {status}"),
        (None, None, _) => "no answer".to_owned(),
    };
    let as_nobody = nobody.is_some_and(|nobody| {
        nobody.grpc_status == answer.grpc_status && nobody.grpc_message == answer.grpc_message
    });
    match (http, answer.grpc_status) {
        (_, Some(8)) | (Some(429 | 503 | 504) | None, None) => Answered::Undecided(words),
        (_, Some(14)) | (Some(502), None) => Answered::NoService(words),
        // nginx puts its own refusals into these words.
        (_, Some(7 | 13 | 16)) => Answered::Refused(words),
        (_, Some(UNIMPLEMENTED)) if as_nobody => Answered::NoLocation(words),
        (_, Some(_)) => Answered::LetIn(words),
        (Some(404 | 405), None) => Answered::NoLocation(words),
        (Some(200..=399), None) => Answered::NotGrpc(words),
        (Some(_), None) => Answered::Refused(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(http: u16, grpc: Option<u32>, message: &str) -> GrpcAnswer {
        GrpcAnswer {
            http_status: Some(http),
            grpc_status: grpc,
            grpc_message: grpc.map(|_| message.to_owned()),
            ..GrpcAnswer::default()
        }
    }

    /// Red where nginx's own words count as those of the service, or the other way round.
    #[test]
    fn who_has_answered_is_told_by_the_words() {
        let nobody = said(200, Some(12), "not implemented");
        let meets = |answer: GrpcAnswer| match answered(&Ok(answer), Some(&nobody)) {
            Answered::LetIn(_) => "let in",
            Answered::Refused(_) => "refused",
            Answered::NoLocation(_) => "no location",
            Answered::NoService(_) => "no service",
            Answered::NotGrpc(_) => "not gRPC",
            Answered::Undecided(_) => "undecided",
        };
        for (http, grpc, message, expected) in [
            (200, Some(12), "not implemented", "no location"),
            (200, Some(12), "unknown method", "let in"),
            (200, Some(0), "", "let in"),
            (200, Some(16), "", "refused"),
            (200, Some(13), "", "refused"),
            (200, Some(14), "", "no service"),
            (502, None, "", "no service"),
            (404, None, "", "no location"),
            (405, None, "", "no location"),
            (204, None, "", "not gRPC"),
            (302, None, "", "not gRPC"),
            (400, None, "", "refused"),
            (401, None, "", "refused"),
            (429, None, "", "undecided"),
            (200, Some(8), "", "undecided"),
        ] {
            assert_eq!(
                meets(said(http, grpc, message)),
                expected,
                "{http} {grpc:?}"
            );
        }
    }
}
