//! A plan as an operator reads it.

use std::fmt::Write as _;

use crate::plan::{AWAITED, Action, Content, FileChange, LEFT, Plan, Status};
use crate::preview::{self, FilePreview};
use crate::values::{advised, escaped, with_command, wrapped};

use super::output::Output;

/// Steps, files, notes, defaults, then every changed line with its reason.
pub(super) fn whole(plan: &Plan, output: &Output) -> String {
    format!(
        "{}{}",
        summary(plan, output.width),
        differences(plan, output)
    )
}

/// Every changed line with its reason.
pub(super) fn differences(plan: &Plan, output: &Output) -> String {
    let changed = changed(plan);
    changed
        .iter()
        .map(|file| difference(file, output))
        .collect()
}

/// The same of one file; empty where there is nothing to show.
pub(super) fn difference(file: &FilePreview, output: &Output) -> String {
    match file.diff.as_deref() {
        None | Some("") => String::new(),
        Some(diff) => format!("\n{}{}", output.diff(diff), reasons(file, output.width)),
    }
}

/// The differences alone, as `diff -u` gives them.
pub(super) fn diffs(plan: &Plan) -> String {
    changed(plan)
        .into_iter()
        .filter_map(|file| file.diff)
        .collect()
}

/// What will be done, without the differences.
pub(super) fn summary(plan: &Plan, width: usize) -> String {
    if plan.is_empty() {
        return nothing_to_do("nothing to do", &plan.notes, width);
    }
    let mut text = String::from("Steps, in this order:\n");
    for (number, step) in plan.steps.iter().enumerate() {
        let head = format!("  {}. ", number + 1);
        text.push_str(&wrapped(&head, &escaped(&step.title), width));
        text.push_str(&wrapped("     why:  ", &escaped(&step.why), width));
        text.push_str(&wrapped("     undo: ", &escaped(&step.undo), width));
    }
    text.push_str(&files(plan, width));
    text.push_str(&run(plan));
    text.push_str(&notes(&plan.notes, width));
    if !plan.defaults.is_empty() {
        text.push_str("\nNot said in the answers, so taken:\n");
        for (field, value) in &plan.defaults {
            text.push_str(&wrapped(
                "  ",
                &escaped(&format!("{field}: {value}")),
                width,
            ));
        }
    }
    text
}

/// That all is as wanted is said only where it is so.
pub(super) fn nothing_to_do(word: &str, about: &[String], width: usize) -> String {
    let says = |start| about.iter().any(|note| note.starts_with(start));
    let head = if says(AWAITED) {
        "certificates are awaited, and nothing is to be done until they are here"
    } else if says(LEFT) {
        "nothing was to be done, and this differs from the answers"
    } else {
        "this host is as the answers want it"
    };
    let head = wrapped("", &format!("{word}: {head}"), width);
    format!("{head}{}", notes(about, width))
}

/// What is run while the plan is carried out, under a headline.
pub(super) fn run(plan: &Plan) -> String {
    let commands = commands(plan);
    if commands.is_empty() {
        return String::new();
    }
    let lines = commands
        .iter()
        .map(|command| format!("  {}\n", escaped(command)));
    format!("\nCommands:\n{}", lines.collect::<String>())
}

/// Files to be chosen from by their numbers.
pub(super) fn numbered(files: &[FilePreview], width: usize) -> String {
    let lines = files.iter().zip(1..).map(|(file, number)| {
        let status = word(file.status);
        line(&format!("{number:>3}. {status}"), file, width)
    });
    lines.collect()
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Create => "create",
        Status::Change => "change",
        Status::Unchanged => "stays",
        Status::Remove => "remove",
    }
}

/// One file, after its status.
fn line(status: &str, shown: &FilePreview, width: usize) -> String {
    let content = match (&shown.diff, shown.sensitive) {
        (None, true) => "secret".to_owned(),
        (None, false) => "made".to_owned(),
        (Some(_), _) => format!("+{} -{}", shown.added, shown.removed),
    };
    let path = escaped(&shown.path);
    let head = format!("{status}  {content:<7} {} {}", shown.mode, shown.owner);
    // A path that is too long gets a line of its own.
    let gap = if head.len() + 1 + path.chars().count() > width {
        "\n     "
    } else {
        ""
    };
    format!("{head}{gap} {path}\n")
}

fn files(plan: &Plan, width: usize) -> String {
    let mut text = String::from("\nFiles:\n");
    let mut unchanged = 0;
    for (shown, file) in preview::files(plan).iter().zip(&plan.files) {
        if file.status == Status::Unchanged {
            unchanged += 1;
            continue;
        }
        let status = word(file.status);
        text.push_str(&line(&format!("  {status}"), shown, width));
    }
    if unchanged > 0 {
        let _ = writeln!(text, "  and {unchanged} that stay as they are");
    }
    let made = |file: &&FileChange| matches!(file.content, Content::Issued(_));
    if plan.changed_files().any(|file| made(&file)) {
        text.push_str("  (made, secret: certificates and keys, made while applying)\n");
    }
    text
}

pub(super) fn notes(notes: &[String], width: usize) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let mut text = String::from("\nTo know:\n");
    for note in notes {
        text.push_str(&noted(note, width));
    }
    text
}

/// A note, and the command at its end in a line of its own.
pub(super) fn noted(note: &str, width: usize) -> String {
    let note = escaped(note);
    let (words, command) = with_command(&note);
    let mut text = wrapped("  - ", words, width);
    if let Some(command) = command {
        text.push_str(&advised("    ", command, width));
    }
    text
}

fn reasons(file: &FilePreview, width: usize) -> String {
    let mut text = String::new();
    for (lines, why) in &file.reasons {
        let last = lines.end.saturating_sub(1);
        let which = if last > lines.start {
            format!("why lines {}-{last}: ", lines.start)
        } else {
            format!("why line {}: ", lines.start)
        };
        text.push_str(&wrapped(&which, &escaped(why), width));
    }
    text
}

fn changed(plan: &Plan) -> Vec<FilePreview> {
    let mut files = preview::files(plan);
    files.retain(|file| file.status != Status::Unchanged);
    files
}

/// What is run while the plan is carried out.
pub(super) fn commands(plan: &Plan) -> Vec<String> {
    let of = |action: &Action| match action {
        Action::Test(nginx) => {
            let words: Vec<&str> = [nginx.binary.as_str()]
                .into_iter()
                .chain(nginx.args.iter().map(String::as_str))
                .chain(["-t"])
                .collect();
            Some(format!(
                "{}  (in a private copy of the file system)",
                words.join(" ")
            ))
        }
        Action::Trust(trust) => Some(trust.command.clone()),
        Action::Reload(nginx) => Some(format!("kill -HUP {}  (nginx reloads)", nginx.master)),
        Action::EndOldWorkers { after_seconds } => Some(format!(
            "kill -TERM of workers of before the reload, after {after_seconds} s, if any is left"
        )),
        Action::Restart(restart) => Some(format!("systemctl restart {}", restart.unit)),
        Action::Enable(enable) => Some(enable.command()),
        Action::Watch(watch) => Some(watch.command()),
        Action::Issue(_)
        | Action::Place
        | Action::Prove(_)
        | Action::Fetch(_)
        | Action::FetchKeys(_)
        | Action::Reach(_) => None,
    };
    plan.steps
        .iter()
        .filter_map(|step| of(&step.action))
        .collect()
}
