//! The words of what lies over a step.

use super::super::{diagnosis, words};
use super::command::IN_WORDS;
use super::help;
use super::model::{Model, Overlay, WAY_BACK_IN_PRACTICE};
use super::pane::{self, Kind};
use super::running::Running;
use crate::questions::{QUESTIONS, Question, Step};
use crate::values::{cell, escaped, wrapped};

pub(super) fn title(over: &Overlay) -> &'static str {
    match over {
        Overlay::Help(_) => "Help (Up and Down scroll, any other key closes it)",
        Overlay::Why(_) => "Why this line (Up and Down scroll, any other key closes it)",
        Overlay::Troubleshoot(_) => "Troubleshoot: what is wrong",
        Overlay::CutShort(..) => "A run was cut short: this host is in between",
        Overlay::Quit => "Leave?",
        Overlay::Save(_) => "Save the answers (Enter saves, Esc does not)",
        Overlay::Search(_) => "Find in this file (Enter finds, Esc does not; n and N go on)",
    }
}

/// The lines below the title, on a screen of this width.
pub(super) fn lines(model: &Model, over: &Overlay, width: usize) -> Vec<String> {
    let text = match over {
        // It is made for this width, with columns of its own.
        Overlay::Troubleshoot(_) => {
            let text = troubles(model, width.saturating_sub(2));
            return text.lines().map(escaped).collect();
        }
        Overlay::Help(_) => help(model),
        Overlay::Why(_) => why(model),
        Overlay::CutShort(_, words) => format!(
            "{words}\ny or Enter: put everything back now, and see how it goes. q: leave it as it \
             is."
        ),
        Overlay::Quit => quit(model),
        Overlay::Save(_) => "File name. nim-tls apply --answers FILE takes it, on this host or \
                             another; no passphrase is in it."
            .to_owned(),
        Overlay::Search(_) => "Text to look for; upper and lower case are the same.".to_owned(),
    };
    text.lines()
        .flat_map(|line| cell(&escaped(line), width.saturating_sub(2)))
        .collect()
}

/// What came out wrong, and what the logs say.
fn troubles(model: &Model, width: usize) -> String {
    let mut text = String::new();
    let wrong = model.running.iter().flat_map(Running::disproved);
    for row in wrong {
        let words = format!(
            "{}, {}: expected {}, seen {}",
            row.leg, row.case, row.expected, row.seen
        );
        text.push_str(&wrapped("The proof: ", &words, width));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    match &model.diagnosis {
        None => {
            text.push_str("Reading the logs of nginx and of the agent ... (Esc calls it off)\n");
            text.push_str(&wrapped("", &model.reading.words, width));
            for title in &model.reading.seen {
                text.push_str(&wrapped("seen: ", title, width));
            }
        }
        Some(Err(why)) => text.push_str(why),
        Some(Ok(examined)) => {
            text.push_str(&diagnosis::mends(examined, width));
            if model.can_raise() {
                let words = "shows a plan by which the error log tells more of refused clients for \
                             five minutes, and changes nothing yet";
                text.push_str(&format!("{}\n", wrapped("m: ", words, width)));
            }
            text.push_str(&diagnosis::text(&examined.diagnosis, width));
        }
    }
    text
}

fn why(model: &Model) -> String {
    if let Some(reason) = pane::reason(model) {
        return match pane::guide(model) {
            Some(erratum) => format!("{reason}\n{}", words::of_guide(erratum)),
            None => reason.to_owned(),
        };
    }
    let lines = pane::lines(model);
    let kind = lines.get(model.preview.line).map(|line| line.kind);
    match kind {
        Some(Kind::Added) => "This line is new: the file is ours, and written as a whole.",
        Some(Kind::Removed) => "This line goes: what stands beside it takes its place.",
        Some(Kind::Same) => "This line stands in the file already, and stays as it is.",
        Some(Kind::Note) | None => "There is no line here to explain.",
    }
    .to_owned()
}

fn quit(model: &Model) -> String {
    let at_work = model
        .running
        .as_ref()
        .is_some_and(|running| !running.is_over());
    if at_work {
        format!(
            "{}\ny or Enter: leave. Any other key: stay.",
            model.without_screen()
        )
    } else if model.practice.is_some() {
        "Nothing has been changed, and the practice host goes away.\ny or Enter: leave. Any other \
         key: stay."
            .to_owned()
    } else {
        "Nothing has been changed. What you have answered is lost unless you save it.\ny or \
         Enter: leave. s: save first. Any other key: stay."
            .to_owned()
    }
}

fn help(model: &Model) -> String {
    let mut text = format!(
        "{} {}: {}\n\n{IN_WORDS}\n",
        model.step.number(),
        model.step.title(),
        help::of(model.step, model.running.is_some())
    );
    text.push_str(if model.running.is_some() {
        "The way back: "
    } else {
        "Nothing is written before the yes of step 7. The way back after it: "
    });
    text.push_str(if model.practice.is_some() {
        WAY_BACK_IN_PRACTICE
    } else {
        "Put everything back now, on step 8, or nim-tls rollback at any time"
    });
    text.push_str(".\n");
    let plan = model.outlook.plan().filter(|_| model.step == Step::Apply);
    for step in plan.iter().flat_map(|plan| &plan.steps) {
        text.push_str(&format!("\n{}: {}\n", step.title, step.why));
    }
    let here = |question: &&Question| question.step == model.step;
    for question in QUESTIONS.iter().filter(here) {
        text.push_str(&format!("\n{}: {}\n", question.label, question.why));
    }
    text
}
