//! What a run tells while it works: one JSON line each, enough to redraw a screen from nothing.

use serde::{Deserialize, Serialize};

use crate::receipt::Outcome;
use crate::report::Row;
use crate::values::RunId;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Seconds since 1970.
    pub at: i64,
    #[serde(flatten)]
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
    /// All is done. Unless somebody says within so many seconds that it shall stay, all
    /// of it is put back.
    Waiting {
        seconds: u32,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepEnd {
    Done,
    Warned,
    Skipped,
    Failed,
}
