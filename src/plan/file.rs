//! The files and folders that a plan places.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::values::{AbsPath, Digest, HostName, Mode};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderChange {
    pub path: AbsPath,
    pub mode: Mode,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    pub path: AbsPath,
    pub status: Status,
    pub mode: Mode,
    /// User and group, numeric.
    pub owner: (u32, u32),
    pub content: Content,
    /// What must be there when the file is placed; `None`: nothing.
    pub before: Option<Digest>,
    /// The text it replaces, for the preview; never stored.
    #[serde(skip)]
    pub text_before: Option<String>,
    /// Why each generated line is there: lines of the new text (from 1, end exclusive).
    pub reasons: Vec<(Range<u32>, Reason)>,
}

impl FileChange {
    /// Its content must not be shown.
    pub fn is_sensitive(&self) -> bool {
        matches!(&self.content, Content::Issued(piece) if piece.is_secret())
    }

    /// Whether anything would be written.
    pub(super) fn changes(&self) -> bool {
        self.status != Status::Unchanged
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Create,
    Change,
    Unchanged,
    /// It is ours, and of no use any more. Its content is an empty text.
    Remove,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    Text(String),
    Issued(Piece),
}

/// What only exists once certificates are made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    RootCertificate,
    RootKey,
    IntermediateCertificate,
    IntermediateKey,
    /// Intermediate and root: what nginx verifies clients against.
    ClientBundle,
    /// Leaf and intermediate.
    ServerChain,
    ServerKey,
    AgentChain(HostName),
    AgentKey(HostName),
    /// The key that was brought from elsewhere.
    CarriedKey,
    /// What an authority elsewhere is to sign, and the keys for it.
    ServerRequest,
    ServerRequestKey,
    AgentRequest(HostName),
    AgentRequestKey(HostName),
    /// What the root, and the intermediate, have revoked.
    RootList,
    IntermediateList,
    /// Both, for nginx: it wants one for each authority of a chain.
    RevocationBundle,
}

impl Piece {
    pub fn is_secret(&self) -> bool {
        matches!(
            self,
            Self::RootKey
                | Self::IntermediateKey
                | Self::ServerKey
                | Self::AgentKey(_)
                | Self::CarriedKey
                | Self::ServerRequestKey
                | Self::AgentRequestKey(_)
        )
    }
}

/// Why a generated line is there: an identifier whose text is in `assets/help/reasons.txt`,
/// and what the text has to name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub id: String,
    pub about: String,
}
