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
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#[expect(
    clippy::disallowed_methods,
    reason = "a shell is asked how it reads them"
)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::values::with_command;

    /// Red where a quote, a backslash or an invalid byte is put down as it is.
    #[test]
    fn a_shell_reads_back_what_was_meant() {
        let mut words: Vec<Vec<u8>> = (1..=255).map(|byte| vec![b'a', byte, b'7']).collect();
        for text in [
            "",
            "it's",
            "a: rm -rf b",
            "$HOME `x` \"y\"",
            "é \u{202e}",
            "\\n'\n",
        ] {
            words.push(text.as_bytes().to_owned());
        }
        for word in words {
            let shown = path_word(OsStr::from_bytes(&word));
            assert!(!shown.contains(is_hidden), "{shown:?}");
            let script = format!("printf %s {shown}");
            let read = Command::new("bash").args(["-c", &script]).output().unwrap();
            assert_eq!(read.stdout, word, "{shown}");
        }
    }

    #[test]
    fn a_name_is_no_command() {
        let target = path_word("x: rm -rf /home");
        let words = format!("/a is a symbolic link to {target}");
        assert_eq!(with_command(&words), (words.as_str(), None));
    }
}
