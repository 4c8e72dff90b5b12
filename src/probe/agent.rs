//! The NGINX Agent: its file, and what else tells it what to do.

use serde_yaml::Value;

use super::reader::Reader;
use super::system::System;
use crate::facts::{AGENT_FILES, AgentFile, AgentSetup, Known, Override};
use crate::host::{Host, Process};
use crate::values::escaped;
use crate::yaml::{nests_deeply, without_mark};

/// Merged after the file by the agent itself; the second by versions before 2.25.1.
const DYNAMIC: [&str; 2] = [
    "/var/lib/nginx-agent/agent-dynamic.conf",
    "/etc/nginx-agent/agent-dynamic.conf",
];
/// How its settings are named in the environment (agent 2.46, `src/core/config`); the second is
/// what its forerunner had.
const PREFIXES: [&str; 2] = ["NGINX_AGENT_", "NMS_"];
const SECTIONS: [&str; 2] = ["server", "tls"];
const ENVIRONMENT_LIMIT: u64 = 1 << 20;

/// `of_unit`: the environment that its unit gives it.
pub(super) fn look(reader: &Reader<'_>, system: &System, of_unit: &str) -> AgentSetup {
    let host = reader.host();
    let processes = system.processes.as_deref().unwrap_or_default();
    let agent = processes
        .iter()
        .find(|process| process.is_called("nginx-agent"));
    let mut overrides: Vec<Override> = DYNAMIC
        .iter()
        .flat_map(|path| in_file(reader, path))
        .collect();
    overrides.extend(in_environment(host, agent, of_unit));
    overrides.extend(agent.iter().flat_map(|process| in_arguments(process)));
    AgentSetup {
        file: file(reader),
        overrides,
        runs_as: match (&system.processes, agent) {
            (Err(why), _) => Known::Unclear(why.clone()),
            (_, Some(process)) => Known::Is((process.owner.user, process.owner.group)),
            (_, None) => Known::Absent,
        },
    }
}

fn file(reader: &Reader<'_>) -> Known<AgentFile> {
    for path in AGENT_FILES {
        match reader.read(path.as_ref()) {
            Ok(None) => {}
            Ok(Some(bytes)) => {
                let Ok(text) = std::str::from_utf8(&bytes) else {
                    return Known::Unclear(format!("{path} is not UTF-8 text"));
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

/// The settings of both sections that a file makes. One that cannot be read makes none: the agent
/// does not start with it, and says so itself.
fn in_file(reader: &Reader<'_>, path: &str) -> Vec<Override> {
    let text = reader.text(path.as_ref()).ok().flatten();
    let text = text.filter(|text| !nests_deeply(text)).unwrap_or_default();
    let read = serde_yaml::from_str(without_mark(&text));
    let Ok(Value::Mapping(file)) = read else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (section, children) in &file {
        let section = section.as_str().unwrap_or_default().to_lowercase();
        let Some(children) = children.as_mapping() else {
            continue;
        };
        if !SECTIONS.contains(&section.as_str()) {
            continue;
        }
        for (key, value) in children {
            let key = key.as_str().unwrap_or_default().to_lowercase();
            found.push(Override {
                made_in: path.to_owned(),
                key: format!("{section}.{key}"),
                value: match value {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    Value::Bool(flag) => flag.to_string(),
                    _ => "something else".to_owned(),
                },
            });
        }
    }
    found
}

/// Of the running process; of its unit, where none runs.
fn in_environment(host: &dyn Host, agent: Option<&Process>, of_unit: &str) -> Vec<Override> {
    let (bytes, made_in) = if let Some(process) = agent {
        let path = format!("/proc/{}/environ", process.pid);
        let bytes = host.read(path.as_ref(), ENVIRONMENT_LIMIT);
        (
            bytes.unwrap_or_default(),
            "the environment of the running agent",
        )
    } else {
        let words = of_unit.replace(' ', "\n");
        (words.into_bytes(), "the unit of nginx-agent")
    };
    let text = String::from_utf8_lossy(&bytes);
    let entries = text
        .split(['\0', '\n'])
        .filter_map(|entry| entry.split_once('='));
    let made = entries.filter_map(|(name, value)| {
        let rest = PREFIXES
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))?;
        let (section, key) = rest.split_once('_')?;
        let section = section.to_lowercase();
        SECTIONS.contains(&section.as_str()).then(|| Override {
            made_in: format!("{made_in} ({})", escaped(name)),
            key: format!("{section}.{}", key.to_lowercase()),
            value: value.to_owned(),
        })
    });
    made.collect()
}

/// `--tls-enable=true`, or with its value as the next word.
fn in_arguments(process: &Process) -> Vec<Override> {
    let words: Vec<&str> = process.title.split(' ').collect();
    let mut found = Vec::new();
    for (number, word) in words.iter().enumerate() {
        let Some(option) = word.strip_prefix("--") else {
            continue;
        };
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, value),
            None => (option, words.get(number + 1).copied().unwrap_or_default()),
        };
        let Some((section, key)) = name.split_once('-') else {
            continue;
        };
        if SECTIONS.contains(&section) {
            found.push(Override {
                made_in: format!(
                    "the command line of the running agent (--{})",
                    escaped(name)
                ),
                key: format!("{section}.{}", key.replace('-', "_").to_lowercase()),
                value: value.to_owned(),
            });
        }
    }
    found
}
