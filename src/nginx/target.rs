//! Where a request is passed on to, and who is behind that.

use std::collections::BTreeSet;

use super::listen::{port, strip_prefix_caseless};
use super::model::Http;
use super::peer::Peer;
use super::tree::Directive;

use crate::values::sort_by;

/// The directives that pass a request on.
pub const PASSES: [&str; 6] = [
    "grpc_pass",
    "proxy_pass",
    "fastcgi_pass",
    "uwsgi_pass",
    "scgi_pass",
    "memcached_pass",
];

/// How many variables deep a target is followed. nginx evaluates without end; nobody nests more.
const MAX_EXPANSIONS: usize = 8;

/// How many values a target's variables may stand for before it counts as open-ended.
const MAX_VALUES: usize = 4096;

/// The argument of a pass directive, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// In lower case: `grpc`, `grpcs`, `http`, `https`; the directive's own (`fastcgi`, ...)
    /// where none is written; empty where it comes from a variable.
    pub scheme: String,
    /// A name, an address, the name of a group, or the path of a Unix socket; may hold
    /// variables.
    pub host: String,
    /// As written. None does not mean a default: see [`Http::backends`].
    pub port: Option<u16>,
    pub is_unix: bool,
    /// Whether scheme or address (not the path behind) depend on the request.
    pub has_variables: bool,
}

impl Target {
    /// The target of a directive of [`PASSES`]; None for other directives.
    pub fn of(directive: &Directive) -> Option<Self> {
        let scheme = directive.name.strip_suffix("_pass")?;
        if !PASSES.contains(&directive.name.as_str()) {
            return None;
        }
        let default = if scheme == "proxy" { "http" } else { scheme };
        Some(Self::parse(directive.arg(0)?, default))
    }

    /// Takes apart `[scheme://]address[/path]`.
    pub fn parse(text: &str, default_scheme: &str) -> Self {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None if text.starts_with('$') => (String::new(), text),
            None => (default_scheme.to_owned(), text),
        };
        let web = !matches!(scheme.as_str(), "grpc" | "grpcs");
        if let Some(path) = strip_prefix_caseless(rest, "unix:") {
            let path = if web {
                path.split(':').next().unwrap_or(path)
            } else {
                path
            };
            return Self {
                has_variables: path.contains('$') || scheme.contains('$'),
                scheme,
                host: path.to_owned(),
                port: None,
                is_unix: true,
            };
        }
        let address = &rest[..end_of_address(rest)];
        let (host, port) = split_port(address);
        Self {
            has_variables: address.contains('$') || scheme.contains('$'),
            scheme,
            host: host.to_owned(),
            port,
            is_unix: false,
        }
    }
}

impl<'a> Http<'a> {
    /// The peers that a target can lead to. A port that is not written is the scheme's (443 for
    /// `https` and `grpcs`, else 80; both where that varies).
    ///
    /// Groups are followed, and variables that a `map` or `set` defines; whether that was all is
    /// said by [`Http::is_open_ended`].
    pub fn backends(&self, target: &Target) -> BTreeSet<Peer> {
        self.expand(target).0
    }

    /// Whether a target may lead to peers that cannot be told from the configuration, because a
    /// variable in it comes from elsewhere.
    pub fn is_open_ended(&self, target: &Target) -> bool {
        !self.expand(target).1
    }

