//! Setting values in a text and touching nothing else. Small on purpose: what it writes is read
//! again by `serde_yaml`, and where that finds anything but the settings changed, nothing is.

use std::ops::Range;

use serde_yaml::{Mapping, Value};

use super::place::{Place, key_at};
use super::setting::{Scalar, Setting, folded};
use super::token::{After, after_key, line_at};
use super::{nests_deeply, without_mark};

/// A text with all settings in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    pub text: String,
    /// Lines of it, from 1, that are new or changed, each with the setting (by its number) that
    /// it is there for.
    pub lines: Vec<(u32, usize)>,
}

/// Why a text cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Uneditable {
    #[error("it is not YAML: {0}")]
    NotYaml(String),
    #[error("it does not consist of sections")]
    NotSections,
    /// What agents of version 1 had: `server: host:port`.
    #[error("line {line}: {section} is no section there, and would have to be one")]
    NotASection { section: String, line: usize },
    #[error("it has {0} twice, in letters of different size: its reader takes one of them")]
    Twice(String),
    /// A merge at the top: what is in it would be hidden by a section of the same name.
    #[error("it merges sections by <<, of which it could not be told what is in force")]
    Merged,
    /// What follows would stand on other lines than those that an editor shows.
    #[error("line {0} has a character in it that ends lines in YAML alone (CR, NEL, LS or PS)")]
    LineBreak(usize),
    #[error("it is written in a way that cannot be edited without changing more than {0}")]
    Form(String),
}

/// Line breaks of YAML 1.1 (5.4), beside the one at the end of each line.
pub(super) const BREAKS: [char; 4] = ['\r', '\u{85}', '\u{2028}', '\u{2029}'];

/// Sets them all. What is so already stays as it is written.
pub fn edit(text: &str, settings: &[Setting]) -> Result<Edited, Uneditable> {
    let body = without_mark(text);
    if let Some(at) = body.lines().position(|line| line.contains(BREAKS)) {
        return Err(Uneditable::LineBreak(at + 1));
    }
    let before = read(body)?;
    let mut edited = body.to_owned();
    let mut wanted = before.clone();
    let mut touched = vec![false; settings.len()];
    for (number, setting) in settings.iter().enumerate() {
        let file = wanted.clone();
        touched[number] = set(&mut wanted, setting, body)?;
        if touched[number] {
            let last = settings[..number]
                .iter()
                .rfind(|other| other.section == setting.section);
            edited = write(&edited, &file, setting, last)
                .filter(|text| !nests_deeply(text))
                .ok_or_else(|| form(setting))?;
        }
    }
    if let Some(first) = touched.iter().position(|touched| *touched)
        && read(&edited).ok().as_ref() != Some(&wanted)
    {
        return Err(form(&settings[first]));
    }
    let lines = lines((body, &before), (&edited, &wanted), settings, &touched);
    let mark = &text[..text.len() - body.len()];
    Ok(Edited {
        text: format!("{mark}{edited}"),
        lines,
    })
}

fn form(setting: &Setting) -> Uneditable {
    let name = [setting.section, setting.key];
    let name = name.into_iter().filter(|part| !part.is_empty());
    Uneditable::Form(name.collect::<Vec<_>>().join("."))
}

fn read(text: &str) -> Result<Mapping, Uneditable> {
    if nests_deeply(text) {
        return Err(Uneditable::NotYaml("it opens too many brackets".to_owned()));
    }
    match serde_yaml::from_str(text) {
        Ok(Value::Mapping(mapping)) if mapping.contains_key("<<") => Err(Uneditable::Merged),
        Ok(Value::Mapping(mapping)) => Ok(mapping),
        Ok(Value::Null) => Ok(Mapping::new()),
        Ok(_) => Err(Uneditable::NotSections),
        Err(error) => Err(Uneditable::NotYaml(error.to_string())),
    }
}

