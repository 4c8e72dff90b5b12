//! Words of commands that are printed to be pasted into a shell.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::text::is_hidden;

/// As a shell takes it for one word.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A path, or another word from outside, as a shell takes it for one word, and safe to show: what
/// does not show, or is no text, is an octal escape of `$'...'`, which bash, zsh and POSIX of 2024
/// know. In none there is `: `, so no name can pass its end off as the command of a sentence
/// (see [`with_command`](super::with_command)).
pub fn path_word(word: impl AsRef<OsStr>) -> String {
    let bytes = word.as_ref().as_bytes();
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.contains(is_hidden)
        && !text.contains(": ")
    {
        return shell_word(text);
    }
    let mut shown = String::from("$'");
    let octal = |shown: &mut String, bytes: &[u8]| {
        for byte in bytes {
            shown.push_str(&format!("\\{byte:03o}"));
        }
    };
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_hidden(c) || c == ' ' && shown.ends_with(':') {
                octal(&mut shown, c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                if matches!(c, '\'' | '\\') {
                    shown.push('\\');
                }
                shown.push(c);
            }
        }
        octal(&mut shown, chunk.invalid());
    }
    shown.push('\'');
    shown
}

#[cfg(test)]
#[path = "word/tests.rs"]
mod tests;
