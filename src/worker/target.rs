//! Which run a rollback is about, and what that run changed.

use std::path::Path;

use crate::error::Problem;
use crate::host::Host;
use crate::plan::Content;
use crate::receipt::{After, Before, Change, Receipt};
use crate::values::{AbsPath, RunId, escaped, path_word, with_command};

use super::journal::Entry;
use super::listing;
use super::look::{MOST_BYTES, look};
use super::run_folder::{RunError, RunFolder};
use super::runs::Runs;

/// What is to be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub run: RunId,
    pub changes: Vec<Change>,
    /// It left no receipt that can be used, so `changes` are from its journal.
    pub cut_short: bool,
    /// What is wrong with the receipt that it did leave.
    pub damaged: Option<String>,
}

/// The run to undo: the named one, else one that was cut short, else the latest whose changes
/// are still in force. Refused where a later run would have to be undone first.
pub fn target(
    host: &dyn Host,
    state: &AbsPath,
    named: Option<&RunId>,
    own: Option<&RunId>,
) -> Result<Target, Problem> {
    let runs = Runs::new(host, state);
    is_ours_alone(host, &runs)?;
    let cut_short = runs.cut_short(own)?;
    let unfinished = cut_short
        .as_ref()
        .map(|run| of_journal(host, &runs, run))
        .transpose();
    let unfinished = unfinished?;
    let in_force = runs.in_force()?;
    let target = match (named, &unfinished) {
        // Also where what was cut short is a rollback of it, however far that had come.
        (Some(named), Some(target))
            if cut_short.as_ref() == Some(named) || target.run == *named =>
        {
            target.clone()
        }
        (Some(named), _) => match in_force.iter().find(|receipt| receipt.run == *named) {
            Some(receipt) => of_receipt(receipt),
            None => of_named(host, &runs, named)?,
        },
        (None, Some(target)) => target.clone(),
        (None, None) => in_force
            .last()
            .map(of_receipt)
            .ok_or_else(|| Problem::host("no run of this host is left to be rolled back"))?,
    };
    let mut later = in_force.iter().rev();
    if let Some(later) = later.find(|later| later.changes.is_empty() && later.run > target.run) {
        let run = &later.run;
        let what = format!(
            "run {run} came after {}, and has proven something of what that one made",
            target.run
        );
        return Err(Problem::host(what).remedy(format!("nim-tls rollback {run} --yes")));
    }
    let other = unfinished.filter(|unfinished| unfinished.run != target.run);
    match later_one(&target, &in_force, other.as_ref()) {
        None => Ok(target),
        Some((later, path)) => {
            let what = format!(
                "run {later} came after {} and changed {path} too",
                target.run
            );
            Err(Problem::host(what).remedy(format!("nim-tls rollback {later} --yes")))
        }
    }
}

/// What others could have written there would be carried out by root.
fn is_ours_alone(host: &dyn Host, runs: &Runs<'_>) -> Result<(), Problem> {
    let file = runs.any_file();
    match host.obstacle(&file) {
        None => Ok(()),
        Some(why) => Err(refusal(&file, &why)),
    }
}

/// Whether what a run left at a path is there still.
pub fn is_as_left(host: &dyn Host, change: &Change) -> bool {
    let present = look(host, Path::new(&change.path));
    present.is_ok_and(|present| present.is_after(&change.after))
}

/// Why something that this run left could not be put back now, told before anything is touched.
/// What somebody else has changed since stays as it is in any case.
pub fn obstacle_to(host: &dyn Host, target: &Target) -> Option<Problem> {
    // Links and folders lie beside files, and nothing else than a file is expected at a path.
    let files = target.changes.iter().filter(|change| {
        !matches!(change.after, After::Folder { .. } | After::Link { .. })
            && !matches!(change.before, Before::Folder { .. })
    });
    let ours = files.filter(|change| {
        let present = look(host, Path::new(&change.path));
        present.is_ok_and(|present| {
            present.is_after(&change.after) && !present.is_before(&change.before)
        })
    });
    let mut paths = ours.map(|change| Path::new(&change.path));
    paths.find_map(|path| Some(refusal(path, &host.obstacle(path)?)))
}