/// The same in what was read; whether that changes anything.
fn set(file: &mut Mapping, setting: &Setting, text: &str) -> Result<bool, Uneditable> {
    if setting.section.is_empty() {
        return set_in(file, setting);
    }
    once(file, setting.section)?;
    if setting.value.is_none() && folded(file, setting.section).is_none() {
        return Ok(false);
    }
    let name = folded(file, setting.section).map(|(name, _)| name.to_owned());
    let name = name.unwrap_or_else(|| setting.section.to_owned());
    let section = file
        .entry(Value::from(name.as_str()))
        .or_insert(Value::Null);
    if section.is_null() {
        *section = Value::Mapping(Mapping::new());
    }
    match section {
        Value::Mapping(section) => set_in(section, setting),
        _ => Err(Uneditable::NotASection {
            line: key_at(text, &[&name]).map_or(0, |place| place.line),
            section: name,
        }),
    }
}

/// Which of two the agent would take is for its reader's order of the day.
fn once(mapping: &Mapping, key: &str) -> Result<(), Uneditable> {
    let names = mapping.keys().filter_map(Value::as_str);
    let alike = names.filter(|name| name.eq_ignore_ascii_case(key));
    if alike.count() > 1 {
        return Err(Uneditable::Twice(key.to_owned()));
    }
    Ok(())
}

fn set_in(mapping: &mut Mapping, setting: &Setting) -> Result<bool, Uneditable> {
    once(mapping, setting.key)?;
    let found = folded(mapping, setting.key);
    let name = found.map_or(setting.key, |(name, _)| name).to_owned();
    match (&setting.value, found) {
        (None, None) => return Ok(false),
        (None, Some(_)) => {
            mapping.remove(&name);
        }
        (Some(value), Some((_, found))) if value.is(found) => return Ok(false),
        (Some(value), _) => {
            mapping.insert(Value::from(name), value.value());
        }
    }
    Ok(true)
}

/// The same in the text. `None`: it is written in a way that is not followed here.
fn write(text: &str, file: &Mapping, setting: &Setting, last: Option<&Setting>) -> Option<String> {
    let key = setting.key;
    let Some(value) = &setting.value else {
        return taken_out(text, file, setting);
    };
    if setting.section.is_empty() {
        if let Some((name, _)) = folded(file, key) {
            return replaced(text, &[name], value, false);
        }
        let line = format!("{key}: {value}");
        let together = last.and_then(|last| behind_the_last(text, last, &line));
        return Some(together.unwrap_or_else(|| appended(text, &line)));
    }
    let Some((section, found)) = folded(file, setting.section) else {
        let eol = eol(text);
        let lines = format!("{}:{eol}  {key}: {value}", setting.section);
        return Some(appended(text, &lines));
    };
    let head = key_at(text, &[section])?;
    let empty = Mapping::new();
    let children = found.as_mapping().unwrap_or(&empty);
    let known = folded(children, key).map(|(name, _)| [section, name]);
    match (after_key(text, head, false)?, known) {
        (After::Braces(_), Some(path)) => replaced(text, &path, value, true),
        (After::Braces(at), None) => {
            let comma = if children.is_empty() { "" } else { ", " };
            Some(inserted(text, at, &format!("{key}: {value}{comma}")))
        }
        (After::Nothing(_), Some(path)) => replaced(text, &path, value, false),
        (After::Nothing(_), None) => {
            let first = children.keys().next().and_then(Value::as_str);
            let first = first.and_then(|first| key_at(text, &[section, first]));
            let indent = first.map_or(head.column + 1, |first| first.column - 1);
            let beside = last.and_then(|last| folded(children, last.key));
            let beside = beside.and_then(|(name, _)| key_at(text, &[section, name]));
            below(
                text,
                beside.unwrap_or(head),
                indent,
                &format!("{key}: {value}"),
            )
        }
        // `section: null`, in whatever spelling.
        (After::Scalar(range), _) if found.is_null() => {
            let mut text = text.to_owned();
            text.replace_range(range, &format!("{{{key}: {value}}}"));
            Some(text)
        }
        (After::Scalar(_) | After::Other, _) => None,
    }
}

/// The line of a setting that is no longer wanted, as a comment. Where that comment is there from
/// an earlier time, the line goes: else settings that come and go would leave one each time.
fn taken_out(text: &str, file: &Mapping, setting: &Setting) -> Option<String> {
    let line = line_of(text, file, setting)?;
    if text.lines().any(is_comment_of(&text[line.clone()])) {
        let rest = text[line.end..].split_inclusive('\n').next();
        let mut text = text.to_owned();
        text.replace_range(line.start..line.end + rest.map_or(0, str::len), "");
        return Some(text);
    }
    let indent = text[line.clone()].len() - text[line.clone()].trim_start().len();
    Some(inserted(text, line.start + indent, "# "))
}

