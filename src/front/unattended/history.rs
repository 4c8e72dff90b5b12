//! `nim-tls history`: the runs of this host, and the certificate that expires first.

use std::fmt::Write as _;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::certificate::read_pem_chain;
use crate::error::Problem;
use crate::receipt::{After, Receipt};
use crate::values::{RunId, escaped, wrapped};
use crate::worker::Runs;

use super::super::output::Output;
use super::super::place::Ground;
use super::super::typed::as_root;
use super::watch::at_work;

/// A file of certificates is small.
const LIMIT: u64 = 1 << 20;

#[derive(Serialize)]
struct Document {
    schema: u32,
    runs: Vec<RunLine>,
    expires_first: Option<Expiry>,
}

#[derive(Serialize)]
struct RunLine {
    run: RunId,
    started: Option<String>,
    command: String,
    /// As in the receipt; `at-work`, `cut-short` or `unreadable` where there is none.
    outcome: String,
    changed: Vec<String>,
}

#[derive(Serialize)]
struct Expiry {
    path: String,
    subject: String,
    expires: String,
    #[serde(skip)]
    at: i64,
}

pub(super) fn history(ground: &Ground, output: &Output) -> Result<u8, Problem> {
    let runs = Runs::new(ground.host(), ground.state());
    let unreadable = |error: &dyn std::fmt::Display| {
        Problem::host(escaped(&format!(
            "the runs of this host cannot be read: {error}"
        )))
        .remedy(as_root())
    };
    let ids = runs.list().map_err(|error| unreadable(&error))?;
    let lines: Vec<RunLine> = ids.iter().map(|run| line(ground, &runs, run)).collect();
    // A damaged receipt is shown in its line; certificates of the others are looked at.
    let expires_first = first_expiry(ground, &runs.in_force().unwrap_or_default());
    if output.is_json() {
        output.document(&Document {
            schema: 1,
            runs: lines,
            expires_first,
        })?;
    } else {
        output.result(&text(&lines, expires_first.as_ref(), output.width))?;
    }
    Ok(0)
}

fn line(ground: &Ground, runs: &Runs<'_>, run: &RunId) -> RunLine {
    let folder = runs.open(run);
    match folder.receipt() {
        Ok(Some(receipt)) => RunLine {
            run: run.clone(),
            started: Some(moment(receipt.started)),
            changed: receipt
                .changes
                .iter()
                .map(|change| change.path.clone())
                .collect(),
            outcome: receipt.outcome.to_string(),
            command: receipt.command,
        },
        found => {
            let outcome = match found {
                Err(_) => "unreadable",
                Ok(_) if at_work(ground, run) => "at-work",
                Ok(_) => "cut-short",
            };
            let request = folder.request().ok().flatten();
            RunLine {
                run: run.clone(),
                started: None,
                command: request.map_or_else(String::new, |request| request.command),
                outcome: outcome.to_owned(),
                changed: Vec::new(),
            }
        }
    }
}

/// Of the certificates that standing runs have placed, the one that expires first.
fn first_expiry(ground: &Ground, receipts: &[Receipt]) -> Option<Expiry> {
    let placed = receipts
        .iter()
        .flat_map(|receipt| &receipt.changes)
        .filter(|change| {
            let name = change.path.as_str();
            matches!(change.after, After::File { .. })
                && matches!(name.rsplit_once('.'), Some((_, "crt" | "pem")))
        });
    placed
        .filter_map(|change| {
            let bytes = ground.host().read(change.path.as_ref(), LIMIT).ok()?;
            let leaf = read_pem_chain(&bytes).ok()?.into_iter().next()?;
            let at = leaf.validity.not_after;
            let (path, subject) = (change.path.clone(), leaf.subject);
            Some(Expiry {
                path,
                subject,
                expires: moment(at),
                at,
            })
        })
        .min_by_key(|expiry| expiry.at)
}

fn text(lines: &[RunLine], expiry: Option<&Expiry>, width: usize) -> String {
    if lines.is_empty() {
        return "no run is recorded on this host\n".to_owned();
    }
    let mut text = String::new();
    for line in lines {
        let started = line.started.as_deref().unwrap_or("-");
        let changed = match line.changed.len() {
            0 => String::new(),
            1 => "1 path".to_owned(),
            several => format!("{several} paths"),
        };
        // Writing to a String cannot fail.
        let row = format!(
            "{}  {started:<20}  {:<8}  {:<11}  {changed}",
            line.run,
            escaped(&line.command),
            line.outcome,
        );
        let _ = writeln!(text, "{}", row.trim_end());
    }
    if let Some(Expiry {
        path,
        subject,
        expires,
        ..
    }) = expiry
    {
        let (path, subject) = (escaped(path), escaped(subject));
        text.push('\n');
        let words = format!("{subject} ({path}), {expires}");
        text.push_str(&wrapped("expires first: ", &words, width));
    }
    text
}

/// Seconds since 1970 as a moment in UTC.
fn moment(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_else(|| seconds.to_string())
}
