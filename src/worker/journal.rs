//! The journal of a run: one line for each change, on disk before the change is made.
//!
//! A line is JSON and carries the SHA-256 digest of its own record, so that a line which a
//! power cut tore is told from one that somebody damaged: only the last line may be torn,
//! and then its change was never begun.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::{Host, HostError};
use crate::receipt::{Before, Change};
use crate::values::{Attributes, Digest, RunId};

use super::look::{MOST_BYTES, Present};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// About to be made by us.
    Change { change: Change },
    /// A command is about to rewrite these folders, which look like this.
    Rewriting {
        folders: Vec<String>,
        before: Vec<(String, Before)>,
    },
    /// What the command of the last `Rewriting` changed.
    Rewritten { changes: Vec<Change> },
    /// This run undoes that one.
    Undoing { run: RunId },
}

/// The journal being written.
pub struct Journal<'a> {
    host: &'a dyn Host,
    file: PathBuf,
    kept: PathBuf,
    count: usize,
    entries: Vec<Entry>,
}

impl<'a> Journal<'a> {
    /// The journal `file`, with copies of replaced files in the folder `kept`.
    pub fn new(host: &'a dyn Host, file: PathBuf, kept: PathBuf) -> Self {
        Self {
            host,
            file,
            kept,
            count: 0,
            entries: Vec::new(),
        }
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// When this returns, the entry is on disk and its change may be made.
    pub fn write(&mut self, entry: Entry) -> Result<(), HostError> {
        self.host.append(&self.file, line(&entry).as_bytes())?;
        self.entries.push(entry);
        Ok(())
    }

    /// What is at a path, as the journal records it; a file's bytes are kept aside.
    pub(super) fn keep(&mut self, path: &Path, present: &Present) -> Result<Before, HostError> {
        Ok(match present {
            Present::Nothing => Before::Nothing,
            Present::File(file) => Before::File {
                digest: file.digest.clone(),
                length: file.bytes.len() as u64,
                attributes: file.attributes.clone(),
                modified: file.modified,
                kept: self.keep_aside(&file.bytes)?,
            },
            Present::Link { target } => Before::Link {
                target: target.clone(),
            },
            Present::Folder { attributes } => Before::Folder {
                attributes: attributes.clone(),
            },
            Present::Special => {
                let why = format!("{} cannot be replaced and put back", present.in_words());
                return Err(HostError::Refused {
                    path: path.to_owned(),
                    why,
                });
            }
        })
    }

    fn keep_aside(&mut self, bytes: &[u8]) -> Result<String, HostError> {
        if self.count == 0 {
            self.host
                .make_folder(&self.kept, &Attributes::root(0o700))?;
        }
        let name = format!("{:05}", self.count + 1);
        self.host
            .place(&self.kept.join(&name), bytes, &Attributes::root(0o600))?;
        self.count += 1;
        Ok(name)
    }
}

/// A line that is not what was written, and is not the last.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {0} of the journal is damaged")]
pub struct Damaged(pub usize);

/// The journal in `file`, without a torn last line. A file that is not there has no entries.
pub(super) fn read(host: &dyn Host, file: &Path) -> Result<Result<Vec<Entry>, Damaged>, HostError> {
    match host.stat(file)? {
        None => Ok(Ok(Vec::new())),
        Some(_) => host.read(file, MOST_BYTES).map(|bytes| entries(&bytes)),
    }
}

fn entries(bytes: &[u8]) -> Result<Vec<Entry>, Damaged> {
    let mut entries = Vec::new();
    let mut lines = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .enumerate()
        .peekable();
    while let Some((number, line)) = lines.next() {
        match parsed(line) {
            Some(entry) => entries.push(entry),
            None if lines.peek().is_none() => break,
            None => return Err(Damaged(number + 1)),
        }
    }
    Ok(entries)
}

const HEAD: &str = r#"{"sha256":""#;
const MIDDLE: &str = r#"","record":"#;
const TAIL: &str = "}\n";

fn line(entry: &Entry) -> String {
    // Only maps with keys that are no strings cannot be written as JSON; there are none.
    let record = serde_json::to_string(entry).unwrap_or_default();
    format!(
        "{HEAD}{}{MIDDLE}{record}{TAIL}",
        Digest::of(record.as_bytes())
    )
}

fn parsed(line: &[u8]) -> Option<Entry> {
    let text = std::str::from_utf8(line).ok()?;
    let (digest, rest) = text.strip_prefix(HEAD)?.split_once(MIDDLE)?;
    let record = rest.strip_suffix(TAIL)?;
    let whole = Digest::of(record.as_bytes()).as_str() == digest;
    whole.then(|| serde_json::from_str(record).ok()).flatten()
}

#[cfg(test)]
#[path = "journal/tests.rs"]
mod tests;
