//! What a machine in memory remembers, and where it fails.

use std::path::PathBuf;

use super::super::proc::Signal;

/// Something that was done to the machine through the trait, and succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Placed(PathBuf),
    MadeFolder(PathBuf),
    SetAttributes(PathBuf),
    Linked(PathBuf),
    RemovedFile(PathBuf),
    RemovedFolder(PathBuf),
    Renamed(PathBuf, PathBuf),
    Appended(PathBuf),
    /// As it would be typed.
    Ran(String),
    Signalled(u32, Signal),
}

/// Which changing calls fail, counted from 1 and from when this was set. Such a call changes
/// nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Faults {
    #[default]
    None,
    /// This one only: a full disk that has room again, a command that could not be started.
    Once(usize),
    /// This one and all after it: the process was killed, the power went.
    From(usize),
}

impl Faults {
    pub(super) fn hit(self, call: usize) -> bool {
        match self {
            Self::None => false,
            Self::Once(at) => call == at,
            Self::From(at) => call >= at,
        }
    }
}
