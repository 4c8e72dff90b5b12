//! Mends what a slow line tears. A key such as an arrow is a sequence of bytes that begins with
//! Esc; where the bytes arrive apart, the terminal library takes the first for the key Esc and
//! the rest for letters. This filter, which knows no clock but the times it is given, puts such
//! pieces together, drops the tail of a sequence whose head was already taken for Esc, and
//! takes Alt with a key for Esc and then that key.

use std::time::Duration;

use super::key::Key;

/// After Esc alone, so long is waited for the rest of a sequence.
pub(super) const LONE: Duration = Duration::from_millis(50);
/// After Esc was taken for itself, a tail that comes within this time belongs to it. A line
/// that tears a sequence by more has worse problems.
const STRAY: Duration = Duration::from_millis(400);
/// No sequence of a key is longer, so that what never ends is dropped in pieces.
const LONGEST: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Mend {
    state: State,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    /// Esc came, and then these letters of what may be a sequence.
    Pending { letters: String, last: Duration },
    /// Esc was given out at this time; these letters of a stray tail were dropped since.
    Stray { letters: String, last: Duration },
}

impl Mend {
    /// What a key means that arrives at `now`. The times never run backwards.
    pub(super) fn take(&mut self, key: Key, now: Duration) -> Vec<Key> {
        let mut out = self.tick(now);
        match (&mut self.state, key) {
            (State::Idle | State::Stray { .. }, Key::Esc) => {
                self.state = State::Pending {
                    letters: String::new(),
                    last: now,
                };
            }
            (State::Pending { .. }, Key::Esc) => {
                // The first one was for itself; so much of a sequence as there was is dropped.
                out.push(Key::Esc);
                self.state = State::Pending {
                    letters: String::new(),
                    last: now,
                };
            }
            (State::Pending { letters, .. }, Key::Char(letter)) => {
                letters.push(letter);
                match sequence(letters) {
                    Sequence::Open => {
                        let letters = letters.clone();
                        self.state = State::Pending { letters, last: now };
                    }
                    Sequence::Key(key) => {
                        self.state = State::Idle;
                        out.extend(key);
                    }
                    Sequence::None => {
                        // Esc and a letter: two keys, as Alt with the letter is.
                        self.state = State::Idle;
                        out.extend([Key::Esc, Key::Char(letter)]);
                    }
                }
            }
            (State::Pending { .. }, Key::Alt(letter)) => {
                self.state = State::Idle;
                out.extend([Key::Esc, Key::Esc, Key::Char(letter)]);
            }
            (State::Pending { .. }, other) => {
                self.state = State::Idle;
                out.extend([Key::Esc, other]);
            }
            (State::Stray { letters, .. }, Key::Char(letter)) => {
                letters.push(letter);
                match sequence(letters) {
                    Sequence::Open => {
                        let letters = letters.clone();
                        self.state = State::Stray { letters, last: now };
                    }
                    Sequence::Key(_) => self.state = State::Idle,
                    Sequence::None => {
                        self.state = State::Idle;
                        out.push(Key::Char(letter));
                    }
                }
            }
            (State::Idle | State::Stray { .. }, Key::Alt(letter)) => {
                self.state = State::Idle;
                out.extend([Key::Esc, Key::Char(letter)]);
            }
            (State::Idle | State::Stray { .. }, other) => {
                self.state = State::Idle;
                out.push(other);
            }
        }
        out
    }

    /// What the time alone decides by `now`.
    pub(super) fn tick(&mut self, now: Duration) -> Vec<Key> {
        let mut out = Vec::new();
        if let State::Pending { letters, last } = &self.state
            && now.saturating_sub(*last) >= LONE
        {
            let (letters, last) = (letters.clone(), *last);
            self.state = State::Stray { letters, last };
            out.push(Key::Esc);
        }
        if let State::Stray { last, .. } = &self.state
            && now.saturating_sub(*last) >= STRAY
        {
            self.state = State::Idle;
        }
        out
    }

    /// When [`tick`](Self::tick) has to be called next, if at all.
    pub(super) fn deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Pending { last, .. } => Some(*last + LONE),
            State::Idle | State::Stray { .. } => None,
        }
    }
}

enum Sequence {
    /// The beginning of one.
    Open,
    /// A whole one; `None`: it means nothing here.
    Key(Option<Key>),
    None,
}

/// The letters after Esc, as terminals send them: CSI (`[`), SS3 (`O`), and the Linux console's
/// function keys (`[[A`).
fn sequence(letters: &str) -> Sequence {
    let mut chars = letters.chars();
    match chars.next() {
        Some('O') => match chars.next() {
            None => Sequence::Open,
            Some(last) => Sequence::Key(final_letter(last)),
        },
        Some('[') => control_sequence(chars.as_str()),
        _ => Sequence::None,
    }
}

