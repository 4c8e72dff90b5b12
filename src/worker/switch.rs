//! The dead man's switch of a run that waits to be kept: it puts everything back where the worker
//! cannot, because somebody killed it or the machine went down.
//!
//! Where systemd runs, a transient timer looks every few seconds whether the worker is still
//! there, and a unit looks at boot, before nginx starts. Elsewhere a second process looks, and a
//! restart is beyond it. All of them run `nim-tls __return RUN`, which does what `rollback` does.

use std::path::Path;
use std::time::Duration;

use askama::Template;

use crate::event::{Happening, Switch};
use crate::host::{Command, Host, HostError, Output};
use crate::receipt::Receipt;
use crate::values::{AbsPath, RunId, in_unit};

use super::events::follow;
use super::job::Job;
use super::journal::Journal;
use super::place::{put_file, put_link};
use super::runs::Runs;

const UNITS: &str = "/etc/systemd/system";
const TARGET: &str = "multi-user.target.wants";
const LOOKS_EVERY: &str = "10s";
const PATIENCE: Duration = Duration::from_secs(10);
/// In this time it has looked, and put everything back.
const LONGEST: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Template)]
#[template(
    path = "nim-tls-return.service",
    config = ".askama.toml",
    escape = "none"
)]
struct ReturnUnit<'a> {
    run: &'a RunId,
    /// Both as a unit spells them.
    program: &'a str,
    state: &'a str,
}

/// Arms it. What it places on the way is journalled as any other change, so that whatever undoes
/// the run takes it away as well. Where it cannot be had, the run goes on without, and says so.
pub(super) fn arm(job: &Job<'_>, journal: &mut Journal<'_>) -> Switch {
    match try_to_arm(job, journal) {
        Ok(switch) => switch,
        Err(why) => Switch::Nothing { why },
    }
}

fn try_to_arm(job: &Job<'_>, journal: &mut Journal<'_>) -> Result<Switch, String> {
    if !job.host.is_live() {
        return Err("this is a folder, in which nothing runs".to_owned());
    }
    let lost = "this program was replaced while it runs, or lies where a unit cannot name it";
    let program = job.program.as_ref().ok_or(lost)?;
    if !has_systemd(job.host) {
        return watched(job, program).map(|()| Switch::Process);
    }
    place_unit(job, journal, program).map_err(|error| error.to_string())?;
    start_timer(job, program)?;
    Ok(Switch::Restart)
}

fn place_unit(
    job: &Job<'_>,
    journal: &mut Journal<'_>,
    program: &AbsPath,
) -> Result<(), HostError> {
    let text = ReturnUnit {
        run: job.run,
        program: &in_unit(program),
        state: &in_unit(job.state),
    }
    .render()
    .expect("this template only inserts values");
    let (unit, link) = paths(job.run);
    put_file(job.host, journal, &unit, text.as_bytes())?;
    put_link(job.host, journal, &link, &unit)
}

fn start_timer(job: &Job<'_>, program: &AbsPath) -> Result<(), String> {
    let run = job.run;
    let options = [
        "--quiet",
        &format!("--unit={}", timer(run)),
        &format!("--description=Whether nim-tls run {run} still has its worker"),
        &format!("--on-active={LOOKS_EVERY}"),
        &format!("--on-unit-inactive={LOOKS_EVERY}"),
        "--timer-property=AccuracySec=1s",
        "--",
        program.as_str(),
    ];
    let words = words(job, &[]);
    let words: Vec<&str> = options
        .into_iter()
        .chain(words.iter().map(String::as_str))
        .collect();
    let output = systemd(job.host, "systemd-run", &words)?;
    if output.success() {
        return Ok(());
    }
    Err(format!("systemd-run says: {}", output.err().trim()))
}

