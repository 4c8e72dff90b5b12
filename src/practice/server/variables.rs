//! Variables: which there are, and what they stand for in one request.

use time::OffsetDateTime;

use super::asked::{Client, Request};
use crate::nginx::{Config, flat};

/// All that a file may name, besides `$http_NAME` and what `map` and `set` define.
const NAMES: [&str; 24] = [
    "binary_remote_addr",
    "body_bytes_sent",
    "host",
    "hostname",
    "msec",
    "proxy_add_x_forwarded_for",
    "remote_addr",
    "remote_port",
    "remote_user",
    "request",
    "request_method",
    "request_uri",
    "scheme",
    "server_name",
    "server_port",
    "server_protocol",
    "ssl_client_s_dn",
    "ssl_client_serial",
    "ssl_client_verify",
    "ssl_server_name",
    "status",
    "time_iso8601",
    "time_local",
    "uri",
];

/// Whether a variable can be used in this configuration.
pub(super) fn is_known(config: &Config, name: &str) -> bool {
    NAMES.contains(&name)
        || name.starts_with("http_")
        || config.all(&["map", "set"]).any(|line| {
            let defined = line.arg(usize::from(line.name == "map"));
            defined.and_then(|word| word.strip_prefix('$')) == Some(name)
        })
}

/// The parts of a text: `(literal, variable behind it)`.
pub(super) fn parts(text: &str) -> Vec<(&str, &str)> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let Some((literal, behind)) = rest.split_once('$') else {
            parts.push((rest, ""));
            return parts;
        };
        let (name, after) = if let Some(inner) = behind.strip_prefix('{') {
            inner.split_once('}').unwrap_or((inner, ""))
        } else {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = behind.find(|c| !word(c)).unwrap_or(behind.len());
            behind.split_at(end)
        };
        parts.push((literal, name));
        rest = after;
    }
}

/// What variables stand for now.
pub(super) struct Values<'v> {
    pub(super) config: &'v Config,
    pub(super) client: &'v Client,
    pub(super) request: &'v Request,
    /// The path as it is now: error pages and subrequests have others.
    pub(super) uri: &'v str,
    pub(super) server_name: &'v str,
    pub(super) set: &'v [(String, String)],
    pub(super) status: u16,
    pub(super) sent: usize,
    pub(super) now: i64,
}

impl Values<'_> {
    /// `text` with the values in place of the variables, each passed through `dress`.
    pub(super) fn expand_with(&self, text: &str, dress: &dyn Fn(&str) -> String) -> String {
        let mut expanded = String::with_capacity(text.len());
        for (literal, name) in parts(text) {
            expanded.push_str(literal);
            if !name.is_empty() {
                expanded.push_str(&dress(&self.value(name)));
            }
        }
        expanded
    }

    pub(super) fn expand(&self, text: &str) -> String {
        self.expand_with(text, &str::to_owned)
    }

    fn value(&self, name: &str) -> String {
        let (client, request) = (self.client, self.request);
        match name {
            "host" => request.host.clone(),
            "remote_addr" | "binary_remote_addr" | "proxy_add_x_forwarded_for" => {
                client.from.ip().to_string()
            }
            "remote_port" => client.from.port().to_string(),
            "request" => format!("{} {} {}", request.method, request.uri, request.version),
            "request_method" => request.method.clone(),
            "request_uri" => request.uri.clone(),
            "scheme" => if client.tls { "https" } else { "http" }.to_owned(),
            "server_name" => self.server_name.to_owned(),
            "server_port" => client.to.port().to_string(),
            "server_protocol" => request.version.to_owned(),
            "ssl_client_s_dn" => client.certificate.subject.clone(),
            "ssl_client_serial" => client.certificate.serial.clone(),
            "ssl_client_verify" if client.tls => client.certificate.verdict.text(),
            "ssl_server_name" => client.sni.clone().unwrap_or_default(),
            "status" => self.status.to_string(),
            "body_bytes_sent" => self.sent.to_string(),
            "time_iso8601" | "time_local" => local_time(self.now, 'T'),
            "msec" => format!("{}.000", self.now),
            "uri" => self.uri.to_owned(),
            _ => self.defined(name),
        }
    }

    /// What `set`, a request header or a `map` says.
    fn defined(&self, name: &str) -> String {
        if let Some((_, value)) = self.set.iter().rev().find(|(known, _)| known == name) {
            return value.clone();
        }
        if let Some(header) = name.strip_prefix("http_") {
            let value = self.request.header(&header.replace('_', "-"));
            return value.unwrap_or_default().to_owned();
        }
        let map = self.config.all(&["map"]).find(|line| {
            let defined = line.arg(1).and_then(|word| word.strip_prefix('$'));
            defined == Some(name)
        });
        let Some(map) = map else {
            return String::new();
        };
        let source = self.expand(map.arg(0).unwrap_or_default());
        let result = |key: &str| {
            let mut entries = flat(map.children());
            entries.find(|entry| entry.name == key)?.arg(0)
        };
        let found = result(&source).or_else(|| result("default"));
        self.expand(found.unwrap_or_default())
    }
}

/// `2026-01-31T12:00:00+00:00`; the practice host lives in UTC.
pub(super) fn local_time(now: i64, between: char) -> String {
    let Ok(time) = OffsetDateTime::from_unix_timestamp(now) else {
        return String::new();
    };
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second) = time.to_hms();
    let month = u8::from(month);
    format!("{year}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}+00:00")
}
