//! Which logs a host has: those that nginx's configuration names, and the agent's.

use std::path::Path;

use serde::Deserialize;

use super::finding::Source;
use crate::facts::{AGENT_FILES, Facts, Known};
use crate::host::Host;
use crate::nginx::{Config, Directive};
use crate::plan::LOG_FORMAT;
use crate::values::masked;
use crate::yaml::nests_deeply;

pub(super) enum Named {
    Log(String),
    /// It is in no file that could be read.
    Elsewhere(Source),
}

/// Where the services of generation 2 and of generation 1 log.
const SERVICES: [&str; 2] = [OF_NIM2, OF_NIM1];
const OF_NIM2: &str = "/var/log/nms";
const OF_NIM1: &str = "/var/log/nginx-manager";
const STDERR: &str = "stderr";
/// Where the kernel tells what it has refused, on a host with `SELinux`.
const AUDIT_LOG: &str = "/var/log/audit/audit.log";
const MOST_OF_A_FOLDER: usize = 50;
const AGENT_LOG: &str = "/var/log/nginx-agent/agent.log";
/// More than this is no such file.
const AGENT_FILE_LIMIT: u64 = 1024 * 1024;

/// Each log once.
pub(super) fn named(host: &dyn Host, facts: &Facts) -> Vec<Named> {
    let mut paths = Vec::new();
    let mut elsewhere = Vec::new();
    match &facts.config {
        Known::Is(config) => {
            for target in of_errors(facts, config) {
                if let Some(why) = elsewhere_because(target) {
                    elsewhere.push(Source::not_read(&masked(target), why));
                }
            }
            paths.extend(of_nginx(facts, config));
        }
        Known::Absent => {}
        Known::Unclear(why) => elsewhere.push(Source::not_read("nginx's logs", why)),
    }
    if let Known::Unclear(why) = &facts.agent_setup.file {
        elsewhere.push(Source::not_read("the settings of the agent", why));
    }
    paths.push(agent_log(host));
    paths.extend(SERVICES.iter().flat_map(|folder| logs_in(host, folder)));
    let audited = matches!(host.stat(Path::new(AUDIT_LOG)), Ok(Some(_)));
    paths.extend(audited.then(|| AUDIT_LOG.to_owned()));
    let mut each: Vec<String> = Vec::new();
    for path in paths {
        if !each.contains(&path) {
            each.push(path);
        }
    }
    elsewhere.dedup();
    let logs = each.into_iter().map(Named::Log);
    logs.chain(elsewhere.into_iter().map(Named::Elsewhere))
        .collect()
}

/// The files to which a unit's program writes what it says to the journal as well.
pub(super) fn of_unit(host: &dyn Host, facts: &Facts, unit: &str) -> Vec<String> {
    match unit {
        "nginx" => facts.config.is().map_or_else(Vec::new, |config| {
            let lines = config.top().filter(|line| line.name == "error_log");
            let targets = lines.filter_map(|line| line.arg(0));
            let targets = targets.chain(built_in(facts, config));
            let files = targets.filter(|target| elsewhere_because(target).is_none());
            files.map(|target| in_prefix(facts, target)).collect()
        }),
        "nginx-agent" => vec![agent_log(host)],
        "nginx-manager" => logs_in(host, OF_NIM1),
        _ => {
            // A log that is called after the service is its own; else all of them share one.
            let (own, shared): (Vec<_>, Vec<_>) = logs_in(host, OF_NIM2)
                .into_iter()
                .partition(|log| log.ends_with(&format!("/{unit}.log")));
            if own.is_empty() { shared } else { own }
        }
    }
}

/// Whether what is told as not read there is in the journal of nginx.
pub(super) fn is_in_journal(source: &Source) -> bool {
    !source.read && source.path == STDERR
}

/// The files in which an nginx of this configuration logs.
pub(super) fn of_nginx(facts: &Facts, config: &Config) -> Vec<String> {
    let answers = config.all(&["access_log"]).filter_map(|line| line.arg(0));
    // A name with a variable is of many files.
    let answers = answers.filter(|target| *target != "off" && !target.contains('$'));
    let targets = of_errors(facts, config)
        .chain(verdicts(config))
        .chain(answers);
    let files = targets.filter(|target| elsewhere_because(target).is_none());
    files.map(|target| in_prefix(facts, target)).collect()
}

