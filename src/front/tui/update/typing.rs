//! The line that is being edited: begun where the focus comes to one, kept with every key.

use super::super::edit::Edit;
use super::super::model::{Model, Overlay};
use super::super::stops::{Stop, focused};

pub(super) fn begin_edit(model: &mut Model) {
    model.edit = match focused(model) {
        Some(stop @ Stop::Field(question)) if stop.is_text() => {
            Some(Edit::of(model.entered.get(question.field)))
        }
        Some(Stop::Secret(false)) => Some(Edit::of(&model.secret.first)),
        Some(Stop::Secret(true)) => Some(Edit::of(&model.secret.again)),
        _ => None,
    };
}

/// What is in the line goes into the answers with every key.
pub(super) fn store(model: &mut Model) {
    let Some(edit) = &model.edit else { return };
    match focused(model) {
        Some(Stop::Field(question)) => {
            model.entered.set(question.field, edit.text());
            model.typed = true;
        }
        Some(Stop::Secret(false)) => model.secret.first = edit.text().to_owned().into(),
        Some(Stop::Secret(true)) => model.secret.again = edit.text().to_owned().into(),
        _ => {}
    }
}

pub(super) fn paste(model: &mut Model, text: &str) {
    if let Some(Overlay::Save(edit) | Overlay::Search(edit)) = &mut model.overlay {
        edit.paste(text);
    } else if let Some(edit) = &mut model.edit {
        edit.paste(text);
        store(model);
    }
}
