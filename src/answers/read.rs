//! Reading an answers file: bounded, strict, and with a place for every complaint.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::draft::Draft;
use crate::values::escaped;

/// The largest answers file that is read, in bytes.
pub const LIMIT: u64 = 1024 * 1024;

/// Why an answers file could not be read: one line, naming the field and its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// Reads the text of an answers file.
pub fn read(bytes: &[u8]) -> Result<Draft, Unreadable> {
    if bytes.len() as u64 > LIMIT {
        return Err(Unreadable(format!(
            "it is larger than {LIMIT} bytes; answers files are small"
        )));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        let at = bytes.iter().position(|b| !b.is_ascii()).unwrap_or(0);
        return Err(Unreadable(format!(
            "it is not UTF-8 text (byte {at} cannot be)"
        )));
    };
    if text.trim().is_empty() {
        return Err(Unreadable("it is empty; start with: version: 1".to_owned()));
    }
    let yaml = serde_yaml::Deserializer::from_str(text);
    serde_path_to_error::deserialize(yaml).map_err(|error| {
        let path = error.path().to_string();
        Unreadable(complaint(text, &path, &error.into_inner()))
    })
}

/// Where `field` (as in `agents[1]` or `certificates.days.root`) stands in the file: line and
/// column, from 1. `None` where the file does not hold it.
pub(super) fn locate(text: &str, field: &str) -> Option<(usize, usize)> {
    let steps: Vec<&str> = field
        .split(['.', '[', ']'])
        .filter(|step| !step.is_empty())
        .collect();
    let error = Walk { steps: &steps }
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .err()?;
    let place = error
        .location()
        .filter(|_| error.to_string().contains(FOUND))?;
    Some((place.line(), place.column()))
}

impl Draft {
    /// Adds its place in the file to a complaint about a field.
    pub fn place(text: &str, field: &str) -> String {
        match locate(text, field) {
            Some((line, column)) => format!("{field} (line {line}, column {column})"),
            None => field.to_owned(),
        }
    }
}

fn complaint(text: &str, path: &str, error: &serde_yaml::Error) -> String {
    let mut said = error.to_string();
    // serde_yaml repeats the path in front and the place at the end; both are put in one form.
    if let Some(rest) = said.strip_prefix(&format!("{path}: ")) {
        said = rest.to_owned();
    }
    if let Some(at) = error.location() {
        said = said.replace(
            &format!(" at line {} column {}", at.line(), at.column()),
            "",
        );
    }
    // What a value's own check refuses, serde_yaml places at the start of the file.
    let known = error.location().map(|at| (at.line(), at.column()));
    let place = match known {
        Some((1, 1)) | None => locate(text, path).or(known),
        known => known,
    };
    let place = place.map(|(line, column)| format!(" (line {line}, column {column})"));
    let field = if path == "." {
        "the file".to_owned()
    } else {
        escaped(path)
    };
    let hint = suggestion(&said)
        .map(|name| format!("; did you mean {name}?"))
        .unwrap_or_default();
    format!(
        "{field}{}: {}{hint}",
        place.unwrap_or_default(),
        escaped(&said)
    )
}

/// For "unknown field `x`, expected one of `y`, `z`": the expected word that is closest.
fn suggestion(said: &str) -> Option<String> {
    let words: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
    let (found, expected) = words.split_first()?;
    if !said.starts_with("unknown") {
        return None;
    }
    expected
        .iter()
        .map(|word| (strsim::damerau_levenshtein(found, word), *word))
        .filter(|(distance, _)| *distance <= 3)
        .min()
        .map(|(_, word)| word.to_owned())
}

/// Walks down to one value and stops there with an error, because `serde_yaml` says where an
/// error is, and nothing else says where a value is.
struct Walk<'a> {
    steps: &'a [&'a str],
}

const FOUND: &str = "here it is";

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FOUND)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.steps.split_first() else {
            return Err(A::Error::custom(FOUND));
        };
        while let Some(key) = map.next_key::<String>()? {
            if key == *step {
                map.next_value_seed(Walk { steps: rest })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.steps.split_first() else {
            return Err(A::Error::custom(FOUND));
        };
        let wanted: Option<usize> = step.parse().ok();
        let mut index = 0;
        loop {
            let more = if Some(index) == wanted {
                seq.next_element_seed(Walk { steps: rest })?.is_some()
            } else {
                seq.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                return Ok(());
            }
            index += 1;
        }
    }
}
