//! Running programs: each in a session of its own, so that none can ask the terminal for a
//! passphrase, and with a time limit, so that none can hang us.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, PipeReader, Read};
use std::iter;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use super::failure::HostError;
use crate::values::{escaped, path_word};

/// Where programs are looked for, after the caller's own PATH.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const MOST_OUT: usize = 64 << 20;
const MOST_ERR: usize = 1 << 20;
/// How long to wait for the end of the output after the program has ended: a daemon that it
/// left behind can keep the pipe open for ever. As often as something is still in the pipe then
/// (it may be a slow machine), this time is given again, but not without end.
const LAST_WORDS: Duration = Duration::from_millis(500);
const LAST_WORDS_ROUNDS: usize = 10;
/// How long a killed program may take to be gone: one that hangs in the kernel, as on a dead
/// network disk, stays.
const DYING: Duration = Duration::from_secs(5);
/// The variable that holds the mark of a command.
pub(super) const MARK: &str = "NIM_TLS_RUN";
/// A time limit beyond this is none.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// How often to look whether a program writes too much.
const GLANCE: Duration = Duration::from_millis(50);

/// A program to run. Arguments hold no secret, ever: other users can read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// A path, `/proc/PID/exe` among them, or a name to be looked up.
    pub program: PathBuf,
    pub args: Vec<String>,
    /// After this time it is killed, with all processes of its group.
    pub timeout: Duration,
    /// Carried in the environment by it and by all that it starts, so that they are found
    /// again where whoever ran it was killed: see `Host::marked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
}

impl Command {
    pub fn new(program: impl Into<PathBuf>, args: &[&str]) -> Self {
        Self {
            program: program.into(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            timeout: Duration::from_secs(60),
            mark: None,
        }
    }

    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    #[must_use]
    pub fn marked(self, mark: impl Into<String>) -> Self {
        let mark = Some(mark.into());
        Self { mark, ..self }
    }

    fn error(&self, why: impl Into<String>) -> HostError {
        HostError::Command {
            command: self.to_string(),
            why: why.into(),
        }
    }
}

/// As one would type it: what a shell would read otherwise is in quotes.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", path_word(&self.program))?;
        self.args
            .iter()
            .try_for_each(|arg| write!(f, " {}", path_word(arg)))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// `None`: ended by a signal, ours after the time limit included.
    pub code: Option<i32>,
    pub timed_out: bool,
    /// Complete: a program that writes more than 64 MiB is killed, and that is an error.
    pub stdout: Vec<u8>,
    /// The first 1 MiB.
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

    /// Why it failed, in its own last words where it had some; safe to show.
    pub fn why_failed(&self) -> String {
        match self.err().lines().rfind(|line| !line.trim().is_empty()) {
            Some(line) => escaped(line.trim()),
            None if self.timed_out => "it did not end in time".to_owned(),
            None => "it did not say why".to_owned(),
        }
    }
}

pub(super) fn find(program: &str) -> Option<PathBuf> {
    let own = std::env::var("PATH").unwrap_or_default();
    let path = if own.is_empty() {
        SYSTEM_PATH.to_owned()
    } else {
        format!("{own}:{SYSTEM_PATH}")
    };
    which::which_in(program, Some(path), "/").ok()
}

pub(super) fn run(command: &Command, input: &[u8]) -> Result<Output, HostError> {
    let program = located(command)?;
    let failed = |error: io::Error| command.error(error.to_string());
    let (out, out_end) = io::pipe().map_err(failed)?;
    let (err, err_end) = io::pipe().map_err(failed)?;
    let out = Reading::start(out, MOST_OUT).map_err(failed)?;
    let err = Reading::start(err, MOST_ERR).map_err(failed)?;
    let program = in_own_session(&program, &command.args);
    let program = if input.is_empty() {
        program.stdin_null()
    } else {
        program.stdin_bytes(input)
    };
    let running = program
        .stdout_file(out_end)
        .stderr_file(err_end)
        .dir("/")
        .full_env(environment(command.mark.as_deref()))
        .unchecked()
        .start()
        .map_err(failed)?;

    let ended = watch(&running, &out, command.timeout).map_err(failed)?;
    if ended != Ended::Itself {
        kill_all(&running);
    }
    let ending = running.wait_timeout(DYING).map_err(failed)?;
    let code = ending.and_then(|output| output.status.code());
    let too_loud = ended == Ended::TooLoud;
    let (stdout, stderr) = (out.finish(), err.finish().0);
    match stdout {
        (stdout, false) if !too_loud => {
            let timed_out = ended == Ended::TimedOut;
            Ok(Output {
                code,
                timed_out,
                stdout,
                stderr,
            })
        }
        _ => Err(command.error(format!("wrote more than {} MiB", MOST_OUT >> 20))),
    }
}

