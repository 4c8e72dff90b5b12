//! What a host is and how it stands, in words.

use crate::facts::{AgentFile, Facts, Known};
use crate::plan;
use crate::prerequisites::{Check, Status};
use crate::values::{advised, wrapped};

/// What the wizard is for.
const WELCOME: &str = "This wizard encrypts the connections of browsers and agents to \
    NGINX Instance Manager, and lets agents in only with a certificate if you want that. You see \
    every line before it is written, nothing is changed before your yes in step 7, and all of it \
    can be put back.";

/// The same on an instance.
const WELCOME_INSTANCE: &str = "This is an instance of NGINX Instance Manager. The wizard encrypts the \
    connections of its agent to the manager, and gives the agent the certificate that the manager \
    has issued for it. You see every line before it is written, nothing is changed before your yes \
    in step 7, and all of it can be put back.";

pub(in crate::front) fn welcome(facts: &Facts) -> &'static str {
    if facts.is_instance() {
        WELCOME_INSTANCE
    } else {
        WELCOME
    }
}

/// What this host is: a word, and what was found.
pub(in crate::front) fn host(facts: &Facts) -> Vec<(&'static str, String)> {
    let told = |known: Known<String>, absent: &str| match known {
        Known::Is(words) => words,
        Known::Absent => absent.to_owned(),
        Known::Unclear(why) => format!("could not be told: {why}"),
    };
    let nim = facts.nim.clone().map(|nim| {
        let version = nim
            .version
            .unwrap_or_else(|| "2, version unknown".to_owned());
        format!("{version} (told by {})", nim.evidence)
    });
    let mut words = vec![
        (
            "system",
            told(
                facts.os.clone().map(|os| os.name),
                "it does not say what it is",
            ),
        ),
        (
            "manager",
            told(
                nim,
                if facts.is_instance() {
                    "not here: this is an instance"
                } else {
                    "NGINX Instance Manager is not installed here"
                },
            ),
        ),
        (
            "nginx",
            told(
                facts.nginx.clone().map(|nginx| nginx.build.to_string()),
                "not installed here",
            ),
        ),
        (
            "agent",
            told(facts.agent.clone(), "no NGINX Agent on this host"),
        ),
    ];
    if facts.is_instance() {
        words.push(("today", today(facts)));
        return words;
    }
    words.extend([
        (
            "authority",
            match &facts.state.ca {
                Known::Is(ca) => format!("one of ours is here: {}", ca.root.subject),
                Known::Absent => "none of ours yet; this run would make one".to_owned(),
                Known::Unclear(why) => format!("could not be told: {why}"),
            },
        ),
        ("today", today(facts)),
    ]);
    words
}

/// The same as a sentence.
pub(in crate::front) fn today_in_full(facts: &Facts) -> String {
    let words = today(facts);
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

/// How agents and the manager stand to each other now.
fn today(facts: &Facts) -> String {
    if facts.is_instance() {
        let told = |file: &AgentFile| format!("the agent connects {}", file.connects().1);
        return match &facts.agent_setup.file {
            Known::Is(file) => told(file),
            Known::Absent => "the agent has no settings".to_owned(),
            Known::Unclear(why) => format!("could not be told: {why}"),
        };
    }
    plan::today(facts).map_or_else(
        |problem| problem.what,
        |today| format!("agents are {today}"),
    )
}

/// The prerequisites, each with its remedy, and how many stand in the way.
pub(in crate::front) fn checks(checks: &[Check], width: usize) -> String {
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
