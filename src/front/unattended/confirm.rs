//! `nim-tls confirm`: what was done shall stay.

use crate::error::{Exit, Problem};
use crate::event::Happening;
use crate::receipt::Outcome;
use crate::values::RunId;
use crate::worker::Word;

use super::super::busy;
use super::super::document;
use super::super::following;
use super::super::output::Output;
use super::super::place::Ground;
use super::super::saying;
use super::super::typed::as_root;

pub(super) fn confirm(
    ground: &Ground,
    run: Option<&RunId>,
    output: &Output,
) -> Result<u8, Problem> {
    keep(ground, run, output).map_err(|problem| document::refused(output, problem))
}

fn keep(ground: &Ground, run: Option<&RunId>, output: &Output) -> Result<u8, Problem> {
    if ground.host().is_live() && !ground.host().is_root() {
        return Err(Problem::host("only root can keep what root has changed").remedy(as_root()));
    }
    let waiting = busy::run_at_work(ground)
        .filter(|at_work| run.is_none_or(|run| run == at_work))
        .filter(|at_work| busy::waits(ground, at_work).is_some());
    let Some(waiting) = waiting else {
        let options = ground.options();
        let what = match run {
            Some(run) => format!("run {run} does not wait to be kept"),
            None => "no run waits to be kept".to_owned(),
        };
        return Err(Problem::host(what).remedy(format!("nim-tls history{options}")));
    };
    if saying::say(ground, &waiting, Word::Keep, output)? != Some(Outcome::Applied) {
        let what = format!("too late: run {waiting} is being put back, or was");
        return Err(Problem::host(what).remedy(format!("nim-tls watch {waiting}")));
    }
    if output.is_json() {
        let kept = Happening::Ended {
            outcome: Outcome::Applied,
            exit: Exit::Done as u8,
            problem: None,
        };
        return following::outcome(ground, &waiting, &kept, output);
    }
    let options = ground.options();
    output.result(&format!(
        "run {waiting} is kept\nthe way back, later:\n  nim-tls rollback {waiting}{options}\n"
    ))?;
    Ok(Exit::Done as u8)
}
