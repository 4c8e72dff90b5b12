//! What counts more than the agent's file: files that are merged after it, its environment, and
//! options of its command line (agent 2.46, `src/core/config`).

use std::path::Path;

use serde::Deserialize as _;
use serde_yaml::{Mapping, Value};

use super::services::AgentUnit;
use crate::facts::Override;
use crate::host::{Host, Process};
use crate::values::escaped;
use crate::yaml::{nests_deeply, without_mark};

/// Merged after the file by the agent itself; the second by versions before 2.25.1.
const DYNAMIC: [&str; 2] = [
    "/var/lib/nginx-agent/agent-dynamic.conf",
    "/etc/nginx-agent/agent-dynamic.conf",
];
/// How settings are named in the environment; the second is what its forerunner had.
const PREFIXES: [&str; 2] = ["NGINX_AGENT_", "NMS_"];
const SECTIONS: [&str; 2] = ["server", "tls"];
/// They take no word behind them: alone, they say yes.
const FLAGS: [&str; 2] = ["tls.enable", "tls.skip_verify"];
const LIMIT: u64 = 1 << 20;

/// `unread`: files that are there, and could not be read.
pub(super) fn of_dynamic_files(
    host: &dyn Host,
    overrides: &mut Vec<Override>,
    unread: &mut Vec<String>,
) {
    for path in DYNAMIC {
        match host.read(Path::new(path), LIMIT) {
            Ok(bytes) => match parsed(&String::from_utf8_lossy(&bytes)) {
                Ok(file) => {
                    overrides.extend(nested(path, &file));
                    overrides.extend(flat(path, &file));
                }
                Err(why) => unread.push(format!("{path} cannot be read: {why}")),
            },
            Err(error) if error.is_absence() => {}
            Err(error) => unread.push(error.to_string()),
        }
    }
}

/// `server_host: x` at the top of the file itself wins over `host` in its section.
pub(super) fn flat_in_file(path: &str, text: &str) -> Vec<Override> {
    parsed(text)
        .map(|file| flat(path, &file))
        .unwrap_or_default()
}

