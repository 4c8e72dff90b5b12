//! A run that is done and proven: whether it shall stay, asked in lines.

use crate::error::Problem;
use crate::values::{RunId, wrapped};
use crate::worker::{Runs, Word};

use super::super::busy;
use super::super::document;
use super::super::following;
use super::super::leaving;
use super::super::output::Output;
use super::super::place::Ground;
use super::super::prompt::{Ask, Choices};
use super::super::words;

const HELP: &str = "keep: what was done stays. put back: every change is undone now. not yet: look \
    at the UI in a browser first. If nothing is said in time, all of it is put back.";

/// Shows what a run has proven, and tells it what shall become of it; the run waits for that. Gives
/// an exit code where somebody leaves instead: then nobody has kept it.
pub(super) fn decide(
    ground: &Ground,
    run: &RunId,
    output: &Output,
    asked: &mut dyn Ask,
) -> Result<Option<u8>, Problem> {
    let width = output.width;
    let rows = following::proof(ground, run);
    let proof = if rows.is_empty() {
        words::NOTHING_TO_PROVE.to_owned()
    } else {
        words::proven(&rows).1
    };
    asked.say(&wrapped("", &format!("CHANGED. {proof}"), width));
    asked.say(&document::proof(&rows, width));
    // Said too where the line drops.
    let undecided = undecided(ground, run);
    let _ = leaving::say(undecided.clone());
    while let Some(waits) = busy::waits(ground, run) {
        let look = words::look_now(words::is_of_instance(&rows));
        let covers = words::covers(waits.switch.as_ref());
        asked.say(&wrapped(
            "",
            &format!(
                "{look} Everything is put back by itself in {} s{covers}.",
                waits.left
            ),
            width,
        ));
        if let Some((back, of)) = waits.came_back {
            asked.say(&wrapped(
                "",
                &format!("{}.", words::came_back(back, of)),
                width,
            ));
        }
        let choices = Choices::InFull(&["keep", "put back", "not yet"]);
        let said = match asked.line("Keep it, or put everything back?", "not yet", choices) {
            Ok(said) => said,
            Err(unanswered) => {
                asked.say(&format!("\n{undecided}\n"));
                return unanswered.code().map(Some);
            }
        };
        let word = match said.trim() {
            "keep" => Word::Keep,
            "put back" => Word::PutBack,
            "not yet" => continue,
            "quit" => {
                asked.say(&format!("{undecided}\n"));
                return Ok(Some(0));
            }
            _ => {
                asked.say(&wrapped("", HELP, width));
                continue;
            }
        };
        let folder = Runs::new(ground.host(), ground.state()).open(run);
        folder
            .say(word)
            .map_err(|error| Problem::host(error.to_string()))?;
        return Ok(None);
    }
    Ok(None)
}

fn undecided(ground: &Ground, run: &RunId) -> String {
    if ground.practice_folder().is_some() {
        return "the practice host goes away".to_owned();
    }
    format!(
        "all of it is put back when the time is over, unless somebody keeps it\n  do: nim-tls \
         confirm {run}{}",
        ground.options()
    )
}
