//! The machine in memory, as a machine.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::super::command::{Command, Output};
use super::super::detached::Detached;
use super::super::failure::{HostError, LockError};
use super::super::file::{Attributes, Kind, Owner, Stat};
use super::super::lock::Lock;
use super::super::machine::Host;
use super::super::proc::{Process, Signal};
use super::super::socket::{Socket, Wire};
use super::change::Change;
use super::files::Entry;
use super::told::Memory;

impl Host for Memory {
    fn is_live(&self) -> bool {
        self.state().live
    }

    fn now(&self) -> i64 {
        self.state().clock
    }

    fn uptime(&self) -> Duration {
        self.state().uptime
    }

    fn sleep(&self, time: Duration) {
        self.advance(time);
        let act = self.state().on_sleep.clone();
        if let Some(act) = act {
            act(self);
        }
    }

    fn stat(&self, path: &Path) -> Result<Option<Stat>, HostError> {
        self.state().files.stat(path)
    }

    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, HostError> {
        let bytes = self.state().files.read(path)?.to_vec();
        if bytes.len() as u64 > limit {
            return Err(HostError::refused(
                path,
                format!("is larger than {limit} bytes"),
            ));
        }
        Ok(bytes)
    }

    fn read_from(&self, path: &Path, offset: u64, limit: u64) -> Result<Vec<u8>, HostError> {
        let state = self.state();
        let bytes = state.files.read(path)?;
        let start = offset.max((bytes.len() as u64).saturating_sub(limit));
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        Ok(bytes.get(start..).unwrap_or_default().to_vec())
    }

