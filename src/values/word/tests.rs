#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a shell is asked how it reads them"
)]

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
