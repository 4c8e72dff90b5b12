//! Whether this system trusts what was put into its trust store.

use super::super::finding::{Evidence, Finding};
use super::super::seen::of_file;
use super::ground::Ground;

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let evidence: Vec<Evidence> = ground
        .without_effect
        .iter()
        .map(|path| of_file(path, "is not among the authorities that this system trusts"))
        .collect();
    ground
        .where_seen("anchor-without-effect", evidence)
        .into_iter()
        .collect()
}
