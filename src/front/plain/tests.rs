//! The talk with somebody who says what was written down before.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

pub(in super::super) mod led;

use std::collections::VecDeque;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::super::output::Output;
use super::super::place::Ground;
use super::super::prompt::{Ask, Choices, Unanswered};
use super::super::sample::facts;
use super::lead;
use super::talk::Talk;
use crate::answers::Entered;
use crate::cli::{Format, Place, When};
use crate::questions::Step;

/// Says these lines one after the other, an empty one for what is shown; then its input ends.
struct Script {
    lines: VecDeque<&'static str>,
    heard: String,
}

impl Ask for Script {
    fn line(&mut self, label: &str, shown: &str, _: Choices<'_>) -> Result<String, Unanswered> {
        self.heard.push_str(&format!("{label}\n"));
        match self.lines.pop_front() {
            Some("") => Ok(shown.to_owned()),
            Some("<esc>") => Err(Unanswered::Back),
            Some("<ctrl-c>") => Err(Unanswered::Interrupted),
            Some(line) => Ok(line.to_owned()),
            None => Err(Unanswered::Ended),
        }
    }

    fn secret(&mut self, label: &str) -> Result<Zeroizing<String>, Unanswered> {
        self.line(label, "", Choices::Open).map(Zeroizing::new)
    }

    fn say(&mut self, text: &str) {
        self.heard.push_str(text);
    }
}

struct Told {
    code: u8,
    heard: String,
    entered: Entered,
    step: Step,
}

fn told(lines: &[&'static str]) -> Told {
    let place = Place {
        root: Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/sample-host")),
        state_dir: None,
        format: Format::Text,
        color: When::Never,
        ascii: true,
    };
    let (ground, output) = (Ground::new(&place).unwrap(), Output::new(&place));
    let mut script = Script {
        lines: lines.iter().copied().collect(),
        heard: String::new(),
    };
    let mut talk = Talk::new(&ground, &output, &mut script, facts(), Entered::default());
    let code = lead(&mut talk).unwrap();
    let (entered, step) = (talk.entered, talk.step);
    Told {
        code,
        entered,
        step,
        heard: script
            .heard
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
    }
}

const TO_NAMES: [&str; 3] = ["", "", ""];

#[test]
fn the_words_lead_back_explain_and_leave() {
    let out = told(&["?", "back", "", "back", "quit"]);
    assert_eq!((out.code, out.step), (0, Step::Host));
    for words in [
        "1/8 Host",
        "2/8 Prerequisites",
        "This is the first step",
        "save writes",
    ] {
        assert!(out.heard.contains(words), "{words}: {}", out.heard);
    }
    assert!(out.heard.ends_with("nothing was changed"), "{}", out.heard);
}

#[test]
fn ctrl_c_and_the_end_of_input_leave_with_their_codes() {
    for (lines, code) in [(&["", "<ctrl-c>"][..], 130), (&[""], 129)] {
        let out = told(lines);
        assert_eq!(out.code, code);
        assert!(out.heard.ends_with("nothing was changed"), "{}", out.heard);
    }
}

#[test]
fn a_refused_answer_is_asked_again_and_the_one_before_stays() {
    let mut lines = TO_NAMES.to_vec();
    lines.extend(["nim.example.com", "<esc>", "no name!", "<esc>"]);
    let out = told(&lines);
    assert!(out.heard.contains("That will not do"), "{}", out.heard);
    assert_eq!(out.entered.get("manager_name"), "nim.example.com");
    assert_eq!((out.step, out.code), (Step::Method, 129));
}

#[test]
fn the_beginning_of_a_word_will_do_where_it_is_no_others_and_nothing_is_changed_by_it() {
    let choices = ["encrypted", "plaintext", "ecdsa-p256", "ecdsa-p384"];
    let meant = |said: &str| Choices::Named(&choices).meant(said);
    assert_eq!(meant("p"), Some("plaintext"));
    assert_eq!(meant("e"), None);
    assert_eq!(meant("ecdsa-p3"), Some("ecdsa-p384"));
    assert_eq!(meant(""), None);
    let yes = Choices::InFull(&["yes", "no"]);
    assert_eq!((yes.meant("y"), yes.meant("yes")), (None, Some("yes")));
}

#[test]
fn what_does_not_exist_is_refused_with_its_reason() {
    let out = told(&["", "", "grpc-health-checks", "ssl-termination"]);
    assert!(out.heard.contains("N/A: "), "{}", out.heard);
    assert_eq!(out.entered.get("method"), "ssl-termination");
    assert_eq!(out.entered.get("proxy"), "nginx-oss");
}

#[test]
fn two_passphrases_that_differ_are_both_asked_again_and_never_said() {
    let mut lines = TO_NAMES.to_vec();
    lines.extend([
        "nim.example.com",
        "none",
        "web-1.example.com",
        "require",
        "",
        "",
        "",
        "",
        "",
    ]);
    lines.extend(["correct horse", "another", "correct horse", "correct horse"]);
    let out = told(&lines);
    assert!(
        out.heard.contains("The two passphrases differ"),
        "{}",
        out.heard
    );
    assert!(!out.heard.contains("correct horse"), "{}", out.heard);
    assert!(out.heard.contains("6/8 Files"), "{}", out.heard);
    assert_eq!(out.entered.get("agents"), "web-1.example.com");
    assert!(out.entered.check().is_ok());
}

#[test]
fn leaving_with_answers_asks_once_and_no_is_the_default() {
    let mut lines = TO_NAMES.to_vec();
    lines.extend(["quit", "", "quit", "yes"]);
    let out = told(&lines);
    assert_eq!((out.code, out.step), (0, Step::Names));
    assert_eq!(
        out.heard.matches("Leave, and forget").count(),
        2,
        "{}",
        out.heard
    );
}
