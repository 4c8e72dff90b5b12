//! Undoing: each path back to what it was, unless somebody else has changed it since.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::host::{Host, HostError};
use crate::receipt::{After, Before, Change, Kept, Receipt};
use crate::values::{Attributes, Digest, escaped};

use super::look::{Present, look};
use super::needed::configuration;
use super::run_folder::RunFolder;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Undone {
    /// It is as it was before the run, now or already.
    Back,
    /// It was left as it is, and why: somebody else has changed it.
    Left(String),
    /// It is nobody else's, and could not be put back.
    Failed(String),
    /// It is as the run left it, because something that is left needs it.
    Kept(String),
}

/// A change that was not taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stays {
    pub change: Change,
    pub why: String,
    /// Only for the sake of another one.
    pub kept: bool,
}

/// In words, for the operator: what was left, and how much was kept for it.
pub(super) fn stays_in_words(stays: &[Stays]) -> Vec<String> {
    let (kept, left): (Vec<&Stays>, Vec<&Stays>) = stays.iter().partition(|one| one.kept);
    let of = |one: &&Stays| {
        let path = escaped(&one.change.path);
        // What the system says names the path itself.
        if one.why.starts_with(&format!("{path}: ")) {
            one.why.clone()
        } else {
            format!("{path}: {}", one.why)
        }
    };
    let mut words: Vec<String> = left.iter().map(of).collect();
    if !kept.is_empty() {
        let paths: Vec<String> = kept.iter().map(|one| escaped(&one.change.path)).collect();
        words.push(format!(
            "kept, because that still needs it: {}",
            paths.join(", ")
        ));
    }
    words
}

/// Writes down in a receipt what was left and what was kept.
pub(super) fn record_stays(receipt: &mut Receipt, stays: &[Stays]) {
    let (kept, left): (Vec<&Stays>, Vec<&Stays>) = stays.iter().partition(|one| one.kept);
    receipt.left = left.iter().map(|one| one.change.path.clone()).collect();
    let kept = kept.iter().map(|one| Kept {
        path: one.change.path.clone(),
        why: one.why.clone(),
    });
    receipt.kept = kept.collect();
}

/// Takes back `changes` of the run in `folder`, strictly backwards, except those with these
/// numbers, each with the reason. One that cannot be taken back does not keep the others from
/// it, except what the run has made anew, where what could not be put back may go on naming that.
/// Doing it again does no harm.
pub(super) fn undo(
    host: &dyn Host,
    folder: &RunFolder<'_>,
    changes: &[Change],
    keep: &BTreeMap<usize, String>,
    mut tell: impl FnMut(&Change, &Undone),
) -> Vec<Stays> {
    let mut stays = Vec::new();
    let mut failed: Option<&str> = None;
    for (number, change) in changes.iter().enumerate().rev() {
        let undone = match (keep.get(&number), failed) {
            (Some(why), _) => Undone::Kept(why.clone()),
            (None, Some(failed)) if change.before == Before::Nothing => Undone::Kept(format!(
                "{} could not be put back, and may need it",
                escaped(failed)
            )),
            (None, _) => undo_one(host, folder, number, change)
                .unwrap_or_else(|error| Undone::Failed(error.to_string())),
        };
        if matches!(undone, Undone::Failed(_)) && may_name_others(host, change, changes) {
            failed = failed.or(Some(&change.path));
        }
        tell(change, &undone);
        let kept = matches!(undone, Undone::Kept(_));
        if let Undone::Left(why) | Undone::Failed(why) | Undone::Kept(why) = undone {
            let change = change.clone();
            stays.push(Stays { change, why, kept });
        }
    }
    stays.reverse();
    stays
}

