//! How often each rule was seen, when, and the latest lines of it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use memchr::{memchr_iter, memrchr};

use super::finding::{Evidence, Finding, Severity};
use super::line::{client, written_at};
use super::matcher::Matcher;
use super::rule::Rule;
use crate::values::{escaped, masked, moment};

/// Lines of evidence that are kept.
const KEPT: usize = 3;
/// What was last seen longer ago is told, and counts as over.
pub(super) const LONG_AGO: i64 = 24 * 60 * 60;
/// Characters of a line that are kept.
const LONGEST: usize = 400;
/// Bytes of a line in which its time and its client are looked for.
const HEAD: usize = 16 * 1024;
/// In what nginx says when it does not take its configuration.
const REFUSED: &str = "[emerg]";
/// When nginx took it is known to the second only.
const SAME_MOMENT: i64 = 2;
/// Lines of several workers are not quite in the order of their times.
const SLACK: i64 = 60 * 60;

pub(super) struct Tally<'a> {
    matcher: Matcher<'a>,
    now: i64,
    since: Option<i64>,
    zone: i64,
    own: &'a BTreeSet<IpAddr>,
    over: Over,
    seen: Vec<Seen>,
    /// All files so far, the one that is being read last.
    files: Vec<String>,
    here: Here,
    lines: u64,
    /// Rules that were seen for the first time since somebody last asked.
    fresh: Vec<usize>,
}

/// What of a host's logs is over.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Over {
    /// All that was written before (seconds since 1970).
    before: i64,
    /// nginx has taken its configuration then: what it refused before has been mended.
    loaded_at: Option<i64>,
}

/// How far the file that is being read has been read.
#[derive(Default)]
struct Here {
    from_end: bool,
    /// Ends of lines so far.
    ends: u64,
    begun: bool,
    /// Its last line has no end.
    open: bool,
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
    first: Option<i64>,
    last: Option<i64>,
    /// The newest, the last one last.
    kept: Vec<Kept>,
}

struct Kept {
    age: Age,
    number: Number,
    text: String,
}

/// Where a line stands among others.
#[derive(Clone, Copy)]
struct Age {
    at: Option<i64>,
    /// What was read earlier is newer.
    file: usize,
    place: u64,
}

#[derive(Clone, Copy)]
enum Number {
    Is(u64),
    /// As many ends of lines come from there on.
    FromEnd(u64),
    Unknown,
}

impl Age {
    fn is_newer(self, other: Self) -> bool {
        match (self.at, other.at) {
            (Some(own), Some(other)) if own != other => own > other,
            _ if self.file != other.file => self.file < other.file,
            _ => self.place > other.place,
        }
    }
}

