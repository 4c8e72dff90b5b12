//! The NGINX Agent of this host: what it is told, by which file, and by what else.

use super::Known;
use crate::values::AbsPath;
use crate::yaml::value_of;

/// Where it looks for its configuration; the first that is there counts (agent 2.46,
/// `src/core/config/defaults.go`).
pub const AGENT_FILES: [&str; 3] = [
    "/etc/nginx-manager/nginx-agent.conf",
    "/etc/nginx-agent/nginx-agent.conf",
    "/usr/local/etc/nginx-agent/nginx-agent.conf",
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSetup {
    pub file: Known<AgentFile>,
    /// What counts more than the file.
    pub overrides: Vec<Override>,
    /// Files that may do so too and could not be read, in sentences.
    pub unread: Vec<String>,
    /// User and group of the process that runs, numeric. Absent: it does not run.
    pub runs_as: Known<(u32, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentFile {
    pub path: AbsPath,
    pub text: String,
}

/// A setting that is made elsewhere, and wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Where: `/var/lib/nginx-agent/agent-dynamic.conf`, or `the environment of the agent`.
    pub made_in: String,
    /// `server.host`, in lower case.
    pub key: String,
    /// As it is written there.
    pub value: String,
}

impl Override {
    /// Whether the agent makes the same of it as of `wanted`.
    pub fn says(&self, wanted: &str) -> bool {
        let flag = |text: &str| match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
            _ => None,
        };
        match flag(wanted) {
            Some(wanted) => flag(&self.value) == Some(wanted),
            // Names are the same in any case; paths are not.
            None if wanted.starts_with('/') => self.value == wanted,
            None => self.value.eq_ignore_ascii_case(wanted),
        }
    }
}

impl AgentFile {
    /// How the agent connects with what the file says, as the rest of a sentence, and whether that
    /// is as it should be: encrypted, and to a manager that it has verified.
    pub fn connects(&self) -> (bool, String) {
        let value = |section, key| value_of(&self.text, section, key);
        let is = |section, key| value(section, key).as_deref() == Some("true");
        // Agents of version 1 have both in one text.
        let one = value("", "server").and_then(|at| {
            let (host, port) = at.rsplit_once(':')?;
            Some((host.to_owned(), port.to_owned()))
        });
        let two = value("server", "host").zip(value("server", "grpcPort"));
        let Some((host, port)) = two.or(one) else {
            let words = "not at all: its settings name no server.host and server.grpcPort";
            return (false, words.to_owned());
        };
        let to = format!("to {host}:{port}");
        if !is("tls", "enable") {
            return (false, format!("{to}, in the clear"));
        }
        let shows = match value("tls", "cert") {
            Some(_) => "with a certificate of its own",
            None => "without a certificate of its own",
        };
        if is("tls", "skip_verify") {
            let words = format!("{to}, encrypted, {shows}; it takes anybody for the manager");
            return (false, words);
        }
        (
            true,
            format!("{to}, encrypted, {shows}; it verifies the manager"),
        )
    }
}

impl AgentSetup {
    /// Of a host without an agent, or of one that nobody has looked at.
    pub fn none() -> Self {
        Self {
            file: Known::Absent,
            overrides: Vec::new(),
            unread: Vec::new(),
            runs_as: Known::Absent,
        }
    }
}