/// Whether something that the run has made anew may be named by what stays of this change. A
/// certificate or a store of them, such as a command rewrites, names nothing.
fn may_name_others(host: &dyn Host, change: &Change, changes: &[Change]) -> bool {
    if change.before == Before::Nothing {
        return false;
    }
    let path = Path::new(&change.path);
    match look(host, path) {
        Ok(Present::File(file)) => configuration(&file.bytes).is_some(),
        Ok(Present::Link { target }) => {
            let target = path.parent().map(|folder| folder.join(target));
            let mut made = changes.iter().filter(|one| one.before == Before::Nothing);
            made.any(|one| target.as_deref() == Some(Path::new(&one.path)))
        }
        Ok(Present::Nothing | Present::Folder { .. } | Present::Special) => false,
        Err(_) => true,
    }
}

fn undo_one(
    host: &dyn Host,
    folder: &RunFolder<'_>,
    number: usize,
    change: &Change,
) -> Result<Undone, HostError> {
    let path = Path::new(&change.path);
    let present = look(host, path)?;
    if present.is_before(&change.before) {
        return Ok(Undone::Back);
    }
    let made_by_us = matches!(
        (&present, &change.before, &change.after),
        (
            Present::Folder { .. },
            Before::Nothing,
            After::Folder { .. }
        )
    );
    if made_by_us {
        // Cut short between making it and giving it its mode, it looks like nobody's. Empty,
        // it is no loss.
        return remove_empty(host, path);
    }
    // What is of another kind is taken away before that is back which it had replaced.
    let between = matches!(
        (&present, &change.before, &change.after),
        (
            Present::Nothing,
            Before::File { .. },
            After::Link { .. } | After::Folder { .. }
        ) | (Present::Nothing, Before::Link { .. }, After::Folder { .. })
            | (
                Present::Nothing,
                Before::Folder { .. },
                After::File { .. } | After::Link { .. }
            )
    );
    if !between && !present.is_after(&change.after) {
        return Ok(Undone::Left(edited(&present, &change.after)));
    }
    if let (true, Present::File(file)) = (change.secret, &present) {
        save_key(host, folder, number, path, &file.bytes)?;
    }
    put_back(host, folder, path, &present, &change.before)
}

fn put_back(
    host: &dyn Host,
    folder: &RunFolder<'_>,
    path: &Path,
    present: &Present,
    before: &Before,
) -> Result<Undone, HostError> {
    // Read and checked before anything is touched: what is there now is better than nothing.
    let copy = match before {
        Before::File { digest, kept, .. } => match copy(folder, kept, digest) {
            Ok(bytes) => bytes,
            Err(why) => return Ok(Undone::Failed(why)),
        },
        _ => zeroize::Zeroizing::default(),
    };
    match (present, before) {
        // Something of another kind stands in the way of what was there.
        (Present::Folder { .. }, Before::File { .. } | Before::Link { .. }) => {
            host.remove_folder(path)?;
        }
        (Present::File(_) | Present::Link { .. }, Before::Folder { .. }) => {
            host.remove_file(path)?;
        }
        _ => {}
    }
    match before {
        Before::Nothing => match present {
            Present::Folder { .. } => return remove_empty(host, path),
            _ => host.remove_file(path)?,
        },
        Before::File { attributes, .. } => match present {
            Present::Link { .. } => host.place_over_link(path, &copy, attributes)?,
            _ => host.place(path, &copy, attributes)?,
        },
        Before::Link { target } => host.place_link(path, Path::new(target))?,
        Before::Folder { attributes } => {
            host.make_folder(path, attributes)?;
            host.set_attributes(path, attributes)?;
        }
    }
    Ok(Undone::Back)
}

/// The kept copy of a file, or why what is there now stays.
fn copy(
    folder: &RunFolder<'_>,
    kept: &str,
    digest: &Digest,
) -> Result<zeroize::Zeroizing<Vec<u8>>, String> {
    let path = folder.copies().join(kept);
    let path = escaped(&path.to_string_lossy());
    match folder.kept(kept) {
        Ok(bytes) => {
            let bytes = zeroize::Zeroizing::new(bytes);
            if Digest::of(&bytes) == *digest {
                Ok(bytes)
            } else {
                Err(format!("the copy of what was there, {path}, is damaged"))
            }
        }
        Err(error) if error.is_absence() => {
            Err(format!("the copy of what was there, {path}, is missing"))
        }
        Err(error) => Err(format!(
            "the copy of what was there cannot be read: {error}"
        )),
    }
}

