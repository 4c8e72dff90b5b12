//! The steps of a plan, one by one.

use std::time::Duration;

use crate::bundle;
use crate::event::{Happening, StepEnd};
use crate::host::{Host, HostError, Kind};
use crate::pki::{Authority, Passphrase};
use crate::plan::{Action, Content, Fetch, NginxCommand, Piece, Plan, Status, Step};
use crate::report::{self, Row};
use crate::values::{AbsPath, Attributes, Digest, Owner, escaped};
use zeroize::Zeroizing;

use super::enable::enable;
use super::events::Teller;
use super::failure::Failure;
use super::issue::make;
use super::job::Job;
use super::journal::Journal;
use super::old_workers::{Ending, end};
use super::place::{check, missing_above, parent, place};
use super::prover::Prover;
use super::purse::Purse;
use super::reload::{Reloaded, can_reload, goes_on, lasts, reload};
use super::restart::restart;
use super::run_folder::RunFolder;
use super::stage::{Changes, How, Laid, Tested, test};
use super::trust::trust;
use super::watch::watch;

pub(super) const NEEDS_LIFE: &str = "needs a running system, and this is a folder (--root)";

/// A step that was done, or did not apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    pub how: StepEnd,
    pub detail: String,
}

fn done(detail: impl Into<String>) -> Done {
    Done {
        how: StepEnd::Done,
        detail: detail.into(),
    }
}

