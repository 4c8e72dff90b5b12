//! From step to step: what lets a step be left, and what the buttons do.

use super::super::super::outlook::Outlook;
use super::super::super::words;
use super::super::message::Effect;
use super::super::model::{LOOKING, Model, Overlay, Task};
use super::super::running::Running;
use super::super::stops::{Button, Stop, needs_passphrase, stops};
use super::{focus_on, replan};
use crate::answers::Goal;
use crate::error::Problem;
use crate::plan::{Plan, hand_out_only};
use crate::prerequisites::Status;
use crate::questions::Step;
use crate::worker::Word;

/// Shows a step, with the focus where it should be first.
pub(super) fn go(model: &mut Model, step: Step) {
    if step < Step::Files && model.task != Task::Answers {
        // Whoever goes back goes back to the answers.
        model.task = Task::Answers;
        replan(model);
    }
    model.step = step;
    model.edit = None;
    model.scroll = None;
    model.preview.full = false;
    model.preview.whole_file = false;
    let first = match step {
        // On what was chosen; on the harmless button where something would change.
        Step::Method => chosen_cell(model).unwrap_or(4),
        Step::Prerequisites => first_failed(model),
        Step::Verify if model.waits() => 1,
        Step::Host
        | Step::Names
        | Step::Certificates
        | Step::Files
        | Step::Apply
        | Step::Verify => 0,
    };
    focus_on(model, first);
}

fn chosen_cell(model: &Model) -> Option<usize> {
    let (method, proxy) = (model.entered.get("method"), model.entered.get("proxy"));
    model
        .table()
        .iter()
        .position(|cell| cell.method.to_string() == method && cell.proxy.to_string() == proxy)
}

/// The first thing that stops the operator; else the button that goes on.
fn first_failed(model: &Model) -> usize {
    let all = stops(model);
    let failed = |stop: &Stop| matches!(stop, Stop::Check(index) if model.checks[*index].status == Status::Failed);
    let next = |stop: &Stop| matches!(stop, Stop::Button(Button::Next));
    all.iter()
        .position(failed)
        .or_else(|| all.iter().position(next))
        .unwrap_or(0)
}

pub(super) fn back(model: &mut Model) -> Vec<Effect> {
    if let Some(running) = &model.running {
        model.tell(if running.waits() {
            "It is done, and waits to be kept. Esc does not undo it: press Keep, or Put everything \
             back."
        } else if running.is_over() {
            "The run is over. Press Done to leave, or Put everything back."
        } else {
            "The work goes on; Esc does not stop it."
        });
        return Vec::new();
    }
    match model.step.number() {
        1 => model.tell("This is the first step; q leaves."),
        number => go(model, Step::ALL[number - 2]),
    }
    Vec::new()
}

/// The next step, if this one has what it needs.
pub(super) fn forward(model: &mut Model) -> Vec<Effect> {
    if model.facts.is_none() {
        model.tell("The host is still being looked at.");
        return Vec::new();
    }
    let stopped = model
        .checks
        .iter()
        .filter(|check| check.status == Status::Failed)
        .count();
    if model.step == Step::Prerequisites && stopped > 0 {
        model.refuse(format!(
            "{stopped} of these must be mended first; each names a command that helps"
        ));
        return Vec::new();
    }
    if model.step == Step::Files && model.outlook.plan().is_none() {
        model.refuse(why_no_plan(&model.outlook));
        return Vec::new();
    }
    let left = model.step;
    if let Some(next) = Step::ALL.get(model.step.number()) {
        go(model, *next);
    }
    // With the names known, the host can be asked what they resolve to.
    if matches!(left, Step::Names | Step::Certificates) && model.entered.check().is_ok() {
        return vec![look(model)];
    }
    Vec::new()
}

/// A look at the host, with the names of the answers where they will do; by what was answered, not
/// by what could be planned: a name that will not do must go on being looked up.
pub(super) fn look(model: &Model) -> Effect {
    let goal = match model.task {
        Task::Answers => model.entered.check().ok(),
        Task::LogLevel => Some(Goal::LogLevel),
    };
    Effect::Look(goal.map(Box::new))
}

