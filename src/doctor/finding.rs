//! What an examination ends in.

use serde::{Deserialize, Serialize, Serializer};

use crate::values::escaped;

/// The finding that the error log keeps quiet.
pub const LOG_LEVEL: &str = "log-level-hides";

/// What was found, the gravest first, and where it was looked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    pub findings: Vec<Finding>,
    pub sources: Vec<Source>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Of the rule or check that found it.
    pub id: String,
    /// One of a fixed set of words, for scripts.
    pub cause: String,
    pub severity: Severity,
    pub title: String,
    pub why: String,
    /// The latest of what was seen.
    pub evidence: Vec<Evidence>,
    /// What connections have shown; evidence as well.
    pub connections: Vec<Connection>,
    /// How often it was seen.
    pub count: u64,
    /// When it was seen first and last, RFC 3339 in UTC; `None` where no line told a time.
    pub first: Option<String>,
    pub last: Option<String>,
    pub fix: Fix,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
    Info,
}

/// A line of a file, safe to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    pub file: String,
    /// From 1; `None` where it is not known.
    pub line: Option<u64>,
    pub text: String,
}

/// What was seen on a connection, safe to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Connection {
    /// To whom.
    pub connection: String,
    pub seen: String,
}

/// A finding as scripts read it.
#[derive(Serialize)]
struct Written<'a> {
    id: &'a str,
    cause: &'a str,
    severity: Severity,
    title: &'a str,
    why: &'a str,
    evidence: Vec<Seen<'a>>,
    count: u64,
    first: Option<&'a str>,
    last: Option<&'a str>,
    fix: &'a Fix,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Seen<'a> {
    Line(&'a Evidence),
    Connection(&'a Connection),
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lines = self.evidence.iter().map(Seen::Line);
        let connections = self.connections.iter().map(Seen::Connection);
        let written = Written {
            id: &self.id,
            cause: &self.cause,
            severity: self.severity,
            title: &self.title,
            why: &self.why,
            evidence: lines.chain(connections).collect(),
            count: self.count,
            first: self.first.as_deref(),
            last: self.last.as_deref(),
            fix: &self.fix,
        };
        written.serialize(serializer)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Fix {
    pub text: String,
    /// To paste. Words in capitals stand for what only the operator knows.
    pub commands: Vec<String>,
    /// How this program can carry it out by itself; scripts read whether it can.
    #[serde(rename = "applicable", serialize_with = "is_some")]
    pub offer: Option<Offer>,
}

/// What this program can do about a finding, by a plan like any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// Apply once more the answers that stand on this host.
    Answers,
    /// Have the error log tell more for a while, and read it.
    RaisedLevel,
}

#[expect(clippy::ref_option, reason = "serde hands it over like that")]
fn is_some<S: Serializer>(offer: &Option<Offer>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(offer.is_some())
}

/// A log, and whether it could be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    pub path: String,
    pub read: bool,
    /// How much was read, or why it was not.
    pub why: String,
}

impl Severity {
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warning => "warning",
            Self::Info => "note",
        }
    }
}

impl Finding {
    /// The same, as grave as that.
    pub(super) fn weighed_as(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// The same lines, now that more is known of them.
    pub(super) fn instead_of(self, other: &mut Self) -> Self {
        Self {
            severity: other.severity,
            evidence: std::mem::take(&mut other.evidence),
            count: other.count,
            first: other.first.take(),
            last: other.last.take(),
            ..self
        }
    }
}

impl Diagnosis {
    pub fn count(&self, severity: Severity) -> usize {
        let grave = |finding: &&Finding| finding.severity == severity;
        self.findings.iter().filter(grave).count()
    }
}

impl Source {
    pub(super) fn not_read(path: &str, why: impl AsRef<str>) -> Self {
        let why = why.as_ref();
        let told = why
            .strip_prefix(path)
            .and_then(|rest| rest.strip_prefix(": "));
        Self {
            path: escaped(path),
            read: false,
            why: escaped(told.unwrap_or(why)),
        }
    }
}