    fn read_piece(&self, path: &Path, offset: u64, limit: u64) -> Result<Vec<u8>, HostError> {
        let state = self.state();
        let bytes = state.files.read(path)?;
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        Ok(bytes[place(offset)..place(offset.saturating_add(limit))].to_vec())
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, HostError> {
        self.state().files.list(folder)
    }

    fn real_path(&self, path: &Path) -> Result<Option<PathBuf>, HostError> {
        match self.state().files.reach(path, false) {
            Ok(real) => Ok(Some(real)),
            Err(error) if error.is_absence() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn obstacle(&self, path: &Path) -> Option<String> {
        if let Some(why) = self.state().obstacles.get(path) {
            return Some(why.clone());
        }
        let path_is = |what: &str| Some(format!("{} is {what}", path.display()));
        match self.stat(path) {
            Ok(None) => None,
            Ok(Some(stat)) => match stat.kind {
                Kind::File => None,
                Kind::Folder => path_is("a folder"),
                Kind::Link(to) => path_is(&format!("a symbolic link to {}", to.display())),
                Kind::Special => path_is("no regular file"),
            },
            Err(error) => Some(error.to_string()),
        }
    }

    fn space(&self, _path: &Path) -> Result<u64, HostError> {
        Ok(self.state().space)
    }

    fn place(&self, path: &Path, bytes: &[u8], attributes: &Attributes) -> Result<(), HostError> {
        let entry = Entry::file(bytes, attributes.clone());
        self.change(Change::Placed(path.to_owned()), path, |files, now| {
            files.place(path, entry, now)
        })
    }

    fn place_over_link(
        &self,
        path: &Path,
        bytes: &[u8],
        attributes: &Attributes,
    ) -> Result<(), HostError> {
        let entry = Entry::file(bytes, attributes.clone());
        self.change(Change::Placed(path.to_owned()), path, |files, now| {
            files.place_over_link(path, entry, now)
        })
    }

    fn make_folder(&self, path: &Path, attributes: &Attributes) -> Result<(), HostError> {
        self.change(Change::MadeFolder(path.to_owned()), path, |files, now| {
            files.make_folder(path, attributes, now)
        })
    }

    fn set_attributes(&self, path: &Path, attributes: &Attributes) -> Result<(), HostError> {
        self.change(Change::SetAttributes(path.to_owned()), path, |files, _| {
            files.set_attributes(path, attributes)
        })
    }

    fn place_link(&self, path: &Path, target: &Path) -> Result<(), HostError> {
        self.change(Change::Linked(path.to_owned()), path, |files, now| {
            files.place(path, Entry::link(target), now)
        })
    }

    fn remove_file(&self, path: &Path) -> Result<(), HostError> {
        self.change(Change::RemovedFile(path.to_owned()), path, |files, _| {
            files.remove_file(path)
        })
    }

    fn remove_folder(&self, path: &Path) -> Result<(), HostError> {
        self.change(Change::RemovedFolder(path.to_owned()), path, |files, _| {
            files.remove_folder(path)
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), HostError> {
        self.change(
            Change::Renamed(from.to_owned(), to.to_owned()),
            to,
            |files, _| files.rename(from, to),
        )
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), HostError> {
        self.change(Change::Appended(path.to_owned()), path, |files, now| {
            files.append(path, bytes, now)
        })
    }

    fn note(&self, path: &Path, bytes: &[u8]) -> Result<(), HostError> {
        self.append(path, bytes)
    }

    fn lock(&self, path: &Path, note: &str) -> Result<Lock, LockError> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = locks.get(path) {
            return Err(LockError::Held(holder.clone()));
        }
        let mut state = self.state();
        let now = state.clock;
        let entry = Entry::file(note, Attributes::root(0o600));
        state.files.place(path, entry, now)?;
        locks.insert(path.to_owned(), note.to_owned());
        Ok(Lock::new(Held {
            path: path.to_owned(),
            locks: Arc::clone(&self.locks),
        }))
    }

    fn find(&self, program: &str) -> Option<PathBuf> {
        let state = self.state();
        let folders = [
            "/usr/local/sbin",
            "/usr/local/bin",
            "/usr/sbin",
            "/usr/bin",
            "/sbin",
            "/bin",
        ];
        folders
            .iter()
            .map(|folder| Path::new(folder).join(program))
            .find(|path| {
                let there = state
                    .files
                    .reach(path, false)
                    .and_then(|real| state.files.stat(&real));
                matches!(there, Ok(Some(stat)) if state.live
                && stat.kind == Kind::File
                && stat.attributes.mode.0 & 0o111 != 0)
            })
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        self.only_live("running a command")?;
        let failed = |why: &str| HostError::Command {
            command: command.to_string(),
            why: why.to_owned(),
        };
        let answers = {
            let mut state = self.state();
            state.count().map_err(|error| failed(&error.to_string()))?;
            state.answers.clone()
        };
        let output = answers
            .iter()
            .find_map(|answer| answer(self, command))
            .ok_or_else(|| failed("there is no such program on this host"))?;
        self.state().changes.push(Change::Ran(command.to_string()));
        Ok(output)
    }

    fn run_with_input(&self, command: &Command, _input: &[u8]) -> Result<Output, HostError> {
        self.run(command)
    }

    fn is_root(&self) -> bool {
        self.state().root
    }

    fn processes(&self) -> Result<Vec<Process>, HostError> {
        self.only_live("looking at processes")?;
        Ok(self.state().processes.clone())
    }

    fn marked(&self, mark: &str) -> Result<Vec<Process>, HostError> {
        self.only_live("looking at processes")?;
        let state = self.state();
        let marked = |process: &&Process| state.marks.get(&process.pid).is_some_and(|m| m == mark);
        Ok(state.processes.iter().filter(marked).cloned().collect())
    }

    fn detach(
        &self,
        program: &Path,
        _args: &[String],
        _input: &[u8],
        _said: &Path,
    ) -> Result<Detached, HostError> {
        Err(HostError::Command {
            command: program.to_string_lossy().into_owned(),
            why: "a machine in memory starts no process".to_owned(),
        })
    }

    fn signal(&self, process: &Process, signal: Signal) -> Result<(), HostError> {
        self.only_live("signalling a process")?;
        let pid = process.pid;
        let same = |other: &Process| (other.pid, other.started) == (pid, process.started);
        let act = {
            let mut state = self.state();
            let failed = |why: String| HostError::Process { pid, why };
            state.count().map_err(|error| failed(error.to_string()))?;
            if !state.processes.iter().any(same) {
                return Err(failed("is gone".to_owned()));
            }
            state.changes.push(Change::Signalled(pid, signal));
            if state.on_signal.is_none() && signal != Signal::Hangup {
                state.processes.retain(|other| !same(other));
            }
            state.on_signal.clone()
        };
        if let Some(act) = act {
            act(self, process, signal);
        }
        Ok(())
    }

    fn sockets(&self) -> Result<Vec<Socket>, HostError> {
        self.only_live("looking at sockets")?;
        Ok(self.state().sockets.clone())
    }

    fn can_bind(&self, address: SocketAddr) -> Result<bool, HostError> {
        self.only_live("trying a port")?;
        let clashes = |socket: &Socket| {
            let (there, here) = (socket.local, address);
            socket.remote.is_none()
                && there.port() == here.port()
                && there.is_ipv4() == here.is_ipv4()
                && (there.ip() == here.ip()
                    || there.ip().is_unspecified()
                    || here.ip().is_unspecified())
        };
        Ok(!self.state().sockets.iter().any(clashes))
    }

    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, HostError> {
        self.only_live("resolving a name")?;
        if let Ok(address) = name.parse() {
            return Ok(vec![address]);
        }
        let found = self.state().names.get(name).cloned();
        let unknown = || io::Error::other("failed to lookup address information");
        found.ok_or_else(|| HostError::Network {
            to: name.to_owned(),
            source: unknown(),
        })
    }

    fn addresses(&self) -> Result<Vec<IpAddr>, HostError> {
        self.only_live("looking at interfaces")?;
        Ok(self.state().addresses.clone())
    }

    fn connect(&self, to: SocketAddr, _timeout: Duration) -> Result<Box<dyn Wire>, HostError> {
        self.only_live("connecting")?;
        let act = self.state().on_connect.clone();
        let refused = || HostError::Network {
            to: to.to_string(),
            source: io::ErrorKind::ConnectionRefused.into(),
        };
        act.ok_or_else(refused)?(self, to)
    }

    fn user(&self, name: &str) -> Option<Owner> {
        let numbers = |user: &str, group: &str| {
            Some(Owner {
                user: user.parse().ok()?,
                group: group.parse().ok()?,
            })
        };
        if let Some((user, group)) = name.split_once(':') {
            return numbers(user, group);
        }
        let accounts = &self.state().accounts;
        let by_number = |owner: &&Owner| owner.user.to_string() == name;
        let known = accounts
            .get(name)
            .or_else(|| accounts.values().find(by_number));
        known.copied().or_else(|| numbers(name, name))
    }
}

/// A lock that is held: gone when this is dropped.
struct Held {
    path: PathBuf,
    locks: Arc<Mutex<BTreeMap<PathBuf, String>>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.locks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.path);
    }
}
