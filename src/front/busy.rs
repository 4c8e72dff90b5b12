//! Whether another run is at work here, or one was cut short: what is found then is neither
//! the host of before nor the one of afterwards, and what is said of it would only mislead.

use crate::error::{Exit, Problem};
use crate::host::{Host as _, Local, Process};
use crate::values::{RunId, escaped};
use crate::worker::{self, RunError, Runs, Waits};

use super::place::Ground;

/// What runs have left a host in.
pub(super) enum Found {
    /// Nothing is going on.
    Free,
    AtWork(RunId),
    /// Neither the host of before nor the one of afterwards.
    CutShort(RunId),
}

pub(super) fn found(ground: &Ground) -> Result<Found, Problem> {
    if ground.host().is_live() && !ground.host().is_root() {
        return Ok(Found::Free); // said by the plan, and the state folder is not to be seen anyway
    }
    if let Some(run) = run_at_work(ground) {
        return Ok(Found::AtWork(run));
    }
    let without_receipt = || {
        let found = Runs::new(ground.host(), ground.state()).cut_short(None);
        found.map_err(|error| unreadable(ground, &error))
    };
    Ok(match without_receipt()? {
        None => Found::Free,
        // It may have begun between the two looks.
        Some(run) if at_work(ground, &run) => Found::AtWork(run),
        // Or ended, and its receipt was there before its process was gone.
        Some(run) if without_receipt()?.as_ref() != Some(&run) => return found(ground),
        Some(run) => Found::CutShort(run),
    })
}

/// Refuses where a run is at work or was cut short.
pub(super) fn refuse(ground: &Ground) -> Result<(), Problem> {
    match found(ground)? {
        Found::Free => Ok(()),
        Found::AtWork(run) => Err(busy(ground, &run)),
        Found::CutShort(run) => Err(cut_short(ground, &run)),
    }
}

/// What was cut short, and what puts it back.
pub(super) fn cut_short(ground: &Ground, run: &RunId) -> Problem {
    let runs = Runs::new(ground.host(), ground.state());
    worker::in_between(&runs, run, &ground.options())
}

/// Refuses where a run is at work.
pub(super) fn refuse_at_work(ground: &Ground) -> Result<(), Problem> {
    match run_at_work(ground) {
        Some(run) => Err(busy(ground, &run)),
        None => Ok(()),
    }
}

/// The run that a worker carries out now.
pub(super) fn run_at_work(ground: &Ground) -> Option<RunId> {
    if !Runs::new(ground.host(), ground.state()).may_be_at_work() {
        return None;
    }
    processes(ground).iter().find_map(|process| {
        let mut words = process.title.split(' ');
        words.find(|word| *word == "__worker")?;
        let run: RunId = words.next()?.parse().ok()?;
        carries_out(ground, process, &run).then_some(run)
    })
}

/// Whether a worker carries out this run now.
pub(super) fn at_work(ground: &Ground, run: &RunId) -> bool {
    worker_of(ground, run).is_some()
}

/// The process that carries out this run now.
pub(super) fn worker_of(ground: &Ground, run: &RunId) -> Option<Process> {
    let mut processes = processes(ground).into_iter();
    processes.find(|process| carries_out(ground, process, run))
}

/// A problem with what runs have written, with what helps.
pub(super) fn unreadable(ground: &Ground, error: &RunError) -> Problem {
    let exit = if error.is_damaged_receipt() {
        Exit::Busy
    } else {
        Exit::HostUnfit
    };
    let what = format!("the runs of this host cannot be read: {error}");
    Problem::new(exit, escaped(&what)).remedy(error.remedy(&ground.options()))
}

fn busy(ground: &Ground, run: &RunId) -> Problem {
    if let Some(Waits { left, .. }) = waits(ground, run) {
        let what =
            format!("run {run} is done and waits to be kept; all of it is put back in {left} s");
        return Problem::new(Exit::Busy, what)
            .remedy(format!("nim-tls confirm {run}{}", ground.options()));
    }
    let who = worker::at_work_in_words(ground.host(), ground.state(), run);
    if let Some(stopped) = worker_of(ground, run).filter(|worker| worker.stopped) {
        let what = format!("another run is at work, and somebody has stopped it: {who}");
        return Problem::new(Exit::Busy, what).remedy(format!("kill -CONT {}", stopped.pid));
    }
    Problem::new(Exit::Busy, format!("another run is at work: {who}"))
        .remedy(format!("nim-tls watch {run}{}", ground.options()))
}

/// Whether this run, which is at work, waits to be kept.
pub(super) fn waits(ground: &Ground, run: &RunId) -> Option<Waits> {
    worker::waits(ground.host(), ground.state(), run)
}

/// Under the same name another run may be at work on another place.
fn carries_out(ground: &Ground, process: &Process, run: &RunId) -> bool {
    let words = ground.worker_words(run);
    let after = process.title.split_once(&words).map(|(_, after)| after);
    after.is_some_and(|after| after.is_empty() || after.starts_with(' '))
}

/// A tree of files has no processes of its own: what works on it runs here.
fn processes(ground: &Ground) -> Vec<Process> {
    let found = if ground.host().is_live() {
        ground.host().processes()
    } else {
        Local::live().and_then(|machine| machine.processes())
    };
    found.unwrap_or_default()
}
