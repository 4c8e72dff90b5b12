//! Keeps the answers that were given as a file of the operator's, and begins with such a file.

use std::path::Path;

use crate::answers::{self, Entered};
use crate::error::Problem;
use crate::host::{Host as _, HostError, Kind, Local, TEMPORARY};
use crate::values::{Attributes, Digest, Mode, Owner, escaped, path_word};

use super::place::absolute;
use super::typed::look_at;

/// What a front offers as the name of the file.
pub(super) const USUAL_NAME: &str = "answers.yaml";

pub(super) const NOT_IN_PRACTICE: &str =
    "demo writes nothing outside its folder; nim-tls saves answers";

/// Gives the name of the file, as a command takes it.
pub(super) fn save(file: &Path, text: &str) -> Result<String, String> {
    let path = absolute(file).map_err(|problem| problem.to_string())?;
    let attributes = ours(0o644);
    let machine = Local::live().map_err(|error| error.to_string())?;
    machine
        .place(&path, text.as_bytes(), &attributes)
        .map_err(|error| escaped(&error.to_string()))?;
    Ok(escaped(&path.to_string_lossy()))
}

fn ours(mode: u32) -> Attributes {
    Attributes {
        mode: Mode(mode),
        owner: Owner {
            user: rustix::process::geteuid().as_raw(),
            group: rustix::process::getegid().as_raw(),
        },
        extended: Vec::new(),
    }
}

/// What is written to a file that must not be there: `the plan`, and the option that names the file.
pub(super) struct NewFile {
    pub(super) what: &'static str,
    pub(super) option: &'static str,
}

impl NewFile {
    /// Whole from the first moment that it has its name, in nobody else's place, and for its owner
    /// alone.
    pub(super) fn save(&self, file: &Path, bytes: &[u8]) -> Result<(), Problem> {
        let path = absolute(file)?;
        let mark = Digest::of(bytes).to_string();
        let temporary = path.with_file_name(format!("{TEMPORARY}{}", &mark[..16]));
        let not_saved = |error: HostError| {
            // What stands in its way has its own name.
            let why = error
                .to_string()
                .replace(&path_word(&temporary), &path_word(&path));
            let folder = path.parent().unwrap_or(&path);
            Problem::usage(escaped(&format!("{} cannot be saved: {why}", self.what)))
                .remedy(look_at(folder))
        };
        let machine = Local::live().map_err(not_saved)?;
        machine
            .place(&temporary, bytes, &ours(0o600))
            .map_err(not_saved)?;
        machine.rename(&temporary, &path).map_err(|error| {
            // The first error says more than this one would.
            let _ = machine.remove_file(&temporary);
            not_saved(error)
        })
    }

    /// Refuses a place where something is.
    pub(super) fn is_free(&self, file: &Path) -> Result<(), Problem> {
        let path = absolute(file)?;
        let stat = Local::live().and_then(|machine| machine.stat(&path));
        let why = match stat {
            Ok(None) => return Ok(()),
            Ok(Some(stat)) => match stat.kind {
                Kind::Link(target) => format!("is a symbolic link to {}", target.display()),
                Kind::Folder => "is a folder".to_owned(),
                Kind::File | Kind::Special => "is there already".to_owned(),
            },
            Err(error) => {
                let what = format!("{} cannot be saved: {error}", self.what);
                return Err(Problem::usage(escaped(&what)));
            }
        };
        let what = format!(
            "{} {why}, and {} replaces nothing: name another file",
            path.display(),
            self.option
        );
        Err(Problem::usage(escaped(&what)).remedy(look_at(&path)))
    }
}

/// The answers of a file, to begin with: what will not do is said at its question.
pub(super) fn load(file: &Path) -> Result<Entered, Problem> {
    let path = absolute(file)?;
    let shown = escaped(&path.to_string_lossy());
    let bytes = Local::live()
        .and_then(|machine| machine.read(&path, answers::LIMIT))
        .map_err(|error| {
            let why = escaped(&error.to_string());
            Problem::usage(format!("the answers cannot be read: {why}"))
        })?;
    let text = String::from_utf8_lossy(&bytes);
    Entered::from_yaml(&text).ok_or_else(|| {
        Problem::usage(format!("{shown} holds no answers"))
            .remedy("a line \"field: value\" for each, as nim-tls saves them")
    })
}
