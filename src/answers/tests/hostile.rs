//! Each hostile text in each field of the answers: refused in one bounded sentence that names the
//! field and its line and holds nothing that a terminal obeys, or taken as exactly what was given.
//!
//! What is taken stands in `tests/hostile/accepted.txt`, where a reviewer sees it and from where
//! `tests/real/test_injection.py` brings it to nginx, a YAML reader, openssl and a shell. After a
//! change that is meant: `NIM_TLS_ACCEPT=1 cargo test hostile`.
//!
//! Red where `values::escaped` is taken out of a message, `quotable` no longer cuts, `AbsPath`
//! takes a `[`, or a host name is no longer converted.
#![expect(clippy::disallowed_methods, reason = "the list lies on this machine")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_yaml::{Mapping, Value};

use super::super::{Answers, Draft, LIMIT, Refusal, read};
use crate::values::is_hidden;
use crate::yaml::nests_deeply;

/// Kinds of fields whose values a plan, a certificate or a command is made of.
const NAMES: [&str; 5] = [
    "manager_name",
    "agent_name",
    "alt_names[0]",
    "agents[0]",
    "usage_reporting.endpoint",
];
const PATHS: [&str; 9] = [
    "certificates.ca_key.passphrase_file",
    "certificates.server.cert",
    "certificates.server.key",
    "certificates.clients.ca_cert",
    "certificates.clients.ca_key",
    "certificates.agent.cert",
    "certificates.agent.key",
    "certificates.agent.ca",
    "certificates.agent.bundle",
];
const SUBJECT: [&str; 4] = [
    "certificates.subject.country",
    "certificates.subject.state",
    "certificates.subject.locality",
    "certificates.subject.organization",
];
/// One of a few words, a number, yes or no.
const OTHERS: [&str; 31] = [
    "version",
    "role",
    "generation",
    "proxy",
    "method",
    "ports",
    "ports.https",
    "ports.grpc",
    "ports.manager_grpc",
    "ports.manager_gateway",
    "ports.status",
    "certificates.key",
    "certificates.days.root",
    "certificates.days.intermediate",
    "certificates.days.server",
    "certificates.days.agent",
    "certificates.ca_key.keep",
    "certificates.server.source",
    "certificates.clients.source",
    "options.agent_auth",
    "options.enforce",
    "options.unknown_names",
    "options.grpc_context",
    "options.grpc_passthrough",
    "options.grpc_publish",
    "options.backend_tls",
    "options.security_headers",
    "options.hsts_max_age",
    "options.redirect_http",
    "options.trust_store",
    "usage_reporting.verify",
];
/// The longest sentence: a place, two cut values, the words that would do.
const LONGEST: usize = 1000;

/// The texts of `tests/hostile/payloads.jsonl`; bytes, because some are no text.
fn payloads() -> Vec<Vec<u8>> {
    let list = include_str!("../../../tests/hostile/payloads.jsonl");
    let payload = |line: &str| {
        let of: serde_json::Value = serde_json::from_str(line).unwrap();
        let bytes = match of["hex"].as_str() {
            Some(hex) => (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect(),
            None => of["text"].as_str().unwrap().as_bytes().to_vec(),
        };
        bytes.repeat(usize::try_from(of["times"].as_u64().unwrap_or(1)).unwrap())
    };
    let payloads: Vec<_> = list.lines().map(payload).collect();
    let distinct: BTreeSet<_> = payloads.iter().collect();
    assert!(distinct.len() >= 500 && distinct.len() == payloads.len());
    payloads
}

/// Good answers in which `field` is `value`.
fn answers_with(field: &str, value: Value) -> Mapping {
    let mut file: Mapping = serde_yaml::from_str(super::GOOD).unwrap();
    put(&mut file, field, value);
    file
}

fn put(file: &mut Mapping, field: &str, value: Value) {
    let mapping = || Value::Mapping(Mapping::new());
    if let Some(name) = field.strip_suffix("[0]") {
        file.insert(name.into(), Value::Sequence(vec![value]));
    } else if let Some((first, rest)) = field.split_once('.') {
        let inner = file.entry(first.into()).or_insert_with(mapping);
        put(inner.as_mapping_mut().unwrap(), rest, value);
    } else {
        file.insert(field.into(), value);
    }
}

/// What was taken for the field, as the program will write it.
fn taken(draft: &Draft, field: &str) -> String {
    let certificates = &draft.certificates;
    let agent = certificates.agent.clone().unwrap_or_default();
    let subject = &certificates.subject;
    let endpoint = draft.usage_reporting.as_ref();
    let endpoint = endpoint.and_then(|reporting| reporting.endpoint.as_ref());
    let found = match field {
        "manager_name" => told(draft.manager_name.as_ref()),
        "agent_name" => told(draft.agent_name.as_ref()),
        "alt_names[0]" => told(draft.alt_names.first()),
        "agents[0]" => told(draft.agents.first()),
        "usage_reporting.endpoint" => told(endpoint),
        "certificates.ca_key.passphrase_file" => told(certificates.ca_key.passphrase_file.as_ref()),
        "certificates.server.cert" => told(certificates.server.cert.as_ref()),
        "certificates.server.key" => told(certificates.server.key.as_ref()),
        "certificates.clients.ca_cert" => told(certificates.clients.ca_cert.as_ref()),
        "certificates.clients.ca_key" => told(certificates.clients.ca_key.as_ref()),
        "certificates.agent.cert" => told(agent.cert.as_ref()),
        "certificates.agent.key" => told(agent.key.as_ref()),
        "certificates.agent.ca" => told(agent.ca.as_ref()),
        "certificates.agent.bundle" => told(agent.bundle.as_ref()),
        "certificates.subject.country" => told(subject.country.as_ref()),
        "certificates.subject.state" => told(subject.state.as_ref()),
        "certificates.subject.locality" => told(subject.locality.as_ref()),
        "certificates.subject.organization" => told(subject.organization.as_ref()),
        other => panic!("{other}"),
    };
    found.unwrap()
}

fn told(value: Option<&impl std::fmt::Display>) -> Option<String> {
    value.map(ToString::to_string)
}

/// Whether the rules refuse this field, and in which words.
fn refusal<'a>(refusals: &'a [Refusal], field: &str) -> Option<&'a Refusal> {
    let above = field.rsplit_once('.').map_or(field, |(above, _)| above);
    refusals
        .iter()
        .find(|refusal| refusal.field == field || refusal.field == above)
}

