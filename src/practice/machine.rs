//! The practice host as a machine.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use super::Practice;
use super::commands;
use super::stock::{ADDRESS, NAMES};
use crate::host::{
    Attributes, Command, Detached, Host, HostError, Lock, LockError, Output, Owner, Process,
    Signal, Socket, Stat, Wire,
};
use crate::values::RunId;

impl Practice {
    /// What can be given to a file here: its mode. An owner is only remembered, because an
    /// ordinary user may not give files away.
    fn possible(attributes: &Attributes) -> Attributes {
        let owner = Owner {
            user: rustix::process::geteuid().as_raw(),
            group: rustix::process::getegid().as_raw(),
        };
        Attributes {
            mode: attributes.mode,
            owner,
            extended: Vec::new(),
        }
    }

    fn remember(&self, path: &Path, owner: Owner) {
        self.forget(path);
        if owner != Owner::ROOT {
            self.owners().push((path.to_owned(), owner));
        }
    }

    /// Whoever is not remembered is root.
    fn forget(&self, path: &Path) {
        self.owners().retain(|(known, _)| known != path);
    }

    fn owner(&self, path: &Path) -> Owner {
        let owners = self.owners();
        let found = owners.iter().find(|(known, _)| known == path);
        found.map_or(Owner::ROOT, |(_, owner)| *owner)
    }
}

impl Host for Practice {
    fn is_live(&self) -> bool {
        true
    }

