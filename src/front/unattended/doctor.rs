//! `nim-tls doctor`: why it does not work.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::Examination;
use crate::doctor::{Diagnosis, Rule, Severity, rules};
use crate::error::{Exit, Problem};
use crate::values::escaped;

use super::super::diagnosis;
use super::super::output::Output;
use super::super::place::{Ground, absolute};
use super::super::typed::{as_root, look_at};

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
}

pub(super) fn doctor(ground: &Ground, asked: &Examination, output: &Output) -> Result<u8, Problem> {
    if let Some(id) = &asked.explain {
        return explain(id, output);
    }
    let logs = asked.log.iter().map(|file| absolute(file));
    let logs = logs.collect::<Result<Vec<_>, _>>()?;
    let now = ground.host().now();
    let since = asked.since.map(|age| now - age.seconds());
    let watched = output.is_watched() && !output.is_json();
    let diagnosis = diagnosis::examine(ground, &logs, since, &|path| {
        if watched {
            output.tell(&format!("reading {}", escaped(path)));
        }
    })?;
    if output.is_json() {
        output.document(&Document {
            schema: 1,
            diagnosis: &diagnosis,
        })?;
    } else {
        output.result(&diagnosis::text(&diagnosis, output.width))?;
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

/// What is known of one kind of finding, on any host.
fn explain(id: &str, output: &Output) -> Result<u8, Problem> {
    let known = rules();
    let of_id = known.iter().filter(|rule| rule.id == id);
    let of_cause = known
        .iter()
        .filter(|rule| rule.id != *id && rule.finding().cause == *id);
    let findings: Vec<_> = of_id.chain(of_cause).map(Rule::finding).collect();
    if findings.is_empty() {
        let what = format!("nothing that is found is called {}", escaped(id));
        return Err(Problem::usage(what).remedy("nim-tls doctor names what it found, in brackets"));
    }
    if output.is_json() {
        output.document(&Document {
            schema: 1,
            diagnosis: &Diagnosis {
                findings,
                sources: Vec::new(),
            },
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
