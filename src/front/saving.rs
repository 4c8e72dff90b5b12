//! Keeps the answers that were given as a file of the operator's.

use std::path::Path;

use crate::host::{Host as _, Local};
use crate::values::{Attributes, Mode, Owner, escaped};

use super::place::absolute;

/// What a front offers as the name of the file.
pub(super) const USUAL_NAME: &str = "answers.yaml";

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
