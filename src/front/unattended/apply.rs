//! `nim-tls apply`: plans, asks, and has a worker carry it out.

use std::path::Path;

use crate::cli::Consent;
use crate::error::{Exit, Problem};
use crate::event::Happening;
use crate::receipt::Outcome;
use crate::values::{RunId, escaped};
use crate::worker::{self, Runs, Started};

use super::super::consent::{self, Answer};
use super::super::leaving::leave_when_told;
use super::super::output::Output;
use super::super::passphrase;
use super::super::place::Ground;
use super::super::session;
use super::document::{self, RunDocument};
use super::{plan_text, progress};

pub(super) fn apply(
    ground: &Ground,
    answers: &Path,
    consent: Consent,
    output: &Output,
) -> Result<u8, Problem> {
    let begun = begin(ground, answers, consent, output);
    match begun.map_err(|problem| document::refused(output, problem))? {
        Begun::Nothing(notes) => unchanged(output, notes),
        Begun::Declined(code) => Ok(code),
        Begun::Run(started) => follow(ground, started, output),
    }
}

/// What became of the request.
pub(super) enum Begun {
    /// With what is to be known about the host all the same.
    Nothing(Vec<String>),
    /// Somebody said no, or left.
    Declined(u8),
    Run(Started),
}

fn begin(
    ground: &Ground,
    answers: &Path,
    consent: Consent,
    output: &Output,
) -> Result<Begun, Problem> {
    let answers = session::answers(answers)?;
    consent::possible(consent, "apply")?;
    nobody_at_work(ground)?;
    let plan = session::planned(ground, &answers)?;
    if plan.is_empty() {
        return Ok(Begun::Nothing(plan.notes));
    }
    let known = passphrase::from_named_file(ground, &plan, &answers, output)?;
    if !consent.yes {
        // Every line first, so that what is still on the screen at the question is the summary.
        output.tell(&plan_text::differences(&plan, output));
    }
    output.tell(&plan_text::summary(&plan, output.told_width()));
    match consent::ask(consent, "apply", "Do this now?")? {
        Answer::Yes => {}
        answer => return Ok(Begun::Declined(declined(&answer, output))),
    }
    let passphrase = match known {
        Some(known) => known,
        None => passphrase::obtain(ground, &plan, &answers, output)?,
    };
    let request = worker::request("apply", None);
    let launch = ground.launch()?;
    let (host, state) = (ground.host(), ground.state());
    worker::start(host, state, &launch, &request, Some(&plan), &passphrase).map(Begun::Run)
}

/// A run that is at work or was cut short is named before anything else is looked at: what it
/// left would only mislead.
fn nobody_at_work(ground: &Ground) -> Result<(), Problem> {
    if ground.host().is_live() && !ground.host().is_root() {
        return Ok(()); // said by the plan, and the state folder is not to be seen anyway
    }
    let cut_short = Runs::new(ground.host(), ground.state())
        .cut_short(None)
        .map_err(|error| Problem::host(escaped(&error.to_string())))?;
    let Some(run) = cut_short else { return Ok(()) };
    let options = ground.options();
    Err(if super::watch::at_work(ground, &run) {
        Problem::new(Exit::Busy, format!("another run is at work: {run}"))
            .remedy(format!("nim-tls watch {run}{options}"))
    } else {
        Problem::new(
            Exit::Busy,
            format!("run {run} was cut short, and this host is in between"),
        )
        .remedy(format!("nim-tls rollback --yes{options}"))
    })
}

pub(super) fn declined(answer: &Answer, output: &Output) -> u8 {
    output.tell("nothing was changed");
    match answer {
        Answer::Interrupted => 130,
        Answer::Yes | Answer::No => Exit::Done as u8,
    }
}

fn unchanged(output: &Output, notes: Vec<String>) -> Result<u8, Problem> {
    if output.is_json() {
        output.document(&RunDocument::unchanged(notes))?;
    } else {
        output.result(&plan_text::nothing_to_do("unchanged", &notes, output.width))?;
    }
    Ok(Exit::Done as u8)
}

/// Shows a run that was just started until it has ended; gives its exit code.
pub(super) fn follow(ground: &Ground, started: Started, output: &Output) -> Result<u8, Problem> {
    let run = started.run.clone();
    if let Err(error) = leave_when_told(&run, &ground.options()) {
        output.tell(&format!(
            "nim-tls: signals cannot be listened to ({error}); the run goes on"
        ));
    }
    let ended = worker::watch(ground.host(), ground.state(), started, |event| {
        progress::show(output, event);
    })?;
    let Some(Happening::Ended { exit, problem, .. }) = ended.map(|event| event.what) else {
        return Err(died(ground, &run, output));
    };
    super::watch::outcome(ground, &run, exit, problem.as_deref(), output)
}

/// The worker is gone without a word.
fn died(ground: &Ground, run: &RunId, output: &Output) -> Problem {
    let runs = Runs::new(ground.host(), ground.state());
    let log = runs.open(run).path().join("worker.log");
    let said = ground.host().read_from(&log, 0, 4096).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let said: Vec<String> = said.lines().take(5).map(escaped).collect();
    let begun = !matches!(runs.cut_short(None), Ok(cut) if cut.as_ref() != Some(run));
    let problem = if begun {
        Problem::new(
            Exit::Incomplete,
            format!("the worker of run {run} died; {}", said.join("; ")),
        )
        .remedy(format!("nim-tls rollback --yes{}", ground.options()))
    } else {
        let what = format!("the worker of run {run} did not begin: {}", said.join("; "));
        Problem::host(what)
    };
    if output.is_json() {
        let outcome = if begun {
            Outcome::Incomplete
        } else {
            Outcome::Refused
        };
        let what = Some(problem.to_string());
        let _ = output.document(&RunDocument::without_receipt(Some(run), outcome, what));
    }
    problem
}
