#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "tests/fuzz.rs"]
mod fuzz;

use super::*;
use crate::receipt::After;
use crate::values::{Mode, Owner};

fn examples() -> Vec<Entry> {
    let attributes = Attributes {
        mode: Mode(0o640),
        owner: Owner {
            user: 0,
            group: 998,
        },
        extended: vec![("security.selinux".to_owned(), b"system_u\0".to_vec())],
    };
    let before = Before::File {
        digest: Digest::of(b"old"),
        length: 3,
        attributes: attributes.clone(),
        modified: 1_700_000_000,
        kept: "00001".to_owned(),
    };
    let after = After::File {
        digest: Digest::of(b"new"),
        mode: Mode(0o640),
        owner: Owner {
            user: 0,
            group: 998,
        },
    };
    let change = Change {
        path: "/etc/x \"y\"\n.conf".to_owned(),
        before,
        after,
        secret: true,
    };
    vec![
        Entry::Change {
            change: change.clone(),
        },
        Entry::Rewriting {
            folders: vec!["/etc/ssl/certs".to_owned()],
            before: vec![
                ("/etc/ssl/certs".to_owned(), Before::Folder { attributes }),
                (
                    "/etc/ssl/certs/a.0".to_owned(),
                    Before::Link {
                        target: "a.pem".to_owned(),
                    },
                ),
            ],
        },
        Entry::Rewritten {
            changes: vec![change],
        },
        Entry::Undoing {
            run: "2026-11-23-01".parse().unwrap(),
        },
    ]
}

fn text() -> String {
    examples().iter().map(line).collect()
}

#[test]
fn every_entry_is_read_as_it_was_written() {
    assert_eq!(entries([text().as_bytes()]), Ok(examples()));
}

#[test]
fn a_torn_last_line_is_left_out_wherever_it_was_torn() {
    let text = text();
    let last = text.trim_end().rfind('\n').unwrap() + 1;
    for end in last..text.len() {
        let whole = entries([&text.as_bytes()[..end]]).unwrap();
        assert_eq!(whole, examples()[..3], "torn at byte {end}");
    }
}

#[test]
fn damage_before_the_last_line_is_not_passed_over() {
    let text = text();
    let damaged = text.replacen("\"mode\":\"0640\"", "\"mode\":\"0644\"", 1);
    assert_ne!(damaged, text);
    assert_eq!(entries([damaged.as_bytes()]), Err(Damaged(1)));
}

#[test]
fn each_line_is_json_by_itself() {
    for line in text().lines() {
        assert!(
            serde_json::from_str::<serde_json::Value>(line).is_ok(),
            "{line}"
        );
    }
}

#[test]
fn one_whole_copy_is_enough_whatever_became_of_the_other() {
    let text = text();
    let flipped = text.replacen("\"mode\":\"0640\"", "\"mode\":\"0644\"", 1);
    let without_an_end = text.replacen('\n', " ", 1);
    let cut: Vec<&str> = text.split_inclusive('\n').collect();
    for damaged in ["", &flipped, &without_an_end, cut[0], "\n\n\n\n"] {
        for copies in [
            [damaged.as_bytes(), text.as_bytes()],
            [text.as_bytes(), damaged.as_bytes()],
        ] {
            assert_eq!(entries(copies), Ok(examples()), "{damaged}");
        }
    }
}

/// The second file may lack what a power cut took; the first one holds it.
#[test]
fn a_copy_that_stops_earlier_takes_nothing_away() {
    let text = text();
    for end in 0..text.len() {
        let copies = [text.as_bytes(), &text.as_bytes()[..end]];
        assert_eq!(entries(copies), Ok(examples()), "{end}");
    }
}

#[test]
fn where_both_lost_something_it_is_said() {
    let text = text();
    let first: String = text.split_inclusive('\n').take(2).collect();
    let second = text.replacen("\"mode\":\"0640\"", "\"mode\":\"0644\"", 1);
    assert_eq!(
        entries([first.as_bytes(), second.as_bytes()]),
        Err(Damaged(3))
    );
}
