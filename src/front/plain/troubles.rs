//! The word `troubleshoot`: why it does not work, and what mends it.

use std::ops::ControlFlow;

use crate::doctor::Told;
use crate::questions::Step;
use crate::values::{RunId, escaped};

use super::super::diagnosis::{self, Examined};
use super::super::following;
use super::super::prompt::Choices;
use super::super::standing::Standing;
use super::talk::{Left, Talk};

impl Talk<'_> {
    /// What is found, and where the answers of before mend it, whether they shall. It only looks.
    pub(super) fn troubleshoot(&mut self) -> Result<(), Left> {
        let Some(examined) = self.examined(None) else {
            return Ok(());
        };
        // What was just done is kept or put back first.
        if self.made.is_some() {
            return Ok(());
        }
        let Some(entered) = examined.repair().and_then(Standing::entered) else {
            return Ok(());
        };
        let instead = if self.step > Step::Method {
            " They take the place of yours."
        } else {
            ""
        };
        self.tell(&format!(
            "The answers of before mend what has a plan; yes shows it, and changes nothing \
             yet.{instead}"
        ));
        let help = "yes goes to Files with them, and asks again before anything is changed; no goes \
                    on where you were.";
        let choices = Choices::Of(&["yes", "no"]);
        match self.ask("Take them up?", "no", choices, help) {
            Ok(said) if said == "yes" => {}
            Ok(_) | Err(Left::Back) => return Ok(()),
            Err(left) => return Err(left),
        }
        self.entered = entered;
        self.look();
        Err(Left::To(Step::Files))
    }

    /// Said by itself where a proof came out wrong.
    pub(super) fn troubles_of(&mut self, run: &RunId) {
        let rows = following::proof(self.ground, run);
        if rows.iter().any(|row| row.ok == Some(false)) {
            let receipt = following::receipt(self.ground, run).ok().flatten();
            self.examined(receipt.map(|receipt| receipt.started));
        }
    }

    fn examined(&mut self, since: Option<i64>) -> Option<Examined> {
        self.tell("Looking at this host and reading its logs; nothing is changed by that.");
        let output = self.output;
        let made = diagnosis::examine(self.ground, &[], since, &|told| {
            if let Told::Reading { path, done: 0, .. } = told {
                output.tell(&format!("reading {}", escaped(path)));
            }
            ControlFlow::Continue(())
        });
        match made {
            Ok(examined) => {
                let obstacle = examined.obstacle();
                let obstacle = obstacle
                    .map(|problem| diagnosis::obstacle_in_words(problem, self.output.width));
                self.asked.say(&obstacle.unwrap_or_default());
                let text = diagnosis::text(&examined.diagnosis, self.output.width);
                self.asked.say(&text);
                Some(examined)
            }
            Err(problem) => {
                self.tell_problem(&problem);
                None
            }
        }
    }
}
