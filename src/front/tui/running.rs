//! A run as it goes on, gathered from its events. The same events give the same picture, from
//! whichever point on they are read.

use crate::error::Exit;
use crate::event::{Event, Happening, StepEnd, Switch};
use crate::receipt::Outcome;
use crate::report::Row;
use crate::values::RunId;

#[derive(Debug, Default)]
pub(super) struct Running {
    pub(super) run: Option<RunId>,
    /// When it began: seconds since 1970.
    pub(super) began: Option<i64>,
    /// Seconds since 1970, as far as this screen was told.
    pub(super) now: i64,
    pub(super) steps: Vec<StepLine>,
    pub(super) said: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// All of it is put back at this time, seconds since 1970, unless somebody keeps it.
    pub(super) until: Option<i64>,
    /// What puts it back where its worker cannot.
    pub(super) switch: Option<Switch>,
    /// How many addresses have come back, of those that were connected before.
    pub(super) came_back: Option<(usize, usize)>,
    pub(super) putting_back: Option<String>,
    pub(super) ended: Option<Ended>,
}

#[derive(Debug)]
pub(super) struct StepLine {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) state: StepState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StepState {
    ToCome,
    Going {
        /// Seconds since 1970.
        since: i64,
    },
    Over {
        how: StepEnd,
        detail: String,
        milliseconds: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) exit: u8,
    pub(super) problem: Option<String>,
}

impl Running {
    pub(super) fn take(&mut self, event: Event) {
        self.now = self.now.max(event.at);
        match event.what {
            Happening::Started { run, steps, .. } => {
                self.run = Some(run);
                self.began = Some(event.at);
                self.steps = steps
                    .into_iter()
                    .map(|(id, title)| StepLine {
                        id,
                        title,
                        state: StepState::ToCome,
                    })
                    .collect();
            }
            Happening::StepBegan { step } => {
                self.set(&step, StepState::Going { since: event.at });
            }
            Happening::Said { text, .. } => self.said.push(text),
            Happening::Proved { row } => self.rows.push(row),
            Happening::StepEnded {
                step,
                how,
                detail,
                milliseconds,
            } => self.set(
                &step,
                StepState::Over {
                    how,
                    detail,
                    milliseconds,
                },
            ),
            Happening::Armed { switch } => self.switch = Some(switch),
            Happening::Waiting { seconds } => self.until = Some(event.at + i64::from(seconds)),
            Happening::CameBack { back, of } => self.came_back = Some((back, of)),
            Happening::PuttingBack { why } => {
                self.until = None;
                self.putting_back = Some(why);
            }
            Happening::Ended {
                outcome,
                exit,
                problem,
            } => {
                self.until = None;
                self.ended = Some(Ended {
                    outcome,
                    exit,
                    problem,
                });
            }
        }
    }

    /// A step that nobody announced is one all the same.
    fn set(&mut self, id: &str, state: StepState) {
        match self.steps.iter_mut().find(|step| step.id == id) {
            Some(step) => step.state = state,
            None => self.steps.push(StepLine {
                id: id.to_owned(),
                title: id.to_owned(),
                state,
            }),
        }
    }

    /// Whether it is done and proven, and waits to be kept.
    pub(super) fn waits(&self) -> bool {
        self.until.is_some()
    }

    /// The worker is gone without a word: the host is in between.
    pub(super) fn lost(&mut self, why: String) {
        self.until = None;
        self.ended = Some(Ended {
            outcome: Outcome::Incomplete,
            exit: Exit::Incomplete as u8,
            problem: Some(why),
        });
    }

    /// Whether the run proves anything: not where it touched no running service.
    pub(super) fn has_proof(&self) -> bool {
        self.steps.iter().any(|step| step.id == "prove")
    }

    /// Whether all it does is have the error log tell more.
    pub(super) fn raises_level(&self) -> bool {
        self.steps.iter().any(|step| step.id == "reload") && !self.has_proof()
    }

    /// Whether certificates are laid out for agents, and nothing else is done.
    pub(super) fn hands_out(&self) -> bool {
        let only = |step: &StepLine| matches!(step.id.as_str(), "issue" | "place");
        self.steps.iter().all(only)
    }

    /// The connections that came out otherwise than they must.
    pub(super) fn disproved(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.ok == Some(false))
    }

    pub(super) fn is_over(&self) -> bool {
        self.ended.is_some()
    }
}
