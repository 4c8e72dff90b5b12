//! What would be done for what is entered so far, and how it would look on disk.

use crate::answers::{Entered, Goal, Refusal};
use crate::error::Problem;
use crate::facts::Facts;
use crate::method::Method;
use crate::plan::{self, Plan, Status};
use crate::preview::{self, FilePreview};

use crate::values::sort_by_key;

/// Made anew with every change of an answer: planning is pure, and cheap enough for that.
#[derive(Default)]
pub(super) enum Outlook {
    /// The host is still being looked at.
    #[default]
    Unknown,
    /// Answers are missing or will not do. The plan is one with fillers for what is missing,
    /// where one can be made at all: it is shown and never carried out.
    Open {
        refusals: Vec<Refusal>,
        sketch: Option<Sketch>,
    },
    /// The answers will do, and this host cannot carry them.
    Unfit(Problem),
    Ready(Box<(Goal, Sketch)>),
}

/// A plan, and its files as they are shown: those that change, nginx's first.
pub(super) struct Sketch {
    pub(super) plan: Plan,
    pub(super) files: Vec<FilePreview>,
}

impl Outlook {
    pub(super) fn of(facts: &Facts, entered: &Entered) -> Self {
        match entered.check() {
            Ok(goal) if goal.is_unseen(facts) => Self::Open {
                refusals: Vec::new(),
                sketch: without_files(facts, entered),
            },
            Ok(answers) => match plan::for_goal(facts, &answers) {
                Ok(plan) => Self::Ready(Box::new((answers, Sketch::of(plan)))),
                Err(problem) => Self::Unfit(problem),
            },
            Err(refusals) => {
                let filled = filled(facts, entered);
                let sketch = match filled.check() {
                    Ok(goal) if !goal.is_unseen(facts) => sketched(facts, &filled),
                    _ => without_files(facts, &filled),
                };
                Self::Open { refusals, sketch }
            }
        }
    }

    /// The same where the log is to tell more, whatever is entered.
    pub(super) fn of_log_level(facts: &Facts) -> Self {
        match plan::for_goal(facts, &Goal::LogLevel) {
            Ok(plan) => Self::Ready(Box::new((Goal::LogLevel, Sketch::of(plan)))),
            Err(problem) => Self::Unfit(problem),
        }
    }

    pub(super) fn sketch(&self) -> Option<&Sketch> {
        match self {
            Self::Open { sketch, .. } => sketch.as_ref(),
            Self::Ready(ready) => Some(&ready.1),
            Self::Unknown | Self::Unfit(_) => None,
        }
    }

    pub(super) fn plan(&self) -> Option<&Plan> {
        match self {
            Self::Ready(ready) => Some(&ready.1.plan),
            _ => None,
        }
    }

    /// What is wrong with the answer to a field.
    pub(super) fn refusal(&self, field: &str) -> Option<&str> {
        let Self::Open { refusals, .. } = self else {
            return None;
        };
        let concerns = |refusal: &&Refusal| {
            let rest = field.strip_prefix(refusal.field.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        refusals
            .iter()
            .find(concerns)
            .map(|refusal| refusal.why.as_str())
    }
}

/// Puts what the facts suggest where nothing was answered yet: once, when the facts come. What
/// the operator takes out later stays out.
pub(super) fn suggest(facts: &Facts, entered: &mut Entered) {
    if entered.get("method").is_empty() {
        let table = crate::method::table(crate::method::generation_of(facts));
        let fitting = table
            .into_iter()
            .filter(|cell| matches!(crate::method::fits(cell, facts), Some(Ok(()))));
        // The last row that fits gives the most; health checks are for who asks for them.
        let mutual = |cell: &crate::method::Cell| cell.method == Method::ClientMtls;
        if let Some(cell) = fitting.max_by_key(|cell| (mutual(cell), cell.proxy)) {
            entered.set("method", &cell.method.to_string());
            entered.set("proxy", &cell.proxy.to_string());
        }
    }
    for question in &crate::questions::QUESTIONS {
        if entered.get(question.field).is_empty()
            && let crate::questions::Asked::Yes { suggestion } = question.asked(facts, entered)
        {
            entered.set(question.field, &suggestion);
        }
    }
}

/// What is not answered yet, or will not do, is taken from here for the preview.
fn filled(facts: &Facts, entered: &Entered) -> Entered {
    use crate::questions::{Asked, QUESTIONS};
    let mut filled = entered.clone();
    for question in &QUESTIONS {
        let text = entered.get(question.field);
        if text.is_empty() || question.objection(text).is_some() {
            match question.asked(facts, entered) {
                Asked::Yes { suggestion } => filled.set(question.field, &suggestion),
                Asked::No { .. } => filled.set(question.field, ""),
            }
        }
    }
    for (field, filler) in [
        ("manager_name", FILLER),
        ("method", "client-mtls"),
        ("proxy", "nginx-oss"),
        (
            "generation",
            &crate::method::generation_of(facts).to_string(),
        ),
    ] {
        if filled.get(field).is_empty() {
            filled.set(field, filler);
        }
    }
    filled
}

fn sketched(facts: &Facts, entered: &Entered) -> Option<Sketch> {
    let goal = entered.check().ok()?;
    plan::for_goal(facts, &goal).ok().map(Sketch::of)
}

/// Of an instance whose files nobody has looked at: how its settings would look without them.
fn without_files(facts: &Facts, entered: &Entered) -> Option<Sketch> {
    let mut entered = entered.clone();
    entered.set("certificates.agent.bundle", "");
    for field in ["source", "ca_cert", "ca_key"] {
        entered.set(&format!("certificates.clients.{field}"), "");
    }
    entered.set("method", &Method::SslTermination.to_string());
    sketched(facts, &entered)
}

/// Stands for a name that is not there yet. `.invalid` is nobody's, ever (RFC 2606).
pub(super) const FILLER: &str = "name-to-come.invalid";

impl Sketch {
    fn of(plan: Plan) -> Self {
        let mut files = preview::files(&plan);
        files.retain(|file| file.status != Status::Unchanged);
        // What the operator knows comes first: changed files, then new ones.
        sort_by_key(&mut files, |file| {
            (file.status != Status::Change, file.diff.is_none())
        });
        Self { plan, files }
    }
}
