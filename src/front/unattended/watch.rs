//! `nim-tls watch`: a run at work, or how it ended.

use std::time::Duration;

use crate::error::{Exit, Problem};
use crate::event::Happening;
use crate::receipt::{Outcome, Receipt};
use crate::values::{RunId, escaped};
use crate::worker::{self, RunError, Runs};

use super::super::leaving::leave_when_told;
use super::super::output::Output;
use super::super::place::Ground;
use super::super::typed::as_root;
use super::document::{self, About, RunDocument};
use super::progress;

const PAUSE: Duration = Duration::from_millis(100);

pub(super) fn watch(ground: &Ground, run: Option<&RunId>, output: &Output) -> Result<u8, Problem> {
    let run = chosen(ground, run)?;
    if at_work(ground, &run) {
        // Without it an interrupt ends this process all the same, only without a word.
        let _ = leave_when_told(&run, &ground.options());
    }
    let mut events = worker::follow(ground.host(), ground.state(), &run, 0);
    loop {
        // Looked at before the events: what a worker said last is then already there.
        let alive = at_work(ground, &run);
        let news = events
            .news()
            .map_err(|error| Problem::host(escaped(&error.to_string())))?;
        for event in &news {
            progress::show(output, event);
            if let Happening::Ended { exit, problem, .. } = &event.what {
                return outcome(ground, &run, *exit, problem.as_deref(), output);
            }
        }
        if !alive {
            return without_end(ground, &run, output);
        }
        ground.host().sleep(PAUSE);
    }
}

/// Shows how a run ended, by its receipt where there is one; gives its exit code.
pub(super) fn outcome(
    ground: &Ground,
    run: &RunId,
    exit: u8,
    problem: Option<&str>,
    output: &Output,
) -> Result<u8, Problem> {
    let shown = if let Ok(Some(receipt)) = receipt(ground, run) {
        let plan = Runs::new(ground.host(), ground.state()).open(run).plan();
        // A rollback has none, and a run goes on being shown without it.
        let notes = plan.ok().flatten().map_or_else(Vec::new, |plan| plan.notes);
        let about = About {
            exit,
            notes: &notes,
            options: &ground.options(),
            issued: &format!("{}/issued", ground.state()),
            issued_outside: &format!("{}/issued", ground.outside(ground.state())),
        };
        document::show(output, &receipt, &about)
    } else {
        let outcome = if exit == 0 {
            Outcome::Applied
        } else {
            Outcome::Incomplete
        };
        let document = RunDocument::without_receipt(Some(run), outcome, problem.map(str::to_owned));
        if output.is_json() {
            output.document(&document)
        } else {
            Ok(())
        }
    };
    if let Some(problem) = problem {
        // It may hold the remedy on a line of its own.
        let lines: Vec<String> = problem.lines().map(escaped).collect();
        let told = lines.join("\n");
        let (what, remedy) = match told.split_once("\n  do: ") {
            Some((what, remedy)) => (what, Some(remedy)),
            None => (told.as_str(), None),
        };
        let problem = Problem::host(what);
        output.problem(&match remedy {
            Some(remedy) => problem.remedy(remedy),
            None => problem,
        });
    }
    // The work is done as `exit` says, even where its result could not be written down here.
    if let Err(problem) = shown {
        output.problem(&problem);
    }
    Ok(exit)
}

/// Whether a worker carries out this run now.
pub(super) fn at_work(ground: &Ground, run: &RunId) -> bool {
    // In a tree of files there are no processes of its own: what runs, runs here.
    let processes = ground.host().processes().unwrap_or_default();
    processes.iter().any(|process| {
        let words: Vec<&str> = process.title.split(' ').collect();
        words
            .windows(2)
            .any(|pair| pair == ["__worker", run.as_str()])
    })
}

pub(super) fn chosen(ground: &Ground, run: Option<&RunId>) -> Result<RunId, Problem> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Problem::host(format!("the runs of this host cannot be read: {error}")).remedy(as_root())
    };
    let runs = Runs::new(ground.host(), ground.state()).list();
    let runs = runs.map_err(|error| unreadable(&error))?;
    let missing = |what: String| Problem::host(what).remedy("nim-tls history");
    match run {
        Some(run) if runs.contains(run) => Ok(run.clone()),
        Some(run) => Err(missing(format!("there is no run {run} on this host"))),
        None => runs
            .last()
            .cloned()
            .ok_or_else(|| missing("no run is recorded here".to_owned())),
    }
}

fn without_end(ground: &Ground, run: &RunId, output: &Output) -> Result<u8, Problem> {
    let found = receipt(ground, run).map_err(|error| Problem::host(escaped(&error.to_string())))?;
    match found {
        Some(receipt) => {
            let exit = match receipt.outcome {
                Outcome::Applied | Outcome::Unchanged | Outcome::RolledBack => Exit::Done,
                Outcome::Incomplete => Exit::Incomplete,
                Outcome::Refused => Exit::PutBack,
            };
            outcome(ground, run, exit as u8, receipt.problem.as_deref(), output)
        }
        None => Err(Problem::new(Exit::Busy, format!("run {run} was cut short"))
            .remedy(format!("nim-tls rollback --yes{}", ground.options()))),
    }
}

fn receipt(ground: &Ground, run: &RunId) -> Result<Option<Receipt>, RunError> {
    Runs::new(ground.host(), ground.state()).open(run).receipt()
}
