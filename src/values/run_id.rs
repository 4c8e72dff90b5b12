//! What a run is called.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::{Invalid, escaped, invalid, text_serde};

/// The name of a run: `2026-11-23-01`, counted from 01 within its (UTC) day. In order of time:
/// the hundredth of a day comes after the ninety-ninth.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RunId(String);

impl RunId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `2026-11-23` of `2026-11-23-01`.
    pub fn day(&self) -> &str {
        &self.0[..DAY]
    }

    /// 1 of `2026-11-23-01`.
    pub fn number(&self) -> u32 {
        self.0[DAY + 1..].parse().unwrap_or(0)
    }
}

/// Letters of a day.
const DAY: usize = "2026-11-23".len();

impl Ord for RunId {
    fn cmp(&self, other: &Self) -> Ordering {
        let days = self.day().cmp(other.day());
        let numbers = self.number().cmp(&other.number());
        days.then(numbers).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for RunId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
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
