//! An examination of this host: made for every front, and told in the same words.

use std::path::PathBuf;

use crate::doctor::{self, Diagnosis, Finding, Request, Severity};
use crate::error::Problem;
use crate::host::Local;
use crate::values::{escaped, wrapped};

use super::place::Ground;
use super::session;

/// Looks at the host and reads its logs, passing over lines from before `since` (seconds since
/// 1970). `told` hears which one is being read.
pub(super) fn examine(
    ground: &Ground,
    logs: &[PathBuf],
    since: Option<i64>,
    told: &dyn Fn(&str),
) -> Result<Diagnosis, Problem> {
    let facts = session::first_look(ground, None);
    // Files of the operator's are on this machine: `--root` does not apply to them.
    let machine = Local::live().map_err(|error| Problem::host(error.to_string()))?;
    let request = Request {
        logs,
        logs_on: &machine,
        since,
    };
    Ok(doctor::examine(ground.host(), &facts, &request, told))
}

/// All of it as text.
pub(super) fn text(diagnosis: &Diagnosis, width: usize) -> String {
    let mut text = String::new();
    for found in &diagnosis.findings {
        text.push_str(&finding(found, width));
        text.push('\n');
    }
    for source in &diagnosis.sources {
        let head = if source.read {
            "read      "
        } else {
            "NOT read  "
        };
        text.push_str(&wrapped(
            head,
            &format!("{}: {}", source.path, source.why),
            width,
        ));
    }
    text.push('\n');
    text.push_str(&wrapped("", &summary(diagnosis), width));
    text
}

pub(super) fn summary(diagnosis: &Diagnosis) -> String {
    let count = |severity| diagnosis.count(severity);
    let counted = format!(
        "errors: {}, warnings: {}, notes: {}",
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Info),
    );
    if diagnosis.findings.is_empty() {
        "Nothing was found: no line that was looked at tells of a cause. nim-tls check looks at the \
         host itself."
            .to_owned()
    } else {
        counted
    }
}

/// Where words after the severity begin.
const INDENT: &str = "         ";

/// One finding: what, seen where, why, and what helps.
pub(super) fn finding(found: &Finding, width: usize) -> String {
    let head = format!("{:<8} ", found.severity.word());
    let times = match found.count {
        0 | 1 => String::new(),
        count => format!(", {count} times"),
    };
    let title = format!("{} ({}{times})", found.title, found.cause);
    let mut text = wrapped(&head, &title, width);
    for evidence in &found.evidence {
        let place = match evidence.line {
            Some(line) => format!("{}:{line}:", evidence.file),
            None => format!("{}:", evidence.file),
        };
        // A line of JSON has no blanks at which it could be broken.
        let seen = evidence.text.replace(",\"", ", \"");
        let line = format!("{place} {seen}");
        text.push_str(&wrapped(&format!("{INDENT}> "), &line, width));
    }
    let mut words = |head: &str, words: &str| {
        text.push_str(&wrapped(&format!("{INDENT}{head}"), words, width));
    };
    words("", &found.why);
    words("do: ", &found.fix.text);
    for command in &found.fix.commands {
        text.push_str(&format!("{INDENT}    {}\n", escaped(command)));
    }
    text
}
