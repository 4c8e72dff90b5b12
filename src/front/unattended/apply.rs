//! `nim-tls apply`: plans, asks, and has a worker carry it out.

use std::path::Path;

use crate::cli::Consent;
use crate::error::{Exit, Problem};
use crate::event::Happening;
use crate::receipt::Outcome;
use crate::values::{RunId, escaped};
use crate::worker::{self, Runs, Started};

use super::super::busy;
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
    busy::refuse(ground)?;
    let plan = session::planned(ground, &answers);
    // One may have begun meanwhile, and then the plan is of a host in between.
    busy::refuse(ground)?;
    let plan = plan?;
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
    let Some(end @ Happening::Ended { .. }) = ended.map(|event| event.what) else {
        return Err(died(ground, &run, output));
    };
    let code = super::watch::outcome(ground, &run, &end, output);
    if code == Ok(Exit::Busy as u8) {
        // Two began at once, and the other one was first: this is none to be remembered. It
        // has no journal, so where it stays it does no harm.
        let _ = Runs::new(ground.host(), ground.state()).forget(&run);
    }
    code
}

/// The worker is gone without a word.
fn died(ground: &Ground, run: &RunId, output: &Output) -> Problem {
    let runs = Runs::new(ground.host(), ground.state());
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
        Problem::new(Exit::Incomplete, what)
            .remedy(format!("nim-tls rollback --yes{}", ground.options()))
    } else {
        let what = format!(
            "the worker of run {run} was gone before it began, so nothing was changed{said}"
        );
        let again = runs.open(run).request().ok().flatten();
        let again = again.map_or_else(|| "apply".to_owned(), |request| request.command);
        Problem::host(what).remedy(format!("nim-tls {again} ... once more"))
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
