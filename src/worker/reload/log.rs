//! What nginx logs about a reload, in its error log.

use std::path::PathBuf;

use crate::host::{Host, HostError};
use crate::values::{escaped, masked};

const MOST_LOG: u64 = 1 << 20;
pub(super) const MOST_LINES: usize = 5;

/// What nginx logged about it, the first few lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct LogLines(pub Vec<String>);

impl std::fmt::Display for LogLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl LogLines {
    pub(super) fn tell_of_a_death(&self) -> bool {
        self.0
            .iter()
            .any(|line| line.contains(" exited on signal "))
    }
}

/// Where the error log ended before the reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct LogMark {
    path: Option<PathBuf>,
    offset: u64,
    master: u32,
}

impl LogMark {
    pub(super) fn now(host: &dyn Host, path: Option<&str>, master: u32) -> Result<Self, HostError> {
        let path = path.map(PathBuf::from);
        let stat = path.as_deref().map(|path| host.stat(path));
        let stat = stat.transpose()?.flatten();
        Ok(Self {
            path,
            offset: stat.map_or(0, |stat| stat.size),
            master,
        })
    }

    /// What this master has complained of since.
    pub(super) fn since(&self, host: &dyn Host) -> Result<LogLines, HostError> {
        let Some(path) = self.path.as_deref() else {
            return Ok(LogLines::default());
        };
        if host.stat(path)?.is_none() {
            return Ok(LogLines::default());
        }
        let text = host.read_from(path, self.offset, MOST_LOG)?;
        let text = String::from_utf8_lossy(&text);
        let by_master = format!("] {}#", self.master);
        let lines = text
            .lines()
            .filter(|line| line.contains(&by_master))
            .filter(|line| LEVELS.iter().any(|level| line.contains(level)));
        let mut lines: Vec<&str> = lines.collect();
        // The same port is tried five times over.
        lines.dedup_by_key(|line| line.split_once(&by_master).map(|(_, words)| words));
        Ok(LogLines(
            lines
                .into_iter()
                .take(MOST_LINES)
                .map(|line| escaped(&masked(line)))
                .collect(),
        ))
    }
}

const LEVELS: [&str; 4] = ["[emerg]", "[alert]", "[crit]", "[error]"];

/// nginx has given up: it tries again only to open a port.
pub(super) fn is_final(lines: &LogLines) -> bool {
    lines
        .0
        .iter()
        .any(|line| line.contains("[emerg]") && !line.contains(" bind() to "))
}
