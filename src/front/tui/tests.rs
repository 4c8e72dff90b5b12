#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod commands;
mod keep;
mod keys;
pub(in super::super) mod led;
mod random;
mod screens;
mod torn;
mod troubles;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::outward::Outward;
use super::super::sample::facts;
use super::key::Key;
use super::look::Look;
use super::message::{Effect, Message};
use super::model::Model;
use super::update::update;
use super::view;
use crate::answers::Entered;

/// The wizard as it is when the sample host was looked at.
fn begun() -> Model {
    let look = Look {
        colour: false,
        ascii: true,
    };
    let mut model = Model::new(look, (80, 24), Entered::default(), Outward::default());
    update(&mut model, Message::Looked(Box::new(facts())));
    model
}

fn press(model: &mut Model, keys: &[Key]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys {
        effects.extend(update(model, Message::Key(*key)));
    }
    effects
}

fn typed(model: &mut Model, text: &str) {
    for letter in text.chars() {
        press(model, &[Key::Char(letter)]);
    }
}

fn drawn(model: &Model, columns: u16, rows: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view::frame(model, frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let mut text = String::new();
    for y in 0..rows {
        let line: String = (0..columns).map(|x| buffer[(x, y)].symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// From the first step to the question of the step Apply.
fn at_apply() -> Model {
    let mut model = begun();
    press(&mut model, &[Key::Enter, Key::Enter, Key::Enter]);
    typed(&mut model, "nim.example.com");
    press(&mut model, &[Key::Enter, Key::Enter]);
    typed(&mut model, "correct horse");
    press(&mut model, &[Key::Tab]);
    typed(&mut model, "correct horse");
    press(&mut model, &[Key::Enter]);
    press(&mut model, &[Key::Enter]);
    model
}
