//! Lines of a journal with random changes, and cut at each byte.
//!
//! Red where `parsed` no longer compares the digest, or no longer asks for the line feed.

use std::time::Duration;

use super::super::*;
use super::{examples, text};
use crate::tests::fuzz::Fuzz;

const WORDS: &[&str] = &[
    HEAD,
    MIDDLE,
    TAIL,
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"",
    "\\u0000",
    "null",
    "\"nothing\"",
    "\"secret\":true,",
    "\"0640\"",
    "{\"change\":",
    "{\"undoing\":{\"run\":\"2026-11-23-01\"}}",
    "{\"rewritten\":{\"changes\":[]}}",
    "\n",
];

/// A record under the digest that belongs to it, as nobody but we would write it.
fn sealed(record: &str) -> String {
    format!(
        "{HEAD}{}{MIDDLE}{record}{TAIL}",
        Digest::of(record.as_bytes())
    )
}

#[test]
fn a_changed_line_is_damaged_and_a_sealed_one_is_read_as_it_would_be_written() {
    let known: Vec<Vec<u8>> = examples().iter().map(|entry| line(entry).into()).collect();
    let record = |entry: &Entry| serde_json::to_vec(entry).unwrap();
    let records: Vec<Vec<u8>> = examples().iter().map(record).collect();
    let fuzz = Fuzz {
        name: "journal",
        corpus: [records, known.clone()].concat(),
        words: WORDS,
        most: Duration::from_secs(1),
    };
    fuzz.run(|input| {
        // Nobody's digest is right by chance.
        assert!(parsed(input).is_none() || known.iter().any(|line| line == input));
        let Ok(record) = std::str::from_utf8(input) else {
            return false;
        };
        match parsed(sealed(record).as_bytes()) {
            Some(entry) => {
                assert_eq!(parsed(line(&entry).as_bytes()), Some(entry));
                true
            }
            None => false,
        }
    });
}

#[test]
fn a_journal_that_is_cut_has_the_entries_before_the_cut() {
    let text = text();
    for end in 0..=text.len() {
        let lines = text.as_bytes()[..end].split_inclusive(|byte| *byte == b'\n');
        let read: Vec<Entry> = lines.map_while(parsed).collect();
        let whole = text[..end].matches('\n').count();
        assert_eq!(read, examples()[..whole], "cut at {end}");
    }
}
