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
/// nothing, unless it says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Faults {
    #[default]
    None,
    /// This one only: a full disk that has room again, a command that could not be started.
    Once(usize),
    /// This one and all after it: the process was killed, the power went.
    From(usize),
    /// From this one on nothing reaches the disk: a new file fails before it gets its name, but
    /// for this call, and all else is done and is said to have failed.
    Unsynced(usize),
}

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Done,
    Failed,
    /// It is done, and the caller is told that it failed.
    DoneInSecret,
}

impl Faults {
    pub(super) fn fate(self, call: usize, places: bool) -> Fate {
        match self {
            Self::Once(at) if call == at => Fate::Failed,
            Self::From(at) if call >= at => Fate::Failed,
            Self::Unsynced(at) if call > at && places => Fate::Failed,
            Self::Unsynced(at) if call >= at => Fate::DoneInSecret,
            _ => Fate::Done,
        }
    }
}
