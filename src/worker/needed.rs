//! What has to stay because something stays that needs it. A configuration file of nginx that
//! somebody edited is left as it is, and it goes on naming certificates, keys and files of
//! ours: with those taken away, nginx would not even start.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::facts::WATCH_FOLDER;
use crate::host::Host;
use crate::plan::Plan;
use crate::receipt::{After, Before, Change};

use super::look::{Present, look};

/// What the files in PEM begin with; they name no other file.
const PEM: &str = "-----BEGIN ";

/// The changes, by number, that must not be taken back, each with the reason. `state` is our
/// own folder: nothing in it is read by nginx. Without the plan of the run, only files that
/// were not there before count as placed by it.
pub(super) fn needed(
    host: &dyn Host,
    state: &Path,
    changes: &[Change],
    plan: Option<&Plan>,
) -> BTreeMap<usize, String> {
    let planned: Option<BTreeSet<&str>> =
        plan.map(|plan| plan.files.iter().map(|file| file.path.as_str()).collect());
    let placed = |change: &Change| {
        let by_us = match &planned {
            Some(planned) => planned.contains(change.path.as_str()),
            None => change.before == Before::Nothing,
        };
        // What a command rewrites (a trust store) is named in many a configuration, and is
        // there with or without us.
        let file = matches!(change.after, After::File { .. });
        by_us && file && !Path::new(&change.path).starts_with(state)
    };
    let found: Vec<Found> = changes
        .iter()
        .enumerate()
        .filter(|(_, change)| placed(change))
        .filter_map(|(number, change)| Found::look(host, number, change))
        .collect();
    let mut kept = BTreeMap::new();
    let edited = found.iter().filter(|one| one.edited && one.text.is_some());
    let mut readers: Vec<&Found> = edited.collect();
    let Some(first) = readers.first().map(|found| found.path) else {
        return kept;
    };
    for helper in found.iter().filter(|one| !one.edited && one.is_helper()) {
        let why = format!("{first}, which somebody edited, may use it");
        kept.insert(helper.number, why);
        readers.push(helper);
    }
    while let Some(reader) = readers.pop() {
        let text = reader.text.as_deref().unwrap_or_default();
        for one in found.iter().filter(|one| !one.edited) {
            if names(text, one.path) && !kept.contains_key(&one.number) {
                kept.insert(one.number, format!("{} names it", reader.path));
                readers.push(one);
            }
        }
    }
    folders(changes, &mut kept);
    kept
}

/// Folders of the run that hold what is kept.
fn folders(changes: &[Change], kept: &mut BTreeMap<usize, String>) {
    let files: Vec<&str> = kept.keys().map(|at| changes[*at].path.as_str()).collect();
    let made = changes.iter().enumerate().filter(|(_, change)| {
        matches!(change.after, After::Folder { .. }) && change.before == Before::Nothing
    });
    let holding: Vec<(usize, String)> = made
        .filter_map(|(number, change)| {
            let inside = |file: &&&str| Path::new(file).starts_with(&change.path);
            let file = files.iter().find(inside)?;
            Some((number, format!("{file} is in it")))
        })
        .collect();
    kept.extend(holding);
}

/// A file that the run placed, as it is now.
struct Found<'a> {
    number: usize,
    path: &'a str,
    /// Somebody else changed it since, so it is left.
    edited: bool,
    /// `None` where it is no configuration.
    text: Option<String>,
}

impl<'a> Found<'a> {
    /// `None`: it is not there, or is as before the run already. What cannot be looked at is
    /// found out when it is to be undone.
    fn look(host: &dyn Host, number: usize, change: &'a Change) -> Option<Self> {
        let present = look(host, Path::new(&change.path)).ok()?;
        if present.is_before(&change.before) {
            return None;
        }
        let edited = !present.is_after(&change.after);
        let Present::File(file) = present else {
            return None;
        };
        // A unit names files to look at them, and does without.
        let is_unit = change.path.starts_with(WATCH_FOLDER);
        let text = configuration(&file.bytes).filter(|_| !change.secret && !is_unit);
        Some(Self {
            number,
            path: &change.path,
            edited,
            text: text.map(str::to_owned),
        })
    }

    /// One of our own files that nginx includes by a pattern.
    fn is_helper(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.starts_with("nim-tls-") && name.rsplit_once('.').is_some_and(|(_, end)| end == "conf")
    }
}

/// These bytes as text, if they are a configuration, which may name other files.
pub(super) fn configuration(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok();
    text.filter(|text| !text.contains(PEM))
}

/// Whether `text` holds this path as a whole, not only as the beginning of a longer one.
fn names(text: &str, path: &str) -> bool {
    let goes_on = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    text.match_indices(path)
        .any(|(at, _)| !text[at + path.len()..].starts_with(goes_on))
}

#[cfg(test)]
#[path = "needed/tests.rs"]
mod tests;
