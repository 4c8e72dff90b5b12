//! The whole way by somebody who answers whatever is asked, on a host that is really looked at.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::super::super::outlook::Outlook;
use super::super::super::place::Ground;
use super::super::super::prompt::{Ask, Choices, Unanswered};
use super::super::super::session;
use super::super::super::tests::wishes::Wish;
use super::super::super::tests::{Told, output, written};
use super::super::lead;
use super::super::talk::Talk;
use crate::answers::Entered;
use crate::plan::tests::hosts::PASSPHRASE;
use crate::questions::QUESTIONS;

/// Nobody is asked more often than this on the way.
const PATIENCE: usize = 60;

struct Answering<'a> {
    wish: &'a Wish,
    saved: PathBuf,
    /// What is said at Files, one after the other.
    at_files: std::vec::IntoIter<&'static str>,
    asked: usize,
    heard: String,
}

impl Answering<'_> {
    fn answer(&mut self, label: &str, shown: &str, choices: &[&str]) -> String {
        let starts = |words: &str| label.starts_with(words);
        let answer = match label {
            // There is no plan, and no file to be shown.
            _ if choices == ["again"] => {
                let left = self.at_files.by_ref();
                left.find(|said| ["save", "quit"].contains(said)).unwrap()
            }
            _ if starts("What next?") => shown,
            _ if starts("Show which file?") => self.at_files.next().unwrap(),
            _ if starts("Save as") => self.saved.to_str().unwrap(),
            _ if starts("Change this host now?") => "quit",
            _ if starts("Leave, and forget") => "yes",
            _ => {
                let asked = QUESTIONS.iter().find(|question| starts(question.label));
                let question = asked.unwrap_or_else(|| panic!("{label:?} is nobody's question"));
                match self.wish.answer(question.field) {
                    "" => "none",
                    text => text,
                }
            }
        };
        answer.to_owned()
    }
}

impl Ask for Answering<'_> {
    fn line(
        &mut self,
        label: &str,
        shown: &str,
        choices: Choices<'_>,
    ) -> Result<String, Unanswered> {
        self.asked += 1;
        assert!(self.asked < PATIENCE, "{}", self.heard);
        let words = choices.words();
        let answer = self.answer(label, shown, words);
        let line = format!("{label} {words:?} [{shown}] {answer}\n");
        self.heard.push_str(&line);
        Ok(answer)
    }

    fn secret(&mut self, label: &str) -> Result<Zeroizing<String>, Unanswered> {
        self.asked += 1;
        assert!(self.asked < PATIENCE, "{}", self.heard);
        self.heard.push_str(&format!("{label}\n"));
        Ok(PASSPHRASE.to_owned().into())
    }

    fn say(&mut self, text: &str) {
        self.heard.push_str(text);
    }
}

/// From the first question to the last before the yes; `folder`: where the answers are saved.
pub(in super::super::super) fn led(
    ground: &Ground,
    wish: &Wish,
    begun: Entered,
    folder: &Path,
) -> Told {
    let saved = folder.join("lines.yaml");
    let mut answering = Answering {
        wish,
        saved: saved.clone(),
        // Where there is no plan, next does not lead on, and quit is asked for.
        at_files: vec!["all", "save", "next", "quit"].into_iter(),
        asked: 0,
        heard: String::new(),
    };
    let output = output();
    let facts = session::first_look(ground, None);
    let mut talk = Talk::new(ground, &output, &mut answering, facts, begun);
    lead(&mut talk).unwrap();
    let plan = match &talk.outlook {
        Outlook::Ready(ready) => Ok(written(&ready.1.plan)),
        Outlook::Unfit(problem) => Err(problem.what.clone()),
        _ => panic!("something is not answered: {}", answering.heard),
    };
    Told {
        plan,
        shown: answering.heard,
        saved,
    }
}
