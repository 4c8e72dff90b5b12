//! Who may read private keys.

use super::super::finding::{Evidence, Finding};
use super::super::seen::of_file;
use super::ground::Ground;
use crate::facts::FileFact;

/// Read by everybody on this host.
const OTHERS: u32 = 0o004;

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let files = ground.facts.files.iter();
    let readable = files.filter_map(|(path, fact)| {
        let FileFact::File(file) = fact else {
            return None;
        };
        (file.holds_key && file.mode.0 & OTHERS != 0).then(|| {
            of_file(
                path,
                format!("mode {}: everybody here may read it", file.mode),
            )
        })
    });
    let evidence: Vec<Evidence> = readable.collect();
    ground
        .where_seen("key-readable", evidence)
        .into_iter()
        .collect()
}