pub(super) fn is_bounded_and_inert(said: &str, field: &str) {
    assert!(said.len() <= LONGEST, "{field}: {} bytes", said.len());
    let hidden = said.chars().find(|c| is_hidden(*c));
    assert_eq!(hidden, None, "{field}: {said:?}");
}

/// Tells a refusal, which must be as it should; or gives what was taken.
fn judged(file: &Mapping, field: &str, count: &mut usize) -> Option<String> {
    let text = serde_yaml::to_string(file).unwrap();
    let draft = match read(text.as_bytes()) {
        Ok(draft) => draft,
        Err(error) => {
            let said = error.to_string();
            is_bounded_and_inert(&said, field);
            // Of a whole that is too large or too deep no field is told.
            if text.len() as u64 <= LIMIT && !nests_deeply(&text) {
                let place = format!("{field} (line ");
                assert!(said.starts_with(&place), "{field}: {said}");
            }
            *count += 1;
            return None;
        }
    };
    if let Err(refusals) = Answers::check(&draft) {
        for refusal in &refusals {
            is_bounded_and_inert(&refusal.why, field);
            is_bounded_and_inert(&Draft::place(&text, &refusal.field), field);
        }
        // What belongs to another role or source is refused for that; its value was taken.
        let elsewhere = |why: &str| why.contains("belong");
        if refusal(&refusals, field).is_some_and(|refusal| !elsewhere(&refusal.why)) {
            *count += 1;
            return None;
        }
    }
    Some(taken(&draft, field))
}

/// What a host name, an address or a path becomes, as far as that is not for IDNA to say.
fn normal(field: &str, payload: &str) -> Option<String> {
    if PATHS.contains(&field) {
        let parts = payload.split('/').filter(|part| !["", "."].contains(part));
        return Some(format!("/{}", parts.collect::<Vec<_>>().join("/")));
    }
    if SUBJECT.contains(&field) {
        return Some(payload.to_owned());
    }
    if let Ok(address) = payload.parse::<std::net::IpAddr>() {
        return Some(address.to_string());
    }
    payload.is_ascii().then(|| payload.to_ascii_lowercase())
}

