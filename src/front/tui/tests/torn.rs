//! Keys and pauses in any order, as a bad line or a held key brings them.
//!
//! Red where `tick` leaves a stray tail waiting for ever, where a letter that is no part of a
//! sequence is swallowed, or where one key too many is given out.

use std::time::Duration;

use super::super::key::Key;
use super::super::mend::Mend;
use crate::tests::fuzz::Fuzz;

/// After so long nothing of before counts any more.
const LONG: u64 = 1000;
const WORDS: &[&str] = &[
    "\x1b",
    "\x1b[A",
    "\x1bOB",
    "\x1b[1;5C",
    "\x1b[[A",
    "\x1b[11~",
    "\x1b[3~",
    "\x1b[200~",
    "[",
    "O",
    "\x01",
    "\x02",
    "\x03",
    "\x04",
    "\x05",
    "\x06",
    "\r",
    "q",
    ";;;;;;;;",
];

#[derive(Clone, Copy)]
enum Event {
    Pause(u64),
    Key(Key),
}

fn event(byte: u8) -> Event {
    Event::Key(match byte {
        1 => return Event::Pause(10),
        2 => return Event::Pause(49),
        3 => return Event::Pause(50),
        4 => return Event::Pause(399),
        5 => return Event::Pause(400),
        6 => return Event::Pause(LONG),
        b'\r' => Key::Enter,
        0x1b => Key::Esc,
        0x80..=0xff => Key::Alt(char::from(byte & 0x7f)),
        _ => Key::Char(char::from(byte)),
    })
}

/// What comes of them by a second after the last one. `in_time`: whether the clock is looked at
/// when the filter asks for it, or only with the next key, as in a process that was held up.
fn mended(events: &[Event], in_time: bool) -> Vec<Key> {
    let (mut mend, mut now, mut out) = (Mend::default(), Duration::ZERO, Vec::new());
    for event in events {
        match event {
            Event::Pause(pause) => now += Duration::from_millis(*pause),
            Event::Key(key) => {
                if let Some(due) = mend.deadline().filter(|due| in_time && *due <= now) {
                    out.extend(mend.tick(due));
                }
                out.extend(mend.take(*key, now));
            }
        }
    }
    out.extend(mend.tick(now + Duration::from_millis(LONG)));
    assert_eq!(mend.deadline(), None, "something waits for ever");
    out
}

fn keys(events: &[Event]) -> Vec<Key> {
    let key = |event: &Event| match event {
        Event::Key(key) => Some(*key),
        Event::Pause(_) => None,
    };
    events.iter().filter_map(key).collect()
}

fn letters(keys: &[Key]) -> Vec<char> {
    let letter = |key: &Key| match key {
        Key::Char(letter) | Key::Alt(letter) => Some(*letter),
        _ => None,
    };
    keys.iter().filter_map(letter).collect()
}

fn count(keys: &[Key], wanted: fn(&Key) -> bool) -> usize {
    keys.iter().filter(|key| wanted(key)).count()
}

#[test]
fn whatever_a_line_tears_nothing_is_typed_that_was_not() {
    let fuzz = Fuzz {
        name: "torn keys",
        corpus: WORDS.iter().map(|word| word.as_bytes().to_vec()).collect(),
        words: WORDS,
        most: Duration::from_secs(1),
    };
    fuzz.run(|bytes| {
        let events: Vec<_> = bytes.iter().map(|byte| event(*byte)).collect();
        let (typed, out) = (keys(&events), mended(&events, true));
        assert_eq!(
            mended(&events, false),
            out,
            "it counts when the clock is looked at"
        );

        let mut left = letters(&typed).into_iter();
        for letter in letters(&out) {
            assert!(left.any(|was| was == letter), "{letter:?} in {out:?}");
        }
        let begins: fn(&Key) -> bool = |key| matches!(key, Key::Esc | Key::Alt(_));
        assert!(count(&out, begins) <= count(&typed, begins), "{out:?}");
        assert_eq!(count(&out, |key| matches!(key, Key::Alt(_))), 0);
        let enter: fn(&Key) -> bool = |key| *key == Key::Enter;
        assert!(count(&out, enter) >= count(&typed, enter), "{out:?}");
        if count(&typed, begins) == 0 {
            assert_eq!(out, typed);
        }

        let apart = events.split(|event| matches!(event, Event::Pause(LONG)));
        let apart: Vec<_> = apart.flat_map(|events| mended(events, true)).collect();
        assert_eq!(out, apart, "a pause ends everything");
        typed != out
    });
}
