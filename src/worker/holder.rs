//! Who is at work: what the holder of the lock says about itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::host::Host;
use crate::values::{AbsPath, RunId, escaped, moment};

use super::runs::Runs;

/// As much as a note may have.
const LONGEST_NOTE: u64 = 4096;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    pub run: String,
    pub process: u32,
    pub user: String,
    pub terminal: String,
    /// Seconds since 1970.
    pub since: i64,
}

impl Holder {
    /// As the note of a lock.
    pub(super) fn note(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// In words, from whatever the note says.
    pub(super) fn in_words(note: &str) -> String {
        match serde_json::from_str::<Self>(note) {
            Ok(holder) => holder.to_string(),
            // It has only just taken the lock, or is no run of ours.
            Err(_) => "another process".to_owned(),
        }
    }
}

/// Who carries out this run now, from the note beside the lock.
pub fn at_work_in_words(host: &dyn Host, state: &AbsPath, run: &RunId) -> String {
    let file = Runs::new(host, state).lock_file();
    let note = host.read(&file, LONGEST_NOTE).unwrap_or_default();
    let first = note.split(|byte| *byte == b'\n').next();
    let holder = first.and_then(|line| serde_json::from_slice::<Holder>(line).ok());
    match holder.filter(|holder| holder.run == run.as_str()) {
        Some(holder) => holder.to_string(),
        // It has only just started, and has noted nothing yet.
        None => format!("run {run}"),
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = moment(self.since);
        let (user, terminal) = (escaped(&self.user), escaped(&self.terminal));
        let (process, run) = (self.process, escaped(&self.run));
        write!(
            f,
            "run {run}: process {process}, started by {user} on {terminal}, since {since}"
        )
    }
}
