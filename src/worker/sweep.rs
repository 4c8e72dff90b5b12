//! What a kill or an error leaves beside a file that was being placed: its temporary file, under a
//! name that only this program gives. A key may be in it, and the folder around it may have to go.

use std::collections::BTreeSet;
use std::path::Path;

use crate::host::{Host, HostError, Kind, TEMPORARY};
use crate::receipt::{After, Before, Change};
use crate::values::RunId;

use super::look::look;
use super::run_folder::RunFolder;
use super::runs::Runs;
use super::undo::Stays;

/// Removes temporary files beside everything that was changed, and from the folder of the run.
/// Only for the holder of the lock: nobody else is placing files then. Gives those beside what was
/// changed that stay; one among our own records is met again by the next run.
pub(super) fn sweep(host: &dyn Host, folder: &RunFolder<'_>, changes: &[Change]) -> Vec<Stays> {
    let run = folder.path();
    for own in [run.to_owned(), folder.copies(), run.join("removed")] {
        sweep_folder(host, &own);
    }
    let beside = changes
        .iter()
        .filter_map(|change| Path::new(&change.path).parent());
    let folders: BTreeSet<&Path> = beside.collect();
    let left = folders.iter().flat_map(|folder| sweep_folder(host, folder));
    left.collect()
}

/// The same in the folders of earlier runs, where a run could not take away its own.
pub(super) fn sweep_runs(host: &dyn Host, runs: &Runs<'_>, own: &RunId) {
    for run in runs.list().unwrap_or_default() {
        let folder = runs.open(&run);
        // The front of one that was not begun may be about to write its request.
        if run != *own && (folder.has_receipt() || folder.was_begun().unwrap_or(false)) {
            sweep(host, &folder, &[]);
        }
    }
}

/// Whether a run found this temporary file, which stayed.
pub(super) fn is_left_over(change: &Change) -> bool {
    let name = Path::new(&change.path).file_name().unwrap_or_default();
    change.before == Before::Nothing && is_temporary(&name.to_string_lossy())
}

/// Gives what stays in it, each as a change that was not taken back.
fn sweep_folder(host: &dyn Host, folder: &Path) -> Vec<Stays> {
    let names = match twice(|| host.list(folder)) {
        Ok(names) => names,
        // Something else has its name.
        Err(error) if error.is_absence() => return Vec::new(),
        // Whether one is there is not known.
        Err(error) => {
            let any = folder.join(format!("{TEMPORARY}*"));
            let why = format!("temporary files cannot be looked for: {error}");
            return vec![stays(&any, After::Nothing, why)];
        }
    };
    let temporary = names.iter().filter(|name| is_temporary(name));
    let left = temporary.filter_map(|name| {
        let path = folder.join(name);
        let error = twice(|| remove(host, &path)).err()?;
        let after = look(host, &path).map_or(After::Nothing, |present| present.as_after());
        let why = format!("a temporary file of a run, which cannot be removed: {error}");
        Some(stays(&path, after, why))
    });
    left.collect()
}

/// Once more, in case it was a passing trouble.
fn twice<T>(act: impl Fn() -> Result<T, HostError>) -> Result<T, HostError> {
    act().or_else(|_| act())
}

fn remove(host: &dyn Host, path: &Path) -> Result<(), HostError> {
    match host.stat(path)?.map(|stat| stat.kind) {
        Some(Kind::File | Kind::Link(_)) => host.remove_file(path),
        // This program makes nothing else under such a name.
        Some(Kind::Folder | Kind::Special) | None => Ok(()),
    }
}

fn stays(path: &Path, after: After, why: String) -> Stays {
    let change = Change {
        path: path.to_string_lossy().into_owned(),
        before: Before::Nothing,
        after,
        secret: false,
    };
    Stays {
        change,
        why,
        kept: false,
    }
}

/// As [`Host::place`] names them: 16 hexadecimal digits after the beginning.
fn is_temporary(name: &str) -> bool {
    let digits = name.strip_prefix(TEMPORARY);
    digits.is_some_and(|digits| {
        digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_taken_away() {
        assert!(is_temporary(".nim-tls-04a4998910930659"));
        for other in [
            ".nim-tls-04a499891093065",
            ".nim-tls-04a4998910930659.conf",
            ".nim-tls-04a499891093065g",
            "nim-tls-04a4998910930659",
            ".nim-tls-",
        ] {
            assert!(!is_temporary(other), "{other}");
        }
    }
}
