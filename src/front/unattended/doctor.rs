//! `nim-tls doctor`: why it does not work.

mod bundle;
mod fix;
mod log_level;

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::Examination;
use crate::doctor::{Diagnosis, Rule, Severity, Told, rules};
use crate::error::{Exit, Problem};
use crate::values::escaped;

use super::super::diagnosis::{self, Asked};
use super::super::output::Output;
use super::super::place::{Ground, absolute};
use super::super::typed::{as_root, look_at};
use bundle::Written;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
    /// Why the answers that stand could not be applied once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    obstacle: Option<Obstacle<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<&'a Written>,
}

#[derive(Serialize)]
struct Obstacle<'a> {
    problem: &'a str,
    remedy: Option<&'a str>,
}

impl<'a> Obstacle<'a> {
    fn of(problem: &'a Problem) -> Self {
        Self {
            problem: &problem.what,
            remedy: problem.remedy.as_deref(),
        }
    }
}

pub(super) fn doctor(ground: &Ground, asked: &Examination, output: &Output) -> Result<u8, Problem> {
    if let Some(id) = &asked.explain {
        return explain(id, output);
    }
    if asked.consent.yes && asked.fix.is_none() {
        let what = "--yes goes with --fix ID: nothing else that doctor does has to be asked about";
        return Err(Problem::usage(what).remedy("nim-tls doctor"));
    }
    if let Some(id) = &asked.fix {
        return fix::fix(ground, id, asked, output);
    }
    let logs = asked.log.iter().map(|file| absolute(file));
    let logs = logs.collect::<Result<Vec<_>, _>>()?;
    if let Some(file) = &asked.bundle {
        bundle::is_free(file)?;
    }
    let now = ground.host().now();
    let since = asked.since.map(|age| now - age.seconds());
    let watched = output.is_watched() && !output.is_json();
    let progress = Progress::new(output, watched);
    let looked_at = Asked {
        logs: &logs,
        since,
        connect: !asked.no_connect,
        peer: asked.connect.as_ref(),
    };
    let (examined, facts) = diagnosis::examine_and_keep(ground, &looked_at, &|told| {
        progress.hear(told);
        ControlFlow::Continue(())
    })?;
    let diagnosis = &examined.diagnosis;
    let written = asked.bundle.as_ref();
    let written = written.map(|file| bundle::write(ground, file, &logs, &facts, &examined, output));
    let written = written.transpose()?;
    if output.is_json() {
        output.document(&Document {
            schema: 1,
            diagnosis,
            obstacle: examined.obstacle().map(Obstacle::of),
            bundle: written.as_ref(),
        })?;
    } else {
        let mut text = diagnosis::text(diagnosis, output.width);
        if let Some(written) = &written {
            text.push_str(&written.text(output.width));
        }
        output.result(&text)?;
    }
    if !ground.host().is_root() && diagnosis.sources.iter().any(|source| !source.read) {
        output.tell_after("", "Only root can read all of this:");
        output.tell(&format!("  {}", as_root()));
    }
    let not_read = |log: &&PathBuf| {
        let path = escaped(&log.to_string_lossy());
        let mut sources = diagnosis.sources.iter();
        sources.find(|source| source.path == path && !source.read)
    };
    if let Some((log, source)) = logs.iter().find_map(|log| Some((log, not_read(&log)?))) {
        let what = format!("{} was not read: {}", source.path, source.why);
        let remedy = look_at(log);
        return Err(Problem::usage(what).remedy(remedy));
    }
    let found = diagnosis.count(Severity::Error) > 0;
    Ok(if found { Exit::HostUnfit } else { Exit::Done } as u8)
}

/// How far the reading is, for somebody who watches: a line for each log, one for each tenth of a
/// large one, and at once what was seen.
struct Progress<'a> {
    output: &'a Output,
    watched: bool,
    tenth: Cell<u64>,
}

/// What is read faster than anybody can look.
const SMALL: u64 = 64 * 1024 * 1024;

impl<'a> Progress<'a> {
    fn new(output: &'a Output, watched: bool) -> Self {
        Self {
            output,
            watched,
            tenth: Cell::new(0),
        }
    }

    fn hear(&self, told: Told<'_>) {
        if !self.watched {
            return;
        }
        match told {
            Told::Reading { path, done: 0, .. } => {
                self.tenth.set(0);
                self.output.tell(&format!("reading {}", escaped(path)));
            }
            Told::Reading { path, done, of } if of > SMALL => {
                let tenth = done * 10 / of;
                if tenth > self.tenth.replace(tenth) && tenth < 10 {
                    let line = format!("reading {}: {tenth}0 %", escaped(path));
                    self.output.tell(&line);
                }
            }
            Told::Reading { .. } => {}
            Told::Seen { id, title } => {
                self.output.tell_after("seen: ", &format!("{title} ({id})"));
            }
        }
    }
}

/// What is known of one kind of finding, on any host.
fn explain(id: &str, output: &Output) -> Result<u8, Problem> {
    let known = rules();
    let of_id = known.iter().filter(|rule| rule.id == id);
    let of_cause = known
        .iter()
        .filter(|rule| rule.id != *id && rule.finding().cause == *id);
    let findings: Vec<_> = of_id.chain(of_cause).map(Rule::finding).collect();
    if findings.is_empty() {
        return Err(fix::unknown(id));
    }
    if output.is_json() {
        output.document(&Document {
            schema: 1,
            diagnosis: &Diagnosis {
                findings,
                sources: Vec::new(),
            },
            obstacle: None,
            bundle: None,
        })?;
    } else {
        let text = findings.iter();
        let text: Vec<String> = text
            .map(|finding| diagnosis::finding(finding, output.width))
            .collect();
        output.result(&text.join("\n"))?;
    }
    Ok(Exit::Done as u8)
}
