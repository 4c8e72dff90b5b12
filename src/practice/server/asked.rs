//! One request and who sends it; one answer.

use std::net::SocketAddr;

/// What the handshake and the connection told of a client.
#[derive(Debug, Clone)]
pub(in super::super) struct Client {
    pub(in super::super) from: SocketAddr,
    pub(in super::super) to: SocketAddr,
    pub(in super::super) number: u64,
    pub(in super::super) tls: bool,
    /// The name of the handshake, in lower case.
    pub(in super::super) sni: Option<String>,
    /// Whether a server of the socket has that name.
    pub(in super::super) sni_known: bool,
    pub(in super::super) certificate: Shown,
}

/// The client's certificate, and what checking it came to.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Shown {
    pub(in super::super) verdict: Verdict,
    pub(in super::super) subject: String,
    pub(in super::super) serial: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) enum Verdict {
    /// None was shown.
    #[default]
    None,
    Success,
    /// Why, in the words of OpenSSL.
    Failed(String),
}

impl Verdict {
    /// As `$ssl_client_verify` has it.
    pub(in super::super) fn text(&self) -> String {
        match self {
            Self::None => "NONE".to_owned(),
            Self::Success => "SUCCESS".to_owned(),
            Self::Failed(why) => format!("FAILED:{why}"),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(in super::super) struct Request {
    pub(in super::super) method: String,
    /// As it was sent, with its query.
    pub(in super::super) uri: String,
    pub(in super::super) host: String,
    pub(in super::super) version: &'static str,
    /// Names in lower case.
    pub(in super::super) headers: Vec<(String, String)>,
}

impl Request {
    pub(super) fn path(&self) -> &str {
        self.uri.split('?').next().unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Answer {
    /// 444: no answer, the connection is closed.
    pub(in super::super) status: u16,
    pub(in super::super) headers: Vec<(String, String)>,
    pub(in super::super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body: body.into(),
        }
    }

    /// nginx's own page for a status.
    pub(super) fn page(status: u16) -> Self {
        let words = reason(status);
        let body =
            format!("<html><title>{status} {words}</title><h1>{status} {words}</h1></html>\n");
        Self::new(status, "text/html", body)
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// The words of a status line.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        421 => "Misdirected Request",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        _ => "Status",
    }
}