fn control_sequence(rest: &str) -> Sequence {
    if let Some(console) = rest.strip_prefix('[') {
        return match console.chars().next() {
            None => Sequence::Open,
            Some('A') => Sequence::Key(Some(Key::F1)),
            Some(_) => Sequence::Key(None),
        };
    }
    let Some(last) = rest.chars().last() else {
        return Sequence::Open;
    };
    match last {
        _ if rest.len() > LONGEST => Sequence::Key(None),
        '0'..='9' | ';' | '<' | '?' => Sequence::Open,
        '~' => Sequence::Key(match rest.trim_end_matches('~').split(';').next() {
            Some("1" | "7") => Some(Key::Home),
            Some("4" | "8") => Some(Key::End),
            Some("3") => Some(Key::Delete),
            Some("5") => Some(Key::PageUp),
            Some("6") => Some(Key::PageDown),
            Some("11") => Some(Key::F1),
            _ => None,
        }),
        letter if letter.is_ascii_alphabetic() => Sequence::Key(final_letter(letter)),
        _ => Sequence::None,
    }
}

fn final_letter(letter: char) -> Option<Key> {
    match letter {
        'A' => Some(Key::Up),
        'B' => Some(Key::Down),
        'C' => Some(Key::Right),
        'D' => Some(Key::Left),
        'H' => Some(Key::Home),
        'F' => Some(Key::End),
        'Z' => Some(Key::BackTab),
        'P' => Some(Key::F1),
        'M' => Some(Key::Enter),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys with the milliseconds before each, then what comes out by the end of a second.
    fn mended(keys: &[(u64, Key)]) -> Vec<Key> {
        let mut mend = Mend::default();
        let mut now = Duration::ZERO;
        let mut out = Vec::new();
        for (pause, key) in keys {
            let next = now + Duration::from_millis(*pause);
            if let Some(deadline) = mend.deadline().filter(|deadline| *deadline <= next) {
                out.extend(mend.tick(deadline));
            }
            now = next;
            out.extend(mend.take(*key, now));
        }
        out.extend(mend.tick(now + Duration::from_secs(1)));
        out
    }

    fn torn(gaps: [u64; 2], letters: [char; 2]) -> Vec<Key> {
        mended(&[
            (0, Key::Esc),
            (gaps[0], Key::Char(letters[0])),
            (gaps[1], Key::Char(letters[1])),
        ])
    }

    #[test]
    fn an_arrow_that_was_torn_shortly_is_an_arrow() {
        for gap in [0, 10, 40] {
            assert_eq!(torn([gap, 0], ['[', 'A']), [Key::Up], "{gap}");
            assert_eq!(torn([0, gap], ['[', 'D']), [Key::Left], "{gap}");
            assert_eq!(torn([gap, gap], ['O', 'B']), [Key::Down], "{gap}");
        }
    }

    #[test]
    fn the_tail_of_an_arrow_that_was_torn_for_long_is_never_typed() {
        assert_eq!(torn([150, 0], ['[', 'A']), [Key::Esc]);
        assert_eq!(torn([0, 150], ['[', 'A']), [Key::Esc]);
        assert_eq!(torn([150, 150], ['O', 'C']), [Key::Esc]);
    }

    #[test]
    fn esc_alone_is_decided_by_the_clock_and_only_then() {
        assert_eq!(mended(&[(0, Key::Esc)]), [Key::Esc]);
        let mut mend = Mend::default();
        assert_eq!(mend.take(Key::Esc, Duration::ZERO), []);
        assert_eq!(mend.deadline(), Some(LONE));
        assert_eq!(mend.tick(Duration::from_millis(49)), []);
        assert_eq!(mend.tick(LONE), [Key::Esc]);
        assert_eq!(mend.deadline(), None);
    }

    #[test]
    fn esc_and_a_letter_are_two_keys_however_they_come() {
        let both = [Key::Esc, Key::Char('q')];
        assert_eq!(mended(&[(0, Key::Esc), (0, Key::Char('q'))]), both);
        assert_eq!(mended(&[(0, Key::Esc), (200, Key::Char('q'))]), both);
        assert_eq!(mended(&[(0, Key::Alt('q'))]), both);
        assert_eq!(
            mended(&[(0, Key::Esc), (0, Key::Alt('q'))]),
            [Key::Esc, Key::Esc, Key::Char('q')]
        );
        assert_eq!(
            mended(&[(0, Key::Esc), (0, Key::Enter)]),
            [Key::Esc, Key::Enter]
        );
        assert_eq!(
            mended(&[(0, Key::Esc), (0, Key::Esc)]),
            [Key::Esc, Key::Esc]
        );
    }

    #[test]
    fn function_keys_of_the_console_of_putty_and_of_xterm() {
        let typed = |letters: &str, gap: u64| {
            let mut keys = vec![(0, Key::Esc)];
            keys.extend(letters.chars().map(|letter| (gap, Key::Char(letter))));
            mended(&keys)
        };
        for letters in ["[[A", "[11~", "OP"] {
            assert_eq!(typed(letters, 10), [Key::F1], "{letters}");
        }
        assert_eq!(typed("[3~", 40), [Key::Delete]);
        assert_eq!(typed("[1;5C", 10), [Key::Right]);
        // A key that means nothing here types nothing either.
        assert_eq!(typed("[24~", 10), []);
    }

    #[test]
    fn a_letter_long_after_esc_is_typed() {
        let keys = [(0, Key::Esc), (600, Key::Char('[')), (0, Key::Char('x'))];
        assert_eq!(mended(&keys), [Key::Esc, Key::Char('['), Key::Char('x')]);
    }
}
