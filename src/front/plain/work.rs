//! Steps 7 and 8: asks, shows how it goes and what was proven, and asks whether it stays.

use crate::error::Problem;
use crate::event::Happening;
use crate::plan::{Plan, hand_out_only};
use crate::questions::Step;
use crate::receipt::Outcome;
use crate::values::RunId;
use crate::worker::Started;

use super::super::following;
use super::super::leaving;
use super::super::outlook::Outlook;
use super::super::passphrase;
use super::super::prompt::Choices;
use super::super::starting;
use super::super::words;
use super::keeping;
use super::talk::{Left, Talk};

impl Talk<'_> {
    pub(super) fn apply(&mut self) -> Result<(), Left> {
        let Outlook::Ready(ready) = &self.outlook else {
            return Err(Left::Back); // Files says why
        };
        if ready.1.plan.is_empty() {
            let words = words::nothing_to_do(&ready.1.plan);
            self.tell(&words);
            let help = "There is nothing to apply; back changes answers.";
            self.ask("What next?", "quit", Choices::Of(&["quit", "back"]), help)?;
            return Err(Left::Back);
        }
        let noticed = words::noticed(Some(&self.facts), &self.entered, &ready.1.plan);
        let if_it_fails = words::if_it_fails(&ready.1.plan);
        let can_hand_out = hand_out_only(&ready.1.plan).is_ok();
        let steps: Vec<String> = ready
            .1
            .plan
            .steps
            .iter()
            .map(|step| step.title.clone())
            .collect();
        self.tell("Nothing has been changed yet. On yes, in this order:");
        for (number, title) in (1..).zip(&steps) {
            self.tell_after(&format!("  {number:>2}. "), title);
        }
        self.tell("What people will notice:");
        for (who, what) in noticed {
            self.tell_after(&format!("  {who:<9} "), &what);
        }
        self.tell(&if_it_fails);
        self.tell(if self.is_practice() {
            words::PRACTICE_GOES
        } else {
            words::IF_THE_LINE_DROPS
        });
        self.tell_after("Way back, later: ", &self.way_back("RUN"));
        let (choices, help): (&[&str], _) = if can_hand_out {
            let help = "Only yes changes this host. hand out makes the agents' certificates and \
                        touches no service: bring them to the agents first, and enforce later. \
                        no goes back to Files.";
            (&["yes", "hand out", "no"], help)
        } else {
            let help = "Only the word yes begins; no goes back to Files.";
            (&["yes", "no"], help)
        };
        let choices = Choices::InFull(choices);
        let said = self.ask("Change this host now?", "no", choices, help)?;
        match said.as_str() {
            "yes" => self.begin_work(|plan| Ok(plan.clone())),
            "hand out" => self.begin_work(hand_out_only),
            _ => Err(Left::Back),
        }
    }

    /// Carries out what `part` takes of the plan.
    fn begin_work(&mut self, part: fn(&Plan) -> Result<Plan, Problem>) -> Result<(), Left> {
        let Outlook::Ready(ready) = &self.outlook else {
            return Err(Left::Back);
        };
        let answers = &ready.0;
        let plan = &part(&ready.1.plan).map_err(Left::Failed)?;
        let typed = std::mem::take(&mut self.passphrase);
        let passphrase = match passphrase::need(plan) {
            Some(_) => typed,
            None => zeroize::Zeroizing::default(),
        };
        match starting::start(
            self.ground,
            answers,
            Some(self.entered.to_yaml()),
            plan,
            &passphrase,
        ) {
            Ok(started) => self.follow(started),
            Err(problem) => {
                self.tell_problem(&problem);
                self.tell(&format!("So {}.", super::talk::UNCHANGED));
                self.look();
                // The passphrase is gone, so the step that asks for it is the one to go on from.
                self.step = Step::Files;
                Err(Left::Back)
            }
        }
    }

    fn is_practice(&self) -> bool {
        self.ground.practice_folder().is_some()
    }

    fn way_back(&self, run: &str) -> String {
        if self.is_practice() {
            "say put back at the last question".to_owned()
        } else {
            format!("nim-tls rollback {run}{}", self.ground.options())
        }
    }

    /// Shows a run; on where it changed this host, else the talk ends with it.
    fn follow(&mut self, started: Started) -> Result<(), Left> {
        let run = started.run.clone();
        self.asked.say(&format!("\nCHANGING NOW, run {run}\n"));
        let options = self.ground.options();
        self.tell(&if self.is_practice() {
            words::PRACTICE_GOES.to_owned()
        } else {
            format!(
                "You can lose the line or leave with Ctrl-C: the work goes on in a process of its \
                 own. nim-tls watch {run}{options} shows it again."
            )
        });
        let mut started = started;
        let mut end = following::watch_until_it_waits(self.ground, &mut started, self.output)
            .map_err(Left::Failed)?;
        if let Happening::Waiting { .. } = end {
            self.step = Step::Verify;
            self.begin();
            self.decided = true;
            let left = keeping::decide(self.ground, &run, self.output, self.asked);
            if let Some(code) = left.map_err(Left::Failed)? {
                return Err(Left::With(code));
            }
            let ended = following::watch(self.ground, started, self.output);
            end = ended.map_err(Left::Failed)?;
        }
        let Happening::Ended { outcome, exit, .. } = &end else {
            return Err(Left::With(0));
        };
        if *outcome == Outcome::Applied {
            self.last_words = if self.is_practice() {
                "the practice host goes away".to_owned()
            } else {
                format!("what was changed stays\n  do: nim-tls rollback {run}{options}")
            };
            let _ = leaving::say(self.last_words.clone());
            if self.decided {
                return Err(self.stays(&run, *exit));
            }
            self.made = Some((run, *exit));
            return Ok(());
        }
        self.asked.say(&format!("\n{}\n", words::state(*outcome)));
        let code = following::finish(self.ground, &run, &end, self.output);
        self.troubles_of(&run);
        Err(code.map_or_else(Left::Failed, Left::With))
    }

    /// Where only requests were written: what is to be done with them.
    fn awaited(&self) -> String {
        let plan = match &self.outlook {
            Outlook::Ready(ready) => &ready.1.plan,
            _ => return String::new(),
        };
        match words::awaited(plan).as_slice() {
            [] => String::new(),
            notes => words::requests_written(notes),
        }
    }

    fn stays(&mut self, run: &RunId, exit: u8) -> Left {
        let issued = format!("{}/issued", self.ground.state());
        let rows = following::proof(self.ground, run);
        if words::is_of_instance(&rows) {
            self.tell(words::TAKE_AWAY);
        } else if self.awaited().is_empty() {
            self.tell(&words::files_wait(&issued));
        }
        if !self.is_practice() {
            let way_back = self.way_back(run.as_str());
            self.tell_after("It stays. Way back, later: ", &way_back);
        }
        Left::With(exit)
    }

    pub(super) fn verify(&mut self) -> Result<(), Left> {
        let Some((run, exit)) = self.made.clone() else {
            return Err(Left::Back);
        };
        if let Ok(Some(receipt)) = following::receipt(self.ground, &run) {
            if receipt.proof.is_empty() {
                let awaited = self.awaited();
                let words = match self.ground.host().is_live() {
                    _ if !awaited.is_empty() => awaited,
                    true => words::HANDED_OUT.to_owned(),
                    false => words::NOTHING_TO_PROVE.to_owned(),
                };
                for line in words.lines() {
                    self.tell(line);
                }
            } else {
                let (_, proof) = words::proven(&receipt.proof);
                self.tell(&format!("CHANGED. {proof}"));
            }
        }
        let end = Happening::Ended {
            outcome: Outcome::Applied,
            exit,
            problem: None,
        };
        following::finish(self.ground, &run, &end, self.output).map_err(Left::Failed)?;
        let help = "keep ends here, and what was done stays; put back undoes every change now.";
        loop {
            match self.ask(
                "Keep it, or put everything back?",
                "keep",
                Choices::InFull(&["keep", "put back"]),
                help,
            ) {
                Ok(said) if said == "keep" => return Err(self.stays(&run, exit)),
                Ok(_) => break,
                Err(Left::Back) => self.tell("This is done; say keep, or put back."),
                Err(left) => return Err(left),
            }
        }
        match starting::put_back(self.ground, &run) {
            Ok(started) => {
                self.follow(started)?;
                Err(Left::With(exit))
            }
            Err(problem) => Err(Left::Failed(problem)),
        }
    }
}
