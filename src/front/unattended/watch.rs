//! `nim-tls watch`: a run at work, or how it ended.

use std::time::Duration;

use crate::error::{Exit, Problem};
use crate::event::Happening;
use crate::values::{RunId, escaped};
use crate::worker::{self, Runs};

use super::super::busy::{self, at_work};
use super::super::following::{outcome, receipt, tell_how_to_keep};
use super::super::leaving;
use super::super::output::Output;
use super::super::place::Ground;
use super::super::progress;
use super::super::typed::as_root;

const PAUSE: Duration = Duration::from_millis(100);

pub(super) fn watch(ground: &Ground, run: Option<&RunId>, output: &Output) -> Result<u8, Problem> {
    let run = chosen(ground, run)?;
    watch_asking(ground, &run, output, &mut || {
        tell_how_to_keep(ground, &run, output);
        Ok(None)
    })
}

/// The same; `ask` is called where it waits to be kept, and gives an exit code where somebody
/// leaves instead of going on to watch.
pub(in super::super) fn watch_asking(
    ground: &Ground,
    run: &RunId,
    output: &Output,
    ask: &mut dyn FnMut() -> Result<Option<u8>, Problem>,
) -> Result<u8, Problem> {
    if at_work(ground, run) {
        // Without it an interrupt ends this process all the same, only without a word.
        let _ = leaving::from_run(ground, run);
    }
    let mut events = worker::follow(ground.host(), ground.state(), run, 0);
    loop {
        // Looked at before the events: what a worker said last is then already there.
        let alive = at_work(ground, run);
        let news = events
            .news()
            .map_err(|error| Problem::host(escaped(&error.to_string())))?;
        for event in &news {
            progress::show(output, event);
            if let end @ Happening::Ended { .. } = &event.what {
                return outcome(ground, run, end, output);
            }
        }
        let mut last = news.iter().rev().map(|event| &event.what);
        let last = last.find(|what| !matches!(what, Happening::CameBack { .. }));
        if matches!(last, Some(Happening::Waiting { .. }))
            && alive
            && let Some(code) = ask()?
        {
            return Ok(code);
        }
        if !alive {
            return without_end(ground, run, output);
        }
        ground.host().sleep(PAUSE);
    }
}

/// The named run; else the one at work, else the latest that somebody asked for.
pub(super) fn chosen(ground: &Ground, run: Option<&RunId>) -> Result<RunId, Problem> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Problem::host(format!("the runs of this host cannot be read: {error}")).remedy(as_root())
    };
    let runs = Runs::new(ground.host(), ground.state());
    let known = runs.list().map_err(|error| unreadable(&error))?;
    let missing =
        |what: String| Problem::host(what).remedy(format!("nim-tls history{}", ground.options()));
    match run {
        Some(run) if known.contains(run) => Ok(run.clone()),
        Some(run) => Err(missing(format!("there is no run {run} on this host"))),
        None => busy::run_at_work(ground)
            .or_else(|| {
                let mut latest = known.into_iter().rev();
                latest.find(|run| !was_turned_away(ground, run) && !is_of_a_switch(ground, run))
            })
            .ok_or_else(|| missing("no run is recorded here".to_owned())),
    }
}

/// Whether it only found another run at work: one that nobody needs to hear of.
pub(super) fn was_turned_away(ground: &Ground, run: &RunId) -> bool {
    let folder = Runs::new(ground.host(), ground.state()).open(run);
    if !matches!(folder.receipt(), Ok(None)) || !matches!(folder.was_begun(), Ok(false)) {
        return false;
    }
    let events = worker::follow(ground.host(), ground.state(), run, 0).news();
    let last = events.ok().and_then(|mut events| events.pop());
    let busy = Exit::Busy as u8;
    last.is_some_and(|event| matches!(event.what, Happening::Ended { exit, .. } if exit == busy))
}

/// Whether it put back a run that nobody kept: how that one ended is what is asked for.
fn is_of_a_switch(ground: &Ground, run: &RunId) -> bool {
    let folder = Runs::new(ground.host(), ground.state()).open(run);
    matches!(folder.request(), Ok(Some(request)) if request.by_switch)
}

fn without_end(ground: &Ground, run: &RunId, output: &Output) -> Result<u8, Problem> {
    match receipt(ground, run) {
        Ok(Some(receipt)) => {
            let exit = worker::exit_of(&receipt);
            let end = Happening::Ended {
                outcome: receipt.outcome,
                exit: exit as u8,
                problem: receipt.problem,
            };
            outcome(ground, run, &end, output)
        }
        Err(error) => Err(busy::unreadable(ground, &error)),
        Ok(None) => Err(without_receipt(ground, run)),
    }
}

fn without_receipt(ground: &Ground, run: &RunId) -> Problem {
    let options = ground.options();
    let runs = Runs::new(ground.host(), ground.state());
    if !runs.open(run).was_begun().unwrap_or(true) {
        let what = format!("run {run} never began, so it changed nothing");
        return Problem::host(what).remedy(format!("nim-tls history{options}"));
    }
    match runs.undone().ok().and_then(|mut undone| undone.remove(run)) {
        Some(by) => Problem::host(format!("run {run} was cut short, and run {by} put it back"))
            .remedy(format!("nim-tls watch {by}{options}")),
        None => Problem::new(
            Exit::Busy,
            format!("run {run} was cut short, and this host is in between"),
        )
        .remedy(format!("nim-tls rollback {run} --yes{options}")),
    }
}
