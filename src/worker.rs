//! The process that carries out a plan, and can always go back.
//!
//! A front makes a [`Request`] and starts `nim-tls __worker RUN` ([`start`]); the worker locks
//! the state folder, writes down each change before it makes it, and tells what it does as
//! [`crate::event::Event`]s. Whatever fails, everything is put back. A run that was cut short
//! (power, SIGKILL) is found by its journal, and undone by [`rollback`].

// What a run keeps on disk, and how it gets back from there.
mod look;
mod journal;
mod listing;
mod run_folder;
mod runs;
mod leftovers;
mod needed;
mod prune;
mod undo;
mod sweep;
mod take_back;

// The steps.
mod purse;
mod place;
mod issue;
mod stage;
mod trust;
mod enable;
mod watch;
mod reload;
mod old_workers;
mod return_nginx;
mod restart;
mod switch;
mod came_back;
mod terminals;
mod window;

// The runs.
mod prover;
mod events;
mod holder;
mod job;
mod failure;
mod steps;
mod apply;
mod target;
mod rollback;
mod spawn;

#[cfg(test)]
mod lab;

use std::sync::atomic::Ordering;

use zeroize::Zeroizing;

use crate::error::{Exit, Problem};
use crate::host::{Host, become_on_panic, begin_session, on_request_to_end, passphrase_line};
use crate::pki::Passphrase;
use crate::values::{AbsPath, RunId, shown};

pub use apply::apply;
pub use events::{Follower, Teller, Waits, follow, is_overdue, waits};
pub use holder::at_work_in_words;
pub use issue::{INTERMEDIATE_CERTIFICATE, INTERMEDIATE_KEY, ROOT_CERTIFICATE, ROOT_KEY};
pub use job::{Ending, Job, exit_of};
pub use journal::{Damaged, Entry};
pub use prover::Prover;
pub use purse::Purse;
pub use rollback::rollback;
pub use run_folder::{Request, RunError, RunFolder, Word};
pub use runs::{Runs, in_between};
pub use spawn::{Launch, Started, ended, gone, request, start, watch, watch_until_it_waits};
pub use stage::{
    Changes, How, Laid, NGINX_SAYS, Ourselves, Spec, StageError, Tested, ask, ask_openly, test,
};
pub use switch::{disarm, has_switch, put_back_by_switch};
pub use target::{Target, is_as_left, obstacle_to, target};

/// `nim-tls __worker RUN`: carries out what the request in the run's folder asks for. Its exit
/// code is that of the run.
pub fn main(host: &dyn Host, state: &AbsPath, run: &RunId, prover: &mut dyn Prover) -> u8 {
    begin_session();
    match from_standard_input(host, state, run, prover) {
        Ok(exit) => exit as u8,
        Err(problem) => {
            eprintln!("{}", shown(&problem.to_string(), false));
            problem.exit as u8
        }
    }
}

fn from_standard_input(
    host: &dyn Host,
    state: &AbsPath,
    run: &RunId,
    prover: &mut dyn Prover,
) -> Result<Exit, Problem> {
    let internal = |error: std::io::Error| Problem::host(error.to_string());
    let stop = on_request_to_end().map_err(internal)?;
    let passphrase = passphrase_line().map_err(internal)?;
    let stop = || stop.load(Ordering::Relaxed);
    carry_out(host, state, run, passphrase, &stop, prover)
}

/// A fault of this program must not leave a host half changed either: a worker that panics tells
/// it, and becomes `nim-tls __return RUN`, which puts back a run that has lost its worker.
pub fn put_back_on_panic(launch: Launch, run: &RunId, tell: impl Fn() + Send + Sync + 'static) {
    let mut args = vec!["__return".to_owned(), run.to_string()];
    args.extend(launch.options);
    become_on_panic(launch.program, args, tell);
}

/// Where this program lies. One that was replaced while it runs lies nowhere.
pub fn program() -> Option<AbsPath> {
    let path = std::env::current_exe().ok()?;
    path.to_str()?.parse().ok()
}

/// `nim-tls __stage`: see [`test`]. Started by ourselves in a mount namespace of its own, and
/// of no use to anybody else.
pub fn stage_main() -> u8 {
    eprintln!("{}", stage::inside());
    1
}

/// Carries out the request in the run's folder, in whichever process or thread this is.
/// `stop` says whether somebody asks for an orderly end.
pub fn carry_out(
    host: &dyn Host,
    state: &AbsPath,
    run: &RunId,
    passphrase: Option<Zeroizing<String>>,
    stop: &dyn Fn() -> bool,
    prover: &mut dyn Prover,
) -> Result<Exit, Problem> {
    let internal = |what: &dyn std::fmt::Display| Problem::host(what.to_string());
    let passphrase = passphrase
        .map(Passphrase::new)
        .transpose()
        .map_err(|error| Problem::usage(error.to_string()))?;
    let folder = Runs::new(host, state).open(run);
    let request = folder
        .request()
        .map_err(|error| internal(&error))?
        .ok_or_else(|| Problem::host(format!("run {run} has no request")))?;
    let job = Job {
        host,
        state,
        run,
        request: &request,
        stop,
        ourselves: &Ourselves::running(),
        program: program(),
    };
    if request.undoes.is_some() {
        return Ok(rollback(&job).exit);
    }
    let plan = folder
        .plan()
        .map_err(|error| internal(&error))?
        .ok_or_else(|| Problem::host(format!("run {run} has no plan")))?;
    Ok(apply(&job, &plan, passphrase.as_ref(), prover).exit)
}
