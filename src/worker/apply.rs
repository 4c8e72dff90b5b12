//! Carrying out a plan: its steps in their order, everything put back if one of them fails.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Exit, Problem};
use crate::event::{Happening, StepEnd};
use crate::host::Lock;
use crate::pki::Passphrase;
use crate::plan::{Action, Plan, Proof, Step};
use crate::receipt::{Outcome, Receipt, Reload};
use crate::report;
use crate::values::escaped;

use super::events::Teller;
use super::job::{Ending, Job};
use super::journal::Journal;
use super::listing;
use super::prover::Prover;
use super::return_nginx::return_nginx;
use super::run_folder::RunFolder;
use super::steps::{Failure, Work};
use super::undo::{Undone, undo};

/// Carries out `plan`. When this returns, the receipt is written.
pub fn apply(
    job: &Job<'_>,
    plan: &Plan,
    passphrase: Option<&Passphrase>,
    prover: &mut dyn Prover,
) -> Ending {
    let folder = job.runs().open(job.run);
    let teller = Teller::new(job.host, &folder);
    let mut receipt = job.blank_receipt();
    let (_lock, ending) = match begin(job) {
        Err(problem) => (None, Ending::refused(&problem)),
        Ok(lock) => {
            let steps = plan
                .steps
                .iter()
                .map(|step| (step.id.clone(), step.title.clone()));
            teller.tell(job.started(steps.collect()));
            let run = Run {
                job,
                plan,
                folder: &folder,
                teller: &teller,
            };
            (Some(lock), run.carry_out(passphrase, prover, &mut receipt))
        }
    };
    job.finish(&folder, &teller, receipt, &ending);
    ending
}

/// Takes the lock, and sees that no run was cut short before this one.
fn begin(job: &Job<'_>) -> Result<Lock, Problem> {
    let lock = job.take_lock()?;
    match job.runs().cut_short(Some(job.run)) {
        Ok(None) => Ok(lock),
        Ok(Some(run)) => {
            let what = format!("run {run} was cut short, and this host is in between");
            Err(Problem::new(Exit::Busy, what).remedy("nim-tls rollback --yes"))
        }
        Err(error) => Err(Problem::host(error.to_string())),
    }
}

struct Run<'a> {
    job: &'a Job<'a>,
    plan: &'a Plan,
    folder: &'a RunFolder<'a>,
    teller: &'a Teller<'a>,
}

