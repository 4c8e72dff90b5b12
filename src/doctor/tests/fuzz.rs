//! Logs with random changes: anybody who connects can write into them.
//!
//! Red where `Lines::evidence` no longer masks, where `Tally::take` does not count lines of no interest, or
//! where `pieces` cuts at a byte rather than at a line.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::super::judge::Judge;
use super::super::rule::{Rule, rules};
use super::super::tally::Tally;
use super::super::{Finding, logs};
use super::LINES;
use crate::host::{Entry, Memory};
use crate::tests::fuzz::{Fuzz, Random};
use crate::values::{Attributes, escaped, is_hidden, masked};

const LOG: &str = "/var/log/nginx/error.log";
/// 2026-11-26 12:00:00.
const NOW: i64 = 1_795_694_400;
const CANARY: &str = "canary-4711";
const WORDS: &[&str] = &[
    "2026/11/26 11:00:00 [info] 30#30: *9 ",
    "2026/02/31 25:61:61 ",
    "time=\"2026-11-26T02:41:00.5+05:30\" level=error ",
    "time=\"2026-11-26T02:41:00+99:9999999999999999999\" ",
    "time=\"2026-11-26T02:41:00-00:9223372036854775807\" ",
    "{\"time\":\"2026-11-26T03:41:00Z\",\"address\":\"10.0.0.9\",\"port\":\"1\"",
    "client sent no required SSL certificate",
    ", client: 127.0.0.1, server: a",
    ", client: ::1",
    ", client: unix:, ",
    " token: canary-4711",
    " Authorization: Basic canary-4711",
    " password=canary-4711\n",
    "\n",
    "\r\n",
    "\r",
    "\0",
    "\u{1f}",
    "x509: certificate signed by unknown authority",
    "\"answer\":\"401\"}\n",
];

struct Examined {
    findings: Vec<Finding>,
    read: bool,
    lines: u64,
}

fn examined(machine: &Memory, rules: &[Rule], log: &[u8]) -> Examined {
    machine.put(LOG, Entry::file(log, Attributes::root(0o644)));
    let own = BTreeSet::from(["10.0.0.9".parse().unwrap()]);
    let mut tally = Tally::new(rules, Judge::new(NOW, None, 3600, &own));
    let source = logs::read_one(machine, LOG, &mut tally);
    Examined {
        read: source.read,
        lines: tally.lines(),
        findings: tally.findings(),
    }
}

/// Says whether something was found. What is shown of a log is a line of it, made safe.
fn taken(machine: &Memory, rules: &[Rule], log: &[u8]) -> bool {
    let examined = examined(machine, rules, log);
    if !examined.read {
        assert!(log.contains(&0) || log.starts_with(&[0x1f, 0x8b]));
        return false;
    }
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    let ended = memchr::memchr_iter(b'\n', log).count() as u64;
    assert_eq!(examined.lines, lines.len() as u64, "{ended}");
    let mut count = 0;
    for finding in &examined.findings {
        count += finding.count;
        assert!((1..=3).contains(&finding.evidence.len()));
        for evidence in &finding.evidence {
            let number = usize::try_from(evidence.line.unwrap()).unwrap();
            let line = String::from_utf8_lossy(lines[number - 1]);
            let line: String = line.trim_end().chars().take(400).collect();
            let shown = masked(&line);
            assert_eq!(evidence.text, escaped(&shown));
            assert_eq!(evidence.text.chars().find(|c| is_hidden(*c)), None);
            for word in ["token: ", "Authorization: Basic ", "password="] {
                let told = format!("{word}{CANARY}");
                // Before it is escaped: a tab is shown as \t, and makes words that nobody wrote.
                assert!(!shown.contains(&told), "{shown}");
            }
        }
    }
    // A line counts for one rule at most.
    assert!(count <= lines.len() as u64);
    count > 0
}

#[test]
fn any_log_is_told_by_lines_of_its_own_made_safe() {
    let machine = Memory::new().not_live();
    let rules = rules();
    let lines = LINES.lines().filter(|line| !line.starts_with("# "));
    let lines: Vec<&str> = lines
        .filter_map(|line| Some(line.split_once(' ')?.1))
        .collect();
    assert!(lines.len() >= rules.len() / 2);
    let mut corpus: Vec<Vec<u8>> = lines.chunks(5).map(|some| some.join("\n").into()).collect();
    corpus.push(format!("{} token: {CANARY}\n", lines[0]).into());
    let fuzz = Fuzz {
        name: "logs",
        corpus,
        words: WORDS,
        most: Duration::from_secs(1),
    };
    fuzz.run(|log| taken(&machine, &rules, log));
}

/// A large log is read in pieces of a megabyte, and where those end is nobody's business.
#[test]
fn what_is_found_does_not_depend_on_where_a_piece_ends() {
    let machine = Memory::new().not_live();
    let log: Vec<&str> = LINES
        .lines()
        .filter_map(|line| Some(line.split_once(' ')?.1))
        .collect();
    let log = log.join("\n") + "\n";
    let rules = rules();
    let expected = examined(&machine, &rules, log.as_bytes());
    assert!(expected.findings.len() > 10);
    let mut random = Random::new(1);
    for _ in 0..40 {
        let before = (1 << 20) - random.below(log.len());
        let filler = ["x".repeat(before - 1), log.clone()].join("\n");
        let mut found = examined(&machine, &rules, filler.as_bytes());
        let evidence = found
            .findings
            .iter_mut()
            .flat_map(|finding| &mut finding.evidence);
        evidence.for_each(|seen| seen.line = seen.line.map(|line| line - 1));
        assert_eq!(found.findings, expected.findings, "{before} bytes before");
        assert_eq!(found.lines, expected.lines + 1, "{before} bytes before");
    }
    assert!(!machine.entries()[Path::new(LOG)].bytes.is_empty());
}
