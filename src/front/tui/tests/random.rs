//! Keys in any order: nothing breaks, and nothing starts that was not asked for.

use super::super::stops::{Button, Stop, focused};
use super::*;
use crate::questions::Step;

const KEYS: [Key; 26] = [
    Key::Enter,
    Key::Enter,
    Key::Enter,
    Key::Esc,
    Key::Tab,
    Key::BackTab,
    Key::Up,
    Key::Down,
    Key::Left,
    Key::Right,
    Key::Home,
    Key::End,
    Key::PageUp,
    Key::PageDown,
    Key::Backspace,
    Key::Delete,
    Key::F1,
    Key::Char(' '),
    Key::Char('a'),
    Key::Char('s'),
    Key::Char('q'),
    Key::Char('p'),
    Key::Char('d'),
    Key::Char('e'),
    Key::Char('/'),
    Key::Char('n'),
];

/// Xorshift: the same sequence in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }
}

#[test]
fn ten_thousand_keys_break_nothing_and_start_only_what_was_asked_for() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut started = 0;
    for _ in 0..200 {
        let mut model = if dice.throw(2) == 0 {
            begun()
        } else {
            at_apply()
        };
        for _ in 0..50 {
            let yes = model.step == Step::Apply
                && model.overlay.is_none()
                && matches!(focused(&model), Some(Stop::Button(Button::Yes)));
            let key = KEYS[dice.throw(KEYS.len())];
            for effect in update(&mut model, Message::Key(key)) {
                if let Effect::Start { .. } = effect {
                    assert!(yes && key == Key::Enter);
                    started += 1;
                }
            }
            if dice.throw(10) == 0 {
                let size = [(1, 1), (40, 10), (72, 20), (80, 24), (120, 36), (300, 100)];
                let (columns, rows) = size[dice.throw(size.len())];
                update(&mut model, Message::Resized(columns, rows));
                drawn(&model, columns, rows);
            }
        }
    }
    assert!(started > 0, "the test never got as far as the yes");
}
