//! What a program has in its own log files: it writes the same to its standard output or error, and
//! so to the journal.

use std::path::Path;

use memchr::memmem;

use super::tail::tail;
use crate::host::Host;

/// Of the end of each log.
const END: usize = 64 * 1024;
/// What comes so many seconds after a log was written last is in none of its lines.
const MOMENT: i64 = 60;
/// How nginx begins what it writes to standard error.
const TO_STDERR: &str = "nginx: [";

#[derive(Default)]
pub(super) struct OwnLog {
    /// When the one that was written last was written: seconds since 1970.
    written: Option<i64>,
    ends: Vec<Vec<u8>>,
}

impl OwnLog {
    /// `logs`: those that were read.
    pub(super) fn of<'p>(host: &dyn Host, logs: impl Iterator<Item = &'p str>) -> Self {
        let mut own = Self::default();
        for log in logs {
            let path = Path::new(log);
            let real = host.real_path(path).ok().flatten();
            let stat = host.stat(real.as_deref().unwrap_or(path)).ok().flatten();
            // One in which nothing stands has nothing.
            let Some(stat) = stat.filter(|stat| stat.size > 0) else {
                continue;
            };
            own.written = own.written.max(Some(stat.modified));
            own.ends.extend(tail(host, path, END).map(|end| end.text));
        }
        own
    }

    /// Up to when it has all that its program has said.
    pub(super) fn written(&self) -> Option<i64> {
        self.written
    }

    /// Whether a line of the journal stands in it.
    pub(super) fn has(&self, at: i64, line: &str) -> bool {
        let line = match line
            .strip_prefix(TO_STDERR)
            .and_then(|rest| rest.split_once("] "))
        {
            Some((_, words)) => words,
            None => line,
        };
        let finder = memmem::Finder::new(line);
        self.written.is_some_and(|written| at <= written + MOMENT)
            && self.ends.iter().any(|end| finder.find(end).is_some())
    }
}
