//! The front's side: a run is started in a process of its own, and followed from outside. A
//! front that goes away takes nothing with it.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Exit, Problem};
use crate::event::{Event, Happening};
use crate::host::{Detached, Host};
use crate::plan::Plan;
use crate::receipt::Receipt;
use crate::values::{AbsPath, RunId};

use super::events::{Teller, follow};
use super::run_folder::{Request, RunError, RunFolder};
use super::runs::Runs;

const PAUSE: Duration = Duration::from_millis(20);

/// How the worker is started: this program, and what comes after `__worker RUN`, such as
/// `--state-dir DIR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    pub program: PathBuf,
    pub options: Vec<String>,
}

/// A run that was just started by us.
#[derive(Debug)]
pub struct Started {
    pub run: RunId,
    worker: Detached,
    /// Offset of the events that were not shown yet.
    next: u64,
}

/// Who runs this process, for the note that a second one gets to read.
pub fn request(command: &str, undoes: Option<RunId>) -> Request {
    let user = ["SUDO_USER", "LOGNAME", "USER"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let terminal = rustix::termios::ttyname(std::io::stdin(), Vec::new())
        .map(|name| name.to_string_lossy().into_owned());
    Request {
        command: command.to_owned(),
        undoes,
        user: user.unwrap_or_else(|| format!("user {}", rustix::process::getuid().as_raw())),
        terminal: terminal.unwrap_or_else(|_| "no terminal".to_owned()),
        keep_within: None,
        runs_seen: None,
        answers: None,
        by_switch: false,
    }
}

/// Makes the run's folder and starts its worker. `plan` is what an apply carries out; the
/// passphrase, if there is one, goes through a pipe.
pub fn start(
    host: &dyn Host,
    state: &AbsPath,
    launch: &Launch,
    request: &Request,
    plan: Option<&Plan>,
    passphrase: &str,
) -> Result<Started, Problem> {
    let folder = Runs::new(host, state).create(request)?;
    if let Some(plan) = plan {
        // Without its plan it is none to be remembered.
        let forget = |_: &RunError| drop(Runs::new(host, state).forget(folder.id()));
        folder.write_plan(plan).inspect_err(forget)?;
    }
    let run = folder.id().clone();
    let mut args = vec!["__worker".to_owned(), run.to_string()];
    args.extend(launch.options.iter().cloned());
    let input = zeroize::Zeroizing::new(format!("{passphrase}\n"));
    let said = folder.path().join("worker.log");
    match host.detach(&launch.program, &args, input.as_bytes(), &said) {
        Ok(worker) => Ok(Started {
            run,
            worker,
            next: 0,
        }),
        Err(error) => {
            let mut problem = Problem::from(error);
            problem.what = format!("the worker could not be started: {}", problem.what);
            never_began(host, &folder, request, &problem);
            Err(problem)
        }
    }
}

/// A run whose worker was not even started says so, to whoever looks at it later.
fn never_began(host: &dyn Host, folder: &RunFolder<'_>, request: &Request, problem: &Problem) {
    let receipt = Receipt {
        problem: Some(problem.to_string()),
        ..Receipt::blank(folder.id(), &request.command, host.now())
    };
    // Without them it is one that never began all the same: it has no journal.
    let _ = folder.write_receipt(&receipt);
    Teller::new(host, folder).tell(Happening::Ended {
        outcome: receipt.outcome,
        exit: problem.exit as u8,
        problem: receipt.problem,
    });
}

/// Shows every event of the run to `show` until it has ended; gives its last event. `None`:
/// the worker is gone without a word, and the run was cut short.
pub fn watch(
    host: &dyn Host,
    state: &AbsPath,
    mut started: Started,
    show: impl FnMut(&Event),
) -> Result<Option<Event>, Problem> {
    let ended = |event: &Event| matches!(event.what, Happening::Ended { .. });
    watch_until(host, state, &mut started, ended, show)
}

/// The same, until it waits to be kept or has ended. It can be watched again from there.
pub fn watch_until_it_waits(
    host: &dyn Host,
    state: &AbsPath,
    started: &mut Started,
    show: impl FnMut(&Event),
) -> Result<Option<Event>, Problem> {
    let stops = |event: &Event| {
        matches!(
            event.what,
            Happening::Ended { .. } | Happening::Waiting { .. }
        )
    };
    watch_until(host, state, started, stops, show)
}

fn watch_until(
    host: &dyn Host,
    state: &AbsPath,
    started: &mut Started,
    stops: impl Fn(&Event) -> bool,
    mut show: impl FnMut(&Event),
) -> Result<Option<Event>, Problem> {
    let mut events = follow(host, state, &started.run, started.next);
    loop {
        // Looked at before the events: what it said last is then already there.
        let alive = started.worker.is_alive();
        let news = events.news();
        started.next = events.offset();
        match news {
            Ok(mut news) => {
                news.iter().for_each(&mut show);
                // Only the last: where more has come, it waits no longer. Who came back is not more.
                news.retain(|event| !matches!(event.what, Happening::CameBack { .. }));
                if let Some(event) = news.pop_if(|event| stops(event)) {
                    return Ok(Some(event));
                }
            }
            // That they cannot be read here is no outcome of the run, which goes on.
            Err(_) if alive => {}
            Err(error) => return by_its_exit_code(started, &error),
        }
        if !alive {
            let folder = Runs::new(host, state).open(&started.run);
            return match folder.receipt() {
                Ok(None) if folder.is_gone() => Err(gone(&folder, started.worker.exit_code())),
                Ok(receipt) => Ok(receipt.map(|receipt| ended(&receipt))),
                Err(error) => by_its_exit_code(started, &error),
            };
        }
        host.sleep(PAUSE);
    }
}

/// What is known of a run that has ended, where nothing that it wrote can be read.
fn by_its_exit_code(
    started: &mut Started,
    error: &dyn std::error::Error,
) -> Result<Option<Event>, Problem> {
    let run = &started.run;
    let known = started.worker.exit_code().and_then(Exit::of_code);
    match known {
        Some(exit) => {
            let what = format!(
                "run {run} has ended with exit code {}, and what it wrote cannot be read: {error}",
                exit as u8
            );
            Err(Problem::new(exit, what).remedy(format!("nim-tls watch {run}")))
        }
        None => Ok(None),
    }
}

/// A run that has ended somehow, after somebody took its folder away.
pub fn gone(folder: &RunFolder<'_>, exit_code: Option<i32>) -> Problem {
    let (run, path) = (folder.id(), folder.path().display());
    let ended = match exit_code {
        Some(code) => format!("has ended with exit code {code}"),
        None => "has lost its worker".to_owned(),
    };
    let what = format!(
        "run {run} {ended}, and {path} was taken away, with the copies of what was there before: \
         this host may be in between"
    );
    let exit = exit_code.and_then(Exit::of_code);
    let exit = exit.filter(|exit| *exit != Exit::Done);
    Problem::new(exit.unwrap_or(Exit::Incomplete), what).remedy(format!(
        "bring {path} back to its place, and then: nim-tls rollback {run} --yes"
    ))
}

/// What a receipt says, where the last event could not be written.
pub fn ended(receipt: &Receipt) -> Event {
    let exit = super::job::exit_of(receipt);
    let (outcome, problem) = (receipt.outcome, receipt.problem.clone());
    let what = Happening::Ended {
        outcome,
        exit: exit as u8,
        problem,
    };
    Event {
        at: receipt.ended,
        what,
    }
}