impl Run<'_> {
    fn carry_out(
        &self,
        passphrase: Option<&Passphrase>,
        prover: &mut dyn Prover,
        receipt: &mut Receipt,
    ) -> Ending {
        let mut journal = self.folder.begin_journal();
        let mut work = Work::new(self.job, self.plan, passphrase, self.folder, self.teller);
        // A fault of this program must not leave a host half changed either.
        let result = catch_unwind(AssertUnwindSafe(|| {
            self.all_steps(&mut work, &mut journal, prover)?;
            self.keep(&work, &journal, receipt)
        }))
        .unwrap_or_else(|_| {
            Err(Failure::Other(
                "this program failed unexpectedly".to_owned(),
            ))
        });
        receipt.proof.clone_from(&work.rows);
        match result {
            Ok(outcome) => Ending::done(outcome),
            Err(failure) => self.put_back(&journal, work.loaded, &failure, receipt),
        }
    }

    fn all_steps(
        &self,
        work: &mut Work<'_>,
        journal: &mut Journal<'_>,
        prover: &mut dyn Prover,
    ) -> Result<(), Failure> {
        work.check()?;
        prover.before(self.job.host, self.plan);
        for step in &self.plan.steps {
            if (self.job.stop)() {
                return Err(Failure::Interrupted);
            }
            self.one_step(work, journal, prover, step)?;
        }
        Ok(())
    }

    fn one_step(
        &self,
        work: &mut Work<'_>,
        journal: &mut Journal<'_>,
        prover: &mut dyn Prover,
        step: &Step,
    ) -> Result<(), Failure> {
        let began = self.job.host.uptime();
        self.teller.tell(Happening::StepBegan {
            step: step.id.clone(),
        });
        let result = work.carry_out(journal, prover, step);
        let (how, detail) = match &result {
            Ok(done) => (done.how, done.detail.clone()),
            Err(failure) => (StepEnd::Failed, failure.to_string()),
        };
        let took = self.job.host.uptime().saturating_sub(began);
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.teller.tell(Happening::StepEnded {
            step: step.id.clone(),
            how,
            detail,
            milliseconds,
        });
        result.map(drop)
    }

    /// The run is done only when its receipt is on disk.
    fn keep(
        &self,
        work: &Work<'_>,
        journal: &Journal<'_>,
        receipt: &mut Receipt,
    ) -> Result<Outcome, Failure> {
        let changes = listing::changes(self.job.host, journal.entries())?;
        let outcome = if changes.is_empty() {
            Outcome::Unchanged
        } else {
            Outcome::Applied
        };
        let reload = if work.reloaded {
            Reload::Done
        } else {
            Reload::NotNeeded
        };
        let kept = Receipt {
            ended: self.job.host.now(),
            outcome,
            changes,
            reload,
            proof: work.rows.clone(),
            proves: self.plan.steps.iter().find_map(proof_of),
            ..receipt.clone()
        };
        if !kept.proof.is_empty() {
            self.folder
                .write("proof.txt", report::as_text(&kept.proof).as_bytes())?;
        }
        self.folder.write_receipt(&kept)?;
        *receipt = kept;
        Ok(outcome)
    }

    /// Everything back, nginx too, and where the host stands in one line.
    fn put_back(
        &self,
        journal: &Journal<'_>,
        loaded: bool,
        failure: &Failure,
        receipt: &mut Receipt,
    ) -> Ending {
        let host = self.job.host;
        let why = failure.to_string();
        if journal.entries().is_empty() {
            // Nothing was touched: as it is, this host cannot carry the plan.
            return Ending::refused(&Problem::host(why));
        }
        self.teller
            .tell(Happening::PuttingBack { why: why.clone() });
        let changes = match listing::changes(host, journal.entries()) {
            Ok(changes) => changes,
            Err(error) => return Ending::incomplete(format!("{why}; and then: {error}")),
        };
        let left = undo(host, self.folder, &changes, |change, undone| {
            self.teller.tell(said(&change.path, undone));
        });
        if loaded {
            let scratch = self.folder.path().join("test");
            receipt.reload = return_nginx(host, self.job.ourselves, self.plan, &scratch);
        }
        let mut stands = vec![why];
        stands.extend(
            left.iter()
                .map(|(change, why)| format!("{}: {why}", escaped(&change.path))),
        );
        if let Reload::Refused { why } = &receipt.reload {
            stands.push(format!(
                "the files are as before, but nginx does not load them: {why}"
            ));
        }
        receipt.left = left.iter().map(|(change, _)| change.path.clone()).collect();
        receipt.changes = left.into_iter().map(|(change, _)| change).collect();
        if stands.len() > 1 {
            return Ending::incomplete(stands.join("; "));
        }
        stands.push("everything was put back".to_owned());
        Ending::refused(&Problem::new(Exit::PutBack, stands.join("; ")))
    }
}

/// One path of an undo, as an event.
pub(super) fn said(path: &str, undone: &Undone) -> Happening {
    let path = escaped(path);
    let text = match undone {
        Undone::Back => format!("{path}: as before"),
        Undone::Left(why) => format!("{path}: left as it is, {why}"),
    };
    Happening::Said {
        step: "put-back".to_owned(),
        text,
    }
}

fn proof_of(step: &Step) -> Option<Proof> {
    match &step.action {
        Action::Prove(proof) => Some(proof.clone()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "apply/tests.rs"]
mod tests;
