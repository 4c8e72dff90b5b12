//! What is asked, once for every front: the full-screen forms, the prompts and the answers file
//! take their fields, words and suggestions from here. Pure: what is asked depends on the facts
//! of a host and on what was entered so far.

mod remedy;
mod suggest;
mod table;

use crate::answers::Entered;
use crate::facts::{Facts, Known};
use crate::values::{AbsPath, HostName, Invalid, SubjectName};

pub use remedy::in_questions;
pub use table::QUESTIONS;

/// The steps of the wizard, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Host,
    Prerequisites,
    Method,
    Names,
    Certificates,
    Files,
    Apply,
    Verify,
}

impl Step {
    pub const ALL: [Self; 8] = [
        Self::Host,
        Self::Prerequisites,
        Self::Method,
        Self::Names,
        Self::Certificates,
        Self::Files,
        Self::Apply,
        Self::Verify,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Host => "Host",
            Self::Prerequisites => "Prerequisites",
            Self::Method => "Method",
            Self::Names => "Names",
            Self::Certificates => "Certificates",
            Self::Files => "Files",
            Self::Apply => "Apply",
            Self::Verify => "Verify",
        }
    }

    /// From 1.
    pub fn number(self) -> usize {
        self as usize + 1
    }
}

/// One question.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// Its path in the answers file.
    pub field: &'static str,
    pub step: Step,
    pub label: &'static str,
    /// Why it is asked and what depends on it: a sentence or two.
    pub why: &'static str,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A cell of the comparison table: sets `method` and `proxy`.
    Grid,
    /// One host name.
    Name,
    /// The same; none is an answer.
    NameOrNone,
    /// Host names and addresses, with commas between them; none is an answer.
    Names,
    /// Host names, with commas between them; none is an answer.
    HostNames,
    /// The whole path of a file or folder; none is an answer.
    Path,
    Choice(&'static [Choice]),
    YesNo,
}

#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// As the answers file has it.
    pub value: &'static str,
    /// What it means for the operator.
    pub means: &'static str,
}

/// Whether a question is asked now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// With what the facts suggest, in the form in which it would be typed.
    Yes { suggestion: String },
    /// Something else decides it, and what.
    No { because: String },
}

impl Question {
    pub fn of(field: &str) -> Option<&'static Question> {
        QUESTIONS.iter().find(|question| question.field == field)
    }

    /// Whether it is asked on this host, after what was entered so far.
    pub fn asked(&self, facts: &Facts, entered: &Entered) -> Asked {
        let no = |because: &str| Asked::No {
            because: because.to_owned(),
        };
        let agents_are_checked = entered.get("method") == "client-mtls";
        let is_instance = entered.get("role") == INSTANCE;
        match self.field {
            USAGE if !is_instance => no("each instance says where it reports"),
            BUNDLE if !is_instance => no("the manager of others needs no files of an agent"),
            field if is_instance && !OF_INSTANCES.contains(&field) => {
                no("that is for the manager to say")
            }
            "agents" if !agents_are_checked => {
                no("SSL termination asks no agent for a certificate")
            }
            ENFORCE if !agents_are_checked => no("SSL termination asks no agent for a certificate"),
            USAGE if !can_report_usage(facts) => no("that is for NGINX Plus R31 and later"),
            "certificates.ca_key.keep" if authority_stays(facts) => {
                no("this host has an authority already, and it stays")
            }
            "options.enable_services" if facts.to_enable().is_empty() => {
                no("no service that runs now is known to be missing after the next start")
            }
            "options.watch" if !facts.watch.possible => no("systemd does not run here"),
            _ => Asked::Yes {
                suggestion: suggest::suggestion(self.field, facts),
            },
        }
    }

    /// What is wrong with a text as the answer, in words, while it is typed. Blank is judged
    /// only where an answer must be given.
    pub fn objection(&self, text: &str) -> Option<String> {
        let text = text.trim();
        let words = || text.split([',', ' ', '\t']).filter(|word| !word.is_empty());
        let refused = |result: Result<(), Invalid>| result.err().map(|error| error.to_string());
        match self.kind {
            Kind::Path | Kind::NameOrNone if text.is_empty() => None,
            Kind::Name | Kind::NameOrNone => refused(text.parse::<HostName>().map(drop)),
            Kind::HostNames => words().find_map(|word| refused(word.parse::<HostName>().map(drop))),
            Kind::Path => refused(text.parse::<AbsPath>().map(drop)),
            Kind::Names => words().find_map(|word| refused(word.parse::<SubjectName>().map(drop))),
            Kind::Choice(choices) => {
                let known = choices.iter().any(|choice| choice.value == text);
                let all: Vec<&str> = choices.iter().map(|choice| choice.value).collect();
                (!known).then(|| format!("say one of: {}", all.join(", ")))
            }
            Kind::YesNo => (!["yes", "no"].contains(&text)).then(|| "say yes or no".to_owned()),
            Kind::Grid => None,
        }
    }
}

/// What needs no question: the facts decide it, or this version knows only one answer.
pub fn settle(facts: &Facts, entered: &mut Entered) {
    entered.set("version", "1");
    if facts.is_instance() {
        entered.set("role", INSTANCE);
        let old = facts
            .agent
            .is()
            .is_some_and(|version| version.starts_with("1.") || version.starts_with("0."));
        entered.set("generation", if old { "nim1" } else { "nim2" });
        return;
    }
    entered.set("role", "manager");
    if let Known::Is(nim) = &facts.nim {
        entered.set("generation", &nim.generation.to_string());
    }
}

/// After another method was chosen: whether agents are refused is asked no more, or again.
pub fn follow_method(facts: &Facts, entered: &mut Entered) {
    let question = Question::of(ENFORCE).map(|question| question.asked(facts, entered));
    match question {
        Some(Asked::Yes { suggestion }) if entered.get(ENFORCE).is_empty() => {
            entered.set(ENFORCE, &suggestion);
        }
        Some(Asked::No { .. }) => entered.set(ENFORCE, ""),
        _ => {}
    }
}

const ENFORCE: &str = "options.enforce";
const BUNDLE: &str = "certificates.agent.bundle";
const USAGE: &str = "usage_reporting.endpoint";
const INSTANCE: &str = "instance";
/// What an instance is asked.
const OF_INSTANCES: [&str; 7] = [
    "method",
    "manager_name",
    USAGE,
    BUNDLE,
    "options.trust_store",
    "options.enable_services",
    "options.watch",
];

/// Whether the NGINX here has reports that could go to the manager.
fn can_report_usage(facts: &Facts) -> bool {
    let nginx = facts.nginx.is();
    nginx.is_some_and(|nginx| nginx.build.can_report_usage())
}

/// Whether certificates will be signed by the authority that is here.
fn authority_stays(facts: &Facts) -> bool {
    matches!(facts.state.ca, Known::Is(_))
}

#[cfg(test)]
mod tests;
