//! Services, as systemd tells of them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::facts::{Known, Service};
use crate::host::{Command, Host, Kind};
use crate::values::{Gather as _, escaped};

/// Of NGINX Instance Manager 1.
const MANAGER: &str = "nginx-manager";

/// The units that matter here; the agent's is the last.
const UNITS: [&str; 8] = [
    "nms",
    "nms-core",
    "nms-dpm",
    "nms-ingestion",
    "nms-integrations",
    MANAGER,
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
    pub(super) states: BTreeMap<String, Known<Service>>,
    /// How the agent is started, where systemd does that.
    pub(super) agent_unit: Option<AgentUnit>,
    /// By whose account the manager of the first generation is started, where systemd does that.
    pub(super) manager_account: Option<String>,
}

/// What systemd told of all units.
struct Told {
    states: Vec<Known<Service>>,
    agent_unit: AgentUnit,
    manager_account: Option<String>,
}

/// As systemd shows it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AgentUnit {
    pub(super) environment: String,
    pub(super) environment_files: Vec<String>,
    pub(super) arguments: String,
}

pub(super) fn look(host: &dyn Host, systemd: &Known<()>) -> Services {
    let asked = match systemd {
        Known::Is(()) => ask(host),
        Known::Absent => Err("systemd does not run here".to_owned()),
        Known::Unclear(why) => Err(why.clone()),
    };
    let state = |index: usize| match &asked {
        Ok(told) => told.states[index].clone(),
        Err(why) => Known::Unclear(why.clone()),
    };
    let units = UNITS.iter().enumerate();
    let states = units
        .map(|(index, unit)| ((*unit).to_owned(), state(index)))
        .gathered();
    let told = asked.ok();
    Services {
        states,
        manager_account: told.as_ref().and_then(|told| told.manager_account.clone()),
        agent_unit: told.and_then(|told| {
            let known = matches!(told.states.last(), Some(Known::Is(_)));
            known.then_some(told.agent_unit)
        }),
    }
}

/// One question for all units: `is-active` would not tell one that is stopped from one that was
/// never installed.
fn ask(host: &dyn Host) -> Result<Told, String> {
    let program = host.find("systemctl").ok_or("systemctl is not installed")?;
    let mut args = vec![
        "show",
        "--property=LoadState,ActiveState,UnitFileState,WantedBy,RequiredBy,User,Group,Environment,EnvironmentFiles,ExecStart",
    ];
    args.extend(UNITS);
    let output = host
        .run(&Command::new(program, &args))
        .map_err(|error| error.to_string())?;
    let said = output.out();
    let paragraphs = || said.trim().split("\n\n");
    let told = |states| Told {
        states,
        agent_unit: paragraphs().last().map(agent_unit).unwrap_or_default(),
        manager_account: UNITS
            .iter()
            .zip(paragraphs())
            .find_map(|(unit, paragraph)| (*unit == MANAGER).then(|| account(paragraph))?),
    };
    states(&said).map(told).ok_or_else(|| {
        let said = output.err();
        format!(
            "systemctl said: {}",
            escaped(said.lines().next().unwrap_or("nothing"))
        )
    })
}

/// The account of a unit that is installed; none where its group is not simply that of its user.
fn account(paragraph: &str) -> Option<String> {
    let value = |key: &str| paragraph.lines().find_map(|line| line.strip_prefix(key));
    value("LoadState=").filter(|state| *state == "loaded")?;
    let user = value("User=").filter(|user| !user.is_empty());
    let user = user.unwrap_or("root");
    let group = value("Group=").unwrap_or_default();
    (group.is_empty() || group == user).then(|| user.to_owned())
}

/// `ExecStart={ path=... ; argv[]=/usr/bin/nginx-agent --x ; ... }`, and
/// `EnvironmentFiles=/etc/default/x (ignore_errors=yes)`, which may come several times.
fn agent_unit(paragraph: &str) -> AgentUnit {
    let mut unit = AgentUnit::default();
    for line in paragraph.lines() {
        match line.split_once('=') {
            Some(("Environment", said)) => said.clone_into(&mut unit.environment),
            Some(("EnvironmentFiles", said)) => {
                let path = said.split(" (").next().unwrap_or_default();
                unit.environment_files.push(path.to_owned());
            }
            Some(("ExecStart", said)) => {
                let argv = said.split_once("argv[]=").map_or("", |(_, rest)| rest);
                let argv = argv.split(" ; ").next().unwrap_or_default();
                argv.clone_into(&mut unit.arguments);
            }
            _ => {}
        }
    }
    unit
}

