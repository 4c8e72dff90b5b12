//! How often each rule was seen, when, and the latest lines of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use memchr::{memchr_iter, memrchr};

use super::finding::{Finding, Severity};
use super::judge::{Judge, OfHost, Over};
use super::kept::{Age, Lines, Number};
use super::line::{HEAD, Line};
use super::matcher::Matcher;
use super::rule::Rule;
use crate::values::moment;

/// Lines of several workers are not quite in the order of their times.
const SLACK: i64 = 60 * 60;

pub(super) struct Tally<'a> {
    matcher: Matcher<'a>,
    judge: Judge<'a>,
    seen: Vec<Seen>,
    /// All files so far, the one that is being read last.
    files: Vec<String>,
    here: Here,
    /// When the last line of each file was written; what was rotated away goes by its successor's.
    newest: BTreeMap<String, i64>,
    lines: u64,
    /// Rules that were seen for the first time since somebody last asked.
    fresh: Vec<usize>,
}

/// How far the file that is being read has been read.
#[derive(Default)]
struct Here {
    from_end: bool,
    /// So far.
    bytes: u64,
    /// Ends of lines so far.
    ends: u64,
    begun: bool,
    /// Its last line has no end.
    open: bool,
    /// When the last line of it, or of the file that follows it, was written.
    newest: Option<i64>,
}

/// What was seen of one rule.
#[derive(Default)]
struct Seen {
    now: Lines,
    /// By this host itself, of another site, or longer ago.
    aside: Lines,
    /// How many of `aside` came from this host itself.
    own: u64,
    /// And how many were about other sites than the manager.
    of_sites: u64,
    /// Why the latest of those that are over is so, and when that was written.
    over: Option<Over>,
    over_at: Option<i64>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(rules: &'a [Rule], judge: Judge<'a>) -> Self {
        Self {
            matcher: Matcher::new(rules),
            judge,
            seen: rules.iter().map(|_| Seen::default()).collect(),
            files: Vec::new(),
            here: Here::default(),
            newest: BTreeMap::new(),
            lines: 0,
            fresh: Vec::new(),
        }
    }

    /// The files that follow are of a host of which this is known, or of one of which nothing is.
    pub(super) fn of_host(&mut self, known: Option<&'a OfHost>) {
        self.judge.of_host(known);
    }

