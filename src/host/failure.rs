//! What can go wrong between us and the machine.

use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path}: {why}")]
    Refused { path: PathBuf, why: String },
    #[error("{command}: {why}")]
    Command { command: String, why: String },
    #[error("{to}: {source}")]
    Network { to: String, source: io::Error },
    #[error("process {pid}: {why}")]
    Process { pid: u32, why: String },
    #[error("{0} needs a running system, and this is a folder (--root)")]
    NotLive(&'static str),
}

impl HostError {
    pub(super) fn refused(path: &Path, why: impl Into<String>) -> Self {
        Self::Refused {
            path: path.to_owned(),
            why: why.into(),
        }
    }

    /// Whether it says that nothing is at the path: no such name, or a file where a folder of
    /// the path would have to be.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::File { source, .. }
            if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory))
    }
}

/// Turns what a system call returned into an error about `path`.
pub(super) fn at<E: Into<io::Error>>(path: &Path) -> impl FnOnce(E) -> HostError {
    move |error| HostError::File {
        path: path.to_owned(),
        source: error.into(),
    }
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// What the holder noted: process, user, terminal, since when.
    #[error("{0}")]
    Held(String),
    #[error(transparent)]
    Host(#[from] HostError),
}
