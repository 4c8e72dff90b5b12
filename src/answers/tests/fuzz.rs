//! Answers files with random changes, and cut at each byte.
//!
//! Red where `read` no longer asks `nests_deeply`, where `without_middle` keeps more, or
//! where `Entered::to_yaml` writes the ports as text.

use std::time::Duration;

use super::super::{Answers, Draft, Entered, LIMIT, read};
use super::hostile::is_bounded_and_inert;
use crate::tests::fuzz::{Fuzz, cuts};

const SAMPLE: &str = include_str!("../../../assets/sample-answers.yaml");
const EVERYTHING: &str = "\
version: 1
role: manager
generation: nim2
proxy: nginx-oss
method: client-mtls
manager_name: nim.example.com
alt_names: [10.0.0.5, nim, 'fd00::5']
ports: {https: 443}
agents:
  - web-1.example.com
  - \"db-1.example.com\"
certificates:
  key: rsa-3072
  days: {root: 3650, intermediate: 1825, server: 90, agent: 30}
  subject: {country: US, state: California, locality: Köln, organization: 'Example, Inc.'}
  ca_key: {keep: encrypted, passphrase_file: /root/passphrase}
  server: {source: auto}
options: {trust_store: false}
";
const WORDS: &[&str] = &[
    "version: 1\n",
    "role: ",
    "instance",
    "ca",
    "proxy: nginx-plus\n",
    "method: ",
    "grpc-health-checks",
    "manager_name: ",
    "agent_name: web-1\n",
    "alt_names: [10.0.0.5]\n",
    "agents: [a.b, c.d]\n",
    "ports: {https: 8443, grpc: 1}\n",
    "certificates:\n",
    "  days: {agent: 365}\n",
    "  subject: {organization: 365}\n",
    "  server: {source: keep}\n",
    "  clients: {source: generate}\n",
    "  agent: {bundle: /root/x}\n",
    "options: {trust_store: yes}\n",
    "usage_reporting: {verify: true}\n",
    "&a ",
    "*a",
    "<<: ",
    "? ",
    "- ",
    ": ",
    "!!str ",
    "!!binary ",
    "!x ",
    "| \n",
    ">-\n",
    "'",
    "\"",
    "\\x1b",
    "\\u202e",
    "# ",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "~",
    "null",
    "true",
    "no",
    "0x1f",
    "1e3",
    ".inf",
    "1_000",
    "\t",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "a: &a [*a]\n",
];

/// Reads it; says whether complete answers came of it. What is refused is refused in a bounded
/// sentence with its place, and what is taken is the same after it was saved.
fn taken(bytes: &[u8]) -> bool {
    // YAML has more ends of lines than one, and to it the end is a line of its own.
    let ends = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
    let lines = String::from_utf8_lossy(bytes).matches(ends).count() + 2;
    let draft = match read(bytes) {
        Ok(draft) => draft,
        Err(error) => {
            let said = error.to_string();
            is_bounded_and_inert(&said, "the file");
            // Of what is no text, empty or too deep the whole file is told.
            if !said.starts_with("it ") {
                assert!(!said.starts_with("? "), "{said}");
                let line = said.split("(line ").nth(1).unwrap_or_default();
                let line = line.split(',').next().and_then(|line| line.parse().ok());
                assert!(
                    line.is_some_and(|line| (1..=lines).contains(&line)),
                    "{said}"
                );
            }
            return false;
        }
    };
    let text = std::str::from_utf8(bytes).unwrap();
    match Answers::check(&draft) {
        Ok(answers) => {
            let saved = Entered::from_yaml(text).unwrap().to_yaml();
            assert!(saved.len() as u64 <= LIMIT);
            let again = read(saved.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{saved}"));
            assert_eq!(Answers::check(&again).as_ref(), Ok(&answers), "{saved}");
            true
        }
        Err(refusals) => {
            assert!(!refusals.is_empty());
            for refusal in &refusals {
                is_bounded_and_inert(&refusal.why, &refusal.field);
                is_bounded_and_inert(&Draft::place(text, &refusal.field), &refusal.field);
            }
            false
        }
    }
}

#[test]
fn any_answers_are_refused_with_their_place_or_can_be_saved() {
    let fuzz = Fuzz {
        name: "answers",
        corpus: [SAMPLE, EVERYTHING, super::GOOD].map(Vec::from).to_vec(),
        words: WORDS,
        most: Duration::from_secs(1),
    };
    fuzz.run(taken);
}

#[test]
fn answers_that_are_cut_are_refused_or_can_be_saved() {
    assert!(taken(EVERYTHING.as_bytes()));
    let cuts = cuts(EVERYTHING.len());
    let whole = cuts
        .iter()
        .filter(|end| taken(&EVERYTHING.as_bytes()[..**end]));
    // The last text may be shorter and what is not required left out: then that is what stands
    // there. It never is where something required is not there yet.
    let least = EVERYTHING.find("nim.example.com").unwrap();
    let whole: Vec<_> = whole.collect();
    assert!(whole.iter().all(|end| **end > least), "{whole:?}");
    println!("cut answers: {} cuts, {} taken", cuts.len(), whole.len());
}
