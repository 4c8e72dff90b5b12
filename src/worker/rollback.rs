//! Undoing a run, in a run of its own. The journal of the undone run, or its receipt, says what
//! to put back; whether nginx likes the result does not decide whether it is put back.

use crate::error::{Exit, Problem};
use crate::event::{Happening, StepEnd};
use crate::receipt::{Change, Outcome, Receipt, Reload};
use crate::values::{AbsPath, RunId};

use super::apply::{put_back_says, said};
use super::enable::return_links;
use super::events::{Teller, follow, waits};
use super::job::{Ending, Job};
use super::journal::Entry;
use super::leftovers::end_leftovers;
use super::needed::needed;
use super::restart::return_services;
use super::return_nginx::{return_nginx, stands, stands_in_words};
use super::run_folder::RunFolder;
use super::take_back::take_back;
use super::target::{Target, target};
use super::undo::{Stays, record_stays, stays_in_words};
use super::watch::{return_watch, stop_watching};

/// The one step of a rollback.
const PUT_BACK: &str = "put-back";

/// Undoes the run that the request names. When this returns, the receipt is written.
pub fn rollback(job: &Job<'_>) -> Ending {
    let folder = job.runs().open(job.run);
    let teller = Teller::new(job.host, &folder);
    let mut receipt = job.blank_receipt();
    let begun = job.take_lock().and_then(|lock| {
        end_what_runs_still(job, &teller)?;
        let target = target(
            job.host,
            job.state,
            job.request.undoes.as_ref(),
            Some(job.run),
        )?;
        let entry = Entry::Undoing {
            run: target.run.clone(),
        };
        folder.begin_journal().write(entry)?;
        Ok((lock, target))
    });
    let (_lock, ending) = match begun {
        Err(problem) => (None, Ending::refused(&problem)),
        Ok((lock, target)) => {
            let title = format!("Put back what run {} changed", target.run);
            teller.tell(job.started(vec![(PUT_BACK.to_owned(), title)]));
            let began = job.host.uptime();
            let step = PUT_BACK.to_owned();
            teller.tell(Happening::StepBegan { step: step.clone() });
            let ending = undo_target(job, &teller, &target, &mut receipt);
            teller.tell(Happening::StepEnded {
                step,
                how: match &receipt.reload {
                    _ if ending.exit != Exit::Done => StepEnd::Failed,
                    // The files are back; nginx goes on as it was.
                    Reload::Refused { .. } => StepEnd::Warned,
                    _ => StepEnd::Done,
                },
                detail: match &receipt.reload {
                    Reload::NotNeeded => String::new(),
                    reload => format!("nginx: reload {reload}"),
                },
                milliseconds: job.milliseconds_since(began),
            });
            (Some(lock), ending)
        }
    };
    job.finish(&folder, &teller, receipt, ending)
}

/// A worker that was killed may have left a command running, which would go on changing what
/// is put back; what it has changed is known only once it has ended.
fn end_what_runs_still(job: &Job<'_>, teller: &Teller<'_>) -> Result<(), Problem> {
    let runs = job.runs();
    match runs.cut_short(Some(job.run))? {
        Some(run) => end_leftovers(job.host, &runs.open(&run), |text| {
            teller.tell(put_back_says(text));
        }),
        None => Ok(()),
    }
}

/// In the receipt of a rollback, `changes` are those that it took back.
fn undo_target(
    job: &Job<'_>,
    teller: &Teller<'_>,
    target: &Target,
    receipt: &mut Receipt,
) -> Ending {
    let host = job.host;
    let undone = job.runs().open(&target.run);
    receipt.undid = Some(target.run.clone());
    if let Some(damaged) = &target.damaged {
        let text = format!("{damaged}; the journal of the run is used instead");
        teller.tell(put_back_says(text));
    }
    // Without its plan, nothing is known of nginx; the files are what was promised.
    let plan = undone.plan().unwrap_or_default();
    if let Some(plan) = &plan {
        stop_watching(host, plan);
    }
    let keep = needed(host, job.state.as_path(), &target.changes, plan.as_ref());
    let stays = take_back(host, &undone, &target.changes, &keep, |change, undone| {
        teller.tell(said(&change.path, undone));
    });
    let is_left = |change: &&Change| stays.iter().any(|one| one.change == **change);
    receipt.changes = target
        .changes
        .iter()
        .filter(|change| !is_left(change))
        .cloned()
        .collect();
    record_stays(receipt, &stays);
    let scratch = job.runs().open(job.run).path().join("test");
    receipt.reload = match &plan {
        _ if !reach_outside(job.state, &target.changes) => Reload::NotNeeded,
        Some(plan) if plan.is_empty() => Reload::NotNeeded,
        Some(plan) => return_nginx(host, job.ourselves, plan, &scratch),
        None if host.is_live() => Reload::Refused {
            why: "the plan of that run is gone or damaged, and with it which nginx it was; do: \
                  nginx -t && nginx -s reload"
                .to_owned(),
        },
        None => Reload::NotNeeded,
    };
    let links = plan.as_ref().and_then(|plan| return_links(host, plan));
    if let Some(words) = links {
        teller.tell(put_back_says(words));
    }
    let mut down = Vec::new();
    let watch = plan.as_ref().map(|plan| return_watch(host, plan));
    let watch = watch.unwrap_or(Ok(None));
    down.extend(watch.clone().err());
    if let Some(words) = watch.unwrap_or_else(Some) {
        teller.tell(put_back_says(words));
    }
    for said in plan.iter().flat_map(|plan| return_services(host, plan)) {
        down.extend(said.clone().err());
        teller.tell(put_back_says(said.unwrap_or_else(|why| why)));
    }
    close(job, target, &stays);
    finish_rollbacks(job, target);
    if stays.is_empty() {
        if down.is_empty() {
            return Ending::done(Outcome::RolledBack);
        }
        let files = "every file is as before";
        return Ending::incomplete(format!("{files}, but {}", down.join("; ")));
    }
    receipt.nginx_test = stands(host, job.ourselves, plan.as_ref(), &stays, &scratch);
    let mut sentences = stays_in_words(&stays);
    sentences.extend(receipt.nginx_test.as_deref().map(stands_in_words));
    sentences.extend(down);
    Ending::incomplete(sentences.join("; "))
}

