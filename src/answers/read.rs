//! Reading an answers file: bounded, strict, and with a place for every complaint.

use std::borrow::Cow;

use super::draft::Draft;
use crate::values::{escaped, quotable};
use crate::yaml::{DEEPEST, nests_deeply, value_at, without_mark};

/// The largest answers file that is read, in bytes.
pub const LIMIT: u64 = 1024 * 1024;

/// Why an answers file could not be read: one line, naming the field and its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{place}{why}", self.about())]
pub struct Unreadable {
    /// Its path in the file; empty where it is about the file as a whole.
    pub field: String,
    /// ` (line 3, column 5): `, or what of that is known.
    place: String,
    /// What was found and what would do.
    pub why: String,
}

impl Unreadable {
    fn whole(why: impl Into<String>) -> Self {
        Self {
            field: String::new(),
            place: String::new(),
            why: why.into(),
        }
    }

    fn about(&self) -> &str {
        match (self.field.is_empty(), self.place.is_empty()) {
            (true, true) => "",
            (true, false) => "the file",
            (false, _) => &self.field,
        }
    }
}

/// Reads the text of an answers file.
pub fn read(bytes: &[u8]) -> Result<Draft, Unreadable> {
    if bytes.len() as u64 > LIMIT {
        return Err(Unreadable::whole(format!(
            "it is larger than {LIMIT} bytes; answers files are small"
        )));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        let at = bytes.iter().position(|b| !b.is_ascii()).unwrap_or(0);
        return Err(Unreadable::whole(format!(
            "it is not UTF-8 text (byte {at} cannot be)"
        )));
    };
    let text = without_mark(text);
    if text.trim().is_empty() {
        return Err(Unreadable::whole("it is empty; start with: version: 1"));
    }
    if nests_deeply(text) {
        return Err(Unreadable::whole(format!(
            "it opens more than {DEEPEST} brackets within each other; answers need three"
        )));
    }
    let yaml = serde_yaml::Deserializer::from_str(text);
    serde_path_to_error::deserialize(yaml).map_err(|error| {
        let path = error.path().to_string();
        complaint(text, &path, &error.into_inner())
    })
}

/// Where `field` (as in `agents[1]` or `certificates.days.root`) stands in the file: line and
/// column, from 1. `None` where the file does not hold it.
pub(super) fn locate(text: &str, field: &str) -> Option<(usize, usize)> {
    locate_after(text, field, 0)
}

/// The same, where the field's last name is passed over `skip` times: where it stands again.
fn locate_after(text: &str, field: &str, skip: usize) -> Option<(usize, usize)> {
    let text = without_mark(text);
    let steps: Vec<&str> = field
        .split(['.', '[', ']'])
        .filter(|step| !step.is_empty())
        .collect();
    let place = value_at(text, &steps, skip)?;
    Some((place.line, place.column))
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

fn complaint(text: &str, path: &str, error: &serde_yaml::Error) -> Unreadable {
    let mut said = error.to_string();
    // serde_yaml repeats the path, or the beginning of it, in front and the place at the end;
    // both are put in one form.
    if let Some((head, rest)) = said.split_once(": ")
        && path.starts_with(head)
    {
        said = rest.to_owned();
    }
    if let Some(at) = error.location() {
        said = said.replace(
            &format!(" at line {} column {}", at.line(), at.column()),
            "",
        );
    }
    // What a value's own check refuses, serde_yaml places at the start of what holds it; a
    // name that stands twice too.
    let known = error.location().map(|at| (at.line(), at.column()));
    // Where YAML itself goes wrong, what is being read has no name yet.
    let above = match path {
        "?" => Some("."),
        _ => path.strip_suffix(".?"),
    };
    let path = above.unwrap_or(path);
    let place = match twice(&said) {
        None if above.is_some() => known,
        Some(name) if path == "." => locate_after(text, name, 1).or(known),
        Some(name) => locate_after(text, &format!("{path}.{name}"), 1).or(known),
        None if ["unknown field", "missing"]
            .iter()
            .any(|start| said.starts_with(start)) =>
        {
            known
        }
        None => locate(text, path).or(known),
    };
    let said = in_plain_words(&said);
    let place = place.map(|(line, column)| format!(" (line {line}, column {column})"));
    let field = if path == "." {
        String::new()
    } else {
        quotable(path)
    };
    let hint = suggestion(&said)
        .map(|name| format!("; did you mean {name}?"))
        .unwrap_or_default();
    Unreadable {
        field,
        place: format!("{}: ", place.unwrap_or_default()),
        why: format!("{}{hint}", without_middle(&escaped(&said))),
    }
}

/// What would do stands at the end; a long value in between says nothing more.
fn without_middle(said: &str) -> Cow<'_, str> {
    const KEPT: usize = 150;
    let place = |at| said.char_indices().nth(at).map(|(place, _)| place);
    let count = said.chars().count();
    match (place(KEPT), place(count.saturating_sub(KEPT))) {
        (Some(begin), Some(end)) if begin < end => {
            Cow::Owned(format!("{} ... {}", &said[..begin], &said[end..]))
        }
        _ => Cow::Borrowed(said),
    }
}

