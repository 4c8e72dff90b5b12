//! Everything the screen shows, as plain data: no terminal, no clock, no host.

use zeroize::Zeroizing;

use super::super::diagnosis::Examined;
use super::super::outlook::Outlook;
use super::super::outward::Outward;
use super::super::standing::Standing;
use super::super::words;
use super::edit::Edit;
use super::look::Look;
use super::message::Wanted;
use super::running::Running;
use crate::answers::Entered;
use crate::facts::{Facts, Generation};
use crate::method::{self, Cell};
use crate::prerequisites::Check;
use crate::questions::Step;
use crate::values::RunId;

pub(super) struct Model {
    pub(super) look: Look,
    /// Columns and rows of the terminal.
    pub(super) size: (u16, u16),
    /// `None`: the host is being looked at.
    pub(super) facts: Option<Facts>,
    pub(super) checks: Vec<Check>,
    pub(super) entered: Entered,
    pub(super) task: Task,
    pub(super) step: Step,
    /// Which stop of the step has the focus; see [`stops`](super::stops).
    pub(super) focus: usize,
    /// The line that is being edited, where the focus is on a text field.
    pub(super) edit: Option<Edit>,
    /// Something was typed that nothing was planned for yet.
    pub(super) typed: bool,
    pub(super) secret: Secret,
    pub(super) outlook: Outlook,
    pub(super) preview: Preview,
    /// The first line of the step to be shown, where somebody has scrolled there.
    pub(super) scroll: Option<usize>,
    pub(super) overlay: Option<Overlay>,
    /// `None`: not asked for yet, or still being made.
    pub(super) diagnosis: Option<Result<Examined, String>>,
    pub(super) reading: Reading,
    pub(super) running: Option<Running>,
    /// How many clients were connected when the work began, where that could be told.
    pub(super) connected_before: Option<usize>,
    /// One line about what was just done or refused; gone with the next key.
    pub(super) notice: Option<Notice>,
    /// What makes a command, as it is shown, act on this host too.
    pub(super) outward: Outward,
    /// The folder where the files of agents wait to be fetched.
    pub(super) issued: String,
    /// The folder of a host for practice, which goes away with this screen.
    pub(super) practice: Option<String>,
}

/// What the steps from Files on are about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Task {
    /// What was answered.
    #[default]
    Answers,
    /// The error log tells more for a while.
    LogLevel,
}

/// Logs that are being read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) wanted: Wanted,
    /// How far it is.
    pub(super) words: String,
    /// What was seen so far.
    pub(super) seen: Vec<String>,
    /// It was said that a repair would take the place of what was answered.
    pub(super) warned: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) text: String,
    pub(super) refusal: bool,
}

/// What lies over the step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Overlay {
    /// From this line on.
    Help(usize),
    /// Why the line under the cursor of the preview is there; from this line on.
    Why(usize),
    /// What the logs say; from this line on.
    Troubleshoot(usize),
    Save(Edit),
    Search(Edit),
    /// A run was cut short before this screen was opened; what is known of it.
    CutShort(RunId, String),
    Quit,
}

/// The preview pane: which file, from which line, in which form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Preview {
    pub(super) file: usize,
    /// The line under the cursor, counted in the lines that are shown.
    pub(super) line: usize,
    pub(super) whole_file: bool,
    /// In place of the step, not beside or below it.
    pub(super) full: bool,
    pub(super) searched: String,
}

/// A passphrase as it is typed, twice. It is never shown and never written down.
#[derive(Default)]
pub(super) struct Secret {
    pub(super) first: Zeroizing<String>,
    pub(super) again: Zeroizing<String>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Said until the host was looked at.
pub(super) const LOOKING: &str = "Looking again ...";

/// Nothing is left of a practice host that a command could put back.
pub(super) const WAY_BACK_IN_PRACTICE: &str =
    "the button \"Put everything back now\" on step 8; when you leave, the practice host goes away";

impl Model {
    /// The answers whose plan mends something of what was found.
    pub(super) fn repair(&self) -> Option<&Standing> {
        let examined = self.diagnosis.as_ref()?.as_ref().ok()?;
        examined.repair()
    }

    /// Whether the log could be made to tell more. Nothing refuses anybody on a practice host.
    pub(super) fn can_raise(&self) -> bool {
        let examined = self.diagnosis.as_ref().and_then(|made| made.as_ref().ok());
        self.practice.is_none() && examined.is_some_and(Examined::can_raise)
    }

    /// What others are to sign or to bring before the plan can go on.
    pub(super) fn awaited(&self) -> Vec<&str> {
        let plan = self.outlook.plan();
        plan.map_or_else(Vec::new, words::awaited)
    }

    /// The comparison table that concerns this host, row by row.
    pub(super) fn table(&self) -> Vec<Cell> {
        let generation = self.facts.as_ref().map(method::generation_of);
        method::table(generation.unwrap_or(Generation::Nim2))
    }

    pub(super) fn new(look: Look, size: (u16, u16), entered: Entered, outward: Outward) -> Self {
        Self {
            look,
            size,
            facts: None,
            checks: Vec::new(),
            entered,
            task: Task::default(),
            step: Step::Host,
            focus: 0,
            edit: None,
            typed: false,
            secret: Secret::default(),
            outlook: Outlook::default(),
            preview: Preview::default(),
            scroll: None,
            overlay: None,
            diagnosis: None,
            reading: Reading::default(),
            running: None,
            connected_before: None,
            notice: None,
            outward,
            issued: String::new(),
            practice: None,
        }
    }

    /// How all of it is put back later.
    pub(super) fn way_back(&self) -> String {
        if self.practice.is_some() {
            format!("{WAY_BACK_IN_PRACTICE}.")
        } else {
            format!("nim-tls rollback{}", self.outward.options())
        }
    }

    /// What a run does without its screen.
    pub(super) fn without_screen(&self) -> String {
        if self.practice.is_some() {
            words::PRACTICE_GOES.to_owned()
        } else if self.waits() {
            format!(
                "If you leave, all of it is put back when the time is over, unless somebody keeps \
                 it: nim-tls confirm{}",
                self.outward.options()
            )
        } else {
            "You can close this screen or lose the line: the work goes on in a process of its own. \
             nim-tls watch shows it again."
                .to_owned()
        }
    }

    /// Whether a run is done and proven, and waits to be kept.
    pub(super) fn waits(&self) -> bool {
        self.running.as_ref().is_some_and(Running::waits)
    }

    /// Whether a run goes on, and its time with it.
    pub(super) fn is_at_work(&self) -> bool {
        self.running.as_ref().is_some_and(|run| !run.is_over())
    }

    /// Whether this step of a run is only simulated on a practice host.
    pub(super) fn simulates(&self, step: &str) -> bool {
        self.practice.is_some() && matches!(step, "test" | "trust" | "reload" | "end-old-workers")
    }

    /// How many clients are connected, as far as the last look could tell.
    pub(super) fn connected(&self) -> Option<usize> {
        let connected = self.facts.as_ref()?.connected.is()?;
        Some(connected.len())
    }

    pub(super) fn tell(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice {
            text: text.into(),
            refusal: false,
        });
    }

    pub(super) fn refuse(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice {
            text: text.into(),
            refusal: true,
        });
    }
}
