//! Who talks to whom, and what protects each leg: browser or agent, nginx, the manager's own
//! services.

use serde::Serialize;

use crate::facts::Generation;
use crate::method::{Cell, Method, Proxy};

/// One leg of the way from a client to the manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Leg {
    pub from: &'static str,
    pub to: &'static str,
    pub encrypted: bool,
    /// Who proves its identity: `nobody`, `server`, `both`.
    pub authenticated: &'static str,
    /// What has it encrypted, and both sides prove who they are, where it is not by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option: Option<&'static str>,
}

/// The legs under a cell of the table. What does not leave the machine (a UNIX socket of NGINX
/// Instance Manager 2, a port of loopback of 1) is not encrypted.
pub fn legs(cell: &Cell) -> Vec<Leg> {
    let agent = match cell.method {
        Method::ClientMtls => "both",
        Method::SslTermination | Method::GrpcHealthChecks => "server",
    };
    let native = (cell.generation, cell.proxy) == (Generation::Nim1, Proxy::None);
    let first = if native { "manager" } else { "nginx" };
    let outside = |from, authenticated| Leg {
        from,
        to: first,
        encrypted: true,
        authenticated,
        option: None,
    };
    let mut legs = vec![outside("browser", "server"), outside("agent", agent)];
    if !native {
        legs.push(Leg {
            from: "nginx",
            to: "manager",
            encrypted: false,
            authenticated: "nobody",
            option: (cell.generation == Generation::Nim1).then_some("options.backend_tls"),
        });
    }
    legs
}

impl Leg {
    /// The leg as a sentence, for line prompts and screen readers.
    pub fn sentence(&self) -> String {
        let Self {
            from,
            to,
            encrypted,
            authenticated,
            option,
        } = self;
        let how = match (encrypted, option) {
            (true, _) => "encrypted (TLS)".to_owned(),
            (false, None) => "not encrypted (it stays on this host)".to_owned(),
            (false, Some(option)) => {
                format!("not encrypted (it stays on this host; {option}: true encrypts it)")
            }
        };
        let who = match *authenticated {
            "both" => "both sides prove who they are",
            "server" => "the server proves who it is",
            _ => "nobody proves who it is",
        };
        format!("{from} to {to}: {how}; {who}")
    }
}
