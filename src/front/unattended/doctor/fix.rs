//! `nim-tls doctor --fix`: the plan that mends what was found.

use std::ops::ControlFlow;

use crate::cli::Examination;
use crate::doctor::{Finding, LOG_LEVEL, rules};
use crate::error::{Exit, Problem};
use crate::values::escaped;
use crate::worker::Runs;

use super::super::super::busy;
use super::super::super::consent;
use super::super::super::diagnosis;
use super::super::super::output::Output;
use super::super::super::place::Ground;
use super::super::apply::Order;
use super::log_level;

pub(super) const COMMAND: &str = "doctor --fix";

/// Repairs what a finding is about, by the answers that stand on this host, and looks again.
pub(super) fn fix(
    ground: &Ground,
    id: &str,
    asked: &Examination,
    output: &Output,
) -> Result<u8, Problem> {
    let known = rules();
    if !known
        .iter()
        .any(|rule| rule.id == id || rule.finding().cause == id)
    {
        return Err(unknown(id));
    }
    let consent = asked.consent;
    consent::possible(consent, COMMAND)?;
    busy::refuse(ground)?;
    if id == LOG_LEVEL {
        // Wherever a log keeps quiet, not only where somebody is refused already.
        return log_level::raise(ground, asked, output);
    }
    let look = || diagnosis::examine(ground, &[], None, &|_| ControlFlow::Continue(()));
    let found = look()?;
    let is_meant = |finding: &&Finding| finding.id == id || finding.cause == id;
    let named = |findings: &[Finding]| findings.iter().find(is_meant).cloned();
    let findings = &found.diagnosis.findings;
    let meant = findings.iter().filter(is_meant);
    let applicable = meant.clone().find(|finding| finding.fix.offer.is_some());
    let Some(finding) = applicable.or_else(|| meant.clone().next()) else {
        let what = format!("nothing that is called {} is found here now", escaped(id));
        return Err(Problem::host(what).remedy("nim-tls doctor"));
    };
    let standing = found.standing.as_ref();
    let standing = standing.filter(|_| finding.fix.offer.is_some());
    let Some(standing) = standing else {
        return Err(by_hand(finding, found.obstacle()));
    };
    let changes = || {
        let runs = Runs::new(ground.host(), ground.state());
        runs.that_changed().ok()
    };
    let before = changes();
    let order = Order {
        command: COMMAND,
        answers: Some(standing.text.as_str()),
        consent,
        confirm_within: asked.confirm_within,
    };
    let code = order.carry(ground, &standing.goal, output)?;
    // Whoever said no has changed nothing.
    if code == Exit::Done as u8 && changes() != before {
        let after = look()?.diagnosis.findings;
        output.tell(&match named(&after) {
            None => format!("looked again: {} is gone", escaped(id)),
            Some(still) => format!("looked again: still found: {}", still.title),
        });
    }
    Ok(code)
}

pub(super) fn unknown(id: &str) -> Problem {
    let what = format!("nothing that is found is called {}", escaped(id));
    Problem::usage(what).remedy("nim-tls doctor names what it found, in brackets")
}

/// What this program does not do by itself.
fn by_hand(finding: &Finding, obstacle: Option<&Problem>) -> Problem {
    if let Some(obstacle) = obstacle {
        let what = format!("no plan mends this as it is: {}", obstacle.what);
        let problem = Problem::host(what);
        return match &obstacle.remedy {
            Some(remedy) => problem.remedy(remedy.clone()),
            None => problem,
        };
    }
    let what = format!(
        "{}: there is nothing that nim-tls could do about it by itself here. {}",
        finding.title, finding.fix.text
    );
    Problem::host(what).remedy(finding.fix.commands.join("\n      "))
}
