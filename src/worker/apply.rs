//! Carrying out a plan: its steps in their order, everything put back if one of them fails.

use std::collections::BTreeMap;

use crate::error::{Exit, Problem};
use crate::event::{Happening, StepEnd};
use crate::host::Lock;
use crate::pki::Passphrase;
use crate::plan::{Action, Plan, Proof, ReachProof, Step, live_only};
use crate::receipt::{Outcome, Receipt, Reload, Skipped, proven_last};
use crate::report;
use crate::values::escaped;

use super::came_back::Clients;
use super::enable::return_links;
use super::events::Teller;
use super::failure::Failure;
use super::job::{Ending, Job};
use super::journal::Journal;
use super::leftovers::end_leftovers;
use super::listing;
use super::needed::needed;
use super::prover::Prover;
use super::restart::return_services;
use super::return_nginx::{return_nginx, stands, stands_in_words};
use super::run_folder::RunFolder;
use super::runs::in_between;
use super::steps::{NEEDS_LIFE, Work};
use super::switch::{arm, disarm};
use super::take_back::take_back;
use super::undo::{Undone, record_stays, stays_in_words, undo};
use super::watch::{return_watch, stop_watching};
use super::window::Window;

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
            let own = plan.steps.iter();
            let own = own.map(|step| (step.id.clone(), step.title.clone()));
            receipt.skipped = skipped(job, plan);
            let others = receipt.skipped.iter();
            let others = others.map(|one| (one.step.clone(), one.title.clone()));
            teller.tell(job.started(own.chain(others).collect()));
            let run = Run {
                job,
                plan,
                folder: &folder,
                teller: &teller,
            };
            (Some(lock), run.carry_out(passphrase, prover, &mut receipt))
        }
    };
    job.finish(&folder, &teller, receipt, ending)
}

/// Takes the lock, and sees that no run was cut short before this one.
fn begin(job: &Job<'_>) -> Result<Lock, Problem> {
    let lock = job.take_lock()?;
    let runs = job.runs();
    if let Some(run) = runs.cut_short(Some(job.run))? {
        return Err(in_between(&runs, &run, ""));
    }
    // One that began and ended while the plan was made: what the plan saw was in between.
    let seen = job.request.runs_seen;
    if seen.is_some_and(|seen| runs.that_changed().is_ok_and(|now| now != seen)) {
        let what = "another run has ended since this plan was begun, which is of a host in between";
        return Err(Problem::host(what).remedy("nim-tls history"));
    }
    Ok(lock)
}

