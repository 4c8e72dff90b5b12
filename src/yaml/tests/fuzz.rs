//! Settings files with random changes.
//!
//! Red where a value is written without its quotes, where `below` takes the wrong line, or where
//! `edit` does not read again what it wrote.

use std::time::Duration;

use serde_yaml::{Mapping, Value};

use super::super::{Setting, edit};
use super::{setting, text, wanted};
use crate::tests::fuzz::Fuzz;

const AGENT: &str = "\
# The manager.
server:
  host: 127.0.0.1 # for now
  grpcPort: 54789
  token: \"abc\"   # ours
tls:
  enable: false
  skip_verify: true
log: {level: info, path: /var/log/a}
";
const MANAGER: &str = "\
bind_address: 0.0.0.0
cert: /etc/ssl/a.crt # ours
note: |
  server:
    host: not this one
list:
- a
- {b: c}
";
const WORDS: &[&str] = &[
    "server:\n",
    "SERVER:",
    "tls: {}\n",
    "tls: ~\n",
    "\"tls\": ",
    "cert: ",
    "  host: a\n",
    "  grpcPort: \"1\"\n",
    "  enable: no # x\n",
    "{a: b, ",
    "}\n",
    "[",
    "- ",
    ": |\n    ",
    ": >-\n    ",
    "&a ",
    "*a",
    "<<: *a\n",
    "? ",
    "!!str ",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "'it''s'",
    "\"\\\"\\n\"",
    " # ",
    "\r\n",
    "\t",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "ä",
];

/// What the fuzz sets: in sections and outside them, and something that is to go.
fn all() -> Vec<Setting> {
    let mut all = wanted();
    all.push(setting("", "bind_address", text("\u{85}# \": {")));
    for (section, key) in [("", "cert"), ("log", "path")] {
        let value = None;
        all.push(Setting {
            section,
            key,
            value,
        });
    }
    all
}

fn read(text: &str) -> Mapping {
    match serde_yaml::from_str(text.trim_start_matches('\u{feff}')).unwrap() {
        Value::Mapping(mapping) => mapping,
        Value::Null => Mapping::new(),
        other => panic!("no mapping: {other:?}"),
    }
}

/// The entry of that name, in whatever letters.
fn entry<'a>(mapping: &'a Mapping, key: &str) -> Option<&'a Value> {
    let mut entries = mapping.iter();
    let alike = |name: &Value| {
        name.as_str()
            .is_some_and(|name| name.eq_ignore_ascii_case(key))
    };
    entries
        .find(|(name, _)| alike(name))
        .map(|(_, value)| value)
}

fn is_set(file: &Mapping, setting: &Setting) -> bool {
    let empty = Mapping::new();
    let section = match setting.section {
        "" => Some(file),
        section => match entry(file, section) {
            None | Some(Value::Null) => Some(&empty),
            Some(section) => section.as_mapping(),
        },
    };
    let found = section.and_then(|section| entry(section, setting.key));
    match &setting.value {
        None => found.is_none(),
        Some(value) => found.is_some_and(|found| value.is(found)),
    }
}

/// Without what was set: what nobody asked to change.
fn foreign(mut file: Mapping, settings: &[Setting]) -> Mapping {
    for setting in settings {
        let named = |name: &Value, key: &str| {
            let name = name.as_str();
            name.is_some_and(|name| name.eq_ignore_ascii_case(key))
        };
        if setting.section.is_empty() {
            file.retain(|name, _| !named(name, setting.key));
            continue;
        }
        file.retain(|name, section| {
            if !named(name, setting.section) {
                return true;
            }
            if let Value::Mapping(section) = section {
                section.retain(|name, _| !named(name, setting.key));
            }
            // A section that was empty, or missing, is the same as none.
            !matches!(section, Value::Null) && section.as_mapping() != Some(&Mapping::new())
        });
    }
    file
}

#[test]
fn any_settings_file_is_refused_or_edited_and_nothing_else_changes() {
    let settings = all();
    let fuzz = Fuzz {
        name: "yaml edit",
        corpus: [AGENT, MANAGER, ""]
            .map(|text| text.as_bytes().to_vec())
            .into(),
        words: WORDS,
        most: Duration::from_secs(2),
    };
    fuzz.run(|bytes| {
        let Ok(before) = std::str::from_utf8(bytes) else {
            return false;
        };
        let Ok(after) = edit(before, &settings) else {
            return false;
        };
        let (old, new) = (read(before), read(&after.text));
        for setting in &settings {
            assert!(is_set(&new, setting), "{setting:?}: {:?}", after.text);
        }
        assert_eq!(
            foreign(old, &settings),
            foreign(new, &settings),
            "{:?}",
            after.text
        );
        // Comments too: each line that is not one of those changed is there as it was.
        let changed: Vec<_> = after.lines.iter().map(|(line, _)| *line as usize).collect();
        let lines = after.text.lines().enumerate();
        let untouched = lines.filter(|(at, _)| !changed.contains(&(at + 1)));
        let mut left = before.lines();
        for (at, line) in untouched {
            // An empty line stands above what is new at the end.
            let is_ours = line.is_empty() && changed.contains(&(at + 2));
            assert!(
                is_ours || left.any(|was| was == line),
                "{line:?}: {:?}",
                after.text
            );
        }
        let again = edit(&after.text, &settings).unwrap();
        assert_eq!(
            (again.text, again.lines),
            (after.text, Vec::new()),
            "twice is as once"
        );
        true
    });
}
