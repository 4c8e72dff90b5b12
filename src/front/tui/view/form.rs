//! Steps 4 and 5: fields, each with what it is for and what is wrong with it while it is typed.

use ratatui::text::{Line, Span};

use super::super::super::outlook::Outlook;
use super::super::super::{passphrase, words};
use super::super::model::Model;
use super::super::stops::{Stop, needs_passphrase, stops};
use super::body::Body;
use crate::practice::NAME;
use crate::questions::{Kind, Question, Step};
use crate::values::escaped;

/// As many lines as what is said of a short passphrase: nothing below moves while it is typed.
const FORGOTTEN: &str = "Nobody can find it out again: who forgets it cannot issue or renew certificates. What runs \
     goes on running.";
/// Room for labels.
const LABELS: usize = 34;

pub(super) fn body(model: &Model, width: usize) -> Body {
    let mut body = Body::new(model, width);
    let all = stops(model);
    let focus = model.focus.min(all.len().saturating_sub(1));
    for (index, stop) in all.iter().enumerate() {
        let here = index == focus;
        match stop {
            Stop::Field(question) => field(&mut body, model, question, here),
            Stop::Secret(again) => secret(&mut body, model, *again, here),
            _ => {}
        }
    }
    if all.is_empty() {
        body.text(" ", "Nothing has to be asked here.");
    }
    if let Outlook::Unfit(problem) = &model.outlook {
        body.gap();
        body.problem(problem);
    }
    if model.step == Step::Names && model.practice.is_some() {
        body.gap();
        let words = format!(
            "Any name will do in practice: {NAME}, for one. All of them lead to this host."
        );
        body.styled(" ", &words, model.look.dim());
    }
    if model.step == Step::Certificates {
        tree(&mut body, model);
    }
    body
}

fn field(body: &mut Body, model: &Model, question: &'static Question, here: bool) {
    let value = model.entered.get(question.field);
    let mut spans = label(body, model, question.label, here);
    match question.kind {
        Kind::Choice(choices) => {
            let at = choices.iter().position(|choice| choice.value == value);
            let text = format!("< {} >", escaped(value));
            spans.push(Span::styled(text, style(model, here)));
            let of = format!("  {} of {}", at.map_or(0, |at| at + 1), choices.len());
            spans.push(Span::styled(of, model.look.dim()));
            body.line(Line::from(spans));
            if let Some(choice) = at.map(|at| choices[at]).filter(|_| here) {
                body.styled("     ", choice.means, model.look.dim());
            }
        }
        Kind::YesNo => {
            spans.push(Span::styled(
                format!("< {} >", escaped(value)),
                style(model, here),
            ));
            body.line(Line::from(spans));
        }
        Kind::Name | Kind::NameOrNone | Kind::Names | Kind::HostNames | Kind::Path | Kind::Grid => {
            typed(body, model, spans, question, here);
        }
    }
    let objection = if value.is_empty() && !here {
        None
    } else {
        question.objection(value).filter(|_| !value.is_empty())
    };
    let refused = model
        .outlook
        .refusal(question.field)
        .filter(|_| !value.is_empty());
    let begin = body.lines.len();
    if here {
        body.styled("     ", question.why, model.look.dim());
    }
    let Some(wrong) = objection.as_deref().or(refused) else {
        return;
    };
    // In place of what it is for, so that nothing below moves while somebody types.
    let room = body.lines.len() - begin;
    body.lines.truncate(begin);
    body.styled("   ! ", wrong, model.look.bad());
    while body.lines.len() < begin + room {
        body.gap();
    }
}

/// A line of text; the cursor is the terminal's own.
fn typed(
    body: &mut Body,
    model: &Model,
    mut spans: Vec<Span<'static>>,
    question: &Question,
    here: bool,
) {
    let value = model.entered.get(question.field);
    let before: usize = spans.iter().map(Span::width).sum();
    match &model.edit {
        Some(edit) if here => {
            body.cursor_at(before + edit.cursor());
            let shown = escaped(edit.text());
            spans.push(Span::styled(shown, model.look.title()));
        }
        // It is an answer, and one with consequences.
        _ if value.is_empty() && question.field == "agents" => {
            let words = match model.entered.get("options.enforce") {
                "observe" => "none: then no certificate is made for one",
                _ => "none: then no agent is let in",
            };
            spans.push(Span::styled(words, model.look.warning()));
        }
        _ if value.is_empty() => spans.push(Span::styled("none", model.look.dim())),
        _ => spans.push(Span::styled(escaped(value), style(model, here))),
    }
    body.line(Line::from(spans));
}

fn secret(body: &mut Body, model: &Model, again: bool, here: bool) {
    let (text, name) = if again {
        (&model.secret.again, "The same again")
    } else {
        (&model.secret.first, "Passphrase of that key")
    };
    let mut spans = label(body, model, name, here);
    let before: usize = spans.iter().map(Span::width).sum();
    let length = text.chars().count();
    if let (Some(edit), true) = (&model.edit, here) {
        body.cursor_at(before + edit.cursor());
    }
    spans.push(Span::raw("*".repeat(length)));
    body.line(Line::from(spans));
    if here {
        let is_new = needs_passphrase(model) == Some(true);
        let (words, style) = if is_new && passphrase::is_short(&model.secret.first) {
            (passphrase::IS_SHORT, model.look.warning())
        } else {
            (FORGOTTEN, model.look.dim())
        };
        body.styled("     ", words, style);
    }
}

fn label(body: &mut Body, model: &Model, text: &str, here: bool) -> Vec<Span<'static>> {
    if here {
        body.focus_here();
    }
    let mark = if here { ">" } else { " " };
    let style = if here {
        model.look.title()
    } else {
        model.look.dim()
    };
    vec![
        Span::raw(mark),
        Span::styled(format!("{text:<LABELS$}"), style),
        Span::raw(" "),
    ]
}

fn style(model: &Model, here: bool) -> ratatui::style::Style {
    if here && model.edit.is_none() {
        model.look.focus()
    } else {
        ratatui::style::Style::new()
    }
}

fn tree(body: &mut Body, model: &Model) {
    let Some(sketch) = model.outlook.sketch() else {
        return;
    };
    body.gap();
    body.rule("Certificates");
    for line in words::certificates(&sketch.plan, model.look.ascii) {
        body.line(format!(" {line}"));
    }
}
