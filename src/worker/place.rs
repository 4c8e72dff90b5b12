//! Putting the files of a plan in place, each journalled before it is touched.

use crate::host::{Host, HostError};
use crate::plan::{FileChange, FolderChange, Plan, Status};
use crate::receipt::{After, Change};
use crate::values::{AbsPath, Attributes, Digest, Owner};

use super::journal::{Entry, Journal};
use super::look::{Present, look};
use super::purse::{NotIssued, Purse};

#[derive(Debug, thiserror::Error)]
pub(super) enum PlaceError {
    #[error("{path} is no longer what the plan was made for: {why}")]
    Changed { path: String, why: String },
    #[error(transparent)]
    NotIssued(#[from] NotIssued),
    #[error(transparent)]
    Host(#[from] HostError),
}

/// Whether every path of the plan is still as it was when the plan was made.
pub(super) fn check(host: &dyn Host, plan: &Plan) -> Result<(), PlaceError> {
    plan.folders
        .iter()
        .try_for_each(|folder| folder_now(host, folder).map(drop))?;
    plan.files
        .iter()
        .try_for_each(|file| expected(host, file).map(drop))
}

/// Makes the folders and places the files.
pub(super) fn place(
    host: &dyn Host,
    journal: &mut Journal<'_>,
    plan: &Plan,
    purse: &Purse,
) -> Result<(), PlaceError> {
    for folder in &plan.folders {
        make_folder(host, journal, folder)?;
    }
    for file in plan.changed_files() {
        match file.status {
            Status::Remove => remove_file(host, journal, file)?,
            _ => place_file(host, journal, file, purse.content(file)?)?,
        }
    }
    Ok(())
}

/// As a folder is made that the plan does not name, above one that it does.
pub(super) fn parent() -> Attributes {
    Attributes::root(0o755)
}

/// The folders above `path` that are not there, topmost first.
pub(super) fn missing_above(host: &dyn Host, path: &AbsPath) -> Result<Vec<AbsPath>, HostError> {
    let mut missing = Vec::new();
    let mut above = path.parent();
    while host.stat(above.as_path())?.is_none() {
        let next = above.parent();
        missing.push(above);
        above = next;
    }
    missing.reverse();
    Ok(missing)
}

/// A folder of the plan, and those above it that lack.
fn make_folder(
    host: &dyn Host,
    journal: &mut Journal<'_>,
    folder: &FolderChange,
) -> Result<(), PlaceError> {
    make_parents(host, journal, &folder.path)?;
    if let Present::Folder { .. } = folder_now(host, folder)? {
        return Ok(());
    }
    let attributes = Attributes::root(folder.mode.0);
    Ok(make_one(host, journal, &folder.path, &attributes)?)
}

/// What is at the path of `folder`: nothing, or a folder. A link of the system that leads to one
/// counts as that folder; one that somebody else could change is not followed for placing.
fn folder_now(host: &dyn Host, folder: &FolderChange) -> Result<Present, PlaceError> {
    let path = folder.path.as_path();
    let present = look(host, path)?;
    let behind = match &present {
        Present::Nothing | Present::Folder { .. } => return Ok(present),
        Present::Link { .. } => host.real_path(path)?,
        Present::File(_) | Present::Special => None,
    };
    if let Some(real) = behind
        && let found @ Present::Folder { .. } = look(host, &real)?
    {
        return Ok(found);
    }
    Err(PlaceError::Changed {
        path: folder.path.to_string(),
        why: format!("it is {}, and should be a folder", present.in_words()),
    })
}

fn make_parents(
    host: &dyn Host,
    journal: &mut Journal<'_>,
    path: &AbsPath,
) -> Result<(), HostError> {
    for above in missing_above(host, path)? {
        make_one(host, journal, &above, &parent())?;
    }
    Ok(())
}

fn make_one(
    host: &dyn Host,
    journal: &mut Journal<'_>,
    path: &AbsPath,
    attributes: &Attributes,
) -> Result<(), HostError> {
    let after = After::Folder {
        mode: attributes.mode,
        owner: attributes.owner,
    };
    record(journal, path, &Present::Nothing, after, false)?;
    host.make_folder(path.as_path(), attributes)
}

fn place_file(
    host: &dyn Host,
    journal: &mut Journal<'_>,
    file: &FileChange,
    bytes: &[u8],
) -> Result<(), PlaceError> {
    let present = expected(host, file)?;
    make_parents(host, journal, &file.path)?;
    let attributes = attributes(file, &present);
    let after = after(bytes, &attributes);
    if present.is_after(&after) {
        return Ok(());
    }
    let (path, secret) = (&file.path, file.is_sensitive());
    record(journal, path, &present, after, secret)?;
    Ok(host.place(path.as_path(), bytes, &attributes)?)
}

fn remove_file(
    host: &dyn Host,
    journal: &mut Journal<'_>,
    file: &FileChange,
) -> Result<(), PlaceError> {
    let present = expected(host, file)?;
    record(journal, &file.path, &present, After::Nothing, false)?;
    Ok(host.remove_file(file.path.as_path())?)
}

/// A file of root's that no plan names.
pub(super) fn put_file(
    host: &dyn Host,
    journal: &mut Journal<'_>,
    path: &AbsPath,
    bytes: &[u8],
) -> Result<(), HostError> {
    make_parents(host, journal, path)?;
    let attributes = Attributes::root(0o644);
    let present = look(host, path.as_path())?;
    record(journal, path, &present, after(bytes, &attributes), false)?;
    host.place(path.as_path(), bytes, &attributes)
}

/// The same for a symbolic link.
pub(super) fn put_link(
    host: &dyn Host,
    journal: &mut Journal<'_>,
    path: &AbsPath,
    target: &AbsPath,
) -> Result<(), HostError> {
    make_parents(host, journal, path)?;
    let present = look(host, path.as_path())?;
    let after = After::Link {
        target: target.to_string(),
    };
    record(journal, path, &present, after, false)?;
    host.place_link(path.as_path(), target.as_path())
}

fn after(bytes: &[u8], attributes: &Attributes) -> After {
    After::File {
        digest: Digest::of(bytes),
        mode: attributes.mode,
        owner: attributes.owner,
    }
}

/// Journals a change that is about to be made, what was there kept aside.
fn record(
    journal: &mut Journal<'_>,
    path: &AbsPath,
    present: &Present,
    after: After,
    secret: bool,
) -> Result<(), HostError> {
    let before = journal.keep(path.as_path(), present)?;
    let change = Change {
        path: path.to_string(),
        before,
        after,
        secret,
    };
    journal.write(Entry::Change { change })
}

/// What is at the path of `file`, if that is what the plan expects there.
fn expected(host: &dyn Host, file: &FileChange) -> Result<Present, PlaceError> {
    let changed = |why: String| {
        Err(PlaceError::Changed {
            path: file.path.to_string(),
            why,
        })
    };
    let present = look(host, file.path.as_path())?;
    match (&present, &file.before) {
        (Present::Nothing, None) => Ok(present),
        (Present::File(now), Some(before)) if now.digest == *before => Ok(present),
        (Present::File(_), Some(_)) => changed("its contents are different".to_owned()),
        (Present::Nothing, Some(_)) => changed("it is gone".to_owned()),
        (_, None) if file.status == Status::Unchanged => Ok(present),
        (other, _) => changed(format!("{} is there now", other.in_words())),
    }
}

/// Mode and owner as planned; whatever else a replaced file had (its label, say) stays, except
/// that an access list must not open a private key.
fn attributes(file: &FileChange, present: &Present) -> Attributes {
    let (user, group) = file.owner;
    let mut extended = match present {
        Present::File(now) => now.attributes.extended.clone(),
        _ => Vec::new(),
    };
    if file.is_sensitive() {
        extended.retain(|(name, _)| !name.starts_with("system.posix_acl"));
    }
    Attributes {
        mode: file.mode,
        owner: Owner { user, group },
        extended,
    }
}
