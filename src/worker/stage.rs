//! Asking nginx without letting it touch anything: `nginx -t` writes a pid file and logs, makes
//! folders and changes their owners. It runs in a mount namespace of its own, where the files
//! of a plan are laid over what is there.

mod inside;
mod rewritten;
mod said;
mod spec;

use std::path::Path;
use std::time::Duration;

use crate::host::{Command, Host, HostError, Kind, Output};
use crate::plan::NginxCommand;

pub use inside::MARK as NGINX_SAYS;
pub(super) use inside::inside;
pub use spec::{Changes, Laid, Spec};

use inside::MARK;
use rewritten::test_rewritten;
use said::refusal;

/// nginx resolves the names of upstreams while it tests; a dead resolver takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// How it was tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// The very files, at their very paths.
    Private,
    /// The weaker test, on a copy of the configuration with other paths in it, because no
    /// private namespace could be had, and why.
    Weaker { why: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tested {
    Accepted {
        how: How,
    },
    /// `path:line: words`, as nginx gave them.
    Refused {
        how: How,
        why: String,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// No right to make a namespace, or none that is private to us (in a chroot).
    #[error("{0}")]
    NoNamespace(String),
    #[error("nginx did not answer within {} s", PATIENCE.as_secs())]
    Late,
    #[error("nginx was ended by a signal")]
    Ended,
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("{0}")]
    NotRewritten(String),
}

/// A new process of this program, as it is started: program and first arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ourselves(pub Vec<String>);

impl Ourselves {
    /// The running executable, even where a newer one has taken its place on disk.
    pub fn running() -> Self {
        let pid = rustix::process::getpid().as_raw_nonzero();
        Self(vec![format!("/proc/{pid}/exe"), "__stage".to_owned()])
    }
}

/// Whether nginx would accept these changes on top of what is on disk. The
/// weaker test, where it is all there is, works in `scratch`, a folder that need not exist.
pub fn test(
    host: &dyn Host,
    ourselves: &Ourselves,
    nginx: &NginxCommand,
    changes: Changes,
    scratch: &Path,
) -> Result<Tested, StageError> {
    let command = nginx_command(nginx, &["-t"]);
    let spec = Spec::new(nginx.touches.clone(), changes, command);
    let (how, output) = match privately(host, ourselves, &spec) {
        Ok(output) => (How::Private, output),
        Err(StageError::NoNamespace(why)) => {
            // What is on disk already needs no copy.
            let output = if spec.files.is_empty() && spec.head.gone.is_empty() {
                host.run(&spec.head.command)?
            } else {
                test_rewritten(host, nginx, &spec, scratch)?
            };
            (How::Weaker { why }, output)
        }
        Err(error) => return Err(error),
    };
    match output.code {
        _ if output.timed_out => Err(StageError::Late),
        Some(0) => Ok(Tested::Accepted { how }),
        Some(_) => Ok(Tested::Refused {
            how,
            why: refusal(&output.err()),
        }),
        None => Err(StageError::Ended),
    }
}

/// Runs nginx with these arguments on what is on disk, without letting it change anything.
pub fn ask(
    host: &dyn Host,
    ourselves: &Ourselves,
    nginx: &NginxCommand,
    args: &[&str],
) -> Result<Output, StageError> {
    let command = nginx_command(nginx, args);
    let spec = Spec::new(nginx.touches.clone(), Changes::default(), command);
    privately(host, ourselves, &spec)
}

/// Runs `command` in the open, where no private copy can be had. Of `made`, what nginx makes by
/// itself, whatever was not there before is taken away again.
pub fn ask_openly(host: &dyn Host, command: &Command, made: &[&str]) -> Result<Output, HostError> {
    let whole = |path: &&&str| path.starts_with('/') && !path.contains('$');
    let mut new = Vec::new();
    for path in made.iter().filter(whole).map(Path::new) {
        if host.stat(path)?.is_none() {
            new.push(path);
        }
    }
    let output = host.run(command);
    for path in new {
        match host.stat(path)? {
            // With something in it, it is somebody else's who came at the same time.
            Some(found) if found.kind == Kind::File && found.size == 0 => host.remove_file(path)?,
            Some(found) if found.kind == Kind::Folder && host.list(path)?.is_empty() => {
                host.remove_folder(path)?;
            }
            _ => {}
        }
    }
    output
}

fn nginx_command(nginx: &NginxCommand, args: &[&str]) -> Command {
    let all: Vec<&str> = nginx
        .args
        .iter()
        .map(String::as_str)
        .chain(args.iter().copied())
        .collect();
    Command {
        timeout: PATIENCE,
        ..Command::new(&nginx.binary, &all)
    }
}

fn privately(host: &dyn Host, ourselves: &Ourselves, spec: &Spec) -> Result<Output, StageError> {
    let unshare = host
        .find("unshare")
        .ok_or_else(|| StageError::NoNamespace("unshare is not installed".to_owned()))?;
    let mut args = vec!["--mount", "--propagation", "private", "--"];
    args.extend(ourselves.0.iter().map(String::as_str));
    let command = Command {
        timeout: PATIENCE,
        ..Command::new(unshare, &args)
    };
    let mut output = host.run_with_input(&command, &spec.to_bytes())?;
    let Some(begin) = marked(&output.stdout) else {
        let said = output.err();
        let why = said
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("no reason given");
        return Err(StageError::NoNamespace(crate::values::escaped(why.trim())));
    };
    output.stdout.drain(..begin);
    Ok(output)
}

/// Where the output of nginx begins. Before the mark may stand what a library had to say.
fn marked(stdout: &[u8]) -> Option<usize> {
    let mark = MARK.as_bytes();
    let mut windows = stdout.windows(mark.len());
    Some(windows.position(|window| window == mark)? + mark.len())
}

#[cfg(test)]
mod tests;
