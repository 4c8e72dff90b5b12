//! The lines of the preview pane: one file of the plan, as a difference or as a whole, each
//! line with its number and its reason.

use super::super::words;
use super::model::Model;
use crate::plan::{Content, Status};
use crate::preview::FilePreview;
use crate::questions::Step;
use crate::values::{escaped, masked_lines};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PaneLine {
    /// In the new text, from 1; `None` for a line that goes away.
    pub(super) number: Option<u32>,
    pub(super) kind: Kind,
    pub(super) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Same,
    Added,
    Removed,
    /// Words of ours in place of text.
    Note,
}

/// Whether the step has a preview.
pub(super) fn is_there(model: &Model) -> bool {
    matches!(
        model.step,
        Step::Method | Step::Names | Step::Certificates | Step::Files
    )
}

/// The file that is shown.
pub(super) fn file(model: &Model) -> Option<&FilePreview> {
    model.outlook.sketch()?.files.get(model.preview.file)
}

pub(super) fn lines(model: &Model) -> Vec<PaneLine> {
    let Some(file) = file(model) else {
        return Vec::new();
    };
    let Some(diff) = &file.diff else {
        return vec![note(words::without_text(file.sensitive))];
    };
    if model.preview.whole_file {
        whole(model, file)
    } else {
        difference(diff)
    }
}

/// Why the line under the cursor is there.
pub(super) fn reason(model: &Model) -> Option<&str> {
    let number = lines(model).get(model.preview.line)?.number?;
    file(model)?
        .reasons
        .iter()
        .find(|(range, _)| range.contains(&number))
        .map(|(_, why)| why.as_str())
}

/// What the vendor's guide has in its place, where that does not work.
pub(super) fn guide(model: &Model) -> Option<&'static str> {
    let number = lines(model).get(model.preview.line)?.number?;
    let mut guides = file(model)?.guides.iter();
    let (_, words) = guides.find(|(range, _)| range.contains(&number))?;
    Some(words)
}

fn note(text: &str) -> PaneLine {
    PaneLine {
        number: None,
        kind: Kind::Note,
        text: text.to_owned(),
    }
}

/// The lines of a unified difference, without its headlines, numbered as in the new text.
fn difference(diff: &str) -> Vec<PaneLine> {
    let mut next = 0;
    let mut lines = Vec::new();
    for line in diff.lines() {
        if line.starts_with("--- ") || line.starts_with("+++ ") {
            continue;
        }
        if let Some(hunk) = line.strip_prefix("@@ ") {
            if !lines.is_empty() {
                lines.push(note("..."));
            }
            next = begin_of(hunk);
            continue;
        }
        let (kind, text) = match line.split_at_checked(1) {
            Some(("+", text)) => (Kind::Added, text),
            Some(("-", text)) => (Kind::Removed, text),
            Some((_, text)) => (Kind::Same, text),
            None => (Kind::Same, ""),
        };
        let number = (kind != Kind::Removed).then_some(next);
        next += u32::from(number.is_some());
        lines.push(PaneLine {
            number,
            kind,
            text: text.to_owned(),
        });
    }
    lines
}

/// The first line of the new text in `-1,4 +1,6 @@`.
fn begin_of(hunk: &str) -> u32 {
    let new = hunk.split('+').nth(1).unwrap_or_default();
    let digits: String = new.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(1)
}

fn whole(model: &Model, shown: &FilePreview) -> Vec<PaneLine> {
    let plan = model.outlook.sketch().map(|sketch| &sketch.plan);
    let change = plan.and_then(|plan| {
        plan.files
            .iter()
            .find(|file| file.path.as_str() == shown.path)
    });
    let Some(change) = change else {
        return Vec::new();
    };
    let Content::Text(text) = &change.content else {
        return Vec::new();
    };
    let new = difference(shown.diff.as_deref().unwrap_or_default());
    let is_new = |number: u32| {
        change.status == Status::Create
            || new
                .iter()
                .any(|line| line.kind == Kind::Added && line.number == Some(number))
    };
    let numbered = (1u32..).zip(masked_lines(text));
    numbered
        .map(|(number, text)| PaneLine {
            number: Some(number),
            kind: if is_new(number) {
                Kind::Added
            } else {
                Kind::Same
            },
            text: escaped(&text),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_as_in_the_new_text() {
        let diff = "--- a\n+++ b\n@@ -3,3 +3,4 @@\n same\n-old\n+new\n+more\n@@ -9 +10 @@\n x\n";
        let shown: Vec<_> = difference(diff)
            .into_iter()
            .map(|line| (line.number, line.text))
            .collect();
        let expected = [
            (Some(3), "same"),
            (None, "old"),
            (Some(4), "new"),
            (Some(5), "more"),
            (None, "..."),
            (Some(10), "x"),
        ];
        assert_eq!(
            shown,
            expected.map(|(number, text)| (number, text.to_owned()))
        );
    }
}
