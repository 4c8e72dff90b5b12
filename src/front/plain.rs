//! The wizard as questions, one line each: the same steps, questions, answers and plan as on the
//! full screen, and what that shows is said in sentences.

mod files;
mod form;
mod keeping;
mod talk;
mod troubles;
mod ways;
mod work;

#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;

use crate::answers::Entered;
use crate::error::Problem;
use crate::questions::Step;
use crate::values::{RunId, wrapped};

use super::leaving;
use super::output::Output;
use super::place::Ground;
use super::prompt;
use super::session;
use super::unattended::watch_asking;
use super::words;
use talk::{Left, Talk};

/// Leads through the steps; gives the exit code.
pub(super) fn run(ground: Ground, output: &Output, entered: Entered) -> Result<u8, Problem> {
    let ground = Arc::new(ground);
    leaving::taking_along(Arc::clone(&ground));
    // Without it an interrupt ends this process all the same, only without a word.
    let _ = leaving::say(talk::UNCHANGED.to_owned());
    let mut asked = prompt::at_terminal(output.has_colour(), true);
    if let Some(folder) = ground.practice_folder() {
        asked.say(&wrapped("", &words::practice(&folder), output.width));
    }
    asked.say("Looking at this host; nothing is changed by that.\n");
    let facts = session::first_look(&ground, None);
    lead(&mut Talk::new(
        &ground,
        output,
        asked.as_mut(),
        facts,
        entered,
    ))
}

/// Shows a run that somebody has begun, and asks whether it shall stay where it waits for that.
pub(super) fn attach(ground: &Ground, run: &RunId, output: &Output) -> Result<u8, Problem> {
    output.tell("A run is at work on this host; this is how it goes.");
    let mut asked = prompt::at_terminal(output.has_colour(), true);
    watch_asking(ground, run, output, &mut || {
        keeping::decide(ground, run, output, asked.as_mut())
    })
}

fn lead(talk: &mut Talk<'_>) -> Result<u8, Problem> {
    loop {
        talk.begin();
        let done = match talk.step {
            Step::Host => talk.host(),
            Step::Prerequisites => talk.prerequisites(),
            Step::Method => talk.method(),
            Step::Names | Step::Certificates => talk.form(),
            Step::Files => talk.files(),
            Step::Apply => talk.apply(),
            Step::Verify => talk.verify(),
        };
        let number = talk.step.number();
        let next = match done {
            Ok(()) => number,
            Err(Left::Back) => number.saturating_sub(2),
            Err(Left::To(step)) => step.number() - 1,
            Err(Left::With(code)) => return Ok(code),
            Err(Left::Failed(problem)) => return Err(problem),
        };
        talk.step = Step::ALL[next.min(Step::ALL.len() - 1)];
    }
}
