//! An examination of this host: made for every front, and told in the same words.

use std::path::PathBuf;

use crate::doctor::{self, Diagnosis, Finding, Listener, Offer, Request, Severity};
use crate::error::Problem;
use crate::facts::Facts;
use crate::host::Local;
use crate::plan::{Authority, Plan};
use crate::values::{Peer, escaped, wrapped};

use super::place::Ground;
use super::session;
use super::standing::{self, Standing};

/// What is to be looked at besides what the host itself names.
pub(super) struct Asked<'a> {
    pub(super) logs: &'a [PathBuf],
    pub(super) since: Option<i64>,
    /// Whether connections to this host may be made.
    pub(super) connect: bool,
    pub(super) peer: Option<&'a Peer>,
}

/// What was found, and by which answers this host can be repaired.
pub(super) struct Examined {
    pub(super) diagnosis: Diagnosis,
    pub(super) standing: Option<Standing>,
    /// Why those answers cannot be applied once more, as this host is.
    pub(super) obstacle: Option<Problem>,
}

impl Examined {
    /// The answers whose plan mends something of what was found.
    pub(super) fn repair(&self) -> Option<&Standing> {
        let mut findings = self.diagnosis.findings.iter();
        let any = findings.any(is_mended);
        self.standing.as_ref().filter(|_| any)
    }

    /// Whether the error log could be made to tell more.
    pub(super) fn can_raise(&self) -> bool {
        let mut findings = self.diagnosis.findings.iter();
        findings.any(|finding| finding.fix.offer == Some(Offer::RaisedLevel))
    }

    /// Why nothing can be mended by a plan, where something is to be mended.
    pub(super) fn obstacle(&self) -> Option<&Problem> {
        let mut findings = self.diagnosis.findings.iter();
        let any = findings.any(|finding| finding.severity != Severity::Info);
        self.obstacle.as_ref().filter(|_| any)
    }
}

fn is_mended(finding: &Finding) -> bool {
    finding.fix.offer == Some(Offer::Answers)
}

/// What can be mended at once, for whoever has keys for it.
pub(super) fn mends(examined: &Examined, width: usize) -> String {
    if let Some(obstacle) = examined.obstacle() {
        return format!("{}\n", obstacle_in_words(obstacle, width));
    }
    if examined.repair().is_none() {
        return String::new();
    }
    let findings = examined.diagnosis.findings.iter();
    let mended = findings.filter(|finding| is_mended(finding));
    let titles: Vec<&str> = mended.map(|finding| finding.title.as_str()).collect();
    let words = format!(
        "shows a plan that mends this, and changes nothing yet: {}",
        titles.join("; ")
    );
    format!("{}\n", wrapped("Enter: ", &words, width))
}

/// Not by accident: whoever has certificates of the one before would be cut off.
fn makes_authority(plan: &Plan) -> bool {
    let issuing = plan.issuing();
    issuing.is_some_and(|issuing| matches!(issuing.authority, Authority::New { .. }))
}

/// What keeps this program from a repair, where anything is to be repaired.
pub(super) fn obstacle_in_words(obstacle: &Problem, width: usize) -> String {
    let mut text = wrapped("No plan: ", &obstacle.what, width);
    if let Some(remedy) = &obstacle.remedy {
        text.push_str(&format!("         {}\n", escaped(remedy)));
    }
    text
}

/// Looks at the host and reads its logs, passing over lines from before `since` (seconds since
/// 1970). `told` hears how far it is, and can call it off.
pub(super) fn examine(
    ground: &Ground,
    logs: &[PathBuf],
    since: Option<i64>,
    told: &Listener<'_>,
) -> Result<Examined, Problem> {
    let asked = Asked {
        logs,
        since,
        connect: true,
        peer: None,
    };
    examine_and_keep(ground, &asked, told).map(|(examined, _)| examined)
}

