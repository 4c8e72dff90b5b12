//! The small values everything else is made of. Each is valid by construction: whoever holds
//! a [`HostName`] may write it into nginx configuration, YAML or a certificate without a
//! second look.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not the value it should be: a fragment that fits "… is not usable: {reason}".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

fn invalid<T>(reason: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid(reason.into()))
}

/// Serde through the text form, so that a stored value is checked again when it is read.
macro_rules! text_serde {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// A DNS host name in its ASCII, lower-case form: labels of letters, digits and inner hyphens,
/// at most 63 bytes each and 253 together. Names in other scripts are converted (IDNA).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

impl HostName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without its first label, if at least two labels are left of it. `None` for
    /// `nim`, `nim.local` and the like: a certificate authority for all of `local` would be
    /// broader than anybody asked for.
    pub fn zone(&self) -> Option<HostName> {
        let (_, parent) = self.0.split_once('.')?;
        parent.contains('.').then(|| HostName(parent.to_owned()))
    }

    /// Whether this name is `zone` or lies below it.
    pub fn is_within(&self, zone: &HostName) -> bool {
        self.0 == zone.0
            || self
                .0
                .strip_suffix(zone.as_str())
                .is_some_and(|head| head.ends_with('.'))
    }
}

impl FromStr for HostName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() {
            return invalid("a host name is missing here");
        }
        let shown = escaped(text);
        let Ok(ascii) = idna::domain_to_ascii(text) else {
            return invalid(format!("\"{shown}\" is not a host name"));
        };
        if ascii.is_empty() || ascii.len() > 253 {
            return invalid(format!(
                "\"{shown}\" is not a host name: at most 253 characters"
            ));
        }
        for label in ascii.split('.') {
            if label.is_empty() || label.len() > 63 {
                return invalid(format!(
                    "\"{shown}\" is not a host name: each part between dots has 1 to 63 characters"
                ));
            }
            let inner_hyphens = !label.starts_with('-') && !label.ends_with('-');
            if !inner_hyphens
                || !label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
            {
                return invalid(format!(
                    "\"{shown}\" is not a host name: letters, digits, dots and inner hyphens only"
                ));
            }
        }
        if ascii.parse::<IpAddr>().is_ok()
            || ascii
                .rsplit('.')
                .next()
                .is_some_and(|top| top.bytes().all(|b| b.is_ascii_digit()))
        {
            return invalid(format!("\"{shown}\" is an address, not a host name"));
        }
        Ok(Self(ascii.to_ascii_lowercase()))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
text_serde!(HostName);

/// What a certificate may be issued for: a DNS name or an address (a SAN entry).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectName {
    Dns(HostName),
    Ip(IpAddr),
}

impl FromStr for SubjectName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.parse::<IpAddr>() {
            Ok(address) => Ok(Self::Ip(address)),
            Err(_) => text.parse().map(Self::Dns),
        }
    }
}

impl fmt::Display for SubjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => name.fmt(f),
            Self::Ip(address) => address.fmt(f),
        }
    }
}
text_serde!(SubjectName);

/// An absolute path in normal form: starts with `/`, no `.`, `..`, empty component, control
/// character, or character that would have to be escaped in nginx configuration or a shell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AbsPath(String);

impl AbsPath {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn as_path(&self) -> &std::path::Path {
        std::path::Path::new(&self.0)
    }

    /// The folder it lies in; `/` for `/` itself.
    #[must_use]
    pub fn parent(&self) -> AbsPath {
        match self.0.rsplit_once('/') {
            Some(("", _)) | None => Self("/".to_owned()),
            Some((parent, _)) => Self(parent.to_owned()),
        }
    }

    /// The last component; empty for `/`.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(_, name)| name)
    }

    /// This path with `component` below it. `component` may itself hold slashes.
    pub fn join(&self, component: &str) -> Result<AbsPath, Invalid> {
        format!("{}/{component}", self.0.trim_end_matches('/')).parse()
    }

    pub fn is_below(&self, folder: &AbsPath) -> bool {
        folder.0 == "/"
            || self
                .0
                .strip_prefix(&folder.0)
                .is_some_and(|rest| rest.starts_with('/'))
    }
}

impl FromStr for AbsPath {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let shown = escaped(text);
        if !text.starts_with('/') {
            return invalid(format!(
                "\"{shown}\" is not an absolute path: it must start with /"
            ));
        }
        if text.len() > 4000 {
            return invalid("a path of over 4000 characters");
        }
        let awkward =
            |c: char| c.is_control() || c.is_whitespace() || "\"'`\\;{}$#*?<>|&()".contains(c);
        if let Some(c) = text.chars().find(|c| awkward(*c)) {
            return invalid(format!(
                "\"{shown}\" holds {}, which this program does not write into configuration",
                c.escape_debug()
            ));
        }
        let parts: Vec<&str> = text
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        if parts.contains(&"..") {
            return invalid(format!("\"{shown}\" holds \"..\""));
        }
        Ok(Self(format!("/{}", parts.join("/"))))
    }
}

impl fmt::Display for AbsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
text_serde!(AbsPath);

/// A TCP port, 1 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(u16);

