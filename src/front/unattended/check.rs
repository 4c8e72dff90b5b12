//! `nim-tls check`: the prerequisites of this host.

use std::fmt::Write as _;

use serde::Serialize;

use crate::error::{Exit, Problem};
use crate::prerequisites::{self, Check, Status};

use super::super::output::Output;
use super::super::place::Ground;
use super::super::session;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    checks: &'a [Check],
}

pub(super) fn check(ground: &Ground, output: &Output) -> Result<u8, Problem> {
    let checks = prerequisites::checks(&session::first_look(ground));
    if output.is_json() {
        output.document(&Document {
            schema: 1,
            checks: &checks,
        })?;
    } else {
        output.result(&text(&checks))?;
    }
    let failed = checks.iter().any(|check| check.status == Status::Failed);
    Ok(if failed { Exit::HostUnfit } else { Exit::Done } as u8)
}

fn text(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<8} {}: {}",
            check.status.word(),
            check.title,
            check.detail
        );
        if let Some(remedy) = &check.remedy {
            let _ = writeln!(text, "         do: {remedy}");
        }
    }
    let count = |status| checks.iter().filter(|check| check.status == status).count();
    let failed = count(Status::Failed);
    let end = match failed {
        0 => "nothing stands in the way of a plan".to_owned(),
        1 => "1 thing has to be mended first".to_owned(),
        several => format!("{several} things have to be mended first"),
    };
    let _ = writeln!(
        text,
        "\n{end} (ok: {}, warnings: {}, unknown: {})",
        count(Status::Ok),
        count(Status::Warning),
        count(Status::Unknown),
    );
    text
}
