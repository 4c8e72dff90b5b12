//! Undoing a run, in a run of its own. The journal of the undone run, or its receipt, says what
//! to put back; whether nginx likes the result does not decide whether it is put back.

use crate::error::Problem;
use crate::host::Host;
use crate::plan::Plan;
use crate::receipt::{Change, Outcome, Receipt, Reload};
use crate::values::{AbsPath, RunId, escaped};

use super::apply::said;
use super::events::Teller;
use super::job::{Ending, Job};
use super::journal::Entry;
use super::listing;
use super::return_nginx::return_nginx;
use super::run_folder::{RunError, Runs};
use super::undo::undo;

/// What is to be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub run: RunId,
    pub changes: Vec<Change>,
    /// It left no receipt.
    pub cut_short: bool,
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
    let host_problem = |error: RunError| Problem::host(error.to_string());
    let cut_short = runs.cut_short(own).map_err(host_problem)?;
    let unfinished = cut_short
        .as_ref()
        .map(|run| of_journal(host, &runs, run))
        .transpose();
    let unfinished = unfinished.map_err(host_problem)?;
    let in_force = runs.in_force().map_err(host_problem)?;
    let target = match (named, &unfinished) {
        (Some(named), Some(target)) if cut_short.as_ref() == Some(named) => target.clone(),
        (Some(named), _) => {
            let receipt = in_force.iter().find(|receipt| receipt.run == *named);
            receipt
                .map(of_receipt)
                .ok_or_else(|| not_in_force(&runs, named))?
        }
        (None, Some(target)) => target.clone(),
        (None, None) => in_force
            .last()
            .map(of_receipt)
            .ok_or_else(|| Problem::host("no run of this host is left to be rolled back"))?,
    };
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

fn of_receipt(receipt: &Receipt) -> Target {
    Target {
        run: receipt.run.clone(),
        changes: receipt.changes.clone(),
        cut_short: false,
    }
}

/// A rollback that was cut short is gone on with: what it undoes is still to be undone.
fn of_journal(host: &dyn Host, runs: &Runs<'_>, run: &RunId) -> Result<Target, RunError> {
    let folder = runs.open(run);
    let entries = folder.entries()?;
    if let Some(Entry::Undoing { run: undone }) = entries.first() {
        return match runs.open(undone).receipt()? {
            Some(receipt) => Ok(of_receipt(&receipt)),
            None => of_journal(host, runs, undone),
        };
    }
    let changes = listing::changes(host, &entries)?;
    Ok(Target {
        run: run.clone(),
        changes,
        cut_short: true,
    })
}

fn not_in_force(runs: &Runs<'_>, run: &RunId) -> Problem {
    match runs.open(run).receipt() {
        Ok(Some(_)) => Problem::host(format!("nothing of run {run} is left to be rolled back")),
        _ => Problem::host(format!("there is no run {run}")).remedy("nim-tls history"),
    }
}

/// A later run that changed one of the same paths, and the path.
fn later_one(
    target: &Target,
    in_force: &[Receipt],
    unfinished: Option<&Target>,
) -> Option<(RunId, String)> {
    let at = in_force
        .iter()
        .position(|receipt| receipt.run == target.run);
    let later = in_force[at.map_or(in_force.len(), |at| at + 1)..]
        .iter()
        .rev();
    let later = later.map(|receipt| (&receipt.run, &receipt.changes));
    let unfinished = unfinished.map(|unfinished| (&unfinished.run, &unfinished.changes));
    unfinished
        .into_iter()
        .chain(later)
        .find_map(|(run, changes)| {
            let paths = changes.iter().map(|change| &change.path);
            let mut shared =
                paths.filter(|path| target.changes.iter().any(|own| own.path == **path));
            shared.next().map(|path| (run.clone(), escaped(path)))
        })
}

