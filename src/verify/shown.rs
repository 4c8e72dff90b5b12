//! Which certificate is shown at an address, whoever it is.

use std::net::SocketAddr;
use std::time::Duration;

use super::client::{Alpn, Client, Handshake, Target, Versions};
use super::on_host::OnHost;
use super::trust::Trust;
use crate::certificate::Certificate;
use crate::host::Host;
use crate::values::HostName;

/// What is not there at all would else hold up everything that waits for this.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a handshake has ended in.
pub struct Served {
    /// That of the server itself.
    pub certificate: Certificate,
    /// Whether HTTP/2 was agreed to.
    pub http2: bool,
}

/// To a client that asks for `name`; none where nobody answers with TLS.
pub fn shown(host: &dyn Host, address: SocketAddr, name: &HostName) -> Option<Served> {
    let handshake = Handshake {
        trust: Trust::RecordOnly,
        identity: None,
        alpn: vec![Alpn::Http2, Alpn::Http11],
        versions: Versions::Both,
    };
    let target = Target {
        address,
        sni: Some(name.clone()),
        patience: PATIENCE,
    };
    let mut client = Client::new(handshake).ok()?;
    let session = client.connect(&OnHost(host), &target).ok()?;
    let negotiated = session.negotiated();
    Some(Served {
        certificate: Certificate::from_der(negotiated.chain.first()?).ok()?,
        http2: negotiated.alpn.as_deref() == Some("h2"),
    })
}
