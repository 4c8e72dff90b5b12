//! Where a run keeps what it was asked, does and did: `STATE/runs/RUN`.
//!
//! ```text
//! request.json   who asked for what           journal.jsonl  each change, before it is made
//! plan.json      the plan to carry out        receipt.json   what was done; last of all
//! events.jsonl   what a front shows           proof.txt      the proof, to be read by people
//! before/        replaced files as they were  removed/       private keys that an undo took away
//! word.json      whether it shall stay        journal-copy.jsonl   the journal once more
//! ```
//! A run with a journal and no receipt was cut short (or is at work: then it holds the lock).

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Exit, Problem};
use crate::host::{Host, HostError};
use crate::plan::Plan;
use crate::receipt::{Receipt, Unusable};
use crate::values::{Attributes, RunId, path_word};

use super::events::says_it_placed;
use super::journal::{self, Damaged, Entry, Files, Journal};
use super::look::{MOST_BYTES, own_file};

const WORD: &str = "word.json";

/// What a front asks of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// `apply`, `rollback`, ...
    pub command: String,
    /// The run to undo; `None`: carry out `plan.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<RunId>,
    pub user: String,
    pub terminal: String,
    /// Seconds within which somebody has to say that what was done shall stay; `None`: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_within: Option<u32>,
    /// How many runs had changed something when the plan was begun: it knows of no other one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_seen: Option<usize>,
    /// The answers that it was planned for, as they were written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
    /// Nobody asked for it: it is what the switch of the undone run does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_switch: bool,
}

/// What somebody says of a run that waits to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    Keep,
    PutBack,
}

/// One run's folder.
#[derive(Clone)]
pub struct RunFolder<'a> {
    host: &'a dyn Host,
    id: RunId,
    path: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("{path}: {why}")]
    Unreadable { path: PathBuf, why: String },
    #[error(
        "{path}: {damaged}. What the run changed stands in its plan.json, and what was there in \
         its before/: once that is put right by hand, the run can be moved out of the way"
    )]
    Damaged { path: PathBuf, damaged: Damaged },
    #[error("{path} {unusable}")]
    Receipt { path: PathBuf, unusable: Unusable },
    #[error("{0}")]
    Numbering(String),
}

impl RunError {
    /// A receipt that cannot be read; the journal says what its run did.
    pub fn is_damaged_receipt(&self) -> bool {
        let Self::Receipt { unusable, .. } = self else {
            return false;
        };
        matches!(unusable, Unusable::Damaged(_))
    }

    /// What helps; `options` are those that make a command act on the same place.
    pub fn remedy(&self, options: &str) -> String {
        match self {
            Self::Receipt {
                unusable: Unusable::Newer(_),
                ..
            } => "install that nim-tls again, or a newer one (this one: nim-tls --version)".into(),
            Self::Receipt { .. } => format!("nim-tls rollback --yes{options}"),
            Self::Damaged { path, .. } => {
                let folder = path.parent().unwrap_or(path);
                let aside = folder.with_extension("damaged");
                format!("mv {} {}", path_word(folder), path_word(aside))
            }
            Self::Unreadable { path, .. } => format!("ls -l {}", path_word(path)),
            Self::Host(error) => match error.remedy() {
                Some(remedy) => remedy,
                None => format!("sudo nim-tls history{options}"),
            },
            Self::Numbering(_) => format!("sudo nim-tls history{options}"),
        }
    }
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        let exit = match error {
            // It changed something, and cannot be undone.
            RunError::Damaged { .. } => Exit::Incomplete,
            _ => Exit::HostUnfit,
        };
        Self::new(exit, error.to_string()).remedy(error.remedy(""))
    }
}

impl<'a> RunFolder<'a> {
    pub(super) fn new(host: &'a dyn Host, id: RunId, path: PathBuf) -> Self {
        Self { host, id, path }
    }

