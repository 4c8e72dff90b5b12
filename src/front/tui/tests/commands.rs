//! The table of letters tests itself.

use super::super::command::{COMMANDS, Command, IN_WORDS};
use super::super::pane;
use super::*;
use crate::questions::Step;

/// The step Files, where every letter has something to do, with the focus on a file in the middle.
fn at_files() -> Model {
    let mut model = at_apply();
    press(&mut model, &[Key::Esc, Key::Down, Key::Down]);
    assert_eq!(model.step, Step::Files);
    model
}

/// What can be seen, wherever it is.
fn seen(model: &Model) -> String {
    format!("{}{:?}{}", drawn(model, 80, 24), model.preview, model.focus)
}

#[test]
fn every_letter_of_the_table_does_something_and_no_other_does() {
    for letter in (' '..='~').chain(['é', '\u{1b}']) {
        let mut model = at_files();
        let before = seen(&model);
        let effects = press(&mut model, &[Key::Char(letter)]);
        let known = COMMANDS.iter().find(|(known, _)| *known == letter);
        let acts = !effects.is_empty() || seen(&model) != before;
        match known {
            // There is nothing to toggle here; on a field of a few values there is.
            Some((_, Command::Toggle)) => toggles(),
            Some(_) => assert!(acts, "{letter:?} does nothing"),
            None => assert!(!acts, "{letter:?} does something"),
        }
    }
}

fn toggles() {
    let mut model = at_files();
    press(&mut model, &[Key::Esc]);
    assert_eq!(model.step, Step::Certificates);
    let before = seen(&model);
    press(&mut model, &[Key::Char(' ')]);
    assert_ne!(seen(&model), before);
}

#[test]
fn the_help_names_every_letter_and_the_table_names_none_twice() {
    let mut letters: Vec<char> = COMMANDS.iter().map(|(letter, _)| *letter).collect();
    let words: Vec<&str> = IN_WORDS.split([' ', ',', ';', '\n']).collect();
    for letter in &letters {
        let named = match letter {
            ' ' => words.contains(&"Space"),
            'h' | 'j' | 'k' | 'l' => words.contains(&"hjkl"),
            letter => words.contains(&letter.to_string().as_str()),
        };
        assert!(named, "{letter:?} is not in the help");
    }
    let count = letters.len();
    letters.sort_unstable();
    letters.dedup();
    assert_eq!(letters.len(), count);
}

/// What the vendor's guide has in the place of a line is said, where that does not work.
#[test]
fn why_a_line_is_there_names_the_erratum_of_the_guide() {
    let mut model = at_files();
    model.preview.file = 0;
    let lines = pane::lines(&model);
    let asks = lines
        .iter()
        .position(|line| line.text.contains("auth_request /nim-tls/"));
    model.preview.line = asks.expect("a line that asks the check");
    press(&mut model, &[Key::Char('e')]);
    let screen = drawn(&model, 80, 24);
    assert!(screen.contains("(erratum S1)"), "{screen}");
}
