//! Steps 4 and 5: what has to be typed or chosen.

use crate::questions::{Asked, Kind, QUESTIONS, Question, Step};

use super::super::passphrase;
use super::super::prompt::Choices;
use super::super::words;
use super::talk::{Left, Talk};

/// What is said where a list is to be empty.
const NONE: &str = "none";

impl Talk<'_> {
    pub(super) fn form(&mut self) -> Result<(), Left> {
        let mut at = 0;
        loop {
            let asked = self.questions();
            let done = match asked.get(at) {
                Some(question) => self.field(question),
                None if self.step == Step::Certificates => self.certificates(),
                None => Ok(()),
            };
            match done {
                Ok(()) if at >= asked.len() => break,
                Ok(()) => at += 1,
                Err(Left::Back) if at > 0 => at = at.min(asked.len()) - 1,
                Err(left) => return Err(left),
            }
        }
        // What is open then is what nobody has looked at.
        if self.entered.check().is_ok() {
            self.look_for_names();
        }
        Ok(())
    }

    fn questions(&self) -> Vec<&'static Question> {
        let asked = |question: &&Question| {
            question.step == self.step
                && matches!(
                    question.asked(&self.facts, &self.entered),
                    Asked::Yes { .. }
                )
        };
        QUESTIONS.iter().filter(asked).collect()
    }

    fn field(&mut self, question: &Question) -> Result<(), Left> {
        self.tell(question.why);
        let values: Vec<&str>;
        let choices = match question.kind {
            Kind::Choice(choices) => {
                for choice in choices {
                    self.tell_after(&format!("  {:<11} ", choice.value), choice.means);
                }
                values = choices.iter().map(|choice| choice.value).collect();
                Choices::Named(&values)
            }
            Kind::YesNo => Choices::Of(&["yes", "no"]),
            _ => Choices::Open,
        };
        let may_be_none = matches!(
            question.kind,
            Kind::Names | Kind::HostNames | Kind::NameOrNone | Kind::Path
        );
        let label = match question.kind {
            Kind::Names | Kind::HostNames => {
                format!("{}, with commas, or {NONE}", question.label)
            }
            Kind::Path | Kind::NameOrNone => format!("{}, or {NONE}", question.label),
            _ => question.label.to_owned(),
        };
        loop {
            let now = self.entered.get(question.field).to_owned();
            let said = match choices {
                Choices::Open => self.ask_freely(&label, &now, choices, question.why)?,
                _ => self.ask(&label, &now, choices, question.why)?,
            };
            let text = if may_be_none && said == NONE {
                ""
            } else {
                said.as_str()
            };
            if let Some(why) = self.take(question, text) {
                self.tell(&format!("That will not do: {why}. Type it again."));
            } else {
                return Ok(());
            }
        }
    }

    /// Takes an answer, or says what is wrong with it and leaves the one before.
    fn take(&mut self, question: &Question, text: &str) -> Option<String> {
        if let Some(why) = question.objection(text) {
            return Some(why);
        }
        let before = self.entered.clone();
        self.entered.set(question.field, text);
        self.replan();
        let why = self.outlook.refusal(question.field).map(str::to_owned);
        if why.is_some() {
            self.entered = before;
            self.replan();
        }
        why
    }

    /// What would be made, and the passphrase where one protects the key that signs.
    fn certificates(&mut self) -> Result<(), Left> {
        let Some(sketch) = self.outlook.sketch() else {
            return Ok(());
        };
        let lines = words::certificates(&sketch.plan, true);
        let need = passphrase::need(&sketch.plan);
        self.tell("Certificates:");
        for line in lines {
            self.asked.say(&format!("  {line}\n"));
        }
        let Some(need) = need else { return Ok(()) };
        self.tell(
            "A passphrase is needed: it protects the key of the authority. Who forgets it cannot \
             issue or renew certificates. An empty line goes back.",
        );
        loop {
            let typed = passphrase::typed(&need, self.asked);
            let text = typed.map_err(|why| self.without_answer(&why))?;
            match passphrase::usable(self.ground, &need, &text, None) {
                Ok(()) => {
                    self.passphrase = text;
                    return Ok(());
                }
                Err(problem) => self.tell(&format!("{}. Type it again.", problem.what)),
            }
        }
    }
}
