//! A process of this program that outlives whoever started it: no terminal, a session of its
//! own, its output in a file.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Resource, Rlimit, geteuid, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use zeroize::Zeroizing;

use super::command;
use super::failure::{HostError, at};
use super::place::open_or_create;
use super::tree::Tree;

/// How long systemd may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The process, seen from the one that started it; on a practice host a thread.
#[derive(Debug)]
pub struct Detached(Runs);

#[derive(Debug)]
enum Runs {
    Process(Child),
    Thread(JoinHandle<()>),
}

/// Starts `program`, gives it `input`, and has it write what it says to the file `said`, which
/// lies in the tree: below `--root`, where there is one.
pub(super) fn start(
    tree: &Tree,
    program: &Path,
    args: &[String],
    input: &[u8],
    said: &Path,
) -> Result<Detached, HostError> {
    let log = open_or_create(tree, said, OFlags::WRONLY | OFlags::APPEND)?;
    let other = log.try_clone().map_err(at(said))?;
    let mut child = outside_of_the_session(program)
        .args(args)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(other)
        .stderr(log)
        .spawn()
        .map_err(at(program))?;
    if let Some(mut pipe) = child.stdin.take()
        && let Err(error) = pipe.write_all(input)
    {
        // It must not begin on half of what it was to be given. It has not begun: it reads that
        // first, and the pipe is open until it is gone.
        let _ = child.kill().and_then(|()| child.wait());
        return Err(at(program)(error));
    }
    Ok(Detached(Runs::Process(child)))
}

/// Where systemd runs, `program` gets a scope of its own, which the end of a login session does
/// not touch; a session of its own would not do, because logind may end everything that belongs
/// to a user who has left. In a scope it stays our child, with our pipe, under our number; a
/// transient service would be started by somebody else.
fn outside_of_the_session(program: &Path) -> Command {
    let booted_by_systemd = Path::new("/run/systemd/system").is_dir();
    let runner = command::find("systemd-run").filter(|_| booted_by_systemd && geteuid().is_root());
    let Some(runner) = runner else {
        return Command::new(program);
    };
    let scope = ["--scope", "--quiet", "--description=nim-tls at work", "--"];
    // It may not be had (no bus, no right to it): better a worker that can be ended by a logout
    // than none.
    let words: Vec<&str> = scope.into_iter().chain(["true"]).collect();
    let trial = command::Command::new(&runner, &words).timeout(PATIENCE);
    if !command::run(&trial, &[]).is_ok_and(|output| output.success()) {
        return Command::new(program);
    }
    let mut command = Command::new(runner);
    command.args(scope).arg(program);
    command
}

impl Detached {
    /// Work that a machine which is no real one does in a thread of this process.
    pub fn thread(work: JoinHandle<()>) -> Self {
        Self(Runs::Thread(work))
    }

    pub fn pid(&self) -> u32 {
        match &self.0 {
            Runs::Process(child) => child.id(),
            Runs::Thread(_) => std::process::id(),
        }
    }

    /// The code with which it ended; `None` where a signal ended it, or it has not ended.
    pub fn exit_code(&mut self) -> Option<i32> {
        match &mut self.0 {
            Runs::Process(child) => child.try_wait().ok().flatten()?.code(),
            Runs::Thread(_) => None,
        }
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        match &mut self.0 {
            Runs::Process(child) => matches!(child.try_wait(), Ok(None)),
            Runs::Thread(work) => !work.is_finished(),
        }
    }
}

/// Called first of all in every process of this program: none leaves its memory behind, in which
/// there may be keys and a passphrase. Not 0 but 1 byte: the kernel hands a dump to a program
/// (systemd-coredump, apport) whatever the limit is, except where it is 1 (`fs/coredump.c` of Linux).
pub fn leave_no_core() {
    let limit = Rlimit {
        current: Some(1),
        maximum: Some(1),
    };
    // Lowering it is everybody's right.
    let _ = setrlimit(Resource::Core, limit);
}

/// Called first of all in the detached process: it leaves the session of the terminal, and
/// makes no file that others can read.
pub fn begin_session() {
    // Fails where this process leads a group already: then it was started by hand, and its
    // terminal is meant.
    let _ = rustix::process::setsid();
    rustix::process::umask(Mode::from_raw_mode(0o077));
}

/// Becomes true when somebody asks this process to end. A terminal that hangs up does not.
pub fn on_request_to_end() -> io::Result<Arc<AtomicBool>> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&asked))?;
    }
    signal_hook::flag::register(SIGHUP, Arc::new(AtomicBool::new(false)))?;
    Ok(asked)
}

/// The first line of standard input, without its end; `None` where it is empty.
pub fn passphrase_line() -> io::Result<Option<Zeroizing<String>>> {
    let mut line = Zeroizing::new(String::with_capacity(2048));
    BufReader::new(io::stdin().lock()).read_line(&mut line)?;
    let length = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(length);
    Ok((!line.is_empty()).then_some(line))
}