fn refusal(path: &Path, why: &str) -> Problem {
    let (what, command) = with_command(why);
    let problem = Problem::host(format!("nothing was put back: {}", escaped(what)));
    let look = format!("namei -l {}", path_word(path.parent().unwrap_or(path)));
    problem.remedy(escaped(command.unwrap_or(&look)))
}

fn of_receipt(receipt: &Receipt) -> Target {
    Target {
        run: receipt.run.clone(),
        changes: receipt.changes.clone(),
        cut_short: false,
        damaged: None,
    }
}

/// A rollback that was cut short is gone on with: what it undoes is still to be undone.
fn of_journal(host: &dyn Host, runs: &Runs<'_>, run: &RunId) -> Result<Target, RunError> {
    let folder = runs.open(run);
    let entries = folder.entries()?;
    if let Some(Entry::Undoing { run: undone }) = entries.first() {
        return match runs.open(undone).receipt() {
            Ok(Some(receipt)) => Ok(of_receipt(&receipt)),
            Err(error) if !error.is_damaged_receipt() => Err(error),
            Ok(None) | Err(_) => of_journal(host, runs, undone),
        };
    }
    let changes = listing::changes(host, &entries)?;
    if lacks_some(host, &folder, &changes) {
        return Err(folder.damaged(entries.len() + 1));
    }
    Ok(Target {
        run: run.clone(),
        changes,
        cut_short: true,
        damaged: folder.receipt().err().map(|error| error.to_string()),
    })
}

/// Whether a file is there as the run was to write it, and no line of the journal says so: then
/// lines have been lost from its end, in both of its files.
fn lacks_some(host: &dyn Host, folder: &RunFolder<'_>, changes: &[Change]) -> bool {
    let Ok(Some(plan)) = folder.plan() else {
        return false;
    };
    plan.changed_files().any(|file| {
        let Content::Text(text) = &file.content else {
            return false;
        };
        let is_known = changes
            .iter()
            .any(|change| change.path == file.path.as_str());
        let present = host.read(file.path.as_path(), MOST_BYTES);
        !is_known && present.is_ok_and(|bytes| bytes == text.as_bytes())
    })
}

/// A named run that is neither in force nor the latest that was cut short.
fn of_named(host: &dyn Host, runs: &Runs<'_>, run: &RunId) -> Result<Target, Problem> {
    let folder = runs.open(run);
    let undone = runs.undone().unwrap_or_default();
    let open = !matches!(folder.receipt(), Ok(Some(_))) && !undone.contains_key(run);
    if open && folder.was_begun().unwrap_or(false) {
        return Ok(of_journal(host, runs, run)?);
    }
    let known = runs.list().is_ok_and(|runs| runs.contains(run));
    Err(match undone.get(run) {
        Some(by) => Problem::host(format!("run {run} was rolled back already, by run {by}")),
        None if known => Problem::host(format!("nothing of run {run} is left to be rolled back")),
        None => Problem::host(format!("there is no run {run}")),
    }
    .remedy("nim-tls history"))
}

/// Whether it is this path that was changed, or lies in a folder that was made.
fn holds(change: &Change, path: &str) -> bool {
    let inside = path.strip_prefix(&change.path);
    let is_made = change.before == Before::Nothing && matches!(change.after, After::Folder { .. });
    inside.is_some_and(|rest| rest.is_empty() || is_made && rest.starts_with('/'))
}

/// A later run that changed one of the same paths, and the path.
fn later_one(
    target: &Target,
    in_force: &[Receipt],
    unfinished: Option<&Target>,
) -> Option<(RunId, String)> {
    let standing = in_force.iter().rev();
    let standing = standing.map(|receipt| (&receipt.run, &receipt.changes));
    unfinished
        .map(|unfinished| (&unfinished.run, &unfinished.changes))
        .into_iter()
        .chain(standing)
        .filter(|(run, _)| **run > target.run)
        .find_map(|(run, changes)| {
            let paths = changes.iter().map(|change| &change.path);
            let mut shared = paths.filter(|path| target.changes.iter().any(|own| holds(own, path)));
            shared.next().map(|path| (run.clone(), escaped(path)))
        })
}
