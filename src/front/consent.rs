//! Asking whether to go ahead, where there is somebody to ask.

use std::io::{self, IsTerminal};

use inquire::InquireError;

use crate::cli::Consent;
use crate::error::{Exit, Problem};

use super::typed::again;

pub(super) enum Answer {
    Yes,
    No,
    /// Ctrl-C.
    Interrupted,
}

/// `--yes`, or a yes at the terminal. `what` is the question.
pub(super) fn ask(consent: Consent, command: &str, what: &str) -> Result<Answer, Problem> {
    if consent.yes {
        return Ok(Answer::Yes);
    }
    if !is_terminal() {
        return Err(without_terminal(command));
    }
    match inquire::Confirm::new(what).with_default(false).prompt() {
        Ok(true) => Ok(Answer::Yes),
        Ok(false) | Err(InquireError::OperationCanceled) => Ok(Answer::No),
        Err(InquireError::OperationInterrupted) => Ok(Answer::Interrupted),
        Err(error) => Err(Problem::new(
            Exit::Usage,
            format!("the question failed: {error}"),
        )),
    }
}

/// Said before any work is done that only a yes would make use of.
pub(super) fn possible(consent: Consent, command: &str) -> Result<(), Problem> {
    if consent.yes || is_terminal() {
        Ok(())
    } else {
        Err(without_terminal(command))
    }
}

fn without_terminal(command: &str) -> Problem {
    Problem::usage(format!(
        "{command} asks before it changes anything, and there is no terminal"
    ))
    .remedy(again(" --yes"))
}

/// Whether somebody can be asked: questions come from standard input and go to standard error.
pub(super) fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