/// The first document, as the agent takes it, with what `<<` merges.
fn parsed(text: &str) -> Result<Mapping, String> {
    let text = without_mark(text);
    if nests_deeply(text) {
        return Err("it opens too many brackets".to_owned());
    }
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let Some(first) = documents.next() else {
        return Ok(Mapping::new());
    };
    let read = Value::deserialize(first).and_then(|mut value| {
        value.apply_merge()?;
        Ok(value)
    });
    match read {
        Ok(Value::Mapping(file)) => Ok(file),
        Ok(Value::Null) => Ok(Mapping::new()),
        Ok(_) => Err("it does not consist of sections".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn nested(path: &str, file: &Mapping) -> Vec<Override> {
    let mut found = Vec::new();
    for (section, children) in file {
        let section = section.as_str().unwrap_or_default().to_lowercase();
        let Some(children) = children.as_mapping() else {
            continue;
        };
        for (key, value) in children.iter().filter(|_| is_section(&section)) {
            let key = key.as_str().unwrap_or_default().to_lowercase();
            found.push(made(path, format!("{section}.{key}"), &text_of(value)));
        }
    }
    found
}

fn flat(path: &str, file: &Mapping) -> Vec<Override> {
    let names = file.iter().filter_map(|(key, value)| {
        let key = of_words(key.as_str()?, '_')?;
        Some(made(path, key, &text_of(value)))
    });
    names.collect()
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null => String::new(),
        _ => "something else".to_owned(),
    }
}

/// `server.grpcport` of `server_grpcPort`.
fn of_words(name: &str, between: char) -> Option<String> {
    let (section, key) = name.split_once(between)?;
    let section = section.to_lowercase();
    is_section(&section).then(|| format!("{section}.{}", key.to_lowercase()))
}

fn is_section(section: &str) -> bool {
    SECTIONS.contains(&section)
}

fn made(made_in: &str, key: String, value: &str) -> Override {
    Override {
        made_in: made_in.to_owned(),
        key,
        value: value.to_owned(),
    }
}

/// Of the process as it was started.
pub(super) fn in_process(host: &dyn Host, agent: &Process) -> Vec<Override> {
    let path = format!("/proc/{}/environ", agent.pid);
    let bytes = host.read(path.as_ref(), LIMIT).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut found = in_environment("the environment of the running agent", text.split('\0'));
    let words: Vec<&str> = agent.title.split(' ').collect();
    found.extend(in_arguments(
        "the command line of the running agent",
        &words,
    ));
    found
}

/// Of what it would be started with.
pub(super) fn of_unit(host: &dyn Host, unit: &AgentUnit) -> Vec<Override> {
    let made_in = "the unit of nginx-agent";
    // Values with blanks are in quotes there; none of those that matter here has one.
    let words = unit
        .environment
        .split(' ')
        .map(|word| word.trim_matches('"'));
    let mut found = in_environment(made_in, words);
    for file in &unit.environment_files {
        let bytes = host.read(Path::new(file), LIMIT).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lines = text
            .lines()
            .map(|line| line.trim().trim_end_matches(['"', '\'']));
        let lines: Vec<String> = lines.map(|line| line.replace(['"', '\''], "")).collect();
        found.extend(in_environment(file, lines.iter().map(String::as_str)));
    }
    let words: Vec<&str> = unit.arguments.split(' ').collect();
    found.extend(in_arguments(made_in, &words));
    found
}

fn in_environment<'a>(made_in: &str, entries: impl Iterator<Item = &'a str>) -> Vec<Override> {
    let found = entries.filter_map(|entry| {
        let (name, value) = entry.split_once('=')?;
        let mut prefixes = PREFIXES.iter();
        let rest = prefixes.find_map(|prefix| name.strip_prefix(prefix))?;
        let key = of_words(rest, '_')?;
        Some(made(&format!("{made_in} ({})", escaped(name)), key, value))
    });
    found.collect()
}

/// `--tls-enable=true`, or with its value as the next word; `_` and `.` are as good as `-`.
fn in_arguments(made_in: &str, words: &[&str]) -> Vec<Override> {
    let mut found = Vec::new();
    for (number, word) in words.iter().enumerate() {
        let Some(option) = word.strip_prefix("--") else {
            continue;
        };
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option, None),
        };
        let Some(key) = of_words(&name.replace(['_', '.'], "-"), '-') else {
            continue;
        };
        let key = key.replace('-', "_");
        let value = match value {
            Some(value) => value,
            None if FLAGS.contains(&key.as_str()) => "true",
            None => words.get(number + 1).copied().unwrap_or_default(),
        };
        found.push(made(
            &format!("{made_in} (--{})", escaped(name)),
            key,
            value,
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::host::Memory;

    fn shown(found: &[Override]) -> Vec<(&str, &str)> {
        let pairs = found
            .iter()
            .map(|one| (one.key.as_str(), one.value.as_str()));
        pairs.collect()
    }

    #[test]
    fn options_are_read_in_every_spelling_and_flags_take_no_word() {
        let line = "nginx-agent --tls-enable --server-token=s3cr --server_host 10.0.0.9 \
                    --tls.skip_verify=1 --log-level debug --server-grpcPort 1";
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            shown(&in_arguments("x", &words)),
            [
                ("tls.enable", "true"),
                ("server.token", "s3cr"),
                ("server.host", "10.0.0.9"),
                ("tls.skip_verify", "1"),
                ("server.grpcport", "1"),
            ]
        );
    }

    #[test]
    fn a_file_is_read_as_the_agent_reads_it() {
        for (text, wanted) in [
            (
                "server:\n  Host: b\n---\nserver:\n  host: c\n",
                ("server.host", "b"),
            ),
            (
                "x: &x\n  host: b\nserver:\n  <<: *x\n",
                ("server.host", "b"),
            ),
            ("tls_skip_verify: true\n", ("tls.skip_verify", "true")),
            ("Server_Host: b\n", ("server.host", "b")),
        ] {
            let host = Memory::new().with_file(DYNAMIC[0], text);
            let (mut found, mut unread) = (Vec::new(), Vec::new());
            of_dynamic_files(&host, &mut found, &mut unread);
            assert!(shown(&found).contains(&wanted), "{text}: {found:?}");
            assert!(unread.is_empty(), "{unread:?}");
        }
        let host = Memory::new().with_file(DYNAMIC[0], "server:\n\thost: b\n");
        let mut unread = Vec::new();
        of_dynamic_files(&host, &mut Vec::new(), &mut unread);
        assert!(unread[0].starts_with(DYNAMIC[0]), "{unread:?}");
    }

    #[test]
    fn a_unit_says_what_the_next_process_gets() {
        let host = Memory::new().with_file("/etc/default/agent", "# x\nNMS_TLS_ENABLE=\"false\"\n");
        let unit = AgentUnit {
            environment: "A=b NGINX_AGENT_SERVER_GRPCPORT=444".to_owned(),
            environment_files: vec!["/etc/default/agent".to_owned()],
            arguments: "/usr/bin/nginx-agent --tls-skip-verify".to_owned(),
        };
        let found = of_unit(&host, &unit);
        assert_eq!(
            shown(&found),
            [
                ("server.grpcport", "444"),
                ("tls.enable", "false"),
                ("tls.skip_verify", "true"),
            ]
        );
        assert!(
            found[1].made_in.starts_with("/etc/default/agent"),
            "{found:?}"
        );
        assert_eq!(
            found.first().unwrap().made_in,
            "the unit of nginx-agent (NGINX_AGENT_SERVER_GRPCPORT)"
        );
    }
}
