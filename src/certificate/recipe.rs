//! What a certificate is to say, decided while planning and signed much later.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::constraint::Permitted;
use super::subject::DistinguishedName;
use crate::values::{Digest, Invalid, SubjectName, escaped};

/// Everything about a certificate that is decided before there is a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    pub purpose: Purpose,
    pub subject: DistinguishedName,
    /// The subject alternative names of a leaf; empty for an authority.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<SubjectName>,
    pub key: KeyKind,
    pub days: u32,
    /// A root's name constraints; `None` lets it vouch for the whole world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permitted: Option<Permitted>,
}

/// What a certificate is for. It carries what serves that purpose and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    Root,
    Intermediate,
    /// Proves a server's name to its clients.
    Server,
    /// Proves an agent's name to the server.
    Agent,
}

impl Purpose {
    pub fn is_authority(self) -> bool {
        matches!(self, Self::Root | Self::Intermediate)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Intermediate => "intermediate",
            Self::Server => "server",
            Self::Agent => "agent",
        })
    }
}

/// The kinds of key this program makes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    #[default]
    EcdsaP256,
    EcdsaP384,
    Rsa2048,
    Rsa3072,
    Rsa4096,
}

impl KeyKind {
    pub const ALL: [Self; 5] = [
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
        }
    }

    pub fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for KeyKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| {
                Invalid(format!(
                    "\"{}\" is not a kind of key: {}",
                    escaped(text),
                    Self::ALL.map(Self::as_str).join(", ")
                ))
            })
    }
}

impl Serialize for KeyKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for KeyKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// From when to when a certificate holds, in seconds since 1970; both ends are included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validity {
    pub not_before: i64,
    pub not_after: i64,
}

impl Validity {
    pub const DAY: i64 = 86_400;
    /// How far the beginning is put back, for hosts whose clocks are behind.
    pub const BACKDATED: i64 = 3_600;

    /// `days` from `now` on. The beginning lies an hour back.
    pub fn days_from(now: i64, days: u32) -> Self {
        Self {
            not_before: now - Self::BACKDATED,
            not_after: now + i64::from(days) * Self::DAY,
        }
    }

    /// The part of this that lies within the issuer's validity, so that nothing outlives what
    /// vouches for it.
    #[must_use]
    pub fn within(self, issuer: Self) -> Self {
        Self {
            not_before: self.not_before.max(issuer.not_before),
            not_after: self.not_after.min(issuer.not_after),
        }
    }

    pub fn contains(self, at: i64) -> bool {
        (self.not_before..=self.not_after).contains(&at)
    }

    /// Whether more than a third of the whole life is still to come.
    pub fn more_than_a_third_left(self, now: i64) -> bool {
        let left = i128::from(self.not_after) - i128::from(now);
        let whole = i128::from(self.not_after) - i128::from(self.not_before);
        left * 3 > whole
    }
}

/// The lifetime of the certificate of `name`: up to a tenth shorter than `days`, always the
/// same for the same name, so that a fleet issued in one night does not expire in one night.
pub fn spread_days(days: u32, name: &str) -> u32 {
    let digest = Digest::of(name.as_bytes());
    let drawn = u32::from_str_radix(&digest.as_str()[..8], 16).unwrap_or_default();
    days - drawn % (days / 10 + 1)
}
