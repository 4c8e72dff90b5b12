//! Undoing: each path back to what it was, unless somebody else has changed it since.

use std::path::{Path, PathBuf};

use crate::host::{Host, HostError};
use crate::receipt::{After, Before, Change};
use crate::values::{Attributes, Digest};

use super::look::{Present, look};
use super::run_folder::RunFolder;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Undone {
    /// It is as it was before the run, now or already.
    Back,
    /// It was left as it is, and why.
    Left(String),
}

/// Takes back `changes` of the run in `folder`, strictly backwards. One that cannot be taken
/// back does not keep the others from it. Doing it again does no harm.
pub(super) fn undo(
    host: &dyn Host,
    folder: &RunFolder<'_>,
    changes: &[Change],
    mut tell: impl FnMut(&Change, &Undone),
) -> Vec<(Change, String)> {
    let mut left = Vec::new();
    for (number, change) in changes.iter().enumerate().rev() {
        let undone = undo_one(host, folder, number, change)
            .unwrap_or_else(|error| Undone::Left(error.to_string()));
        tell(change, &undone);
        if let Undone::Left(why) = undone {
            left.push((change.clone(), why));
        }
    }
    left.reverse();
    left
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
    if !present.is_after(&change.after) {
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
    match (present, before) {
        // Something of another kind stands in the way of what was there.
        (Present::Folder { .. }, Before::File { .. } | Before::Link { .. }) => {
            host.remove_folder(path)?;
        }
        (Present::File(_) | Present::Link { .. }, Before::Folder { .. })
        | (Present::Link { .. }, Before::File { .. }) => host.remove_file(path)?,
        _ => {}
    }
    match before {
        Before::Nothing => match present {
            Present::Folder { .. } => return remove_empty(host, path),
            _ => host.remove_file(path)?,
        },
        Before::File {
            digest,
            attributes,
            kept,
            ..
        } => {
            let bytes = zeroize::Zeroizing::new(folder.kept(kept)?);
            if Digest::of(&bytes) != *digest {
                let copy = folder.path().join("before").join(kept);
                return Ok(Undone::Left(format!(
                    "its copy {} is damaged",
                    copy.display()
                )));
            }
            host.place(path, &bytes, attributes)?;
        }
        Before::Link { target } => host.place_link(path, Path::new(target))?,
        Before::Folder { attributes } => {
            host.make_folder(path, attributes)?;
            host.set_attributes(path, attributes)?;
        }
    }
    Ok(Undone::Back)
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
