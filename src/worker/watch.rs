//! Units that look after what was set up. A timer that is enabled starts only with the system, and
//! one that runs goes by what systemd has read: they are started, stopped and read again as well.
//! Links are journalled, as those of services are; whether a unit ran follows from its link.

use std::path::Path;

use crate::facts::{WATCH_FOLDER, WATCHERS};
use crate::host::Host;
use crate::plan::{Action, Deed, Plan, Watch};

use super::enable::{EnableError, said, systemctl};
use super::journal::Journal;
use super::listing;

/// What they start; it may be at work, or have failed.
const SERVICE: &str = "nim-tls-doctor.service";

/// Does what the step says, and sees that systemd thinks so too.
pub(super) fn watch(
    host: &dyn Host,
    journal: &mut Journal<'_>,
    what: &Watch,
    mark: &str,
) -> Result<(), EnableError> {
    match what.deed {
        Deed::Begin | Deed::Renew => {
            ask(host, &["daemon-reload"], &[], "")?;
            rewriting(host, journal, what, &["enable", "--now"], mark)?;
            if what.deed == Deed::Renew {
                ask(host, &["restart"], &what.units, "")?;
            }
            what.units.iter().try_for_each(|unit| runs(host, unit))
        }
        Deed::End => {
            if !what.units.is_empty() {
                rewriting(host, journal, what, &["disable", "--now"], mark)?;
            }
            quietly(host, &["stop", SERVICE]);
            forget_last_time(host);
            Ok(())
        }
        Deed::Forget => {
            ask(host, &["daemon-reload"], &[], "")?;
            quietly(host, &["reset-failed", SERVICE]);
            Ok(())
        }
    }
}

/// Runs a command that makes links or takes them away.
fn rewriting(
    host: &dyn Host,
    journal: &mut Journal<'_>,
    what: &Watch,
    args: &[&str],
    mark: &str,
) -> Result<(), EnableError> {
    listing::record(host, journal, &what.rewrites)?;
    let result = ask(host, args, &what.units, mark);
    listing::settle(host, journal)?;
    result
}

fn ask(host: &dyn Host, args: &[&str], units: &[String], mark: &str) -> Result<(), EnableError> {
    let mut words = args.to_vec();
    words.extend(units.iter().map(String::as_str));
    let mut command = systemctl(host, &words)?;
    if !mark.is_empty() {
        command = command.marked(mark);
    }
    let output = host.run(&command)?;
    if output.success() {
        return Ok(());
    }
    Err(EnableError::Failed {
        command: format!("systemctl {}", words.join(" ")),
        said: output.why_failed(),
    })
}

fn runs(host: &dyn Host, unit: &str) -> Result<(), EnableError> {
    let state = |verb| Ok::<_, EnableError>(host.run(&systemctl(host, &[verb, unit])?)?);
    let enabled = state("is-enabled")?;
    if !enabled.success() {
        return Err(EnableError::Ineffective {
            unit: unit.to_owned(),
            said: said(&enabled),
        });
    }
    let active = state("is-active")?;
    if !active.success() {
        return Err(EnableError::Idle {
            unit: unit.to_owned(),
            said: said(&active),
        });
    }
    Ok(())
}

/// What may have nothing to do, and is no loss where it is not done.
fn quietly(host: &dyn Host, args: &[&str]) {
    if let Ok(command) = systemctl(host, args) {
        let _ = host.run(&command);
    }
}

/// A timer that catches up keeps a file that says when it was due last.
fn forget_last_time(host: &dyn Host) {
    let [_, timer] = WATCHERS;
    quietly(host, &["clean", "--what=state", timer]);
}

fn is_about(host: &dyn Host, plan: &Plan) -> bool {
    let mut steps = plan.steps.iter();
    host.is_live() && steps.any(|step| matches!(step.action, Action::Watch(_)))
}

/// Before anything is put back: they would start what looks at a host in between, and a unit
/// whose file is gone is hard to stop.
pub(super) fn stop_watching(host: &dyn Host, plan: &Plan) {
    if is_about(host, plan) {
        let [path, timer] = WATCHERS;
        quietly(host, &["stop", path, timer, SERVICE]);
        let mut steps = plan.steps.iter();
        if steps.any(|step| matches!(&step.action, Action::Watch(one) if one.deed == Deed::Begin)) {
            forget_last_time(host);
        }
    }
}

/// Once it is: what is linked again runs again. Gives what is to be said; the error is what is to
/// be done by hand, though the files are back in any case.
pub(super) fn return_watch(host: &dyn Host, plan: &Plan) -> Result<Option<String>, String> {
    if !is_about(host, plan) {
        return Ok(None);
    }
    let linked = |unit: &&str| {
        let (_, kind) = unit.rsplit_once('.').unwrap_or_default();
        let link = format!("{WATCH_FOLDER}/{kind}s.target.wants/{unit}");
        matches!(host.stat(Path::new(&link)), Ok(Some(_)))
    };
    let units = WATCHERS.iter().filter(|unit| linked(unit));
    let units: Vec<String> = units.map(|unit| (*unit).to_owned()).collect();
    let reread = ask(host, &["daemon-reload"], &[], "");
    if units.is_empty() {
        quietly(host, &["reset-failed", SERVICE]);
        // Nothing runs, and the next start of the system goes by what is on disk.
        return Ok(reread.err().map(|error| error.to_string()));
    }
    let restarted = reread.and_then(|()| ask(host, &["restart"], &units, ""));
    restarted.map(|()| None).map_err(|error| {
        let units = units.join(" ");
        format!("{error}; by hand: systemctl daemon-reload && systemctl restart {units}")
    })
}
