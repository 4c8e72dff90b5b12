//! What a look is told beforehand.

use std::net::IpAddr;

use crate::host::{Command, HostError, Output};
use crate::values::{AbsPath, HostName, Port};

/// What the answers name so far; a later answer may want another look.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub names: Vec<HostName>,
    /// Addresses that answers name, to be told apart: this host's own or not.
    pub addresses: Vec<IpAddr>,
    /// Where browsers and agents connect.
    pub https_port: Port,
    /// Further paths that a plan may place or refer to.
    pub files: Vec<AbsPath>,
    /// Where this program keeps its own.
    pub state: AbsPath,
}

/// How nginx is asked to read its configuration. `nginx -T` is not without effect (it makes
/// log files, temporary folders and a pid file), so whoever can runs it where nothing stays.
pub type Ask<'a> = &'a dyn Fn(&Command) -> Result<Output, HostError>;
