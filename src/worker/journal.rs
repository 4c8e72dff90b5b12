//! The journal of a run: one line for each change, on disk before the change is made.
//!
//! A line is JSON and carries the SHA-256 digest of its own record, so that a line which a
//! power cut tore is told from one that somebody damaged: only the last line may be torn,
//! and then its change was never begun.
//!
//! Lines that are gone from the end look like lines that were never written, so each is written
//! to a second file as well. Only the first one is waited for; the second one is for where a
//! disk or a person damaged the first.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::{Host, HostError};
use crate::receipt::{Before, Change};
use crate::values::{Attributes, Digest, RunId};

use super::look::{Present, own_file};

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
    files: Files,
    kept: PathBuf,
    count: usize,
    entries: Vec<Entry>,
}

impl<'a> Journal<'a> {
    /// The journal in `files`, with copies of replaced files in the folder `kept`.
    pub(super) fn new(host: &'a dyn Host, files: Files, kept: PathBuf) -> Self {
        Self {
            host,
            files,
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
        let line = line(&entry);
        self.host.append(&self.files.first, line.as_bytes())?;
        // Without it the change is as safe as any journal makes it.
        let _ = self.host.note(&self.files.second, line.as_bytes());
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

/// Where the lines are, twice.
pub(super) struct Files {
    pub first: PathBuf,
    pub second: PathBuf,
}

/// In both files, this line is not what was written, and it is not the last that was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {0} of the journal is damaged, and so is its copy")]
pub struct Damaged(pub usize);

/// The journal, without a torn last line. One that is not there has no entries.
pub(super) fn read(
    host: &dyn Host,
    files: &Files,
) -> Result<Result<Vec<Entry>, Damaged>, HostError> {
    Ok(
        match (bytes(host, &files.first), bytes(host, &files.second)) {
            (Ok(first), Ok(second)) => entries([&first, &second]),
            (Ok(one), Err(_)) | (Err(_), Ok(one)) if !one.is_empty() => entries([&one]),
            (Err(error), _) | (_, Err(error)) => return Err(error),
        },
    )
}

fn bytes(host: &dyn Host, file: &Path) -> Result<Vec<u8>, HostError> {
    Ok(own_file(host, file)?.unwrap_or_default())
}

/// What can be read of one file of a journal.
struct Lines {
    /// From the beginning to the first line that is damaged or torn.
    whole: Vec<Entry>,
    /// Nothing comes after them, or what was torn before its change was begun.
    is_end: bool,
    /// What comes after a damaged line, and can be read.
    more: Vec<Entry>,
}

impl Lines {
    fn of(bytes: &[u8]) -> Self {
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let (mut whole, mut is_end) = (Vec::new(), true);
        for line in lines.by_ref() {
            let Some(entry) = parsed(line) else {
                is_end = !line.ends_with(b"\n");
                break;
            };
            whole.push(entry);
        }
        let more = lines.filter_map(parsed).collect();
        Self {
            whole,
            is_end,
            more,
        }
    }
}

/// Of these files of one journal the one that is whole for longest, which has to be all of it:
/// none holds a line that is not in it.
fn entries<const N: usize>(files: [&[u8]; N]) -> Result<Vec<Entry>, Damaged> {
    let files = files.map(Lines::of);
    let longest = files
        .iter()
        .max_by_key(|lines| (lines.whole.len(), lines.is_end));
    let Some(Lines { whole, is_end, .. }) = longest else {
        return Ok(Vec::new());
    };
    let mut more = files.iter().flat_map(|lines| &lines.more);
    if !is_end || more.any(|entry| !whole.contains(entry)) {
        return Err(Damaged(whole.len() + 1));
    }
    Ok(whole.clone())
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
