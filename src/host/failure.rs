//! What can go wrong between us and the machine.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::error::Problem;
use crate::values::path_word;

#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("{}: {source}", path_word(path))]
    File { path: PathBuf, source: io::Error },
    #[error("{}: {why}", path_word(path))]
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

    /// The command that shows what is behind it, or helps.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::File { path, source } => {
                // The folder, or what is there of it: what is at the path itself may be gone.
                let there = path.ancestors().skip(1).find(|folder| folder.is_dir());
                let folder = there.unwrap_or(Path::new("/"));
                let known = Errno::from_io_error(source).and_then(|errno| shows_why(errno, folder));
                known.or_else(|| Some(format!("ls -la {}", path_word(folder))))
            }
            Self::Refused { path, .. } => Some(format!("ls -ld {}", path_word(path))),
            Self::Command { why, .. } => remedy_of_words(why, Path::new("/")),
            Self::Process { pid, .. } => Some(format!("ps -f -p {pid}")),
            Self::Network { .. } | Self::NotLive(_) => None,
        }
    }

    /// Whether it says that nothing is at the path: no such name, or a file where a folder of
    /// the path would have to be.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::File { source, .. }
            if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory))
    }
}

impl From<HostError> for Problem {
    fn from(error: HostError) -> Self {
        Self {
            remedy: error.remedy(),
            ..Self::host(error.to_string())
        }
    }
}

/// What shows why the system did not let it be done, in this folder or below.
fn shows_why(errno: Errno, folder: &Path) -> Option<String> {
    let folder = path_word(folder);
    Some(match errno {
        Errno::NOSPC | Errno::DQUOT => format!("df -h {folder}; df -i {folder}"),
        Errno::ROFS => format!("findmnt -T {folder}"),
        Errno::IO => "dmesg | tail -n 20".to_owned(),
        Errno::MFILE | Errno::NFILE => "ulimit -n; cat /proc/sys/fs/file-nr".to_owned(),
        Errno::ACCESS | Errno::PERM => format!("namei -l {folder}; lsattr -d {folder}"),
        _ => return None,
    })
}

/// The errors that [`shows_why`] knows, as programs of either C library name them.
const WORDS: [(&str, Errno); 9] = [
    ("No space left on device", Errno::NOSPC),
    ("uota exceeded", Errno::DQUOT),
    ("Read-only file system", Errno::ROFS),
    ("Input/output error", Errno::IO),
    ("I/O error", Errno::IO),
    ("Too many open files", Errno::MFILE),
    ("No file descriptors available", Errno::MFILE),
    ("Permission denied", Errno::ACCESS),
    ("Operation not permitted", Errno::PERM),
];

/// The same where all that is known is what a program said, which works in this folder.
pub fn remedy_of_words(said: &str, folder: &Path) -> Option<String> {
    let mut known = WORDS.iter();
    let (_, errno) = known.find(|(words, _)| said.contains(words))?;
    shows_why(*errno, folder)
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// Red where a folder is named that is not there.
    #[test]
    fn what_the_system_says_comes_with_what_shows_why() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("my files");
        std::fs::create_dir(&folder).unwrap();
        // Not there any more, or not yet.
        let path = folder.join("gone/a.conf");
        let says = |errno: Errno| Problem::from(at(&path)(errno));
        let folder = folder.display();
        assert_eq!(
            says(Errno::NOSPC).to_string(),
            format!(
                "'{folder}/gone/a.conf': No space left on device (os error 28)\n  \
                 do: df -h '{folder}'; df -i '{folder}'"
            )
        );
        for errno in [
            Errno::ROFS,
            Errno::IO,
            Errno::MFILE,
            Errno::ACCESS,
            Errno::DQUOT,
        ] {
            let problem = says(errno);
            assert!(problem.remedy.is_some(), "{errno:?}");
            // A program that says it in these words is helped in the same way.
            let same = remedy_of_words(&problem.what, root.path().join("my files").as_path());
            assert_eq!(same, problem.remedy, "{errno:?}");
        }
        assert_eq!(remedy_of_words("it did not say why", root.path()), None);
    }
}
