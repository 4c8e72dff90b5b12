//! Where the focus can be: the stops of each step, in the order in which Tab visits them.

use super::super::passphrase::{self, Need};
use super::model::Model;
use crate::plan::hand_out_only;
use crate::prerequisites::Status;
use crate::questions::{Asked, Kind, QUESTIONS, Question, Step};

#[derive(Debug, Clone, Copy)]
pub(super) enum Stop {
    /// A prerequisite that is not simply fine.
    Check(usize),
    /// A cell of the comparison table, row by row.
    Cell(usize),
    Field(&'static Question),
    /// The passphrase; `true`: again.
    Secret(bool),
    /// A file of the plan.
    File(usize),
    Button(Button),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Button {
    CheckAgain,
    Next,
    Back,
    HandOut,
    Yes,
    Keep,
    NotYet,
    PutBack,
    Leave,
    Done,
}

impl Button {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::CheckAgain => "Check again",
            Self::Next => "Next",
            Self::Back => "Back",
            Self::HandOut => "Issue and hand out only",
            Self::Yes => "Yes, change this host",
            Self::Keep => "Keep",
            Self::NotYet => "Not yet",
            Self::PutBack => "Put everything back now",
            Self::Leave => "Leave, let it go on",
            Self::Done => "Done",
        }
    }
}

impl Stop {
    /// Whether letters are text here.
    pub(super) fn is_text(self) -> bool {
        match self {
            Self::Field(question) => {
                matches!(
                    question.kind,
                    Kind::Name | Kind::NameOrNone | Kind::Names | Kind::HostNames | Kind::Path
                )
            }
            Self::Secret(_) => true,
            _ => false,
        }
    }
}

pub(super) fn stops(model: &Model) -> Vec<Stop> {
    match model.step {
        Step::Host => vec![Stop::Button(Button::Next)],
        Step::Prerequisites => {
            let lines = model.checks.iter().enumerate();
            let lines = lines.filter(|(_, check)| check.status != Status::Ok);
            let mut stops: Vec<Stop> = lines.map(|(index, _)| Stop::Check(index)).collect();
            stops.extend([Stop::Button(Button::CheckAgain), Stop::Button(Button::Next)]);
            stops
        }
        Step::Method => (0..model.table().len()).map(Stop::Cell).collect(),
        Step::Names => fields(model).collect(),
        Step::Certificates => {
            let mut stops: Vec<Stop> = fields(model).collect();
            if needs_passphrase(model).is_some() {
                stops.push(Stop::Secret(false));
            }
            if needs_passphrase(model) == Some(true) {
                stops.push(Stop::Secret(true));
            }
            stops
        }
        Step::Files => {
            let count = model
                .outlook
                .sketch()
                .map_or(0, |sketch| sketch.files.len());
            let mut stops: Vec<Stop> = (0..count).map(Stop::File).collect();
            stops.push(Stop::Button(Button::Next));
            stops
        }
        Step::Apply => match &model.running {
            None => {
                let mut stops = vec![Stop::Button(Button::Back)];
                let plan = model.outlook.plan();
                if plan.is_some_and(|plan| hand_out_only(plan).is_ok()) {
                    stops.push(Stop::Button(Button::HandOut));
                }
                stops.push(Stop::Button(Button::Yes));
                stops
            }
            Some(running) if running.is_over() => vec![Stop::Button(Button::Done)],
            Some(_) => vec![Stop::Button(Button::Leave)],
        },
        Step::Verify if model.waits() => [Button::Keep, Button::NotYet, Button::PutBack]
            .map(Stop::Button)
            .to_vec(),
        Step::Verify => vec![Stop::Button(Button::Done), Stop::Button(Button::PutBack)],
    }
}

fn fields(model: &Model) -> impl Iterator<Item = Stop> {
    let asked = |question: &&Question| {
        question.step == model.step
            && model.facts.as_ref().is_some_and(|facts| {
                matches!(question.asked(facts, &model.entered), Asked::Yes { .. })
            })
    };
    QUESTIONS.iter().filter(asked).map(Stop::Field)
}

/// Whether this plan signs with a key under a passphrase; `true`: a new one, to be typed twice.
pub(super) fn needs_passphrase(model: &Model) -> Option<bool> {
    let need = passphrase::need(&model.outlook.sketch()?.plan)?;
    Some(need == Need::New)
}

/// The stop that has the focus.
pub(super) fn focused(model: &Model) -> Option<Stop> {
    let stops = stops(model);
    stops
        .get(model.focus.min(stops.len().saturating_sub(1)))
        .copied()
}
