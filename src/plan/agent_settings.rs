//! The agent's configuration file, edited: the manager's name, TLS, and nothing else.

use super::agent_files::AgentFiles;
use super::editor::why;
use super::file::{Content, FileChange, Reason, Status};
use super::naming::literal;
use crate::answers::InstanceAnswers;
use crate::error::Problem;
use crate::facts::{AgentFile, Facts, FileFact, Generation, Known};
use crate::values::{Mode, escaped, masked};
use crate::yaml::{Scalar, Setting, Uneditable, edit, key_at, value_of};

/// Where a new one goes; as the package makes it.
const FILE: &str = "/etc/nginx-agent/nginx-agent.conf";
const FILE_MODE: Mode = Mode(0o640);

pub(super) fn plan(
    facts: &Facts,
    answers: &InstanceAnswers,
    placed: &AgentFiles,
    notes: &mut Vec<String>,
) -> Result<FileChange, Problem> {
    let new = AgentFile {
        path: literal(FILE),
        text: String::new(),
    };
    let file = match &facts.agent_setup.file {
        Known::Is(file) => file,
        Known::Absent => &new,
        Known::Unclear(why) => {
            let what = format!("the settings of the agent cannot be read: {why}");
            return Err(Problem::host(what).remedy(format!("ls -l {FILE}")));
        }
    };
    is_of_generation(file, answers.generation)?;
    let (settings, reasons) = wanted(answers, placed, &file.text);
    let edited = edit(&file.text, &settings).map_err(|error| refused(file, &error, &settings))?;
    nothing_overrides(facts, &settings, notes)?;

    let found = match facts.file(&file.path) {
        FileFact::File(found) => Some(found),
        _ => None,
    };
    let status = match found {
        None => Status::Create,
        Some(_) if edited.text == file.text => Status::Unchanged,
        Some(_) => Status::Change,
    };
    let lines = edited.lines.into_iter();
    Ok(FileChange {
        path: file.path.clone(),
        status,
        mode: found.map_or(FILE_MODE, |found| found.mode),
        owner: found.map_or((0, 0), |found| found.owner),
        content: Content::Text(edited.text),
        before: found.map(|found| found.digest.clone()),
        text_before: found.map(|_| file.text.clone()),
        reasons: lines
            .map(|(line, setting)| (line..line + 1, reasons[setting].clone()))
            .collect(),
    })
}

/// What is to be set, and why.
///
/// `text`: the file as it is now. What agents of version 1 may have beside, and need not, is set
/// only where it stands there.
pub(super) fn wanted(
    answers: &InstanceAnswers,
    placed: &AgentFiles,
    text: &str,
) -> (Vec<Setting>, Vec<Reason>) {
    let mut wanted = Vec::new();
    let mut reasons = Vec::new();
    let mut set = |section, key, value, reason| {
        wanted.push(Setting {
            section,
            key,
            value: Some(value),
        });
        reasons.push(reason);
    };
    let name = |name: &crate::values::HostName| Scalar::Text(name.to_string());
    let (manager, agents) = (&answers.manager_name, &answers.agent_name);
    let old = answers.generation == Generation::Nim1;
    if old {
        let at = format!("{}:{}", answers.host(), answers.grpc);
        let reason = why("agent-server", &at);
        set("", "server", Scalar::Text(at), reason);
    } else {
        set("server", "host", name(manager), why("agent-host", manager));
        let port = Scalar::Number(answers.grpc.number().into());
        set("server", "grpcPort", port, why("agent-port", &answers.grpc));
        for key in ["metrics", "command"] {
            set("server", key, name(agents), why("agent-name", agents));
        }
    }
    set("tls", "enable", Scalar::Flag(true), why("agent-tls", ""));
    if let Some(ca) = &placed.ca {
        let path = Scalar::Text(ca.to_string());
        set("tls", "ca", path, why("agent-ca", ca));
    }
    if let Some(pair) = &placed.certificate {
        let path = |path: &crate::values::AbsPath| Scalar::Text(path.to_string());
        set(
            "tls",
            "cert",
            path(&pair.cert),
            why("agent-cert", &pair.cert),
        );
        set("tls", "key", path(&pair.key), why("agent-key", &pair.key));
    }
    if !old || value_of(text, "tls", "skip_verify").is_some() {
        let off = Scalar::Flag(false);
        set("tls", "skip_verify", off, why("agent-verify", agents));
    }
    (wanted, reasons)
}

