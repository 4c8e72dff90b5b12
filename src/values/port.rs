//! Where a server listens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::{Invalid, invalid, quotable};

/// A TCP port, 1 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(u16);

impl Port {
    pub const HTTP: Self = Self(80);
    pub const HTTPS: Self = Self(443);
    /// Where nginx tells how it fares, by custom.
    pub const STATUS: Self = Self(8080);
    /// Where NGINX Instance Manager 1 takes agents, as it is shipped.
    pub const NIM1_GRPC: Self = Self(10_000);
    /// The same for browsers.
    pub const NIM1_GATEWAY: Self = Self(11_000);
    /// Where an nginx before it takes agents, by its guide.
    pub const NIM1_AGENTS: Self = Self(10_443);

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
            Err(_) => invalid(format!("\"{}\" is not a port: 1 to 65535", quotable(text))),
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
