//! What a run did, kept so that it can be undone, today or in a year. Receipts of every
//! version that was ever released must go on being read: fields are added, never renamed.

mod seal;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::{Proof, ReachProof};
use crate::report::Row;
use crate::values::{Attributes, Digest, Gather as _, Mode, Owner, RunId};

pub const SCHEMA: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub schema: u32,
    pub run: RunId,
    /// `apply`, `rollback`, ...
    pub command: String,
    /// Seconds since 1970.
    pub started: i64,
    pub ended: i64,
    pub outcome: Outcome,
    /// In the order in which they were made; undoing goes backwards.
    pub changes: Vec<Change>,
    pub reload: Reload,
    pub proof: Vec<Row>,
    /// What `verify` tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proves: Option<Proof>,
    /// The same of an instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaches: Option<ReachProof>,
    pub problem: Option<String>,
    /// For a rollback: the run that it undid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undid: Option<RunId>,
    /// It was done and proven, and put back because nobody kept it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_kept: bool,
    /// Paths that were left as they are because somebody else changed them since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    /// Paths that were kept because something that was left needs them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Kept>,
    /// Where something was left: what `nginx -t` says of what is there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nginx_test: Option<String>,
    /// Steps that need a running system, on one that is a folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
}

/// Runs that were rolled back, each with the run that did it.
pub fn undone(receipts: &[Receipt]) -> BTreeMap<RunId, RunId> {
    let done = receipts
        .iter()
        .filter(|receipt| receipt.outcome == Outcome::RolledBack);
    let pairs = done.filter_map(|receipt| Some((receipt.undid.clone()?, receipt.run.clone())));
    pairs.gathered()
}

/// Leaves those that are still in force. One that changed nothing is, where it is called applied:
/// what it proved is not what was proven before.
pub fn leave_in_force(receipts: &mut Vec<Receipt>) {
    let undone = undone(receipts);
    receipts.retain(|receipt| {
        let undoes = receipt.undid.is_some() || undone.contains_key(&receipt.run);
        !undoes && (!receipt.changes.is_empty() || receipt.outcome == Outcome::Applied)
    });
}

/// What was proven last of a manager, of the runs that are in force, oldest first.
pub fn proven_last(in_force: &[Receipt]) -> Option<&Proof> {
    let applied = |receipt: &&Receipt| receipt.outcome == Outcome::Applied;
    let mut latest = in_force.iter().rev().filter(applied);
    latest.find_map(|receipt| receipt.proves.as_ref())
}

/// A file that an undo would have taken away, and what needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub path: String,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    pub step: String,
    pub title: String,
    pub why: String,
}

/// A receipt that is there and cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("is damaged: {0}")]
    Damaged(String),
    #[error("was written by a newer nim-tls (schema {0}, and this one knows up to {SCHEMA})")]
    Newer(u64),
}

impl Receipt {
    /// Of a run that has done nothing yet.
    pub fn blank(run: &RunId, command: &str, now: i64) -> Self {
        Self {
            schema: SCHEMA,
            run: run.clone(),
            command: command.to_owned(),
            started: now,
            ended: now,
            outcome: Outcome::Refused,
            changes: Vec::new(),
            reload: Reload::NotNeeded,
            proof: Vec::new(),
            proves: None,
            reaches: None,
            problem: None,
            undid: None,
            not_kept: false,
            left: Vec::new(),
            kept: Vec::new(),
            nginx_test: None,
            skipped: Vec::new(),
        }
    }

    /// From the bytes of `receipt.json`. The number of the schema is looked at first: what a
    /// newer version wrote may read well here, and mean something else.
    pub fn read(bytes: &[u8]) -> Result<Self, Unusable> {
        let damaged = |error: serde_json::Error| Unusable::Damaged(error.to_string());
        let numbered: Numbered = serde_json::from_slice(bytes).map_err(damaged)?;
        // Its form is that of every version.
        if !seal::holds(bytes) {
            let why = "its checksum is not that of what it holds";
            return Err(Unusable::Damaged(why.to_owned()));
        }
        match numbered.schema {
            Some(0) => return Err(Unusable::Damaged("there is no schema 0".to_owned())),
            Some(schema) if schema > u64::from(SCHEMA) => return Err(Unusable::Newer(schema)),
            _ => {}
        }
        serde_json::from_slice(bytes).map_err(damaged)
    }

    /// The bytes of `receipt.json`.
    pub fn written(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|object| seal::sealed(&object).into_bytes())
    }
}

/// What a receipt of any version has.
#[derive(Deserialize)]
struct Numbered {
    #[serde(default)]
    schema: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Applied,
    Unchanged,
    RolledBack,
    Incomplete,
    Refused,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::RolledBack => "rolled-back",
            Self::Incomplete => "incomplete",
            Self::Refused => "refused",
        })
    }
}

/// One path, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub path: String,
    pub before: Before,
    pub after: After,
    /// A private key of ours: undoing moves it into the run's folder instead of deleting it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}

/// What was at a path: never its text, only where the file itself is kept aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Before {
    Nothing,
    File {
        digest: Digest,
        length: u64,
        #[serde(flatten)]
        attributes: Attributes,
        modified: i64,
        /// The name of the copy in the run's folder `before/`.
        kept: String,
    },
    Link {
        target: String,
    },
    Folder {
        #[serde(flatten)]
        attributes: Attributes,
    },
}

/// What we left at a path: undoing first looks whether it is still so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum After {
    Nothing,
    File {
        digest: Digest,
        mode: Mode,
        owner: Owner,
    },
    Link {
        target: String,
    },
    Folder {
        mode: Mode,
        owner: Owner,
    },
}

/// What became of nginx at the end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reload {
    /// It was not asked: nothing that it reads has changed.
    NotNeeded,
    Done,
    /// It does not accept what is on disk: `path:line` and its words.
    Refused {
        why: String,
    },
    NotRunning,
}

impl fmt::Display for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNeeded => f.write_str("not needed"),
            Self::Done => f.write_str("done"),
            Self::Refused { why } => write!(f, "refused ({why})"),
            Self::NotRunning => f.write_str("not-running"),
        }
    }
}
