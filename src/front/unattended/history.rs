//! `nim-tls history`: the runs of this host, and the certificate that expires first.

use std::fmt::Write as _;

use serde::Serialize;

use crate::certificate::read_pem_chain;
use crate::error::Problem;
use crate::receipt::{After, Outcome, Receipt};
use crate::values::{RunId, escaped, moment, wrapped};
use crate::worker::Runs;

use super::super::busy::at_work;
use super::super::output::Output;
use super::super::place::Ground;
use super::super::typed::as_root;
use super::watch::was_turned_away;

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
    /// As in the receipt, or `rolled-back` where a later run did that; `at-work`, `cut-short`,
    /// `never-began` or `unreadable` where there is none.
    outcome: String,
    changed: Vec<String>,
    /// The run that rolled it back.
    rolled_back_by: Option<RunId>,
    /// Why it cannot be read, and what helps.
    problem: Option<String>,
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
    // A receipt of a newer version, say, is named in its own line.
    let undone = runs.undone().unwrap_or_default();
    let lines: Vec<RunLine> = ids
        .iter()
        .filter(|run| !was_turned_away(ground, run))
        .map(|run| line(ground, &runs, run, undone.get(run)))
        .collect();
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

fn line(ground: &Ground, runs: &Runs<'_>, run: &RunId, undone_by: Option<&RunId>) -> RunLine {
    let folder = runs.open(run);
    let rolled_back = undone_by.map(|_| Outcome::RolledBack.to_string());
    match folder.receipt() {
        Ok(Some(receipt)) => RunLine {
            run: run.clone(),
            started: Some(moment(receipt.started)),
            changed: receipt
                .changes
                .iter()
                .map(|change| change.path.clone())
                .collect(),
            outcome: rolled_back.unwrap_or_else(|| receipt.outcome.to_string()),
            command: receipt.command,
            rolled_back_by: undone_by.cloned(),
            problem: None,
        },
        found => {
            let outcome = match &found {
                Err(_) => "unreadable",
                Ok(_) if at_work(ground, run) => "at-work",
                Ok(_) if folder.was_begun().unwrap_or(true) => "cut-short",
                Ok(_) => "never-began",
            };
            let request = folder.request().ok().flatten();
            let problem = found.err().map(|error| {
                let options = ground.options();
                Problem::host(escaped(&error.to_string()))
                    .remedy(error.remedy(&options))
                    .to_string()
            });
            RunLine {
                run: run.clone(),
                started: folder.asked_at().map(moment),
                command: request.map_or_else(String::new, |request| request.command),
                outcome: rolled_back.unwrap_or_else(|| outcome.to_owned()),
                changed: Vec::new(),
                rolled_back_by: undone_by.cloned(),
                problem,
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
        let changed = match (line.changed.len(), &line.rolled_back_by) {
            (_, Some(by)) => format!("by {by}"),
            (0, None) => String::new(),
            (1, None) => "1 path".to_owned(),
            (several, None) => format!("{several} paths"),
        };
        // Writing to a String cannot fail.
        let row = format!(
            "{}  {started:<20}  {:<11}  {:<11}  {changed}",
            line.run,
            escaped(&line.command),
            line.outcome,
        );
        let _ = writeln!(text, "{}", row.trim_end());
    }
    for problem in lines.iter().filter_map(|line| line.problem.as_ref()) {
        let _ = writeln!(text, "\n{problem}");
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