    pub fn id(&self) -> &RunId {
        &self.id
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn events_file(&self) -> PathBuf {
        self.path.join("events.jsonl")
    }

    pub fn request(&self) -> Result<Option<Request>, RunError> {
        self.read_json("request.json")
    }

    pub fn plan(&self) -> Result<Option<Plan>, RunError> {
        self.read_json("plan.json")
    }

    pub fn write_plan(&self, plan: &Plan) -> Result<(), RunError> {
        self.write_json("plan.json", plan)
    }

    /// What was said of it, while it waits to be kept.
    pub fn word(&self) -> Result<Option<Word>, RunError> {
        self.read_json(WORD)
    }

    /// The last word before the worker looks is the one that counts.
    pub fn say(&self, word: Word) -> Result<(), RunError> {
        self.write_json(WORD, &word)
    }

    pub fn receipt(&self) -> Result<Option<Receipt>, RunError> {
        let path = self.path.join("receipt.json");
        let read = match own_file(self.host, &path) {
            Ok(None) => return Ok(None),
            Ok(Some(bytes)) => Receipt::read(&bytes),
            // Something else is there under its name, or it is larger than any receipt.
            Err(HostError::Refused { why, .. }) => Err(Unusable::Damaged(why)),
            Err(error) => return Err(error.into()),
        };
        read.map(Some)
            .map_err(|unusable| RunError::Receipt { path, unusable })
    }

    pub(super) fn has_receipt(&self) -> bool {
        let receipt = self.host.stat(&self.path.join("receipt.json"));
        matches!(receipt, Ok(Some(_)))
    }

    /// Takes a receipt back that no longer holds. Without one the run counts as cut short.
    pub(super) fn take_receipt_back(&self) {
        if self.has_receipt() {
            // Where this fails, whoever ends the run looks once more.
            let _ = self.host.remove_file(&self.path.join("receipt.json"));
        }
    }

    pub fn write_receipt(&self, receipt: &Receipt) -> Result<(), RunError> {
        let path = self.path.join("receipt.json");
        let text = receipt.written().map_err(|error| RunError::Unreadable {
            path,
            why: error.to_string(),
        })?;
        Ok(self.write("receipt.json", &text)?)
    }

    /// Gives a receipt that is damaged another name, for whoever wants to look at it. Where one
    /// has that name already, nothing is lost that was worth more.
    pub fn set_receipt_aside(&self) {
        let aside = self.path.join("receipt-damaged.json");
        let _ = self.host.rename(&self.path.join("receipt.json"), &aside);
    }

    /// When it was asked for: the request is written once, as the first file of all.
    pub fn asked_at(&self) -> Option<i64> {
        self.written_at(["request.json"])
    }

    /// When it last wrote down something.
    pub fn last_sign(&self) -> Option<i64> {
        self.written_at(["request.json", "events.jsonl", "journal.jsonl"])
    }

    fn written_at<const N: usize>(&self, names: [&str; N]) -> Option<i64> {
        let times = names.iter().filter_map(|name| {
            let stat = self.host.stat(&self.path.join(name)).ok().flatten()?;
            Some(stat.modified)
        });
        times.max()
    }

    /// Whether somebody has taken it away.
    pub fn is_gone(&self) -> bool {
        matches!(self.host.stat(&self.path), Ok(None))
    }

    /// What a command that it runs is marked with, together with all that the command starts.
    pub(super) fn mark(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// A file of this run, 0600 from the first byte.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), HostError> {
        self.host
            .place(&self.path.join(name), bytes, &Attributes::root(0o600))
    }

    pub fn begin_journal(&self) -> Journal<'a> {
        Journal::new(self.host, self.journal(), self.copies())
    }

    fn journal(&self) -> Files {
        Files {
            first: self.path.join("journal.jsonl"),
            second: self.path.join("journal-copy.jsonl"),
        }
    }

    fn has_copies(&self) -> bool {
        matches!(self.host.stat(&self.copies()), Ok(Some(_)))
    }

    /// Where the replaced files are, as they were.
    pub(super) fn copies(&self) -> PathBuf {
        self.path.join("before")
    }

    /// What was journalled; a torn last line is left out.
    pub fn entries(&self) -> Result<Vec<Entry>, RunError> {
        let files = self.journal();
        let read = journal::read(self.host, &files)?;
        read.map_err(|damaged| RunError::Damaged {
            path: files.first,
            damaged,
        })
    }

    /// Of its journal, from this line on.
    pub(super) fn damaged(&self, line: usize) -> RunError {
        RunError::Damaged {
            path: self.journal().first,
            damaged: Damaged(line),
        }
    }

    /// The copy of a replaced file.
    pub fn kept(&self, name: &str) -> Result<Vec<u8>, HostError> {
        self.host.read(&self.copies().join(name), MOST_BYTES)
    }

    /// Whether it may have changed something: each change has its line before it is made.
    pub fn was_begun(&self) -> Result<bool, RunError> {
        match self.entries() {
            // Copies are kept before the first line is written, and lines may have been lost.
            Ok(entries) => {
                Ok(!entries.is_empty() || self.has_copies() || says_it_placed(self.host, self))
            }
            Err(RunError::Damaged { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, RunError> {
        let path = self.path.join(name);
        let Some(bytes) = own_file(self.host, &path)? else {
            return Ok(None);
        };
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(RunError::Unreadable {
                path,
                why: error.to_string(),
            }),
        }
    }

    pub(super) fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), RunError> {
        let path = self.path.join(name);
        let mut text = serde_json::to_vec_pretty(value).map_err(|error| RunError::Unreadable {
            path,
            why: error.to_string(),
        })?;
        text.push(b'\n');
        Ok(self.write(name, &text)?)
    }
}

#[cfg(test)]
#[path = "run_folder/tests/fuzz.rs"]
mod fuzz;
