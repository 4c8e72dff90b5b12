//! The machine that we run on, or the tree below a folder of it.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use super::command::{Command, Output};
use super::detached::Detached;
use super::failure::{HostError, LockError};
use super::file::{Attributes, Owner, Stat};
use super::lock::Lock;
use super::machine::Host;
use super::proc::{Process, Signal};
use super::socket::{Socket, Wire};
use super::tree::Tree;
use super::{account, command, detached, lock, look, obstacle, place, proc, socket};

#[derive(Debug)]
pub struct Local {
    tree: Tree,
    /// On the clock that goes on while the machine sleeps.
    born: Duration,
}

impl Local {
    /// This machine.
    pub fn live() -> Result<Self, HostError> {
        Self::open(Path::new("/"), true)
    }

    /// The tree below `root` as if `root` were `/`: a path that starts with `/` starts there,
    /// in symbolic links too, and none leads out of it.
    pub fn under(root: &Path) -> Result<Self, HostError> {
        Self::open(root, false)
    }

    fn open(root: &Path, live: bool) -> Result<Self, HostError> {
        Ok(Self {
            tree: Tree::open(root, live)?,
            born: since_boot(),
        })
    }

    fn only_live(&self, what: &'static str) -> Result<(), HostError> {
        if self.tree.is_live() {
            Ok(())
        } else {
            Err(HostError::NotLive(what))
        }
    }
}

fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    // It begins with 0 at boot, so both are positive.
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

impl Host for Local {
    fn is_live(&self) -> bool {
        self.tree.is_live()
    }

    fn now(&self) -> i64 {
        // A clock before 1970 is wrong in any case; the checks say so.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    fn uptime(&self) -> Duration {
        since_boot().saturating_sub(self.born)
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn stat(&self, path: &Path) -> Result<Option<Stat>, HostError> {
        look::stat(&self.tree, path)
    }

    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, HostError> {
        look::read(&self.tree, path, limit)
    }

    fn read_from(&self, path: &Path, offset: u64, limit: u64) -> Result<Vec<u8>, HostError> {
        look::read_from(&self.tree, path, offset, limit)
    }

    fn read_piece(&self, path: &Path, offset: u64, limit: u64) -> Result<Vec<u8>, HostError> {
        look::read_piece(&self.tree, path, offset, limit)
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, HostError> {
        look::list(&self.tree, folder)
    }

    fn real_path(&self, path: &Path) -> Result<Option<PathBuf>, HostError> {
        look::real_path(&self.tree, path)
    }

    fn obstacle(&self, path: &Path) -> Option<String> {
        obstacle::obstacle(&self.tree, path)
    }

    fn space(&self, path: &Path) -> Result<u64, HostError> {
        look::space(&self.tree, path)
    }

    fn place(&self, path: &Path, bytes: &[u8], attributes: &Attributes) -> Result<(), HostError> {
        place::place(&self.tree, path, bytes, attributes)
    }

    fn place_over_link(
        &self,
        path: &Path,
        bytes: &[u8],
        attributes: &Attributes,
    ) -> Result<(), HostError> {
        place::place_over_link(&self.tree, path, bytes, attributes)
    }

    fn make_folder(&self, path: &Path, attributes: &Attributes) -> Result<(), HostError> {
        place::make_folder(&self.tree, path, attributes)
    }

    fn set_attributes(&self, path: &Path, attributes: &Attributes) -> Result<(), HostError> {
        place::set_attributes(&self.tree, path, attributes)
    }

    fn place_link(&self, path: &Path, target: &Path) -> Result<(), HostError> {
        place::place_link(&self.tree, path, target)
    }

    fn remove_file(&self, path: &Path) -> Result<(), HostError> {
        place::remove_file(&self.tree, path)
    }

    fn remove_folder(&self, path: &Path) -> Result<(), HostError> {
        place::remove_folder(&self.tree, path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), HostError> {
        place::rename(&self.tree, from, to)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), HostError> {
        place::append(&self.tree, path, bytes)
    }

    fn note(&self, path: &Path, bytes: &[u8]) -> Result<(), HostError> {
        place::appended(&self.tree, path, bytes).map(drop)
    }

    fn lock(&self, path: &Path, note: &str) -> Result<Lock, LockError> {
        lock::take(&self.tree, path, note)
    }

    fn find(&self, program: &str) -> Option<PathBuf> {
        self.is_live().then(|| command::find(program)).flatten()
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        self.only_live("running a command")?;
        command::run(command, &[])
    }

    fn run_with_input(&self, command: &Command, input: &[u8]) -> Result<Output, HostError> {
        self.only_live("running a command")?;
        command::run(command, input)
    }

    fn is_root(&self) -> bool {
        rustix::process::geteuid().is_root()
    }

    fn processes(&self) -> Result<Vec<Process>, HostError> {
        self.only_live("looking at processes")?;
        proc::processes()
    }

    fn marked(&self, mark: &str) -> Result<Vec<Process>, HostError> {
        self.only_live("looking at processes")?;
        proc::marked(command::MARK, mark)
    }

    fn detach(
        &self,
        program: &Path,
        args: &[String],
        input: &[u8],
        said: &Path,
    ) -> Result<Detached, HostError> {
        detached::start(&self.tree, program, args, input, said)
    }

    fn signal(&self, process: &Process, signal: Signal) -> Result<(), HostError> {
        self.only_live("signalling a process")?;
        proc::signal(process, signal)
    }

    fn sockets(&self) -> Result<Vec<Socket>, HostError> {
        self.only_live("looking at sockets")?;
        socket::sockets()
    }

    fn can_bind(&self, address: SocketAddr) -> Result<bool, HostError> {
        self.only_live("trying a port")?;
        socket::can_bind(address)
    }

    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, HostError> {
        self.only_live("resolving a name")?;
        socket::resolve(name)
    }

    fn addresses(&self) -> Result<Vec<IpAddr>, HostError> {
        self.only_live("looking at interfaces")?;
        socket::addresses()
    }

    fn connect(&self, to: SocketAddr, timeout: Duration) -> Result<Box<dyn Wire>, HostError> {
        self.only_live("connecting")?;
        socket::connect(to, timeout)
    }

    fn user(&self, name: &str) -> Option<Owner> {
        account::user(&self.tree, name).or_else(|| {
            // Accounts of a directory service are in no file.
            let asked = Command::new("getent", &["passwd", "--", name]);
            let answer = self.run(&asked).ok().filter(Output::success)?;
            account::lookup(&answer.out(), name)
        })
    }
}