impl Port {
    pub const HTTPS: Self = Self(443);

    pub fn number(self) -> u16 {
        self.0
    }
}

impl TryFrom<i64> for Port {
    type Error = Invalid;

    fn try_from(number: i64) -> Result<Self, Invalid> {
        match u16::try_from(number) {
            Ok(port) if port > 0 => Ok(Self(port)),
            _ => invalid(format!("{number} is not a port: 1 to 65535")),
        }
    }
}

impl FromStr for Port {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.parse::<i64>() {
            Ok(number) => number.try_into(),
            Err(_) => invalid(format!("\"{}\" is not a port: 1 to 65535", escaped(text))),
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number in YAML and JSON, as people write it.
impl Serialize for Port {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.0)
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        number.try_into().map_err(serde::de::Error::custom)
    }
}

/// The name of a run: `2026-11-23-01`, counted from 01 within its (UTC) day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

impl RunId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let shape = |i: usize, b: u8| match i {
            4 | 7 | 10 => b == b'-',
            _ => b.is_ascii_digit(),
        };
        let well_formed =
            (13..=15).contains(&text.len()) && text.bytes().enumerate().all(|(i, b)| shape(i, b));
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            invalid(format!(
                "\"{}\" is not the name of a run, as in 2026-11-23-01",
                escaped(text)
            ))
        }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
text_serde!(RunId);

/// Permission bits of a file, shown and stored in octal: `0644`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mode(pub u32);

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0 & 0o7777)
    }
}

impl FromStr for Mode {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match u32::from_str_radix(text, 8) {
            Ok(bits) if bits <= 0o7777 => Ok(Self(bits)),
            _ => invalid(format!(
                "\"{}\" is not a file mode, as in 0644",
                escaped(text)
            )),
        }
    }
}
text_serde!(Mode);

/// Who a file belongs to, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    pub user: u32,
    pub group: u32,
}

impl Owner {
    pub const ROOT: Self = Self { user: 0, group: 0 };
}

/// How a file or folder stands on disk besides its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    pub mode: Mode,
    pub owner: Owner,
    /// Extended attributes (ACLs and the `SELinux` label among them), name and value, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extended: Vec<(String, Vec<u8>)>,
}

impl Attributes {
    /// Root's, with these permission bits and no extended attribute.
    pub fn root(mode: u32) -> Self {
        Self {
            mode: Mode(mode),
            owner: Owner::ROOT,
            extended: Vec::new(),
        }
    }
}

/// A SHA-256 digest, as 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self::from_bytes(&sha2::Sha256::digest(bytes))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        use fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
        }
        Self(text)
    }
}

impl FromStr for Digest {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            invalid("a SHA-256 digest has 64 hexadecimal digits")
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
text_serde!(Digest);

/// Text from outside (files, logs, certificates, host names) made safe to show: control and
/// bidirectional-formatting characters appear as escapes, so no terminal obeys them.
pub fn escaped(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_cannot_break_out() {
        for text in [
            "",
            "a b",
            "a;b",
            "a\nb",
            "a\"b",
            "a\u{1b}[2J",
            "-a.example",
            "a..b",
            ".",
            "a_b.c",
            "*.example.com",
            "10.0.0.5",
            "1.2.3",
            "a/b",
            "a{b",
            "a$b",
            "x".repeat(64).as_str(),
        ] {
            assert!(text.parse::<HostName>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn a_host_name_is_converted_to_ascii() {
        assert_eq!(
            "NIM.Example.com".parse::<HostName>().unwrap().as_str(),
            "nim.example.com"
        );
        assert_eq!(
            "bücher.example".parse::<HostName>().unwrap().as_str(),
            "xn--bcher-kva.example"
        );
    }

    #[test]
    fn a_zone_is_never_a_top_level_domain() {
        let zone = |name: &str| {
            name.parse::<HostName>()
                .unwrap()
                .zone()
                .map(|z| z.to_string())
        };
        assert_eq!(zone("nim.example.com").as_deref(), Some("example.com"));
        assert_eq!(zone("example.com"), None);
        assert_eq!(zone("nim"), None);
    }

    #[test]
    fn a_path_is_normal() {
        assert_eq!(
            "/etc//nms/./certs/".parse::<AbsPath>().unwrap().as_str(),
            "/etc/nms/certs"
        );
        for text in ["etc", "/etc/../x", "/a b", "/a;b", "/a\0b", "/a$b"] {
            assert!(text.parse::<AbsPath>().is_err(), "{text:?} was accepted");
        }
        assert_eq!("/a".parse::<AbsPath>().unwrap().parent().as_str(), "/");
    }

    #[test]
    fn ports_and_runs() {
        assert!(Port::try_from(0).is_err() && Port::try_from(70_000).is_err());
        assert!("2026-11-23-01".parse::<RunId>().is_ok());
        assert!("../../etc/x1".parse::<RunId>().is_err());
    }

    #[test]
    fn escapes_do_not_reach_the_terminal() {
        assert_eq!(escaped("a\u{1b}[31mb\u{202e}"), "a\\u{1b}[31mb\\u{202e}");
    }
}
