//! What is at a path now, and whether it is what somebody said it would be.

use std::path::Path;

use zeroize::Zeroizing;

use crate::host::{Host, HostError, Kind};
use crate::receipt::{After, Before};
use crate::values::{Attributes, Digest, sort_by};

/// Larger files are none that a plan places or a command of a trust store writes.
pub(super) const MOST_BYTES: u64 = 64 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Present {
    Nothing,
    File(PresentFile),
    Link { target: String },
    Folder { attributes: Attributes },
    Special,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct PresentFile {
    /// It may be a private key.
    pub bytes: Zeroizing<Vec<u8>>,
    pub digest: Digest,
    pub attributes: Attributes,
    pub modified: i64,
}

/// Without the bytes.
impl std::fmt::Debug for PresentFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?} {}", self.digest, self.attributes, self.modified)
    }
}

pub(super) fn look(host: &dyn Host, path: &Path) -> Result<Present, HostError> {
    let Some(stat) = host.stat(path)? else {
        return Ok(Present::Nothing);
    };
    let attributes = stat.attributes;
    Ok(match stat.kind {
        Kind::File => {
            let bytes = match host.read(path, MOST_BYTES) {
                Ok(bytes) => Zeroizing::new(bytes),
                // Somebody took it away between the two looks.
                Err(error) if error.is_absence() => return Ok(Present::Nothing),
                Err(error) => return Err(error),
            };
            let digest = Digest::of(&bytes);
            Present::File(PresentFile {
                bytes,
                digest,
                attributes,
                modified: stat.modified,
            })
        }
        Kind::Folder => Present::Folder { attributes },
        Kind::Link(target) => Present::Link {
            target: target.to_string_lossy().into_owned(),
        },
        Kind::Special => Present::Special,
    })
}

/// What a file holds that this program has written; refused where somebody put something else
/// under its name, such as a link.
pub(super) fn own_file(host: &dyn Host, path: &Path) -> Result<Option<Vec<u8>>, HostError> {
    let why = match host.stat(path)?.map(|stat| stat.kind) {
        None => return Ok(None),
        Some(Kind::File) => return host.read(path, MOST_BYTES).map(Some),
        Some(Kind::Folder) => "is a folder",
        Some(Kind::Link(_)) => "is a symbolic link",
        Some(Kind::Special) => "is a device, socket or pipe",
    };
    Err(HostError::Refused {
        path: path.to_owned(),
        why: why.to_owned(),
    })
}

impl Present {
    pub(super) fn is_before(&self, before: &Before) -> bool {
        match (self, before) {
            (Self::Nothing, Before::Nothing) => true,
            (
                Self::File(now),
                Before::File {
                    digest, attributes, ..
                },
            ) => now.digest == *digest && same(&now.attributes, attributes),
            (Self::Link { target }, Before::Link { target: was }) => target == was,
            (Self::Folder { attributes }, Before::Folder { attributes: was }) => {
                same(attributes, was)
            }
            _ => false,
        }
    }

    pub(super) fn is_after(&self, after: &After) -> bool {
        match (self, after) {
            (Self::Nothing, After::Nothing) => true,
            (
                Self::File(now),
                After::File {
                    digest,
                    mode,
                    owner,
                },
            ) => {
                now.digest == *digest
                    && now.attributes.mode == *mode
                    && now.attributes.owner == *owner
            }
            (Self::Link { target }, After::Link { target: left }) => target == left,
            (Self::Folder { attributes }, After::Folder { mode, owner }) => {
                attributes.mode == *mode && attributes.owner == *owner
            }
            _ => false,
        }
    }

    /// As a receipt names what was left. A special file was never made by us: nothing.
    pub(super) fn as_after(&self) -> After {
        match self {
            Self::File(now) => After::File {
                digest: now.digest.clone(),
                mode: now.attributes.mode,
                owner: now.attributes.owner,
            },
            Self::Link { target } => After::Link {
                target: target.clone(),
            },
            Self::Folder { attributes } => After::Folder {
                mode: attributes.mode,
                owner: attributes.owner,
            },
            Self::Nothing | Self::Special => After::Nothing,
        }
    }

    pub(super) fn in_words(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::File(_) => "a file",
            Self::Link { .. } => "a symbolic link",
            Self::Folder { .. } => "a folder",
            Self::Special => "a device, socket or pipe",
        }
    }
}

/// The order in which a filesystem lists extended attributes means nothing.
fn same(a: &Attributes, b: &Attributes) -> bool {
    let sorted = |attributes: &Attributes| {
        let mut extended = attributes.extended.clone();
        sort_by(&mut extended, Ord::cmp);
        extended
    };
    a.mode == b.mode && a.owner == b.owner && sorted(a) == sorted(b)
}