fn why_no_plan(outlook: &Outlook) -> String {
    match outlook {
        Outlook::Open { refusals, .. } => refusals.first().map_or_else(String::new, |refusal| {
            format!("{} {}", refusal.field, refusal.why)
        }),
        Outlook::Unfit(problem) => problem.what.clone(),
        Outlook::Unknown | Outlook::Ready(_) => "The host is still being looked at.".to_owned(),
    }
}

/// Enter in a form: on, or to the first field that needs something.
pub(super) fn accept(model: &mut Model) -> Vec<Effect> {
    replan(model);
    for (index, stop) in stops(model).into_iter().enumerate() {
        let objection = match stop {
            Stop::Field(question) => {
                let text = model.entered.get(question.field);
                let typed = question.objection(text);
                typed.or_else(|| model.outlook.refusal(question.field).map(str::to_owned))
            }
            Stop::Secret(false) if model.secret.first.is_empty() => {
                Some("A passphrase is needed: it protects the key of the authority".to_owned())
            }
            Stop::Secret(true) if *model.secret.first != *model.secret.again => {
                Some("The two passphrases differ; type the same again".to_owned())
            }
            _ => None,
        };
        if let Some(why) = objection {
            focus_on(model, index);
            model.refuse(why);
            return Vec::new();
        }
    }
    forward(model)
}

pub(super) fn button(model: &mut Model, button: Button) -> Vec<Effect> {
    match button {
        Button::Next => forward(model),
        Button::Back => back(model),
        Button::CheckAgain => {
            model.tell(LOOKING);
            vec![look(model)]
        }
        Button::HandOut => start(model, hand_out_only),
        Button::Yes => start(model, |plan| Ok(plan.clone())),
        Button::Keep => say(model, Word::Keep),
        Button::NotYet => {
            model.tell(LOOKING);
            vec![look(model)]
        }
        Button::PutBack if model.waits() => {
            model.tell("Putting everything back ...");
            say(model, Word::PutBack)
        }
        // What was done stays on the screen until the way back has really begun.
        Button::PutBack => {
            model.tell("Putting everything back ...");
            let run = model
                .running
                .as_ref()
                .and_then(|running| running.run.clone());
            run.map(Effect::PutBack).into_iter().collect()
        }
        // Who presses Enter once too often stays.
        Button::Leave => quit(model),
        Button::Done => {
            let ended = model.running.as_ref().and_then(|run| run.ended.as_ref());
            vec![Effect::Quit(ended.map_or(0, |ended| ended.exit))]
        }
    }
}

/// Tells the run that waits what shall become of it.
fn say(model: &Model, word: Word) -> Vec<Effect> {
    let run = model.running.as_ref().and_then(|run| run.run.clone());
    run.map(|run| Effect::Say(run, word)).into_iter().collect()
}

/// Begins the plan, or the part of it that `part` takes.
fn start(model: &mut Model, part: fn(&Plan) -> Result<Plan, Problem>) -> Vec<Effect> {
    if needs_passphrase(model).is_some() && model.secret.first.is_empty() {
        go(model, Step::Certificates);
        return accept(model);
    }
    let Outlook::Ready(ready) = &model.outlook else {
        model.refuse(why_no_plan(&model.outlook));
        return Vec::new();
    };
    let answers = Box::new(ready.0.clone());
    let plan = match part(&ready.1.plan) {
        Ok(plan) => Box::new(plan),
        Err(problem) => {
            model.refuse(problem.what);
            return Vec::new();
        }
    };
    if plan.is_empty() {
        model.tell(words::nothing_to_do(&plan));
        return Vec::new();
    }
    let passphrase = std::mem::take(&mut model.secret.first);
    model.secret.again = String::new().into();
    model.running = Some(Running::default());
    model.connected_before = model.connected();
    model.focus = 0;
    vec![Effect::Start {
        text: match model.task {
            Task::Answers => Some(model.entered.to_yaml()),
            Task::LogLevel => None,
        },
        answers,
        plan,
        passphrase,
    }]
}

/// Leaves at once where there is nothing to lose, else asks.
pub(super) fn quit(model: &mut Model) -> Vec<Effect> {
    if model.step <= Step::Method && !model.is_at_work() {
        return vec![Effect::Quit(0)];
    }
    if model.running.as_ref().is_some_and(Running::is_over) {
        return button(model, Button::Done);
    }
    model.overlay = Some(Overlay::Quit);
    Vec::new()
}