/// For "duplicate field `x`": the field.
fn twice(said: &str) -> Option<&str> {
    said.strip_prefix("duplicate field `")?.strip_suffix('`')
}

/// What would do, where serde names a type of this program.
fn in_plain_words(said: &str) -> String {
    const FORMS: [(&str, &str); 15] = [
        ("struct Draft", "fields such as version: 1"),
        ("struct PortsDraft", "a mapping such as {https: 443}"),
        (
            "struct CertificatesDraft",
            "a mapping such as {ca_key: {keep: encrypted}}",
        ),
        ("struct DaysDraft", "a mapping such as {agent: 365}"),
        (
            "struct SubjectDraft",
            "a mapping such as {organization: Example}",
        ),
        ("struct CaKeyDraft", "a mapping such as {keep: encrypted}"),
        ("struct ServerDraft", "a mapping such as {source: auto}"),
        (
            "struct ClientsDraft",
            "a mapping such as {source: generate}",
        ),
        (
            "struct AgentFilesDraft",
            "a mapping such as {bundle: /root/agent.tar.gz}",
        ),
        (
            "struct OptionsDraft",
            "a mapping such as {trust_store: true}",
        ),
        (
            "struct UsageReportingDraft",
            "a mapping such as {verify: true}",
        ),
        ("a sequence", "a list such as [one, two]"),
        ("a boolean", "true or false"),
        ("a string", "text"),
        ("unit", "nothing"),
    ];
    let Some((found, expected)) = said.rsplit_once(", expected ") else {
        return said.to_owned();
    };
    let number = expected
        .strip_prefix(['i', 'u'])
        .is_some_and(|bits| bits.parse::<u8>().is_ok());
    let form = FORMS.iter().find(|(name, _)| *name == expected);
    let form = match form {
        Some((_, words)) => *words,
        None if number => "a whole number",
        None => return said.to_owned(),
    };
    let found = found
        .trim_start_matches("invalid type: ")
        .trim_start_matches("invalid value: ")
        .replace("sequence", "a list")
        .replace("floating point", "number")
        .replace("integer", "number")
        .replace("string", "text")
        .replace("unit value", "nothing");
    format!("found {found}; say {form}")
}

/// For "unknown field `x`, expected one of `y`, `z`": the expected word that is closest.
fn suggestion(said: &str) -> Option<String> {
    let words: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
    let (found, expected) = words.split_first()?;
    if !said.starts_with("unknown") {
        return None;
    }
    let far = |word: &&&str| strsim::damerau_levenshtein(found, word);
    let nearest = expected.iter().map(|word| far(&word)).min()?;
    let mut near = expected.iter().filter(|word| far(word) == nearest);
    match (near.next(), near.next()) {
        (Some(word), None) if nearest <= 3 => Some((*word).to_owned()),
        // Two as near as each other: all are listed, and it is for the operator to choose.
        _ => None,
    }
}
