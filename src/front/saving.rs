//! Keeps the answers that were given as a file of the operator's, and begins with such a file.

use std::path::Path;

use crate::answers::{self, Entered};
use crate::error::Problem;
use crate::host::{Host as _, Local};
use crate::values::{Attributes, Mode, Owner, escaped};

use super::place::absolute;

/// What a front offers as the name of the file.
pub(super) const USUAL_NAME: &str = "answers.yaml";

pub(super) const NOT_IN_PRACTICE: &str =
    "demo writes nothing outside its folder; nim-tls saves answers";

/// Gives the name of the file, as a command takes it.
pub(super) fn save(file: &Path, text: &str) -> Result<String, String> {
    let path = absolute(file).map_err(|problem| problem.to_string())?;
    let owner = Owner {
        user: rustix::process::geteuid().as_raw(),
        group: rustix::process::getegid().as_raw(),
    };
    let attributes = Attributes {
        mode: Mode(0o644),
        owner,
        extended: Vec::new(),
    };
    let machine = Local::live().map_err(|error| error.to_string())?;
    machine
        .place(&path, text.as_bytes(), &attributes)
        .map_err(|error| escaped(&error.to_string()))?;
    Ok(escaped(&path.to_string_lossy()))
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
