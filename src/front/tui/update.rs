//! What each message does to the model: pure, and the only place that changes it. Focus first,
//! the meaning of a key second: where a line is edited, letters are text.

mod overlay;
mod pages;
mod preview;
mod run;
mod typing;

use super::super::outlook::{self, Outlook};
use super::super::saving::{NOT_IN_PRACTICE, USUAL_NAME};
use super::command::{self, Command};
use super::edit::Edit;
use super::key::Key;
use super::message::{Effect, Message};
use super::model::{LOOKING, Model, Overlay, Task};
use super::pane;
use super::stops::{Button, Stop, focused, stops};
use super::view;
use crate::method::{self, Cell};
use crate::prerequisites;
use crate::questions::{self, Kind, Question, Step};

/// Lines that a page key scrolls a step by.
const PAGE: isize = 8;

/// Takes messages that have come together: what is typed fast, or over a slow line, is planned for
/// once, not letter by letter.
pub(super) fn update_all(model: &mut Model, messages: Vec<Message>) -> Vec<Effect> {
    let mut effects = Vec::new();
    for message in messages {
        let types = matches!(message, Message::Key(Key::Char(_))) && model.edit.is_some();
        if !types {
            settle(model);
        }
        effects.extend(take(model, message));
    }
    settle(model);
    effects
}

#[cfg(test)]
pub(super) fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    update_all(model, vec![message])
}

/// Plans for what was typed.
fn settle(model: &mut Model) {
    if std::mem::take(&mut model.typed) {
        replan_in_sight(model);
    }
}

fn take(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Key(key) => press(model, key),
        Message::Pasted(text) => {
            typing::paste(model, &text);
            Vec::new()
        }
        Message::Resized(columns, rows) => {
            model.size = (columns, rows);
            Vec::new()
        }
        Message::Second(now) => {
            if let Some(running) = &mut model.running {
                running.now = now;
            }
            Vec::new()
        }
        Message::Looked(facts) => {
            let first = model.facts.is_none();
            if model
                .notice
                .as_ref()
                .is_some_and(|notice| notice.text == LOOKING)
            {
                model.tell("Looked again, just now.");
            }
            model.checks = model.outward.checks(prerequisites::checks(&facts));
            questions::settle(&facts, &mut model.entered);
            if first {
                outlook::suggest(&facts, &mut model.entered);
            }
            model.facts = Some(*facts);
            replan(model);
            if first {
                preview::open(model, 0);
            }
            Vec::new()
        }
        Message::Happened(event) => run::happened(model, event),
        Message::Failed(why) => {
            run::failed(model, &why);
            Vec::new()
        }
        Message::Saved(Ok(file)) => {
            model.tell(format!(
                "saved; later: nim-tls apply --answers {file}{}",
                model.outward.options()
            ));
            Vec::new()
        }
        Message::Saved(Err(why)) => {
            model.refuse(why);
            Vec::new()
        }
        Message::Unheard(why) => {
            model.refuse(why);
            Vec::new()
        }
        Message::Reading(words) => {
            model.reading.words = words;
            Vec::new()
        }
        Message::Seen(title) => {
            model.reading.seen.push(title);
            Vec::new()
        }
        Message::Examined(made) => {
            model.diagnosis = Some(*made);
            Vec::new()
        }
    }
}

/// Plans again, for the answers as they are now.
pub(super) fn replan(model: &mut Model) {
    if let Some(facts) = &model.facts {
        model.outlook = match model.task {
            Task::Answers => Outlook::of(facts, &model.entered),
            Task::LogLevel => Outlook::of_log_level(facts),
        };
        preview::keep_in_bounds(model);
    }
}

/// The same, with the preview at the first line that is another one now.
fn replan_in_sight(model: &mut Model) {
    let before = preview::texts(model);
    replan(model);
    preview::show_difference(model, &before);
}

fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    model.notice = None;
    if key == Key::CtrlC {
        return vec![Effect::Quit(130)];
    }
    if model.overlay.is_some() {
        return overlay::press(model, key);
    }
    if let Some(edit) = &mut model.edit
        && edit.take(key)
    {
        typing::store(model);
        return Vec::new();
    }
    match key {
        Key::Esc if model.edit.is_some() => {
            model.edit = None;
            Vec::new()
        }
        Key::Esc if model.preview.full => {
            model.preview.full = false;
            Vec::new()
        }
        Key::Esc => pages::back(model),
        Key::Enter => enter(model),
        Key::Tab | Key::BackTab => {
            round(model, key == Key::Tab);
            Vec::new()
        }
        Key::F1 => {
            model.overlay = Some(Overlay::Help(0));
            Vec::new()
        }
        Key::Up | Key::Down | Key::Left | Key::Right => {
            arrow(model, key);
            Vec::new()
        }
        Key::Char(letter) => letter_command(model, letter),
        Key::PageUp | Key::PageDown if !pane::is_there(model) => {
            let down = key == Key::PageDown;
            scroll(model, if down { PAGE } else { -PAGE });
            Vec::new()
        }
        other => {
            preview::press(model, other);
            Vec::new()
        }
    }
}

