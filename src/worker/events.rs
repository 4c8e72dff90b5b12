//! The events of a run: written by its worker, followed by any number of fronts.

use std::path::PathBuf;

use crate::event::{Event, Happening, StepEnd, Switch};
use crate::host::{Host, HostError};
use crate::values::{AbsPath, RunId};

use super::run_folder::RunFolder;
use super::runs::Runs;

const MOST_BYTES: u64 = 64 << 20;

/// Appends to the events of a run.
pub struct Teller<'a> {
    host: &'a dyn Host,
    file: PathBuf,
}

impl<'a> Teller<'a> {
    pub fn new(host: &'a dyn Host, folder: &RunFolder<'_>) -> Self {
        Self {
            host,
            file: folder.events_file(),
        }
    }

    /// Events are for watching: where one cannot be written, the work is not worse for it, and
    /// the disk is not waited for.
    /// The journal and the receipt are what counts.
    pub fn tell(&self, what: Happening) {
        let event = Event {
            at: self.host.now(),
            what,
        };
        if let Ok(mut line) = serde_json::to_vec(&event) {
            line.push(b'\n');
            let _ = self.host.note(&self.file, &line);
        }
    }
}

/// A run that waits to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// Seconds that are left.
    pub left: i64,
    /// What puts it back where its worker cannot.
    pub switch: Option<Switch>,
    /// How many addresses have come back, of those that were connected before.
    pub came_back: Option<(usize, usize)>,
}

/// Whether this run, which is at work, waits to be kept.
pub fn waits(host: &dyn Host, state: &AbsPath, run: &RunId) -> Option<Waits> {
    let (mut waits, mut armed) = (None, None);
    for event in follow(host, state, run, 0).news().ok()? {
        match (event.what, &mut waits) {
            (Happening::Armed { switch }, _) => armed = Some(switch),
            (Happening::Waiting { seconds }, _) => {
                waits = Some(Waits {
                    left: left(host, event.at, seconds),
                    switch: armed.clone(),
                    came_back: None,
                });
            }
            (Happening::CameBack { back, of }, Some(waits)) => waits.came_back = Some((back, of)),
            _ => waits = None,
        }
    }
    waits
}

/// How many seconds are left of those that began at this time. The file may be damaged, and this
/// is a time from anywhere.
fn left(host: &dyn Host, at: i64, seconds: u32) -> i64 {
    let end = at.saturating_add(i64::from(seconds));
    end.saturating_sub(host.now()).max(0)
}

/// Whether this run should have been put back by now, or is being put back, as far as it told.
pub fn is_overdue(host: &dyn Host, state: &AbsPath, run: &RunId) -> bool {
    let told = follow(host, state, run, 0).news().unwrap_or_default();
    told.iter().any(|event| match event.what {
        Happening::Waiting { seconds } => left(host, event.at, seconds) == 0,
        Happening::PuttingBack { .. } => true,
        _ => false,
    })
}

/// Whether a run told that its files are in place, or that it waits to be kept.
pub(super) fn says_it_placed(host: &dyn Host, folder: &RunFolder<'_>) -> bool {
    let told = of_folder(host, folder, 0).news();
    told.unwrap_or_default()
        .iter()
        .any(|event| match &event.what {
            Happening::StepEnded { step, how, .. } => step == "place" && *how == StepEnd::Done,
            Happening::Waiting { .. } => true,
            _ => false,
        })
}

/// Reads the events of a run as they come.
pub struct Follower<'a> {
    host: &'a dyn Host,
    file: PathBuf,
    offset: u64,
}

/// Follows the events of `run` from this offset of its file on; 0 is its beginning.
pub fn follow<'a>(host: &'a dyn Host, state: &AbsPath, run: &RunId, from: u64) -> Follower<'a> {
    of_folder(host, &Runs::new(host, state).open(run), from)
}

fn of_folder<'a>(host: &'a dyn Host, folder: &RunFolder<'_>, from: u64) -> Follower<'a> {
    Follower {
        host,
        file: folder.events_file(),
        offset: from,
    }
}

impl Follower<'_> {
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The events that have come since the last call. A line that is not finished yet comes
    /// next time; one that this version does not know is passed over.
    pub fn news(&mut self) -> Result<Vec<Event>, HostError> {
        if self.host.stat(&self.file)?.is_none() {
            return Ok(Vec::new());
        }
        let bytes = self.host.read_from(&self.file, self.offset, MOST_BYTES)?;
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        self.offset += whole as u64;
        let lines = bytes[..whole].split(|byte| *byte == b'\n');
        Ok(lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect())
    }
}
