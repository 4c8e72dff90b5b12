//! What every run has in common: the lock it holds, the receipt it leaves, how it ended.

use std::time::Duration;

use crate::error::{Exit, Problem};
use crate::event::Happening;
use crate::host::{Host, Kind, Lock, LockError};
use crate::receipt::{Outcome, Receipt};
use crate::values::{AbsPath, RunId, path_word};

use super::events::Teller;
use super::holder::Holder;
use super::prune::prune;
use super::run_folder::{Request, RunFolder};
use super::runs::Runs;
use super::stage::Ourselves;
use super::sweep::sweep_runs;

/// A run to carry out: everything that it needs from outside.
pub struct Job<'a> {
    pub host: &'a dyn Host,
    pub state: &'a AbsPath,
    pub run: &'a RunId,
    pub request: &'a Request,
    /// Somebody asks for an orderly end. Looked at between steps.
    pub stop: &'a dyn Fn() -> bool,
    pub ourselves: &'a Ourselves,
    /// Where this program lies, for units that start it again. `None`: where none could name it.
    pub program: Option<AbsPath>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub outcome: Outcome,
    pub exit: Exit,
    pub problem: Option<String>,
    /// What it changed is in its journal only: without a receipt it is cut short, and whoever puts
    /// it back goes by that.
    pub is_open: bool,
}

impl Ending {
    pub(super) fn done(outcome: Outcome) -> Self {
        Self {
            outcome,
            exit: Exit::Done,
            problem: None,
            is_open: false,
        }
    }

    pub(super) fn refused(problem: &Problem) -> Self {
        let what = problem.to_string();
        Self {
            outcome: Outcome::Refused,
            exit: problem.exit,
            problem: Some(what),
            is_open: false,
        }
    }

    pub(super) fn incomplete(problem: String) -> Self {
        Self {
            outcome: Outcome::Incomplete,
            exit: Exit::Incomplete,
            problem: Some(problem),
            is_open: false,
        }
    }

    /// It failed, and nothing could be put back yet.
    pub(super) fn open(why: &str, and_then: Problem) -> Self {
        let what = format!("{why}; and then: {}", and_then.what);
        let problem = Problem { what, ..and_then };
        Self {
            is_open: true,
            ..Self::incomplete(problem.to_string())
        }
    }
}

impl<'a> Job<'a> {
    pub(super) fn runs(&self) -> Runs<'a> {
        Runs::new(self.host, self.state)
    }

    /// Held until the run has ended. A second run is told who holds it.
    pub(super) fn take_lock(&self) -> Result<Lock, Problem> {
        let holder = Holder {
            run: self.run.to_string(),
            process: own_pid(),
            user: self.request.user.clone(),
            terminal: self.request.terminal.clone(),
            since: self.host.now(),
        };
        let file = self.runs().lock_file();
        let lock = self.host.lock(&file, &holder.note());
        let lock = lock.map_err(|error| match error {
            LockError::Held(note) => {
                let what = format!("another run is at work: {}", Holder::in_words(&note));
                Problem::new(Exit::Busy, what).remedy("nim-tls watch")
            }
            LockError::Host(error) => {
                let problem = Problem::from(error);
                let file = path_word(&file);
                match self.host.stat(&self.runs().lock_file()) {
                    // Nobody has locked that: whoever is at work holds a file.
                    Ok(Some(stat)) if stat.kind != Kind::File => {
                        problem.remedy(format!("mv {file} {file}.aside"))
                    }
                    _ => problem,
                }
            }
        })?;
        sweep_runs(self.host, &self.runs(), self.run);
        Ok(lock)
    }

    /// How long something took that began at this uptime.
    pub(super) fn milliseconds_since(&self, began: Duration) -> u64 {
        let took = self.host.uptime().saturating_sub(began);
        u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn started(&self, steps: Vec<(String, String)>) -> Happening {
        let command = self.request.command.clone();
        Happening::Started {
            run: self.run.clone(),
            command,
            pid: own_pid(),
            steps,
        }
    }

    pub(super) fn blank_receipt(&self) -> Receipt {
        Receipt::blank(self.run, &self.request.command, self.host.now())
    }

    /// Writes the receipt and tells the end, which is the one that is given back.
    pub(super) fn finish(
        &self,
        folder: &RunFolder<'_>,
        teller: &Teller<'_>,
        mut receipt: Receipt,
        mut ending: Ending,
    ) -> Ending {
        receipt.ended = self.host.now();
        receipt.outcome = ending.outcome;
        receipt.problem.clone_from(&ending.problem);
        // One that was turned away at the door is no run of this host: it would only stand
        // before the one at work. It has no journal, so nothing takes it for cut short.
        if ending.is_open {
            folder.take_receipt_back();
        } else if ending.exit != Exit::Busy {
            // Twice, in case it was a passing trouble. Without a receipt the run counts as cut
            // short, which is safe: undoing it again does no harm.
            let written = folder
                .write_receipt(&receipt)
                .or_else(|_| folder.write_receipt(&receipt));
            // An apply has written one before, when all that was missing was the time of its end.
            let says_so = |found: Receipt| found.outcome == receipt.outcome;
            let lost =
                written.is_err() && !folder.receipt().is_ok_and(|it| it.is_some_and(says_so));
            if lost {
                folder.take_receipt_back();
            }
            let begun = folder.was_begun().unwrap_or(true);
            if let (Err(error), true) = (written, lost && begun) {
                if ending.exit == Exit::Done {
                    // The next start does not know that it was done.
                    ending = Ending::incomplete("it was done".to_owned());
                }
                let done = ending.problem.as_deref().unwrap_or_default();
                let mut problem = Problem::of_text(ending.exit, done);
                let what = "and how it ended could not be written down";
                problem.what.push_str(&format!("; {what}: {error}"));
                let remedy = format!("nim-tls rollback {} --yes", self.run);
                ending.problem = Some(problem.remedy(remedy).to_string());
            }
            prune(self.host, &self.runs());
        }
        teller.tell(Happening::Ended {
            outcome: ending.outcome,
            exit: ending.exit as u8,
            problem: ending.problem.clone(),
        });
        ending
    }
}

fn own_pid() -> u32 {
    rustix::process::getpid()
        .as_raw_nonzero()
        .get()
        .unsigned_abs()
}

/// The exit code that belongs to a receipt.
pub fn exit_of(receipt: &Receipt) -> Exit {
    match receipt.outcome {
        _ if receipt.not_kept => Exit::NotKept,
        // It was cut short, and another run put it back.
        Outcome::RolledBack if receipt.undid.is_none() => Exit::PutBack,
        Outcome::Applied | Outcome::Unchanged | Outcome::RolledBack => Exit::Done,
        Outcome::Incomplete => Exit::Incomplete,
        Outcome::Refused => Exit::PutBack,
    }
}
