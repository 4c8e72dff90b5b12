//! `nim-tls rollback`: puts back what a run changed.

use std::time::Duration;

use crate::cli::Consent;
use crate::error::{Exit, Problem};
use crate::receipt::Outcome;
use crate::values::{RunId, escaped, wrapped};
use crate::worker::{self, Target, Word};

use super::super::busy;
use super::super::consent::{self, Answer};
use super::super::document;
use super::super::following::follow;
use super::super::output::Output;
use super::super::place::Ground;
use super::super::saying;
use super::super::typed::as_root;
use super::apply::{Begun, declined};
use super::watch::watch;

const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

pub(super) fn rollback(
    ground: &Ground,
    run: Option<&RunId>,
    consent: Consent,
    output: &Output,
) -> Result<u8, Problem> {
    let refused = |problem| document::refused(output, problem);
    if let Some(waiting) = waits(ground, run) {
        return not_kept(ground, &waiting, consent, output).map_err(refused);
    }
    match begin(ground, run, consent, output).map_err(refused)? {
        Begun::Nothing(_) => Ok(0),
        Begun::Declined(code) => Ok(code),
        Begun::Run(started) => follow(ground, started, output),
    }
}

/// The run at work, where it waits to be kept and is the one that is meant.
fn waits(ground: &Ground, run: Option<&RunId>) -> Option<RunId> {
    let at_work = busy::run_at_work(ground)?;
    let meant = run.is_none_or(|run| *run == at_work);
    (meant && busy::waits(ground, &at_work).is_some()).then_some(at_work)
}

/// A run that waits to be kept puts itself back when it is told to.
fn not_kept(
    ground: &Ground,
    run: &RunId,
    consent: Consent,
    output: &Output,
) -> Result<u8, Problem> {
    consent::possible(consent, "rollback")?;
    let question = format!("Run {run} waits to be kept. Put it back now?");
    match consent::ask(consent, "rollback", &question, output.has_colour())? {
        Answer::Yes => {}
        answer => return Ok(declined(&answer, output)),
    }
    if saying::say(ground, run, Word::PutBack, output)? == Some(Outcome::Applied) {
        output.tell(&format!(
            "run {run} was kept at this moment; it is rolled back now"
        ));
        return kept_meanwhile(ground, run, output);
    }
    let code = watch(ground, Some(run), output)?;
    // That it is back is what was asked for.
    let back = code == Exit::NotKept as u8;
    Ok(if back { Exit::Done as u8 } else { code })
}

/// Somebody else's word came first: then it is a run like any other.
fn kept_meanwhile(ground: &Ground, run: &RunId, output: &Output) -> Result<u8, Problem> {
    // Its receipt is there a moment before its worker is gone.
    let until = ground.host().uptime() + PATIENCE;
    while busy::at_work(ground, run) && ground.host().uptime() < until {
        ground.host().sleep(PAUSE);
    }
    match begin(ground, Some(run), Consent { yes: true }, output)? {
        Begun::Run(started) => follow(ground, started, output),
        Begun::Nothing(_) | Begun::Declined(_) => Ok(Exit::Done as u8),
    }
}

fn begin(
    ground: &Ground,
    run: Option<&RunId>,
    consent: Consent,
    output: &Output,
) -> Result<Begun, Problem> {
    consent::possible(consent, "rollback")?;
    if ground.host().is_live() && !ground.host().is_root() {
        return Err(
            Problem::host("only root can put back what root has changed").remedy(as_root()),
        );
    }
    busy::refuse_at_work(ground)?;
    let target = worker::target(ground.host(), ground.state(), run, None)?;
    if let Some(problem) = worker::obstacle_to(ground.host(), &target) {
        return Err(problem);
    }
    if let Some(damaged) = &target.damaged {
        output.tell(&format!(
            "warning: {}; the journal is used",
            escaped(damaged)
        ));
    }
    if !consent.yes {
        output.tell(&summary(&target, output.told_width()));
    }
    match consent::ask(
        consent,
        "rollback",
        "Put this back now?",
        output.has_colour(),
    )? {
        Answer::Yes => {}
        answer => return Ok(Begun::Declined(declined(&answer, output))),
    }
    let request = worker::request("rollback", Some(target.run));
    let launch = ground.launch()?;
    worker::start(ground.host(), ground.state(), &launch, &request, None, "").map(Begun::Run)
}

fn summary(target: &Target, width: usize) -> String {
    let cut = match (&target.damaged, target.cut_short) {
        (Some(_), _) => ", by its journal,",
        (None, true) => ", which was cut short,",
        (None, false) => "",
    };
    let run = &target.run;
    let head = if target.changes.is_empty() && !target.cut_short {
        format!("Run {run} changed no file: what was proven before it will be what verify tries.")
    } else {
        format!("Run {run}{cut} changed this; it will be as it was before:")
    };
    let mut text = wrapped("", &head, width);
    for change in &target.changes {
        text.push_str(&format!("  {}\n", escaped(&change.path)));
    }
    text
}
