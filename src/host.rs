//! The machine, as one trait. Everything that reads, changes or asks a machine goes through
//! [`Host`]; nothing outside this folder names `std::fs`, a process, a socket or the clock.
//!
//! [`Local`] is the real one. Under `--root DIR` it acts on the tree below `DIR` as if that
//! were `/`; such a host is not *live*: it has files, but no processes, ports or commands.

mod command;
mod local;
mod memory;
mod place;
mod proc;
mod socket;

use std::fmt;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};


pub use local::Local;
pub use memory::Memory;

pub use crate::values::{Attributes, Owner};

/// One machine.
pub trait Host {
    /// Whether this host runs: has processes, ports, commands. False under `--root`.
    fn is_live(&self) -> bool;

    /// Seconds since 1970, UTC.
    fn now(&self) -> i64;
    /// Time since an arbitrary start; never runs backwards.
    fn uptime(&self) -> Duration;
    fn sleep(&self, time: Duration);

    /// What is at `path`, without following a final symbolic link. `None`: nothing is.
    fn stat(&self, path: &Path) -> Result<Option<Stat>, HostError>;
    /// The bytes of a regular file (links followed), refused beyond `limit` bytes.
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, HostError>;
    /// The last `limit` bytes of a regular file from `offset` on, for logs that grow.
    fn read_from(&self, path: &Path, offset: u64, limit: u64) -> Result<Vec<u8>, HostError>;
    /// The names in a folder, sorted. A folder that does not exist has none.
    fn list(&self, folder: &Path) -> Result<Vec<String>, HostError>;
    /// The path with every symbolic link resolved; `None` where it does not exist.
    fn real_path(&self, path: &Path) -> Result<Option<PathBuf>, HostError>;
    /// Why a file could not be placed at `path`, beforehand. `path` need not exist.
    fn obstacle(&self, path: &Path) -> Option<String>;
    /// Bytes that may still be written below `path` (or its nearest existing folder).
    fn space(&self, path: &Path) -> Result<u64, HostError>;

    /// Puts `bytes` at `path`: a temporary file in the same folder with these attributes from
    /// the first byte, synced, renamed over `path`, folder synced. A symbolic link or anything
    /// but a regular file at `path` is an error, as is a link among its folders.
    fn place(&self, path: &Path, bytes: &[u8], attributes: &Attributes) -> Result<(), HostError>;
    /// Makes one folder; its parent must exist. An existing folder is left as it is.
    fn make_folder(&self, path: &Path, attributes: &Attributes) -> Result<(), HostError>;
    /// Sets mode, owner and extended attributes of what is at `path` (never through a link).
    fn set_attributes(&self, path: &Path, attributes: &Attributes) -> Result<(), HostError>;
    /// Puts a symbolic link at `path`, replacing a link or file atomically.
    fn place_link(&self, path: &Path, target: &Path) -> Result<(), HostError>;
    fn remove_file(&self, path: &Path) -> Result<(), HostError>;
    /// Removes an empty folder.
    fn remove_folder(&self, path: &Path) -> Result<(), HostError>;
    /// Moves a file within one filesystem, replacing nothing.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), HostError>;
    /// Appends and syncs; creates the file with mode 0600. Never through a link.
    fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), HostError>;
    /// Takes the exclusive lock of this file (created 0600), or says who holds it.
    fn lock(&self, path: &Path, note: &str) -> Result<Lock, LockError>;

    /// Where a program is, looked up in PATH and the system folders.
    fn find(&self, program: &str) -> Option<PathBuf>;
    /// Runs a program to its end in a session of its own, without terminal or standard input.
    fn run(&self, command: &Command) -> Result<Output, HostError>;
    /// Whether this process may do everything here (effective user id 0).
    fn is_root(&self) -> bool;
    fn processes(&self) -> Result<Vec<Process>, HostError>;
    /// Sends a signal to the process that has this number *and* this start time.
    fn signal(&self, process: &Process, signal: Signal) -> Result<(), HostError>;
    /// The TCP sockets of this host: listening ones and connections.
    fn sockets(&self) -> Result<Vec<Socket>, HostError>;
    /// Whether a listener could be opened here now; opens and closes one.
    fn can_bind(&self, address: SocketAddr) -> Result<bool, HostError>;
    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, HostError>;
    /// The addresses of this host's own interfaces.
    fn addresses(&self) -> Result<Vec<IpAddr>, HostError>;
    fn connect(&self, to: SocketAddr, timeout: Duration) -> Result<Box<dyn Wire>, HostError>;
    /// Numeric user and group, or the name's numbers: `nms` -> (998, 998).
    fn user(&self, name: &str) -> Option<Owner>;
}

/// A connection whose reads and writes time out.
pub trait Wire: Read + Write + Send {
    fn local(&self) -> Option<SocketAddr>;
}

/// Holds a lock until dropped.
pub struct Lock {
    _file: std::fs::File,
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

/// A program to run. Arguments hold no secret, ever: other users can read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    pub program: PathBuf,
    pub args: Vec<String>,
    /// After this time it is killed.
    pub timeout: Duration,
}

impl Command {
    pub fn new(program: impl Into<PathBuf>, args: &[&str]) -> Self {
        Self {
            program: program.into(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            timeout: Duration::from_secs(60),
        }
    }
}

/// As one would type it.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.program.display())?;
        self.args.iter().try_for_each(|arg| write!(f, " {arg}"))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// `None`: ended by a signal, ours after the time limit included.
    pub code: Option<i32>,
    pub timed_out: bool,
    /// At most 64 MiB.
    pub stdout: Vec<u8>,
    /// At most 1 MiB.
    pub stderr: Vec<u8>,
}

impl Output {
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }

    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pub pid: u32,
    pub parent: u32,
    /// In clock ticks since boot: with `pid`, names a process for good.
    pub started: u64,
    /// Command line or title, space-separated, as `ps` shows it.
    pub title: String,
    /// Empty for kernel threads and where it may not be read.
    pub exe: PathBuf,
    /// The executable was deleted or replaced since it was started.
    pub exe_deleted: bool,
    pub cwd: PathBuf,
    pub owner: Owner,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Hangup,
    Terminate,
    Kill,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    pub local: SocketAddr,
    /// `None`: it listens.
    pub remote: Option<SocketAddr>,
    /// Processes that hold it open; empty where that may not be seen.
    pub holders: Vec<u32>,
}

#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path}: {why}")]
    Refused { path: PathBuf, why: String },
    #[error("{command}: {why}")]
    Command { command: String, why: String },
    #[error("{to}: {source}")]
    Network { to: String, source: std::io::Error },
    #[error("{0} needs a running system, and this is a folder (--root)")]
    NotLive(&'static str),
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// What the holder noted: process, user, terminal, since when.
    #[error("{0}")]
    Held(String),
    #[error(transparent)]
    Host(#[from] HostError),
}
