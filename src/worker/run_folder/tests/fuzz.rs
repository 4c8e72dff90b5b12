//! What a run keeps about itself, with random changes and cut at each byte.
//!
//! Red where `Receipt::read` no longer looks at the schema, or where `Follower::news` does not wait
//! for the end of a line.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use super::*;
use crate::event::{Event, Happening, StepEnd, Switch};
use crate::host::{Entry as Placed, Memory};
use crate::tests::fuzz::{Fuzz, cuts};
use crate::worker::events::{follow, waits};
use crate::worker::lab::{apply, machine, plan, request, rollback, state};
use crate::worker::runs::Runs;

/// The files of a run that did all there is to do, and of its undoing.
struct Files(Vec<(&'static str, Vec<u8>)>);

fn files() -> Files {
    let machine = machine();
    let (run, _) = apply(&machine, &plan());
    let (undoing, _) = rollback(&machine, Some(&run));
    let state = state();
    let runs = Runs::new(&machine, &state);
    runs.open(&run).say(Word::Keep).unwrap();
    let names = [
        "receipt.json",
        "plan.json",
        "request.json",
        WORD,
        "events.jsonl",
    ];
    let of = |run: &RunId, name| {
        let path = runs.open(run).path().join(name);
        machine
            .read(&path, MOST_BYTES)
            .ok()
            .map(|bytes| (name, bytes))
    };
    let mut files: Vec<_> = names
        .into_iter()
        .filter_map(|name| of(&run, name))
        .collect();
    assert_eq!(files.len(), names.len());
    files.extend(of(&undoing, "receipt.json"));
    let rest = [
        Happening::Armed {
            switch: Switch::Nothing {
                why: "x".to_owned(),
            },
        },
        Happening::Waiting { seconds: 60 },
        Happening::CameBack { back: 1, of: 2 },
        Happening::PuttingBack {
            why: "y".to_owned(),
        },
        Happening::StepEnded {
            step: "s".to_owned(),
            how: StepEnd::Warned,
            detail: String::new(),
            milliseconds: 3,
        },
    ];
    let lines = rest.map(|what| serde_json::to_string(&Event { at: 5, what }).unwrap() + "\n");
    files.push(("events.jsonl", lines.concat().into_bytes()));
    Files(files)
}

/// A folder whose files say all the same.
struct Told {
    machine: Memory,
    run: RunId,
}

impl Told {
    fn new() -> Self {
        let machine = machine();
        let run = Runs::new(&machine, &state())
            .create(&request(None))
            .unwrap();
        let run = run.id().clone();
        Self { machine, run }
    }

    /// Reads `bytes` as each kind of file; says as which they were taken. What was taken is
    /// written and read as the same.
    fn taken(&self, bytes: &[u8]) -> Vec<&'static str> {
        let state = state();
        let folder = Runs::new(&self.machine, &state).open(&self.run);
        let put = |name: &str, bytes: &[u8]| {
            let entry = Placed::file(bytes, Attributes::root(0o600));
            self.machine.put(folder.path().join(name), entry);
        };
        let mut taken = Vec::new();
        macro_rules! reads {
            ($name:expr, $read:ident) => {
                put($name, bytes);
                match folder.$read() {
                    Ok(value) => {
                        let value = value.unwrap();
                        folder.write_json($name, &value).unwrap();
                        assert_eq!(folder.$read().unwrap(), Some(value));
                        taken.push($name);
                    }
                    Err(error) => {
                        let said = error.to_string();
                        assert!(said.starts_with(folder.path().to_str().unwrap()), "{said}");
                        assert!(matches!(
                            error,
                            RunError::Unreadable { .. } | RunError::Receipt { .. }
                        ));
                    }
                }
            };
        }
        reads!("receipt.json", receipt);
        if let Ok(Some(receipt)) = folder.receipt() {
            assert_eq!(receipt.schema, crate::receipt::SCHEMA);
        }
        reads!("plan.json", plan);
        reads!("request.json", request);
        reads!(WORD, word);

        put("events.jsonl", bytes);
        let mut following = follow(&self.machine, &state, &self.run, 0);
        let events = following.news().unwrap();
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        assert_eq!(following.offset(), whole as u64);
        assert_eq!(following.news().unwrap(), []);
        let _ = waits(&self.machine, &state, &self.run);
        let lines = events
            .iter()
            .map(|event| serde_json::to_string(event).unwrap() + "\n");
        put("events.jsonl", lines.collect::<String>().as_bytes());
        let again = follow(&self.machine, &state, &self.run, 0).news().unwrap();
        assert_eq!(again, events);
        // Lines that are no event are passed over; those say nothing of what is taken.
        let lines = bytes[..whole]
            .split_inclusive(|byte| *byte == b'\n')
            .count();
        if !events.is_empty() && events.len() == lines {
            taken.push("events.jsonl");
        }
        taken
    }
}

#[test]
fn any_record_is_refused_or_read_as_it_would_be_written() {
    let mut corpus: Vec<_> = files().0.into_iter().map(|(_, bytes)| bytes).collect();
    let newer = Receipt {
        schema: crate::receipt::SCHEMA + 1,
        ..Receipt::blank(&"2026-11-23-01".parse().unwrap(), "apply", 0)
    };
    corpus.push(serde_json::to_vec(&newer).unwrap());
    let fuzz = Fuzz {
        name: "records",
        corpus,
        words: &[
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"",
            "\\u0000",
            "\\ud800",
            "null",
            "true",
            "1e5",
            "-0",
            "\"schema\": 2,",
            "\"schema\": 0,",
            "\"schema\": 1.0,",
            "\"schema\": \"1\",",
            "\"secret\": true,",
            "\"nothing\"",
            "{\"file\": {}}",
            "\"0640\"",
            "\"mode\": \"7777\",",
            "\"keep\"",
            "\"put-back\"",
            "\"extended\": [[\"a\", [255]]],",
            "\n",
            "\r",
            "  ",
            "\"at\": 9223372036854775807,",
            "\"seconds\": 4294967295",
            "\"run\": \"2026-11-23-01\",",
        ],
        most: Duration::from_secs(1),
    };
    let told = Told::new();
    fuzz.run(|bytes| !told.taken(bytes).is_empty());
}

/// A file that was cut is no file: only events are a line each.
#[test]
fn a_record_that_is_cut_is_refused_and_events_are_those_before_the_cut() {
    let told = Told::new();
    let (mut tried, mut whole) = (0, 0);
    for (name, bytes) in files().0 {
        let all = told.taken(&bytes);
        assert_eq!(all, [name]);
        let count = |bytes: &[u8]| {
            let lines = bytes.split_inclusive(|byte| *byte == b'\n');
            lines.filter(|line| line.ends_with(b"\n")).count()
        };
        for end in cuts(bytes.len()) {
            let cut = &bytes[..end];
            let taken = told.taken(cut);
            tried += 1;
            if name == "events.jsonl" {
                assert_eq!(taken.len(), usize::from(count(cut) > 0), "{name} at {end}");
            } else {
                // What is missing may be the last line feed.
                assert!(
                    taken.is_empty() || end == bytes.len() - 1,
                    "{name} at {end}"
                );
                whole += taken.len();
            }
        }
    }
    println!("cut records: {tried} cuts, {whole} of them behind the last brace");
}

/// Found by fuzzing: the time that is left was counted round the end of all numbers.
#[test]
fn a_run_that_began_to_wait_before_all_times_waits_no_longer() {
    let told = Told::new();
    for (at, left) in [
        (i64::MIN, 0),
        (0, 0),
        (i64::MAX, i64::MAX - told.machine.now()),
    ] {
        let what = Happening::Waiting { seconds: 60 };
        let line = serde_json::to_string(&Event { at, what }).unwrap() + "\n";
        told.taken(line.as_bytes());
        let waits = waits(&told.machine, &state(), &told.run).unwrap();
        assert_eq!(waits.left, left, "{at}");
    }
}
