//! How a run ended, as JSON and as text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

use crate::error::{Exit, Problem};
use crate::plan::{AWAITED, LEFT};
use crate::receipt::{After, Kept, Outcome, Receipt, Reload, Skipped};
use crate::report::{self, Row, Standing};
use crate::values::{Gather as _, RunId, escaped, wrapped};

use super::by_hand;
use super::output::Output;
use super::outward::Outward;
use super::place::Ground;
use super::plan_text::noted;

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
    /// What is to be known besides, differences from the answers that stay among it.
    notes: Vec<String>,
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
            notes: Vec::new(),
            kept: Vec::new(),
            nginx_test: None,
            skipped: Vec::new(),
        }
    }

    /// Nothing was to be done.
    pub(super) fn unchanged(notes: Vec<String>) -> Self {
        Self {
            notes,
            ..Self::without_receipt(None, Outcome::Unchanged, None)
        }
    }

    fn of(receipt: &Receipt, notes: &[String], outward: &Outward) -> Self {
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
            problem: receipt
                .problem
                .as_deref()
                .map(|problem| outward.text(problem)),
            left: receipt.left.clone(),
            notes: notes.to_vec(),
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
        let what = Some(output.outward.problem(&problem).to_string());
        let document = RunDocument::without_receipt(None, Outcome::Refused, what);
        // The first problem is the one to be told.
        let _ = output.document(&document);
    }
    problem
}

/// What is shown of a run besides its receipt.
pub(super) struct About<'a> {
    pub(super) exit: u8,
    /// Of its plan.
    pub(super) notes: &'a [String],
    /// The host exists for this command only: there is no later in which another would help.
    pub(super) goes_away: bool,
    /// What makes a printed command act on the same place.
    pub(super) options: &'a str,
    /// Of this host, where instances' files wait.
    pub(super) issued: &'a str,
}

/// Shows how a run ended.
pub(super) fn show(
    output: &Output,
    receipt: &Receipt,
    ground: &Ground,
    about: &About<'_>,
) -> Result<(), Problem> {
    if output.is_json() {
        return output.document(&RunDocument::of(receipt, about.notes, &output.outward));
    }
    let mut text = text(receipt, about, output.width);
    let commands = by_hand::commands(ground, receipt);
    if !commands.is_empty() {
        let only_again = commands.len() == 1;
        text.push_str(if only_again {
            "\nto finish, once what kept it from going back is out of the way:\n"
        } else {
            "\nto finish by hand, once you have taken over what was edited:\n"
        });
        for command in commands {
            let _ = writeln!(text, "  {}", escaped(&command));
        }
    }
    output.result(&text)
}

fn text(receipt: &Receipt, about: &About<'_>, width: usize) -> String {
    let run = &receipt.run;
    let head = format!("run {run} ({}): ", escaped(&receipt.command));
    let mut text = wrapped(&head, &words(receipt, about), width);
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
        text.push('\n');
        let reload = escaped(&receipt.reload.to_string());
        text.push_str(&wrapped("nginx: reload ", &reload, width));
    }
    if !receipt.proof.is_empty() {
        text.push_str("\nproof:\n");
        text.push_str(&proof(&receipt.proof, width));
    }
    let stays: Vec<&String> = about
        .notes
        .iter()
        .filter(|note| note.starts_with(LEFT))
        .collect();
    let disproved = receipt.proof.iter().any(|row| row.ok == Some(false));
    if disproved && receipt.undid.is_none() && !about.goes_away {
        let options = about.options;
        text.push_str(&format!(
            "\nwhat the logs say of it:\n  nim-tls doctor{options}\n"
        ));
    }
    if receipt.outcome == Outcome::Applied && receipt.undid.is_none() {
        if !stays.is_empty() {
            text.push_str("\nnot as the answers want it:\n");
            for note in stays {
                text.push_str(&noted(note, width));
            }
        }
        if !about.goes_away {
            text.push_str(&next_steps(receipt, about, width));
        }
    }
    text
}

/// What is left to the operator.
fn next_steps(receipt: &Receipt, about: &About<'_>, width: usize) -> String {
    let mut text = String::from("\nnext:\n");
    for note in about.notes.iter().filter(|note| note.starts_with(AWAITED)) {
        text.push_str(&noted(note, width));
    }
    let below = format!("{}/", about.issued);
    let agents: BTreeSet<&str> = receipt
        .changes
        .iter()
        .filter(|change| matches!(change.after, After::File { .. }))
        .filter_map(|change| change.path.strip_prefix(&below)?.split('/').next())
        .gathered();
    if !agents.is_empty() {
        text.push_str("  - bring each instance its files; this prints the commands:\n");
        for agent in agents {
            let agent = escaped(agent);
            let options = about.options;
            text.push_str(&format!("      nim-tls certs hand-out {agent}{options}\n"));
        }
    }
    let (run, options) = (&receipt.run, about.options);
    if receipt.proves.is_some() || receipt.reaches.is_some() {
        text.push_str("  - prove it again, at any time:\n");
        text.push_str(&format!("      nim-tls verify{options}\n"));
    }
    text.push_str("  - go back to how it was:\n");
    text.push_str(&format!("      nim-tls rollback {run}{options}\n"));
    text
}

/// Whether somebody else is to sign something.
fn is_awaited(about: &About<'_>) -> bool {
    about.notes.iter().any(|note| note.starts_with(AWAITED))
}

/// The table of the proof, line by line safe to show.
pub(super) fn proof(rows: &[Row], width: usize) -> String {
    report::as_text_within(rows, width.saturating_sub(2))
        .lines()
        .map(|line| format!("  {}\n", escaped(line)))
        .collect()
}

fn words(receipt: &Receipt, about: &About<'_>) -> String {
    let tried = receipt.proof.iter().filter(|row| row.ok.is_some()).count();
    let standing = Standing::of(&receipt.proof);
    match (receipt.outcome, &receipt.undid) {
        (Outcome::Applied, _) if standing == Standing::NotEnforced => format!(
            "applied, and seen by {tried} attempts; agents are judged and logged, NOT ENFORCED: \
             nobody is refused"
        ),
        (Outcome::Applied, _) if standing == Standing::Holds => {
            format!("applied, and proven by {tried} attempts")
        }
        (Outcome::Applied, _) if standing.is_good() => {
            let not_tried = receipt.proof.len() - tried;
            format!("applied, and proven by {tried} attempts; {not_tried} could not be tried")
        }
        (Outcome::Applied, _) if receipt.proves.is_none() && is_awaited(about) => {
            "applied; certificates are awaited, and no service was touched".to_owned()
        }
        (Outcome::Applied, _) => "applied, not proven".to_owned(),
        (Outcome::Unchanged, _) => "unchanged, nothing was to be done".to_owned(),
        (Outcome::RolledBack, Some(undid)) => format!("rolled back what run {undid} changed"),
        (Outcome::RolledBack, None) if receipt.not_kept => {
            "not kept, and everything was put back".to_owned()
        }
        (Outcome::RolledBack, None) => "rolled back".to_owned(),
        (Outcome::Incomplete, _) => "incomplete, something is left to be done by hand".to_owned(),
        // "Refused" is for what was never begun.
        (Outcome::Refused, _) if about.exit == Exit::PutBack as u8 => {
            let problem = receipt.problem.as_deref().unwrap_or_default();
            let how = if problem.contains("interrupted") {
                "interrupted"
            } else {
                "failed"
            };
            format!("{how}, and everything was put back")
        }
        (Outcome::Refused, _) => "refused, nothing is changed".to_owned(),
    }
}

#[cfg(test)]
#[path = "document/tests.rs"]
mod tests;
