//! The files of the nginx before NGINX Instance Manager 1, from `assets/templates`, named as its
//! guide names them.

use askama::Template;

use super::super::headers::Header;
use super::super::listed::Listing;
use super::super::profile::{CIPHERS, PROTOCOLS};
use super::super::template::{
    CHECK, Explained, Judge, LOG_FORMAT, explain, marked_check_location, marked_log_format,
    rendered,
};
use crate::answers::Enforce;
use crate::values::{AbsPath, HostName, Port};

/// What the server for browsers and the one for agents have in common.
pub(in crate::plan) struct Front<'a> {
    /// The arguments of each `listen` line.
    pub(in crate::plan) listens: Vec<String>,
    /// HTTP/2 by a directive of its own.
    pub(in crate::plan) http2: bool,
    pub(in crate::plan) names: String,
    /// What the certificate is for.
    pub(in crate::plan) name: &'a str,
    pub(in crate::plan) plus: bool,
    pub(in crate::plan) chain: &'a AbsPath,
    pub(in crate::plan) key: &'a AbsPath,
    pub(in crate::plan) protocols: &'static str,
    pub(in crate::plan) ciphers: &'static str,
}

impl<'a> Front<'a> {
    pub(in crate::plan) fn new(name: &'a str, chain: &'a AbsPath, key: &'a AbsPath) -> Self {
        Self {
            listens: Vec::new(),
            http2: false,
            names: String::new(),
            name,
            plus: false,
            chain,
            key,
            protocols: PROTOCOLS,
            ciphers: CIPHERS,
        }
    }
}

#[derive(Template)]
#[template(
    path = "nginx-manager-upstreams.conf",
    config = ".askama.toml",
    escape = "none"
)]
struct Upstreams {
    gateway: Port,
    grpc: Option<Port>,
}

/// `grpc`: none where nothing in `http` passes to it.
pub(super) fn upstreams(gateway: Port, grpc: Option<Port>) -> Explained {
    explain(&rendered(&Upstreams { gateway, grpc }), "")
}

#[derive(Template)]
#[template(
    path = "nginx-manager-noauth.conf",
    config = ".askama.toml",
    escape = "none"
)]
struct Ui<'a> {
    front: &'a Front<'a>,
    headers: Option<&'a AbsPath>,
    inner: Option<&'a Inner<'a>>,
}

/// TLS between nginx and the manager.
pub(super) struct Inner<'a> {
    /// What the manager's certificate has to be for.
    pub(super) name: &'a HostName,
    /// Who has to have issued it.
    pub(super) ca: &'a AbsPath,
    /// What nginx shows.
    pub(super) chain: &'a AbsPath,
    pub(super) key: &'a AbsPath,
}

pub(super) fn ui(
    front: &Front<'_>,
    headers: Option<&AbsPath>,
    inner: Option<&Inner<'_>>,
) -> Explained {
    let text = rendered(&Ui {
        front,
        headers,
        inner,
    });
    explain(&text, front.name)
}

/// How agents' certificates are asked for.
pub(in crate::plan) struct Clients<'a> {
    pub(in crate::plan) ca: &'a AbsPath,
    /// Which of them are revoked.
    pub(in crate::plan) crl: Option<&'a AbsPath>,
    /// Which subjects are agents', where not all are.
    pub(in crate::plan) listing: Option<&'a Listing>,
    pub(in crate::plan) enforce: Enforce,
    /// Where the verdicts go.
    pub(in crate::plan) log: &'a AbsPath,
}

/// The same, as the templates need it.
pub(in crate::plan) struct ClientsText<'a> {
    pub(in crate::plan) ca: &'a AbsPath,
    pub(in crate::plan) crl: Option<&'a AbsPath>,
    /// Where it is more than nginx goes by itself.
    pub(in crate::plan) depth: Option<usize>,
    /// Who is an agent.
    pub(in crate::plan) list: String,
    pub(in crate::plan) enforced: bool,
    pub(in crate::plan) check: &'static str,
    pub(in crate::plan) format: String,
    pub(in crate::plan) location: String,
}

impl<'a> ClientsText<'a> {
    pub(in crate::plan) fn of(clients: &Clients<'a>) -> Self {
        let listing = clients.listing;
        let judge = Judge::by(clients.enforce, listing.is_some());
        let depth = listing.map(|listing| listing.depth);
        let list = listing.map(|listing| part(&listing.marked_map(), ""));
        Self {
            ca: clients.ca,
            crl: clients.crl,
            depth: depth.filter(|depth| *depth > 1),
            list: list.unwrap_or_default(),
            enforced: clients.enforce == Enforce::Require,
            check: CHECK,
            format: part(&marked_log_format(), ""),
            location: part(&marked_check_location(clients.log, judge), "    "),
        }
    }
}

