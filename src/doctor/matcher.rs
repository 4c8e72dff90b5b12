//! Finds the lines of a log that tell something: one pass over all of it for a few telling words,
//! and a second look, for the first words of all rules at once, at the lines that have one of them.

use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind};
use memchr::memmem::Finder;
use memchr::{memchr, memrchr};

use super::known::{Known, Rules};
use super::line::{Line, own_words};
use super::rule::{Mark, Rule};

/// A line that a rule fits holds one of these: they are parts of the rules' words. Few, of four letters and more, and rare in a
/// log of a healthy host: so that the processor compares many letters at a time, and seldom stops.
/// A rule without one is found too; all of it is slower then, and a test says so.
pub(super) const TELLING: &[&str] = &[
    "04 (No",
    "2.0\" 40",
    "2.0\" 421",
    "2.0\" 50",
    "I * HTTP/2",
    "SL_write()",
    "[emerg]",
    "_LOOKUP_lo",
    "already ",
    "am\" failed",
    "password read",
    "bind()",
    "certificat",
    "cipher",
    "code",
    "could not ",
    "dd transpo",
    "den by rul",
    "denied ",
    "g NGINX Ag",
    "le dialing",
    "dlopen() ",
    "e upstream",
    "ect() to u",
    "ect: conne",
    "ected ",
    "handshak",
    "in upstrea",
    "insecure a",
    "key ",
    "lookup ",
    "ly disable",
    "m timed ou",
    "maturely s",
    "md too wea",
    "mpi.v1.",
    "n HTTP",
    "nel\" faile",
    "ng server ",
    "no such fi",
    "nts\" faile",
    "nx.pid",
    "o large ht",
    "o start li",
    "oad\" faile",
    "om upstrea",
    "ost not fo",
    "ote error:",
    "plicat",
    "protocol v",
    "resolver d",
    "rmission d",
    "routines:",
    "sage repor",
    "t from the",
    "text deadl",
    "to upstrea",
    "too small",
    "unknown ",
    "valid ",
    "verify",
    "write: bro",
    "y PEM data",
    "yaml: ",
];

/// More than this, and a slower way of looking is taken.
#[cfg(test)]
pub(super) const MOST_TELLING: usize = 64;

pub(super) struct Matcher<'a> {
    rules: &'a [Rule],
    telling: AhoCorasick,
    /// Walked by hand, letter by letter: several words may end at one.
    firsts: NFA,
    /// For each of the first words the rules that begin with it.
    begins: Vec<Vec<usize>>,
    /// For each rule what else.
    others: Vec<Others<'a>>,
    /// Rules that may fit the line that is looked at.
    candidates: Vec<usize>,
    known: Known,
}

/// Whether every line that a rule fits holds a telling word.
pub(super) fn is_told(rule: &Rule) -> bool {
    let tells = |word: &String| TELLING.iter().any(|part| word.contains(part));
    let [all, any, _] = rule.words();
    all.iter().any(tells) || !any.is_empty() && any.iter().all(tells)
}

/// The words of a rule besides its first, made ready to be looked for: all of these, one of these,
/// none of these.
struct Others<'a>([Vec<Finder<'a>>; 3]);

impl<'a> Others<'a> {
    fn of(rule: &'a Rule) -> Self {
        let [all, any, none] = rule.words();
        let words = [all.get(1..).unwrap_or_default(), any, none];
        Self(words.map(|words| words.iter().map(Finder::new).collect()))
    }

    fn fit(&self, line: &[u8]) -> bool {
        let is_there = |word: &Finder<'_>| word.find(line).is_some();
        let [all, any, none] = &self.0;
        all.iter().all(is_there)
            && (any.is_empty() || any.iter().any(is_there))
            && !none.iter().any(is_there)
    }

    /// Whether they fit all lines that begin so.
    fn fit_all(&self, begun: &[u8]) -> bool {
        let [.., none] = &self.0;
        none.is_empty() && self.fit(begun)
    }
}

/// A line that tells something.
pub(super) struct Hit<'t, 'l> {
    pub(super) rule: usize,
    /// Where it begins in the text.
    pub(super) start: usize,
    /// Without its end.
    pub(super) whole: &'t [u8],
    pub(super) line: &'l Line<'t>,
}

