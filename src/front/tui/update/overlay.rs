//! Keys while something lies over the step.

use std::path::PathBuf;

use super::super::super::outlook::Outlook;
use super::super::super::saving::USUAL_NAME;
use super::super::super::standing::Standing;
use super::super::key::Key;
use super::super::message::Effect;
use super::super::model::{Model, Overlay, Reading, Task};
use super::super::overlay;
use super::{pages, preview};
use crate::error::Exit;
use crate::questions::Step;

pub(super) fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(overlay) = model.overlay.take() else {
        return Vec::new();
    };
    match overlay {
        Overlay::Help(first) => {
            model.overlay = scrolled(model, key, Overlay::Help, first);
            Vec::new()
        }
        Overlay::Why(first) => {
            model.overlay = scrolled(model, key, Overlay::Why, first);
            Vec::new()
        }
        Overlay::Troubleshoot(_) if key == Key::Char('a') => troubleshoot(model, None),
        Overlay::Troubleshoot(first) if key == Key::Char('m') && model.can_raise() => {
            raise(model, first)
        }
        Overlay::Troubleshoot(_) if key == Key::Enter && model.repair().is_none() => {
            troubleshoot(model, None)
        }
        Overlay::Troubleshoot(first) if key == Key::Enter => repair(model, first),
        Overlay::Troubleshoot(first) => {
            model.overlay = scrolled(model, key, Overlay::Troubleshoot, first);
            if model.overlay.is_none() {
                model.reading.wanted.call_off();
            }
            Vec::new()
        }
        Overlay::CutShort(run, _) if matches!(key, Key::Char('y') | Key::Enter) => {
            model.tell("Putting everything back ...");
            vec![Effect::PutBack(run)]
        }
        Overlay::CutShort(..) if matches!(key, Key::Char('q') | Key::Esc) => {
            vec![Effect::Quit(Exit::Busy as u8)]
        }
        Overlay::CutShort(run, words) => {
            model.overlay = Some(Overlay::CutShort(run, words));
            Vec::new()
        }
        Overlay::Quit => match key {
            Key::Char('y' | 'q') | Key::Enter => vec![Effect::Quit(0)],
            Key::Char('s') => {
                model.overlay = Some(Overlay::Save(super::Edit::of(USUAL_NAME)));
                Vec::new()
            }
            _ => Vec::new(),
        },
        Overlay::Save(mut edit) => {
            if edit.take(key) {
                model.overlay = Some(Overlay::Save(edit));
                return Vec::new();
            }
            match key {
                Key::Enter if edit.text().trim().is_empty() => {
                    model.overlay = Some(Overlay::Save(edit));
                    model.refuse("Name a file, as in answers.yaml");
                    Vec::new()
                }
                Key::Enter => vec![Effect::Save {
                    file: PathBuf::from(edit.text().trim()),
                    text: model.entered.to_yaml(),
                }],
                Key::Esc => Vec::new(),
                _ => {
                    model.overlay = Some(Overlay::Save(edit));
                    Vec::new()
                }
            }
        }
        Overlay::Search(mut edit) => {
            if edit.take(key) {
                model.overlay = Some(Overlay::Search(edit));
            } else if key == Key::Enter {
                edit.text().clone_into(&mut model.preview.searched);
                preview::next_match(model, true);
            } else if key != Key::Esc {
                model.overlay = Some(Overlay::Search(edit));
            }
            Vec::new()
        }
    }
}

/// Opens what the logs say, from this time on, and has them read.
pub(super) fn troubleshoot(model: &mut Model, since: Option<i64>) -> Vec<Effect> {
    model.reading.wanted.call_off();
    model.reading = Reading::default();
    model.diagnosis = None;
    model.overlay = Some(Overlay::Troubleshoot(0));
    vec![Effect::Examine(since, model.reading.wanted.clone())]
}

/// Takes up the answers by which this host was set up: what they come to today is shown, and done
/// where somebody says yes, as any other plan.
fn repair(model: &mut Model, first: usize) -> Vec<Effect> {
    let Some(entered) = model.repair().and_then(Standing::entered) else {
        model.refuse("The answers that were kept cannot be read any more");
        return Vec::new();
    };
    let answered = model.step > Step::Method && model.running.is_none();
    let is_other = model.task == Task::Answers && entered.to_yaml() != model.entered.to_yaml();
    if answered && is_other && !std::mem::replace(&mut model.reading.warned, true) {
        model.overlay = Some(Overlay::Troubleshoot(first));
        model.refuse(
            "The answers of before would take the place of yours. Enter again: do. Esc, then s: \
             save yours first",
        );
        return Vec::new();
    }
    let words = "By the answers of before. Nothing has been changed yet; Enter goes on.";
    let before = std::mem::replace(&mut model.entered, entered);
    let effects = take_up(model, first, Task::Answers, words);
    if effects.is_empty() {
        model.entered = before;
    }
    effects
}

/// The error log tells more for a while, as a plan like any other. What was answered stays.
fn raise(model: &mut Model, first: usize) -> Vec<Effect> {
    let words = "Nothing has been changed yet; Enter goes on. Esc leads back to your answers.";
    take_up(model, first, Task::LogLevel, words)
}

/// Shows what this comes to; nothing where a run is at work.
fn take_up(model: &mut Model, first: usize, task: Task, words: &str) -> Vec<Effect> {
    if model.is_at_work() {
        model.overlay = Some(Overlay::Troubleshoot(first));
        model.refuse("A run is at work: let it end first");
        return Vec::new();
    }
    model.task = task;
    model.running = None;
    model.facts = None;
    model.outlook = Outlook::default();
    pages::go(model, Step::Files);
    model.tell(words);
    vec![pages::look(model)]
}

/// A text of several screens after this key; `None`: the key closes it.
fn scrolled(model: &Model, key: Key, over: fn(usize) -> Overlay, first: usize) -> Option<Overlay> {
    let (columns, rows) = model.size;
    // The rows around the middle of the screen, and the title of what lies over it.
    let room = usize::from(rows.saturating_sub(7));
    let lines = overlay::lines(model, &over(0), usize::from(columns)).len();
    let last = lines.saturating_sub(room);
    let first = match key {
        Key::Up | Key::Char('k') => first.saturating_sub(1),
        Key::Down | Key::Char('j') => (first + 1).min(last),
        Key::PageUp => first.saturating_sub(room),
        Key::PageDown | Key::Char(' ') => (first + room).min(last),
        _ => return None,
    };
    Some(over(first))
}
