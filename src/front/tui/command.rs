//! What letters do where no text is typed: one table, which the keys and the help are read from.

use super::key::Key;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// As this key.
    As(Key),
    Toggle,
    Help,
    Save,
    Troubleshoot,
    Quit,
    Preview(OfPreview),
}

/// Where there is a preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfPreview {
    Full,
    WholeFile,
    Why,
    Search,
    Next,
    Previous,
}

pub(super) const COMMANDS: [(char, Command); 15] = [
    ('h', Command::As(Key::Left)),
    ('j', Command::As(Key::Down)),
    ('k', Command::As(Key::Up)),
    ('l', Command::As(Key::Right)),
    (' ', Command::Toggle),
    ('p', Command::Preview(OfPreview::Full)),
    ('d', Command::Preview(OfPreview::WholeFile)),
    ('e', Command::Preview(OfPreview::Why)),
    ('/', Command::Preview(OfPreview::Search)),
    ('n', Command::Preview(OfPreview::Next)),
    ('N', Command::Preview(OfPreview::Previous)),
    ('t', Command::Troubleshoot),
    ('s', Command::Save),
    ('?', Command::Help),
    ('q', Command::Quit),
];

/// All keys in words, letters and others, in the order in which they are wanted.
pub(super) const IN_WORDS: &str = "\
Enter  accepts the form and goes on, or presses the button
Esc  leaves a text field; else goes back one step (it does not undo)
Tab, Shift-Tab, arrows or hjkl  move; Space toggles, or edits again
PageUp, PageDown  scroll what is cut
p  preview in full; d  difference or whole file; e  why this line
/, n, N  find; next and previous match, or change
t  Troubleshoot: what is wrong, and what helps
s  save the answers; q  leave; Ctrl-C  leave at once; F1 or ?  this help
";

pub(super) fn of(letter: char) -> Option<Command> {
    let found = COMMANDS.iter().find(|(known, _)| *known == letter)?;
    Some(found.1)
}
