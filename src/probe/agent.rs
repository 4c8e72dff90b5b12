//! The NGINX Agent: its file, and what else tells it what to do.

use super::agent_overrides::{flat_in_file, in_process, of_dynamic_files, of_unit};
use super::reader::Reader;
use super::services::AgentUnit;
use super::started::started_at;
use super::system::System;
use crate::facts::{AGENT_FILES, AgentFile, AgentSetup, Known};
use crate::host::{Host, Process};

/// `unit`: how systemd starts it, where systemd does.
pub(super) fn look(reader: &Reader<'_>, system: &System, unit: Option<&AgentUnit>) -> AgentSetup {
    let host = reader.host();
    let processes = system.processes.as_deref().unwrap_or_default();
    let agent = running(processes);
    let file = file(reader);
    let mut overrides = Vec::new();
    let mut unread = Vec::new();
    if let Known::Is(file) = &file {
        overrides.extend(flat_in_file(file.path.as_str(), &file.text));
    }
    of_dynamic_files(host, &mut overrides, &mut unread);
    // What it is restarted with counts; without systemd, what it runs with.
    match (unit, agent) {
        (Some(unit), _) => overrides.extend(of_unit(host, unit)),
        (None, Some(agent)) => overrides.extend(in_process(host, agent)),
        (None, None) => {}
    }
    AgentSetup {
        file,
        overrides,
        unread,
        runs_as: match (&system.processes, agent) {
            (Err(why), _) => Known::Unclear(why.clone()),
            (_, Some(process)) => Known::Is((process.owner.user, process.owner.group)),
            (_, None) => Known::Absent,
        },
        started: agent.and_then(|process| started_at(host, process.started)),
    }
}

pub(super) fn running(processes: &[Process]) -> Option<&Process> {
    let mut agents = processes.iter();
    agents.find(|process| process.is_called("nginx-agent"))
}

/// What counts more than the file for the agent that runs now: looked at again once it was
/// restarted. The error is a sentence.
pub fn overrides_of_running_agent(host: &dyn Host) -> Result<Vec<crate::facts::Override>, String> {
    let processes = host.processes().map_err(|error| error.to_string())?;
    let agent = running(&processes).ok_or("it does not run")?;
    let (mut overrides, mut unread) = (Vec::new(), Vec::new());
    of_dynamic_files(host, &mut overrides, &mut unread);
    overrides.extend(in_process(host, agent));
    match unread.pop() {
        Some(why) => Err(why),
        None => Ok(overrides),
    }
}

fn file(reader: &Reader<'_>) -> Known<AgentFile> {
    for path in AGENT_FILES {
        match reader.read(path.as_ref()) {
            Ok(None) => {}
            Ok(Some(bytes)) => {
                let Ok(text) = std::str::from_utf8(&bytes) else {
                    return Known::Unclear(format!("{path} is not UTF-8 text: file {path}"));
                };
                let text = text.to_owned();
                let path = path.parse().expect("a literal path");
                return Known::Is(AgentFile { path, text });
            }
            Err(why) => return Known::Unclear(why),
        }
    }
    Known::Absent
}
