//! A plan as a golden file shows it: steps with what is made and proven, files with their texts.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;
use similar::TextDiff;

use crate::certificate::Recipe;
use crate::error::Problem;
use crate::plan::{Action, Content, FileChange, Piece, Plan, Status};
use crate::preview;

/// A part of what is shown.
pub(super) struct Part {
    title: String,
    /// For whoever reads the whole.
    text: String,
    /// For whoever compares two: of a file that is edited, all of it.
    result: String,
}

fn part(title: &str, text: String) -> Part {
    Part {
        title: title.to_owned(),
        result: text.clone(),
        text,
    }
}

pub(super) fn parts(planned: &Result<Plan, Problem>) -> Vec<Part> {
    match planned {
        Err(problem) => vec![part("refused", format!("{problem}\n"))],
        Ok(plan) => {
            let notes: String = plan
                .notes
                .iter()
                .map(|note| format!("- {note}\n"))
                .collect();
            let mut parts = vec![part("steps", steps(plan)), part("files", list(plan))];
            parts.push(part("to know", notes));
            parts.extend(plan.changed_files().filter_map(|file| text_of(plan, file)));
            parts
        }
    }
}

pub(super) fn whole(parts: &[Part]) -> String {
    let shown = |part: &Part| format!("\n==== {}\n{}", part.title, part.text);
    parts.iter().map(shown).collect()
}

/// What is otherwise than in `before`, part by part.
pub(super) fn difference(before: &[Part], after: &[Part]) -> String {
    let named = |parts: &'_ [Part], title: &str| parts.iter().position(|part| part.title == title);
    let mut text = String::new();
    for part in before {
        if named(after, &part.title).is_none() {
            let _ = write!(text, "\n==== not there: {}\n", part.title);
        }
    }
    for part in after {
        let title = &part.title;
        let Some(at) = named(before, title) else {
            let _ = write!(text, "\n==== {title}\n{}", part.text);
            continue;
        };
        let before = &before[at].result;
        if *before != part.result {
            let diff = TextDiff::from_lines(before.as_str(), &part.result);
            let mut hunks = diff.unified_diff();
            hunks.context_radius(2);
            let _ = write!(text, "\n==== differs: {title}\n{hunks}");
        }
    }
    text
}

fn steps(plan: &Plan) -> String {
    let mut text = String::new();
    for (step, number) in plan.steps.iter().zip(1..) {
        let _ = writeln!(text, "{number}. {}: {}", step.id, step.title);
        for line in details(&step.action).lines() {
            let _ = writeln!(text, "     {line}");
        }
    }
    text
}

fn details(action: &Action) -> String {
    match action {
        Action::Place => String::new(),
        Action::Test(nginx) => {
            let words = [nginx.binary.as_str()].into_iter();
            let words = words
                .chain(nginx.args.iter().map(String::as_str))
                .chain(["-t"]);
            format!("runs: {}", words.collect::<Vec<_>>().join(" "))
        }
        Action::Reload(nginx) => {
            let listens = nginx.listens.iter().map(ToString::to_string);
            let listens = listens.collect::<Vec<_>>().join(" ");
            let told = Some(listens).filter(|listens| !listens.is_empty());
            told.map_or_else(String::new, |listens| format!("listens then: {listens}"))
        }
        Action::EndOldWorkers { after_seconds } => format!("after: {after_seconds} s"),
        Action::Issue(issuing) => fields(issuing),
        Action::Trust(trust) => fields(trust),
        Action::Prove(proof) => fields(proof),
        Action::Fetch(fetch) => fields(fetch),
        Action::FetchKeys(keys) => fields(keys),
        Action::Restart(restart) => fields(restart),
        Action::Enable(enable) => fields(enable),
        Action::Watch(watch) => fields(watch),
        Action::Reach(proof) => fields(proof),
    }
}

fn fields(of: &impl Serialize) -> String {
    let mut value = serde_json::to_value(of).unwrap();
    reduce(&mut value);
    serde_yaml::to_string(&value).unwrap()
}

