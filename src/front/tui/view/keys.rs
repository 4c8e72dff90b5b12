//! The bottom line: which keys do something here, for what has the focus.

use super::super::model::{Model, Overlay};
use super::super::stops::{Button, Stop, focused};
use crate::questions::Step;

/// As many of them as fit.
pub(super) fn line(model: &Model, width: usize) -> String {
    let mut line = String::new();
    for key in keys(model).split("  ") {
        let before = if line.is_empty() { " " } else { "  " };
        if line.len() + before.len() + key.len() > width {
            break;
        }
        line.push_str(before);
        line.push_str(key);
    }
    line
}

/// The most important first: where there is no room, the last ones go. `F1` names them all.
fn keys(model: &Model) -> &'static str {
    if let (Some(Overlay::Troubleshoot(_)), Some(_)) = (&model.overlay, model.repair()) {
        if model.can_raise() {
            return "Enter mends, with a preview  m log tells more  a looks again  Esc closes  Up/Down scroll";
        }
        return "Enter mends, with a preview  a looks again  Esc closes  Up/Down, PageUp/PageDown scroll";
    }
    if let (Some(Overlay::Troubleshoot(_)), true) = (&model.overlay, model.can_raise()) {
        return "Enter looks again  m log tells more  Esc closes  Up/Down, PageUp/PageDown scroll";
    }
    if let Some(Overlay::Troubleshoot(_)) = model.overlay {
        return "Enter looks again  Esc closes  Up/Down, PageUp/PageDown scroll";
    }
    if model.preview.full {
        return "Up/Down line  Left/Right file  n N change  / find  d diff/file  e why  p back";
    }
    if model.edit.is_some() {
        return "type the answer  Enter next step  Tab next field  Esc leaves the field";
    }
    let real = model.practice.is_none();
    match (model.step, focused(model)) {
        (Step::Method, _) => {
            "Arrows choose  Enter next  Esc back  e why  p preview  s save  q quit"
        }
        (Step::Files, _) => {
            "Up/Down file  Enter next  Esc back  n N change  p full  d diff/file  e why  / find  \
             s save  q quit"
        }
        (_, Some(Stop::Button(Button::Leave))) if real => {
            "Enter asks, Ctrl-C leaves the screen; the work goes on"
        }
        (_, Some(Stop::Button(Button::Leave))) => {
            "Enter asks, Ctrl-C leaves, and the practice host goes away"
        }
        // What Enter does comes last and in few letters: it is another thing for each button, and
        // nothing else of the line is drawn again.
        (_, Some(Stop::Button(Button::Yes))) => "Left/Right choose  Esc back  Enter starts it",
        (_, Some(Stop::Button(Button::HandOut))) => "Left/Right choose  Esc back  Enter hands out",
        (_, Some(Stop::Button(Button::Back))) => "Left/Right choose  Esc back  Enter goes back",
        (_, Some(Stop::Button(Button::Keep))) => "Left/Right choose  Up/Down scroll  Enter keeps",
        (_, Some(Stop::Button(Button::NotYet))) => "Left/Right choose  Up/Down scroll  Enter looks",
        (_, Some(Stop::Button(Button::PutBack))) => {
            "Left/Right choose  Up/Down scroll  Enter undoes"
        }
        (Step::Verify, _) => "Left/Right choose  Up/Down scroll  Enter leaves",
        (_, Some(Stop::Button(Button::Done))) => "Enter leaves",
        (_, Some(stop)) if stop.is_text() => {
            "Space edits this  Tab next field  Enter next step  Esc back  s save  q quit"
        }
        (_, Some(Stop::Field(_))) => {
            "Left/Right or Space change  Tab next field  Enter next step  Esc back  s save  q quit"
        }
        (Step::Prerequisites, Some(Stop::Button(Button::Next))) => {
            "Up/Down move  Esc back  s save  q quit  Enter next"
        }
        (Step::Prerequisites, _) => "Up/Down move  Esc back  s save  q quit  Enter check again",
        _ => "Enter next  F1 help  s save answers  q quit",
    }
}
