//! What was typed, to be shown as a command that can be pasted.

use std::ffi::OsStr;
use std::path::Path;

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

/// The command that shows a path of this machine, or what is there of the way to it.
pub(super) fn look_at(path: &Path) -> String {
    let is_there = |path: &&Path| path.symlink_metadata().is_ok();
    match path.ancestors().find(is_there) {
        Some(there) if there == path => format!("ls -ld {}", quoted(there.as_os_str())),
        Some(folder) => format!("ls -la {}", quoted(folder.as_os_str())),
        // Seen from here.
        None => "ls -la".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red where the path itself is named, be it there or not.
    #[test]
    fn what_is_there_is_looked_at() {
        assert_eq!(look_at(Path::new("/proc/self")), "ls -ld /proc/self");
        assert_eq!(look_at(Path::new("/proc/none/x")), "ls -la /proc");
        assert_eq!(look_at(Path::new("none/x")), "ls -la");
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted(OsStr::new("/a/b.yaml")), "/a/b.yaml");
        assert_eq!(quoted(OsStr::new("my answers")), "'my answers'");
        assert_eq!(quoted(OsStr::new("it's")), "'it'\\''s'");
        assert_eq!(quoted(OsStr::new("")), "''");
    }
}