impl Lines {
    fn add(&mut self, age: Age, number: Number, text: &str) {
        self.count += 1;
        if let Some(at) = age.at {
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.last = Some(self.last.map_or(at, |last| last.max(at)));
        }
        let oldest = self.kept.first();
        if self.kept.len() == KEPT && oldest.is_some_and(|oldest| !age.is_newer(oldest.age)) {
            return;
        }
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        }
        let end = text.char_indices().nth(LONGEST);
        let text = end.map_or(text, |(end, _)| &text[..end]).to_owned();
        let newer = self.kept.iter().position(|kept| kept.age.is_newer(age));
        let place = newer.unwrap_or(self.kept.len());
        self.kept.insert(place, Kept { age, number, text });
    }

    /// Says which lines those of a file are, now that it is known how many it has.
    fn settle(&mut self, file: usize, ends: Option<u64>) {
        for kept in self.kept.iter_mut().filter(|kept| kept.age.file == file) {
            if let Number::FromEnd(from_end) = kept.number {
                kept.number = ends.map_or(Number::Unknown, |ends| Number::Is(ends + 1 - from_end));
            }
        }
    }

    fn evidence(self, files: &[String]) -> Vec<Evidence> {
        let seen = |kept: Kept| Evidence {
            file: escaped(&files[kept.age.file]),
            line: match kept.number {
                Number::Is(number) => Some(number),
                Number::FromEnd(_) | Number::Unknown => None,
            },
            text: escaped(&masked(&kept.text)),
        };
        self.kept.into_iter().map(seen).collect()
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
            matcher: Matcher::new(rules),
            now,
            since,
            zone,
            own,
            over: Over {
                before: now - LONG_AGO,
                loaded_at: None,
            },
            seen: rules.iter().map(|_| Seen::default()).collect(),
            files: Vec::new(),
            here: Here::default(),
            lines: 0,
            fresh: Vec::new(),
        }
    }

    /// The files that follow are of a host that was last changed, and whose nginx has last loaded
    /// its configuration, then (seconds since 1970).
    pub(super) fn of_host(&mut self, changed_at: Option<i64>, loaded_at: Option<i64>) {
        let long_ago = self.now - LONG_AGO;
        self.over = Over {
            before: changed_at.map_or(long_ago, |at| at.max(long_ago)),
            loaded_at,
        };
    }

    /// Those that follow are of a host of which no more is known.
    pub(super) fn of_elsewhere(&mut self) {
        self.of_host(None, None);
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
        self.here = Here {
            from_end,
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
        self.here.begun = true;
        if !self.is_before_all(text) {
            self.note_lines(text, ends);
        }
        self.here.ends += ends;
    }

    /// Whether these lines are older than what was asked for, and all that comes still older.
    fn is_before_all(&self, text: &[u8]) -> bool {
        let Some(since) = self.since.filter(|_| self.here.from_end) else {
            return false;
        };
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let last = memrchr(b'\n', text).map_or(0, |at| at + 1);
        let at = written_at(&head(&text[last..]), self.zone);
        at.is_some_and(|at| at < since - SLACK)
    }

    fn note_lines(&mut self, text: &[u8], ends: u64) {
        let Self {
            matcher,
            here,
            seen,
            fresh,
            ..
        } = self;
        let judge = Judge {
            over: self.over,
            since: self.since,
            zone: self.zone,
            own: self.own,
        };
        let rules = matcher.rules();
        let file = self.files.len() - 1;
        let (mut counted, mut before) = (0, 0);
        matcher.lines(text, |hit| {
            before += memchr_iter(b'\n', &text[counted..hit.start]).count() as u64;
            counted = hit.start;
            let (number, place) = if here.from_end {
                let from_end = here.ends + ends - before;
                (Number::FromEnd(from_end), u64::MAX - from_end)
            } else {
                (Number::Is(here.ends + before + 1), here.ends + before)
            };
            let line = head(hit.line);
            // What goes on behind the head is no end.
            let is_whole = hit.line.len() <= HEAD;
            let line = if is_whole { line.trim_end() } else { &*line };
            let Some((at, own, aside)) = judge.of(&rules[hit.rule], line) else {
                return;
            };
            let seen = &mut seen[hit.rule];
            if seen.now.count + seen.aside.count == 0 {
                fresh.push(hit.rule);
            }
            seen.own += u64::from(own);
            let lines = if aside {
                &mut seen.aside
            } else {
                &mut seen.now
            };
            lines.add(Age { at, file, place }, number, line);
        });
    }

    /// What was seen, in the order of the rules.
    pub(super) fn findings(self) -> Vec<Finding> {
        let seen = self.seen.into_iter().zip(self.matcher.rules());
        seen.filter_map(|(seen, rule)| finding(seen, rule, &self.files))
            .collect()
    }
}

fn head(line: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&line[..line.len().min(HEAD)])
}

/// What makes a line one of today's.
struct Judge<'a> {
    over: Over,
    since: Option<i64>,
    zone: i64,
    own: &'a BTreeSet<IpAddr>,
}

impl Judge<'_> {
    /// When a line was written, whether it came from this host itself, and whether it is told
    /// aside; `None`: it is passed over.
    fn of(&self, rule: &Rule, line: &str) -> Option<(Option<i64>, bool, bool)> {
        let at = written_at(line, self.zone);
        let is_before = |limit: i64| at.is_some_and(|at| at < limit);
        if self.since.is_some_and(is_before) {
            return None;
        }
        let is_own = |from: IpAddr| from.is_loopback() || self.own.contains(&from);
        let own = rule.provoked && client(line).is_some_and(is_own);
        let loaded_since = self
            .over
            .loaded_at
            .is_some_and(|loaded| line.contains(REFUSED) && is_before(loaded - SAME_MOMENT));
        let is_over = self.since.is_none() && (is_before(self.over.before) || loaded_since);
        Some((at, own, own || is_over))
    }
}

const OWN: &str = "The proof of nim-tls sends such clients on purpose, and an agent on this host could be \
     another.";

const OVER: &str = " From elsewhere it has not been seen for more than a day, or not since nim-tls \
                    last changed this host or nginx last took its configuration.";

fn finding(seen: Seen, rule: &Rule, files: &[String]) -> Option<Finding> {
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
            finding.why.push_str(OVER);
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
