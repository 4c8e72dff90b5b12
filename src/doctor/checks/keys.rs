//! Who may read private keys.

use super::super::finding::{Evidence, Finding};
use super::super::seen::{add, of_file};
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
    let found = [
        ground.where_seen("key-readable", evidence),
        ground.where_seen("key-of-the-workers", of_workers(ground)),
    ];
    found.into_iter().flatten().collect()
}

/// Keys of nginx that its workers could read by themselves, where its master could do without.
fn of_workers(ground: &Ground<'_>) -> Vec<Evidence> {
    let nginx = ground.facts.nginx.is();
    let master = nginx.and_then(|nginx| nginx.master.as_ref());
    let (Some(master), Some(config)) = (master, ground.config()) else {
        return Vec::new();
    };
    let mut workers = ground
        .processes
        .iter()
        .filter(|one| one.parent == master.pid && one.title.starts_with("nginx: worker process"));
    let Some(account) = workers.next().map(|worker| worker.owner.user) else {
        return Vec::new();
    };
    let is_root = |pid: u32| {
        let mut all = ground.processes.iter();
        all.any(|one| one.pid == pid && one.owner.user == 0)
    };
    if account == 0 || !is_root(master.pid) {
        return Vec::new();
    }
    let lines = config.all(&["ssl_certificate_key"]);
    let keys = lines.filter_map(|line| ground.named(line));
    let mut seen = Vec::new();
    for (path, _) in keys.filter(|(_, file)| file.owner.0 == account) {
        let words = "belongs to the account of nginx's workers";
        add(&mut seen, of_file(path, words));
    }
    seen
}
