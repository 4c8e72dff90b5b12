//! `nim-tls certs renew`: what the latest answers come to, with new certificates in place of those
//! that end soon.

use crate::answers::Goal;
use crate::cli::Consent;
use crate::error::Problem;
use crate::values::escaped;
use crate::worker::Runs;

use super::super::super::busy;
use super::super::super::output::Output;
use super::super::super::place::Ground;
use super::super::super::session;
use super::super::apply;

pub(super) fn renew(
    ground: &Ground,
    within: Option<u32>,
    consent: Consent,
    output: &Output,
) -> Result<u8, Problem> {
    let (text, mut goal) = latest(ground)?;
    match &mut goal {
        Goal::Manager(answers) | Goal::Authority(answers) => answers.renew_within = within,
        Goal::Instance(_) => {}
    }
    apply::carry(ground, &goal, Some(&text), "certs renew", consent, output)
}

/// The answers of the latest run that stands and has issued something, or could.
fn latest(ground: &Ground) -> Result<(String, Goal), Problem> {
    let runs = Runs::new(ground.host(), ground.state());
    let standing = runs
        .in_force()
        .map_err(|error| busy::unreadable(ground, &error))?;
    for receipt in standing.iter().rev() {
        let folder = runs.open(&receipt.run);
        let request = folder.request().ok().flatten();
        let Some(text) = request.and_then(|request| request.answers) else {
            continue;
        };
        let shown = format!("the answers of run {}", escaped(receipt.run.as_str()));
        match session::checked(text.as_bytes(), &shown)? {
            // An instance issues nothing.
            Goal::Instance(_) => {}
            goal => return Ok((text, goal)),
        }
    }
    Err(Problem::host(
        "no run that stands has left the answers by which certificates were made here",
    )
    .remedy("nim-tls apply --answers FILE makes those anew that are two thirds through their life"))
}