/// Becomes the program, as [`run`] would start it; gives why not.
pub fn replace_ourselves(command: &Command) -> HostError {
    let program = match located(command) {
        Ok(program) => program,
        Err(error) => return error,
    };
    let error = std::process::Command::new(program)
        .args(&command.args)
        .env_clear()
        .envs(environment(command.mark.as_deref()))
        .current_dir("/")
        .stdin(std::process::Stdio::null())
        .exec();
    command.error(error.to_string())
}

fn located(command: &Command) -> Result<PathBuf, HostError> {
    let program = &command.program;
    if !program.as_os_str().as_bytes().contains(&b'/') {
        return find(&program.to_string_lossy())
            .ok_or_else(|| command.error("there is no such program on this host"));
    }
    match accessat(CWD, program, Access::EXEC_OK, AtFlags::EACCESS) {
        Ok(()) => Ok(program.clone()),
        Err(error) => Err(command.error(io::Error::from(error).to_string())),
    }
}

/// The program behind `setsid(1)`, which becomes the program itself: same process number, its
/// own session and group, no controlling terminal. Without it, at least a group of its own.
fn in_own_session(program: &Path, args: &[String]) -> duct::Expression {
    match find("setsid") {
        Some(setsid) => {
            let program = program.as_os_str().to_owned();
            duct::cmd(
                setsid,
                iter::once(program).chain(args.iter().map(Into::into)),
            )
        }
        None => duct::cmd(program, args).before_spawn(|command| {
            command.process_group(0);
            Ok(())
        }),
    }
}

/// The same everywhere, so that messages can be read by us and nothing of the caller's
/// environment (a library path, a proxy, an `OPENSSL_CONF`) bends what a program does.
fn environment(mark: Option<&str>) -> HashMap<&'static str, String> {
    let home = std::env::var("HOME").unwrap_or_else(|_| "/".to_owned());
    let mark = mark.map(|mark| (MARK, mark.to_owned()));
    let fixed = [
        ("PATH", SYSTEM_PATH.to_owned()),
        ("LC_ALL", "C".to_owned()),
        ("LANG", "C".to_owned()),
        ("TERM", "dumb".to_owned()),
        ("HOME", home),
    ];
    fixed.into_iter().chain(mark).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Itself,
    TimedOut,
    TooLoud,
}

fn watch(running: &duct::Handle, out: &Reading, limit: Duration) -> io::Result<Ended> {
    let deadline = Instant::now() + limit.min(LONGEST);
    loop {
        let look = deadline.min(Instant::now() + GLANCE);
        if running.wait_deadline(look)?.is_some() {
            return Ok(Ended::Itself);
        }
        if out.overflowed() {
            return Ok(Ended::TooLoud);
        }
        if Instant::now() >= deadline {
            return Ok(Ended::TimedOut);
        }
    }
}

/// Ends the program and all it started, as far as they stayed in its group.
fn kill_all(running: &duct::Handle) {
    // It has not been waited for, so its number is still its own. Both may fail where it is
    // already gone, which is what was wanted.
    for pid in running.pids() {
        if let Some(group) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
    let _ = running.kill();
}

/// Output being read by a thread of its own, which goes on reading (and dropping) beyond the
/// limit, so that a program never waits for us.
struct Reading {
    pipe: PipeReader,
    kept: Arc<Mutex<Kept>>,
    done: Receiver<()>,
}

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    overflowed: bool,
}

impl Reading {
    fn start(pipe: PipeReader, limit: usize) -> io::Result<Self> {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let (finished, done) = channel();
        let mut input = pipe.try_clone()?;
        let reading = Self {
            pipe,
            kept: Arc::clone(&kept),
            done,
        };
        thread::Builder::new().spawn(move || {
            let mut chunk = vec![0; 64 << 10];
            // An error ends the reading as the end of the pipe does: there is no more to get.
            while let Ok(count @ 1..) = input.read(&mut chunk) {
                let mut kept = locked(&kept);
                let room = limit - kept.bytes.len();
                kept.bytes.extend_from_slice(&chunk[..count.min(room)]);
                kept.overflowed |= count > room;
            }
            // Nobody listens any more when it took longer than the last words may.
            let _ = finished.send(());
        })?;
        Ok(reading)
    }

    fn overflowed(&self) -> bool {
        locked(&self.kept).overflowed
    }

    /// What was read, and whether there was more than the limit.
    fn finish(self) -> (Vec<u8>, bool) {
        for _ in 0..LAST_WORDS_ROUNDS {
            let ended = self.done.recv_timeout(LAST_WORDS).is_ok();
            if ended || ioctl_fionread(&self.pipe).is_ok_and(|unread| unread == 0) {
                break;
            }
        }
        let mut kept = locked(&self.kept);
        (std::mem::take(&mut kept.bytes), kept.overflowed)
    }
}

fn locked(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
