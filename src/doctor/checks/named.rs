//! Files that nginx's configuration names.

use super::super::finding::Finding;
use super::super::seen::of_file;
use super::ground::Ground;

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let missing = ground.named_in_vain.iter();
    let seen = missing.map(|path| of_file(path, "is not there; nginx's configuration names it"));
    ground
        .where_seen("configuration-names-nothing", seen.collect())
        .into_iter()
        .collect()
}
