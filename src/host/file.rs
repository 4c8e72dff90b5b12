//! How files and folders stand on disk, besides their bytes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crate::values::{Attributes, Owner};

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