#[derive(Template)]
#[template(
    path = "nginx-manager-grpc.conf",
    config = ".askama.toml",
    escape = "none"
)]
struct Grpc<'a> {
    front: &'a Front<'a>,
    encrypted: bool,
    clients: Option<&'a ClientsText<'a>>,
    log: &'a AbsPath,
    errors: &'a AbsPath,
    rejects: bool,
    health: bool,
    inner: Option<&'a Inner<'a>>,
}

/// What is special about the server for agents.
pub(super) struct Services<'a> {
    pub(super) encrypted: bool,
    pub(super) clients: Option<Clients<'a>>,
    /// Whoever asks for another name is hung up on.
    pub(super) rejects: bool,
    pub(super) health: bool,
    pub(super) inner: Option<&'a Inner<'a>>,
    pub(super) log: &'a AbsPath,
    pub(super) errors: &'a AbsPath,
}

pub(super) fn grpc(front: &Front<'_>, services: &Services<'_>) -> Explained {
    let clients = services.clients.as_ref().map(ClientsText::of);
    let text = rendered(&Grpc {
        front,
        encrypted: services.encrypted,
        clients: clients.as_ref(),
        log: services.log,
        errors: services.errors,
        rejects: services.rejects,
        health: services.health,
        inner: services.inner,
    });
    explain(&text, front.name)
}

#[derive(Template)]
#[template(
    path = "nginx-grpc-stream.conf",
    config = ".askama.toml",
    escape = "none"
)]
struct Stream<'a> {
    front: &'a Front<'a>,
    clients: Option<&'a StreamClients<'a>>,
    passed: bool,
    manager: Port,
}

struct StreamClients<'a> {
    ca: &'a AbsPath,
    crl: Option<&'a AbsPath>,
    log: &'a AbsPath,
    format: &'static str,
}

/// Agents met below HTTP. `passed`: the manager itself ends TLS; `manager`: where it listens.
pub(super) fn stream(
    front: &Front<'_>,
    clients: Option<&Clients<'_>>,
    passed: bool,
    manager: Port,
) -> Explained {
    let clients = clients.map(|clients| StreamClients {
        ca: clients.ca,
        crl: clients.crl,
        log: clients.log,
        format: LOG_FORMAT,
    });
    let text = rendered(&Stream {
        front,
        clients: clients.as_ref(),
        passed,
        manager,
    });
    explain(&text, front.name)
}

/// A file as a part of another one: without its head, indented.
fn part(text: &str, indent: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("# "));
    let lines = lines.map(|line| format!("{indent}{line}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[derive(Template)]
#[template(path = "errors.grpc_conf", config = ".askama.toml", escape = "none")]
struct Errors;

pub(super) fn errors() -> Explained {
    explain(&rendered(&Errors), "")
}

struct HeaderText {
    args: String,
    reason: &'static str,
}

#[derive(Template)]
#[template(path = "http_headers.conf", config = ".askama.toml", escape = "none")]
struct HttpHeaders {
    headers: Vec<HeaderText>,
}

#[derive(Template)]
#[template(path = "https_headers.conf", config = ".askama.toml", escape = "none")]
struct HttpsHeaders<'a> {
    above: &'a AbsPath,
    headers: Vec<HeaderText>,
}

/// For every answer, and for those over TLS, which read the former.
pub(super) fn headers(all: &[Header], above: &AbsPath) -> (Explained, Explained) {
    let some = |of_tls: bool| {
        let some = all.iter().filter(|header| header.is_of_tls() == of_tls);
        let texts = some.map(|header| HeaderText {
            args: header.args(),
            reason: header.reason,
        });
        texts.collect()
    };
    let http = rendered(&HttpHeaders {
        headers: some(false),
    });
    let https = rendered(&HttpsHeaders {
        above,
        headers: some(true),
    });
    (explain(&http, ""), explain(&https, ""))
}

#[derive(Template)]
#[template(path = "stub-status.conf", config = ".askama.toml", escape = "none")]
struct StubStatus {
    port: Port,
}

#[derive(Template)]
#[template(path = "status-api.conf", config = ".askama.toml", escape = "none")]
struct StatusApi {
    port: Port,
}

pub(super) fn status(port: Port, plus: bool) -> Explained {
    let text = if plus {
        rendered(&StatusApi { port })
    } else {
        rendered(&StubStatus { port })
    };
    explain(&text, "")
}
