//! Answers as they are typed, before anybody knows whether they will do: raw text by field. A
//! form, a prompt and a saved file hold the same thing, and all of them are judged by the same
//! reader, so what one front takes every front takes.

use std::collections::BTreeMap;

use serde_yaml::{Mapping, Value};

use super::rules::Refusal;
use super::{Goal, read};
use crate::yaml::{nests_deeply, without_mark};

/// Fields that hold several values. A form has them in one line, with commas between them.
const LISTS: [&str; 2] = ["agents", "alt_names"];

/// Text by field; a field's name is its path in the answers file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entered(BTreeMap<String, String>);

impl Entered {
    /// What was typed for a field; empty where nothing was.
    pub fn get(&self, field: &str) -> &str {
        self.0.get(field).map_or("", String::as_str)
    }

    /// Blank text takes the answer back.
    pub fn set(&mut self, field: &str, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            self.0.remove(field);
        } else {
            self.0.insert(field.to_owned(), text.to_owned());
        }
    }

    /// The values of a field that holds several.
    pub fn list(&self, field: &str) -> Vec<&str> {
        parts(self.get(field)).collect()
    }

    /// What an answers file says, field by field, unknown ones included: they are refused by
    /// [`check`](Self::check) like any other. `None`: it is no mapping.
    pub fn from_yaml(text: &str) -> Option<Self> {
        let text = without_mark(text);
        if nests_deeply(text) {
            return None;
        }
        let value = serde_yaml::from_str(text).ok()?;
        let Value::Mapping(file) = untagged(&value) else {
            return None;
        };
        let mut entered = Self::default();
        entered.take_in("", file);
        Some(entered)
    }

    fn take_in(&mut self, above: &str, mapping: &Mapping) {
        for (key, value) in mapping {
            let field = format!("{above}{}", scalar(key));
            match untagged(value) {
                Value::Mapping(inner) => self.take_in(&format!("{field}."), inner),
                Value::Sequence(items) => {
                    let items: Vec<String> = items.iter().map(scalar).collect();
                    self.set(&field, &items.join(", "));
                }
                single => self.set(&field, &scalar(single)),
            }
        }
    }

    /// The same as an answers file.
    pub fn to_yaml(&self) -> String {
        let mut file = Mapping::new();
        // As people order them: what this is about first.
        let first = [
            "version",
            "role",
            "generation",
            "proxy",
            "method",
            "manager_name",
        ];
        let head = first
            .into_iter()
            .filter_map(|name| self.0.get_key_value(name));
        let rest = self
            .0
            .iter()
            .filter(|(field, _)| !first.contains(&field.as_str()));
        for (field, text) in head.chain(rest) {
            let value = if LISTS.contains(&field.as_str()) {
                Value::Sequence(parts(text).map(|part| Value::String(part.into())).collect())
            } else {
                typed(field, text)
            };
            put(&mut file, field, value);
        }
        // A mapping of text, numbers and truth values has a form in YAML.
        serde_yaml::to_string(&file).unwrap_or_default()
    }

    /// Complete and valid answers, or every reason why not.
    pub fn check(&self) -> Result<Goal, Vec<Refusal>> {
        let draft = read(self.to_yaml().as_bytes()).map_err(|error| {
            vec![Refusal {
                field: error.field.clone(),
                why: error.why.clone(),
            }]
        })?;
        Goal::check(&draft)
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ', '\t'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// A tag (`!x`) says nothing to the reader of answers either.
fn untagged(mut value: &Value) -> &Value {
    while let Value::Tagged(tagged) = value {
        value = &tagged.value;
    }
    value
}

fn scalar(value: &Value) -> String {
    match untagged(value) {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Fields of numbers and of yes or no. In every other one `365` and `no` are words.
fn holds_text(field: &str) -> bool {
    const OTHERS: [&str; 4] = [
        "ports.",
        "certificates.days.",
        "options.",
        "usage_reporting.",
    ];
    field != "version" && !OTHERS.iter().any(|others| field.starts_with(others))
}

/// Numbers and yes or no as YAML has them, where they are meant; everything else is text.
fn typed(field: &str, text: &str) -> Value {
    match text {
        _ if holds_text(field) => Value::String(text.to_owned()),
        "yes" => Value::Bool(true),
        "no" => Value::Bool(false),
        _ => text.parse::<u64>().map_or_else(
            |_| Value::String(text.to_owned()),
            |number| Value::Number(number.into()),
        ),
    }
}

fn put(file: &mut Mapping, field: &str, value: Value) {
    let Some((first, rest)) = field.split_once('.') else {
        file.insert(Value::String(field.to_owned()), value);
        return;
    };
    let inner = file
        .entry(Value::String(first.to_owned()))
        .or_insert_with(|| Value::Mapping(Mapping::new()));
    if let Value::Mapping(inner) = inner {
        put(inner, rest, value);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::ClientSource;
    use super::*;

    fn complete() -> Entered {
        let mut entered = Entered::default();
        for (field, text) in [
            ("version", "1"),
            ("role", "manager"),
            ("generation", "nim2"),
            ("proxy", "nginx-oss"),
            ("method", "client-mtls"),
            ("manager_name", "nim.example.com"),
            ("alt_names", "10.0.0.5, nim"),
            ("agents", "web-1.example.com db-1.example.com"),
            ("certificates.ca_key.keep", "plaintext"),
            ("certificates.days.server", "90"),
            ("options.trust_store", "no"),
        ] {
            entered.set(field, text);
        }
        entered
    }

    #[test]
    fn what_was_typed_is_what_a_file_would_say() {
        let goal = complete().check().unwrap();
        let answers = goal.manager().unwrap();
        assert_eq!(answers.manager_name.as_str(), "nim.example.com");
        assert_eq!(answers.agents.len(), 2);
        assert_eq!(answers.alt_names.len(), 2);
        assert_eq!(answers.days.server, 90);
        assert!(!answers.trust_store);
    }

    #[test]
    fn a_file_can_be_taken_in_and_written_again() {
        let text = complete().to_yaml();
        let again = Entered::from_yaml(&text).unwrap();
        assert_eq!(again.to_yaml(), text);
        assert_eq!(again.check(), complete().check());
        assert!(Entered::from_yaml("- a\n- b\n").is_none());
    }

    #[test]
    fn an_authority_from_elsewhere_is_not_lost() {
        let mut entered = complete();
        for (field, text) in [
            ("source", "import-ca"),
            ("ca_cert", "/mnt/ca,too.pem"),
            ("ca_key", "/mnt/ca.key"),
        ] {
            entered.set(&format!("certificates.clients.{field}"), text);
        }
        let again = Entered::from_yaml(&entered.to_yaml()).unwrap();
        assert_eq!(again.to_yaml(), entered.to_yaml());
        let goal = again.check().unwrap();
        let clients = goal.manager().unwrap().clients.clone();
        let Some(ClientSource::Import(clients)) = clients else {
            panic!("{clients:?}");
        };
        assert_eq!(clients.cert.as_str(), "/mnt/ca,too.pem");
        assert_eq!(clients.key.unwrap().as_str(), "/mnt/ca.key");
    }

    #[test]
    fn text_cannot_become_something_else_on_its_way_into_the_file() {
        for text in [
            "nim.example.com\nrole: ca",
            "{a: b}",
            "&x",
            "*x",
            "!!binary x",
            "# no",
            "\"quoted",
            "- a",
            "a: b",
            "~",
        ] {
            let mut entered = complete();
            entered.set("manager_name", text);
            let refusals = entered.check().unwrap_err();
            assert_eq!(refusals.len(), 1, "{text:?}: {refusals:?}");
            assert_eq!(refusals[0].field, "manager_name", "{text:?}");
            let again = Entered::from_yaml(&entered.to_yaml()).unwrap();
            assert_eq!(again.get("manager_name"), text);
        }
    }

    #[test]
    fn a_word_of_yaml_is_a_name_where_a_name_is_typed() {
        let mut entered = complete();
        entered.set("manager_name", "null");
        assert_eq!(
            entered
                .check()
                .unwrap()
                .manager()
                .unwrap()
                .manager_name
                .as_str(),
            "null"
        );
    }

    #[test]
    fn a_number_is_text_where_text_is_typed() {
        let mut entered = complete();
        for text in ["1770", "yes", "no", "null", "~", "0x10", "1e3"] {
            entered.set("certificates.subject.locality", text);
            let goal = entered.check().unwrap();
            let locality = goal.manager().unwrap().subject.locality.clone();
            assert_eq!(locality.as_deref(), Some(text));
        }
    }

    /// Found by fuzzing: what had a tag was lost when it was saved again.
    #[test]
    fn a_tag_is_passed_over_as_the_reader_does() {
        let text = "!a\n!b role: !c manager\n!d ports: !e {!f https: !g 8443}\nagents: !h [!i x]\n";
        let entered = Entered::from_yaml(text).unwrap();
        for (field, text) in [
            ("role", "manager"),
            ("ports.https", "8443"),
            ("agents", "x"),
        ] {
            assert_eq!(entered.get(field), text);
        }
    }

    #[test]
    fn a_refusal_finds_its_field() {
        let mut entered = complete();
        entered.set("certificates.days.server", "soon");
        assert_eq!(
            entered.check().unwrap_err()[0].field,
            "certificates.days.server"
        );
        entered.set("certificates.days.server", "4000");
        assert_eq!(
            entered.check().unwrap_err()[0].field,
            "certificates.days.server"
        );
    }

    /// Red where the mark is left to the reader of YAML: it takes one, and not before a text that
    /// has further ends of lines (found by fuzzing).
    #[test]
    fn a_file_with_a_mark_before_its_first_line_is_taken_up() {
        let file = "\u{feff}version: 1\nrole: manager\u{2028}\n";
        assert!(read(file.as_bytes()).is_ok());
        let entered = Entered::from_yaml(file).unwrap();
        assert_eq!(entered.get("role"), "manager");
    }

    #[test]
    fn blank_text_takes_an_answer_back() {
        let mut entered = complete();
        entered.set("manager_name", "  ");
        assert_eq!(entered.get("manager_name"), "");
        assert_eq!(entered.check().unwrap_err()[0].field, "manager_name");
    }
}
