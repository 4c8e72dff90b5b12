//! What was issued for a plan, in memory only.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use crate::plan::{Content, FileChange, Piece};

/// Certificates and private keys by the piece of the plan they are; wiped when dropped.
#[derive(Default)]
pub struct Purse(BTreeMap<Piece, Zeroizing<Vec<u8>>>);

/// A file of the plan needs something that its certificates do not include.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} needs {piece:?}, which this plan does not make")]
pub struct NotIssued {
    pub path: String,
    pub piece: Piece,
}

impl Purse {
    pub fn put(&mut self, piece: Piece, bytes: Zeroizing<Vec<u8>>) {
        self.0.insert(piece, bytes);
    }

    pub fn get(&self, piece: &Piece) -> Option<&[u8]> {
        self.0.get(piece).map(|bytes| bytes.as_slice())
    }

    /// The bytes that `file` is to hold.
    pub fn content<'a>(&'a self, file: &'a FileChange) -> Result<&'a [u8], NotIssued> {
        match &file.content {
            Content::Text(text) => Ok(text.as_bytes()),
            Content::Issued(piece) => self.get(piece).ok_or_else(|| NotIssued {
                path: file.path.to_string(),
                piece: piece.clone(),
            }),
        }
    }
}

/// The names of what is in it.
impl fmt::Debug for Purse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
