//! One line of text under the cursor.

use zeroize::Zeroizing;

use super::key::Key;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Edit {
    /// It may be a passphrase, so it is wiped with the line.
    text: Zeroizing<String>,
    /// In characters from the start.
    cursor: usize,
}

/// A longer line is no answer to anything here.
const LONGEST: usize = 4000;

impl Edit {
    pub(super) fn of(text: &str) -> Self {
        Self {
            cursor: text.chars().count(),
            text: text.to_owned().into(),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }

    /// Whether the key was one for a line of text.
    pub(super) fn take(&mut self, key: Key) -> bool {
        match key {
            Key::Char(letter) => self.insert(letter),
            Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Right => self.cursor = (self.cursor + 1).min(self.length()),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = self.length(),
            Key::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.remove();
            }
            Key::Delete => self.remove(),
            Key::Clear => *self = Self::default(),
            Key::Backspace => {}
            _ => return false,
        }
        true
    }

    /// Pasted text is text: line ends become spaces, other control characters are left out.
    pub(super) fn paste(&mut self, text: &str) {
        for letter in text.trim().chars() {
            self.insert(if letter.is_whitespace() { ' ' } else { letter });
        }
    }

    fn insert(&mut self, letter: char) {
        if letter.is_control() || self.text.len() >= LONGEST {
            return;
        }
        let at = self.byte(self.cursor);
        self.text.insert(at, letter);
        self.cursor += 1;
    }

    fn remove(&mut self) {
        if self.cursor < self.length() {
            let at = self.byte(self.cursor);
            self.text.remove(at);
        }
    }

    fn length(&self) -> usize {
        self.text.chars().count()
    }

    fn byte(&self, cursor: usize) -> usize {
        let mut places = self.text.char_indices().map(|(byte, _)| byte);
        places.nth(cursor).unwrap_or(self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_in_where_the_cursor_is() {
        let mut edit = Edit::of("nim.example");
        for key in [
            Key::Home,
            Key::Char('ü'),
            Key::Right,
            Key::Backspace,
            Key::Delete,
        ] {
            assert!(edit.take(key));
        }
        assert_eq!((edit.text(), edit.cursor()), ("üm.example", 1));
        assert!(!edit.take(Key::Enter) && !edit.take(Key::Tab) && !edit.take(Key::Up));
    }

    #[test]
    fn the_ends_of_a_line_hold() {
        let mut edit = Edit::default();
        for key in [Key::Backspace, Key::Delete, Key::Left, Key::Right] {
            assert!(edit.take(key));
        }
        assert_eq!((edit.text(), edit.cursor()), ("", 0));
    }

    #[test]
    fn what_is_pasted_is_one_line_and_never_a_command() {
        let mut edit = Edit::default();
        edit.paste("web-1\n web-2\u{1b}[A\t\n");
        assert_eq!(edit.text(), "web-1  web-2[A");
    }
}
