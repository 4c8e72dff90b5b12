//! A port for agents alone: the server there is who it should be, takes no old TLS, and passes
//! calls on.

use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::attempt::{Attempt, PATIENCE, leg, said};
use super::client::{Alpn, Client, Handshake, Target, Versions};
use super::fault::Fault;
use super::grpc::{GrpcRequest, grpc_without_tls};
use super::old_tls;
use super::on_host::OnHost;
use super::pace::Pace;
use super::trust::{Judgement, Trust};
use super::verdict::{Seen, Verdict};
use crate::certificate::{Certificate, valid_for};
use crate::host::Host;
use crate::plan::{AgentsPort, PROOF_METHOD, Proof, ProofTrust};
use crate::report::Row;
use crate::values::SubjectName;

const ATTEMPTS: u32 = 6;
const PAUSE: Duration = Duration::from_secs(1);

pub(super) fn rows(
    host: &dyn Host,
    proof: &Proof,
    root: &Result<Certificate, String>,
    pace: &Pace<'_>,
    tell: &mut dyn FnMut(Row),
) {
    let Some(port) = &proof.agents_port else {
        return;
    };
    for address in &port.listeners {
        if port.encrypted {
            tell(trusted(host, proof, port, root.as_ref(), *address));
            let by_manager = port.by_manager || proof.master.is_none();
            old_tls::rows(host, by_manager, &port.name, *address, tell);
            tell(in_the_clear(host, port, *address, pace));
        }
        if proof.agents.is_none() {
            tell(open(host, port, *address, pace));
        }
    }
}

/// Whoever comes without TLS reaches nothing.
fn in_the_clear(host: &dyn Host, port: &AgentsPort, address: SocketAddr, pace: &Pace<'_>) -> Row {
    let leg = leg(&port.service, address);
    pace.request();
    let seen = without_tls(host, &Attempt::usual(&port.name, address), &port.service);
    // An answer of HTTP at all is nginx's own, and says that TLS was expected.
    let reached = seen.grpc.is_some();
    said(
        &leg,
        "agent without TLS",
        "refused",
        seen.words(None),
        !reached,
    )
}

/// The certificate of this port, verified as an agent would.
fn trusted(
    host: &dyn Host,
    proof: &Proof,
    port: &AgentsPort,
    root: Result<&Certificate, &String>,
    address: SocketAddr,
) -> Row {
    let leg = leg(&port.service, address);
    let (case, expected) = ("the server's certificate", "trusted");
    let name = SubjectName::Dns(port.name.clone());
    let trust = match (proof.trust, root) {
        (ProofTrust::OurRoot, Ok(root)) => Trust::Only {
            roots: vec![CertificateDer::from(root.der().to_vec())],
            name: name.clone(),
            now: host.now(),
        },
        (ProofTrust::OurRoot, Err(why)) => {
            return Row::not_tried(&leg, case, expected, why.clone());
        }
        (ProofTrust::Kept, _) => Trust::RecordOnly,
    };
    let handshake = Handshake {
        trust,
        identity: None,
        alpn: vec![Alpn::Http2],
        versions: Versions::Both,
    };
    let target = Target {
        address,
        sni: Some(port.name.clone()),
        patience: PATIENCE,
    };
    let session =
        Client::new(handshake).and_then(|mut client| client.connect(&OnHost(host), &target));
    let (seen, ok) = match session {
        Err(fault) => (fault.to_string(), false),
        Ok(session) => match &session.negotiated().judgement {
            Judgement::Trusted => (format!("trusted, for {name}"), true),
            Judgement::Distrusted(why) => (why.to_string(), false),
            Judgement::NotJudged => {
                let leaf = session.negotiated().chain.first();
                let leaf = leaf.and_then(|der| Certificate::from_der(der).ok());
                let right = leaf.is_some_and(|leaf| valid_for(&leaf, &name));
                let whether = if right { "is" } else { "is not" };
                (format!("the kept certificate {whether} for {name}"), right)
            }
        },
    };
    said(&leg, case, expected, seen, ok)
}

/// Nobody is asked for a certificate: a call reaches what is behind nginx.
fn open(host: &dyn Host, port: &AgentsPort, address: SocketAddr, pace: &Pace<'_>) -> Row {
    let leg = leg(&port.service, address);
    let attempt = Attempt::usual(&port.name, address);
    let mut last = (Seen::fault(Fault::TimedOut), Verdict::Undecided);
    for _ in 0..ATTEMPTS {
        pace.request();
        let seen = if port.encrypted {
            attempt.make(host, &port.service).0
        } else {
            without_tls(host, &attempt, &port.service)
        };
        let verdict = if seen.is_down() {
            Verdict::Undecided
        } else {
            seen.beside(&[])
        };
        last = (seen, verdict);
        if last.1 != Verdict::Undecided {
            break;
        }
        host.sleep(PAUSE);
    }
    let (seen, verdict) = last;
    let words = seen.words(None);
    let ok = verdict == Verdict::Through;
    said(&leg, "agent, no certificate", "through", words, ok)
}

fn without_tls(host: &dyn Host, attempt: &Attempt<'_>, service: &str) -> Seen {
    let request = GrpcRequest {
        authority: attempt.authority.clone(),
        path: format!("/{service}/{PROOF_METHOD}"),
    };
    grpc_without_tls(&OnHost(host), attempt.address, &request, PATIENCE)
        .map_or_else(Seen::fault, Seen::from)
}