fn remove_empty(host: &dyn Host, path: &Path) -> Result<Undone, HostError> {
    let inside = host.list(path)?;
    match inside.first() {
        None => host.remove_folder(path).map(|()| Undone::Back),
        Some(name) => {
            let more = if inside.len() > 1 { " and more" } else { "" };
            Ok(Undone::Left(format!("not empty: {name}{more} is in it")))
        }
    }
}

/// A key that this program made may be in use where nobody sees it: it is moved, not deleted.
/// The state folder may be on another filesystem, hence a copy.
fn save_key(
    host: &dyn Host,
    folder: &RunFolder<'_>,
    number: usize,
    path: &Path,
    bytes: &[u8],
) -> Result<(), HostError> {
    let removed: PathBuf = folder.path().join("removed");
    host.make_folder(&removed, &Attributes::root(0o700))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    host.place(
        &removed.join(format!("{:05}-{name}", number + 1)),
        bytes,
        &Attributes::root(0o600),
    )
}

fn edited(present: &Present, after: &After) -> String {
    match (present, after) {
        (Present::Nothing, _) => "somebody removed it since".to_owned(),
        (Present::File(now), After::File { digest, .. }) if now.digest == *digest => {
            "somebody changed its mode or owner since".to_owned()
        }
        (Present::File(_), After::File { .. }) => "somebody changed it since".to_owned(),
        (present, After::Nothing) => format!("somebody put {} there since", present.in_words()),
        (present, _) => format!("somebody made it {} since", present.in_words()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::lab::{machine, state};
    use super::super::runs::Runs;
    use super::*;
    use crate::host::{Entry, Faults, Kind};

    const PATH: &str = "/etc/ssl/certs/egress.pem";

    /// Whichever call fails, there is the link or the file at the path.
    #[test]
    fn a_link_goes_only_when_the_file_that_it_replaced_is_there() {
        for fault in [Faults::Once(1), Faults::Unsynced(1), Faults::None] {
            let machine = machine().with(PATH, Entry::link("other.pem"));
            let state = state();
            let run = "2026-01-01-01".parse().unwrap();
            let folder = Runs::new(&machine, &state).open(&run);
            let attributes = Attributes::root(0o600);
            machine
                .make_folder(&folder.copies(), &Attributes::root(0o700))
                .unwrap();
            machine
                .place(&folder.copies().join("00001"), b"bytes", &attributes)
                .unwrap();
            let change = Change {
                path: PATH.to_owned(),
                before: Before::File {
                    digest: Digest::of(b"bytes"),
                    length: 5,
                    attributes: Attributes::root(0o644),
                    modified: 0,
                    kept: "00001".to_owned(),
                },
                after: After::Link {
                    target: "other.pem".to_owned(),
                },
                secret: false,
            };
            let none = BTreeMap::new();
            let changes = [change];
            machine.set_faults(fault);
            let stays = undo(&machine, &folder, &changes, &none, |_, _| {});
            machine.set_faults(Faults::None);
            let kind = machine.stat(Path::new(PATH)).unwrap().map(|stat| stat.kind);
            let is_link = kind == Some(Kind::Link("other.pem".into()));
            assert_eq!(stays.len(), usize::from(fault != Faults::None), "{fault:?}");
            assert!(is_link == (fault == Faults::Once(1)), "{fault:?}: {kind:?}");
            assert!(is_link || kind == Some(Kind::File), "{fault:?}: {kind:?}");
            let stays = undo(&machine, &folder, &changes, &none, |_, _| {});
            assert_eq!(stays, [], "{fault:?}");
            assert_eq!(machine.read(Path::new(PATH), 10).unwrap(), b"bytes");
        }
    }
}
