//! `nim-tls __return RUN`: the dead man's switch. Puts a run back that nobody kept and that has
//! lost its worker; started by what the worker armed, and of no use to anybody else.

use std::time::Duration;

use crate::error::{Exit, Problem};
use crate::host::{Process, Signal, begin_session};
use crate::values::RunId;
use crate::worker::{self, RunFolder, Runs};

use super::super::busy;
use super::super::place::Ground;

const PAUSE: Duration = Duration::from_secs(2);

/// Looks once, or until the run is over.
pub(super) fn returning(ground: &Ground, run: &RunId, stay: bool) -> Result<u8, Problem> {
    begin_session();
    loop {
        match look(ground, run) {
            Ok(true) => return Ok(Exit::Done as u8),
            Ok(false) if !stay => return Ok(Exit::Done as u8),
            Err(problem) if !stay => return Err(problem),
            // A passing trouble, such as a full disk, is no reason to give up.
            Ok(false) | Err(_) => ground.host().sleep(PAUSE),
        }
    }
}

/// Whether the run is over, now at the latest.
fn look(ground: &Ground, run: &RunId) -> Result<bool, Problem> {
    // Its own worker, or one that puts it back already.
    if let Some(worker) = busy::worker_of(ground, run) {
        end_if_stopped(ground, run, &worker)?;
        return Ok(false);
    }
    if busy::run_at_work(ground).is_some() {
        return Ok(false);
    }
    let folder = Runs::new(ground.host(), ground.state()).open(run);
    if !is_over(&folder)? {
        put_back(ground, run)?;
        if !is_over(&folder)? {
            return Ok(false);
        }
    }
    let unarmed = worker::disarm(ground.host(), run);
    unarmed.map_err(|error| Problem::host(error.to_string()))?;
    Ok(true)
}

/// A worker that was stopped keeps no deadline; dead, it is one that was killed.
fn end_if_stopped(ground: &Ground, run: &RunId, worker: &Process) -> Result<(), Problem> {
    let host = ground.host();
    if worker.stopped && worker::is_overdue(host, ground.state(), run) {
        host.signal(worker, Signal::Kill)?;
    }
    Ok(())
}

/// A worker writes its receipt last of all, and keeping a run is writing it.
fn is_over(folder: &RunFolder<'_>) -> Result<bool, Problem> {
    let problem = |error: worker::RunError| Problem::host(error.to_string());
    match folder.receipt() {
        Ok(Some(_)) => Ok(true),
        Err(error) if !error.is_damaged_receipt() => Err(problem(error)),
        Ok(None) | Err(_) => Ok(!folder.was_begun().map_err(problem)?),
    }
}

fn put_back(ground: &Ground, run: &RunId) -> Result<(), Problem> {
    // Where it cannot be undone, there is no need for a run that says so each time.
    worker::target(ground.host(), ground.state(), Some(run), None)?;
    let mut request = worker::request("rollback", Some(run.clone()));
    request.by_switch = true;
    let launch = ground.launch()?;
    let (host, state) = (ground.host(), ground.state());
    let started = worker::start(host, state, &launch, &request, None, "")?;
    worker::watch(host, state, started, |_| {}).map(drop)
}
