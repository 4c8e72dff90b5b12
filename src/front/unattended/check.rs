//! `nim-tls check`: the prerequisites of this host.

use std::path::Path;

use serde::Serialize;

use crate::error::{Exit, Problem};
use crate::prerequisites::{self, Check, Status};

use super::super::output::Output;
use super::super::place::Ground;
use super::super::session;
use super::super::words;

#[derive(Serialize)]
pub(super) struct Document<'a> {
    schema: u32,
    checks: &'a [Check],
}

pub(super) fn document(checks: &[Check]) -> Document<'_> {
    Document { schema: 1, checks }
}

pub(super) fn check(
    ground: &Ground,
    answers: Option<&Path>,
    output: &Output,
) -> Result<u8, Problem> {
    let answers = answers.map(session::answers).transpose()?;
    let checks = prerequisites::checks(&session::first_look(ground, answers.as_ref()));
    let checks = output.outward.checks(checks);
    if output.is_json() {
        output.document(&document(&checks))?;
    } else {
        output.result(&words::checks(&checks, output.width))?;
    }
    let failed = checks.iter().any(|check| check.status == Status::Failed);
    Ok(if failed { Exit::HostUnfit } else { Exit::Done } as u8)
}