    fn knows_no_old_tls(&self) -> Option<&'static str> {
        Some("the practice host knows no old TLS")
    }

    fn now(&self) -> i64 {
        self.0.files.now()
    }

    fn uptime(&self) -> Duration {
        self.0.files.uptime()
    }

    fn sleep(&self, time: Duration) {
        self.0.files.sleep(time);
    }

    fn stat(&self, path: &Path) -> Result<Option<Stat>, HostError> {
        let stat = self.0.files.stat(path)?;
        Ok(stat.map(|mut stat| {
            stat.attributes.owner = self.owner(path);
            stat.attributes.extended = Vec::new();
            stat
        }))
    }

    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, HostError> {
        if path == Path::new("/proc/uptime") {
            return Ok(self.uptime_file().into_bytes());
        }
        self.0.files.read(path, limit)
    }

    fn read_from(&self, path: &Path, offset: u64, limit: u64) -> Result<Vec<u8>, HostError> {
        self.0.files.read_from(path, offset, limit)
    }

    fn read_piece(&self, path: &Path, offset: u64, limit: u64) -> Result<Vec<u8>, HostError> {
        self.0.files.read_piece(path, offset, limit)
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, HostError> {
        self.0.files.list(folder)
    }

    fn real_path(&self, path: &Path) -> Result<Option<PathBuf>, HostError> {
        self.0.files.real_path(path)
    }

    fn obstacle(&self, path: &Path) -> Option<String> {
        self.0.files.obstacle(path)
    }

    fn space(&self, path: &Path) -> Result<u64, HostError> {
        self.0.files.space(path)
    }

    fn place(&self, path: &Path, bytes: &[u8], attributes: &Attributes) -> Result<(), HostError> {
        self.0
            .files
            .place(path, bytes, &Self::possible(attributes))?;
        self.remember(path, attributes.owner);
        Ok(())
    }

    fn place_over_link(
        &self,
        path: &Path,
        bytes: &[u8],
        attributes: &Attributes,
    ) -> Result<(), HostError> {
        self.0
            .files
            .place_over_link(path, bytes, &Self::possible(attributes))?;
        self.remember(path, attributes.owner);
        Ok(())
    }

    fn make_folder(&self, path: &Path, attributes: &Attributes) -> Result<(), HostError> {
        let new = self.0.files.stat(path)?.is_none();
        self.0
            .files
            .make_folder(path, &Self::possible(attributes))?;
        if new {
            self.remember(path, attributes.owner);
        }
        Ok(())
    }

    fn set_attributes(&self, path: &Path, attributes: &Attributes) -> Result<(), HostError> {
        self.0
            .files
            .set_attributes(path, &Self::possible(attributes))?;
        self.remember(path, attributes.owner);
        Ok(())
    }

    fn place_link(&self, path: &Path, target: &Path) -> Result<(), HostError> {
        self.0.files.place_link(path, target)?;
        self.remember(path, Owner::ROOT);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> Result<(), HostError> {
        self.0.files.remove_file(path)?;
        self.forget(path);
        Ok(())
    }

    fn remove_folder(&self, path: &Path) -> Result<(), HostError> {
        self.0.files.remove_folder(path)?;
        self.forget(path);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), HostError> {
        self.0.files.rename(from, to)?;
        self.remember(to, self.owner(from));
        self.forget(from);
        Ok(())
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), HostError> {
        self.0.files.append(path, bytes)
    }

    fn note(&self, path: &Path, bytes: &[u8]) -> Result<(), HostError> {
        self.0.files.note(path, bytes)
    }

    fn lock(&self, path: &Path, note: &str) -> Result<Lock, LockError> {
        self.0.files.lock(path, note)
    }

    fn find(&self, program: &str) -> Option<PathBuf> {
        commands::find(program)
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        commands::run(self, command, &[])
    }

    fn run_with_input(&self, command: &Command, input: &[u8]) -> Result<Output, HostError> {
        commands::run(self, command, input)
    }

    fn is_root(&self) -> bool {
        true
    }

    fn processes(&self) -> Result<Vec<Process>, HostError> {
        Ok(self.process_list())
    }

    fn marked(&self, _mark: &str) -> Result<Vec<Process>, HostError> {
        Ok(Vec::new())
    }

    /// The worker is a thread of this process: what it works on goes away with this process.
    fn detach(
        &self,
        program: &Path,
        args: &[String],
        input: &[u8],
        _said: &Path,
    ) -> Result<Detached, HostError> {
        let failed = || HostError::Command {
            command: program.to_string_lossy().into_owned(),
            why: "the practice host starts nothing but its own worker".to_owned(),
        };
        let run: RunId = match args {
            [word, run, ..] if word == "__worker" => run.parse().map_err(|_| failed())?,
            _ => return Err(failed()),
        };
        let line = std::str::from_utf8(input)
            .map_err(|_| failed())?
            .trim_end_matches('\n');
        let passphrase = (!line.is_empty()).then(|| Zeroizing::new(line.to_owned()));
        let host = self.clone();
        let work = thread::spawn(move || (host.0.work)(&host, &run, passphrase));
        Ok(Detached::thread(work))
    }

    fn signal(&self, process: &Process, signal: Signal) -> Result<(), HostError> {
        let pid = process.pid;
        self.signalled(process, signal)
            .map_err(|why| HostError::Process { pid, why })
    }

    fn sockets(&self) -> Result<Vec<Socket>, HostError> {
        Ok(self.socket_list())
    }

    fn can_bind(&self, address: SocketAddr) -> Result<bool, HostError> {
        let taken = |socket: &Socket| socket.remote.is_none() && socket.local == address;
        Ok(!self.socket_list().iter().any(taken))
    }

    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, HostError> {
        if let Ok(address) = name.parse() {
            return Ok(vec![address]);
        }
        let known = NAMES
            .iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known));
        let known = known.and_then(|(_, address)| address.parse().ok());
        // Whatever somebody calls the manager in practice leads here.
        Ok(vec![known.unwrap_or(IpAddr::from(ADDRESS))])
    }

    fn addresses(&self) -> Result<Vec<IpAddr>, HostError> {
        Ok(vec![ADDRESS.into(), [127, 0, 0, 1].into()])
    }

    fn connect(&self, to: SocketAddr, timeout: Duration) -> Result<Box<dyn Wire>, HostError> {
        self.dial(to, timeout)
    }

    fn user(&self, name: &str) -> Option<Owner> {
        self.0.files.user(name)
    }
}
