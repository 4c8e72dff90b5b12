//! One call of an agent: who calls, by which name, over which protocol.

use std::net::SocketAddr;
use std::time::Duration;

use super::client::{Alpn, Client, Handshake, Session, Target, Versions};
use super::fault::Fault;
use super::grpc::GrpcRequest;
use super::http::HttpRequest;
use super::identity::Identity;
use super::on_host::OnHost;
use super::trust::Trust;
use super::verdict::Seen;
use crate::host::Host;
use crate::plan::PROOF_METHOD;
use crate::report::Row;
use crate::values::HostName;

/// How long one answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What one connection tries.
#[derive(Clone)]
pub(super) struct Attempt<'a> {
    pub(super) address: SocketAddr,
    pub(super) sni: Option<&'a HostName>,
    pub(super) authority: String,
    pub(super) identity: Option<&'a Identity>,
    pub(super) http11: bool,
}

impl<'a> Attempt<'a> {
    /// By the manager's name, over HTTP/2, without a certificate.
    pub(super) fn usual(name: &'a HostName, address: SocketAddr) -> Self {
        Self {
            address,
            sni: Some(name),
            authority: name.to_string(),
            identity: None,
            http11: false,
        }
    }

    /// What was seen, and the port on our side.
    pub(super) fn make(&self, host: &dyn Host, service: &str) -> (Seen, Option<u16>) {
        let alpn = if self.http11 {
            Alpn::Http11
        } else {
            Alpn::Http2
        };
        let connected =
            client(self.identity.cloned(), alpn, Versions::Both).and_then(|mut client| {
                let target = Target {
                    address: self.address,
                    sni: self.sni.cloned(),
                    patience: PATIENCE,
                };
                client.connect(&OnHost(host), &target)
            });
        match connected {
            Ok(session) => call(session, self, service),
            Err(fault) => (Seen::fault(fault), None),
        }
    }
}

pub(super) fn client(
    identity: Option<Identity>,
    alpn: Alpn,
    versions: Versions,
) -> Result<Client, Fault> {
    Client::new(Handshake {
        trust: Trust::RecordOnly,
        identity,
        alpn: vec![alpn],
        versions,
    })
}

pub(super) fn call(
    mut session: Session,
    attempt: &Attempt<'_>,
    service: &str,
) -> (Seen, Option<u16>) {
    let port = session.negotiated().local_port;
    let path = format!("/{service}/{PROOF_METHOD}");
    let seen = if attempt.http11 {
        let request = HttpRequest {
            host: attempt.authority.clone(),
            path,
        };
        session.grpc_over_http11(&request, PATIENCE).map(Seen::from)
    } else {
        let request = GrpcRequest {
            authority: attempt.authority.clone(),
            path,
        };
        session.grpc(&request, PATIENCE).map(Seen::from)
    };
    (seen.unwrap_or_else(Seen::fault), port)
}

pub(super) fn leg(service: &str, address: SocketAddr) -> String {
    let short = service.rsplit('.').next().unwrap_or(service);
    format!("{short} at {address}")
}

pub(super) fn row(
    leg: &str,
    case: &str,
    expected: &str,
    seen: &Seen,
    check: Option<u16>,
    ok: bool,
) -> Row {
    said(leg, case, expected, seen.words(check), ok)
}

pub(super) fn said(leg: &str, case: &str, expected: &str, seen: String, ok: bool) -> Row {
    Row {
        leg: leg.to_owned(),
        case: case.to_owned(),
        expected: expected.to_owned(),
        seen,
        ok: Some(ok),
        why: None,
    }
}
