//! Asking whether to go ahead, where there is somebody to ask.

use std::io::{self, IsTerminal};

use crate::cli::Consent;
use crate::error::Problem;

use super::leaving;
use super::prompt::{self, Unanswered};
use super::typed::again;

pub(super) enum Answer {
    Yes,
    No,
    /// Ctrl-C, or the end of input: with the exit code.
    Left(u8),
}

/// `--yes`, or a yes at the terminal. `what` is the question.
pub(super) fn ask(
    consent: Consent,
    command: &str,
    what: &str,
    colour: bool,
) -> Result<Answer, Problem> {
    if consent.yes {
        return Ok(Answer::Yes);
    }
    if !is_terminal() {
        return Err(without_terminal(command));
    }
    // Without it an interrupt ends this process all the same, only without a word.
    let _ = leaving::from_questions();
    let mut asked = prompt::at_terminal(colour, false);
    loop {
        match asked.line(what, "no", prompt::Choices::Of(&["yes", "no"])) {
            Ok(said) => match said.to_ascii_lowercase().as_str() {
                "y" | "yes" => return Ok(Answer::Yes),
                "n" | "no" => return Ok(Answer::No),
                _ => asked.say("say yes or no\n"),
            },
            Err(Unanswered::Back) => return Ok(Answer::No),
            Err(unanswered) => return unanswered.code().map(Answer::Left),
        }
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
