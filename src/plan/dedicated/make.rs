//! From facts and answers to a plan for such a server.

use super::super::certificates::{self, Certificates, Planned};
use super::super::differences;
use super::super::editor::why;
use super::super::enabling;
use super::super::exposed;
use super::super::file::FileChange;
use super::super::fitness;
use super::super::gates::Gates;
use super::super::listeners;
use super::super::make::{folders, presented, reloads, running};
use super::super::notes;
use super::super::overlay::{overlaid, written};
use super::super::place_for;
use super::super::proof;
use super::super::site::Site;
use super::super::step::{Plan, SCHEMA};
use super::super::steps::{Doing, steps};
use super::super::template::Explained;
use super::super::trust;
use super::super::watch;
use super::super::work::{NginxChanges, Work};
use super::agents::{agents, holds, note_agents, proven};
use super::source::Source;
use crate::answers::{Answers, Dedicated};
use crate::error::Problem;
use crate::facts::{Facts, FileFact};
use crate::nginx::{Config, Http};
use crate::values::AbsPath;

/// What would be done on this host for these answers, or why it cannot be.
pub(in crate::plan) fn plan(
    facts: &Facts,
    answers: &Answers,
    dedicated: &Dedicated,
) -> Result<Plan, Problem> {
    let ground = fitness::check(facts, answers)?;
    fitness::can_reject(facts, dedicated.rejects_others)?;
    let today = listeners::needed(facts, ground.config)?;
    let own = place(facts, ground.config, &today)?;
    let without = overlaid(ground.config, [(own.clone(), String::new())])?;
    let others = listeners::needed(facts, &without)?;
    if facts.live {
        listeners::all_known(facts, &without, &others)?;
    }
    let master = ground.master(facts)?;
    let source = Source::find(
        facts,
        answers,
        &own,
        (ground.config, &today),
        (&without, &others),
    )?;
    let pages = Site::of(
        facts,
        &without,
        &others,
        source.pages,
        Gates::default(),
        answers.https,
    );
    let made = match certificates::plan(facts, answers, &presented(&pages, answers)?)? {
        Planned::Certificates(made) => *made,
        Planned::Requests(waiting) => return Ok(waiting.plan(&answers.defaults)),
    };
    let file = source.file(facts, answers, dedicated, &pages, &made)?;
    let mut configured = changes(
        facts,
        answers,
        dedicated,
        (&pages, &source),
        &made,
        &own,
        file,
    )?;

    let will_be = overlaid(&without, written(facts, &configured.files))?;
    let http = listeners::needed(facts, &will_be)?;
    let agents = agents(facts, &will_be, &http, &own, dedicated)?;
    holds(facts, answers, &agents)?;
    note_agents(
        facts,
        answers,
        dedicated,
        &agents,
        (&own, &made),
        &mut configured,
    );
    configured.notes.extend(source.lost.clone());
    let trust = trust::plan(facts, answers, &made)?;
    let mut notes = notes::all(facts, answers, &made, &configured.notes);
    if facts.live {
        notes.extend(exposed::note(&pages));
        notes.extend(proof::notes(&pages, answers));
    }
    let folders = folders(&made, &configured, trust.as_ref());
    let reload = reloads(&made, &configured);
    let headers = configured.headers;
    let mut files = made.files.clone();
    files.extend(configured.files);
    files.extend(trust.iter().map(|trust| trust.file.clone()));
    let watch = watch::plan(facts, answers.watch, &mut files, &mut notes)?;
    fitness::targets(facts, &files)?;

    let enable = enabling::plan(facts, answers.enable_services);
    let steps = if enable.is_some() || watch.is_some() || files.iter().any(FileChange::changes) {
        let proof = master.map(|master| {
            let of_pages = proof::of(&pages, answers, &made, facts, master, &headers);
            proven(of_pages, answers, dedicated, &agents)
        });
        let doing = Doing {
            nginx: running(&ground, master, &agents, answers).filter(|_| reload),
            private: facts.no_private_copy.is_none(),
            trust: trust.and_then(|trust| trust.into_change(facts)),
            restart: None,
            enable,
            watch,
            proof,
        };
        steps(made, doing)
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

/// Where the file goes. One of somebody else's there is not touched.
fn place(facts: &Facts, config: &Config, http: &Http<'_>) -> Result<AbsPath, Problem> {
    let found = place_for::folder_of(config, http.directive, differences::AGENTS_SERVER);
    let own = found.ok_or_else(|| {
        Problem::host(
            "nginx reads no folder of files in its http block, so there is no place for a server \
             for agents",
        )
        .remedy("add to the http block: include /etc/nginx/conf.d/*.conf;")
    })?;
    match facts.file(&own) {
        FileFact::File(found) if !found.ours => Err(Problem::host(format!(
            "{own} is there, and is not as nim-tls wrote it"
        ))
        .remedy(format!("mv {own} {own}.before; nginx -t"))),
        _ => Ok(own),
    }
}

/// All that changes for nginx.
fn changes<'a>(
    facts: &Facts,
    answers: &Answers,
    dedicated: &Dedicated,
    (pages, source): (&Site<'a>, &Source<'a>),
    made: &Certificates,
    own: &AbsPath,
    file: Explained,
) -> Result<NginxChanges, Problem> {
    pages.explicit()?;
    let mut work = Work::new(facts, pages);
    if facts.live {
        work.spoken_to_directly()?;
    }
    work.own_file(own, file)?;
    for location in &source.taken_out {
        work.editor
            .take_out(location, &why("dedicated-moved", own))?;
    }
    work.name(answers)?;
    if made.new_server {
        work.certificate(&made.server)?;
    }
    work.profile()?;
    if dedicated.port == answers.https {
        pages_stay_default(&mut work, pages)?;
    }
    work.security_headers(answers)?;
    work.redirect(answers)?;
    work.finish()
}

/// nginx reads files by their names: without a word, the server for agents could become the one
/// that answers where no name fits.
fn pages_stay_default<'a>(work: &mut Work<'_, 'a>, pages: &Site<'a>) -> Result<(), Problem> {
    for bound in pages.on_port() {
        let mut listens = bound.servers.iter().flat_map(|server| &server.listens);
        let is_said = listens.any(|listen| {
            listen.default_server && listen.sockets().any(|socket| socket == bound.socket)
        });
        if !is_said {
            work.stays_the_default(&bound.socket, bound.default)?;
        }
    }
    Ok(())
}
