//! Where words go: results to standard output, progress and problems to standard error. A
//! reader that went away (a closed pipe) is no error.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::cli::{Format, Place, When};
use crate::error::Problem;

#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) format: Format,
    color: bool,
}

impl Output {
    pub(super) fn new(place: &Place) -> Self {
        let color = match place.color {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                // https://no-color.org: set to anything but nothing.
                let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                !unwanted && !dumb && io::stdout().is_terminal()
            }
        };
        Self {
            format: place.format,
            color,
        }
    }

    pub(super) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// The result, as text that ends with a line end.
    pub(super) fn result(&self, text: &str) -> Result<(), Problem> {
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Problem::host(format!(
                "the result could not be written: {error}"
            ))),
            _ => Ok(()),
        }
    }

    /// The result, as the one JSON document.
    pub(super) fn document(&self, document: &impl Serialize) -> Result<(), Problem> {
        let text = serde_json::to_string_pretty(document)
            .map_err(|error| Problem::host(format!("the result is no JSON: {error}")))?;
        self.result(&format!("{text}\n"))
    }

    /// A line on the way to the result.
    pub(super) fn tell(&self, line: &str) {
        // Where nobody reads it any more, the work is not worse for it.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    pub(super) fn problem(&self, problem: &Problem) {
        self.tell(&format!("nim-tls: {problem}"));
    }

    /// A unified diff as it is shown: with colours where they are wanted.
    pub(super) fn diff(&self, diff: &str) -> String {
        if !self.color {
            return diff.to_owned();
        }
        let mut shown = String::with_capacity(diff.len() * 2);
        for line in diff.split_inclusive('\n') {
            let text = line.trim_end_matches('\n');
            let code = match text.as_bytes() {
                [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => "1",
                [b'+', ..] => "32",
                [b'-', ..] => "31",
                [b'@', ..] => "36",
                _ => "",
            };
            if code.is_empty() {
                shown.push_str(line);
            } else {
                shown.push_str(&format!("\x1b[{code}m{text}\x1b[0m\n"));
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_change_no_letter_of_a_diff() {
        let diff = "--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n same\n";
        let output = |color| Output {
            format: Format::Text,
            color,
        };
        assert_eq!(output(false).diff(diff), diff);
        let shown = output(true).diff(diff);
        let mut plain = shown.replace("\x1b[0m", "");
        for code in ["1", "31", "32", "36"] {
            plain = plain.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(plain, diff);
        assert!(
            shown.contains("\x1b[31m-old\x1b[0m\n") && shown.contains("\n same\n"),
            "{shown}"
        );
    }
}