/// A paragraph for each unit, in the order asked. `None` unless there is one for each.
fn states(said: &str) -> Option<Vec<Known<Service>>> {
    let state = |paragraph: &str| {
        let value = |key: &str| paragraph.lines().find_map(|line| line.strip_prefix(key));
        match (value("LoadState=")?, value("ActiveState=")?) {
            ("not-found", "inactive") => Some(Known::Absent),
            (_, active) => Some(Known::Is(Service {
                state: escaped(active),
                left_out: left_out(paragraph),
            })),
        }
    };
    let states: Option<Vec<_>> = said.trim().split("\n\n").map(state).collect();
    states.filter(|states| states.len() == UNITS.len())
}

/// What `systemctl is-enabled` would call it, where that means that it does not come up with the
/// system: `static` and the like are started by others, and what a script of System V starts has
/// no word.
fn left_out(paragraph: &str) -> Option<String> {
    let value = |key: &str| paragraph.lines().find_map(|line| line.strip_prefix(key));
    let pulled_in = ["WantedBy=", "RequiredBy="]
        .iter()
        .any(|key| value(key).is_some_and(|units| !units.is_empty()));
    let word = value("UnitFileState=")?;
    let left_out = match word {
        // Another unit may bring it up.
        "disabled" | "linked" => !pulled_in,
        "masked" | "masked-runtime" | "enabled-runtime" | "linked-runtime" => true,
        _ => false,
    };
    left_out.then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail so")]
    use super::*;

    fn is(state: &str, left_out: Option<&str>) -> Known<Service> {
        Known::Is(Service {
            state: state.to_owned(),
            left_out: left_out.map(str::to_owned),
        })
    }

    #[test]
    fn a_unit_that_is_stopped_is_not_one_that_is_missing() {
        let missing = "LoadState=not-found\nActiveState=inactive\n\n".repeat(5);
        let said = format!(
            "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\n\
             ActiveState=failed\nLoadState=loaded\nUnitFileState=static\n\n\
             LoadState=loaded\nActiveState=inactive\n\n{missing}"
        );
        let states = states(&said).unwrap();
        let all = ["active", "failed", "inactive"].map(|state| is(state, None));
        assert_eq!(states[..3], all);
        assert_eq!(states[3..], [const { Known::<Service>::Absent }; 5]);
    }

    #[test]
    fn a_unit_that_runs_may_be_left_out_of_the_next_start() {
        for word in ["disabled", "masked-runtime", "enabled-runtime", "linked"] {
            let one = format!("LoadState=loaded\nActiveState=active\nUnitFileState={word}\n\n");
            let states = states(&one.repeat(8)).unwrap();
            assert_eq!(states[0], is("active", Some(word)));
        }
        // Where another unit brings it up, only what lasts until then counts.
        for (word, left_out) in [("disabled", None), ("masked", Some("masked"))] {
            let one = "LoadState=loaded\nActiveState=active\nWantedBy=nms.service\nRequiredBy=\n";
            let one = format!("{one}UnitFileState={word}\n\n");
            assert_eq!(states(&one.repeat(8)).unwrap()[0], is("active", left_out));
        }
    }

    #[test]
    fn the_account_of_a_unit() {
        let of = |more: &str| account(&format!("LoadState=loaded\n{more}"));
        assert_eq!(of("User=nms\nGroup="), Some("nms".to_owned()));
        assert_eq!(of("User=nms\nGroup=nms"), Some("nms".to_owned()));
        assert_eq!(of("User=\nGroup="), Some("root".to_owned()));
        assert_eq!(of("User=nms\nGroup=web"), None);
        assert_eq!(account("LoadState=not-found\nUser=\n"), None);
    }

    #[test]
    fn an_answer_of_another_length_is_none() {
        assert_eq!(states("LoadState=loaded\nActiveState=active\n"), None);
        assert_eq!(states("System has not been booted with systemd\n"), None);
    }
}
