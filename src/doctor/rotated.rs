//! What was rotated away of a log: `error.log.1`, `error.log.2.gz`, `error.log-20261101`.

use std::path::Path;

use super::finding::Source;
use crate::host::{Host, Kind};
use crate::values::sort_by_key;

/// More than this of one log is not looked at.
const MOST: usize = 64;

/// The newest first.
#[derive(Default)]
pub(super) struct Rotated {
    pub(super) recent: Vec<String>,
    /// Those that are too old, or too many.
    old: Vec<String>,
}

/// Those beside a log that were last written after `limit`, seconds since 1970, and the others.
pub(super) fn of(host: &dyn Host, log: &str, limit: i64) -> Rotated {
    let path = Path::new(log);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Rotated::default();
    };
    let name = name.to_string_lossy();
    let mut found = Vec::new();
    for other in host.list(folder).unwrap_or_default() {
        if !is_rotated(&name, &other) {
            continue;
        }
        let path = folder.join(&other);
        // A link may lead to the log itself.
        if let Ok(Some(stat)) = host.stat(&path)
            && stat.kind == Kind::File
        {
            found.push((stat.modified, path.to_string_lossy().into_owned()));
        }
    }
    sort_by_key(&mut found, |(modified, _)| -modified);
    let (mut recent, mut old) = (Vec::new(), Vec::new());
    for (modified, path) in found {
        if modified >= limit && recent.len() < MOST {
            recent.push(path);
        } else {
            old.push(path);
        }
    }
    Rotated { recent, old }
}

impl Rotated {
    /// What is said of those that are not read. `asked`: the operator has named the time.
    pub(super) fn left_out(&self, asked: bool) -> Option<Source> {
        let first = self.old.first()?;
        let others = match self.old.len() {
            1 => String::new(),
            count => format!(", and {} more", count - 1),
        };
        let why = if self.recent.len() == MOST {
            format!("no more than {MOST} files of one log are read{others}")
        } else if asked {
            format!("last written before the time that was asked for{others}")
        } else {
            format!("last written more than a week ago; --since reads further back{others}")
        };
        Some(Source::not_read(first, why))
    }
}

/// `name` and a number or a date, before its extension or behind it, packed or not.
fn is_rotated(name: &str, other: &str) -> bool {
    let other = other.strip_suffix(".gz").unwrap_or(other);
    if let Some(rest) = other.strip_prefix(name) {
        return is_mark(rest);
    }
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return false;
    };
    let rest = other.strip_prefix(stem);
    let rest = rest.and_then(|rest| rest.strip_suffix(extension)?.strip_suffix('.'));
    rest.is_some_and(is_mark)
}

fn is_mark(rest: &str) -> bool {
    let Some(mark) = rest.strip_prefix(['.', '-']) else {
        return false;
    };
    let of_dates = |c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | 'T' | ':');
    mark.starts_with(|c: char| c.is_ascii_digit()) && mark.chars().all(of_dates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_logs_are_told_from_other_files() {
        for other in [
            "error.log.1",
            "error.log.2.gz",
            "error.log-20261101",
            "error.log-20261101.gz",
            "error.log-20261101-1795694400.gz",
            "error-20261101.log",
            "error-2026-11-01T00-00-00.000.log.gz",
        ] {
            assert!(is_rotated("error.log", other), "{other}");
        }
        for other in [
            "error.log",
            "error.log.gz",
            "error.log.old",
            "error.log.",
            "error.log.1.bz2",
            "error.logs.1",
            "access.log.1",
            "other-error.log.1",
            "error.log.1~",
        ] {
            assert!(!is_rotated("error.log", other), "{other}");
        }
        assert!(is_rotated("log", "log.1") && !is_rotated("log", "1.log"));
    }
}
