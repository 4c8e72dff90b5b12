//! Folders that a command rewrites as it likes: everything in them is recorded before it
//! runs, and compared afterwards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::host::{Host, HostError};
use crate::receipt::{After, Before, Change};

use super::journal::{Entry, Journal};
use super::look::{Present, look};
use crate::values::{Gather as _, sort_by};

/// A folder with more than this is not a trust store.
const MOST_ENTRIES: usize = 20_000;

/// Journals everything below `folders`, kept aside where it is a file. To be followed by the
/// command, and then by [`settle`].
pub(super) fn record(
    host: &dyn Host,
    journal: &mut Journal<'_>,
    folders: &[String],
) -> Result<(), HostError> {
    let folders = real_folders(host, folders)?;
    let mut before = Vec::new();
    for (path, present) in everything(host, &folders)? {
        if present != Present::Special {
            let kept = journal.keep(Path::new(&path), &present)?;
            before.push((path, kept));
        }
    }
    journal.write(Entry::Rewriting { folders, before })
}

/// Journals what the command changed.
pub(super) fn settle(host: &dyn Host, journal: &mut Journal<'_>) -> Result<(), HostError> {
    let changes = changes(host, journal.entries())?.split_off(own(journal.entries()));
    journal.write(Entry::Rewritten { changes })
}

/// How many changes the entries before the open `Rewriting` amount to.
fn own(entries: &[Entry]) -> usize {
    entries
        .iter()
        .map(|entry| match entry {
            Entry::Change { .. } => 1,
            Entry::Rewritten { changes } => changes.len(),
            Entry::Rewriting { .. } | Entry::Undoing { .. } => 0,
        })
        .sum()
}

/// What these entries say was changed, in order. Where the last command was cut short, what
/// differs now is what it did.
pub(super) fn changes(host: &dyn Host, entries: &[Entry]) -> Result<Vec<Change>, HostError> {
    let mut changes = Vec::new();
    let mut open = None;
    for entry in entries {
        match entry {
            Entry::Change { change } => changes.push(change.clone()),
            Entry::Rewriting { folders, before } => open = Some((folders, before)),
            Entry::Rewritten { changes: settled } => {
                open = None;
                changes.extend_from_slice(settled);
            }
            Entry::Undoing { .. } => {}
        }
    }
    if let Some((folders, before)) = open {
        changes.extend(differences(host, folders, before)?);
    }
    Ok(changes)
}

/// Ordered so that undoing them backwards never meets a folder that is missing or not empty:
/// what was removed (the deepest first), what was changed, what was made (the deepest last).
fn differences(
    host: &dyn Host,
    folders: &[String],
    before: &[(String, Before)],
) -> Result<Vec<Change>, HostError> {
    let mut now: BTreeMap<String, Present> = everything(host, folders)?.into_iter().gathered();
    let (mut removed, mut changed, mut made) = (Vec::new(), Vec::new(), Vec::new());
    for (path, was) in before {
        let present = now.remove(path).unwrap_or(Present::Nothing);
        if present.is_before(was) {
            continue;
        }
        let after = present.as_after();
        let list = if after == After::Nothing {
            &mut removed
        } else {
            &mut changed
        };
        list.push(Change {
            path: path.clone(),
            before: was.clone(),
            after,
            secret: false,
        });
    }
    for (path, present) in now {
        if present != Present::Special {
            let after = present.as_after();
            made.push(Change {
                path,
                before: Before::Nothing,
                after,
                secret: false,
            });
        }
    }
    removed.reverse();
    Ok(removed.into_iter().chain(changed).chain(made).collect())
}

/// The folders themselves and all that is below, by path; links are not followed.
fn everything(host: &dyn Host, folders: &[String]) -> Result<Vec<(String, Present)>, HostError> {
    let mut found = BTreeMap::new();
    let mut waiting: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
    while let Some(path) = waiting.pop() {
        let present = look(host, &path)?;
        if let Present::Folder { .. } = present {
            waiting.extend(host.list(&path)?.iter().map(|name| path.join(name)));
        }
        if found.len() >= MOST_ENTRIES {
            let why = format!("more than {MOST_ENTRIES} entries, too many to record");
            return Err(HostError::Refused { path, why });
        }
        found.insert(path.to_string_lossy().into_owned(), present);
    }
    found.retain(|_, present| *present != Present::Nothing);
    Ok(found.into_iter().collect())
}

/// Where the folders really are, none within another.
fn real_folders(host: &dyn Host, folders: &[String]) -> Result<Vec<String>, HostError> {
    let mut real: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let path = PathBuf::from(folder);
        real.push(host.real_path(&path)?.unwrap_or(path));
    }
    sort_by(&mut real, Ord::cmp);
    real.dedup_by(|below, above| below.starts_with(above));
    Ok(real
        .into_iter()
        .map(|path| path.to_string_lossy().into_owned())
        .collect())
}
