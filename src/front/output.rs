//! Where words go: results to standard output, progress and problems to standard error. A
//! reader that went away (a closed pipe) is no error.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::cli::{Format, Place, When};
use crate::error::Problem;
use crate::values::{USUAL_WIDTH, advised, shown, shown_json, wrapped};

use super::outward::Outward;
use super::prompt::addresses_cursor;

#[derive(Debug)]
pub(super) struct Output {
    pub(super) format: Format,
    /// How what helps is told, for whom the host is a tree.
    pub(super) outward: Outward,
    color: bool,
    /// Columns of the result.
    pub(super) width: usize,
    /// Columns of standard error, where that is a terminal.
    told_width: Option<usize>,
    /// The one JSON document has been written.
    documented: Cell<bool>,
}

/// An error, where a command has no document of its own for it.
#[derive(Serialize)]
struct ProblemDocument {
    schema: u32,
    problem: String,
}

impl Output {
    pub(super) fn new(place: &Place) -> Self {
        let color = match place.color {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                // https://no-color.org: set to anything but nothing.
                let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                !unwanted && addresses_cursor() && io::stdout().is_terminal()
            }
        };
        Self {
            format: place.format,
            outward: Outward::default(),
            color,
            width: columns(&io::stdout()).unwrap_or(USUAL_WIDTH),
            told_width: columns(&io::stderr()),
            documented: Cell::new(false),
        }
    }

    /// Columns of what is told.
    pub(super) fn told_width(&self) -> usize {
        self.told_width.unwrap_or(USUAL_WIDTH)
    }

    /// Whether somebody watches what is told.
    pub(super) fn is_watched(&self) -> bool {
        self.told_width.is_some()
    }

    pub(super) fn has_colour(&self) -> bool {
        self.color
    }

    pub(super) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// The result, as text that ends with a line end.
    pub(super) fn result(&self, text: &str) -> Result<(), Problem> {
        self.write(&shown(text, self.color))
    }

    fn write(&self, text: &str) -> Result<(), Problem> {
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let what = format!("the result could not be written to standard output: {error}");
                Err(Problem::usage(what).remedy("df -h"))
            }
            _ => Ok(()),
        }
    }

    /// The result, as the one JSON document.
    pub(super) fn document(&self, document: &impl Serialize) -> Result<(), Problem> {
        let text = serde_json::to_string_pretty(document)
            .map_err(|error| Problem::host(format!("the result is no JSON: {error}")))?;
        self.documented.set(true);
        self.write(&format!("{}\n", shown_json(&text)))
    }

    /// A line on the way to the result.
    pub(super) fn tell(&self, line: &str) {
        // Where nobody reads it any more, the work is not worse for it.
        let _ = writeln!(io::stderr().lock(), "{}", shown(line, self.color));
    }

    /// The same, broken where the terminal ends; what follows is indented like the text.
    pub(super) fn tell_after(&self, head: &str, text: &str) {
        self.tell(wrapped(head, text, self.told_width()).trim_end_matches('\n'));
    }

    /// What went wrong. Where nobody watches it is for logs and scripts: a line for a sentence.
    pub(super) fn problem(&self, problem: &Problem) {
        let problem = self.outward.problem(problem);
        let width = self.told_width.unwrap_or(usize::MAX);
        let mut text = String::new();
        for (index, line) in problem.what.lines().enumerate() {
            let blanks = line.len() - line.trim_start().len();
            let head = if index == 0 {
                "nim-tls: "
            } else {
                &line[..blanks]
            };
            text.push_str(&wrapped(head, line, width));
        }
        if let Some(remedy) = &problem.remedy {
            text.push_str(&advised("  ", remedy, width));
        }
        self.tell(text.trim_end_matches('\n'));
    }

    /// What went wrong, as the JSON document too, where a command has not written its own.
    pub(super) fn failed(&self, problem: &Problem) {
        if self.is_json() && !self.documented.get() {
            let problem = self.outward.problem(problem).to_string();
            // That this fails has nothing to do with the problem, which is told in any case.
            let _ = self.document(&ProblemDocument { schema: 1, problem });
        }
        self.problem(problem);
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

/// How wide a terminal is; `None` where there is none, or it does not say.
fn columns(stream: &(impl IsTerminal + rustix::fd::AsFd)) -> Option<usize> {
    if !stream.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(stream).ok();
    let columns = size.map_or(0, |size| usize::from(size.ws_col));
    // Some serial lines say 0, and below 40 columns nothing of this can be read anyway.
    Some(if columns == 0 {
        USUAL_WIDTH
    } else {
        columns.max(40)
    })
}

/// The document for arguments that could not even be read.
pub(super) fn usage_document(problem: &str) -> String {
    let problem = problem.to_owned();
    let text = serde_json::to_string_pretty(&ProblemDocument { schema: 1, problem });
    shown_json(&text.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_change_no_letter_of_a_diff() {
        let diff = "--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n same\n";
        let output = |color| Output {
            outward: Outward::default(),
            format: Format::Text,
            color,
            width: USUAL_WIDTH,
            told_width: None,
            documented: Cell::new(false),
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
