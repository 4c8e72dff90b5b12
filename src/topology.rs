//! Who talks to whom, and what protects each leg: browser or agent, nginx, the manager's own
//! services.

use serde::Serialize;

use crate::method::Method;

/// One leg of the way from a client to the manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Leg {
    pub from: &'static str,
    pub to: &'static str,
    pub encrypted: bool,
    /// Who proves its identity: `nobody`, `server`, `both`.
    pub authenticated: &'static str,
}

/// The legs under a method of NGINX Instance Manager 2. The last leg is a UNIX socket: it does
/// not leave the machine, and it is not encrypted.
pub fn legs(method: Method) -> Vec<Leg> {
    let agent = match method {
        Method::ClientMtls => "both",
        Method::SslTermination | Method::GrpcHealthChecks => "server",
    };
    vec![
        Leg {
            from: "browser",
            to: "nginx",
            encrypted: true,
            authenticated: "server",
        },
        Leg {
            from: "agent",
            to: "nginx",
            encrypted: true,
            authenticated: agent,
        },
        Leg {
            from: "nginx",
            to: "manager",
            encrypted: false,
            authenticated: "nobody",
        },
    ]
}

impl Leg {
    /// The leg as a sentence, for line prompts and screen readers.
    pub fn sentence(&self) -> String {
        let Self {
            from,
            to,
            encrypted,
            authenticated,
        } = self;
        let how = if *encrypted {
            "encrypted (TLS)"
        } else {
            "not encrypted (a local socket)"
        };
        let who = match *authenticated {
            "both" => "both sides prove who they are",
            "server" => "the server proves who it is",
            _ => "nobody proves who it is",
        };
        format!("{from} to {to}: {how}; {who}")
    }
}
