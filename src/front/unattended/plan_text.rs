//! A plan as an operator reads it.

use std::fmt::Write as _;

use crate::plan::{Content, Plan, Status};
use crate::preview::{self, FilePreview};
use crate::values::escaped;

use super::super::output::Output;
use super::plan::commands;

/// Steps, files, notes, defaults, then every changed line with its reason.
pub(super) fn whole(plan: &Plan, output: &Output) -> String {
    let mut text = summary(plan);
    for file in changed(plan) {
        let Some(diff) = file.diff.as_deref().filter(|diff| !diff.is_empty()) else {
            continue;
        };
        text.push('\n');
        text.push_str(&output.diff(diff));
        text.push_str(&reasons(&file));
    }
    text
}

/// The differences alone, as `diff -u` gives them.
pub(super) fn diffs(plan: &Plan) -> String {
    changed(plan)
        .into_iter()
        .filter_map(|file| file.diff)
        .collect()
}

/// What will be done, without the differences.
pub(super) fn summary(plan: &Plan) -> String {
    if plan.is_empty() {
        return format!(
            "Nothing to do: this host is as the answers want it.\n{}",
            notes(plan)
        );
    }
    let mut text = String::from("Steps, in this order:\n");
    for (number, step) in plan.steps.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}. {}", number + 1, escaped(&step.title));
        let _ = writeln!(text, "     why:  {}", escaped(&step.why));
        let _ = writeln!(text, "     undo: {}", escaped(&step.undo));
    }
    text.push_str(&files(plan));
    let commands = commands(plan);
    if !commands.is_empty() {
        text.push_str("\nCommands:\n");
        for command in &commands {
            listed(&mut text, command);
        }
    }
    text.push_str(&notes(plan));
    if !plan.defaults.is_empty() {
        text.push_str("\nNot said in the answers, so taken:\n");
        for (field, value) in &plan.defaults {
            listed(&mut text, &format!("{field}: {value}"));
        }
    }
    text
}

fn files(plan: &Plan) -> String {
    let mut text = String::from("\nFiles:\n");
    let width = plan
        .files
        .iter()
        .map(|file| file.path.as_str().len())
        .max()
        .unwrap_or(0);
    let mut unchanged = 0;
    for (shown, file) in preview::files(plan).iter().zip(&plan.files) {
        let status = match file.status {
            Status::Create => "create",
            Status::Change => "change",
            Status::Unchanged => {
                unchanged += 1;
                continue;
            }
        };
        let content = match (&file.content, shown.sensitive) {
            (Content::Issued(_), true) => "secret, made while applying".to_owned(),
            (Content::Issued(_), false) => "made while applying".to_owned(),
            (Content::Text(_), _) => format!("+{} -{}", shown.added, shown.removed),
        };
        let _ = writeln!(
            text,
            "  {status}  {:<width$}  {}  {:<7}  {content}",
            escaped(&shown.path),
            shown.mode,
            shown.owner,
        );
    }
    if unchanged > 0 {
        listed(&mut text, &format!("and {unchanged} that stay as they are"));
    }
    text
}

fn notes(plan: &Plan) -> String {
    if plan.notes.is_empty() {
        return String::new();
    }
    let mut text = String::from("\nTo know:\n");
    plan.notes.iter().for_each(|note| listed(&mut text, note));
    text
}

fn reasons(file: &FilePreview) -> String {
    let mut text = String::new();
    for (lines, why) in &file.reasons {
        let last = lines.end.saturating_sub(1);
        let which = if last > lines.start {
            format!("lines {}-{last}", lines.start)
        } else {
            format!("line {}", lines.start)
        };
        let _ = writeln!(text, "why {which}: {}", escaped(why));
    }
    text
}

fn changed(plan: &Plan) -> Vec<FilePreview> {
    let mut files = preview::files(plan);
    files.retain(|file| file.status != Status::Unchanged);
    files
}

fn listed(text: &mut String, line: &str) {
    let _ = writeln!(text, "  {}", escaped(line));
}
