//! The rules: which words in a line tell which cause.

use memchr::memmem;
use serde::Deserialize;

use super::finding::{Finding, Fix, Severity};
use super::line::own_words;

/// The files of rules. Within a file, and from file to file, what is nearer to a first cause
/// stands first, and the exact rule before the general one: the first that fits a line counts.
const FILES: [&str; 11] = [
    include_str!("../../assets/rules/configuration.yaml"),
    include_str!("../../assets/rules/connection.yaml"),
    include_str!("../../assets/rules/files.yaml"),
    include_str!("../../assets/rules/nginx-load.yaml"),
    include_str!("../../assets/rules/nginx-upstreams.yaml"),
    include_str!("../../assets/rules/manager.yaml"),
    include_str!("../../assets/rules/agent.yaml"),
    include_str!("../../assets/rules/verdicts.yaml"),
    include_str!("../../assets/rules/nginx-clients.yaml"),
    include_str!("../../assets/rules/access.yaml"),
    include_str!("../../assets/rules/services.yaml"),
];

/// What else is known of the lines or files that a rule tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mark {
    /// The proof of this program makes such lines on purpose.
    Provoked,
    /// What writes such a line tries again, and writes it again, as long as nothing is mended.
    Retried,
    /// Its first word may stand in what a client has asked for.
    Asked,
    /// Applying the answers that stand on a host cures it.
    Repair,
}

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
    /// And none of these: lines that look alike and mean something else.
    #[serde(default)]
    unless: Vec<String>,
    why: String,
    fix: String,
    #[serde(default)]
    commands: Vec<String>,
    #[serde(default)]
    marks: Vec<Mark>,
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

impl Rule {
    /// Whether it is about lines of a log at all.
    #[cfg(test)]
    pub(super) fn reads_lines(&self) -> bool {
        !self.needles.is_empty()
    }

    /// Whether a line fits. Slow and plain: `Matcher` says the same of a whole log.
    pub(super) fn fits(&self, line: &[u8]) -> bool {
        let own = own_words(line);
        let own = if self.is(Mark::Asked) {
            own.asked
        } else {
            own.said
        };
        let first = self.needles.first();
        first.is_some_and(|needle| contains(&line[..own], needle)) && self.goes_with(line)
    }

    /// The word that the program itself says; `None`: it is not about lines.
    pub(super) fn first_word(&self) -> Option<&str> {
        self.needles.first().map(String::as_str)
    }

    /// Whether all else is in a line that has the first word.
    fn goes_with(&self, line: &[u8]) -> bool {
        self.needles.iter().all(|needle| contains(line, needle))
            && (self.and_any.is_empty() || self.and_any.iter().any(|one| contains(line, one)))
            && !self.unless.iter().any(|one| contains(line, one))
    }

    /// What has to be in a line, what of that one is enough, and what must not be there.
    pub(super) fn words(&self) -> [&[String]; 3] {
        [&self.needles, &self.and_any, &self.unless]
    }

    /// The words that make a rule broken in one way each, for the test of tests.
    #[cfg(test)]
    pub(super) fn broken(&self) -> Vec<Self> {
        let mut broken = Vec::new();
        for index in 0..self.needles.len() {
            let mut rule = self.clone();
            rule.needles[index] = format!("{}~", rule.needles[index]);
            broken.push(rule);
            // One word less: it takes lines that are another rule's.
            if self.needles.len() > 1 {
                let mut rule = self.clone();
                rule.needles.remove(index);
                broken.push(rule);
            }
        }
        for index in 0..self.and_any.len() {
            let mut rule = self.clone();
            rule.and_any[index] = format!("{}~", rule.and_any[index]);
            broken.push(rule);
        }
        if self.is(Mark::Asked) {
            let mut rule = self.clone();
            rule.marks.clear();
            broken.push(rule);
        }
        for index in 0..self.unless.len() {
            let mut rule = self.clone();
            rule.unless[index] = format!("{}~", rule.unless[index]);
            broken.push(rule);
        }
        broken
    }

    pub(super) fn is(&self, mark: Mark) -> bool {
        self.marks.contains(&mark)
    }

    pub(super) fn title(&self) -> &str {
        &self.title
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
            connections: Vec::new(),
            count: 0,
            first: None,
            last: None,
            fix: Fix {
                text: self.fix.clone(),
                commands: self.commands.clone(),
                offer: None,
            },
        }
    }
}

fn contains(text: &[u8], needle: &str) -> bool {
    memmem::find(text, needle.as_bytes()).is_some()
}