/// A process of its own, for where there is no systemd.
fn watched(job: &Job<'_>, program: &AbsPath) -> Result<(), String> {
    let folder = Runs::new(job.host, job.state).open(job.run);
    let said = folder.path().join("return.log");
    let started = job
        .host
        .detach(program.as_path(), &words(job, &["--stay"]), b"", &said);
    started.map(drop).map_err(|error| error.to_string())
}

/// What this program is to do: look once, or stay until the run is over.
fn words(job: &Job<'_>, more: &[&str]) -> Vec<String> {
    let mut words = vec![
        "__return",
        job.run.as_str(),
        "--state-dir",
        job.state.as_str(),
    ];
    words.extend(more);
    words.into_iter().map(str::to_owned).collect()
}

fn systemd(host: &dyn Host, program: &str, args: &[&str]) -> Result<Output, String> {
    let program = host
        .find(program)
        .ok_or_else(|| format!("{program} is not here"))?;
    let command = Command::new(program, args).timeout(PATIENCE);
    host.run(&command).map_err(|error| error.to_string())
}

/// Whether something puts this run back where its worker cannot.
pub fn has_switch(host: &dyn Host, state: &AbsPath, run: &RunId) -> bool {
    let told = follow(host, state, run, 0).news().unwrap_or_default();
    told.iter().any(|event| {
        let Happening::Armed { switch } = &event.what else {
            return false;
        };
        !matches!(switch, Switch::Nothing { .. })
    })
}

/// Waits for what the switch of this run does, which has lost its worker; gives the receipt that
/// ends it. `None`: that is gone as well, or takes longer than it ever should.
pub fn put_back_by_switch(host: &dyn Host, state: &AbsPath, run: &RunId) -> Option<Receipt> {
    let folder = Runs::new(host, state).open(run);
    let until = host.uptime() + LONGEST;
    while host.uptime() < until {
        // Looked at before the receipt: what is gone has written it by then.
        let gone = is_gone(host, run);
        if let Ok(Some(receipt)) = folder.receipt() {
            return Some(receipt);
        }
        if gone {
            return None;
        }
        host.sleep(PAUSE);
    }
    None
}

/// Whether neither the process that looks after this run is there, nor a worker that it began.
/// A timer comes again.
fn is_gone(host: &dyn Host, run: &RunId) -> bool {
    let looks = format!("__return {run} ");
    let of_ours = |title: &str| {
        title.contains(&looks) || title.contains("__worker ") && !title.contains(" --root ")
    };
    match host.processes() {
        Ok(processes) if !has_systemd(host) => !processes.iter().any(|p| of_ours(&p.title)),
        _ => false,
    }
}

/// Takes away what is left of the switch of a run that is over.
pub fn disarm(host: &dyn Host, run: &RunId) -> Result<(), HostError> {
    let (unit, link) = paths(run);
    for path in [link, unit] {
        if host.stat(path.as_path())?.is_some() {
            host.remove_file(path.as_path())?;
        }
    }
    if has_systemd(host) {
        // Where it does not run, there is nothing to stop.
        let _ = systemd(
            host,
            "systemctl",
            &["stop", &format!("{}.timer", timer(run))],
        );
    }
    Ok(())
}

/// As `sd_booted(3)` looks.
fn has_systemd(host: &dyn Host) -> bool {
    let found = host.stat(Path::new("/run/systemd/system"));
    matches!(found, Ok(Some(_))) && host.find("systemd-run").is_some()
}

/// The name of the timer and of what it starts. The unit for the boot has another one: systemd
/// takes no transient unit under a name that stands on disk.
fn timer(run: &RunId) -> String {
    format!("nim-tls-look-{run}")
}

/// The unit that is started at boot, and the link that has it started.
fn paths(run: &RunId) -> (AbsPath, AbsPath) {
    let name = format!("nim-tls-return-{run}.service");
    let path = |text: String| text.parse().expect("it is a path");
    (
        path(format!("{UNITS}/{name}")),
        path(format!("{UNITS}/{TARGET}/{name}")),
    )
}

#[cfg(test)]
#[path = "switch/tests.rs"]
mod tests;
