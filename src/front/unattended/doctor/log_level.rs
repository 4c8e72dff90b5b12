//! The error log tells more for a while; then all is as before, and what came is read.

use std::ops::ControlFlow;

use crate::answers::Goal;
use crate::cli::Examination;
use crate::doctor::{Finding, Offer};
use crate::error::{Exit, Problem};

use super::super::super::diagnosis;
use super::super::super::output::Output;
use super::super::super::place::Ground;
use super::super::super::starting::RAISED_FOR;
use super::super::apply::Order;
use super::fix::COMMAND;

/// Whoever keeps the run keeps the level; else it ends as a run does that nobody kept.
pub(super) fn raise(ground: &Ground, asked: &Examination, output: &Output) -> Result<u8, Problem> {
    let seconds = asked.confirm_within.unwrap_or(RAISED_FOR);
    output.tell_after(
        "",
        &format!(
            "The error log will tell more for {seconds} s, and is then put back as it is now. Let \
             the client try again meanwhile: what comes is read at the end."
        ),
    );
    let order = Order {
        command: COMMAND,
        answers: None,
        consent: asked.consent,
        confirm_within: Some(seconds),
    };
    let began = ground.host().now();
    let code = order.carry(ground, &Goal::LogLevel, output)?;
    let was_raised = [Exit::Done, Exit::NotKept].map(|exit| exit as u8);
    if was_raised.contains(&code) {
        read(ground, began, output)?;
    }
    Ok(code)
}

/// What the logs have told since then (seconds since 1970).
fn read(ground: &Ground, since: i64, output: &Output) -> Result<(), Problem> {
    let goes_on = |_: crate::doctor::Told<'_>| ControlFlow::Continue(());
    let found = diagnosis::examine(ground, &[], Some(since), &goes_on)?;
    let findings = found.diagnosis.findings.iter();
    let told: Vec<&Finding> = findings
        .filter(|finding| finding.first.is_some() && finding.fix.offer != Some(Offer::RaisedLevel))
        .collect();
    if told.is_empty() {
        output.tell_after(
            "",
            "no client was refused meanwhile, as far as the logs tell: let it try again while the \
             log tells more",
        );
        return Ok(());
    }
    if output.is_json() {
        // What was done is the document.
        for finding in told {
            output.tell_after("seen: ", &format!("{} ({})", finding.title, finding.cause));
        }
        return Ok(());
    }
    let texts = told
        .into_iter()
        .map(|one| diagnosis::finding(one, output.width));
    let texts: Vec<String> = texts.collect();
    output.result(&format!("\nWhat came meanwhile:\n\n{}", texts.join("\n")))
}
