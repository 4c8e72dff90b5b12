//! How often each rule was seen, and the latest lines of it.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

use super::finding::{Evidence, Finding, Severity};
use super::line::{client, written_at};
use super::rule::Rule;
use crate::values::{escaped, masked};

/// Lines of evidence that are kept.
const KEPT: usize = 3;
/// What was last seen longer ago is told, and counts as over.
const LONG_AGO: i64 = 24 * 60 * 60;
/// Characters of a line that are kept.
const LONGEST: usize = 400;

pub(super) struct Tally<'a> {
    rules: &'a [Rule],
    now: i64,
    since: Option<i64>,
    zone: i64,
    own: &'a BTreeSet<IpAddr>,
    seen: Vec<Seen>,
    /// Lines of the file that is being read, and of all before it.
    here: u64,
    before: u64,
}

/// What was seen of one rule.
#[derive(Default)]
struct Seen {
    now: Lines,
    /// By this host itself, or longer ago.
    aside: Lines,
    /// How many of `aside` came from this host itself.
    own: u64,
}

#[derive(Default)]
struct Lines {
    count: u64,
    /// File, number and words, as they are.
    last: VecDeque<(String, u64, String)>,
}

impl Lines {
    fn add(&mut self, path: &str, number: u64, text: &str) {
        self.count += 1;
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        let end = text.char_indices().nth(LONGEST);
        let text = end.map_or(text, |(end, _)| &text[..end]);
        self.last
            .push_back((path.to_owned(), number, text.to_owned()));
    }

    fn evidence(self) -> Vec<Evidence> {
        let seen = |(file, line, text): (String, u64, String)| Evidence {
            file: escaped(&file),
            line: Some(line),
            text: escaped(&masked(&text)),
        };
        self.last.into_iter().map(seen).collect()
    }
}

impl<'a> Tally<'a> {
    pub(super) fn new(
        rules: &'a [Rule],
        now: i64,
        since: Option<i64>,
        zone: i64,
        own: &'a BTreeSet<IpAddr>,
    ) -> Self {
        Self {
            rules,
            now,
            since,
            zone,
            own,
            seen: rules.iter().map(|_| Seen::default()).collect(),
            here: 0,
            before: 0,
        }
    }

    /// Lines of all files so far.
    pub(super) fn lines(&self) -> u64 {
        self.before + self.here
    }

    pub(super) fn end_of_file(&mut self) {
        self.before += self.here;
        self.here = 0;
    }

    /// Takes whole lines of a file, which follow those before.
    pub(super) fn take(&mut self, path: &str, text: &[u8]) {
        let rules = self.rules.iter().enumerate();
        let here: Vec<(usize, &Rule)> = rules.filter(|(_, rule)| rule.may_fit(text)).collect();
        if here.is_empty() {
            self.here += memchr::memchr_iter(b'\n', text).count() as u64;
            return;
        }
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            self.here += 1;
            let fitting = here.iter().find(|(_, rule)| rule.fits(line));
            if let Some((index, rule)) = fitting {
                self.note(*index, rule, path, line);
            }
        }
    }

    fn note(&mut self, index: usize, rule: &Rule, path: &str, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        let at = written_at(text, self.zone);
        let is_before = |limit: i64| at.is_some_and(|at| at < limit);
        if self.since.is_some_and(is_before) {
            return;
        }
        let is_own = |from: IpAddr| from.is_loopback() || self.own.contains(&from);
        let own = rule.provoked && client(text).is_some_and(is_own);
        let seen = &mut self.seen[index];
        if own || (self.since.is_none() && is_before(self.now - LONG_AGO)) {
            seen.own += u64::from(own);
            seen.aside.add(path, self.here, text);
        } else {
            seen.now.add(path, self.here, text);
        }
    }

    /// What was seen, in the order of the rules.
    pub(super) fn findings(self) -> Vec<Finding> {
        let seen = self.seen.into_iter().zip(self.rules);
        seen.filter_map(|(seen, rule)| finding(seen, rule))
            .collect()
    }
}

const OWN: &str = "The proof of nim-tls sends such clients on purpose, and an agent on this host could be \
     another.";

fn finding(seen: Seen, rule: &Rule) -> Option<Finding> {
    let mut finding = rule.finding();
    let lines = if seen.now.count > 0 {
        seen.now
    } else if seen.aside.count > 0 {
        finding.severity = Severity::Info;
        if seen.own == seen.aside.count {
            // First of all: nobody's agent need be in trouble.
            finding.title = format!("From this host itself: {}", finding.title);
            finding.why = format!("{OWN} {}", finding.why);
            finding.fix.text = format!(
                "nothing, where it was the proof. Else: {}",
                finding.fix.text
            );
        } else if seen.own > 0 {
            finding.why = format!(
                "Some of it came from this host itself. {OWN} {}",
                finding.why
            );
        }
        if seen.own < seen.aside.count {
            finding
                .why
                .push_str(" From elsewhere it has not been seen for more than a day.");
        }
        seen.aside
    } else {
        return None;
    };
    finding.count = lines.count;
    finding.evidence = lines.evidence();
    Some(finding)
}