/// The same, with what was found out about the host.
pub(super) fn examine_and_keep(
    ground: &Ground,
    asked: &Asked<'_>,
    told: &Listener<'_>,
) -> Result<(Examined, Facts), Problem> {
    // Whoever may not read keys would take all of them for gone.
    let can_plan = ground.host().is_root() || !ground.host().is_live();
    let standing = standing::to_repair(ground).filter(|_| can_plan);
    let (facts, plan) = match &standing {
        Some(standing) => {
            let (facts, plan) = session::looked_and_planned(ground, &standing.goal);
            (facts, plan.map(Some))
        }
        None => (session::first_look(ground, None), Ok(None)),
    };
    let (plan, obstacle) = match plan {
        Ok(Some(plan)) if makes_authority(&plan) => {
            let what = "the authority that has issued everything here is gone, and a repair would \
                        make another one, whose agents nobody knows: bring it back from a backup";
            let remedy = format!("ls -l {}/ca", ground.state());
            (None, Some(Problem::host(what).remedy(remedy)))
        }
        Ok(plan) => (plan.filter(|plan| !plan.is_empty()), None),
        Err(problem) => (None, Some(problem)),
    };
    // Files of the operator's are on this machine: `--root` does not apply to them.
    let machine = Local::live().map_err(|error| Problem::host(error.to_string()))?;
    let request = Request {
        logs: asked.logs,
        logs_on: &machine,
        since: asked.since,
        standing: plan.as_ref(),
        obstacle: obstacle.as_ref(),
        connect: asked.connect,
        peer: asked.peer,
        changed_at: standing::changed_at(ground),
        enforced: standing.as_ref().is_some_and(Standing::enforces),
        names: &standing.as_ref().map(Standing::names).unwrap_or_default(),
        agent_set_up: standing::has_set_up_agent(ground),
    };
    let diagnosis = doctor::examine(ground.host(), &facts, &request, told);
    let examined = Examined {
        diagnosis,
        standing,
        obstacle,
    };
    Ok((examined, facts))
}

/// All of it as text.
pub(super) fn text(diagnosis: &Diagnosis, width: usize) -> String {
    let mut text = String::new();
    for found in &diagnosis.findings {
        text.push_str(&finding(found, width));
        text.push('\n');
    }
    for source in &diagnosis.sources {
        let head = if source.read {
            "read      "
        } else {
            "NOT read  "
        };
        text.push_str(&wrapped(
            head,
            &format!("{}: {}", source.path, source.why),
            width,
        ));
    }
    text.push('\n');
    text.push_str(&wrapped("", &summary(diagnosis), width));
    text
}

pub(super) fn summary(diagnosis: &Diagnosis) -> String {
    let count = |severity| diagnosis.count(severity);
    let counted = format!(
        "errors: {}, warnings: {}, notes: {}",
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Info),
    );
    if diagnosis.findings.is_empty() {
        "Nothing was found: no line that was looked at tells of a cause. nim-tls check looks at the \
         host itself."
            .to_owned()
    } else {
        counted
    }
}

/// Where words after the severity begin.
const INDENT: &str = "         ";

/// How often, and from when to when.
fn seen(found: &Finding) -> Option<String> {
    let times = match found.count {
        0 => return None,
        1 => "seen once".to_owned(),
        count => format!("seen {count} times"),
    };
    Some(match (&found.first, &found.last) {
        (Some(first), Some(last)) if first == last => format!("{times}, {first}"),
        (Some(first), Some(last)) => format!("{times}, first {first}, last {last}"),
        _ if found.count == 1 => return None,
        _ => times,
    })
}

/// One finding: what, seen where, why, and what helps.
pub(super) fn finding(found: &Finding, width: usize) -> String {
    let head = format!("{:<8} ", found.severity.word());
    let title = format!("{} ({})", found.title, found.cause);
    let mut text = wrapped(&head, &title, width);
    if let Some(seen) = seen(found) {
        text.push_str(&wrapped(INDENT, &seen, width));
    }
    for evidence in &found.evidence {
        let place = match evidence.line {
            Some(line) => format!("{}:{line}:", evidence.file),
            None => format!("{}:", evidence.file),
        };
        // A line of JSON has no blanks at which it could be broken.
        let seen = evidence.text.replace(",\"", ", \"");
        let line = format!("{place} {seen}");
        text.push_str(&wrapped(&format!("{INDENT}> "), &line, width));
    }
    for seen in &found.connections {
        let line = format!("{}: {}", seen.connection, seen.seen);
        text.push_str(&wrapped(&format!("{INDENT}> "), &line, width));
    }
    let mut words = |head: &str, words: &str| {
        text.push_str(&wrapped(&format!("{INDENT}{head}"), words, width));
    };
    words("", &found.why);
    words("do: ", &found.fix.text);
    for command in &found.fix.commands {
        text.push_str(&format!("{INDENT}    {}\n", escaped(command)));
    }
    text
}
