//! Which directives are obeyed, which are known to change nothing here, and that there is no
//! third kind: whatever else is in a file is refused with its place.

use super::condition::Condition;
use super::variables::{is_known, parts};
use crate::nginx::{Config, Directive, flat};

/// Obeyed.
const OBEYED: [&str; 40] = [
    "access_log",
    "add_header",
    "auth_request",
    "default_type",
    "error_log",
    "error_page",
    "events",
    "grpc_pass",
    "http",
    "http2",
    "if",
    "include",
    "internal",
    "listen",
    "location",
    "log_format",
    "log_subrequest",
    "map",
    "proxy_pass",
    "recursive_error_pages",
    "return",
    "root",
    "satisfy",
    "server",
    "server_name",
    "set",
    "ssl_certificate",
    "ssl_certificate_key",
    "ssl_ciphers",
    "ssl_client_certificate",
    "ssl_prefer_server_ciphers",
    "ssl_protocols",
    "ssl_reject_handshake",
    "ssl_session_cache",
    "ssl_session_tickets",
    "ssl_session_timeout",
    "ssl_trusted_certificate",
    "ssl_verify_client",
    "try_files",
    "upstream",
];

/// Known, and without effect on the practice host: nothing is limited, timed, buffered or
/// balanced in it.
const WITHOUT_EFFECT: [&str; 36] = [
    "client_body_temp_path",
    "client_body_timeout",
    "client_max_body_size",
    "fastcgi_temp_path",
    "grpc_hide_header",
    "grpc_read_timeout",
    "grpc_send_timeout",
    "grpc_set_header",
    "grpc_socket_keepalive",
    "gzip",
    "keepalive",
    "keepalive_timeout",
    "limit_req",
    "limit_req_log_level",
    "limit_req_status",
    "limit_req_zone",
    "pid",
    "proxy_hide_header",
    "proxy_http_version",
    "proxy_read_timeout",
    "proxy_set_header",
    "proxy_temp_path",
    "scgi_temp_path",
    "sendfile",
    "server_tokens",
    "ssl_dhparam",
    "ssl_ecdh_curve",
    "ssl_verify_depth",
    "tcp_nodelay",
    "tcp_nopush",
    "types_hash_max_size",
    "user",
    "uwsgi_temp_path",
    "worker_connections",
    "worker_processes",
    "zone",
];

/// Why a configuration cannot be obeyed, in the form in which nginx says it: `words in path:line`.
pub(super) fn check(config: &Config) -> Result<(), String> {
    level(config, &config.main, "main")
}

fn level(config: &Config, lines: &[Directive], inside: &str) -> Result<(), String> {
    for line in flat(lines) {
        let refused = |why: String| Err(format!("{why} in {}", config.shown(&line.at)));
        let name = line.name.as_str();
        let of_upstream = inside == "upstream" && name == "server";
        if !of_upstream && !OBEYED.contains(&name) && !WITHOUT_EFFECT.contains(&name) {
            return refused(format!(
                "the practice host does not know the directive \"{name}\""
            ));
        }
        if let Some(why) = misplaced(name, inside).or_else(|| unknown_form(line, inside)) {
            return refused(why);
        }
        if !WITHOUT_EFFECT.contains(&name) {
            let names = line.words().flat_map(parts).map(|(_, name)| name);
            let mut unknown = names.filter(|name| !name.is_empty() && !is_known(config, name));
            // A `$` at the end of a pattern is none.
            if let Some(variable) = unknown.next() {
                return refused(format!("unknown \"{variable}\" variable"));
            }
        }
        match name {
            "map" => map(config, line)?,
            _ => level(config, line.children(), name)?,
        }
    }
    Ok(())
}

/// The blocks, each with where it may stand.
fn misplaced(name: &str, inside: &str) -> Option<String> {
    let may = match name {
        "http" | "events" => inside == "main",
        "upstream" | "map" | "log_format" => inside == "http",
        "server" => matches!(inside, "http" | "upstream"),
        "listen" | "server_name" | "http2" | "ssl_reject_handshake" => inside == "server",
        "location" => matches!(inside, "server" | "location"),
        "if" => matches!(inside, "server" | "location"),
        "auth_request"
        | "satisfy"
        | "error_page"
        | "recursive_error_pages"
        | "root"
        | "default_type" => matches!(inside, "http" | "server" | "location"),
        "internal" | "grpc_pass" | "proxy_pass" | "try_files" => inside == "location",
        "return" | "set" => matches!(inside, "server" | "location" | "if"),
        "access_log" | "add_header" => matches!(inside, "http" | "server" | "location"),
        _ if name.starts_with("ssl_") => matches!(inside, "http" | "server"),
        _ => true,
    };
    (!may).then(|| format!("\"{name}\" directive is not allowed here"))
}

/// Forms of known directives that are not obeyed.
fn unknown_form(line: &Directive, inside: &str) -> Option<String> {
    let not = |what: &str| {
        let words = line.args.joined();
        Some(format!(
            "the practice host does not know {what} (\"{} {words}\")",
            line.name
        ))
    };
    let first = line.arg(0).unwrap_or_default();
    match line.name.as_str() {
        "location" if first.starts_with('~') => not("locations by regular expression"),
        "server_name" if line.words().any(|word| word.starts_with('~')) => {
            not("names by regular expression")
        }
        "listen" => {
            let told = |word: &str| {
                let flags = ["ssl", "http2", "default_server", "default", "reuseport"];
                flags.contains(&word) || word.starts_with("ipv6only=")
            };
            let options = line.words().skip(1).all(told);
            (!options || first.starts_with("unix:"))
                .then(|| not("this way of listening"))
                .flatten()
        }
        "if" => Condition::of(line)
            .is_none()
            .then(|| not("this condition"))
            .flatten(),
        "access_log" if line.words().skip(2).any(|word| word.starts_with("if=")) => {
            not("conditional logging")
        }
        "return" | "grpc_pass" | "proxy_pass" | "auth_request" | "server_name"
            if first.is_empty() =>
        {
            not("this without a value")
        }
        "satisfy" if !matches!(first, "all" | "any") => not("this value"),
        "ssl_verify_client" if !matches!(first, "on" | "off" | "optional" | "optional_no_ca") => {
            not("this value")
        }
        "server" if inside == "upstream" && first.is_empty() => not("this without a value"),
        _ => None,
    }
}

fn map(config: &Config, map: &Directive) -> Result<(), String> {
    let entry = flat(map.children()).find(|entry| {
        entry.name.starts_with('~') || matches!(entry.name.as_str(), "hostnames" | "volatile")
    });
    match entry {
        None => Ok(()),
        Some(entry) => Err(format!(
            "the practice host does not know maps by \"{}\" in {}",
            entry.name,
            config.shown(&entry.at)
        )),
    }
}
