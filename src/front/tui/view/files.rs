//! Step 6: everything that would happen, file by file.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::super::outlook::{FILLER, Outlook};
use super::super::model::Model;
use super::super::stops::stops;
use super::body::Body;
use crate::plan::{Action, Status};
use crate::values::escaped;

pub(super) fn body(model: &Model, width: usize) -> Body {
    let mut body = Body::new(model, width);
    match &model.outlook {
        Outlook::Unfit(problem) => {
            body.problem(problem);
        }
        Outlook::Open { refusals, .. } => {
            for refusal in refusals {
                body.styled(
                    " ! ",
                    &format!("{} {}", refusal.field, refusal.why),
                    model.look.bad(),
                );
            }
            body.text(
                "   ",
                &format!("Until then the preview is a sketch, with {FILLER} for a name."),
            );
        }
        Outlook::Unknown | Outlook::Ready(_) => {}
    }
    let Some(sketch) = model.outlook.sketch() else {
        body.gap();
        body.buttons(model);
        return body;
    };
    body.text(
        " ",
        &format!(
            "{}; after them what is run, and what to know (Down). p shows every line.",
            match sketch.files.len() {
                1 => "1 file".to_owned(),
                count => format!("{count} files"),
            },
        ),
    );
    let mut notes = sketch.plan.notes.iter();
    // Who is cut off comes first, where somebody is. It stands where nobody can miss it.
    if let Some(note) = notes.next() {
        body.styled(" know    ", note, model.look.warning());
    }
    let room = width.saturating_sub(29).max(20);
    let focus = model.focus.min(stops(model).len().saturating_sub(1));
    for (index, file) in sketch.files.iter().enumerate() {
        let here = index == focus;
        if here {
            body.focus_here();
        }
        let status = match file.status {
            Status::Change => "change",
            Status::Remove => "remove",
            _ => "create",
        };
        let content = match (&file.diff, file.sensitive) {
            (_, true) => "secret".to_owned(),
            (None, false) => "made on yes".to_owned(),
            (Some(_), false) => format!("+{} -{}", file.added, file.removed),
        };
        let style = if here {
            model.look.focus()
        } else {
            Style::new()
        };
        body.line(Line::from(vec![
            Span::raw(if here { ">" } else { " " }),
            Span::raw(format!("{status}  ")),
            Span::styled(
                format!("{:<room$}", end_of(&escaped(&file.path), room)),
                style,
            ),
            Span::raw(format!("  {content:<11} {}", file.mode)),
        ]));
    }
    for step in &sketch.plan.steps {
        let words = match &step.action {
            Action::Trust(trust) => trust.command.clone(),
            Action::Reload(_) => "nginx reload; its new workers and its log are watched".to_owned(),
            Action::Restart(restart) => format!("systemctl restart {}", restart.unit),
            Action::Enable(enable) => enable.command(),
            Action::Watch(watch) => watch.command(),
            _ => continue,
        };
        body.styled(" run     ", &words, model.look.dim());
    }
    for note in notes {
        body.styled(" know    ", note, model.look.warning());
    }
    body.buttons(model);
    body
}

/// The end of a path is what tells it from others.
fn end_of(path: &str, room: usize) -> String {
    let length = path.chars().count();
    if length <= room {
        return path.to_owned();
    }
    let rest: String = path.chars().skip(length - room + 3).collect();
    format!("...{rest}")
}
