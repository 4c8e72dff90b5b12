//! What a run tells while it works: one JSON line each, enough to redraw a screen from nothing.

use serde::{Deserialize, Serialize};

use crate::receipt::Outcome;
use crate::report::Row;
use crate::values::RunId;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Seconds since 1970.
    pub at: i64,
    pub what: Happening,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happening {
    Started {
        run: RunId,
        command: String,
        pid: u32,
        /// Every step to come: id and title.
        steps: Vec<(String, String)>,
    },
    StepBegan {
        step: String,
    },
    /// Something worth a line while a step goes on.
    Said {
        step: String,
        text: String,
    },
    /// One connection of the proof.
    Proved {
        row: Row,
    },
    StepEnded {
        step: String,
        how: StepEnd,
        detail: String,
        milliseconds: u64,
    },
    /// What puts it all back where the worker cannot. Said before anything is changed.
    Armed {
        switch: Switch,
    },
    /// All is done. Unless somebody says within so many seconds that it shall stay, all
    /// of it is put back.
    Waiting {
        seconds: u32,
    },
    /// While it waits: how many of the addresses that were connected before the change have
    /// come through the new rules since.
    CameBack {
        back: usize,
        of: usize,
    },
    /// Something failed; from here on everything is put back.
    PuttingBack {
        why: String,
    },
    Ended {
        outcome: Outcome,
        /// The exit code of the command.
        exit: u8,
        problem: Option<String>,
    },
}

/// What puts a run back that waits to be kept, besides its worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Switch {
    /// Something that a restart of the machine does not stop either.
    Restart,
    /// Another process of this machine.
    Process,
    Nothing {
        why: String,
    },
}

impl Switch {
    /// To follow "all of it is put back".
    pub fn in_words(&self) -> &'static str {
        match self {
            Self::Restart => "even after a kill or a restart",
            Self::Process => "even after a kill, but not after a restart",
            Self::Nothing { .. } => "but not after a kill or a restart",
        }
    }

    /// Why there is none.
    pub fn why_not(&self) -> Option<&str> {
        match self {
            Self::Nothing { why } => Some(why),
            Self::Restart | Self::Process => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepEnd {
    Done,
    Warned,
    Skipped,
    Failed,
}
