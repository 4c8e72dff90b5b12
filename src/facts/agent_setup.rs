//! The NGINX Agent of this host: what it is told, by which file, and by what else.

use std::net::IpAddr;

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
    /// When that process was started: seconds since 1970.
    pub started: Option<i64>,
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
    /// Whether it was told of a manager elsewhere than at the loopback address that it comes with.
    pub fn is_told_a_manager(&self) -> bool {
        let is_manager = |host: &str| {
            let is_loopback = host.parse::<IpAddr>().is_ok_and(|at| at.is_loopback());
            !(host.is_empty() || host.eq_ignore_ascii_case("localhost") || is_loopback)
        };
        let of_file = self.file.is().and_then(|file| {
            let value = |section, key| value_of(&file.text, section, key);
            // Agents of version 1 have host and port in one text.
            let one = value("", "server");
            value("server", "host").or_else(|| Some(one?.rsplit_once(':')?.0.to_owned()))
        });
        let overrides = self.overrides.iter().filter(|one| one.key == "server.host");
        let mut hosts = overrides
            .map(|one| one.value.as_str())
            .chain(of_file.as_deref());
        hosts.any(is_manager)
    }

    /// Of a host without an agent, or of one that nobody has looked at.
    pub fn none() -> Self {
        Self {
            file: Known::Absent,
            overrides: Vec::new(),
            unread: Vec::new(),
            runs_as: Known::Absent,
            started: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_package_comes_with_is_no_manager() {
        let path: AbsPath = AGENT_FILES[1].parse().expect("a path");
        let told = |text: &str, overridden: &[&str]| {
            let overrides = overridden.iter().map(|value| Override {
                made_in: "the environment of the agent".to_owned(),
                key: "server.host".to_owned(),
                value: (*value).to_owned(),
            });
            let setup = AgentSetup {
                file: Known::Is(AgentFile {
                    path: path.clone(),
                    text: text.to_owned(),
                }),
                overrides: overrides.collect(),
                ..AgentSetup::none()
            };
            setup.is_told_a_manager()
        };
        for text in [
            "server: {host: 127.0.0.1, grpcPort: 443}\n",
            "server: localhost:10000\n",
            "tls: {enable: true}\n",
            "",
        ] {
            assert!(!told(text, &[]), "{text}");
            assert!(!told(text, &["::1"]), "{text}");
            assert!(told(text, &["nim"]), "{text}");
        }
        for text in [
            "server:\n  host: nim.example.com\n",
            "server: 10.0.0.5:10000\n",
        ] {
            assert!(told(text, &[]), "{text}");
        }
        assert!(!AgentSetup::none().is_told_a_manager());
    }
}