/// Each version of the agent is told in a form of its own where the manager is, and passes the
/// other one over.
fn is_of_generation(file: &AgentFile, generation: Generation) -> Result<(), Problem> {
    let stands = key_at(&file.text, &["server"]).is_some();
    let newer = stands && value_of(&file.text, "", "server").is_none();
    if generation == Generation::Nim1 && newer {
        let path = &file.path;
        return Err(Problem::host(format!(
            "{path} has a section server, in the way of agents of version 2, which an agent of version 1 does not read"
        ))
        .remedy(format!(
            "take that section out of {path}, and plan again; or say generation: nim2"
        )));
    }
    Ok(())
}

fn refused(file: &AgentFile, error: &Uneditable, settings: &[Setting]) -> Problem {
    let path = &file.path;
    let what = format!("{path} cannot be edited: {}", escaped(&error.to_string()));
    match error {
        Uneditable::NotASection { section, .. } if section.eq_ignore_ascii_case("server") => {
            Problem::host(format!(
                "{what}. That is how agents of version 1 were told where the manager is; an agent \
                 of version 2 starts with it, and never connects"
            ))
            .remedy(format!("take that line out of {path}, and plan again"))
        }
        Uneditable::Form(_) => {
            let lines: Vec<String> = settings.iter().map(Setting::to_string).collect();
            Problem::host(format!(
                "{what}; by hand it would have: {}",
                lines.join(", ")
            ))
            .remedy(format!("sudoedit {path}"))
        }
        _ => Problem::host(what).remedy(format!("sudoedit {path}")),
    }
}

/// What counts more than the file has to say the same, or the file says it in vain.
fn nothing_overrides(
    facts: &Facts,
    settings: &[Setting],
    notes: &mut Vec<String>,
) -> Result<(), Problem> {
    if let Some(why) = facts.agent_setup.unread.first() {
        let what = format!("what counts more than the agent's file could not be told: {why}");
        return Err(Problem::host(what).remedy("cat /var/lib/nginx-agent/agent-dynamic.conf"));
    }
    let wanted = in_effect(settings);
    for made in &facts.agent_setup.overrides {
        let Some((_, wanted)) = wanted.iter().find(|(key, _)| *key == made.key) else {
            continue;
        };
        let (place, key) = (&made.made_in, &made.key);
        if made.says(wanted) {
            notes.push(format!(
                "{place} sets {key} to the same, and counts more than the file"
            ));
            continue;
        }
        // Whatever stands there may be a secret in the wrong place.
        let value = escaped(&masked(&made.value));
        let what = format!(
            "{place} sets {key} to \"{value}\", which counts more than what the file would say: \
             \"{wanted}\""
        );
        let path = place.split(" (").next().unwrap_or(place);
        let remedy = if path.starts_with('/') {
            format!("sudoedit {path}")
        } else {
            "systemctl cat nginx-agent".to_owned()
        };
        return Err(Problem::host(what).remedy(remedy));
    }
    Ok(())
}

/// What the agent has to go by, as it names its settings: `server.grpcport`, `443`.
pub(super) fn in_effect(settings: &[Setting]) -> Vec<(String, String)> {
    let pairs = settings.iter().filter_map(|setting| {
        let value = match setting.value.as_ref()? {
            Scalar::Text(text) => text.clone(),
            other => other.to_string(),
        };
        let name = [setting.section, &setting.key.to_lowercase()];
        let name = name.into_iter().filter(|part| !part.is_empty());
        let name = name.collect::<Vec<_>>().join(".");
        Some((name, value))
    });
    pairs.collect()
}