impl<'a> Matcher<'a> {
    /// # Panics
    ///
    /// If the words of the rules are more than memory can hold; they are part of the program.
    pub(super) fn new(rules: &'a [Rule]) -> Self {
        let mut firsts: Vec<&str> = Vec::new();
        let mut begins: Vec<Vec<usize>> = Vec::new();
        let mut telling = TELLING.to_vec();
        for (index, rule) in rules.iter().enumerate() {
            let Some(first) = rule.first_word() else {
                continue;
            };
            if let Some(known) = firsts.iter().position(|known| *known == first) {
                begins[known].push(index);
            } else {
                firsts.push(first);
                begins.push(vec![index]);
            }
            if !is_told(rule) {
                telling.push(first);
            }
        }
        let mut quick = AhoCorasick::builder();
        // Anything but leftmost-first does without the quick look at many letters at a time.
        quick.match_kind(MatchKind::LeftmostFirst);
        Self {
            rules,
            telling: quick
                .build(&telling)
                .expect("the rules are part of the program"),
            firsts: NFA::new(&firsts).expect("the rules are part of the program"),
            begins,
            others: rules.iter().map(Others::of).collect(),
            candidates: Vec::new(),
            known: Known::new(),
        }
    }

    pub(super) fn rules(&self) -> &'a [Rule] {
        self.rules
    }

    /// The lines of a text, in order, that a rule fits.
    pub(super) fn lines<'t>(&mut self, text: &'t [u8], mut take: impl FnMut(Hit<'t, '_>)) {
        let mut from = 0;
        // What is known comes in crowds: the line after it is asked about before it is searched.
        let mut in_crowd = false;
        while from < text.len() {
            if !in_crowd {
                let Some(found) = self.telling.find(Input::new(text).range(from..)) else {
                    return;
                };
                let before = memrchr(b'\n', &text[from..found.start()]);
                from += before.map_or(0, |end| end + 1);
            }
            let end = memchr(b'\n', &text[from..]).map_or(text.len(), |at| from + at);
            let whole = &text[from..end];
            let line = &Line::of(whole);
            let known = self.known.rules(line);
            if known.is_none() && in_crowd {
                in_crowd = false;
                continue;
            }
            in_crowd = known.is_some();
            let rule = match known {
                Some(known) => {
                    let mut may = known.may.iter().copied();
                    may.find(|rule| self.others[*rule].fit(whole))
                        .or(known.does)
                }
                None => self.learn(whole, line),
            };
            if let Some(rule) = rule {
                let start = from;
                take(Hit {
                    rule,
                    start,
                    whole,
                    line,
                });
            }
            from = end + 1;
        }
    }

    #[cfg(test)]
    pub(super) fn is_known(&mut self, line: &[u8]) -> bool {
        self.known.rules(&Line::of(line)).is_some()
    }

    /// The first rule that fits a line that nothing is known of yet.
    fn learn(&mut self, whole: &[u8], line: &Line<'_>) -> Option<usize> {
        let found = self.rule_for(whole);
        let mut rules = Rules::default();
        if line.rest.is_empty() {
            rules.does = found;
        } else {
            let begun = &whole[..whole.len() - line.rest.len()];
            let candidates = self.candidates.iter().copied();
            rules.does = candidates
                .clone()
                .find(|rule| self.others[*rule].fit_all(begun));
            let may = candidates.take_while(|rule| Some(*rule) != rules.does);
            rules.may = may.collect();
        }
        self.known.keep(rules);
        found
    }

    /// The first rule that fits a line.
    pub(super) fn rule_for(&mut self, line: &[u8]) -> Option<usize> {
        let own = own_words(line);
        self.candidates.clear();
        let firsts = &self.firsts;
        let mut state = firsts.start_state(Anchored::No).ok()?;
        for (at, byte) in line[..own.asked].iter().enumerate() {
            state = firsts.next_state(Anchored::No, state, *byte);
            if firsts.is_special(state) && firsts.is_match(state) {
                for word in 0..firsts.match_len(state) {
                    let word = firsts.match_pattern(state, word).as_usize();
                    let rules = self.begins[word].iter().copied();
                    let may = |rule: &usize| at < own.said || self.rules[*rule].is(Mark::Asked);
                    self.candidates.extend(rules.filter(may));
                }
            }
        }
        self.candidates.sort_unstable();
        self.candidates.dedup();
        let mut candidates = self.candidates.iter().copied();
        candidates.find(|rule| self.others[*rule].fit(line))
    }
}
