//! What can happen to the screen, and what the screen can ask for: both as data.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::key::Key;
use crate::answers::Goal;
use crate::doctor::Diagnosis;
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
    /// The logs were read.
    Examined(Box<Result<Diagnosis, String>>),
}

pub(super) enum Effect {
    /// Look at the host, with the names of these answers where there are some.
    Look(Option<Box<Goal>>),
    /// Start the run and follow it.
    Start {
        answers: Box<Goal>,
        /// As they were typed.
        text: String,
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
    /// Read the logs, lines from this time on (seconds since 1970).
    Examine(Option<i64>),
    Save {
        file: PathBuf,
        text: String,
    },
    /// Leave with this exit code.
    Quit(u8),
}
