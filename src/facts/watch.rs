//! The units that have this program look after what was set up.

use std::collections::{BTreeMap, BTreeSet};

use crate::values::{AbsPath, out_of_unit};

pub const WATCH_FOLDER: &str = "/etc/systemd/system";
pub const WATCH_UNITS: [&str; 3] = [
    "nim-tls-doctor.path",
    "nim-tls-doctor.service",
    "nim-tls-doctor.timer",
];
/// Those of them that start the service.
pub const WATCHERS: [&str; 2] = ["nim-tls-doctor.path", "nim-tls-doctor.timer"];

/// As they are on this host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchUnits {
    /// Whether there is a systemd that could have them.
    pub possible: bool,
    /// What each says that is there.
    pub texts: BTreeMap<AbsPath, String>,
    /// The program that the service starts, as long as it is there and stays.
    pub program: Option<AbsPath>,
    /// Files that are watched, as long as they are there.
    pub watched: BTreeSet<AbsPath>,
    /// One of those that start the service does not run, or would not come up with the system.
    pub idle: bool,
}

impl WatchUnits {
    /// What the service of this text starts.
    pub fn program_of(service: &str) -> Option<AbsPath> {
        let line = values(service, "ExecStart=").next()?;
        out_of_unit(line.split(' ').next()?)
    }

    /// What a path unit of this text watches.
    pub fn watched_by(unit: &str) -> impl Iterator<Item = AbsPath> {
        values(unit, "PathChanged=").filter_map(out_of_unit)
    }
}

fn values<'a>(unit: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    unit.lines().filter_map(move |line| line.strip_prefix(key))
}
