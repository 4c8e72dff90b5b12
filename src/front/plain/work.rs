//! Steps 7 and 8: asks, shows how it goes and what was proven, and asks whether it stays.

use crate::event::Happening;
use crate::receipt::Outcome;
use crate::worker::Started;

use super::super::following;
use super::super::leaving;
use super::super::outlook::Outlook;
use super::super::passphrase;
use super::super::prompt::Choices;
use super::super::starting;
use super::super::words;
use super::talk::{Left, Talk};

impl Talk<'_> {
    pub(super) fn apply(&mut self) -> Result<(), Left> {
        let Outlook::Ready(ready) = &self.outlook else {
            return Err(Left::Back); // Files says why
        };
        if ready.1.plan.is_empty() {
            self.tell(words::NOTHING_TO_DO);
            let help = "There is nothing to apply; back changes answers.";
            self.ask("What next?", "quit", Choices::Of(&["quit", "back"]), help)?;
            return Err(Left::Back);
        }
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
        for (who, what) in words::noticed(Some(&self.facts), &self.entered) {
            self.tell_after(&format!("  {who:<9} "), &what);
        }
        self.tell(words::IF_IT_FAILS);
        self.tell(words::IF_THE_LINE_DROPS);
        let options = self.ground.options();
        self.tell_after(
            "Way back, later: ",
            &format!("nim-tls rollback RUN{options}"),
        );
        let help = "Only the word yes begins; no goes back to Files.";
        if self.ask(
            "Change this host now?",
            "no",
            Choices::Of(&["yes", "no"]),
            help,
        )? == "no"
        {
            return Err(Left::Back);
        }
        self.begin_work()
    }

    fn begin_work(&mut self) -> Result<(), Left> {
        let Outlook::Ready(ready) = &self.outlook else {
            return Err(Left::Back);
        };
        let (answers, plan) = (&ready.0, &ready.1.plan);
        let typed = std::mem::take(&mut self.passphrase);
        let passphrase = match passphrase::need(plan) {
            Some(_) => typed,
            None => zeroize::Zeroizing::default(),
        };
        match starting::start(self.ground, answers, plan, &passphrase) {
            Ok(started) => self.follow(started),
            Err(problem) => {
                self.tell_problem(&problem);
                self.tell(&format!("So {}.", super::talk::UNCHANGED));
                self.look();
                // The passphrase is gone, so the step that asks for it is the one to go on from.
                self.step = crate::questions::Step::Files;
                Err(Left::Back)
            }
        }
    }

    /// Shows a run; on where it changed this host, else the talk ends with it.
    fn follow(&mut self, started: Started) -> Result<(), Left> {
        let run = started.run.clone();
        self.asked.say(&format!("\nCHANGING NOW, run {run}\n"));
        let options = self.ground.options();
        self.tell(&format!(
            "You can lose the line or leave with Ctrl-C: the work goes on in a process of its \
             own. nim-tls watch {run}{options} shows it again."
        ));
        let end = following::watch(self.ground, started, self.output).map_err(Left::Failed)?;
        let Happening::Ended { outcome, exit, .. } = &end else {
            return Err(Left::With(0));
        };
        if *outcome == Outcome::Applied {
            self.last_words =
                format!("what was changed stays\n  do: nim-tls rollback {run}{options}");
            let _ = leaving::say(self.last_words.clone());
            self.made = Some((run, *exit));
            return Ok(());
        }
        self.asked.say(&format!("\n{}\n", words::state(*outcome)));
        let code = following::finish(self.ground, &run, &end, self.output);
        Err(code.map_or_else(Left::Failed, Left::With))
    }

    pub(super) fn verify(&mut self) -> Result<(), Left> {
        let Some((run, exit)) = self.made.clone() else {
            return Err(Left::Back);
        };
        let options = self.ground.options();
        if let Ok(Some(receipt)) = following::receipt(self.ground, &run) {
            let (_, proof) = words::proven(&receipt.proof);
            self.tell(&format!("CHANGED. {proof}"));
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
                Choices::Of(&["keep", "put back"]),
                help,
            ) {
                Ok(said) if said == "keep" => {
                    self.tell(&format!(
                        "It stays. Way back, later: nim-tls rollback {run}{options}"
                    ));
                    return Err(Left::With(exit));
                }
                Ok(_) => break,
                Err(Left::Back) => self.tell("This is done; say keep, or put back."),
                Err(left) => return Err(left),
            }
        }
        match starting::put_back(self.ground) {
            Ok(started) => {
                self.follow(started)?;
                Err(Left::With(exit))
            }
            Err(problem) => Err(Left::Failed(problem)),
        }
    }
}
