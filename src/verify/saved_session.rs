//! TLS sessions of before the change: resuming one must not carry an old verdict into the new
//! rules.

use std::net::SocketAddr;

use super::attempt::{PATIENCE, client};
use super::client::{Alpn, Client, Session, Target, Versions};
use super::fault::Fault;
use super::grpc::GrpcRequest;
use super::on_host::OnHost;
use super::pace::Pace;
use crate::host::Host;
use crate::plan::{PROOF_METHOD, Proof};
use crate::values::HostName;

/// A client that connected before the change and kept its session.
pub(super) struct SavedSession {
    pub(super) address: SocketAddr,
    pub(super) version: &'static str,
    client: Client,
}

impl SavedSession {
    /// Connects once with each TLS version and keeps the sessions.
    pub(super) fn save(host: &dyn Host, proof: &Proof, pace: &Pace<'_>) -> Vec<Self> {
        let mut saved = Vec::new();
        let Some(address) = proof.agents_listeners().first().copied() else {
            return saved;
        };
        for (version, only) in [("TLS 1.2", Versions::Only12), ("TLS 1.3", Versions::Only13)] {
            let Ok(mut client) = client(None, Alpn::Http2, only) else {
                continue;
            };
            let target = Target {
                address,
                sni: Some(proof.agents_name().clone()),
                patience: PATIENCE,
            };
            pace.request();
            let Ok(session) = client.connect(&OnHost(host), &target) else {
                continue;
            };
            // Tickets of TLS 1.3 come with the first answer.
            let request = GrpcRequest {
                authority: proof.agents_name().to_string(),
                path: format!("/{PROOF_METHOD}"),
            };
            let mut session = session;
            let _ = session.grpc(&request, PATIENCE);
            saved.push(Self {
                address,
                version,
                client,
            });
        }
        saved
    }

    /// Connects again, as whoever kept the session would.
    pub(super) fn resume(&mut self, host: &dyn Host, name: &HostName) -> Result<Session, Fault> {
        let target = Target {
            address: self.address,
            sni: Some(name.clone()),
            patience: PATIENCE,
        };
        self.client.resume(&OnHost(host), &target)
    }
}
