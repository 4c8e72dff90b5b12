//! A run that was started, shown until it has ended, and how it ended.

use crate::error::{Exit, Problem};
use crate::event::{Event, Happening};
use crate::receipt::{Outcome, Receipt};
use crate::report::Row;
use crate::values::{AbsPath, RunId, escaped};
use crate::worker::{self, RunError, Runs, Started};

use super::busy;
use super::document::{self, About, RunDocument};
use super::leaving;
use super::output::Output;
use super::place::Ground;
use super::progress;

/// With less than a page free, not a word can be written.
const PAGE: u64 = 4096;

/// Shows a run that was just started until it has ended; gives its exit code.
pub(super) fn follow(ground: &Ground, started: Started, output: &Output) -> Result<u8, Problem> {
    let run = started.run.clone();
    let end = watch(ground, started, output)?;
    finish(ground, &run, &end, output)
}

/// Shows how a run ended that was begun here; gives its exit code.
pub(super) fn finish(
    ground: &Ground,
    run: &RunId,
    end: &Happening,
    output: &Output,
) -> Result<u8, Problem> {
    let code = outcome(ground, run, end, output);
    if code == Ok(Exit::Busy as u8) {
        // Two began at once, and the other one was first: this is none to be remembered. It
        // has no journal, so where it stays it does no harm.
        let _ = Runs::new(ground.host(), ground.state()).forget(run);
    }
    code
}

/// Shows it until it has ended; gives what it said last.
pub(super) fn watch(
    ground: &Ground,
    started: Started,
    output: &Output,
) -> Result<Happening, Problem> {
    let run = started.run.clone();
    listen(ground, &run, output);
    let ended = worker::watch(ground.host(), ground.state(), started, |event| {
        progress::show(output, event);
        if matches!(event.what, Happening::Waiting { .. }) {
            tell_how_to_keep(ground, &run, output);
        }
    })?;
    match ended.map(|event| event.what) {
        Some(end @ Happening::Ended { .. }) => Ok(end),
        _ => put_back_by_switch(ground, &run, output).ok_or_else(|| died(ground, &run, output)),
    }
}

/// The end of a run that lost its worker, where something else puts it back.
fn put_back_by_switch(ground: &Ground, run: &RunId, output: &Output) -> Option<Happening> {
    let (host, state) = (ground.host(), ground.state());
    if !worker::has_switch(host, state, run) {
        return None;
    }
    output.tell(&format!(
        "the worker of run {run} is gone; its switch puts everything back"
    ));
    let receipt = worker::put_back_by_switch(host, state, run)?;
    Some(worker::ended(&receipt).what)
}

/// The same, until it waits to be kept or has ended.
pub(super) fn watch_until_it_waits(
    ground: &Ground,
    started: &mut Started,
    output: &Output,
) -> Result<Happening, Problem> {
    let run = started.run.clone();
    listen(ground, &run, output);
    let show = |event: &Event| progress::show(output, event);
    let (host, state) = (ground.host(), ground.state());
    match worker::watch_until_it_waits(host, state, started, show)? {
        Some(event) => Ok(event.what),
        None => Err(died(ground, &run, output)),
    }
}

fn listen(ground: &Ground, run: &RunId, output: &Output) {
    if let Err(error) = leaving::from_run(ground, run) {
        output.tell(&format!(
            "nim-tls: signals cannot be listened to ({error}); the run goes on"
        ));
    }
}

/// How a run that waits to be kept is kept.
pub(super) fn tell_how_to_keep(ground: &Ground, run: &RunId, output: &Output) {
    output.tell(&format!(
        "  keep it: nim-tls confirm {run}{}",
        ground.options()
    ));
}

