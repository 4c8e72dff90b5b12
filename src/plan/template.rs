//! Whole files that this program writes, from `assets/templates`. A line `#: id` there gives
//! the reason for the lines that follow it (`#: id what` where it is about something); it does not
//! reach the file.

use std::ops::Range;

use askama::Template;

use super::file::Reason;
use crate::answers::{Answers, Enforce};
use crate::values::{AbsPath, HostName, Port, in_unit};

/// Where the check of an agent's certificate lives inside the server. The name is our own, so
/// that no location of the vendor's is leaned on or shadowed.
pub const CHECK: &str = "/nim-tls/agent-certificate";

/// What nginx says `1` of where the subject of a certificate is one of an agent.
pub(super) const LISTED: &str = "$nim_tls_listed";

/// The name of the format in which its verdicts are logged.
pub const LOG_FORMAT: &str = "nim_tls_agents";

#[derive(Template)]
#[template(path = "nim-tls-log.conf", config = ".askama.toml", escape = "none")]
struct LogFormat<'a> {
    format: &'a str,
}

#[derive(Template)]
#[template(path = "nim-tls-agents.conf", config = ".askama.toml", escape = "none")]
struct CheckLocation<'a> {
    check: &'a str,
    log: &'a AbsPath,
    format: &'a str,
    enforced: bool,
    /// Where only some subjects are agents': what says so.
    listed: Option<&'a str>,
}

#[derive(Template)]
#[template(
    path = "nim-tls-redirect.conf",
    config = ".askama.toml",
    escape = "none"
)]
struct Redirect<'a> {
    listens: &'a [String],
    names: &'a str,
    to: &'a str,
}

#[derive(Template)]
#[template(path = "nginx-agent.conf", config = ".askama.toml", escape = "none")]
struct AgentConf<'a> {
    manager: &'a HostName,
    name: &'a HostName,
    port: Port,
    our_root: bool,
}

#[derive(Template)]
#[template(path = "nginx-agent-1.conf", config = ".askama.toml", escape = "none")]
struct Agent1Conf<'a> {
    name: &'a HostName,
    port: Port,
    our_root: bool,
}

#[derive(Template)]
#[template(
    path = "nim-tls-doctor.service",
    config = ".askama.toml",
    escape = "none"
)]
struct WatchService<'a> {
    /// As a unit spells it.
    program: &'a str,
    /// Further arguments of each command.
    state: &'a str,
}

#[derive(Template)]
#[template(
    path = "nim-tls-doctor.timer",
    config = ".askama.toml",
    escape = "none"
)]
struct WatchTimer;

#[derive(Template)]
#[template(path = "nim-tls-doctor.path", config = ".askama.toml", escape = "none")]
struct WatchPath<'a> {
    /// As a unit spells them.
    files: &'a [String],
}

/// A generated text and why each of its lines is there.
pub(super) struct Explained {
    pub(super) text: String,
    pub(super) reasons: Vec<(Range<u32>, Reason)>,
}

/// The format of that log, for the `http` block.
pub(super) fn log_format() -> Explained {
    explain(&marked_log_format(), "")
}

/// With its reasons, to be part of another file.
pub(super) fn marked_log_format() -> String {
    rendered(&LogFormat { format: LOG_FORMAT })
}

/// The check itself, for the server that holds the gRPC locations.
pub(super) fn check_location(log: &AbsPath, judge: Judge) -> Explained {
    explain(&marked_check_location(log, judge), CHECK)
}

/// How agents are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judge {
    pub(super) enforce: Enforce,
    /// By a list of subjects besides.
    pub(super) listed: bool,
}

impl Judge {
    /// All ways, so that what was written for another one is known.
    pub(super) const ALL: [Self; 4] = [
        Self::by(Enforce::Require, false),
        Self::by(Enforce::Observe, false),
        Self::by(Enforce::Require, true),
        Self::by(Enforce::Observe, true),
    ];

    pub(super) const fn by(enforce: Enforce, listed: bool) -> Self {
        Self { enforce, listed }
    }
}

/// With its reasons, to be part of another file.
pub(super) fn marked_check_location(log: &AbsPath, judge: Judge) -> String {
    rendered(&CheckLocation {
        check: CHECK,
        log,
        format: LOG_FORMAT,
        enforced: judge.enforce == Enforce::Require,
        listed: judge.listed.then_some(LISTED),
    })
}