#[test]
fn hostile_text_in_each_field_is_refused_in_a_sentence_or_taken_as_it_is() {
    let payloads = payloads();
    let mut accepted: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
    let (mut tried, mut refused) = (0, 0);
    let mut bytes_refused = 0;
    for payload in &payloads {
        let Ok(text) = std::str::from_utf8(payload) else {
            let file = super::GOOD
                .replace("nim.example.com", "PAYLOAD")
                .into_bytes();
            let at = file.windows(7).position(|some| some == b"PAYLOAD").unwrap();
            let file = [&file[..at], payload, &file[at + 7..]].concat();
            let said = read(&file).unwrap_err().to_string();
            is_bounded_and_inert(&said, "the file");
            bytes_refused += 1;
            continue;
        };
        for field in NAMES.iter().chain(&PATHS).chain(&SUBJECT) {
            tried += 1;
            let file = answers_with(field, text.into());
            if let Some(value) = judged(&file, field, &mut refused) {
                if let Some(normal) = normal(field, text) {
                    assert_eq!(value, normal, "{field}: {text:?}");
                }
                let kind = field.rsplit(['.', '[']).next().unwrap();
                let kind = if PATHS.contains(field) { "path" } else { kind };
                let kind = if field.starts_with('a') { "name" } else { kind };
                let of_kind = accepted.entry(kind).or_default();
                let pair = (text.to_owned(), value);
                if !of_kind.contains(&pair) {
                    of_kind.push(pair);
                }
            }
        }
        for field in OTHERS {
            tried += 1;
            let file = answers_with(field, text.into());
            let yaml = serde_yaml::to_string(&file).unwrap();
            let said = match read(yaml.as_bytes()).map(|draft| Answers::check(&draft)) {
                Err(error) => error.to_string(),
                // A word that another field of the file does not go with is told there.
                Ok(Err(refusals)) => refusal(&refusals, field)
                    .map_or_else(|| refusals[0].why.clone(), |refusal| refusal.why.clone()),
                // The same answers are good for an authority as well.
                Ok(Ok(_)) if field == "role" && text == "ca" => continue,
                Ok(Ok(_)) => {
                    panic!("{field}: {text:?} was taken")
                }
            };
            is_bounded_and_inert(&said, field);
            refused += 1;
        }
        // As the name of a field, at the top and inside.
        for above in ["", "ports.", "certificates.subject."] {
            tried += 1;
            let mut file = answers_with("version", 1.into());
            let inner = above.trim_end_matches('.');
            let within = Mapping::from_iter([(Value::from(text), Value::from(1))]);
            match inner.split_once('.') {
                _ if inner.is_empty() => {
                    file.insert(text.into(), 1.into());
                }
                Some(_) => put(&mut file, inner, within.into()),
                None => put(&mut file, inner, within.into()),
            }
            let yaml = serde_yaml::to_string(&file).unwrap();
            let said = read(yaml.as_bytes()).unwrap_err().to_string();
            is_bounded_and_inert(&said, "a field's name");
            refused += 1;
        }
    }
    let fields = NAMES.len() + PATHS.len() + SUBJECT.len() + OTHERS.len() + 3;
    println!(
        "hostile answers: {} payloads, {fields} fields, {tried} tried, {refused} refused, {} taken; \
         {bytes_refused} of bytes that are no text",
        payloads.len(),
        tried - refused,
    );
    are_those_reviewed(&accepted);
}

/// Straight in the text, where YAML itself gets to see them.
#[test]
fn hostile_text_between_the_lines_of_the_answers_ends_in_a_sentence() {
    let mut taken = 0;
    for payload in payloads() {
        for (before, after) in [
            ("nim.example.com", ""),
            ("[10.0.0.5, nim]", ""),
            ("proxy: nginx-oss", "\n"),
        ] {
            let file = super::GOOD.replace(before, "PAYLOAD").into_bytes();
            let at = file.windows(7).position(|some| some == b"PAYLOAD").unwrap();
            let file = [&file[..at], &payload, after.as_bytes(), &file[at + 7..]].concat();
            match read(&file) {
                Err(error) => is_bounded_and_inert(&error.to_string(), before),
                Ok(draft) => match Answers::check(&draft) {
                    Ok(_) => taken += 1,
                    Err(refusals) => refusals
                        .iter()
                        .for_each(|refusal| is_bounded_and_inert(&refusal.why, before)),
                },
            }
        }
    }
    println!("hostile lines: {taken} taken, as YAML has them");
    assert!(taken > 20, "{taken}");
}

/// What is taken is a short list of its own, that somebody has read.
fn are_those_reviewed(accepted: &BTreeMap<&str, Vec<(String, String)>>) {
    let mut list = String::new();
    for (kind, pairs) in accepted {
        for pair in pairs {
            writeln!(list, "{kind}\t{}", serde_json::to_string(pair).unwrap()).unwrap();
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hostile/accepted.txt");
    if std::env::var_os("NIM_TLS_ACCEPT").is_some() {
        std::fs::write(path, &list).unwrap();
    }
    let reviewed = std::fs::read_to_string(path).unwrap();
    let reviewed: BTreeSet<&str> = reviewed.lines().collect();
    let found: BTreeSet<&str> = list.lines().collect();
    let news: Vec<_> = found.difference(&reviewed).collect();
    let gone: Vec<_> = reviewed.difference(&found).collect();
    assert!(
        news.is_empty() && gone.is_empty(),
        "new: {news:?}\ngone: {gone:?}"
    );
}
