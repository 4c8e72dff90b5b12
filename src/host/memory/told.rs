//! The machine in memory itself: what it is told, and what it remembers.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::command::{Command, Output};
use super::super::failure::{HostError, at};
use super::super::file::{Attributes, Owner};
use super::super::proc::{Process, Signal};
use super::super::socket::{Socket, Wire};
use super::change::{Change, Fate, Faults};
use super::files::{Entry, Files};

type Answer = Arc<dyn Fn(&Memory, &Command) -> Option<Output> + Send + Sync>;
type OnSignal = Arc<dyn Fn(&Memory, &Process, Signal) + Send + Sync>;
type OnSleep = Arc<dyn Fn(&Memory) + Send + Sync>;
type OnConnect = Arc<dyn Fn(&Memory, SocketAddr) -> Result<Box<dyn Wire>, HostError> + Send + Sync>;

/// 2026-01-01 00:00:00 UTC: a machine in memory starts then.
const START: i64 = 1_767_225_600;

/// A machine in memory. What is told by `with_...` is told before it is used; the rest may
/// happen at any time, as things happen to a machine.
pub struct Memory {
    state: Mutex<State>,
    pub(super) locks: Arc<Mutex<BTreeMap<PathBuf, String>>>,
}

pub(super) struct State {
    pub(super) live: bool,
    pub(super) root: bool,
    pub(super) uptime: Duration,
    pub(super) clock: i64,
    pub(super) files: Files,
    pub(super) obstacles: BTreeMap<PathBuf, String>,
    pub(super) space: u64,
    pub(super) accounts: BTreeMap<String, Owner>,
    pub(super) names: BTreeMap<String, Vec<IpAddr>>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) processes: Vec<Process>,
    pub(super) marks: BTreeMap<u32, String>,
    pub(super) sockets: Vec<Socket>,
    pub(super) answers: Vec<Answer>,
    pub(super) on_signal: Option<OnSignal>,
    pub(super) on_sleep: Option<OnSleep>,
    pub(super) on_connect: Option<OnConnect>,
    pub(super) changes: Vec<Change>,
    pub(super) faults: Faults,
    pub(super) calls: usize,
    pub(super) failed: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// Telling it what it is.
impl Memory {
    /// A running machine with an empty root folder, and us as root on it.
    pub fn new() -> Self {
        let state = State {
            live: true,
            root: true,
            uptime: Duration::ZERO,
            clock: START,
            files: Files::new(START),
            obstacles: BTreeMap::new(),
            space: 1 << 30,
            accounts: BTreeMap::from([("root".to_owned(), Owner::ROOT)]),
            names: BTreeMap::new(),
            addresses: Vec::new(),
            processes: Vec::new(),
            marks: BTreeMap::new(),
            sockets: Vec::new(),
            answers: Vec::new(),
            on_signal: None,
            on_sleep: None,
            on_connect: None,
            changes: Vec::new(),
            faults: Faults::None,
            calls: 0,
            failed: false,
        };
        Self {
            state: Mutex::new(state),
            locks: Arc::default(),
        }
    }

    #[must_use]
    pub fn not_live(self) -> Self {
        self.told(|state| state.live = false)
    }

    #[must_use]
    pub fn not_root(self) -> Self {
        self.told(|state| state.root = false)
    }

    /// With a file of root's, mode 0644, and the folders above it.
    #[must_use]
    pub fn with_file(self, path: impl AsRef<Path>, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(path, Entry::file(bytes, Attributes::root(0o644)))
    }

    /// With anything at a path, and the folders above it.
    #[must_use]
    pub fn with(self, path: impl AsRef<Path>, entry: Entry) -> Self {
        self.put(path, entry);
        self
    }

    /// With a program that `Host::find` finds by the last part of this path.
    #[must_use]
    pub fn with_program(self, path: impl AsRef<Path>) -> Self {
        self.with(path, Entry::file("\x7fELF", Attributes::root(0o755)))
    }

    /// With a reason why no file can be placed at this path: told beforehand, and met when it
    /// is tried all the same.
    #[must_use]
    pub fn with_obstacle(self, path: impl Into<PathBuf>, why: &str) -> Self {
        self.told(|state| {
            state.obstacles.insert(path.into(), why.to_owned());
        })
    }

    #[must_use]
    pub fn with_space(self, bytes: u64) -> Self {
        self.told(|state| state.space = bytes)
    }

    #[must_use]
    pub fn with_account(self, name: &str, owner: Owner) -> Self {
        self.told(|state| {
            state.accounts.insert(name.to_owned(), owner);
        })
    }

    /// With a name that resolves to these addresses.
    #[must_use]
    pub fn with_name(self, name: &str, addresses: &[IpAddr]) -> Self {
        self.told(|state| {
            state.names.insert(name.to_owned(), addresses.to_vec());
        })
    }

    #[must_use]
    pub fn with_addresses(self, addresses: &[IpAddr]) -> Self {
        self.told(|state| state.addresses = addresses.to_vec())
    }

