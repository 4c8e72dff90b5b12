//! Names that DNS and certificates know.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::{Invalid, invalid, quotable, text_serde};

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
        let shown = quotable(text);
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
        if ascii.parse::<IpAddr>().is_ok() {
            return invalid(format!("\"{shown}\" is an address, not a host name"));
        }
        if last_is_number(&ascii) {
            return invalid(format!(
                "\"{shown}\" is not a host name: its last part is a number"
            ));
        }
        Ok(Self(ascii.to_ascii_lowercase()))
    }
}

/// Readers of addresses, such as the one of the C library, take such a name for one, and `0x7f`
/// for a number as well.
fn last_is_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last
        .strip_prefix("0x")
        .or_else(|| last.strip_prefix("0X"))
        .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    hexadecimal || last.bytes().all(|b| b.is_ascii_digit())
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
            // What was meant as an address is not to be told how host names are spelt.
            Err(_) if text.contains([':', '/']) || last_is_number(text) && !text.is_empty() => {
                invalid(format!(
                    "\"{}\" is neither an address nor a host name",
                    quotable(text)
                ))
            }
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
