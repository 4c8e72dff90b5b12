//! What can be asked of a machine and done to it.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::command::{Command, Output};
use super::detached::Detached;
use super::failure::{HostError, LockError};
use super::file::{Attributes, Owner, Stat};
use super::lock::Lock;
use super::proc::{Process, Signal};
use super::socket::{Socket, Wire};

/// One machine. Paths are absolute, and below the root of this machine.
pub trait Host: Send + Sync {
    /// Whether this host runs: has processes, ports, commands. False under `--root`.
    fn is_live(&self) -> bool;

    /// Why nothing here could speak a TLS older than 1.2, or one of its weak suites, whatever
    /// nginx is told: then it proves nothing that they are refused.
    fn knows_no_old_tls(&self) -> Option<&'static str> {
        None
    }

    /// Seconds since 1970, UTC.
    fn now(&self) -> i64;
    /// Time since an arbitrary start; never runs backwards, whatever is done to the clock, and goes
    /// on while the machine sleeps.
    fn uptime(&self) -> Duration;
    fn sleep(&self, time: Duration);

    /// What is at `path`, without following a final symbolic link. `None`: nothing is.
    fn stat(&self, path: &Path) -> Result<Option<Stat>, HostError>;
    /// The bytes of a regular file (links followed), refused beyond `limit` bytes. Never waits
    /// for a writer: a FIFO or device is refused without being opened.
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, HostError>;
    /// What a regular file holds from `offset` on, and of that the last `limit` bytes, for
    /// logs that grow. Empty where the file is shorter: it was rotated, and `stat` tells.
    fn read_from(&self, path: &Path, offset: u64, limit: u64) -> Result<Vec<u8>, HostError>;
    /// At most `limit` bytes of a regular file from `offset` on, for files larger than memory.
    fn read_piece(&self, path: &Path, offset: u64, limit: u64) -> Result<Vec<u8>, HostError>;
    /// The names in a folder, sorted. A folder that does not exist has none. A name that is
    /// not UTF-8 comes with replacement characters, and nothing will be found under it.
    fn list(&self, folder: &Path) -> Result<Vec<String>, HostError>;
    /// The path with every symbolic link resolved; `None` where it does not exist.
    fn real_path(&self, path: &Path) -> Result<Option<PathBuf>, HostError>;
    /// Why a file could not be placed at `path`, beforehand, with the command that would help
    /// where there is one. `path` need not exist.
    fn obstacle(&self, path: &Path) -> Option<String>;
    /// Bytes that may still be written below `path` (or its nearest existing folder).
    fn space(&self, path: &Path) -> Result<u64, HostError>;

    /// Puts `bytes` at `path`: a temporary file in the same folder with these attributes from
    /// the first byte, synced, renamed over `path`, folder synced. A symbolic link or anything
    /// but a regular file with one name at `path` is an error, as is a link among its folders
    /// that somebody other than root could have made.
    fn place(&self, path: &Path, bytes: &[u8], attributes: &Attributes) -> Result<(), HostError>;
    /// The same where a symbolic link is, which is not followed: the file takes its place.
    fn place_over_link(
        &self,
        path: &Path,
        bytes: &[u8],
        attributes: &Attributes,
    ) -> Result<(), HostError>;
    /// Makes one folder; its parent must exist. An existing folder is left as it is.
    fn make_folder(&self, path: &Path, attributes: &Attributes) -> Result<(), HostError>;
    /// Sets mode, owner and extended attributes of the file or folder at `path` (never through
    /// a link). An extended attribute that is not given is removed, labels (`security.*`) not.
    fn set_attributes(&self, path: &Path, attributes: &Attributes) -> Result<(), HostError>;
    /// Puts a symbolic link at `path`, replacing a link or file atomically.
    fn place_link(&self, path: &Path, target: &Path) -> Result<(), HostError>;
    /// Removes a file or a symbolic link (not what it points to).
    fn remove_file(&self, path: &Path) -> Result<(), HostError>;
    /// Removes an empty folder.
    fn remove_folder(&self, path: &Path) -> Result<(), HostError>;
    /// Moves a file within one filesystem, replacing nothing.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), HostError>;
    /// Appends and syncs; creates the file with mode 0600. Never through a link.
    fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), HostError>;
    /// The same without waiting for the disk: a power cut may take it away again.
    fn note(&self, path: &Path, bytes: &[u8]) -> Result<(), HostError>;
    /// Takes the exclusive lock of this file (created 0600), or says who holds it.
    fn lock(&self, path: &Path, note: &str) -> Result<Lock, LockError>;

    /// Where a program is, looked up in PATH and the system folders.
    fn find(&self, program: &str) -> Option<PathBuf>;
    /// Runs a program to its end in a session of its own, without terminal or standard input.
    fn run(&self, command: &Command) -> Result<Output, HostError>;
    /// The same with this as its standard input: for secrets, which arguments would show.
    fn run_with_input(&self, command: &Command, input: &[u8]) -> Result<Output, HostError>;
    /// Whether this process may do everything here (effective user id 0).
    fn is_root(&self) -> bool;
    /// The processes of this host, by number.
    fn processes(&self) -> Result<Vec<Process>, HostError>;
    /// The processes that a command with this mark has become and has started.
    fn marked(&self, mark: &str) -> Result<Vec<Process>, HostError>;
    /// Starts a program that outlives this process and gives it `input`; what it says goes to
    /// the file `said` of this machine. The program itself runs where we run.
    fn detach(
        &self,
        program: &Path,
        args: &[String],
        input: &[u8],
        said: &Path,
    ) -> Result<Detached, HostError>;
    /// Sends a signal to the process that has this number *and* this start time.
    fn signal(&self, process: &Process, signal: Signal) -> Result<(), HostError>;
    /// The TCP sockets of this host: listening ones and connections.
    fn sockets(&self) -> Result<Vec<Socket>, HostError>;
    /// Whether a listener could be opened here now, as nginx opens one; opens and closes one.
    fn can_bind(&self, address: SocketAddr) -> Result<bool, HostError>;
    /// The addresses of a name, in the order of preference of this system.
    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, HostError>;
    /// The addresses of this host's own interfaces, loopback included, sorted; IPv6 addresses
    /// of one link only (`fe80::`) are left out, because nobody can dial them without a zone.
    fn addresses(&self) -> Result<Vec<IpAddr>, HostError>;
    fn connect(&self, to: SocketAddr, timeout: Duration) -> Result<Box<dyn Wire>, HostError>;
    /// The numbers of an account: `nms` -> (998, 998). Digits name a user (with the group of
    /// its account, or the same number without one), `998:997` both.
    fn user(&self, name: &str) -> Option<Owner>;
}