/// The worker is gone without a word.
fn died(ground: &Ground, run: &RunId, output: &Output) -> Problem {
    let runs = Runs::new(ground.host(), ground.state());
    if runs.open(run).is_gone() {
        return without_receipt(run, output, worker::gone(&runs.open(run), None));
    }
    let log = runs.open(run).path().join("worker.log");
    let said = ground.host().read_from(&log, 0, 4096).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let said: Vec<String> = said.lines().take(5).map(escaped).collect();
    let begun = !matches!(runs.cut_short(None), Ok(cut) if cut.as_ref() != Some(run));
    let said = if said.is_empty() {
        String::new()
    } else {
        format!("; its last words: {}", said.join("; "))
    };
    let problem = if begun {
        let what = format!(
            "the worker of run {run} was ended from outside before it was done, so this host is \
             in between{said}"
        );
        let what = match full(ground) {
            Some(folder) => format!("{what}; {folder} is full: make room first"),
            None => what,
        };
        Problem::new(Exit::Incomplete, what)
            .remedy(format!("nim-tls rollback {run} --yes{}", ground.options()))
    } else {
        // It may have been hung up together with this process.
        leaving::where_hung_up();
        let what = format!(
            "the worker of run {run} was gone before it began, so nothing was changed{said}"
        );
        if let Some(folder) = full(ground) {
            let what = format!("{what}; {folder} is full, so it could not write down why");
            let problem = Problem::host(what).remedy(format!("df -h {folder}; df -i {folder}"));
            return without_receipt(run, output, problem);
        }
        let again = runs.open(run).request().ok().flatten();
        let again = again.map_or_else(|| "apply".to_owned(), |request| request.command);
        Problem::host(what).remedy(format!("nim-tls {again} ... once more"))
    };
    without_receipt(run, output, problem)
}

/// The state folder, where not a page more can be written to it.
fn full(ground: &Ground) -> Option<&AbsPath> {
    let space = ground.host().space(ground.state().as_path());
    matches!(space, Ok(free) if free < PAGE).then(|| ground.state())
}

fn without_receipt(run: &RunId, output: &Output, problem: Problem) -> Problem {
    if output.is_json() {
        let outcome = match problem.exit {
            Exit::Incomplete => Outcome::Incomplete,
            _ => Outcome::Refused,
        };
        let what = Some(output.outward.problem(&problem).to_string());
        let _ = output.document(&RunDocument::without_receipt(Some(run), outcome, what));
    }
    problem
}

/// Shows how a run ended, by its receipt where there is one; gives its exit code.
pub(super) fn outcome(
    ground: &Ground,
    run: &RunId,
    end: &Happening,
    output: &Output,
) -> Result<u8, Problem> {
    let Happening::Ended {
        outcome,
        exit,
        problem,
    } = end
    else {
        return Err(Problem::host(format!("run {run} has not ended")));
    };
    let shown = match receipt(ground, run) {
        Ok(Some(receipt)) => {
            let plan = Runs::new(ground.host(), ground.state()).open(run).plan();
            // A rollback has none, and a run goes on being shown without it.
            let notes = plan.ok().flatten().map_or_else(Vec::new, |plan| plan.notes);
            let about = About {
                exit: *exit,
                notes: &notes,
                goes_away: ground.practice_folder().is_some(),
                options: &ground.options(),
                issued: &format!("{}/issued", ground.state()),
            };
            document::show(output, &receipt, ground, &about)
        }
        found => {
            if let Err(error) = found {
                output.problem(&busy::unreadable(ground, &error));
            }
            // One that was turned away at the door is no run.
            let run = (*exit != Exit::Busy as u8).then_some(run);
            let told = problem
                .as_deref()
                .map(|problem| output.outward.text(problem));
            let document = RunDocument::without_receipt(run, *outcome, told);
            if output.is_json() {
                output.document(&document)
            } else {
                Ok(())
            }
        }
    };
    if let Some(problem) = problem {
        // It may hold the remedy on a line of its own.
        let lines: Vec<String> = problem.lines().map(escaped).collect();
        let told = lines.join("\n");
        output.problem(&Problem::of_text(Exit::HostUnfit, &told));
    }
    // The work is done as `exit` says, even where its result could not be written down here.
    if let Err(problem) = shown {
        output.problem(&problem);
    }
    Ok(*exit)
}

/// What a run has proven so far.
pub(super) fn proof(ground: &Ground, run: &RunId) -> Vec<Row> {
    let events = worker::follow(ground.host(), ground.state(), run, 0).news();
    let rows = events.unwrap_or_default().into_iter();
    rows.filter_map(|event| match event.what {
        Happening::Proved { row } => Some(row),
        _ => None,
    })
    .collect()
}

pub(super) fn receipt(ground: &Ground, run: &RunId) -> Result<Option<Receipt>, RunError> {
    Runs::new(ground.host(), ground.state()).open(run).receipt()
}