    /// Answers commands: the first that does not return `None` counts. It may change the
    /// machine as the command would.
    #[must_use]
    pub fn answering(
        self,
        answer: impl Fn(&Memory, &Command) -> Option<Output> + Send + Sync + 'static,
    ) -> Self {
        self.told(|state| state.answers.push(Arc::new(answer)))
    }

    /// What a signal does. Without this, `Terminate` and `Kill` end the process.
    #[must_use]
    pub fn on_signal(
        self,
        act: impl Fn(&Memory, &Process, Signal) + Send + Sync + 'static,
    ) -> Self {
        self.told(|state| state.on_signal = Some(Arc::new(act)))
    }

    /// What has happened whenever somebody has slept.
    #[must_use]
    pub fn on_sleep(self, act: impl Fn(&Memory) + Send + Sync + 'static) -> Self {
        self.told(|state| state.on_sleep = Some(Arc::new(act)))
    }

    /// Who answers connections. Without this, they are refused.
    #[must_use]
    pub fn on_connect(
        self,
        act: impl Fn(&Memory, SocketAddr) -> Result<Box<dyn Wire>, HostError> + Send + Sync + 'static,
    ) -> Self {
        self.told(|state| state.on_connect = Some(Arc::new(act)))
    }

    fn told(self, tell: impl FnOnce(&mut State)) -> Self {
        tell(&mut self.state());
        self
    }
}

/// What happens to it besides what the trait does, and what it remembers.
impl Memory {
    /// Somebody else puts something there, whatever was there before.
    pub fn put(&self, path: impl AsRef<Path>, entry: Entry) {
        let mut state = self.state();
        let now = state.clock;
        state.files.put(path.as_ref(), entry, now);
    }

    /// Somebody else removes something, and all below it.
    pub fn take_away(&self, path: impl AsRef<Path>) {
        self.state().files.take_away(path.as_ref());
    }

    /// Takes an obstacle out of the way again.
    pub fn clear(&self, path: impl AsRef<Path>) {
        self.state().obstacles.remove(path.as_ref());
    }

    pub fn set_processes(&self, processes: Vec<Process>) {
        self.state().processes = processes;
    }

    /// Makes the process with this number one that a command with this mark has started.
    pub fn mark(&self, pid: u32, mark: &str) {
        self.state().marks.insert(pid, mark.to_owned());
    }

    pub fn set_sockets(&self, sockets: Vec<Socket>) {
        self.state().sockets = sockets;
    }

    /// Lets time pass.
    pub fn advance(&self, time: Duration) {
        let mut state = self.state();
        state.uptime += time;
        state.clock += i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    }

    /// Sets the clock, as somebody may who finds it wrong; `uptime` goes on as before.
    pub fn set_clock(&self, now: i64) {
        self.state().clock = now;
    }

    /// All that was done through the trait, and succeeded.
    pub fn changes(&self) -> Vec<Change> {
        self.state().changes.clone()
    }

    /// All files, folders and links.
    pub fn entries(&self) -> BTreeMap<PathBuf, Entry> {
        self.state().files.entries()
    }

    /// Makes changing calls fail from now on (taking a lock is none).
    pub fn set_faults(&self, faults: Faults) {
        let mut state = self.state();
        (state.faults, state.calls, state.failed) = (faults, 0, false);
    }

    /// Whether a fault was met since it was set: a test that fails each call in turn is
    /// through when none was.
    pub fn met_fault(&self) -> bool {
        self.state().failed
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn only_live(&self, what: &'static str) -> Result<(), HostError> {
        if self.state().live {
            Ok(())
        } else {
            Err(HostError::NotLive(what))
        }
    }

    /// One changing call about a path: fails if it is its turn, else is done and remembered.
    pub(super) fn change(
        &self,
        change: Change,
        path: &Path,
        act: impl FnOnce(&mut Files, i64) -> Result<(), HostError>,
    ) -> Result<(), HostError> {
        let mut state = self.state();
        let fate = state.fate(matches!(change, Change::Placed(_)));
        if fate == Fate::Failed {
            return Err(at(path)(made_to_fail()));
        }
        if let Some(why) = state.obstacles.get(path) {
            return Err(HostError::refused(path, why));
        }
        let now = state.clock;
        act(&mut state.files, now)?;
        state.changes.push(change);
        match fate {
            Fate::DoneInSecret => Err(at(path)(made_to_fail())),
            Fate::Done | Fate::Failed => Ok(()),
        }
    }
}

impl State {
    /// One call that is about no path.
    pub(super) fn count(&mut self) -> io::Result<()> {
        match self.fate(false) {
            Fate::Failed => Err(made_to_fail()),
            // Such a call needs no disk.
            Fate::Done | Fate::DoneInSecret => Ok(()),
        }
    }

    fn fate(&mut self, places: bool) -> Fate {
        self.calls += 1;
        let fate = self.faults.fate(self.calls, places);
        self.failed |= fate != Fate::Done;
        fate
    }
}

fn made_to_fail() -> io::Error {
    io::Error::other("made to fail")
}
