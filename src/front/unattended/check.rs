//! `nim-tls check`: the prerequisites of this host.

use std::path::Path;

use serde::Serialize;

use crate::error::{Exit, Problem};
use crate::prerequisites::{self, Check, Status};
use crate::values::{advised, wrapped};

use super::super::output::Output;
use super::super::place::Ground;
use super::super::session;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    checks: &'a [Check],
}

pub(super) fn check(
    ground: &Ground,
    answers: Option<&Path>,
    output: &Output,
) -> Result<u8, Problem> {
    let answers = answers.map(session::answers).transpose()?;
    let checks = prerequisites::checks(&session::first_look(ground, answers.as_ref()));
    if output.is_json() {
        output.document(&Document {
            schema: 1,
            checks: &checks,
        })?;
    } else {
        output.result(&text(&checks, output.width))?;
    }
    let failed = checks.iter().any(|check| check.status == Status::Failed);
    Ok(if failed { Exit::HostUnfit } else { Exit::Done } as u8)
}

fn text(checks: &[Check], width: usize) -> String {
    let mut text = String::new();
    for check in checks {
        let head = format!("{:<8} ", check.status.word());
        let words = format!("{}: {}", check.title, check.detail);
        text.push_str(&wrapped(&head, &words, width));
        if let Some(remedy) = &check.remedy {
            text.push_str(&advised("         ", remedy, width));
        }
    }
    let count = |status| checks.iter().filter(|check| check.status == status).count();
    let failed = count(Status::Failed);
    let end = match failed {
        0 => "nothing stands in the way of a plan".to_owned(),
        1 => "1 thing has to be mended first".to_owned(),
        several => format!("{several} things have to be mended first"),
    };
    let end = format!(
        "{end} (ok: {}, warnings: {}, unknown: {})",
        count(Status::Ok),
        count(Status::Warning),
        count(Status::Unknown),
    );
    text.push('\n');
    text.push_str(&wrapped("", &end, width));
    text
}
