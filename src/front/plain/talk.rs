//! One talk with the operator: what was said so far, and the words that are understood at each
//! question.

use std::path::Path;

use zeroize::Zeroizing;

use crate::answers::Entered;
use crate::error::Problem;
use crate::facts::Facts;
use crate::prerequisites::{self, Check};
use crate::questions::{self, Step};
use crate::values::{RunId, escaped, wrapped};

use super::super::outlook::{self, Outlook};
use super::super::output::Output;
use super::super::place::Ground;
use super::super::prompt::{Ask, Choices, Unanswered};
use super::super::saving::{self, USUAL_NAME};
use super::super::session;

/// Said by whoever leaves before anything has begun.
pub(super) const UNCHANGED: &str = "nothing was changed";
const WORDS: &str = "Enter takes what stands in brackets. A word may be cut short where that is \
    clear. back goes to the question before, \
    ? explains, save writes the answers so far into a file, troubleshoot says what is wrong, quit \
    leaves.";

/// Why a step is left by another way than onwards.
pub(super) enum Left {
    Back,
    To(Step),
    /// The whole talk ends, with this exit code.
    With(u8),
    Failed(Problem),
}

pub(super) struct Talk<'a> {
    pub(super) ground: &'a Ground,
    pub(super) output: &'a Output,
    pub(super) asked: &'a mut dyn Ask,
    pub(super) facts: Facts,
    pub(super) checks: Vec<Check>,
    pub(super) entered: Entered,
    pub(super) outlook: Outlook,
    pub(super) passphrase: Zeroizing<String>,
    pub(super) step: Step,
    /// The run that was made, and how it ended.
    pub(super) made: Option<(RunId, u8)>,
    /// Whether it was asked if the run shall stay.
    pub(super) decided: bool,
    /// What is so when somebody leaves now.
    pub(super) last_words: String,
}

impl<'a> Talk<'a> {
    pub(super) fn new(
        ground: &'a Ground,
        output: &'a Output,
        asked: &'a mut dyn Ask,
        facts: Facts,
        mut entered: Entered,
    ) -> Self {
        questions::settle(&facts, &mut entered);
        outlook::suggest(&facts, &mut entered);
        let mut talk = Self {
            ground,
            output,
            asked,
            checks: ground.outward().checks(prerequisites::checks(&facts)),
            facts,
            entered,
            outlook: Outlook::default(),
            passphrase: Zeroizing::default(),
            step: Step::Host,
            made: None,
            decided: false,
            last_words: UNCHANGED.to_owned(),
        };
        talk.replan();
        talk
    }

    pub(super) fn begin(&mut self) {
        let (number, count) = (self.step.number(), Step::ALL.len());
        let title = self.step.title();
        self.asked.say(&format!("\n{number}/{count} {title}\n"));
    }

    pub(super) fn replan(&mut self) {
        self.outlook = Outlook::of(&self.facts, &self.entered);
    }

    /// Looks at the host again, with the names of the answers where they will do.
    pub(super) fn look(&mut self) {
        // By what was answered, not by what could be planned: a name that will not do must go on
        // being looked up, or it would be forgotten that it will not do.
        let answers = self.entered.check().ok();
        self.facts = session::first_look(self.ground, answers.as_ref());
        let checks = prerequisites::checks(&self.facts);
        self.checks = self.ground.outward().checks(checks);
        questions::settle(&self.facts, &mut self.entered);
        self.replan();
    }

    pub(super) fn tell(&mut self, text: &str) {
        self.tell_after("", text);
    }

    pub(super) fn tell_after(&mut self, head: &str, text: &str) {
        let text = wrapped(head, &escaped(text), self.output.width);
        self.asked.say(&text);
    }

    /// A problem in sentences, with what helps.
    pub(super) fn tell_problem(&mut self, problem: &Problem) {
        let problem = self.ground.outward().problem(problem);
        self.tell_after("! ", &problem.what);
        if let Some(remedy) = &problem.remedy {
            self.tell_after("  do: ", &questions::in_questions(remedy));
        }
    }

    /// One of a few answers.
    pub(super) fn ask(
        &mut self,
        label: &str,
        shown: &str,
        choices: Choices<'_>,
        help: &str,
    ) -> Result<String, Left> {
        loop {
            let said = self.ask_freely(label, shown, choices, help)?;
            if let Some(word) = choices.meant(&said) {
                return Ok(word.to_owned());
            }
            let choices = choices.words().join(", ");
            self.tell(&format!("That is not understood. Say one of: {choices}."));
        }
    }

    /// Any answer; `choices` are only offered. Words that are no answer are done here.
    pub(super) fn ask_freely(
        &mut self,
        label: &str,
        shown: &str,
        choices: Choices<'_>,
        help: &str,
    ) -> Result<String, Left> {
        loop {
            let said = self.line(label, shown, choices)?;
            match said.as_str() {
                "back" => return Err(Left::Back),
                "?" => {
                    self.tell(help);
                    self.tell(WORDS);
                }
                "save" => self.save()?,
                "troubleshoot" => self.troubleshoot()?,
                "quit" => {
                    if self.may_leave()? {
                        return Err(self.leave(self.made.as_ref().map_or(0, |made| made.1)));
                    }
                }
                _ => return Ok(said),
            }
        }
    }

    fn line(&mut self, label: &str, shown: &str, choices: Choices<'_>) -> Result<String, Left> {
        match self.asked.line(label, shown, choices) {
            Ok(said) => Ok(said.trim().to_owned()),
            Err(unanswered) => Err(self.without_answer(&unanswered)),
        }
    }

    pub(super) fn without_answer(&mut self, why: &Unanswered) -> Left {
        match why {
            Unanswered::Back => Left::Back,
            _ => match why.code() {
                Ok(code) => {
                    self.asked.say("\n");
                    self.leave(code)
                }
                Err(problem) => Left::Failed(problem),
            },
        }
    }

    pub(super) fn leave(&mut self, code: u8) -> Left {
        let words = format!("{}\n", self.last_words);
        self.asked.say(&words);
        Left::With(code)
    }

    /// At once where there is nothing to lose, else after a question.
    fn may_leave(&mut self) -> Result<bool, Left> {
        if self.step <= Step::Method || self.made.is_some() {
            return Ok(true);
        }
        loop {
            let label = "Leave, and forget these answers?";
            match self.line(label, "no", Choices::Of(&["yes", "no", "save"])) {
                Ok(said) if said == "save" => self.save()?,
                Ok(said) => return Ok(said == "yes" || said == "quit"),
                Err(Left::Back) => return Ok(false),
                Err(left) => return Err(left),
            }
        }
    }

    fn save(&mut self) -> Result<(), Left> {
        if self.ground.practice_folder().is_some() {
            self.tell_after("! ", saving::NOT_IN_PRACTICE);
            return Ok(());
        }
        let file = match self.line("Save as", USUAL_NAME, Choices::Of(&[USUAL_NAME])) {
            Ok(file) if file == "back" => return Ok(()),
            Ok(file) if file.is_empty() => USUAL_NAME.to_owned(),
            Ok(file) => file,
            Err(Left::Back) => return Ok(()),
            Err(left) => return Err(left),
        };
        match saving::save(Path::new(&file), &self.entered.to_yaml()) {
            Ok(file) => {
                let options = self.ground.options();
                self.tell(&format!(
                    "saved; later: nim-tls apply --answers {file}{options}"
                ));
            }
            Err(why) => self.tell_after("! ", &why),
        }
        Ok(())
    }
}
