//! The preview pane: moving in it, searching, and keeping the changed line in sight.

use std::collections::{BTreeMap, BTreeSet};

use super::super::command::OfPreview;
use super::super::edit::Edit;
use super::super::key::Key;
use super::super::model::{Model, Overlay};
use super::super::pane::{self, Kind};
use crate::preview::FilePreview;
use crate::values::Gather as _;

/// Lines that a page key moves by.
const PAGE: usize = 10;

pub(super) fn press(model: &mut Model, key: Key) {
    let last = pane::lines(model).len().saturating_sub(1);
    let preview = &mut model.preview;
    preview.line = match key {
        Key::Up => preview.line.saturating_sub(1),
        Key::Down => (preview.line + 1).min(last),
        Key::PageUp => preview.line.saturating_sub(PAGE),
        Key::PageDown => (preview.line + PAGE).min(last),
        Key::Home => 0,
        Key::End => last,
        Key::Left => {
            preview.file = preview.file.saturating_sub(1);
            0
        }
        Key::Right => {
            preview.file += 1;
            0
        }
        _ => return,
    };
    keep_in_bounds(model);
}

pub(super) fn command(model: &mut Model, command: OfPreview) {
    if !pane::is_there(model) {
        model.tell("This step has no preview; steps 3 to 6 have one.");
        return;
    }
    match command {
        OfPreview::Full => model.preview.full = !model.preview.full,
        OfPreview::WholeFile => {
            model.preview.whole_file = !model.preview.whole_file;
            model.preview.line = 0;
            follow_change(model);
        }
        OfPreview::Why => model.overlay = Some(Overlay::Why(0)),
        OfPreview::Search => model.overlay = Some(Overlay::Search(Edit::default())),
        OfPreview::Next => next_match(model, true),
        OfPreview::Previous => next_match(model, false),
    }
}

pub(super) fn open(model: &mut Model, file: usize) {
    model.preview.file = file;
    model.preview.line = 0;
    keep_in_bounds(model);
    follow_change(model);
}

pub(super) fn keep_in_bounds(model: &mut Model) {
    let files = model
        .outlook
        .sketch()
        .map_or(0, |sketch| sketch.files.len());
    model.preview.file = model.preview.file.min(files.saturating_sub(1));
    let last = pane::lines(model).len().saturating_sub(1);
    model.preview.line = model.preview.line.min(last);
}

/// The differences as they are shown now, by path.
pub(super) fn texts(model: &Model) -> BTreeMap<String, String> {
    let files = model
        .outlook
        .sketch()
        .map_or(&[][..], |sketch| &sketch.files);
    files
        .iter()
        .filter_map(|file| Some((file.path.clone(), file.diff.clone()?)))
        .gathered()
}

/// Goes to what an answer has just changed: the first line that is not as it was in `before`.
pub(super) fn show_difference(model: &mut Model, before: &BTreeMap<String, String>) {
    let files = model
        .outlook
        .sketch()
        .map_or(&[][..], |sketch| &sketch.files);
    let is_other = |file: &FilePreview| {
        file.diff
            .as_ref()
            .is_some_and(|diff| before.get(&file.path).is_some_and(|old| old != diff))
    };
    let Some(index) = files.iter().position(is_other) else {
        return;
    };
    let old: BTreeSet<String> = before[&files[index].path]
        .lines()
        .map(str::to_owned)
        .gathered();
    model.preview.file = index;
    let sign = |line: &pane::PaneLine| match line.kind {
        Kind::Added => '+',
        Kind::Removed => '-',
        Kind::Same | Kind::Note => ' ',
    };
    let lines = pane::lines(model);
    let new = lines
        .iter()
        .position(|line| !old.contains(&format!("{}{}", sign(line), line.text)));
    if let Some(line) = new {
        model.preview.line = line;
    }
    keep_in_bounds(model);
}

/// Goes to the first changed line, where the line under the cursor is none.
pub(super) fn follow_change(model: &mut Model) {
    let lines = pane::lines(model);
    let is_change = |line: &pane::PaneLine| matches!(line.kind, Kind::Added | Kind::Removed);
    if lines.get(model.preview.line).is_some_and(is_change) {
        return;
    }
    if let Some(first) = lines.iter().position(is_change) {
        model.preview.line = first;
    }
}

/// The next or previous match of what is searched; where nothing is, the next change.
pub(super) fn next_match(model: &mut Model, forwards: bool) {
    let lines = pane::lines(model);
    let searched = model.preview.searched.to_lowercase();
    let here = model.preview.line;
    let fits = |index: &usize| {
        let line = &lines[*index];
        if searched.is_empty() {
            let changed = |line: &pane::PaneLine| matches!(line.kind, Kind::Added | Kind::Removed);
            // The first line of each change.
            changed(line) && (*index == 0 || !changed(&lines[*index - 1]))
        } else {
            line.text.to_lowercase().contains(&searched)
        }
    };
    let found = if forwards {
        (here + 1..lines.len())
            .chain(0..here.min(lines.len()))
            .find(fits)
    } else {
        (0..here)
            .rev()
            .chain((here + 1..lines.len()).rev())
            .find(fits)
    };
    match found {
        Some(line) => model.preview.line = line,
        None if searched.is_empty() => model.tell("There is no other change in this file."),
        None => {
            let words = format!("\"{}\" is not in this file.", model.preview.searched);
            model.tell(words);
        }
    }
}