/// What has been done so far, and what the steps to come need of it.
pub(super) struct Work<'a> {
    pub job: &'a Job<'a>,
    pub plan: &'a Plan,
    passphrase: Option<&'a Passphrase>,
    folder: &'a RunFolder<'a>,
    pub teller: &'a Teller<'a>,
    purse: Purse,
    authority: Option<Authority>,
    reload: Option<Reloaded>,
    /// nginx may have loaded the new files.
    pub loaded: bool,
    pub reloaded: bool,
    /// A service may have read the new files.
    pub restarted: bool,
    pub rows: Vec<Row>,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        job: &'a Job<'a>,
        plan: &'a Plan,
        passphrase: Option<&'a Passphrase>,
        folder: &'a RunFolder<'a>,
        teller: &'a Teller<'a>,
    ) -> Self {
        Self {
            job,
            plan,
            passphrase,
            folder,
            teller,
            purse: Purse::default(),
            authority: None,
            reload: None,
            loaded: false,
            reloaded: false,
            restarted: false,
            rows: Vec::new(),
        }
    }

    /// Whether the host is still as the plan needs it. Touches nothing.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let host = self.job.host;
        check(host, self.plan)?;
        if host.is_live() {
            for step in &self.plan.steps {
                if let Action::Reload(nginx) = &step.action {
                    can_reload(host, nginx)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn carry_out(
        &mut self,
        journal: &mut Journal<'_>,
        prover: &mut dyn Prover,
        step: &Step,
    ) -> Result<Done, Failure> {
        let host = self.job.host;
        let needs_life = !matches!(
            step.action,
            Action::Issue(_) | Action::Fetch(_) | Action::FetchKeys(_) | Action::Place
        );
        if needs_life && !host.is_live() {
            let detail = NEEDS_LIFE.to_owned();
            return Ok(Done {
                how: StepEnd::Skipped,
                detail,
            });
        }
        match &step.action {
            Action::Issue(issuing) => {
                let made = make(host, issuing, self.passphrase)?;
                (self.purse, self.authority) = (made.purse, made.authority);
                for name in made.clamped {
                    let text = format!("{name}: fewer days than asked, the issuer ends before");
                    self.teller.tell(Happening::Said {
                        step: step.id.clone(),
                        text,
                    });
                }
                Ok(done(""))
            }
            Action::Test(nginx) => self.test(nginx),
            Action::Place => {
                place(host, journal, self.plan, &self.purse)?;
                Ok(done(""))
            }
            Action::Trust(change) => {
                trust(host, journal, change, &self.folder.mark())?;
                Ok(done(format!("found in {}", change.bundle)))
            }
            Action::Reload(nginx) => {
                self.loaded = true;
                let reloaded = reload(host, nginx).inspect_err(|error| {
                    self.loaded = !error.changed_nothing();
                })?;
                let detail = format!("{} new workers", reloaded.workers.len());
                (self.reloaded, self.reload) = (true, Some(reloaded));
                Ok(done(detail))
            }
            Action::EndOldWorkers { after_seconds } => self.end_old_workers(*after_seconds),
            Action::Prove(proof) => {
                let mut tell = telling(self.teller);
                self.rows = prover.prove(host, proof, self.authority.as_ref(), &mut tell);
                // The key of the authority has signed all it had to.
                self.authority = None;
                self.proven()
            }
            Action::Fetch(fetch) => {
                self.purse.put(Piece::CarriedKey, fetched(host, fetch)?);
                Ok(done(""))
            }
            Action::FetchKeys(keys) => {
                for (agent, fetch) in keys {
                    let piece = Piece::AgentKey(agent.clone());
                    self.purse.put(piece, fetched(host, fetch)?);
                }
                Ok(done(""))
            }
            Action::Restart(service) => {
                self.restarted = true;
                restart(host, service)?;
                Ok(done("it is up, and stays"))
            }
            Action::Enable(services) => {
                enable(host, journal, services, &self.folder.mark())?;
                Ok(done(services.units.join(", ")))
            }
            Action::Watch(units) => {
                watch(host, journal, units, &self.folder.mark())?;
                Ok(done(units.units.join(", ")))
            }
            Action::Reach(proof) => {
                self.rows = prover.reach(host, proof, &mut telling(self.teller));
                self.proven()
            }
        }
    }

    fn test(&self, nginx: &NginxCommand) -> Result<Done, Failure> {
        let state = self.job.state;
        let (mut files, mut gone) = (Vec::new(), Vec::new());
        // Nothing of the state folder is read by nginx: keys of agents lie there, and those of the
        // authority, which are kept back wherever they are.
        for file in self
            .plan
            .changed_files()
            .filter(|file| !file.path.is_below(state))
        {
            if file.status == Status::Remove {
                gone.push(file.path.clone());
                continue;
            }
            let kept_back = matches!(
                &file.content,
                Content::Issued(Piece::RootKey | Piece::IntermediateKey)
            );
            if !kept_back {
                let (user, group) = file.owner;
                let owner = Owner { user, group };
                let attributes = Attributes {
                    mode: file.mode,
                    owner,
                    extended: Vec::new(),
                };
                let bytes = Zeroizing::new(self.purse.content(file)?.to_vec());
                files.push(Laid {
                    path: file.path.clone(),
                    attributes,
                    bytes,
                });
            }
        }
        let mut folders = Vec::new();
        let outside = |path: &AbsPath| !path.is_below(state) && path != state;
        for folder in self.plan.folders.iter().filter(|one| outside(&one.path)) {
            for above in missing_above(self.job.host, &folder.path)? {
                folders.push((above, parent()));
            }
            folders.push((folder.path.clone(), Attributes::root(folder.mode.0)));
        }
        let scratch = self.folder.path().join("test");
        let changes = Changes {
            folders,
            files,
            gone,
        };
        match test(self.job.host, self.job.ourselves, nginx, changes, &scratch)? {
            Tested::Accepted { how: How::Private } => Ok(done("nginx accepts it")),
            Tested::Accepted {
                how: How::Weaker { why },
            } => {
                let detail = format!("weaker test, on a copy of the configuration: {why}");
                Ok(Done {
                    how: StepEnd::Warned,
                    detail,
                })
            }
            Tested::Refused { why, .. } => Err(Failure::Refused(why)),
        }
    }

    fn end_old_workers(&mut self, after_seconds: u32) -> Result<Done, Failure> {
        let Some(reloaded) = &self.reload else {
            return Ok(Done {
                how: StepEnd::Skipped,
                detail: "nothing was reloaded".to_owned(),
            });
        };
        let patience = Duration::from_secs(after_seconds.into());
        match end(self.job.host, reloaded, patience)? {
            Ending::ByThemselves => Ok(done("all had ended by themselves")),
            Ending::Ended(1) => Ok(done("one was ended")),
            Ending::Ended(count) => Ok(done(format!("{count} were ended"))),
            Ending::Alive(alive) => Err(Failure::OldWorkers(alive.len())),
        }
    }

    /// Whether what was reloaded is still at work, and long enough after the reload.
    fn lasts(&self) -> Result<(), Failure> {
        let reload = self.reload.as_ref();
        Ok(reload.map_or(Ok(()), |reloaded| lasts(self.job.host, reloaded))?)
    }

    /// The same, now.
    pub(super) fn goes_on(&self) -> Result<(), Failure> {
        let reload = self.reload.as_ref();
        Ok(reload.map_or(Ok(()), |reloaded| goes_on(self.job.host, reloaded))?)
    }

    /// What the rows of a proof come to.
    fn proven(&self) -> Result<Done, Failure> {
        if report::holds(&self.rows) {
            self.lasts()?;
            let tried = self.rows.iter().filter(|row| row.ok.is_some()).count();
            return Ok(done(format!(
                "{tried} of {} tried, all as expected",
                self.rows.len()
            )));
        }
        let wrong = self.rows.iter().find(|row| row.ok == Some(false));
        Err(Failure::Proof(match wrong {
            Some(Row {
                leg,
                case,
                expected,
                seen,
                ..
            }) => escaped(&format!("{leg}, {case}: expected {expected}, seen {seen}")),
            None => "no connection could be tried".to_owned(),
        }))
    }
}

fn telling<'a>(teller: &'a Teller<'_>) -> impl FnMut(&Row) + 'a {
    |row: &Row| teller.tell(Happening::Proved { row: row.clone() })
}

/// A key that is to be placed, if it is the one that the plan is about.
fn fetched(host: &dyn Host, fetch: &Fetch) -> Result<Zeroizing<Vec<u8>>, Failure> {
    const MOST_BYTES: u64 = 1 << 20;
    const MOST_ARCHIVE: u64 = 8 << 20;
    let bytes = match bundle::inside(&fetch.from) {
        Some((archive, name)) if is_file(host, &archive)? => {
            let bytes = Zeroizing::new(host.read(archive.as_path(), MOST_ARCHIVE)?);
            let member = bundle::member(&bytes, name).map_err(Failure::Other)?;
            member.unwrap_or_default()
        }
        _ => Zeroizing::new(host.read(fetch.from.as_path(), MOST_BYTES)?),
    };
    if Digest::of(&bytes) == fetch.digest {
        return Ok(bytes);
    }
    let from = &fetch.from;
    Err(Failure::Other(format!(
        "{from} was changed since the plan was made"
    )))
}

fn is_file(host: &dyn Host, path: &AbsPath) -> Result<bool, HostError> {
    let Some(real) = host.real_path(path.as_path())? else {
        return Ok(false);
    };
    let stat = host.stat(&real)?;
    Ok(stat.is_some_and(|stat| stat.kind == Kind::File))
}
