//! The journal of systemd: what the programs of a unit have written to standard output and error,
//! and what systemd says of the unit itself.
//!
//! It is asked for as JSON, an entry a line. There the time of an entry is a number in UTC, and
//! what a program has written is kept apart from what stands before it in a line that is made for
//! people: a client's words that nginx passes on are judged as they are in a file.
//! `--output-fields` would make it shorter, and systemd 219 does not know it.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::own_log::OwnLog;
use super::reading::{Piece, Take};
use super::tail::Tail;
use crate::facts::{Facts, Known};
use crate::host::{Command, Host, Output};
use crate::values::{escaped, moment};

/// Entries that are asked for at once: with the longest lines that journald takes, no more than a
/// program may write.
const PIECE: usize = 500;
/// And of one unit.
const MOST: usize = 20_000;
/// How long one answer may take, and all of them.
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(30);
const NAME: &str = "journal of ";
const NOT_ALLOWED: &str = "only root and members of the group systemd-journal may read it";
/// What it tells others, in several words.
const HINTS: [&str; 2] = ["not seeing messages", "insufficient permissions"];
const SYSTEMD: &str = "1";

/// What is called so is no file.
pub(super) fn name(unit: &str) -> String {
    format!("{NAME}{unit}.service")
}

/// The units that matter and are installed here; where that is not known, why.
pub(super) fn units(facts: &Facts) -> Result<Vec<&str>, &str> {
    if facts.systemd != Known::Is(()) {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for (name, service) in &facts.services {
        match service {
            Known::Is(_) => found.push(name.as_str()),
            Known::Absent => {}
            Known::Unclear(why) => return Err(why),
        }
    }
    Ok(found)
}

pub(super) struct Journal<'a> {
    host: &'a dyn Host,
    program: PathBuf,
    begun: Duration,
}

/// Its fields, as far as they matter (`systemd.journal-fields(7)`).
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "__CURSOR")]
    cursor: String,
    /// Microseconds since 1970.
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    at: String,
    #[serde(rename = "SYSLOG_IDENTIFIER", default)]
    program: Text,
    #[serde(rename = "_PID", default)]
    pid: Text,
    #[serde(rename = "MESSAGE", default)]
    message: Text,
}

/// What is no text that can be printed comes as numbers, and a field that stands several times as a
/// list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Is(String),
    Bytes(Vec<u8>),
    Other(IgnoredAny),
}

impl<'a> Journal<'a> {
    pub(super) fn of(host: &'a dyn Host) -> Result<Self, String> {
        let program = host.find("journalctl");
        let program = program.ok_or("journalctl is not installed")?;
        Ok(Self {
            host,
            program,
            begun: host.uptime(),
        })
    }

    /// Gives what a unit has said since then (seconds since 1970) and does not stand in its own log
    /// to `take`, the newest first, in pieces of whole lines. Says what is missing of it, where
    /// something is.
    pub(super) fn backwards(
        &self,
        unit: &str,
        since: i64,
        own: &OwnLog,
        take: &mut Take<'_>,
    ) -> Result<Option<String>, String> {
        let mut from = format!("--since=@{since}");
        let (mut given, mut done) = (0, 0);
        loop {
            let output = match self.ask(unit, &from, PATIENCE) {
                Ok(output) => output,
                // What was read counts.
                Err(why) if given > 0 => return Ok(Some(why)),
                Err(why) => return Err(why),
            };
            let (count, entries) = entries(&output.stdout);
            let is_asked_for = |entry: &&Entry| entry.at() >= since;
            let wanted = entries.iter().filter(is_asked_for);
            let text: String = wanted.rev().map(|entry| entry.lines(own)).collect();
            done += text.len() as u64;
            let text = text.as_bytes();
            if !text.is_empty() && take(&Piece { text, done }).is_break() {
                return Ok(None);
            }
            given += count;
            let oldest = entries.last().filter(|oldest| oldest.at() >= since);
            let Some(oldest) = oldest.filter(|_| count == PIECE) else {
                return Ok(None);
            };
            if given >= MOST {
                return Ok(Some(format!("no more than {MOST} entries of one unit")));
            }
            if self.host.uptime().saturating_sub(self.begun) > LONGEST {
                let seconds = LONGEST.as_secs();
                return Ok(Some(format!("what could be read in {seconds} s")));
            }
            // It takes one of the two.
            from = format!("--after-cursor={}", oldest.cursor);
        }
    }