fn line_of(text: &str, file: &Mapping, setting: &Setting) -> Option<Range<usize>> {
    let mut path = Vec::new();
    let mut within = file;
    if !setting.section.is_empty() {
        let (section, children) = folded(file, setting.section)?;
        path.push(section);
        within = children.as_mapping()?;
    }
    path.push(folded(within, setting.key)?.0);
    line_at(text, key_at(text, &path)?)
}

fn replaced(text: &str, steps: &[&str], value: &Scalar, in_braces: bool) -> Option<String> {
    match after_key(text, key_at(text, steps)?, in_braces)? {
        After::Nothing(at) => Some(inserted(text, at, &format!(" {value}"))),
        After::Scalar(range) => {
            let mut text = text.to_owned();
            text.replace_range(range, &value.to_string());
            Some(text)
        }
        After::Braces(_) | After::Other => None,
    }
}

fn inserted(text: &str, at: usize, what: &str) -> String {
    let (head, tail) = text.split_at(at);
    format!("{head}{what}{tail}")
}

/// A line of its own below another one.
fn below(text: &str, place: Place, indent: usize, line: &str) -> Option<String> {
    let above = line_at(text, place)?;
    let what = format!("{}{}{line}", eol(text), " ".repeat(indent));
    Some(inserted(text, above.end, &what))
}

/// What is brought together stands together: a line right behind the one before, where that one
/// ends the text.
fn behind_the_last(text: &str, last: &Setting, line: &str) -> Option<String> {
    let whole = text.trim_end();
    let end = whole.lines().next_back()?;
    let is_last = end.strip_prefix(last.key)?.starts_with(':') && last.section.is_empty();
    is_last.then(|| inserted(text, whole.len(), &format!("{}{line}", eol(text))))
}

/// Lines of their own at the end, after an empty one.
fn appended(text: &str, lines: &str) -> String {
    let eol = eol(text);
    let mut text = text.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(eol);
    }
    if !text.trim().is_empty() && !text.ends_with(&format!("{eol}{eol}")) {
        text.push_str(eol);
    }
    format!("{text}{lines}{eol}")
}

/// How the lines of this file end.
fn eol(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Whether a line is this one as a comment.
fn is_comment_of(line: &str) -> impl Fn(&str) -> bool {
    move |other| other.trim().strip_prefix("# ") == Some(line.trim())
}

/// Where the line of a setting of before stands as a comment. None where it stood there already.
fn commented_out(before: &str, after: &str, old: &Mapping, setting: &Setting) -> Option<Place> {
    let is_comment = is_comment_of(&before[line_of(before, old, setting)?]);
    if before.lines().any(&is_comment) {
        return None;
    }
    let number = after.lines().position(is_comment)?;
    Some(Place {
        line: number + 1,
        column: 1,
    })
}

/// Which lines are not as they were: those of the settings, and the heads of new sections.
fn lines(
    (before, old): (&str, &Mapping),
    (after, new): (&str, &Mapping),
    settings: &[Setting],
    touched: &[bool],
) -> Vec<(u32, usize)> {
    let mut lines = Vec::new();
    let mut note = |place: Option<Place>, number| {
        if let Some(line) = place.and_then(|place| u32::try_from(place.line).ok())
            && !lines.iter().any(|(known, _)| *known == line)
        {
            lines.push((line, number));
        }
    };
    for (number, setting) in settings.iter().enumerate().filter(|(at, _)| touched[*at]) {
        if setting.value.is_none() {
            note(commented_out(before, after, old, setting), number);
            continue;
        }
        if setting.section.is_empty() {
            if let Some((name, _)) = folded(new, setting.key) {
                note(key_at(after, &[name]), number);
            }
        } else if let Some((section, children)) = folded(new, setting.section) {
            if folded(old, section).is_none() {
                note(key_at(after, &[section]), number);
            }
            let children = children.as_mapping();
            if let Some((name, _)) = children.and_then(|children| folded(children, setting.key)) {
                note(key_at(after, &[section, name]), number);
            }
        }
    }
    lines
}
