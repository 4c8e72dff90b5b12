//! All runs of a host, in `STATE/runs`: how they are numbered, and which of them still count.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use time::OffsetDateTime;

use crate::error::{Exit, Problem};
use crate::host::{Host, HostError, LockError};
use crate::receipt::{Outcome, Receipt, leave_in_force, undone};
use crate::values::{AbsPath, Attributes, RunId, sort_by};

use super::run_folder::{Request, RunError, RunFolder};

/// All runs of a host: `STATE/runs`.
pub struct Runs<'a> {
    host: &'a dyn Host,
    state: PathBuf,
}

impl<'a> Runs<'a> {
    pub fn new(host: &'a dyn Host, state: &AbsPath) -> Self {
        Self {
            host,
            state: state.as_path().to_owned(),
        }
    }

    /// The file that a run at work has locked.
    pub fn lock_file(&self) -> PathBuf {
        self.state.join("lock")
    }

    /// Makes the folder of the next run and writes the request into it. Runs are numbered
    /// within their day, a number is never given twice, and their order is that of their names.
    pub fn create(&self, request: &Request) -> Result<RunFolder<'a>, RunError> {
        self.make_folders(&self.state.join("runs"))?;
        let _numbering = self.numbering()?;
        let day = OffsetDateTime::from_unix_timestamp(self.host.now())
            .map_err(|error| RunError::Numbering(format!("the clock is unusable: {error}")))?
            .date();
        let runs = self.list()?;
        // A clock that was set back must not put a run before those that it comes after.
        let latest = runs.last().map(RunId::day).unwrap_or_default();
        let day = day.to_string().max(latest.to_owned());
        let of_day = runs.iter().filter(|run| run.day() == day);
        let next = format!(
            "{day}-{:02}",
            of_day.map(RunId::number).max().unwrap_or(0) + 1
        );
        let id: RunId = next
            .parse()
            .map_err(|_| RunError::Numbering(format!("no run {next}")))?;
        let folder = self.open(&id);
        self.host
            .make_folder(folder.path(), &Attributes::root(0o700))?;
        folder.write_json("request.json", request)?;
        Ok(folder)
    }

    pub fn open(&self, id: &RunId) -> RunFolder<'a> {
        let path = self.state.join("runs").join(id.as_str());
        RunFolder::new(self.host, id.clone(), path)
    }

    /// Where a run would keep a file.
    pub(super) fn any_file(&self) -> PathBuf {
        self.state.join("runs/any")
    }

    /// Every run, oldest first.
    pub fn list(&self) -> Result<Vec<RunId>, HostError> {
        let names = self.host.list(&self.state.join("runs"))?;
        let mut runs: Vec<RunId> = names.iter().filter_map(|name| name.parse().ok()).collect();
        sort_by(&mut runs, Ord::cmp);
        Ok(runs)
    }

    /// Whether some run may be at work: it writes its receipt last of all, and made its folder
    /// before it began. For this, no process has to be looked at.
    pub fn may_be_at_work(&self) -> bool {
        let runs = self.list();
        runs.map_or(true, |runs| {
            runs.iter().any(|run| !self.open(run).has_receipt())
        })
    }

    /// The latest run, except `own`, that was begun and, as far as can be told, never ended:
    /// its receipt is missing or damaged, and no later one says that it was undone.
    pub fn cut_short(&self, own: Option<&RunId>) -> Result<Option<RunId>, RunError> {
        let (receipts, without) = self.receipts()?;
        let undone = undone(&receipts);
        for run in without.into_iter().rev() {
            if Some(&run) != own && !undone.contains_key(&run) && self.open(&run).was_begun()? {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }

    /// How many have ended that changed something, or put something back, be it only what is
    /// proven.
    pub fn that_changed(&self) -> Result<usize, RunError> {
        let (receipts, _) = self.receipts()?;
        let changed = |receipt: &&Receipt| {
            !receipt.changes.is_empty()
                || matches!(receipt.outcome, Outcome::Applied | Outcome::RolledBack)
        };
        Ok(receipts.iter().filter(changed).count())
    }

    /// Runs that are still in force, oldest first, with their receipts.
    pub fn in_force(&self) -> Result<Vec<Receipt>, RunError> {
        let (mut receipts, _) = self.receipts()?;
        leave_in_force(&mut receipts);
        Ok(receipts)
    }

    /// Runs that were rolled back, each with the run that did it.
    pub fn undone(&self) -> Result<BTreeMap<RunId, RunId>, RunError> {
        Ok(undone(&self.receipts()?.0))
    }

    /// All that can be read, oldest first, and the runs that have none.
    fn receipts(&self) -> Result<(Vec<Receipt>, Vec<RunId>), RunError> {
        let (mut receipts, mut without) = (Vec::new(), Vec::new());
        for run in self.list()? {
            match self.open(&run).receipt() {
                Ok(Some(receipt)) => receipts.push(receipt),
                Ok(None) => without.push(run),
                Err(error) if error.is_damaged_receipt() => without.push(run),
                Err(error) => return Err(error),
            }
        }
        Ok((receipts, without))
    }

    /// Takes away the folder of a run that never did anything.
    pub fn forget(&self, run: &RunId) -> Result<(), HostError> {
        let folder = self.open(run);
        for name in self.host.list(folder.path())? {
            self.host.remove_file(&folder.path().join(name))?;
        }
        self.host.remove_folder(folder.path())
    }

    fn make_folders(&self, runs: &Path) -> Result<(), HostError> {
        let above: Vec<&Path> = self.state.ancestors().skip(1).collect();
        for folder in above.into_iter().rev() {
            if self.host.stat(folder)?.is_none() {
                self.host.make_folder(folder, &Attributes::root(0o755))?;
            }
        }
        for folder in [self.state.as_path(), runs] {
            self.host.make_folder(folder, &Attributes::root(0o700))?;
        }
        Ok(())
    }

    /// Two fronts that start at once must not agree on a number. Held for an instant.
    fn numbering(&self) -> Result<crate::host::Lock, RunError> {
        let file = self.state.join("runs/.numbering");
        let mut tries = 100;
        loop {
            match self.host.lock(&file, "") {
                Ok(lock) => return Ok(lock),
                Err(LockError::Host(error)) => return Err(error.into()),
                Err(LockError::Held(_)) if tries > 0 => {
                    tries -= 1;
                    self.host.sleep(Duration::from_millis(20));
                }
                Err(LockError::Held(_)) => {
                    let why = format!("{} is locked by another process", file.display());
                    return Err(RunError::Numbering(why));
                }
            }
        }
    }
}

/// What is said of a run that [`Runs::cut_short`] found; `options` make the remedy act on the
/// same place.
pub fn in_between(runs: &Runs<'_>, run: &RunId, options: &str) -> Problem {
    let what = match runs.open(run).receipt() {
        Err(error) => format!("{error}; what run {run} did stands in its journal only"),
        Ok(_) => format!("run {run} was cut short, and this host is in between"),
    };
    Problem::new(Exit::Busy, what).remedy(format!("nim-tls rollback {run} --yes{options}"))
}

#[cfg(test)]
#[path = "runs/tests.rs"]
mod tests;
