//! What a look is told beforehand.

use std::net::IpAddr;

use crate::facts::Nginx;
use crate::host::{Command, Output};
use crate::nginx::Config;
use crate::values::{AbsPath, HostName, Port};

/// What the answers name so far; a later answer may want another look.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub names: Vec<HostName>,
    /// Addresses that answers name, to be told apart: this host's own or not.
    pub addresses: Vec<IpAddr>,
    /// Where browsers connect.
    pub https_port: Port,
    /// Where agents connect, where answers say so.
    pub agents_port: Option<Port>,
    /// Further paths that a plan may place or refer to.
    pub files: Vec<AbsPath>,
    /// Where this program keeps its own.
    pub state: AbsPath,
}

impl Wanted {
    /// For a host of which no answers speak yet.
    pub fn without_answers(state: AbsPath) -> Self {
        Self {
            names: Vec::new(),
            addresses: Vec::new(),
            https_port: Port::HTTPS,
            agents_port: None,
            files: Vec::new(),
            state,
        }
    }
}

/// How nginx is asked to read its configuration. `nginx -T` is not without effect (it makes
/// log files, temporary folders and a pid file: the configuration tells where), so whoever can
/// runs it where nothing stays. The error is a sentence.
pub type Ask<'a> = &'a dyn Fn(&Question<'_>) -> Result<Output, String>;

/// What is to be run, and what is known by then.
#[derive(Debug)]
pub struct Question<'a> {
    /// The executable of `nginx`, its `args`, and `-T`.
    pub command: &'a Command,
    pub nginx: &'a Nginx,
    /// `None` where we could not read it ourselves.
    pub config: Option<&'a Config>,
}