/// What a running system would get besides, where this is a folder.
fn skipped(job: &Job<'_>, plan: &Plan) -> Vec<Skipped> {
    if job.host.is_live() {
        return Vec::new();
    }
    let steps = live_only(plan).into_iter();
    let steps = steps.map(|(step, title)| Skipped {
        step: step.to_owned(),
        title: title.to_owned(),
        why: NEEDS_LIFE.to_owned(),
    });
    steps.collect()
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
        let result = self.all_of_it(&mut work, &mut journal, prover, receipt);
        receipt.proof.clone_from(&work.rows);
        match result {
            Ok(outcome) => Ending::done(outcome),
            Err(failure) => self.put_back(&journal, &work, &failure, receipt),
        }
    }

    fn all_of_it(
        &self,
        work: &mut Work<'_>,
        journal: &mut Journal<'_>,
        prover: &mut dyn Prover,
        receipt: &mut Receipt,
    ) -> Result<Outcome, Failure> {
        work.check()?;
        let clients = Clients::of(self.job.host, self.plan);
        let armed = self.all_steps(work, journal, prover)?;
        let changed = journal.entries().len() > armed;
        if let (Some(seconds), true) = (self.job.request.keep_within, changed) {
            let window = Window {
                job: self.job,
                folder: self.folder,
                teller: self.teller,
                seconds,
                clients,
                goes_on: &|| work.goes_on(),
            };
            window.wait()?;
        }
        self.keep(work, journal, armed, receipt)
    }

    /// Gives how many lines of the journal are about the switch: the first ones.
    fn all_steps(
        &self,
        work: &mut Work<'_>,
        journal: &mut Journal<'_>,
        prover: &mut dyn Prover,
    ) -> Result<usize, Failure> {
        let mut armed = 0;
        prover.before(self.job.host, self.plan);
        for step in &self.plan.steps {
            if (self.job.stop)() {
                return Err(Failure::Interrupted);
            }
            // Before the first byte of all, and not where nothing comes of it.
            if matches!(step.action, Action::Place) && self.job.request.keep_within.is_some() {
                let switch = arm(self.job, journal);
                self.teller.tell(Happening::Armed { switch });
                armed = journal.entries().len();
            }
            self.one_step(work, journal, prover, step)?;
        }
        for one in skipped(self.job, self.plan) {
            self.teller.tell(Happening::StepEnded {
                step: one.step,
                how: StepEnd::Skipped,
                detail: one.why,
                milliseconds: 0,
            });
        }
        Ok(armed)
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
        self.teller.tell(Happening::StepEnded {
            step: step.id.clone(),
            how,
            detail,
            milliseconds: self.job.milliseconds_since(began),
        });
        result.map(drop)
    }

    /// The run is done only when its receipt is on disk.
    fn keep(
        &self,
        work: &Work<'_>,
        journal: &Journal<'_>,
        entries: usize,
        receipt: &mut Receipt,
    ) -> Result<Outcome, Failure> {
        let mut armed = journal.entries().to_vec();
        let changes = listing::changes(self.job.host, &armed.split_off(entries))?;
        let proves = self.plan.steps.iter().find_map(proof_of);
        let otherwise = proves.as_ref().is_some_and(|proof| self.is_new(proof));
        let outcome = if changes.is_empty() && !otherwise {
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
            proves,
            reaches: self.plan.steps.iter().find_map(reach_of),
            ..receipt.clone()
        };
        if !kept.proof.is_empty() {
            self.folder
                .write("proof.txt", report::as_text(&kept.proof).as_bytes())?;
        }
        self.folder.write_receipt(&kept)?;
        *receipt = kept;
        // It stays: what would have put it back goes. Whatever of it is left finds the receipt,
        // and goes then.
        if !armed.is_empty() {
            let switch = listing::changes(self.job.host, &armed).unwrap_or_default();
            undo(
                self.job.host,
                self.folder,
                &switch,
                &BTreeMap::new(),
                |_, _| {},
            );
            let _ = disarm(self.job.host, self.job.run);
        }
        Ok(outcome)
    }

    /// Whether the contrary of it was proven last. Where a manager judges agents itself, no file
    /// tells what is in force: the runs do.
    fn is_new(&self, proof: &Proof) -> bool {
        let in_force = self.job.runs().in_force().unwrap_or_default();
        let then = proven_last(&in_force);
        then.is_some_and(|then| then.refuses_agents() != proof.refuses_agents())
    }

    /// Everything back, nginx too, and where the host stands in one line.
    fn put_back(
        &self,
        journal: &Journal<'_>,
        work: &Work<'_>,
        failure: &Failure,
        receipt: &mut Receipt,
    ) -> Ending {
        let host = self.job.host;
        let why = failure.to_string();
        if journal.entries().is_empty() {
            // Nothing was touched: as it is, this host cannot carry the plan.
            return Ending::refused(&failure.problem(Exit::HostUnfit, why));
        }
        self.teller
            .tell(Happening::PuttingBack { why: why.clone() });
        // Whoever could not sync it may have put it in its place before.
        self.folder.take_receipt_back();
        // A command that was ended may have left children behind.
        let waiting = |text| self.teller.tell(put_back_says(text));
        if let Err(problem) = end_leftovers(host, self.folder, waiting) {
            return Ending::open(&why, problem);
        }
        let changes = match listing::changes(host, journal.entries()) {
            Ok(changes) => changes,
            Err(error) => {
                let again = format!("nim-tls rollback {} --yes", self.job.run);
                return Ending::open(&why, Problem::from(error).remedy(again));
            }
        };
        stop_watching(host, self.plan);
        let keep = needed(host, self.job.state.as_path(), &changes, Some(self.plan));
        let stays = take_back(host, self.folder, &changes, &keep, |change, undone| {
            self.teller.tell(said(&change.path, undone));
        });
        let scratch = self.folder.path().join("test");
        if work.loaded {
            receipt.reload = return_nginx(host, self.job.ourselves, self.plan, &scratch);
        }
        if let Some(words) = return_links(host, self.plan) {
            self.teller.tell(put_back_says(words));
        }
        let mut down = Vec::new();
        let watch = return_watch(host, self.plan);
        down.extend(watch.clone().err());
        if let Some(words) = watch.unwrap_or_else(Some) {
            self.teller.tell(put_back_says(words));
        }
        if work.restarted {
            for said in return_services(host, self.plan) {
                down.extend(said.clone().err());
                self.teller
                    .tell(put_back_says(said.unwrap_or_else(|why| why)));
            }
        }
        let mut sentences = vec![why];
        sentences.extend(down);
        sentences.extend(stays_in_words(&stays));
        if let (Reload::Refused { why }, true) = (&receipt.reload, stays.is_empty()) {
            sentences.push(format!(
                "the files are as before, but nginx does not load them: {why}"
            ));
        }
        if !stays.is_empty() {
            receipt.nginx_test =
                stands(host, self.job.ourselves, Some(self.plan), &stays, &scratch);
            sentences.extend(receipt.nginx_test.as_deref().map(stands_in_words));
        }
        record_stays(receipt, &stays);
        receipt.changes = stays.into_iter().map(|one| one.change).collect();
        if sentences.len() > 1 {
            return Ending::incomplete(sentences.join("; "));
        }
        sentences.push("everything was put back".to_owned());
        let problem = sentences.join("; ");
        receipt.not_kept = matches!(failure, Failure::NotKept(_) | Failure::Unwanted);
        if receipt.not_kept {
            return Ending {
                outcome: Outcome::RolledBack,
                exit: Exit::NotKept,
                problem: Some(problem),
                is_open: false,
            };
        }
        Ending::refused(&failure.problem(Exit::PutBack, problem))
    }
}

/// One path of an undo, as an event.
pub(super) fn said(path: &str, undone: &Undone) -> Happening {
    let path = escaped(path);
    let text = match undone {
        Undone::Back => format!("{path}: as before"),
        Undone::Left(why) => format!("{path}: left as it is, {why}"),
        Undone::Failed(why) => format!("{path}: could not be put back, {why}"),
        Undone::Kept(why) => format!("{path}: kept, because {why}"),
    };
    put_back_says(text)
}

pub(super) fn put_back_says(text: String) -> Happening {
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

fn reach_of(step: &Step) -> Option<ReachProof> {
    match &step.action {
        Action::Reach(proof) => Some(proof.clone()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "apply/tests.rs"]
mod tests;

#[cfg(test)]
#[path = "apply/fault_tests.rs"]
mod fault_tests;
