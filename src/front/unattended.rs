//! Commands for scripts and for plain terminals: each prints one result, and asks one question
//! at most.

mod busy;
mod apply;
mod check;
mod by_hand;
mod document;
mod history;
mod methods;
mod plan;
mod plan_text;
mod progress;
mod rollback;
mod verify;
mod watch;

use crate::cli::Command;
use crate::error::Problem;

use super::output::Output;
use super::place::Ground;

/// Carries out a command; gives its exit code.
pub(super) fn run(
    command: Option<&Command>,
    ground: &Ground,
    output: &Output,
) -> Result<u8, Problem> {
    match command {
        Some(Command::Methods) => methods::methods(ground, output),
        Some(Command::Check { answers }) => check::check(ground, answers.as_deref(), output),
        Some(Command::Plan { answers }) => plan::plan(ground, &answers.answers, output),
        Some(Command::Apply { answers, consent }) => {
            apply::apply(ground, &answers.answers, *consent, output)
        }
        Some(Command::Watch { run }) => watch::watch(ground, run.as_ref(), output),
        Some(Command::History) => history::history(ground, output),
        Some(Command::Rollback { run, consent }) => {
            rollback::rollback(ground, run.as_ref(), *consent, output)
        }
        Some(Command::Verify) => verify::verify(ground, output),
        // `main` has dispatched these two already.
        Some(Command::Worker { .. } | Command::Stage) | None => Err(Problem::usage(
            "no command: nim-tls apply --answers FILE does the work (this version has no wizard)",
        )
        .remedy("nim-tls --help")),
    }
}
