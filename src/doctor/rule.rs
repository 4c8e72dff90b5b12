//! The rules: which words in a line tell which cause.

use memchr::memmem;
use serde::Deserialize;

use super::finding::{Finding, Fix, Severity};

/// The files of rules. Within a file, and from file to file, what is nearer to a first cause
/// stands first, and the exact rule before the general one: the first that fits a line counts.
const FILES: [&str; 6] = [
    include_str!("../../assets/rules/configuration.yaml"),
    include_str!("../../assets/rules/nginx-load.yaml"),
    include_str!("../../assets/rules/nginx-upstreams.yaml"),
    include_str!("../../assets/rules/agent.yaml"),
    include_str!("../../assets/rules/verdicts.yaml"),
    include_str!("../../assets/rules/nginx-clients.yaml"),
];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub id: String,
    cause: String,
    #[serde(default = "error")]
    severity: Severity,
    title: String,
    /// All of these have to be in the line; the first in what the program itself says. None: no
    /// line fits.
    #[serde(rename = "match", default)]
    needles: Vec<String>,
    /// And one of these, where there are any.
    #[serde(default)]
    and_any: Vec<String>,
    /// Whether the proof of this program makes such lines on purpose.
    #[serde(default)]
    pub(super) provoked: bool,
    why: String,
    fix: String,
    #[serde(default)]
    commands: Vec<String>,
}

fn error() -> Severity {
    Severity::Error
}

/// All rules, in the order in which they are tried.
///
/// # Panics
///
/// If a file of rules is not what it should be; a test reads them all.
pub fn rules() -> Vec<Rule> {
    let files = FILES.iter();
    let read = files.map(|text| serde_yaml::from_str::<Vec<Rule>>(text));
    read.flat_map(|rules| rules.expect("the rules are part of the program"))
        .collect()
}

/// From here on a line of nginx repeats what a client sent: anybody can write there.
const BY_THE_CLIENT: &[u8] = b", client: ";

impl Rule {
    /// Whether it is about lines of a log at all.
    #[cfg(test)]
    pub(super) fn reads_lines(&self) -> bool {
        !self.needles.is_empty()
    }

    /// Whether any line of a text may fit.
    pub(super) fn may_fit(&self, text: &[u8]) -> bool {
        self.needles
            .first()
            .is_some_and(|needle| contains(text, needle))
    }

    pub(super) fn fits(&self, line: &[u8]) -> bool {
        let own = memmem::find(line, BY_THE_CLIENT).map_or(line, |end| &line[..end]);
        self.may_fit(own)
            && self.needles.iter().all(|needle| contains(line, needle))
            && (self.and_any.is_empty() || self.and_any.iter().any(|one| contains(line, one)))
    }

    /// A finding of this rule, with nothing seen yet.
    pub fn finding(&self) -> Finding {
        Finding {
            id: self.id.clone(),
            cause: self.cause.clone(),
            severity: self.severity,
            title: self.title.clone(),
            why: self.why.clone(),
            evidence: Vec::new(),
            count: 0,
            fix: Fix {
                text: self.fix.clone(),
                commands: self.commands.clone(),
                applicable: false,
            },
        }
    }
}

fn contains(text: &[u8], needle: &str) -> bool {
    memmem::find(text, needle.as_bytes()).is_some()
}
