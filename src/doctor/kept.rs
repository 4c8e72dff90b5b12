//! The latest lines of those that a rule fits.

use std::borrow::Cow;

use super::finding::Evidence;
use crate::values::{escaped, masked};

/// Lines of evidence that are kept.
const KEPT: usize = 3;
/// Characters of a line that are kept.
const LONGEST: usize = 400;

#[derive(Default)]
pub(super) struct Lines {
    pub(super) count: u64,
    /// Seconds since 1970.
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
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
pub(super) struct Age {
    pub(super) at: Option<i64>,
    /// What was read earlier is newer.
    pub(super) file: usize,
    pub(super) place: u64,
}

#[derive(Clone, Copy)]
pub(super) enum Number {
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
    /// Counts a line. `shown`: which one it is, and its words, where it is one of the newest.
    pub(super) fn add<'a>(&mut self, age: Age, shown: impl FnOnce() -> (Number, Cow<'a, str>)) {
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
        let (number, text) = shown();
        let end = text.char_indices().nth(LONGEST);
        let text = end.map_or(&*text, |(end, _)| &text[..end]).to_owned();
        let newer = self.kept.iter().position(|kept| kept.age.is_newer(age));
        let place = newer.unwrap_or(self.kept.len());
        self.kept.insert(place, Kept { age, number, text });
    }

    /// Says which lines those of a file are, now that it is known how many it has.
    pub(super) fn settle(&mut self, file: usize, ends: Option<u64>) {
        for kept in self.kept.iter_mut().filter(|kept| kept.age.file == file) {
            if let Number::FromEnd(from_end) = kept.number {
                kept.number = ends.map_or(Number::Unknown, |ends| Number::Is(ends + 1 - from_end));
            }
        }
    }

    pub(super) fn evidence(self, files: &[String]) -> Vec<Evidence> {
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