fn of_errors<'a>(facts: &'a Facts, config: &'a Config) -> impl Iterator<Item = &'a str> {
    let lines = config.all(&["error_log"]).filter_map(|line| line.arg(0));
    lines.chain(built_in(facts, config))
}

/// The logs in a folder of the manager's services.
fn logs_in(host: &dyn Host, folder: &str) -> Vec<String> {
    let names = host.list(Path::new(folder)).unwrap_or_default();
    let is_log = |name: &&String| Path::new(name).extension().is_some_and(|end| end == "log");
    let logs = names.iter().filter(is_log);
    logs.take(MOST_OF_A_FOLDER)
        .map(|name| format!("{folder}/{name}"))
        .collect()
}

/// The log of agents' certificates that our own configuration writes.
pub(super) fn verdicts(config: &Config) -> impl Iterator<Item = &str> {
    let ours = |line: &&Directive| line.arg(1) == Some(LOG_FORMAT);
    let lines = config.all(&["access_log"]).filter(ours);
    lines.filter_map(|line| line.arg(0))
}

/// Where nginx logs as long as its configuration says nothing.
fn built_in<'a>(facts: &'a Facts, config: &Config) -> Option<&'a str> {
    let nginx = facts.nginx.is()?;
    if config.top().any(|line| line.name == "error_log") {
        return None;
    }
    let started = nginx.args.iter().position(|arg| arg == "-e");
    let started = started.and_then(|at| nginx.args.get(at + 1));
    started
        .map(String::as_str)
        .or_else(|| option(facts, "--error-log-path="))
}

fn option<'a>(facts: &'a Facts, name: &str) -> Option<&'a str> {
    let options = &facts.nginx.is()?.build.options;
    options.iter().find_map(|option| option.strip_prefix(name))
}

/// A relative path of a log starts at nginx's prefix, not beside the main file.
fn in_prefix(facts: &Facts, path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let args = facts.nginx.is().map_or(&[][..], |nginx| &nginx.args);
    let started = args.iter().position(|arg| arg == "-p");
    let started = started.and_then(|at| args.get(at + 1)).map(String::as_str);
    let prefix = started
        .or_else(|| option(facts, "--prefix="))
        .unwrap_or("/etc/nginx");
    format!("{}/{path}", prefix.trim_end_matches('/'))
}

/// Why what is logged there stands in no file.
fn elsewhere_because(target: &str) -> Option<&'static str> {
    match target {
        STDERR => Some("nginx writes it to standard error; try journalctl -u nginx"),
        "/dev/stderr" | "/dev/stdout" => Some("it goes to whoever started nginx"),
        "/dev/null" => Some("what goes there is gone"),
        _ if target.starts_with("syslog:") => {
            Some("it goes to syslog; try journalctl, or the log host, and --log FILE")
        }
        _ if target.starts_with("memory:") => Some("it is kept in nginx's memory"),
        _ => None,
    }
}

#[derive(Deserialize, Default)]
struct AgentConfig {
    #[serde(default)]
    log: AgentLog,
}

#[derive(Deserialize, Default)]
struct AgentLog {
    path: Option<String>,
}

fn agent_log(host: &dyn Host) -> String {
    let read = |file: &str| host.read(Path::new(file), AGENT_FILE_LIMIT).ok();
    let said = AGENT_FILES.iter().find_map(|file| read(file));
    let config: AgentConfig = said
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .filter(|text| !nests_deeply(text))
        .and_then(|text| serde_yaml::from_str(&text).ok())
        .unwrap_or_default();
    match config.log.path {
        // The agent takes a folder, and names the file itself.
        Some(path) if path.starts_with('/') => match Path::new(&path).extension() {
            Some(_) => path,
            None => format!("{}/agent.log", path.trim_end_matches('/')),
        },
        _ => AGENT_LOG.to_owned(),
    }
}