/// A recipe becomes a line; what is drawn anew each time becomes a word.
fn reduce(value: &mut Value) {
    if let Ok(recipe) = serde_json::from_value::<Recipe>(value.clone()) {
        *value = line(&recipe).into();
    }
    match value {
        Value::String(text) if text.contains("-----BEGIN") => {
            let count = text.matches("-----BEGIN").count();
            *text = format!("({count} certificates)");
        }
        Value::String(text) if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            "(its SHA-256)".clone_into(text);
        }
        Value::Array(values) => {
            values.iter_mut().for_each(reduce);
            for value in values.iter_mut() {
                // A setting and its value.
                if let (Some(name), Some(set)) = (value[0].as_str(), value[1].as_str()) {
                    *value = format!("{name} {set}").into();
                }
            }
        }
        Value::Object(values) => {
            values.values_mut().for_each(reduce);
            values.retain(|_, value| !says_nothing(value));
        }
        _ => {}
    }
}

fn says_nothing(value: &Value) -> bool {
    let none = value.as_array().is_some_and(Vec::is_empty);
    none || value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty)
}

fn line(recipe: &Recipe) -> String {
    let joined = |all: Vec<String>| all.join(" ");
    let mut line = format!("{}, {}, {} days", recipe.subject, recipe.key, recipe.days);
    if !recipe.names.is_empty() {
        let names = recipe.names.iter().map(ToString::to_string).collect();
        let _ = write!(line, ", for {}", joined(names));
    }
    if let Some(permitted) = &recipe.permitted {
        let dns = permitted.dns.iter().map(ToString::to_string);
        let all = dns.chain(permitted.ip.iter().map(ToString::to_string));
        let _ = write!(line, ", vouches for {}", joined(all.collect()));
    }
    line
}

fn list(plan: &Plan) -> String {
    let mut text = String::new();
    for folder in &plan.folders {
        let _ = writeln!(text, "folder  {}     {}", folder.mode, folder.path);
    }
    for file in &plan.files {
        let status = match file.status {
            Status::Create => "create",
            Status::Change => "change",
            Status::Unchanged => "stays ",
            Status::Remove => "remove",
        };
        let (user, group) = file.owner;
        let _ = write!(text, "{status}  {} {user}:{group} {}", file.mode, file.path);
        if let Content::Issued(piece) = &file.content {
            let secret = if piece.is_secret() { "secret, " } else { "" };
            let _ = write!(text, "  ({secret}{})", word(piece));
        }
        text.push('\n');
    }
    text
}

/// As it stands in a plan that is kept: `root-key`, `agent-chain web-1.example.com`.
fn word(piece: &Piece) -> String {
    match serde_json::to_value(piece).unwrap() {
        Value::Object(named) => {
            let named = named
                .iter()
                .map(|(kind, name)| format!("{kind} {}", name.as_str().unwrap()));
            named.collect()
        }
        plain => plain.as_str().unwrap().to_owned(),
    }
}

fn text_of(plan: &Plan, file: &FileChange) -> Option<Part> {
    let Content::Text(text) = &file.content else {
        return None;
    };
    let whole = without_certificates(text);
    let shown = if file.status == Status::Create {
        whole.clone()
    } else {
        let mut previews = preview::files(plan).into_iter();
        let preview = previews.find(|preview| preview.path == file.path.as_str())?;
        preview.diff?
    };
    Some(Part {
        title: file.path.to_string(),
        text: shown,
        result: whole,
    })
}

/// They are made anew for each test.
fn without_certificates(text: &str) -> String {
    let mut shown = String::new();
    let mut inside = false;
    for line in text.lines() {
        inside |= line.starts_with("-----BEGIN");
        if !inside {
            shown.push_str(line);
            shown.push('\n');
        } else if line.starts_with("-----END") {
            shown.push_str("(a certificate)\n");
            inside = false;
        }
    }
    shown
}
