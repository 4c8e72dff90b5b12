//! Reads all logs that there are, the newest first, and says what became of each.

#[cfg(test)]
use std::ops::ControlFlow;
use std::path::Path;

use super::finding::Source;
use super::judge::OfHost;
use super::tally::Tally;
use super::{Listener, Request, Told};
use super::{gzip, reading, rotated, source};
use crate::facts::Facts;
use crate::host::Host;
use crate::values::escaped;

/// Without other words, what was rotated away is read if it was written in the last week.
const USUAL_DAYS: i64 = 7;
const CALLED_OFF: &str = "reading was called off before its end";

/// All logs of a host, what was rotated away of them, and those that were asked for.
pub(super) fn read_all<'t>(
    host: &dyn Host,
    facts: &Facts,
    request: &Request<'_>,
    here: &'t OfHost,
    tally: &mut Tally<'t>,
    told: &Listener<'_>,
) -> Vec<Source> {
    let mut reader = Reader {
        tally,
        told,
        over: false,
        sources: Vec::new(),
    };
    let mut named = Vec::new();
    for log in source::named(host, facts) {
        match log {
            source::Named::Log(path) => named.push(path),
            source::Named::Elsewhere(source) => reader.sources.push(source),
        }
    }
    reader.tally.of_host(Some(here));
    // First what is being written now, of every log: it tells most.
    for path in &named {
        reader.read(host, path);
    }
    reader.tally.of_host(None);
    for path in request.logs {
        reader.read(request.logs_on, &path.to_string_lossy());
    }
    reader.tally.of_host(Some(here));
    let limit = request.since;
    let limit = limit.unwrap_or(facts.looked_at - USUAL_DAYS * 24 * 60 * 60);
    for path in &named {
        let old = rotated::of(host, path, limit);
        for path in &old.recent {
            reader.read(host, path);
        }
        let asked = request.since.is_some();
        reader.sources.extend(old.left_out(asked));
    }
    reader.sources
}

struct Reader<'a, 't> {
    tally: &'a mut Tally<'t>,
    told: &'a Listener<'a>,
    /// Somebody has called it off.
    over: bool,
    sources: Vec<Source>,
}

impl Reader<'_, '_> {
    fn read(&mut self, host: &dyn Host, path: &str) {
        if self.over {
            self.sources.push(Source::not_read(path, CALLED_OFF));
            return;
        }
        let before = self.tally.lines();
        let read = self.pieces(host, path);
        self.sources.push(match read {
            Ok(limits) => Source {
                path: escaped(path),
                read: true,
                why: match limits {
                    Some(limits) => format!("{} lines: {limits}", self.tally.lines() - before),
                    None => format!("{} lines", self.tally.lines() - before),
                },
            },
            Err(why) => Source::not_read(path, why),
        });
    }

    /// Says what was not read of it, where something was not.
    fn pieces(&mut self, host: &dyn Host, path: &str) -> Result<Option<String>, String> {
        let file = Path::new(path);
        let kind = reading::kind(host, file)?;
        let (reading::Kind::Plain(of) | reading::Kind::Compressed(of)) = kind;
        let Self {
            tally, told, over, ..
        } = self;
        *over = told(Told::Reading { path, done: 0, of }).is_break();
        if *over {
            return Err(CALLED_OFF.to_owned());
        }
        tally.begin(path, matches!(kind, reading::Kind::Plain(_)));
        let mut take = |piece: &reading::Piece<'_>| {
            tally.take(piece.text);
            let done = piece.done.min(of);
            let mut flow = told(Told::Reading { path, done, of });
            for rule in tally.fresh() {
                let id = rule.id.as_str();
                let seen = told(Told::Seen {
                    id,
                    title: rule.title(),
                });
                flow = if flow.is_break() { flow } else { seen };
            }
            *over = flow.is_break();
            flow
        };
        let read = match kind {
            reading::Kind::Plain(size) => {
                reading::backwards(host, file, size, &mut take).map(|()| None)
            }
            reading::Kind::Compressed(_) => gzip::forwards(host, file, &mut take),
        };
        tally.end(read.is_ok() && !*over);
        if *over {
            return Ok(Some(CALLED_OFF.to_owned()));
        }
        read
    }
}

#[cfg(test)]
pub(super) fn read_one(host: &dyn Host, path: &str, tally: &mut Tally<'_>) -> Source {
    let mut reader = Reader {
        tally,
        told: &|_| ControlFlow::Continue(()),
        over: false,
        sources: Vec::new(),
    };
    reader.read(host, path);
    reader.sources.remove(0)
}
