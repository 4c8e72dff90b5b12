//! nginx writes down why it refuses a TLS client at level info, and few logs are at that level.
//! Which ones keep quiet, and a plan that has them tell it. Nobody wants a log at that level for
//! long: whoever carries this plan out gives it a window.

use super::editor::{Editor, why};
use super::file::Reason;
use super::fitness::{self, Ground};
use super::nginx_command;
use super::step::{Plan, RAISED, SCHEMA};
use super::streams::StreamServer;
use super::work::edited_files;
use super::{listeners, steps, streams};
use crate::error::Problem;
use crate::facts::{Facts, Nginx};
use crate::nginx::{Config, Directive, Http, Server, quote};
use crate::values::escaped;

/// nginx's own words for where it logs when nobody says anything else (`NGX_ERROR_LOG_PATH`).
const BUILT: &str = "logs/error.log";

/// Logs that are silent about refused clients.
#[derive(Debug)]
pub struct QuietLogs<'a> {
    /// The `error_log` lines of servers with TLS, as far as they are above level info.
    pub lines: Vec<&'a Directive>,
    /// Such a server has no line at all, so what nginx was built with holds.
    pub unwritten: bool,
}

/// None where every one of them tells.
pub fn quiet_logs<'a>(config: &'a Config, http: Option<&Http<'a>>) -> Option<QuietLogs<'a>> {
    let tls = |server: &&Server<'a>| server.listens.iter().any(|line| line.ssl);
    let of_http = http.into_iter().flat_map(|http| &http.servers).filter(tls);
    let of_http = of_http.map(|server| server.scope.nearest("error_log"));
    let of_streams = streams::servers(config).filter(StreamServer::ends_tls);
    let of_streams = of_streams.map(|server| server.nearest("error_log"));
    let mut quiet = QuietLogs {
        lines: Vec::new(),
        unwritten: false,
    };
    for mut lines in of_http.chain(of_streams) {
        if lines.is_empty() {
            let top = config.top();
            lines = top.filter(|line| line.name == "error_log").collect();
        }
        if lines.iter().any(|line| tells(line)) {
            continue;
        }
        quiet.unwritten |= lines.is_empty();
        for line in lines {
            if !quiet.lines.iter().any(|known| known.at == line.at) {
                quiet.lines.push(line);
            }
        }
    }
    (quiet.unwritten || !quiet.lines.is_empty()).then_some(quiet)
}

/// Where nothing is kept, no level helps.
fn tells(line: &Directive) -> bool {
    matches!(line.arg(1), Some("info" | "debug")) && !is_nowhere(line)
}

fn is_nowhere(line: &Directive) -> bool {
    line.arg(0) == Some("/dev/null")
}

/// Every quiet log at level info, and nothing else changed.
pub fn raised_level(facts: &Facts) -> Result<Plan, Problem> {
    let ground = fitness::ground(facts)?;
    let Some(nginx) = ground.nginx.filter(|_| facts.live) else {
        let what = "a level is raised for a while, in an nginx that runs, and this is a folder";
        return Err(Problem::host(what).remedy("nim-tls doctor --fix log-level-hides"));
    };
    let http = listeners::http(facts, ground.config);
    let Some(quiet) = quiet_logs(ground.config, http.as_ref()) else {
        let what = "the error log tells of refused clients already";
        return Err(Problem::host(what).remedy("nim-tls doctor"));
    };
    fitness::space(facts)?;
    if let Some(http) = &http {
        fitness::ports(facts, ground.config, http, &[])?;
    }
    let master = fitness::master(nginx)?;
    let reason = why(RAISED, "");
    let mut editor = Editor::new(ground.config);
    raise(&mut editor, &quiet, &reason)?;
    if quiet.unwritten {
        write(&mut editor, &ground, nginx)?;
    }
    let files = edited_files(facts, ground.config, editor)?;
    fitness::targets(facts, &files)?;
    let command = nginx_command::of(&ground, nginx, master, http.as_ref());
    Ok(Plan {
        schema: SCHEMA,
        steps: vec![
            steps::test(command.clone(), facts.no_private_copy.is_none()),
            steps::place(),
            steps::reload(command),
        ],
        files,
        folders: Vec::new(),
        notes: vec![
            "at level info nginx writes a line or two for each connection: on a busy host the log \
             grows fast while this lasts"
                .to_owned(),
            "clients that are connected now stay with the workers of before, and are told of there; \
             whoever connects anew is told of at the new level"
                .to_owned(),
        ],
        defaults: std::collections::BTreeMap::new(),
    })
}

fn raise<'a>(
    editor: &mut Editor<'a>,
    quiet: &QuietLogs<'a>,
    reason: &Reason,
) -> Result<(), Problem> {
    let mut raised = quiet.unwritten;
    for line in quiet.lines.iter().filter(|line| !is_nowhere(line)) {
        match line.arg(1) {
            None => editor.append_arg(line, "info", reason)?,
            Some(level) => editor.exchange_last(line, level, "info", reason)?,
        }
        raised = true;
    }
    if raised {
        return Ok(());
    }
    let what = "every error log of a server with TLS goes to /dev/null, where no level helps";
    let remedy = "error_log /var/log/nginx/error.log info;";
    Err(Problem::host(what).remedy(format!("write in its place: {remedy}")))
}

/// The line that nginx goes by where there is none.
fn write<'a>(editor: &mut Editor<'a>, ground: &Ground<'a>, nginx: &Nginx) -> Result<(), Problem> {
    let path = nginx_command::unwritten_error_log(nginx).unwrap_or(BUILT);
    let quoted = quote(path).map_err(|error| {
        let what = format!("{}: {error}", escaped(path));
        Problem::host(what).remedy("write an error_log line into the main file")
    })?;
    let mut top = ground.config.main.iter();
    let Some(first) = top.find(|line| editor.may_edit(line)) else {
        let what = format!("{}: no line can be written there", nginx.main);
        return Err(Problem::host(what).remedy(format!("sudoedit {}", nginx.main)));
    };
    let lines = [format!("error_log {quoted} info;")];
    editor.insert_before(first, &lines, &why(RAISED, ""))
}
