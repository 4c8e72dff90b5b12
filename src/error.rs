//! The one shape in which a failure reaches the operator: what happened, why, and what to do.

use std::fmt;

/// How a command ends, as scripts see it. The numbers are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; nothing found wrong.
    Done = 0,
    /// The host cannot carry the plan, or something was found wrong. Nothing was touched.
    HostUnfit = 1,
    /// Bad usage, or answers that do not validate. Nothing was touched.
    Usage = 2,
    /// It failed, and everything was put back.
    PutBack = 3,
    /// Something could not be put back, or was left because somebody edited it.
    Incomplete = 4,
    /// Another run is at work, or a cut-short run was found.
    Busy = 5,
    /// Not kept within the window: everything was put back.
    NotKept = 6,
}

impl Exit {
    pub fn of_code(code: i32) -> Option<Self> {
        let all = [
            Self::Done,
            Self::HostUnfit,
            Self::Usage,
            Self::PutBack,
            Self::Incomplete,
            Self::Busy,
            Self::NotKept,
        ];
        all.into_iter().find(|exit| *exit as i32 == code)
    }
}

/// Before the remedy, where all is one text.
const REMEDY: &str = "\n  do: ";

/// What happened, why, and a command or an edit that would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub exit: Exit,
    /// One sentence without a final full stop, naming the thing.
    pub what: String,
    /// The remedy, if there is one: shown after "do:".
    pub remedy: Option<String>,
}

impl Problem {
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self {
            exit,
            what: what.into(),
            remedy: None,
        }
    }

    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    pub fn host(what: impl Into<String>) -> Self {
        Self::new(Exit::HostUnfit, what)
    }

    /// From the text that it was written down as.
    pub fn of_text(exit: Exit, text: &str) -> Self {
        let (what, remedy) = match text.split_once(REMEDY) {
            Some((what, remedy)) => (what, Some(remedy.to_owned())),
            None => (text, None),
        };
        Self {
            remedy,
            ..Self::new(exit, what)
        }
    }

    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        match &self.remedy {
            Some(remedy) => write!(f, "{REMEDY}{remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}
