//! What earlier runs left: their receipts, the files that are ours, a run without a receipt.

use std::collections::BTreeMap;
use std::path::Path;

use super::reader::Reader;
use crate::host::Process;
use crate::plan::Proof;
use crate::receipt::{After, Outcome, Receipt, leave_in_force, proven_last, undone};
use crate::values::{AbsPath, Digest, RunId, sort_by};

#[derive(Debug, Default)]
pub(super) struct Runs {
    /// What this program says it left at each path.
    ours: BTreeMap<String, Digest>,
    /// As it was proven last.
    pub(super) refused_agents: Option<bool>,
    /// The latest run that began and has no receipt.
    pub(super) unfinished: Option<(RunId, String)>,
}

impl Runs {
    pub(super) fn look(reader: &Reader<'_>, processes: &[Process], state: &AbsPath) -> Self {
        let mut receipts = Vec::new();
        let folder = state.as_path().join("runs");
        let names = reader.names(&folder).unwrap_or_default();
        let mut ids: Vec<RunId> = names.iter().filter_map(|name| name.parse().ok()).collect();
        sort_by(&mut ids, Ord::cmp);
        let mut unfinished = Vec::new();
        for id in ids {
            let folder = folder.join(id.as_str());
            let state = match receipt(reader, &folder.join("receipt.json")) {
                Ok(Some(receipt)) => {
                    receipts.push(receipt);
                    None
                }
                Ok(None) => open(reader, processes, &folder, &id),
                Err(why) => Some(why),
            };
            unfinished.extend(state.map(|state| (id, state)));
        }
        let undone = undone(&receipts);
        unfinished.retain(|(run, _)| !undone.contains_key(run));
        let ours = ours(&receipts, &undone);
        leave_in_force(&mut receipts);
        Self {
            ours,
            refused_agents: proven_last(&receipts).map(Proof::refuses_agents),
            unfinished: unfinished.pop(),
        }
    }

    /// Whether a receipt says that this program wrote exactly these bytes there.
    pub(super) fn wrote(&self, path: &str, digest: &Digest) -> bool {
        self.ours.get(path) == Some(digest)
    }
}

fn receipt(reader: &Reader<'_>, path: &Path) -> Result<Option<Receipt>, String> {
    let read = reader.read(path);
    let read = read.map_err(|why| format!("its receipt cannot be read: {why}"))?;
    let Some(bytes) = read else {
        return Ok(None);
    };
    Receipt::read(&bytes)
        .map(Some)
        .map_err(|unusable| format!("its receipt {} {unusable}", path.display()))
}

/// The state of a run without a receipt. `None`: it never came to change anything, because each
/// change has its line in the journal before it is made.
fn open(reader: &Reader<'_>, processes: &[Process], folder: &Path, run: &RunId) -> Option<String> {
    let worker = processes.iter().find(|process| {
        let words: Vec<&str> = process.title.split(' ').collect();
        words.contains(&"__worker") && words.contains(&run.as_str())
    });
    if let Some(worker) = worker {
        return Some(format!("it is at work (process {})", worker.pid));
    }
    let began = ["journal.jsonl", "journal-copy.jsonl"].iter().any(|name| {
        match reader.read(&folder.join(name)) {
            Ok(journal) => journal.is_some_and(|journal| journal.contains(&b'\n')),
            Err(_) => true,
        }
    });
    began.then(|| "it was cut short".to_owned())
}

/// Plays the runs again, without those that were undone or put everything back themselves.
fn ours(receipts: &[Receipt], undone: &BTreeMap<RunId, RunId>) -> BTreeMap<String, Digest> {
    let standing = receipts.iter().filter(|receipt| {
        let left_something = matches!(receipt.outcome, Outcome::Applied | Outcome::Incomplete);
        left_something && receipt.undid.is_none() && !undone.contains_key(&receipt.run)
    });
    let mut ours = BTreeMap::new();
    for change in standing.flat_map(|receipt| &receipt.changes) {
        match &change.after {
            After::File { digest, .. } => {
                ours.insert(change.path.clone(), digest.clone());
            }
            After::Nothing | After::Link { .. } => {
                ours.remove(&change.path);
            }
            After::Folder { .. } => {}
        }
    }
    ours
}