    /// Lines of all files so far.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// What was seen for the first time since this was last asked.
    pub(super) fn fresh(&mut self) -> Vec<&'a Rule> {
        let rules = self.matcher.rules();
        self.fresh.drain(..).map(|index| &rules[index]).collect()
    }

    /// A file follows, whose pieces come from its end (or from its beginning).
    pub(super) fn begin(&mut self, path: &str, from_end: bool) {
        self.files.push(path.to_owned());
        let mut newest = self.newest.iter();
        let follows = newest.find(|(known, _)| path.starts_with(known.as_str()));
        self.here = Here {
            from_end,
            newest: follows.map(|(_, at)| *at),
            ..Here::default()
        };
    }

    /// The file is over. `whole`: all of it was read.
    pub(super) fn end(&mut self, whole: bool) {
        self.lines += self.here.ends + u64::from(self.here.open);
        let file = self.files.len() - 1;
        let ends = whole.then_some(self.here.ends);
        for seen in &mut self.seen {
            seen.now.settle(file, ends);
            seen.aside.settle(file, ends);
        }
    }

    /// Takes the next lines of the file.
    pub(super) fn take(&mut self, text: &[u8]) {
        let ends = memchr_iter(b'\n', text).count() as u64;
        if !(self.here.from_end && self.here.begun) {
            self.here.open = !text.ends_with(b"\n");
        }
        if !self.here.begun && self.here.from_end && self.here.newest.is_none() {
            self.here.newest = self.last_time(text);
            let path = self.files.last().cloned();
            self.newest.extend(path.zip(self.here.newest));
        }
        self.here.begun = true;
        if !self.is_before_all(text) {
            self.note_lines(text, ends);
        }
        self.here.ends += ends;
        self.here.bytes += text.len() as u64;
    }

    /// Whether these lines are older than what was asked for, and all that comes still older.
    fn is_before_all(&self, text: &[u8]) -> bool {
        let Some(since) = self.judge.since().filter(|_| self.here.from_end) else {
            return false;
        };
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let last = memrchr(b'\n', text).map_or(0, |at| at + 1);
        let at = self.judge.written_at(&Line::of(&text[last..]));
        at.is_some_and(|at| at < since - SLACK)
    }

    fn note_lines(&mut self, text: &[u8], ends: u64) {
        let Self {
            matcher,
            here,
            seen,
            fresh,
            judge,
            ..
        } = self;
        let rules = matcher.rules();
        let file = self.files.len() - 1;
        let (mut counted, mut before) = (0, 0);
        matcher.lines(text, |hit| {
            let Some(judged) = judge.judged(&rules[hit.rule], hit.line, here.newest) else {
                return;
            };
            let seen = &mut seen[hit.rule];
            if seen.now.count + seen.aside.count == 0 {
                fresh.push(hit.rule);
            }
            seen.own += u64::from(judged.own);
            seen.of_sites += u64::from(judged.of_site);
            if judged.over.is_some() && judged.at >= seen.over_at {
                (seen.over_at, seen.over) = (judged.at, judged.over);
            }
            let lines = if judged.is_aside() {
                &mut seen.aside
            } else {
                &mut seen.now
            };
            let at = judged.at;
            let place = if here.from_end {
                u64::MAX - here.bytes - (text.len() - hit.start) as u64
            } else {
                here.bytes + hit.start as u64
            };
            // Which one it is takes counting: only where it is kept.
            lines.add(Age { at, file, place }, || {
                before += memchr_iter(b'\n', &text[counted..hit.start]).count() as u64;
                counted = hit.start;
                let number = if here.from_end {
                    Number::FromEnd(here.ends + ends - before)
                } else {
                    Number::Is(here.ends + before + 1)
                };
                (number, shown(hit.whole))
            });
        });
    }

    /// When the newest of the last lines was written: they need not be in order, and no clock that
    /// is ahead makes all others old.
    fn last_time(&self, text: &[u8]) -> Option<i64> {
        const LINES: usize = 50;
        let lines = text.rsplit(|byte| *byte == b'\n').take(LINES);
        let times = lines.filter_map(|line| self.judge.written_at(&Line::of(line)));
        times.max().map(|at| at.min(self.judge.now()))
    }

    /// What was seen, in the order of the rules.
    pub(super) fn findings(self) -> Vec<Finding> {
        let seen = self.seen.into_iter().zip(self.matcher.rules());
        seen.filter_map(|(seen, rule)| finding(seen, rule, &self.files))
            .collect()
    }
}

/// No more of a line than is looked at.
fn shown(line: &[u8]) -> Cow<'_, str> {
    if line.len() > HEAD {
        return String::from_utf8_lossy(&line[..HEAD]);
    }
    match String::from_utf8_lossy(line) {
        Cow::Borrowed(line) => line.trim_end().into(),
        Cow::Owned(line) => line.trim_end().to_owned().into(),
    }
}

const OWN: &str = "The proof of nim-tls sends such clients on purpose, and an agent on this host could be \
     another.";

/// Why what was seen is a note, and no more.
fn over(why: Over) -> &'static str {
    match why {
        Over::Changed => " It counts as over: nim-tls has changed this host since.",
        Over::Loaded => " It counts as over: nginx has taken its configuration since.",
        Over::WentOn => " It counts as over: the agent's log went on for an hour without it.",
        Over::LongAgo => " It counts as over: it was last seen more than a day ago.",
    }
}

fn finding(seen: Seen, rule: &Rule, files: &[String]) -> Option<Finding> {
    let mut finding = rule.finding();
    let lines = if seen.now.count > 0 {
        seen.now
    } else if seen.aside.count > 0 {
        finding.severity = Severity::Info;
        if seen.of_sites == seen.aside.count {
            finding.title = format!("Of another site: {}", finding.title);
        } else if seen.own == seen.aside.count {
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
        if seen.own + seen.of_sites < seen.aside.count {
            finding.why.push_str(seen.over.map_or("", over));
        }
        seen.aside
    } else {
        return None;
    };
    finding.count = lines.count;
    finding.first = lines.first.map(moment);
    finding.last = lines.last.map(moment);
    finding.evidence = lines.evidence(files);
    Some(finding)
}
