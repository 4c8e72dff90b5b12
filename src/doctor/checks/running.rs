//! What nginx is doing now: by which rules its workers serve, and what it logs.

use super::super::finding::{Evidence, Finding};
use super::super::seen::{at, of_file};
use super::ground::Ground;
use crate::host::Process;

/// A file of the same second may have been read or not.
const SAME_MOMENT: i64 = 2;

/// Whether a file was written after somebody had read it at that time.
pub(super) fn is_later(written: i64, read: i64) -> bool {
    written > read + SAME_MOMENT
}

/// Who still goes by rules of before.
pub(super) fn of_before(ground: &Ground<'_>) -> Vec<Finding> {
    let found = [
        of_processes(ground, "old-workers", &old_workers(ground)),
        of_processes(ground, "two-masters", &other_masters(ground)),
    ];
    found.into_iter().flatten().collect()
}

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let changed = changed(ground);
    // What is not loaded yet may name logs that nobody has made yet.
    let gone = ground.logs_gone.iter().filter(|_| changed.is_empty());
    let gone = gone.map(|path| of_file(path, "is not there; nginx made it when it was loaded"));
    found.extend(ground.where_seen("log-was-taken-away", gone.collect()));
    found.extend(ground.where_seen("changed-since-loaded", changed));
    found.extend(ground.where_seen("log-goes-nowhere", silent(ground)));
    found
}

/// Workers that go by rules of before, for whoever is connected to them.
fn old_workers<'a>(ground: &'a Ground<'_>) -> Vec<&'a Process> {
    let nginx = ground.facts.nginx.is();
    let Some(master) = nginx.and_then(|nginx| nginx.master.as_ref()) else {
        return Vec::new();
    };
    let old = ground.processes.iter().filter(|process| {
        process.parent == master.pid && process.title.contains("is shutting down")
    });
    old.collect()
}

/// While nginx is exchanged for another version, the old master and the new one both serve.
fn other_masters<'a>(ground: &'a Ground<'_>) -> Vec<&'a Process> {
    let nginx = ground.facts.nginx.is();
    let Some(master) = nginx.and_then(|nginx| nginx.master.as_ref()) else {
        return Vec::new();
    };
    let own = ground.processes.iter().find(|one| one.pid == master.pid);
    let is_related = |one: &&Process| {
        one.pid != master.pid
            && one.title.starts_with("nginx: master process")
            && (one.parent == master.pid || own.is_some_and(|own| own.parent == one.pid))
    };
    ground.processes.iter().filter(is_related).collect()
}

/// The finding, with these processes in its commands.
fn of_processes(ground: &Ground<'_>, id: &str, processes: &[&Process]) -> Option<Finding> {
    let evidence = processes
        .iter()
        .map(|process| of_file(format!("process {}", process.pid), &process.title));
    let mut finding = ground.where_seen(id, evidence.collect())?;
    let numbers: Vec<String> = processes.iter().map(|one| one.pid.to_string()).collect();
    for command in &mut finding.fix.commands {
        *command = command.replace("PID", &numbers.join(" "));
    }
    Some(finding)
}

/// Files that were written after nginx last read them.
fn changed(ground: &Ground<'_>) -> Vec<Evidence> {
    let nginx = ground.facts.nginx.is();
    let master = nginx.and_then(|nginx| nginx.master.as_ref());
    let Some(loaded_at) = master.and_then(|master| master.loaded_at) else {
        return Vec::new();
    };
    let late = ground
        .written
        .iter()
        .filter(|(_, written)| is_later(**written, loaded_at));
    late.map(|(path, _)| of_file(path, "was written after nginx last loaded its files"))
        .collect()
}

/// The manager's servers log their errors nowhere, or hardly any.
fn silent(ground: &Ground<'_>) -> Vec<Evidence> {
    let Some((config, http)) = ground.http() else {
        return Vec::new();
    };
    let managers = &ground.before_manager().servers;
    let mut seen = Vec::new();
    for server in http
        .servers
        .iter()
        .filter(|one| managers.contains(&one.directive.at))
    {
        let mut lines = server.scope.nearest("error_log");
        if lines.is_empty() {
            lines = config
                .top()
                .filter(|line| line.name == "error_log")
                .collect();
        }
        let says_nothing = |line: &&crate::nginx::Directive| {
            line.arg(0) == Some("/dev/null")
                || matches!(line.arg(1), Some("crit" | "alert" | "emerg"))
        };
        if lines.is_empty() || !lines.iter().all(says_nothing) {
            continue;
        }
        for line in lines {
            let evidence = at(config, &line.at);
            if !seen.contains(&evidence) {
                seen.push(evidence);
            }
        }
    }
    seen
}