    /// The newest entries, the newest first.
    fn ask(&self, unit: &str, from: &str, patience: Duration) -> Result<Output, String> {
        let (unit, lines) = (format!("--unit={unit}.service"), format!("--lines={PIECE}"));
        let args = [
            &unit,
            "--reverse",
            &lines,
            from,
            "--output=json",
            "--all",
            "--no-pager",
        ];
        let command = Command::new(&self.program, &args).timeout(patience);
        let output = self.host.run(&command).map_err(|error| error.to_string())?;
        let said = output.err();
        if HINTS.iter().any(|hint| said.contains(hint)) {
            return Err(NOT_ALLOWED.to_owned());
        }
        if output.timed_out {
            let seconds = patience.as_secs();
            return Err(format!("journalctl did not end within {seconds} s"));
        }
        if !output.success() || (output.stdout.is_empty() && !said.trim().is_empty()) {
            return Err(format!("journalctl said: {}", output.why_failed()));
        }
        Ok(output)
    }
}

/// How many there are, and those that can be read.
fn entries(text: &[u8]) -> (usize, Vec<Entry>) {
    let lines = text.split(|byte| *byte == b'\n');
    let lines: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).collect();
    let read = lines
        .iter()
        .filter_map(|line| serde_json::from_slice(line).ok());
    (lines.len(), read.collect())
}

impl Entry {
    /// Seconds since 1970.
    fn at(&self) -> i64 {
        self.at.parse().map_or(0, |at: i64| at / 1_000_000)
    }

    /// As `journalctl --output=short-iso` shows it, without the name of the host. What has several
    /// lines is as many.
    fn lines(&self, own: &OwnLog) -> String {
        let message = self.message.shown();
        let at = self.at();
        let pid = self.pid.shown();
        let program = self.program.shown();
        // A program names itself as it likes.
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '/');
        let program = if program.is_empty() || !program.chars().all(is_name) {
            "-"
        } else {
            &program
        };
        let of_systemd = pid == SYSTEMD;
        let lines = message.lines().filter(|line| !line.trim().is_empty());
        let lines = lines.filter(|line| of_systemd || !own.has(at, line));
        lines
            .map(|line| format!("{} {program}[{pid}]: {line}\n", moment(at)))
            .collect()
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::Is(String::new())
    }
}

impl Text {
    fn shown(&self) -> String {
        match self {
            Self::Is(text) => text.clone(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Other(_) => String::new(),
        }
    }
}

/// At most `most` bytes of whole lines from the end of what is told as this source, if that is a
/// journal.
pub fn tail_of_journal(host: &dyn Host, source: &str, most: usize) -> Option<Result<Tail, String>> {
    let unit = source.strip_prefix(NAME)?.strip_suffix(".service")?;
    let read = || {
        let journal = Journal::of(host)?;
        let mut pieces = Vec::new();
        let mut size = 0;
        let own = OwnLog::default();
        let cut = journal.backwards(unit, 0, &own, &mut |piece| {
            size += piece.text.len();
            pieces.push(piece.text.to_vec());
            if size > most {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        let mut text: Vec<u8> = pieces.into_iter().rev().flatten().collect();
        let before = text.len().saturating_sub(most);
        if before > 0 {
            let line = text[before..].iter().position(|byte| *byte == b'\n');
            text.drain(..line.map_or(text.len(), |end| before + end + 1));
        }
        let cut = cut.or_else(|| (before > 0).then(|| format!("its last {} bytes", text.len())));
        Ok(Tail { text, cut })
    };
    Some(read().map_err(|why: String| escaped(&why)))
}
