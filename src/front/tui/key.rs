//! Keys as the wizard knows them, and how the terminal library's become these.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    Backspace,
    Delete,
    F1,
    CtrlC,
    /// Ctrl-U: empties a line.
    Clear,
    /// Alt with a letter: to be taken for Esc and then the letter.
    Alt(char),
}

impl Key {
    /// `None`: a key that means nothing here, or one that was let go.
    pub(super) fn of(event: &KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let with = |modifier| event.modifiers.contains(modifier);
        Some(match event.code {
            KeyCode::Char('c' | 'C') if with(KeyModifiers::CONTROL) => Self::CtrlC,
            // Terminals send these for Enter and Backspace too.
            KeyCode::Char('j' | 'm') if with(KeyModifiers::CONTROL) => Self::Enter,
            KeyCode::Char('u') if with(KeyModifiers::CONTROL) => Self::Clear,
            KeyCode::Char('h') if with(KeyModifiers::CONTROL) => Self::Backspace,
            KeyCode::Char(_) if with(KeyModifiers::CONTROL) => return None,
            KeyCode::Char(letter) if with(KeyModifiers::ALT) => Self::Alt(letter),
            KeyCode::Char(letter) => Self::Char(letter),
            // The Linux console sends Alt with Tab for Shift with Tab.
            KeyCode::Tab if with(KeyModifiers::ALT) || with(KeyModifiers::SHIFT) => Self::BackTab,
            KeyCode::Tab => Self::Tab,
            KeyCode::BackTab => Self::BackTab,
            KeyCode::Enter => Self::Enter,
            KeyCode::Esc => Self::Esc,
            KeyCode::Up => Self::Up,
            KeyCode::Down => Self::Down,
            KeyCode::Left => Self::Left,
            KeyCode::Right => Self::Right,
            KeyCode::Home => Self::Home,
            KeyCode::End => Self::End,
            KeyCode::PageUp => Self::PageUp,
            KeyCode::PageDown => Self::PageDown,
            KeyCode::Backspace => Self::Backspace,
            KeyCode::Delete => Self::Delete,
            KeyCode::F(1) => Self::F1,
            _ => return None,
        })
    }
}