    /// The values that the `map` blocks for `variable` (written with its `$`) can give it.
    pub fn map_values(&self, variable: &str) -> Vec<&'a str> {
        self.variables.of_maps(variable).to_vec()
    }

    /// The peers, and whether they are all.
    fn expand(&self, target: &Target) -> (BTreeSet<Peer>, bool) {
        let mut peers = BTreeSet::new();
        let mut complete = true;
        let mut ahead = vec![(target.clone(), 0)];
        let mut left = MAX_VALUES;
        while let Some((target, depth)) = ahead.pop() {
            let Some(variable) = first_variable(&target.host) else {
                self.peers_of(&target, &mut peers);
                continue;
            };
            let values = self.values_of(variable.name);
            if values.is_empty() || depth == MAX_EXPANSIONS || left < values.len() {
                complete = false;
                continue;
            }
            left -= values.len();
            for value in values {
                let text = variable.replaced_in(&target, value);
                ahead.push((Target::parse(&text, &target.scheme), depth + 1));
            }
        }
        (peers, complete)
    }

    /// What a `map` or a `set` anywhere can make of a variable (named without its `$`).
    fn values_of(&self, name: &str) -> Vec<&'a str> {
        let mut values = self.variables.of(&format!("${name}"));
        sort_by(&mut values, Ord::cmp);
        values.dedup();
        values
    }

    fn peers_of(&self, target: &Target, peers: &mut BTreeSet<Peer>) {
        if target.is_unix {
            peers.insert(Peer::unix(&target.host));
            return;
        }
        if let Some(group) = self.upstream(&target.host) {
            for server in &group.servers {
                let address = server.arg(0).unwrap_or_default();
                if let Some(path) = strip_prefix_caseless(address, "unix:") {
                    peers.insert(Peer::unix(path));
                } else {
                    let (host, port) = split_port(address);
                    peers.extend(Peer::at(host, port.unwrap_or(80)));
                }
            }
            return;
        }
        let defaults: &[u16] = match target.scheme.as_str() {
            "https" | "grpcs" => &[443],
            scheme if scheme.is_empty() || scheme.contains('$') => &[80, 443],
            _ => &[80],
        };
        match target.port {
            Some(port) => peers.extend(Peer::at(&target.host, port)),
            None => {
                for port in defaults {
                    peers.extend(Peer::at(&target.host, *port));
                }
            }
        }
    }
}

/// Where an address ends: at a path, be it written or one of the variables that begin with `/`.
fn end_of_address(text: &str) -> usize {
    let paths = ["$uri", "$request_uri", "$document_uri", "$is_args"];
    let begins_path = |rest: &str| {
        let variable = paths.iter().find_map(|path| rest.strip_prefix(path));
        rest.starts_with(['/', '?']) || variable.is_some_and(|after| !after.starts_with(is_word))
    };
    let mut at = text.char_indices().map(|(at, _)| at);
    at.find(|at| begins_path(&text[*at..]))
        .unwrap_or(text.len())
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A variable in a text.
struct Variable<'t> {
    name: &'t str,
    before: &'t str,
    after: &'t str,
}

impl Variable<'_> {
    /// The target's text with the variable's value in its place.
    fn replaced_in(&self, target: &Target, value: &str) -> String {
        let scheme = if target.scheme.is_empty() {
            String::new()
        } else {
            format!("{}://", target.scheme)
        };
        let unix = if target.is_unix { "unix:" } else { "" };
        let port = target
            .port
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        format!("{scheme}{unix}{}{value}{}{port}", self.before, self.after)
    }
}

fn first_variable(text: &str) -> Option<Variable<'_>> {
    let dollar = text.find('$')?;
    let (before, rest) = (&text[..dollar], &text[dollar + 1..]);
    let (name, after) = match rest.strip_prefix('{') {
        Some(braced) => braced.split_once('}').unwrap_or((braced, "")),
        None => rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len())),
    };
    Some(Variable {
        name,
        before,
        after,
    })
}

/// Host (an IPv6 address with its brackets) and port.
fn split_port(address: &str) -> (&str, Option<u16>) {
    let end_of_host = address.rfind(']').map_or(0, |bracket| bracket + 1);
    match address[end_of_host..].rfind(':') {
        Some(colon) => match port(&address[end_of_host + colon + 1..]) {
            Some(port) => (&address[..end_of_host + colon], Some(port)),
            None => (address, None),
        },
        None => (address, None),
    }
}
