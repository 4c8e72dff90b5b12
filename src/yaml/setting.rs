//! What is to be set: a value in a section.

use std::fmt;

use serde_yaml::{Mapping, Value};

use super::edit::BREAKS;
use super::{nests_deeply, without_mark};

/// A value that stands on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar {
    Text(String),
    Number(u32),
    Flag(bool),
}

/// `section: {key: value}`. An empty section is the file itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub section: &'static str,
    pub key: &'static str,
    /// None: it is not to be set; a line that does is made a comment.
    pub value: Option<Scalar>,
}

/// As YAML: text always in quotes, so that nothing in it means anything.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => {
                f.write_str("\"")?;
                for c in text.chars() {
                    match c {
                        '"' | '\\' => write!(f, "\\{c}")?,
                        c if c.is_control() || BREAKS.contains(&c) => {
                            write!(f, "\\U{:08x}", u32::from(c))?;
                        }
                        c => write!(f, "{c}")?,
                    }
                }
                f.write_str("\"")
            }
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// As a hint: `tls.enable: true`, or `no cert`.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = [self.section, self.key];
        let name = name.into_iter().filter(|part| !part.is_empty());
        let name = name.collect::<Vec<_>>().join(".");
        match &self.value {
            Some(value) => write!(f, "{name}: {value}"),
            None => write!(f, "no {name}"),
        }
    }
}

impl Scalar {
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Number(number) => Value::from(*number),
            Self::Flag(flag) => Value::from(*flag),
        }
    }

    /// Whether a program that is not strict about types reads the same: `"443"` for 443.
    pub(super) fn is(&self, found: &Value) -> bool {
        let text = match found {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return false,
        };
        text == match self {
            Self::Text(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// A text, read once for all that is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings(Mapping);

impl Settings {
    /// `None` where it is neither a mapping nor nothing at all.
    pub fn read(text: &str) -> Option<Self> {
        let text = without_mark(text);
        if nests_deeply(text) {
            return None;
        }
        match serde_yaml::from_str(text) {
            Ok(Value::Mapping(file)) => Some(Self(file)),
            Ok(Value::Null) => Some(Self(Mapping::new())),
            _ => None,
        }
    }

    pub fn has(&self, key: &str) -> bool {
        folded(&self.0, key).is_some()
    }

    /// What stands there for a key of a section, as text; `None` where it is nothing of the kind.
    pub fn value(&self, section: &str, key: &str) -> Option<String> {
        let within = match section {
            "" => &self.0,
            section => folded(&self.0, section)?.1.as_mapping()?,
        };
        let (_, value) = folded(within, key)?;
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        }
    }
}

/// The same of a text that one thing is asked of.
pub fn value_of(text: &str, section: &str, key: &str) -> Option<String> {
    Settings::read(text)?.value(section, key)
}

/// The name by which a mapping knows `key`, and what stands there: the agents' reader takes names
/// for the same that differ in upper and lower case only.
pub fn folded<'a>(mapping: &'a Mapping, key: &str) -> Option<(&'a str, &'a Value)> {
    let named = |(name, value): (&'a Value, &'a Value)| Some((name.as_str()?, value));
    let mut names = mapping.iter().filter_map(named);
    names.find(|(name, _)| name.eq_ignore_ascii_case(key))
}
