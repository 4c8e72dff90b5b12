//! Processes, as `/proc` tells of them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, kill_process, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use super::failure::{HostError, at};
use super::file::Owner;

use crate::values::sort_by_key;

/// Command lines may be megabytes; what we look for is in the beginning.
const LONGEST_TITLE: u64 = 32 << 10;
/// What the kernel appends to the path of an executable that is gone.
const DELETED: &[u8] = b" (deleted)";

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
    /// Empty where it may not be read.
    pub cwd: PathBuf,
    /// Effective user and group.
    pub owner: Owner,
    /// Somebody has stopped it: it does nothing until it is told to go on, or is killed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
}

impl Process {
    /// Whether its command line begins with a program of this name, wherever it lies.
    pub fn is_called(&self, program: &str) -> bool {
        let first = self.title.split(' ').next().unwrap_or_default();
        Path::new(first)
            .file_name()
            .is_some_and(|name| name == program)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Hangup,
    Terminate,
    Kill,
}

pub(super) fn processes() -> Result<Vec<Process>, HostError> {
    let mut found: Vec<Process> = pids()?
        .into_iter()
        // One that ended meanwhile is none.
        .filter_map(|pid| process(pid).ok())
        .collect();
    sort_by_key(&mut found, |process| process.pid);
    Ok(found)
}

/// Those whose environment holds `variable=value`: it is inherited, so all that a marked one
/// has started are among them.
pub(super) fn marked(variable: &str, value: &str) -> Result<Vec<Process>, HostError> {
    let wanted = format!("{variable}={value}");
    let mut found = processes()?;
    found.retain(|process| {
        // One that ended meanwhile, or that may not be looked at, is none of ours.
        let environment = read_some(process.pid, "environ").unwrap_or_default();
        let mut entries = environment.split(|byte| *byte == 0);
        entries.any(|entry| entry == wanted.as_bytes())
    });
    Ok(found)
}

pub(super) fn pids() -> Result<Vec<u32>, HostError> {
    let root = Path::new("/proc");
    let entries = fs::read_dir(root).map_err(at(root))?;
    Ok(entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect())
}

/// The kernel is first asked for a handle of the process, then the start time is compared, then
/// the handle is used: a number that was given to another process meanwhile hits nobody.
pub(super) fn signal(process: &Process, signal: Signal) -> Result<(), HostError> {
    let pid = process.pid;
    let failed = |why: String| HostError::Process { pid, why };
    let system = |error: Errno| failed(io::Error::from(error).to_string());
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // Number 0 is a whole group, and 1 the system itself.
    let number = number
        .filter(|_| pid > 1)
        .ok_or_else(|| failed("is never signalled".into()))?;

    let handle = match pidfd_open(number, PidfdFlags::empty()) {
        Ok(handle) => Some(handle),
        // Kernels before 5.3 have no such handles, and some containers forbid them.
        Err(Errno::NOSYS | Errno::PERM) => None,
        Err(Errno::SRCH) => return Err(failed("is gone".into())),
        Err(error) => return Err(system(error)),
    };
    match Status::read(pid) {
        Ok(status) if status.started == process.started => {}
        Ok(_) => {
            return Err(failed(
                "is gone; its number is another process's now".into(),
            ));
        }
        Err(_) => return Err(failed("is gone".into())),
    }
    let signal = match signal {
        Signal::Hangup => rustix::process::Signal::HUP,
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::Kill => rustix::process::Signal::KILL,
    };
    match handle {
        Some(handle) => pidfd_send_signal(handle, signal),
        None => kill_process(number, signal),
    }
    .map_err(system)
}

fn process(pid: u32) -> io::Result<Process> {
    let status = Status::read(pid)?;
    let title = title(&read_some(pid, "cmdline")?, &status.name);
    let link = |name| fs::read_link(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let (exe, exe_deleted) = without_deleted(link("exe"));
    let owner = owner(&String::from_utf8_lossy(&read_some(pid, "status")?))
        .ok_or(io::ErrorKind::InvalidData)?;
    Ok(Process {
        pid,
        parent: status.parent,
        started: status.started,
        title,
        exe,
        exe_deleted,
        cwd: link("cwd"),
        owner,
        stopped: status.stopped,
    })
}

/// The fields of `/proc/PID/stat` (`proc(5)`) that matter here.
#[derive(Debug, PartialEq, Eq)]
struct Status {
    name: String,
    stopped: bool,
    parent: u32,
    started: u64,
}

impl Status {
    fn read(pid: u32) -> io::Result<Self> {
        Self::parse(&read_some(pid, "stat")?).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The second field is the name in parentheses, and a name may hold anything, parentheses
    /// and blanks among it: the last `)` of the line is where it ends.
    fn parse(line: &[u8]) -> Option<Self> {
        let line = String::from_utf8_lossy(line);
        let (head, tail) = line.rsplit_once(')')?;
        let (_, name) = head.split_once('(')?;
        let mut fields = tail.split_ascii_whitespace();
        // From here the fields are numbered from 3, the state; the parent is 4, the start time 22.
        // Not `t`: whoever traces it lets it go on, and may do so at any moment.
        let stopped = fields.next()? == "T";
        let parent = fields.next()?.parse().ok()?;
        let started = fields.nth(17)?.parse().ok()?;
        Some(Self {
            name: name.to_owned(),
            stopped,
            parent,
            started,
        })
    }
}

/// Arguments end with a NUL each. A program that overwrote them with a title leaves NULs or
/// blanks behind it. What has none is a kernel thread: its name in brackets.
fn title(cmdline: &[u8], name: &str) -> String {
    let words: Vec<u8> = cmdline
        .iter()
        .map(|byte| if *byte == 0 { b' ' } else { *byte })
        .collect();
    match String::from_utf8_lossy(&words).trim_end() {
        "" => format!("[{name}]"),
        title => title.to_owned(),
    }
}

fn without_deleted(exe: PathBuf) -> (PathBuf, bool) {
    match exe.as_os_str().as_bytes().strip_suffix(DELETED) {
        Some(path) => (PathBuf::from(OsStr::from_bytes(path).to_owned()), true),
        None => (exe, false),
    }
}

/// The effective ones: second of the numbers after `Uid:` and `Gid:`.
fn owner(status: &str) -> Option<Owner> {
    let second = |key: &str| {
        let numbers = status.lines().find_map(|line| line.strip_prefix(key))?;
        numbers.split_ascii_whitespace().nth(1)?.parse().ok()
    };
    Some(Owner {
        user: second("Uid:")?,
        group: second("Gid:")?,
    })
}

fn read_some(pid: u32, name: &str) -> io::Result<Vec<u8>> {
    // Most of what stands there fits, and is then read at once.
    let mut bytes = Vec::with_capacity(2 << 10);
    File::open(format!("/proc/{pid}/{name}"))?
        .take(LONGEST_TITLE)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let tail = "7 4 4 0 -1 1 2 3 4 5 6 7 8 9 20 0 1 0 4711 11 12";
        for (name, state) in [("nginx", 'S'), ("a b", 'T'), ("x) R 1 (", 't'), ("(", 'R')] {
            let line = format!("12 ({name}) {state} {tail}\n");
            let expected = Status {
                name: name.to_owned(),
                stopped: state == 'T',
                parent: 7,
                started: 4711,
            };
            assert_eq!(Status::parse(line.as_bytes()), Some(expected));
        }
        assert_eq!(Status::parse(b"12 (cut short) S 7"), None);
    }

    #[test]
    fn a_title_ends_before_its_padding() {
        for (line, shown) in [
            (
                &b"nginx: master process /usr/sbin/nginx\0\0\0"[..],
                "nginx: master process /usr/sbin/nginx",
            ),
            (b"nginx: worker process     \0", "nginx: worker process"),
            (
                b"nginx\0-c\0/etc/my nginx.conf\0",
                "nginx -c /etc/my nginx.conf",
            ),
            (b"", "[kworker/0:1]"),
        ] {
            assert_eq!(title(line, "kworker/0:1"), shown);
        }
    }
}
