//! Where a run keeps what it was asked, does and did: `STATE/runs/RUN`.
//!
//! ```text
//! request.json   who asked for what           journal.jsonl  each change, before it is made
//! plan.json      the plan to carry out        receipt.json   what was done; last of all
//! events.jsonl   what a front shows           proof.txt      the proof, to be read by people
//! before/        replaced files as they were  removed/       private keys that an undo took away
//! word.json      whether it shall stay, where it waits for that
//! ```
//! A run with a journal and no receipt was cut short (or is at work: then it holds the lock).

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Problem;
use crate::host::{Host, HostError};
use crate::plan::Plan;
use crate::receipt::{Receipt, Unusable};
use crate::values::{Attributes, RunId};

use super::journal::{self, Damaged, Entry, Journal};
use super::look::MOST_BYTES;

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
    #[error("{path}: {damaged}")]
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
            Self::Damaged { path, .. } | Self::Unreadable { path, .. } => {
                format!("ls -l {}", path.display())
            }
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
        Self::host(error.to_string()).remedy(error.remedy(""))
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
        let Some(bytes) = self.bytes(&path)? else {
            return Ok(None);
        };
        let read = Receipt::read(&bytes);
        read.map(Some)
            .map_err(|unusable| RunError::Receipt { path, unusable })
    }

    pub(super) fn has_receipt(&self) -> bool {
        let receipt = self.host.stat(&self.path.join("receipt.json"));
        matches!(receipt, Ok(Some(_)))
    }

    pub fn write_receipt(&self, receipt: &Receipt) -> Result<(), RunError> {
        self.write_json("receipt.json", receipt)
    }

    /// Keeps a receipt that is damaged under another name, for whoever wants to look at it.
    pub fn set_receipt_aside(&self, damaged: bool) -> Result<(), RunError> {
        if !damaged {
            return Ok(());
        }
        match self.bytes(&self.path.join("receipt.json"))? {
            Some(bytes) => Ok(self.write("receipt-damaged.json", &bytes)?),
            None => Ok(()),
        }
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
        Journal::new(self.host, self.path.join("journal.jsonl"), self.copies())
    }

    /// Where the replaced files are, as they were.
    pub(super) fn copies(&self) -> PathBuf {
        self.path.join("before")
    }

    /// What was journalled; a torn last line is left out.
    pub fn entries(&self) -> Result<Vec<Entry>, RunError> {
        journal::read(self.host, &self.path.join("journal.jsonl"))?.map_err(|damaged| {
            let path = self.path.join("journal.jsonl");
            RunError::Damaged { path, damaged }
        })
    }

    /// The copy of a replaced file.
    pub fn kept(&self, name: &str) -> Result<Vec<u8>, HostError> {
        self.host.read(&self.copies().join(name), MOST_BYTES)
    }

    /// Whether it may have changed something: each change has its line before it is made.
    pub fn was_begun(&self) -> Result<bool, RunError> {
        match self.entries() {
            Ok(entries) => Ok(!entries.is_empty()),
            Err(RunError::Damaged { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, RunError> {
        let path = self.path.join(name);
        let Some(bytes) = self.bytes(&path)? else {
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

    fn bytes(&self, path: &Path) -> Result<Option<Vec<u8>>, HostError> {
        match self.host.stat(path)? {
            None => Ok(None),
            Some(_) => self.host.read(path, MOST_BYTES).map(Some),
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
