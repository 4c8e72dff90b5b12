//! What can happen to the screen, and what the screen can ask for: both as data.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zeroize::Zeroizing;

use super::super::diagnosis::Examined;
use super::key::Key;
use crate::answers::Goal;
use crate::event::Event;
use crate::facts::Facts;
use crate::plan::Plan;
use crate::values::RunId;
use crate::worker::Word;

pub(super) enum Message {
    Key(Key),
    Pasted(String),
    Resized(u16, u16),
    /// The time, in seconds since 1970: told while a run is at work.
    Second(i64),
    /// The host was looked at.
    Looked(Box<Facts>),
    /// The run told something.
    Happened(Event),
    /// What was asked for could not be done, or the worker is gone without a word: why.
    Failed(String),
    Saved(Result<String, String>),
    /// A word to a run could not be written down: why.
    Unheard(String),
    /// How far the reading of the logs is, in words.
    Reading(String),
    /// Something was seen in a log: its title.
    Seen(String),
    /// The logs were read.
    Examined(Box<Result<Examined, String>>),
}

pub(super) enum Effect {
    /// Look at the host, with the names of these answers where there are some.
    Look(Option<Box<Goal>>),
    /// Start the run and follow it.
    Start {
        answers: Box<Goal>,
        /// As they were typed, where they were.
        text: Option<String>,
        /// As it was shown.
        plan: Box<Plan>,
        passphrase: Zeroizing<String>,
    },
    /// Follow a run that somebody else has started, from its beginning.
    Attach(RunId),
    /// Tell a run that waits to be kept what shall become of it.
    Say(RunId, Word),
    /// Undo this run, and follow that.
    PutBack(RunId),
    /// Read the logs, lines from this time on (seconds since 1970), as long as that is wanted.
    Examine(Option<i64>, Wanted),
    Save {
        file: PathBuf,
        text: String,
    },
    /// Leave with this exit code.
    Quit(u8),
}

/// Whether what was asked for is still wanted; both sides hold it.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted(Arc<AtomicBool>);

impl Wanted {
    pub(super) fn is_so(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }

    pub(super) fn call_off(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