/// The server that sends browsers on. All of it are addresses and checked names.
pub(super) fn redirect(listens: &[String], names: &str, to: &str) -> Explained {
    explain(&rendered(&Redirect { listens, names, to }), to)
}

/// The sections of an agent's configuration file that concern the manager.
pub(super) fn agent_conf(answers: &Answers, our_root: bool) -> String {
    let port = answers.agents_port();
    match &answers.nim1 {
        Some(nim1) => rendered(&Agent1Conf {
            name: &nim1.agent_name,
            port,
            our_root,
        }),
        None => rendered(&AgentConf {
            manager: &answers.manager_name,
            name: answers.agents_name(),
            port,
            our_root,
        }),
    }
}

/// The units that have systemd look after what was set up.
pub(super) struct WatchTexts {
    pub(super) path: Explained,
    pub(super) service: Explained,
    pub(super) timer: Explained,
}

/// `state`: where this program keeps its own, if that is not the usual folder.
pub(super) fn watch_texts(
    program: &AbsPath,
    state: Option<&AbsPath>,
    files: &[AbsPath],
) -> WatchTexts {
    let state = state.map_or_else(String::new, |state| {
        format!(" --state-dir {}", in_unit(state))
    });
    let program = in_unit(program);
    let files: Vec<String> = files.iter().map(in_unit).collect();
    let service = WatchService {
        program: &program,
        state: &state,
    };
    WatchTexts {
        path: explain(&rendered(&WatchPath { files: &files }), ""),
        service: explain(&rendered(&service), ""),
        timer: explain(&rendered(&WatchTimer), ""),
    }
}

pub(super) fn rendered(template: &impl Template) -> String {
    let mut text = template
        .render()
        .expect("these templates only insert values");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

pub(super) fn explain(marked: &str, about: &str) -> Explained {
    let mut text = String::new();
    let mut reasons: Vec<(Range<u32>, Reason)> = Vec::new();
    let mut line = 1;
    for row in marked.lines() {
        if let Some(id) = row.trim_start().strip_prefix("#: ") {
            let (id, about) = id.split_once(' ').unwrap_or((id, about));
            let reason = Reason {
                id: id.to_owned(),
                about: about.to_owned(),
            };
            reasons.push((line..line, reason));
            continue;
        }
        text.push_str(row);
        text.push('\n');
        line += 1;
        if let Some((range, _)) = reasons.last_mut() {
            range.end = line;
        }
    }
    Explained { text, reasons }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(judge: Judge) -> Explained {
        check_location(&"/var/log/nginx/a.log".parse().expect("a path"), judge)
    }

    #[test]
    fn every_line_below_the_head_has_a_reason_and_no_marker_is_left() {
        let path = |text: &str| text.parse::<AbsPath>().expect("a path");
        let (program, state) = (path("/srv/50%/nim-tls"), path("/srv/tls"));
        let units = watch_texts(&program, Some(&state), &[path("/etc/a%b"), state.clone()]);
        assert!(units.path.text.contains("\nPathChanged=/etc/a%%b\n"));
        let starts = "\nExecStart=/srv/50%%/nim-tls doctor --no-connect --state-dir /srv/tls\n";
        assert!(units.service.text.contains(starts));
        for file in [
            units.path,
            units.service,
            units.timer,
            log_format(),
            check(Judge::ALL[0]),
            check(Judge::ALL[1]),
            check(Judge::ALL[2]),
            check(Judge::ALL[3]),
            redirect(
                &["*:80".to_owned()],
                "a.example.com",
                "https://a.example.com",
            ),
        ] {
            assert!(!file.text.contains("#:"), "{}", file.text);
            let lines = u32::try_from(file.text.lines().count()).expect("a short file");
            let head = file.text.lines().take_while(|line| line.starts_with('#'));
            let head = u32::try_from(head.count()).expect("a short head");
            for line in head + 1..=lines {
                assert!(
                    file.reasons.iter().any(|(range, _)| range.contains(&line)),
                    "line {line} of {} has no reason",
                    file.text
                );
            }
        }
    }
}
