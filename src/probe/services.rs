//! Services, as systemd tells of them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::facts::Known;
use crate::host::{Command, Host, Kind};
use crate::values::{Gather as _, escaped};

/// The units that matter here; the agent's is the last.
const UNITS: [&str; 7] = [
    "nms",
    "nms-core",
    "nms-dpm",
    "nms-ingestion",
    "nms-integrations",
    "nginx",
    "nginx-agent",
];

/// Whether systemd manages this system: `sd_booted(3)` looks for the same folder.
pub(super) fn systemd(host: &dyn Host) -> Known<()> {
    if !host.is_live() {
        return Known::Unclear("services can only be asked for on a running system".to_owned());
    }
    match host.stat(Path::new("/run/systemd/system")) {
        Ok(Some(stat)) if stat.kind == Kind::Folder => Known::Is(()),
        Ok(_) => Known::Absent,
        Err(error) => Known::Unclear(error.to_string()),
    }
}

pub(super) struct Services {
    pub(super) states: BTreeMap<String, Known<String>>,
    /// What the unit of the agent puts into its environment, as systemd shows it.
    pub(super) agent_environment: String,
}

pub(super) fn look(host: &dyn Host, systemd: &Known<()>) -> Services {
    let asked = match systemd {
        Known::Is(()) => ask(host),
        Known::Absent => Err("systemd does not run here".to_owned()),
        Known::Unclear(why) => Err(why.clone()),
    };
    let state = |index: usize| match &asked {
        Ok((states, _)) => states[index].clone(),
        Err(why) => Known::Unclear(why.clone()),
    };
    let units = UNITS.iter().enumerate();
    Services {
        states: units
            .map(|(index, unit)| ((*unit).to_owned(), state(index)))
            .gathered(),
        agent_environment: asked.map(|(_, said)| said).unwrap_or_default(),
    }
}

/// One question for all units: `is-active` would not tell one that is stopped from one that was
/// never installed.
fn ask(host: &dyn Host) -> Result<(Vec<Known<String>>, String), String> {
    let program = host.find("systemctl").ok_or("systemctl is not installed")?;
    let mut args = vec!["show", "--property=LoadState,ActiveState,Environment"];
    args.extend(UNITS);
    let output = host
        .run(&Command::new(program, &args))
        .map_err(|error| error.to_string())?;
    let said = output.out();
    let environment = said.trim().split("\n\n").last().and_then(|paragraph| {
        let mut lines = paragraph.lines();
        lines.find_map(|line| line.strip_prefix("Environment="))
    });
    let environment = environment.unwrap_or_default().to_owned();
    states(&said)
        .map(|states| (states, environment))
        .ok_or_else(|| {
            let said = output.err();
            format!(
                "systemctl said: {}",
                escaped(said.lines().next().unwrap_or("nothing"))
            )
        })
}

/// A paragraph for each unit, in the order asked. `None` unless there is one for each.
fn states(said: &str) -> Option<Vec<Known<String>>> {
    let state = |paragraph: &str| {
        let value = |key: &str| paragraph.lines().find_map(|line| line.strip_prefix(key));
        match (value("LoadState=")?, value("ActiveState=")?) {
            ("not-found", "inactive") => Some(Known::Absent),
            (_, active) => Some(Known::Is(escaped(active))),
        }
    };
    let states: Option<Vec<_>> = said.trim().split("\n\n").map(state).collect();
    states.filter(|states| states.len() == UNITS.len())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail so")]
    use super::*;

    #[test]
    fn a_unit_that_is_stopped_is_not_one_that_is_missing() {
        let missing = "LoadState=not-found\nActiveState=inactive\n\n".repeat(4);
        let said = format!(
            "LoadState=loaded\nActiveState=active\n\nActiveState=failed\nLoadState=loaded\n\n\
             LoadState=loaded\nActiveState=inactive\n\n{missing}"
        );
        let is = |state: &str| Known::Is(state.to_owned());
        let states = states(&said).unwrap();
        assert_eq!(states[..3], [is("active"), is("failed"), is("inactive")]);
        assert_eq!(states[3..], [const { Known::<String>::Absent }; 4]);
    }

    #[test]
    fn an_answer_of_another_length_is_none() {
        assert_eq!(states("LoadState=loaded\nActiveState=active\n"), None);
        assert_eq!(states("System has not been booted with systemd\n"), None);
    }
}
