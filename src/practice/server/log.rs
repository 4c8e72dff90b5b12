//! What nginx writes down: access logs in their formats, and error lines.

use super::variables::{Values, local_time};
use crate::nginx::{Config, Scope};

/// Where lines go.
pub(in super::super) trait Logs: Sync {
    fn append(&self, path: &str, line: &str);
    /// Seconds since 1970.
    fn now(&self) -> i64;
    /// The number of the process that the lines are said to be of.
    fn process(&self) -> u32;
    /// The file behind a path of the host, for pages.
    fn read(&self, path: &str) -> Option<Vec<u8>>;
}

const LEVELS: [&str; 8] = [
    "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug",
];
const COMBINED: &str =
    "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent";

/// Writes the lines that the `access_log` directives of this place ask for.
pub(super) fn access(logs: &dyn Logs, config: &Config, scope: &Scope<'_>, values: &Values<'_>) {
    for line in scope.nearest("access_log") {
        let Some(path) = line.arg(0).filter(|path| *path != "off") else {
            continue;
        };
        let format = line.arg(1).unwrap_or("combined");
        let mut formats = config.all(&["log_format"]);
        let defined = formats.find(|one| one.arg(0) == Some(format));
        let text = match defined {
            Some(line) => {
                let words: Vec<&str> = line.words().skip(1).collect();
                let escape = words.iter().find_map(|word| word.strip_prefix("escape="));
                let dress: &dyn Fn(&str) -> String = match escape {
                    Some("json") => &json,
                    Some("none") => &str::to_owned,
                    _ => &plain,
                };
                let parts = words.iter().filter(|word| !word.starts_with("escape="));
                let parts = parts.map(|word| values.expand_with(word, dress));
                parts.collect::<String>()
            }
            None => values.expand_with(COMBINED, &plain),
        };
        logs.append(path, &format!("{text}\n"));
    }
}

/// Writes an error where the level of this place lets it through.
pub(super) fn error(logs: &dyn Logs, scope: &Scope<'_>, main: &Config, level: &str, text: &str) {
    let mut lines = scope.nearest("error_log");
    if lines.is_empty() {
        lines.extend(main.top().filter(|line| line.name == "error_log"));
    }
    let number = |word: &str| LEVELS.iter().position(|known| *known == word);
    for line in lines {
        let least = line.arg(1).and_then(number).or_else(|| number("error"));
        if let (Some(path), true) = (line.arg(0), number(level) <= least) {
            logs.append(path, &error_line(logs.now(), level, logs.process(), text));
        }
    }
}

/// `2026/01/31 12:00:00 [error] 7#7: words`
pub(in super::super) fn error_line(now: i64, level: &str, process: u32, text: &str) -> String {
    let time = local_time(now, ' ').replace('-', "/");
    let time = time.get(..19).unwrap_or_default();
    format!("{time} [{level}] {process}#{process}: {text}\n")
}

fn json(value: &str) -> String {
    let quoted = serde_json::to_string(value).unwrap_or_default();
    quoted
        .get(1..quoted.len().saturating_sub(1))
        .unwrap_or_default()
        .to_owned()
}

/// As nginx escapes by default: a quote, a backslash and control characters.
fn plain(value: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => format!("\\x{:02X}", u32::from(c)),
        c if c.is_control() => format!("\\x{:02X}", u32::from(c)),
        c => c.to_string(),
    };
    match value {
        "" => "-".to_owned(),
        value => value.chars().map(escape).collect(),
    }
}
