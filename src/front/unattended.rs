//! Commands for scripts and for plain terminals: each prints one result, and asks one question
//! at most.

mod agents;
mod apply;
mod certs;
mod check;
mod confirm;
mod doctor;
mod history;
mod methods;
mod plan;
mod returning;
mod rollback;
mod settling;
mod verify;
mod watch;

use crate::cli::Command;
use crate::error::Problem;

use super::output::Output;
use super::place::Ground;

pub(super) use watch::watch_asking;

/// Carries out a command; gives its exit code.
pub(super) fn run(command: &Command, ground: &Ground, output: &Output) -> Result<u8, Problem> {
    match command {
        Command::Methods => methods::methods(ground, output),
        Command::Check { answers } => check::check(ground, answers.as_deref(), output),
        Command::Plan { source, save } => plan::plan(ground, source, save.as_deref(), output),
        Command::Apply {
            source,
            consent,
            confirm_within,
        } => apply::apply(ground, source, *consent, *confirm_within, output),
        Command::Confirm { run } => confirm::confirm(ground, run.as_ref(), output),
        Command::Watch { run } => watch::watch(ground, run.as_ref(), output),
        Command::Agents => agents::agents(ground, output),
        Command::History => history::history(ground, output),
        Command::Rollback { run, consent } => {
            rollback::rollback(ground, run.as_ref(), *consent, output)
        }
        Command::Verify => verify::verify(ground, output),
        Command::Return { run, stay } => returning::returning(ground, run, *stay),
        Command::Settle => Ok(settling::settle(ground)),
        Command::Certs(asked) => certs::certs(ground, asked, output),
        Command::Doctor(asked) => doctor::doctor(ground, asked, output),
        // Dispatched already.
        Command::Demo | Command::Worker { .. } | Command::Stage => {
            Err(Problem::usage("this is no command to type").remedy("nim-tls --help"))
        }
    }
}
