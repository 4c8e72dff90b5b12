//! The plan of an instance: its agent gets a certificate, knows the manager, and shows that it
//! reaches it.

use super::agent_files::{self, AgentFiles};
use super::agent_settings;
use super::enabling;
use super::file::{FileChange, FolderChange};
use super::fitness;
use super::instance_steps::{self, Doing};
use super::naming;
use super::step::{Plan, SCHEMA};
use super::trust;
use super::usage_reporting;
use super::watch;
use crate::answers::InstanceAnswers;
use crate::bundle;
use crate::error::Problem;
use crate::facts::{Facts, Generation, Known};
use crate::method::{Method, Proxy};
use crate::values::Mode;

/// What would be done on this instance for these answers, or why it cannot be.
pub(super) fn plan(facts: &Facts, answers: &InstanceAnswers) -> Result<Plan, Problem> {
    can_carry(facts, answers)?;
    let mut notes = Vec::new();
    let placed = agent_files::plan(facts, answers, &mut notes)?;
    let settings = agent_settings::plan(facts, answers, &placed, &mut notes)?;
    let root = placed.root.as_ref().filter(|_| answers.trust_store);
    let trust = root.map(|root| trust::of(facts, root)).transpose()?;

    let AgentFiles { mut files, key, .. } = placed.clone();
    files.push(settings);
    files.extend(trust.iter().map(|trust| trust.file.clone()));
    let of_agent = files.iter().any(FileChange::changes);
    let reports = usage_reporting::plan(facts, answers, &placed, &mut notes)?;
    files.extend(reports.iter().flat_map(|reports| reports.files.clone()));
    let watch = watch::plan(facts, answers.watch, &mut files, &mut notes)?;
    fitness::targets(facts, &files)?;
    let mut folders = vec![FolderChange {
        path: naming::certs(answers.generation),
        mode: Mode(0o755),
    }];
    folders.extend(trust.iter().map(|trust| trust.folder.clone()));
    notes.extend(enabling::note(facts, answers.enable_services));
    if !facts.live {
        let nginx = reports
            .as_ref()
            .map_or("", |_| "nginx is not tested or reloaded, ");
        notes.push(format!(
            "this is a folder (--root), not a running system: {nginx}the agent is not restarted, \
             the trust store is not rebuilt, and nothing is proven"
        ));
    }
    let enable = enabling::plan(facts, answers.enable_services);
    let steps = if enable.is_some() || watch.is_some() || files.iter().any(FileChange::changes) {
        let change = trust.and_then(|trust| trust.into_change(facts));
        let doing = Doing {
            placed: &placed,
            key,
            trust: change,
            enable,
            watch,
            of_agent,
            reports,
        };
        instance_steps::steps(facts, answers, doing, &mut notes)
    } else {
        Vec::new()
    };
    Ok(Plan {
        schema: SCHEMA,
        steps,
        files,
        folders,
        notes,
        defaults: answers.defaults.clone(),
    })
}

fn can_carry(facts: &Facts, answers: &InstanceAnswers) -> Result<(), Problem> {
    if facts.live && !facts.root {
        return Err(Problem::host(
            "only root can read the key and the settings that this plan is about",
        )
        .remedy("sudo nim-tls check"));
    }
    version(facts, answers)?;
    let plus = facts
        .nginx
        .is()
        .map(|nginx| (nginx.build.plus.is_some(), nginx));
    if let Some((plus, nginx)) = plus
        && plus != (answers.proxy == Proxy::NginxPlus)
    {
        let what = format!(
            "proxy is {}, and this instance runs {}",
            answers.proxy, nginx.build
        );
        let other = if plus {
            Proxy::NginxPlus
        } else {
            Proxy::NginxOss
        };
        return Err(Problem::host(what).remedy(format!("say proxy: {other}")));
    }
    if facts.live {
        let field = if answers.host() == &answers.manager_name {
            "manager_name"
        } else {
            "agent_name"
        };
        fitness::resolves(facts, field, answers.host())?;
        fitness::space(facts)?;
    }
    Ok(())
}

/// Each generation of the manager speaks to agents of its own version alone, which read settings
/// of their own.
fn version(facts: &Facts, answers: &InstanceAnswers) -> Result<(), Problem> {
    let version = match &facts.agent {
        Known::Is(version) => version,
        Known::Absent => {
            return Err(
                Problem::host("NGINX Agent is not installed on this instance")
                    .remedy(install(answers)),
            );
        }
        Known::Unclear(why) => {
            let what = format!("which NGINX Agent this is could not be told: {why}");
            return Err(Problem::host(what).remedy("nginx-agent --version"));
        }
    };
    let number = match answers.generation {
        Generation::Nim1 => "1",
        Generation::Nim2 => "2",
    };
    let what = match version.split('.').next() {
        // Before version 1 it was told the same, by the same names.
        Some("0") if number == "1" => return Ok(()),
        Some(major) if major == number => return Ok(()),
        Some("3") => format!(
            "NGINX Agent {version} is for NGINX One: NGINX Instance Manager {number} speaks to \
             version {number} only, whose settings version 3 does not read"
        ),
        _ => format!(
            "NGINX Agent {version} is not of version {number}, which is what NGINX Instance \
             Manager {number} speaks to and what is written here"
        ),
    };
    let what = format!("{what}; take it off, and install version {number}");
    Err(Problem::host(what).remedy(install(answers)))
}

/// The manager has the agent that fits it; who it is, is verified here already.
fn install(answers: &InstanceAnswers) -> String {
    if answers.generation == Generation::Nim1 {
        return "install nginx-agent 1 from the repository of NGINX Instance Manager 1".to_owned();
    }
    let ca = answers.ca.as_ref();
    let verified = ca
        .filter(|ca| bundle::inside(ca).is_none())
        .map_or_else(String::new, |ca| format!("--cacert {ca} "));
    let manager = &answers.manager_name;
    format!("curl {verified}https://{manager}/install/nginx-agent | sudo sh")
}

/// Whether the agent will have to show a certificate.
pub(super) fn shows_certificate(answers: &InstanceAnswers) -> bool {
    answers.method == Method::ClientMtls
}
