//! How a file stands on disk besides its bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::{Invalid, escaped, invalid, text_serde};

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
