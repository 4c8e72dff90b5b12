//! What one check says.

use serde::Serialize;

use crate::facts::Known;
use crate::values::{escaped, with_command};

/// One prerequisite, as found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub id: &'static str,
    pub status: Status,
    pub title: &'static str,
    /// What was found, safe to show.
    pub detail: String,
    /// What would help; `None` where nothing is to be done.
    pub remedy: Option<String>,
}

/// In the order in which an operator wants to see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// No plan can be carried out before this is mended.
    Failed,
    Warning,
    /// It could not be told, and the detail says why.
    Unknown,
    Ok,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "FAILED",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Ok => "ok",
        }
    }
}

/// A check in the making.
pub(super) struct Subject {
    id: &'static str,
    title: &'static str,
}

pub(super) const fn about(id: &'static str, title: &'static str) -> Subject {
    Subject { id, title }
}

impl Subject {
    pub(super) fn found(&self, status: Status, detail: impl AsRef<str>) -> Check {
        let (id, title) = (self.id, self.title);
        Check {
            id,
            status,
            title,
            detail: escaped(detail.as_ref()),
            remedy: None,
        }
    }

    pub(super) fn ok(&self, detail: impl AsRef<str>) -> Check {
        self.found(Status::Ok, detail)
    }

    pub(super) fn warning(&self, detail: impl AsRef<str>, remedy: impl Into<String>) -> Check {
        self.found(Status::Warning, detail).remedy(remedy)
    }

    pub(super) fn failed(&self, detail: impl AsRef<str>, remedy: impl Into<String>) -> Check {
        self.found(Status::Failed, detail).remedy(remedy)
    }

    pub(super) fn unknown(&self, why: impl AsRef<str>) -> Check {
        let (why, command) = with_command(why.as_ref());
        Check {
            remedy: command.map(escaped),
            ..self.found(Status::Unknown, why)
        }
    }

    /// The check for what is known; what is unclear says why.
    pub(super) fn of<T>(
        &self,
        known: &Known<T>,
        is: impl FnOnce(&T) -> Check,
        absent: impl FnOnce() -> Check,
    ) -> Check {
        match known {
            Known::Is(value) => is(value),
            Known::Absent => absent(),
            Known::Unclear(why) => self.unknown(why),
        }
    }
}

impl Check {
    pub(super) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(escaped(&remedy.into())),
            ..self
        }
    }
}
