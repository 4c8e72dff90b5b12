//! Reads all logs that there are, and the journal, the newest first, and says what became of each.

use std::ops::ControlFlow;
use std::path::Path;

use super::finding::Source;
use super::journal::{self, Journal};
use super::judge::OfHost;
use super::own_log::OwnLog;
use super::tally::Tally;
use super::{Listener, Request, Told};
use super::{gzip, reading, rotated, source};
use crate::facts::{Facts, Known};
use crate::host::Host;
use crate::values::escaped;

/// Without other words, the journal and what was rotated away are read if it was written in the
/// last week.
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
    let limit = request.since;
    let limit = limit.unwrap_or(facts.looked_at - USUAL_DAYS * 24 * 60 * 60);
    reader.journals(host, facts, limit);
    reader.tally.of_host(None);
    for path in request.logs {
        reader.read(request.logs_on, &path.to_string_lossy());
    }
    reader.tally.of_host(Some(here));
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

    /// What the units that matter have said since then and have in no log of their own.
    fn journals(&mut self, host: &dyn Host, facts: &Facts, since: i64) {
        let asked = journal::units(facts).map_err(str::to_owned);
        let asked = asked.and_then(|units| Ok((Journal::of(host)?, units)));
        let (journal, units) = match asked {
            Ok(asked) => asked,
            // Without systemd nobody misses it.
            Err(_) if facts.systemd != Known::Is(()) => return,
            Err(why) => return self.sources.push(Source::not_read("journal", why)),
        };
        for unit in units {
            let name = journal::name(unit);
            let before = self.tally.lines();
            let logs = source::of_unit(host, facts, unit);
            let is_read = |log: &&String| {
                let log = escaped(log);
                self.sources.iter().any(|one| one.path == log && one.read)
            };
            let own = OwnLog::of(host, logs.iter().filter(is_read).map(String::as_str));
            let since = own.written().map_or(since, |written| written.max(since));
            let read = self.journal(&journal, unit, since, &own);
            self.sources.push(match read {
                Ok(limits) => {
                    let mut why = format!("{} lines", self.tally.lines() - before);
                    if own.written().is_some() {
                        why.push_str(" that are not in its own log");
                    }
                    if let Some(limits) = limits {
                        why.push_str(&format!(": {limits}"));
                    }
                    Source {
                        path: name,
                        read: true,
                        why,
                    }
                }
                Err(why) => Source::not_read(&name, why),
            });
        }
        let of_nginx = journal::name("nginx");
        if self
            .sources
            .iter()
            .any(|one| one.path == of_nginx && one.read)
        {
            self.sources.retain(|one| !source::is_in_journal(one));
        }
    }

    fn journal(
        &mut self,
        journal: &Journal<'_>,
        unit: &str,
        since: i64,
        own: &OwnLog,
    ) -> Result<Option<String>, String> {
        let path = &journal::name(unit);
        let Self {
            tally, told, over, ..
        } = self;
        *over = *over
            || told(Told::Reading {
                path,
                done: 0,
                of: 0,
            })
            .is_break();
        if *over {
            return Err(CALLED_OFF.to_owned());
        }
        tally.begin(path, true);
        let read = journal.backwards(unit, since, own, &mut |piece| {
            let flow = taken(tally, told, path, piece, piece.done);
            *over = flow.is_break();
            flow
        });
        // Its lines have no numbers.
        tally.end(false);
        if *over {
            return Ok(Some(CALLED_OFF.to_owned()));
        }
        read
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
            let flow = taken(tally, told, path, piece, of);
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

/// Takes the next lines of a log that has so many bytes, and tells of it.
fn taken(
    tally: &mut Tally<'_>,
    told: &Listener<'_>,
    path: &str,
    piece: &reading::Piece<'_>,
    of: u64,
) -> ControlFlow<()> {
    tally.take(piece.text);
    let done = piece.done.min(of);
    let mut flow = told(Told::Reading { path, done, of });
    for rule in tally.fresh() {
        let id = rule.id.as_str();
        let title = rule.title();
        let seen = told(Told::Seen { id, title });
        flow = if flow.is_break() { flow } else { seen };
    }
    flow
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