/// Whether anything outside of our own state was changed.
fn reach_outside(state: &AbsPath, changes: &[Change]) -> bool {
    let outside = |path: &str| {
        path.parse::<AbsPath>()
            .map_or(true, |path| !path.is_below(state) && path != *state)
    };
    changes.iter().any(|change| outside(&change.path))
}

/// A run that was cut short gets the receipt that it could not write, with its own times.
fn close(job: &Job<'_>, target: &Target, stays: &[Stays]) {
    if !target.cut_short {
        return;
    }
    let folder = job.runs().open(&target.run);
    let outcome = if stays.is_empty() {
        Outcome::RolledBack
    } else {
        Outcome::Incomplete
    };
    let waited = waits(job.host, job.state, &target.run).is_some();
    let problem = match &target.damaged {
        Some(damaged) => format!("{damaged}; run {} went by its journal", job.run),
        None if waited => "it was cut short while it waited to be kept".to_owned(),
        None => match was_putting_back(job, &target.run) {
            Some(why) => format!("it was cut short while it put everything back, because {why}"),
            None => "it was cut short".to_owned(),
        },
    };
    let mut receipt = Receipt {
        outcome,
        not_kept: waited && outcome == Outcome::RolledBack,
        changes: stays.iter().map(|one| one.change.clone()).collect(),
        problem: Some(problem),
        ..late_receipt(job, &folder, "apply")
    };
    record_stays(&mut receipt, stays);
    if target.damaged.is_some() {
        folder.set_receipt_aside();
    }
    // Where this fails, the receipt of this run says as much.
    let _ = folder.write_receipt(&receipt);
}

/// Why a run had begun to put everything back by itself.
fn was_putting_back(job: &Job<'_>, run: &RunId) -> Option<String> {
    let told = follow(job.host, job.state, run, 0).news().ok()?;
    told.into_iter().rev().find_map(|event| match event.what {
        Happening::PuttingBack { why } => Some(why),
        _ => None,
    })
}

/// The receipt of a run that is over, written by this one.
fn late_receipt(job: &Job<'_>, folder: &RunFolder<'_>, command: &str) -> Receipt {
    let now = job.host.now();
    let request = folder.request().ok().flatten();
    let command = request.map_or_else(|| command.to_owned(), |request| request.command);
    Receipt {
        started: folder.asked_at().unwrap_or(now),
        ended: folder.last_sign().unwrap_or(now),
        ..Receipt::blank(folder.id(), &command, now)
    }
}

/// Earlier rollbacks of the same run that were cut short are done with, too.
fn finish_rollbacks(job: &Job<'_>, target: &Target) {
    while let Ok(Some(run)) = job.runs().cut_short(Some(job.run)) {
        let folder = job.runs().open(&run);
        let same = matches!(
            folder.entries().unwrap_or_default().first(),
            Some(Entry::Undoing { run }) if *run == target.run
        );
        let damaged = folder.receipt().is_err();
        if same && damaged {
            folder.set_receipt_aside();
        }
        let receipt = Receipt {
            outcome: Outcome::Incomplete,
            problem: Some(format!("it was cut short; run {} went on with it", job.run)),
            ..late_receipt(job, &folder, "rollback")
        };
        if !same || folder.write_receipt(&receipt).is_err() {
            return;
        }
    }
}

#[cfg(test)]
#[path = "rollback/tests.rs"]
mod tests;

#[cfg(test)]
#[path = "rollback/fault_tests.rs"]
mod fault_tests;

#[cfg(test)]
#[path = "rollback/left_tests.rs"]
mod left_tests;
