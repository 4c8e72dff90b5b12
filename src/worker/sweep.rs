//! What a kill leaves beside a file that was being placed: its temporary file, under a name that
//! only this program gives. A key may be in it, and the folder around it may have to go.

use std::collections::BTreeSet;
use std::path::Path;

use crate::host::{Host, Kind, TEMPORARY};
use crate::receipt::Change;
use crate::values::RunId;

use super::run_folder::RunFolder;
use super::runs::Runs;

/// Removes temporary files beside everything that was changed, and from the folder of the run.
/// Only for the holder of the lock: nobody else is placing files then. What cannot be removed is
/// met again where its folder has to go.
pub(super) fn sweep(host: &dyn Host, folder: &RunFolder<'_>, changes: &[Change]) {
    let run = folder.path();
    let own = [run.to_owned(), folder.copies(), run.join("removed")];
    let beside = changes.iter().filter_map(|change| {
        let parent = Path::new(&change.path).parent();
        parent.map(Path::to_owned)
    });
    let folders: BTreeSet<_> = own.into_iter().chain(beside).collect();
    for folder in folders {
        for name in host.list(&folder).unwrap_or_default() {
            let path = folder.join(&name);
            if is_temporary(&name) && is_no_folder(host, &path) {
                let _ = host.remove_file(&path);
            }
        }
    }
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

/// As [`Host::place`] names them: 16 hexadecimal digits after the beginning.
fn is_temporary(name: &str) -> bool {
    let digits = name.strip_prefix(TEMPORARY);
    digits.is_some_and(|digits| {
        digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn is_no_folder(host: &dyn Host, path: &Path) -> bool {
    let found = host.stat(path).ok().flatten();
    found.is_some_and(|found| matches!(found.kind, Kind::File | Kind::Link(_)))
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
