//! Where a run keeps what it was asked, does and did: `STATE/runs/RUN`.
//!
//! ```text
//! request.json   who asked for what           journal.jsonl  each change, before it is made
//! plan.json      the plan to carry out        receipt.json   what was done; last of all
//! events.jsonl   what a front shows           proof.txt      the proof, to be read by people
//! before/        replaced files as they were  removed/       private keys that an undo took away
//! ```
//! A run with a journal and no receipt was cut short (or is at work: then it holds the lock).

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::host::{Host, HostError, LockError};
use crate::plan::Plan;
use crate::receipt::{Outcome, Receipt};
use crate::values::{AbsPath, Attributes, RunId};

use super::journal::{self, Damaged, Entry, Journal};
use super::look::MOST_BYTES;

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
}

/// All runs of a host: `STATE/runs`.
pub struct Runs<'a> {
    host: &'a dyn Host,
    state: PathBuf,
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
    #[error("{run}: {damaged}")]
    Damaged { run: RunId, damaged: Damaged },
    #[error("{0}")]
    Numbering(String),
}

impl<'a> Runs<'a> {
    pub fn new(host: &'a dyn Host, state: &AbsPath) -> Self {
        Self {
            host,
            state: state.as_path().to_owned(),
        }
    }

    /// The file that a run at work has locked.
    pub fn lock_file(&self) -> PathBuf {
        self.state.join("lock")
    }

    /// Makes the folder of the next run and writes the request into it. Runs are numbered
    /// within their day, and a number is never given twice.
    pub fn create(&self, request: &Request) -> Result<RunFolder<'a>, RunError> {
        self.make_folders(&self.state.join("runs"))?;
        let _numbering = self.numbering()?;
        let day = OffsetDateTime::from_unix_timestamp(self.host.now())
            .map_err(|error| RunError::Numbering(format!("the clock is unusable: {error}")))?
            .date();
        let runs = self.list()?;
        let today = runs.iter().filter(|run| day_of(run) == day.to_string());
        let next = format!("{day}-{:02}", today.map(number).max().unwrap_or(0) + 1);
        let id: RunId = next
            .parse()
            .map_err(|_| RunError::Numbering(format!("no run {next}")))?;
        let folder = self.open(&id);
        self.host
            .make_folder(&folder.path, &Attributes::root(0o700))?;
        folder.write_json("request.json", request)?;
        Ok(folder)
    }

    pub fn open(&self, id: &RunId) -> RunFolder<'a> {
        let path = self.state.join("runs").join(id.as_str());
        RunFolder {
            host: self.host,
            id: id.clone(),
            path,
        }
    }

    /// Every run, oldest first.
    pub fn list(&self) -> Result<Vec<RunId>, HostError> {
        let names = self.host.list(&self.state.join("runs"))?;
        let mut runs: Vec<RunId> = names.iter().filter_map(|name| name.parse().ok()).collect();
        runs.sort_by_key(|run| (day_of(run).to_owned(), number(run)));
        Ok(runs)
    }

    /// The latest run, except `own`, that was begun and never ended.
    pub fn cut_short(&self, own: Option<&RunId>) -> Result<Option<RunId>, RunError> {
        for run in self
            .list()?
            .into_iter()
            .rev()
            .filter(|run| Some(run) != own)
        {
            let folder = self.open(&run);
            if folder.receipt()?.is_none() && folder.was_begun()? {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }

    /// Runs whose changes are still in force, oldest first, with their receipts.
    pub fn in_force(&self) -> Result<Vec<Receipt>, RunError> {
        let mut receipts = Vec::new();
        for run in self.list()? {
            receipts.extend(self.open(&run).receipt()?);
        }
        let undone: Vec<RunId> = receipts
            .iter()
            .filter(|receipt| receipt.outcome == Outcome::RolledBack)
            .filter_map(|receipt| receipt.undid.clone())
            .collect();
        receipts.retain(|receipt: &Receipt| {
            receipt.undid.is_none() && !receipt.changes.is_empty() && !undone.contains(&receipt.run)
        });
        Ok(receipts)
    }

    fn make_folders(&self, runs: &Path) -> Result<(), HostError> {
        let above: Vec<&Path> = self.state.ancestors().skip(1).collect();
        for folder in above.into_iter().rev() {
            if self.host.stat(folder)?.is_none() {
                self.host.make_folder(folder, &Attributes::root(0o755))?;
            }
        }
        for folder in [self.state.as_path(), runs] {
            self.host.make_folder(folder, &Attributes::root(0o700))?;
        }
        Ok(())
    }

    /// Two fronts that start at once must not agree on a number. Held for an instant.
    fn numbering(&self) -> Result<crate::host::Lock, RunError> {
        let file = self.state.join("runs/.numbering");
        let mut tries = 100;
        loop {
            match self.host.lock(&file, "") {
                Ok(lock) => return Ok(lock),
                Err(LockError::Host(error)) => return Err(error.into()),
                Err(LockError::Held(_)) if tries > 0 => {
                    tries -= 1;
                    self.host.sleep(Duration::from_millis(20));
                }
                Err(LockError::Held(_)) => {
                    let why = format!("{} is locked by another process", file.display());
                    return Err(RunError::Numbering(why));
                }
            }
        }
    }
}

impl<'a> RunFolder<'a> {
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

    pub fn receipt(&self) -> Result<Option<Receipt>, RunError> {
        self.read_json("receipt.json")
    }

    pub fn write_receipt(&self, receipt: &Receipt) -> Result<(), RunError> {
        self.write_json("receipt.json", receipt)
    }

    /// A file of this run, 0600 from the first byte.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), HostError> {
        self.host
            .place(&self.path.join(name), bytes, &Attributes::root(0o600))
    }

    pub fn begin_journal(&self) -> Journal<'a> {
        Journal::new(
            self.host,
            self.path.join("journal.jsonl"),
            self.path.join("before"),
        )
    }

    /// What was journalled; a torn last line is left out.
    pub fn entries(&self) -> Result<Vec<Entry>, RunError> {
        journal::read(self.host, &self.path.join("journal.jsonl"))?.map_err(|damaged| {
            RunError::Damaged {
                run: self.id.clone(),
                damaged,
            }
        })
    }

    /// The copy of a replaced file.
    pub fn kept(&self, name: &str) -> Result<Vec<u8>, HostError> {
        self.host
            .read(&self.path.join("before").join(name), MOST_BYTES)
    }

    fn was_begun(&self) -> Result<bool, RunError> {
        match self.entries() {
            Ok(entries) => Ok(!entries.is_empty()),
            Err(RunError::Damaged { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, RunError> {
        let path = self.path.join(name);
        if self.host.stat(&path)?.is_none() {
            return Ok(None);
        }
        let bytes = self.host.read(&path, MOST_BYTES)?;
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(RunError::Unreadable {
                path,
                why: error.to_string(),
            }),
        }
    }

    fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), RunError> {
        let path = self.path.join(name);
        let mut text = serde_json::to_vec_pretty(value).map_err(|error| RunError::Unreadable {
            path,
            why: error.to_string(),
        })?;
        text.push(b'\n');
        Ok(self.write(name, &text)?)
    }
}

/// `2026-11-23` of `2026-11-23-01`.
fn day_of(run: &RunId) -> &str {
    &run.as_str()[..10]
}

fn number(run: &RunId) -> u32 {
    run.as_str()[11..].parse().unwrap_or(0)
}

#[cfg(test)]
#[path = "run_folder/tests.rs"]
mod tests;