fn letter_command(model: &mut Model, letter: char) -> Vec<Effect> {
    match command::of(letter) {
        Some(Command::As(key)) => arrow(model, key),
        Some(Command::Toggle) => space(model),
        Some(Command::Help) => model.overlay = Some(Overlay::Help(0)),
        Some(Command::Save) if model.practice.is_some() => model.refuse(NOT_IN_PRACTICE),
        Some(Command::Save) => model.overlay = Some(Overlay::Save(Edit::of(USUAL_NAME))),
        Some(Command::Troubleshoot) => {
            let raised = model.running.as_ref().filter(|run| run.raises_level());
            let since = raised.and_then(|run| run.began);
            return overlay::troubleshoot(model, since);
        }
        Some(Command::Quit) => return pages::quit(model),
        Some(Command::Preview(command)) => preview::command(model, command),
        None => {}
    }
    Vec::new()
}

/// Enter accepts the form and goes on; on a button it presses that.
fn enter(model: &mut Model) -> Vec<Effect> {
    match focused(model) {
        Some(Stop::Button(button)) => pages::button(model, button),
        Some(Stop::Check(_)) => pages::button(model, Button::CheckAgain),
        Some(Stop::Cell(index)) => {
            if choose_cell(model, index) {
                pages::forward(model)
            } else {
                Vec::new()
            }
        }
        Some(Stop::File(_)) => pages::forward(model),
        Some(Stop::Field(_) | Stop::Secret(_)) | None => pages::accept(model),
    }
}

fn space(model: &mut Model) {
    match focused(model) {
        Some(Stop::Cell(index)) => {
            choose_cell(model, index);
        }
        Some(Stop::Field(question)) if !Stop::Field(question).is_text() => turn(model, question, 1),
        // Back into the line that Esc has left.
        Some(stop) if stop.is_text() => typing::begin_edit(model),
        _ => {}
    }
}

/// Takes a cell of the table as the method, if it can be had here.
fn choose_cell(model: &mut Model, index: usize) -> bool {
    let cells = model.table();
    let (Some(cell), Some(facts)) = (cells.get(index), &model.facts) else {
        return false;
    };
    if let Some(Err(why)) = method::fits(cell, facts) {
        let word = if cell.not_applicable.is_some() {
            "N/A"
        } else {
            "not here"
        };
        model.tell(format!("{word}: {why}"));
        return false;
    }
    take_cell(model, cell);
    true
}

/// The cell, if it can be had on this host.
fn fitting(model: &Model, index: usize) -> Option<Cell> {
    let cell = model.table().into_iter().nth(index)?;
    let fits = method::fits(&cell, model.facts.as_ref()?)?;
    fits.is_ok().then_some(cell)
}

fn take_cell(model: &mut Model, cell: &Cell) {
    model.entered.set("method", &cell.method.to_string());
    model.entered.set("proxy", &cell.proxy.to_string());
    if let Some(facts) = &model.facts {
        questions::follow_method(facts, &mut model.entered);
    }
    replan_in_sight(model);
}

/// The next or the previous of a few values.
fn turn(model: &mut Model, question: &Question, by: isize) {
    let values: Vec<&str> = match question.kind {
        Kind::Choice(choices) => choices.iter().map(|choice| choice.value).collect(),
        Kind::YesNo => vec!["yes", "no"],
        _ => return,
    };
    let now = model.entered.get(question.field);
    let at = values.iter().position(|value| *value == now).unwrap_or(0);
    let next = at.saturating_add_signed(by) % values.len();
    let next = if at == 0 && by < 0 {
        values.len() - 1
    } else {
        next
    };
    model.entered.set(question.field, values[next]);
    replan_in_sight(model);
}

fn arrow(model: &mut Model, key: Key) {
    if model.preview.full {
        preview::press(model, key);
        return;
    }
    match (focused(model), key) {
        // Its buttons stand in one row, below a table.
        (_, Key::Up) if model.step == Step::Verify => scroll(model, -1),
        (_, Key::Down) if model.step == Step::Verify => scroll(model, 1),
        (Some(Stop::Cell(index)), _) => {
            let next = neighbour(index, key);
            model.focus = next;
            // What can be had is taken by going there, so that the preview shows it.
            if let Some(cell) = fitting(model, next) {
                take_cell(model, &cell);
            }
        }
        (Some(Stop::Field(question)), Key::Left) => turn(model, question, -1),
        (Some(Stop::Field(question)), Key::Right) => turn(model, question, 1),
        (_, Key::Up | Key::Left) => walk(model, -1),
        _ => walk(model, 1),
    }
}

fn scroll(model: &mut Model, by: isize) {
    model.scroll = Some(view::scrolled(model, by));
}

/// The cell of the table in this direction; the table has three columns.
fn neighbour(index: usize, key: Key) -> usize {
    let (row, column) = (index / 3, index % 3);
    let (row, column) = match key {
        Key::Up => (row.saturating_sub(1), column),
        Key::Down => ((row + 1).min(2), column),
        Key::Left => (row, column.saturating_sub(1)),
        _ => (row, (column + 1).min(2)),
    };
    row * 3 + column
}

/// Moves the focus to the next or previous stop; from the last to the first.
fn round(model: &mut Model, forwards: bool) {
    let count = stops(model).len().max(1);
    let by = if forwards { 1 } else { count - 1 };
    focus_on(model, (model.focus.min(count - 1) + by) % count);
}

/// Moves the focus; the ends hold.
fn walk(model: &mut Model, by: isize) {
    let last = stops(model).len().saturating_sub(1);
    let now = model.focus.min(last);
    focus_on(model, now.saturating_add_signed(by).min(last));
}

pub(super) fn focus_on(model: &mut Model, stop: usize) {
    model.focus = stop;
    if model.step != Step::Verify {
        model.scroll = None;
    }
    model.edit = None;
    typing::begin_edit(model);
    if let Some(Stop::File(file)) = focused(model) {
        preview::open(model, file);
    }
}
