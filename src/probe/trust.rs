//! Where this system keeps the certificates it trusts.

use std::path::{Path, PathBuf};

use crate::facts::{Known, Os, TrustStore};
use crate::host::Host;

/// For a tree of files only the places are known; no command can be run there anyway.
pub(super) fn look(host: &dyn Host, os: &Known<Os>) -> Known<TrustStore> {
    let os = match os {
        Known::Is(os) => os,
        Known::Absent => {
            return Known::Unclear("the system does not say what it is (os-release)".to_owned());
        }
        Known::Unclear(why) => return Known::Unclear(why.clone()),
    };
    let Some(store) = TrustStore::of(os.family) else {
        return Known::Unclear(format!(
            "where {} keeps its trust store is not known",
            os.name
        ));
    };
    if host.is_live() && host.find(store.command).is_none() {
        return Known::Unclear(format!("{} is not installed", store.command));
    }
    Known::Is(store.clone())
}

/// What stands in the way of the command that rewrites the store; it would stop half-way.
pub(super) fn obstacle(host: &dyn Host, store: &TrustStore) -> Option<String> {
    if !host.is_live() {
        return None;
    }
    let real = |path: &str| match host.real_path(Path::new(path)) {
        Ok(Some(real)) => real,
        _ => PathBuf::from(path),
    };
    // Of a folder it is asked whether a new file could be made in it.
    let folders = store
        .rewrites
        .iter()
        .map(|folder| real(folder).join(store.file));
    let mut paths = std::iter::once(real(store.bundle)).chain(folders);
    paths.find_map(|path| host.obstacle(&path))
}
