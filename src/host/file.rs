//! How files and folders stand on disk, besides their bytes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::values::Mode;

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
    /// Extended attributes (access lists and security labels among them), name and value, sorted.
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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    File,
    Folder,
    Link(PathBuf),
    /// A device, socket or FIFO.
    Special,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    pub kind: Kind,
    pub attributes: Attributes,
    pub size: u64,
    /// Seconds since 1970.
    pub modified: i64,
    /// Hard links to it.
    pub links: u64,
}
