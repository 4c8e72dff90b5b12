//! What was typed, to be shown as a command that can be pasted.

use std::ffi::OsStr;

use crate::values::path_word;

/// The command line of this process, with what is to be added to it.
pub(super) fn again(more: &str) -> String {
    let words = std::env::args_os().skip(1).map(|word| quoted(&word));
    let line: Vec<String> = std::iter::once("nim-tls".to_owned()).chain(words).collect();
    format!("{}{more}", line.join(" "))
}

/// The same, as root.
pub(super) fn as_root() -> String {
    format!("sudo {}", again(""))
}

/// As a shell takes it for one word.
pub(super) fn quoted(word: &OsStr) -> String {
    path_word(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted(OsStr::new("/a/b.yaml")), "/a/b.yaml");
        assert_eq!(quoted(OsStr::new("my answers")), "'my answers'");
        assert_eq!(quoted(OsStr::new("it's")), "'it'\\''s'");
        assert_eq!(quoted(OsStr::new("")), "''");
    }
}
