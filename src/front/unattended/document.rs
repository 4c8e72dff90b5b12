//! How a run ended, as JSON and as text.

use std::fmt::Write as _;

use serde::Serialize;

use crate::error::Problem;
use crate::receipt::{Kept, Outcome, Receipt, Reload, Skipped};
use crate::report::{self, Row};
use crate::values::{RunId, escaped};

use super::super::output::Output;
use super::super::place::Ground;
use super::by_hand;

#[derive(Serialize)]
pub(super) struct RunDocument {
    schema: u32,
    run: Option<RunId>,
    outcome: Outcome,
    changed: Vec<String>,
    proof: Vec<Row>,
    reload: String,
    problem: Option<String>,
    /// Left as it is, because somebody else changed it since.
    left: Vec<String>,
    /// Not taken away, because something that was left needs it.
    kept: Vec<Kept>,
    /// What `nginx -t` says of what is there, where something was left: `accepted`, or
    /// `refused: path:line: words`.
    nginx_test: Option<String>,
    /// Steps that need a running system, each with the reason.
    skipped: Vec<Skipped>,
}

impl RunDocument {
    /// Of a run that left no receipt, or was never begun.
    pub(super) fn without_receipt(
        run: Option<&RunId>,
        outcome: Outcome,
        problem: Option<String>,
    ) -> Self {
        Self {
            schema: 1,
            run: run.cloned(),
            outcome,
            changed: Vec::new(),
            proof: Vec::new(),
            reload: Reload::NotNeeded.to_string(),
            problem,
            left: Vec::new(),
            kept: Vec::new(),
            nginx_test: None,
            skipped: Vec::new(),
        }
    }

    pub(super) fn of(receipt: &Receipt) -> Self {
        Self {
            schema: 1,
            run: Some(receipt.run.clone()),
            outcome: receipt.outcome,
            changed: receipt
                .changes
                .iter()
                .map(|change| change.path.clone())
                .collect(),
            proof: receipt.proof.clone(),
            reload: receipt.reload.to_string(),
            problem: receipt.problem.clone(),
            left: receipt.left.clone(),
            kept: receipt.kept.clone(),
            nginx_test: receipt.nginx_test.clone(),
            skipped: receipt.skipped.clone(),
        }
    }
}

/// A problem that ended a command before its run began: with `--format json` the document says
/// so too.
pub(super) fn refused(output: &Output, problem: Problem) -> Problem {
    if output.is_json() {
        let what = Some(problem.to_string());
        let document = RunDocument::without_receipt(None, Outcome::Refused, what);
        // The first problem is the one to be told.
        let _ = output.document(&document);
    }
    problem
}

/// Shows how a run ended.
pub(super) fn show(output: &Output, receipt: &Receipt, ground: &Ground) -> Result<(), Problem> {
    if output.is_json() {
        return output.document(&RunDocument::of(receipt));
    }
    let mut text = text(receipt, &ground.options());
    let commands = by_hand::commands(ground, receipt);
    if !commands.is_empty() {
        text.push_str("\nto finish by hand, once you have taken over what was edited:\n");
        for command in commands {
            let _ = writeln!(text, "  {}", escaped(&command));
        }
    }
    output.result(&text)
}

fn text(receipt: &Receipt, options: &str) -> String {
    let run = &receipt.run;
    let mut text = format!(
        "run {run} ({}): {}\n",
        escaped(&receipt.command),
        words(receipt)
    );
    if !receipt.changes.is_empty() {
        let title = match (receipt.outcome, &receipt.undid) {
            (_, Some(_)) => "put back",
            (Outcome::Incomplete, None) => "NOT put back",
            _ => "changed",
        };
        let _ = writeln!(text, "\n{title}:");
        for change in &receipt.changes {
            let _ = writeln!(text, "  {}", escaped(&change.path));
        }
    }
    if !receipt.left.is_empty() {
        text.push_str("\nleft as it is, look at it by hand:\n");
        for path in &receipt.left {
            let _ = writeln!(text, "  {}", escaped(path));
        }
    }
    if !receipt.kept.is_empty() {
        text.push_str("\nkept, because what was left still needs it:\n");
        for Kept { path, why } in &receipt.kept {
            let _ = writeln!(text, "  {}  ({})", escaped(path), escaped(why));
        }
    }
    if !receipt.skipped.is_empty() {
        text.push_str("\nskipped:\n");
        for Skipped { title, why, .. } in &receipt.skipped {
            let _ = writeln!(text, "  {}: {}", escaped(title), escaped(why));
        }
    }
    if let Some(said) = &receipt.nginx_test {
        let _ = writeln!(text, "\nnginx -t, on what is there now: {}", escaped(said));
    }
    if receipt.reload != Reload::NotNeeded {
        let _ = writeln!(
            text,
            "\nnginx: reload {}",
            escaped(&receipt.reload.to_string())
        );
    }
    if !receipt.proof.is_empty() {
        text.push_str("\nproof:\n");
        text.push_str(&proof(&receipt.proof));
    }
    if receipt.outcome == Outcome::Applied && receipt.undid.is_none() {
        let _ = writeln!(text, "\nto go back: nim-tls rollback {run}{options}");
    }
    text
}

/// The table of the proof, line by line safe to show.
pub(super) fn proof(rows: &[Row]) -> String {
    report::as_text(rows)
        .lines()
        .map(|line| format!("  {}\n", escaped(line)))
        .collect()
}

fn words(receipt: &Receipt) -> String {
    let tried = receipt.proof.iter().filter(|row| row.ok.is_some()).count();
    match (receipt.outcome, &receipt.undid) {
        (Outcome::Applied, _) if report::holds(&receipt.proof) => {
            format!("applied, and proven by {tried} attempts")
        }
        (Outcome::Applied, _) => "applied, not proven".to_owned(),
        (Outcome::Unchanged, _) => "unchanged, this host is as it should be".to_owned(),
        (Outcome::RolledBack, Some(undid)) => format!("rolled back what run {undid} changed"),
        (Outcome::RolledBack, None) => "rolled back".to_owned(),
        (Outcome::Incomplete, _) => "incomplete, something is left to be done by hand".to_owned(),
        (Outcome::Refused, _) => "refused, nothing is changed".to_owned(),
    }
}
