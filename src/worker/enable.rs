//! Services that are to come up with the system. `systemctl enable` makes links; they are journalled
//! and undone from the journal, because `systemctl disable` would also take away those that were
//! there before.

use std::time::Duration;

use crate::host::{Command, Host, HostError, Output};
use crate::plan::{Action, Enable, Plan};

use super::journal::Journal;
use super::listing;

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub(super) enum EnableError {
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("systemctl is not here")]
    NoSystemctl,
    #[error("{command} failed: {said}")]
    Failed { command: String, said: String },
    #[error("systemctl enable ran, and {unit} still does not come up with the system: {said}")]
    Ineffective { unit: String, said: String },
    #[error("systemctl enable --now ran, and {unit} does not run: {said}")]
    Idle { unit: String, said: String },
}

/// Enables them and sees that systemd thinks so too. By `mark` the command is found again where
/// this process is killed meanwhile.
pub(super) fn enable(
    host: &dyn Host,
    journal: &mut Journal<'_>,
    what: &Enable,
    mark: &str,
) -> Result<(), EnableError> {
    let mut args = vec!["enable"];
    args.extend(what.units.iter().map(String::as_str));
    let command = systemctl(host, &args)?.marked(mark);

    listing::record(host, journal, &what.rewrites)?;
    let output = host.run(&command);
    listing::settle(host, journal)?;

    let output = output?;
    if !output.success() {
        return Err(EnableError::Failed {
            command: what.command(),
            said: output.why_failed(),
        });
    }
    for unit in &what.units {
        let state = host.run(&systemctl(host, &["is-enabled", unit])?)?;
        if !state.success() {
            return Err(EnableError::Ineffective {
                unit: unit.clone(),
                said: said(&state),
            });
        }
    }
    Ok(())
}

pub(super) fn said(output: &Output) -> String {
    let word = output.out().trim().to_owned();
    if word.is_empty() {
        output.why_failed()
    } else {
        word
    }
}

/// On the way back: systemd reads again which links there are. What it says where it does not, for
/// the links are back in any case, and the next start of the system goes by them.
pub(super) fn return_links(host: &dyn Host, plan: &Plan) -> Option<String> {
    let mut steps = plan.steps.iter();
    if !host.is_live() || !steps.any(|step| matches!(step.action, Action::Enable(_))) {
        return None;
    }
    let command = match systemctl(host, &["daemon-reload"]) {
        Ok(command) => command,
        Err(error) => return Some(error.to_string()),
    };
    let why = match host.run(&command) {
        Ok(output) if output.success() => return None,
        Ok(output) => output.why_failed(),
        Err(error) => error.to_string(),
    };
    Some(format!(
        "systemd goes by the links of before from its next start on: systemctl daemon-reload \
         failed: {why}"
    ))
}

pub(super) fn systemctl(host: &dyn Host, args: &[&str]) -> Result<Command, EnableError> {
    let program = host.find("systemctl").ok_or(EnableError::NoSystemctl)?;
    Ok(Command::new(&program, args).timeout(PATIENCE))
}
