//! A service that has to read everything anew. `systemctl restart` says yes as soon as it has
//! been started; one that does not like what it reads is gone a moment later, and started again
//! and again. What counts is that it stays up.

use std::net::SocketAddr;
use std::time::Duration;

use crate::host::{Command, Host, HostError};
use crate::plan::{Action, Plan, Restart};
use crate::values::{escaped, masked};

const PATIENCE: Duration = Duration::from_secs(60);
/// How long it may take to be up.
const STARTING: Duration = Duration::from_secs(10);
/// One that has stayed up for so long has read its settings and its certificate: the agent does
/// that first of all, and ends at once where they will not do.
const LASTING: Duration = Duration::from_secs(3);
/// How long it may take to take connections: a manager opens its store first.
const LISTENING: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, thiserror::Error)]
pub(super) enum RestartError {
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("systemctl is not here")]
    NoSystemctl,
    #[error("systemctl restart {unit} failed: {said}")]
    Failed { unit: String, said: String },
    #[error("{unit} does not stay up: {said}")]
    Died { unit: String, said: String },
    #[error("{unit} is up, and takes no connections at {address}: {said}")]
    Deaf {
        unit: String,
        address: SocketAddr,
        said: String,
    },
}

/// Restarts it, and sees that it stays.
pub(super) fn restart(host: &dyn Host, what: &Restart) -> Result<(), RestartError> {
    let unit = &what.unit;
    // One that was started too often within a few seconds, as one is that ends at once, would not
    // be started again: that count goes back to nothing. There may be none, so nobody asks.
    let _ = systemctl(host, &["reset-failed", unit])?;
    let output = systemctl(host, &["restart", unit])?;
    if !output.success() {
        return Err(RestartError::Failed {
            unit: unit.clone(),
            said: output.why_failed(),
        });
    }
    let deadline = host.uptime() + STARTING;
    let mut up: Option<(String, Duration)> = None;
    loop {
        let now = host.uptime();
        up = match (process(host, unit)?, up) {
            (Some(pid), Some((known, since))) if pid == known => Some((known, since)),
            (Some(pid), None) => Some((pid, now)),
            // Another process than a moment ago: the first one has died.
            (_, Some(_)) => return Err(died(host, unit)),
            (None, None) => None,
        };
        match &up {
            Some((_, since)) if now.saturating_sub(*since) >= LASTING => break,
            None if now > deadline => return Err(died(host, unit)),
            _ => host.sleep(PAUSE),
        }
    }
    for address in &what.listens {
        listens(host, unit, *address)?;
    }
    Ok(())
}

/// Waits until somebody takes connections there.
fn listens(host: &dyn Host, unit: &str, address: SocketAddr) -> Result<(), RestartError> {
    let deadline = host.uptime() + LISTENING;
    while host.connect(address, PAUSE).is_err() {
        if host.uptime() > deadline {
            return Err(RestartError::Deaf {
                unit: unit.to_owned(),
                address,
                said: last_words(host, unit)
                    .unwrap_or_else(|| format!("look at journalctl -u {unit}")),
            });
        }
        host.sleep(PAUSE);
    }
    Ok(())
}

/// The main process of a unit that is up.
fn process(host: &dyn Host, unit: &str) -> Result<Option<String>, RestartError> {
    let output = systemctl(host, &["show", "--property=ActiveState,MainPID", unit])?;
    let said = output.out();
    let value = |key: &str| said.lines().find_map(|line| line.strip_prefix(key));
    let pid = value("MainPID=").filter(|pid| *pid != "0");
    let is_up = value("ActiveState=") == Some("active");
    Ok(pid.filter(|_| is_up).map(str::to_owned))
}

fn died(host: &dyn Host, unit: &str) -> RestartError {
    let unit = unit.to_owned();
    let said = last_words(host, &unit);
    let said = said.unwrap_or_else(|| format!("look at journalctl -u {unit}"));
    RestartError::Died { unit, said }
}

/// What it logged last that is worth a look.
fn last_words(host: &dyn Host, unit: &str) -> Option<String> {
    let journal = host.find("journalctl")?;
    let args = ["--unit", unit, "--lines=20", "--no-pager", "--output=cat"];
    let command = Command::new(&journal, &args).timeout(PATIENCE);
    let said = host.run(&command).ok()?.out();
    let tells = |line: &&str| line.contains("level=fatal") || line.contains("level=error");
    let line = said.lines().rfind(tells).or_else(|| said.lines().last())?;
    Some(escaped(&masked(line.trim())))
}

fn systemctl(host: &dyn Host, args: &[&str]) -> Result<crate::host::Output, RestartError> {
    let program = host.find("systemctl").ok_or(RestartError::NoSystemctl)?;
    Ok(host.run(&Command::new(&program, args).timeout(PATIENCE))?)
}

/// On the way back: what this plan has restarted reads what was there before. Gives what is to be
/// said of each; the error is what is to be done by hand, though the files are back in any case.
pub(super) fn return_services(host: &dyn Host, plan: &Plan) -> Vec<Result<String, String>> {
    let restarts = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Restart(restart) => Some(restart),
        _ => None,
    });
    let restarts = restarts.filter(|_| host.is_live());
    // Where it listened before is not known here.
    let anywhere = |one: &Restart| Restart {
        listens: Vec::new(),
        ..one.clone()
    };
    let said = restarts.map(|one| match restart(host, &anywhere(one)) {
        Ok(()) => Ok(format!("{}: restarted", one.unit)),
        Err(error) => Err(format!("{error}; by hand: systemctl restart {}", one.unit)),
    });
    said.collect()
}

#[cfg(test)]
#[path = "restart/tests.rs"]
mod tests;
