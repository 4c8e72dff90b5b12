//! The passphrase of the authority's key: from a file or the terminal, to the worker's standard
//! input, and nowhere else.

use inquire::{InquireError, Password, PasswordDisplayMode};
use zeroize::Zeroizing;

use crate::answers::Answers;
use crate::error::Problem;
use crate::host::{Host as _, HostError, Local};
use crate::pki::Passphrase;
use crate::plan::{Authority, KeepKey, Plan};
use crate::values::AbsPath;

use super::consent::is_terminal;
use super::output::Output;

/// A passphrase fits in a line; OpenSSL reads no more than a kibibyte of it.
const LIMIT: u64 = 64 * 1024;

/// Why a plan needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    New,
    Existing,
}

fn need(plan: &Plan) -> Option<Need> {
    match &plan.issuing()?.authority {
        Authority::New {
            key: KeepKey::Encrypted,
            ..
        } => Some(Need::New),
        Authority::Existing { encrypted: true } => Some(Need::Existing),
        Authority::New { .. } | Authority::Existing { .. } => None,
    }
}

/// The passphrase that the plan needs; empty where it needs none.
pub(super) fn obtain(
    plan: &Plan,
    answers: &Answers,
    output: &Output,
) -> Result<Zeroizing<String>, Problem> {
    let Some(need) = need(plan) else {
        return Ok(Zeroizing::new(String::new()));
    };
    let text = match &answers.passphrase_file {
        Some(file) => from_file(file, output)?,
        None if is_terminal() => asked(need)?,
        None => {
            return Err(Problem::usage(
                "the key of the authority is kept encrypted, and there is neither a file with \
                 its passphrase nor a terminal to ask for it",
            )
            .remedy(
                "say certificates: {ca_key: {keep: encrypted, passphrase_file: /root/ca.pass}}",
            ));
        }
    };
    // What the worker would refuse is refused here, before anything has begun.
    Passphrase::new(text.clone()).map_err(|error| Problem::usage(error.to_string()))?;
    Ok(text)
}

fn from_file(file: &AbsPath, output: &Output) -> Result<Zeroizing<String>, Problem> {
    let refused =
        |error: HostError| Problem::usage(format!("certificates.ca_key.passphrase_file: {error}"));
    let machine = Local::live().map_err(refused)?;
    let bytes = Zeroizing::new(machine.read(file.as_path(), LIMIT).map_err(refused)?);
    let stat = machine.stat(file.as_path()).map_err(refused)?;
    if let Some(mode) = stat
        .map(|stat| stat.attributes.mode)
        .filter(|mode| mode.0 & 0o077 != 0)
    {
        output.tell(&format!(
            "warning: {file} has mode {mode}, others may read the passphrase: chmod 600 {file}"
        ));
    }
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok("") => Err(Problem::usage(format!("the first line of {file} is empty"))
            .remedy("write the passphrase into its first line")),
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(Problem::usage(format!(
            "the first line of {file} is not UTF-8 text"
        ))),
    }
}

fn asked(need: Need) -> Result<Zeroizing<String>, Problem> {
    let prompt = match need {
        Need::New => "Passphrase for the key of the new authority:",
        Need::Existing => "Passphrase of the authority's key:",
    };
    let mut question = Password::new(prompt).with_display_mode(PasswordDisplayMode::Hidden);
    if need == Need::Existing {
        question.enable_confirmation = false;
    }
    match question.prompt() {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(InquireError::OperationCanceled | InquireError::OperationInterrupted) => Err(
            Problem::usage("no passphrase was given, so nothing was begun"),
        ),
        Err(error) => Err(Problem::usage(format!(
            "the question for the passphrase failed: {error}"
        ))),
    }
}