/// Undoes the run that the request names. When this returns, the receipt is written.
pub fn rollback(job: &Job<'_>) -> Ending {
    let folder = job.runs().open(job.run);
    let teller = Teller::new(job.host, &folder);
    let mut receipt = job.blank_receipt();
    let begun = job.take_lock().and_then(|lock| {
        let target = target(
            job.host,
            job.state,
            job.request.undoes.as_ref(),
            Some(job.run),
        )?;
        let entry = Entry::Undoing {
            run: target.run.clone(),
        };
        folder
            .begin_journal()
            .write(entry)
            .map_err(|error| Problem::host(error.to_string()))?;
        Ok((lock, target))
    });
    let (_lock, ending) = match begun {
        Err(problem) => (None, Ending::refused(&problem)),
        Ok((lock, target)) => {
            let title = format!("Put back what run {} changed", target.run);
            teller.tell(job.started(vec![("put-back".to_owned(), title)]));
            (Some(lock), undo_target(job, &teller, &target, &mut receipt))
        }
    };
    job.finish(&folder, &teller, receipt, &ending);
    ending
}

/// In the receipt of a rollback, `changes` are those that it took back.
fn undo_target(
    job: &Job<'_>,
    teller: &Teller<'_>,
    target: &Target,
    receipt: &mut Receipt,
) -> Ending {
    let undone = job.runs().open(&target.run);
    receipt.undid = Some(target.run.clone());
    let left = undo(job.host, &undone, &target.changes, |change, undone| {
        teller.tell(said(&change.path, undone));
    });
    let is_left = |change: &&Change| left.iter().any(|(one, _)| one == *change);
    receipt.changes = target
        .changes
        .iter()
        .filter(|change| !is_left(change))
        .cloned()
        .collect();
    receipt.left = left.iter().map(|(change, _)| change.path.clone()).collect();
    // Without its plan, nothing is known of nginx; the files are what was promised.
    let plan = undone.plan().unwrap_or_default();
    let scratch = job.runs().open(job.run).path().join("test");
    receipt.reload = match &plan {
        Some(plan) if reaches_nginx(job.state, plan, &target.changes) => {
            return_nginx(job.host, job.ourselves, plan, &scratch)
        }
        _ => Reload::NotNeeded,
    };
    close(job, target, &left);
    finish_rollbacks(job, target);
    if left.is_empty() {
        return Ending::done(Outcome::RolledBack);
    }
    let names: Vec<String> = left
        .iter()
        .map(|(change, why)| format!("{}: {why}", escaped(&change.path)))
        .collect();
    Ending::incomplete(names.join("; "))
}

/// Whether anything outside of our own state was changed.
fn reaches_nginx(state: &AbsPath, plan: &Plan, changes: &[Change]) -> bool {
    let outside = |path: &str| {
        path.parse::<AbsPath>()
            .map_or(true, |path| !path.is_below(state) && path != *state)
    };
    !plan.is_empty() && changes.iter().any(|change| outside(&change.path))
}

/// A run that was cut short gets the receipt that it could not write.
fn close(job: &Job<'_>, target: &Target, left: &[(Change, String)]) {
    if !target.cut_short {
        return;
    }
    let folder = job.runs().open(&target.run);
    let command = folder
        .request()
        .ok()
        .flatten()
        .map(|request| request.command);
    let outcome = if left.is_empty() {
        Outcome::RolledBack
    } else {
        Outcome::Incomplete
    };
    let receipt = Receipt {
        run: target.run.clone(),
        command: command.unwrap_or_else(|| "apply".to_owned()),
        outcome,
        changes: left.iter().map(|(change, _)| change.clone()).collect(),
        problem: Some("it was cut short".to_owned()),
        left: left.iter().map(|(change, _)| change.path.clone()).collect(),
        ..job.blank_receipt()
    };
    // If this fails, it is found again, and undone again, which does no harm.
    let _ = folder.write_receipt(&receipt);
}

/// Earlier rollbacks of the same run that were cut short are done with, too.
fn finish_rollbacks(job: &Job<'_>, target: &Target) {
    while let Ok(Some(run)) = job.runs().cut_short(Some(job.run)) {
        let folder = job.runs().open(&run);
        let same = matches!(
            folder.entries().unwrap_or_default().first(),
            Some(Entry::Undoing { run }) if *run == target.run
        );
        let receipt = Receipt {
            run: run.clone(),
            command: "rollback".to_owned(),
            outcome: Outcome::Incomplete,
            problem: Some(format!("it was cut short; run {} went on with it", job.run)),
            ..job.blank_receipt()
        };
        if !same || folder.write_receipt(&receipt).is_err() {
            return;
        }
    }
}

#[cfg(test)]
#[path = "rollback/tests.rs"]
mod tests;
