//! From facts and answers to a plan.

use super::certificates::{self, Certificates, Planned};
use super::differences;
use super::enabling;
use super::file::{FileChange, FolderChange};
use super::fitness::{self, Ground};
use super::nginx;
use super::server_files::{ServerFiles, Today};
use super::site::Site;
use super::step::{Plan, SCHEMA};
use super::steps::{self, Doing};
use super::trust::{self, Trust};
use super::work::NginxChanges;
use super::{exposed, listeners, nginx_command, notes, proof, redirect, watch};
use crate::answers::{Answers, ServerSource};
use crate::error::Problem;
use crate::facts::Facts;
use crate::nginx::Directive;
use crate::values::AbsPath;

/// What would be done on this host for these answers, or why it cannot be.
pub(super) fn plan(facts: &Facts, answers: &Answers) -> Result<Plan, Problem> {
    let ground = fitness::check(facts, answers)?;
    let http = listeners::needed(facts, ground.config)?;
    if facts.live {
        listeners::all_known(facts, ground.config, &http)?;
        fitness::ports(facts, ground.config, &http, &[])?;
    }
    let master = ground.master(facts)?;
    let site = Site::find(facts, ground.config, &http, answers.https)?;
    differences::less_is_asked_for(&site, answers)?;
    let made = match certificates::plan(facts, answers, &presented(&site, answers)?)? {
        Planned::Certificates(made) => *made,
        Planned::Requests(waiting) => return Ok(waiting.plan(&answers.defaults)),
    };
    let configured = nginx::plan(facts, answers, &site, &made)?;
    let trust = trust::plan(facts, answers, &made)?;

    let mut notes = notes::all(facts, answers, &made, &configured.notes);
    if facts.live {
        notes.extend(exposed::note(&site));
        notes.extend(proof::notes(&site, answers));
    }
    let folders = folders(&made, &configured, trust.as_ref());
    let reload = reloads(&made, &configured);
    let mut files = made.files.clone();
    let headers = configured.headers;
    files.extend(configured.files);
    files.extend(trust.iter().map(|trust| trust.file.clone()));
    let watch = watch::plan(facts, answers.watch, &mut files, &mut notes)?;
    fitness::targets(facts, &files)?;

    let enable = enabling::plan(facts, answers.enable_services);
    let steps = if enable.is_some() || watch.is_some() || files.iter().any(FileChange::changes) {
        let doing = Doing {
            nginx: running(&ground, master, &site, answers).filter(|_| reload),
            private: facts.no_private_copy.is_none(),
            trust: trust.and_then(|trust| trust.into_change(facts)),
            restart: None,
            enable,
            watch,
            proof: master.map(|master| proof::of(&site, answers, &made, facts, master, &headers)),
        };
        steps::steps(made, doing)
    } else {
        Vec::new()
    };
    let defaults = answers.defaults.clone();
    Ok(Plan {
        schema: SCHEMA,
        steps,
        files,
        folders,
        notes,
        defaults,
    })
}

pub(super) fn running(
    ground: &Ground<'_>,
    master: Option<u32>,
    site: &Site<'_>,
    answers: &Answers,
) -> Option<super::step::NginxCommand> {
    let nginx = ground.nginx?;
    let mut command = nginx_command::of(ground, nginx, master?, Some(site.http));
    for address in redirect::listens(site, answers) {
        if !command.listens.contains(&address) {
            command.listens.push(address);
        }
    }
    Some(command)
}

/// Whether nginx would serve anything else after reading everything again.
pub(super) fn reloads(made: &Certificates, configured: &NginxChanges) -> bool {
    let reads = [
        Some(&made.server.chain),
        Some(&made.server.key),
        made.client_bundle.as_ref(),
        made.crl(),
    ];
    let is_read = |path: &AbsPath| reads.into_iter().flatten().any(|read| read == path);
    configured.files.iter().any(FileChange::changes)
        || made
            .files
            .iter()
            .any(|file| file.changes() && is_read(&file.path))
}

pub(super) fn folders(
    made: &Certificates,
    configured: &NginxChanges,
    trust: Option<&Trust>,
) -> Vec<FolderChange> {
    let mut folders = made.folders.clone();
    let others = configured
        .folders
        .iter()
        .chain(trust.map(|trust| &trust.folder));
    for folder in others {
        if !folders.iter().any(|known| known.path == folder.path) {
            folders.push(folder.clone());
        }
    }
    folders
}

/// Whatever the server has now, it gets another one.
fn replaces(answers: &Answers) -> bool {
    matches!(
        answers.server,
        ServerSource::Generate | ServerSource::Import(_) | ServerSource::Request { .. }
    )
}

/// The pairs that the server uses now.
pub(super) fn presented(site: &Site<'_>, answers: &Answers) -> Result<Today, Problem> {
    let scope = &site.server.scope;
    let (chains, keys) = (
        scope.nearest("ssl_certificate"),
        scope.nearest("ssl_certificate_key"),
    );
    for line in chains.iter().chain(&keys) {
        let path = line.arg(0).unwrap_or_default();
        let place = site.config.shown(&line.at);
        if path.contains('$') {
            return Err(Problem::host(format!(
                "{place}: the certificate is chosen by a variable, so nim-tls cannot replace it"
            ))
            .remedy("name one file there"));
        }
        let no_file = ["engine:", "store:", "data:"]
            .iter()
            .any(|start| path.starts_with(start));
        if no_file && !replaces(answers) {
            return Err(Problem::host(format!(
                "{place}: this is no file, so nim-tls cannot tell whether it may stay"
            ))
            .remedy("say certificates: {server: {source: generate}} to replace it"));
        }
    }
    let path = |line: &Directive| {
        let path = site.config.resolved(line.arg(0).unwrap_or_default());
        let read = path.parse::<AbsPath>();
        read.map_err(|error| format!("{}: {error}", site.config.shown(&line.at)))
    };
    let pairs = chains.iter().zip(&keys).map(|(chain, key)| {
        let (chain, key) = (path(chain)?, path(key)?);
        Ok(ServerFiles { chain, key })
    });
    match pairs.collect::<Result<Vec<_>, String>>() {
        Ok(pairs) if chains.len() == keys.len() => Ok(Today::Pairs(pairs)),
        Ok(_) => Ok(Today::Unknown("its lines do not come in pairs".to_owned())),
        Err(why) if replaces(answers) => Ok(Today::Unknown(why)),
        Err(why) => Err(Problem::host(why).remedy("write the whole path there")),
    }
}
