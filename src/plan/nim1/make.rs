//! From facts and answers to a plan for NGINX Instance Manager 1.

use super::super::certificates::{self, Certificates, Planned};
use super::super::clients_today::{ClientsToday, agents_today};
use super::super::enabling;
use super::super::exposed;
use super::super::file::FileChange;
use super::super::fitness;
use super::super::listeners;
use super::super::make::{folders, reloads, running};
use super::super::notes;
use super::super::overlay::{overlaid, written};
use super::super::placed::removal;
use super::super::step::{LEFT, Plan, ProofTrust, SCHEMA};
use super::super::steps::{Doing, steps};
use super::super::trust;
use super::super::work::NginxChanges;
use super::files::{Ground, Places};
use super::manager_now;
use super::named_twice;
use super::native;
use super::pair::{key_for_manager, presented};
use super::ports_today;
use super::proxied::{After, Before, plain};
use super::settings::{self, Certificate, Settings};
use super::steps::{closed, prove, restart};
use super::stream_place::{self, Include};
use crate::answers::{Answers, Context, Nim1Answers};
use crate::error::Problem;
use crate::facts::{Facts, FileFact};
use crate::method::{Method, Proxy};
use crate::nginx::Config;
use crate::values::AbsPath;

/// What would be done on this host for these answers, or why it cannot be.
pub(in crate::plan) fn plan(
    facts: &Facts,
    answers: &Answers,
    nim1: &Nim1Answers,
) -> Result<Plan, Problem> {
    match answers.proxy {
        Proxy::None => native::plan(facts, answers, nim1),
        Proxy::NginxOss | Proxy::NginxPlus => behind_nginx(facts, answers, nim1),
    }
}

fn behind_nginx(facts: &Facts, answers: &Answers, nim1: &Nim1Answers) -> Result<Plan, Problem> {
    let ground = fitness::check(facts, answers)?;
    fitness::can_reject(facts, nim1.rejects_others)?;
    let master = ground.master(facts)?;
    let today = listeners::needed(facts, ground.config)?;
    let places = Places::of(ground.config, &today, answers.proxy)?;
    let (without, include) = without_ours(facts, ground.config, &places, nim1)?;
    let others = listeners::needed(facts, &without)?;

    if nim1.context == Context::PassedThrough && answers.method == Method::ClientMtls {
        native::needs_trust_store(answers)?;
    }
    let mut made = match certificates::plan(facts, answers, &presented(facts, answers))? {
        Planned::Certificates(made) => *made,
        Planned::Requests(waiting) => return Ok(waiting.plan(&answers.defaults)),
    };
    let certificate = inner_leg(facts, &mut made)?;
    let settings = settings::plan(facts, answers, nim1, &certificate)?;
    no_port_twice(&settings, answers, nim1)?;
    let inner = !matches!(certificate, Certificate::None);
    let is_open = facts.live && manager_now::is_open(facts, &settings);
    let reads = settings.change() || is_open || (inner && made.new_server);
    let mut restarts = Vec::new();
    let restart = restart(facts, &settings, reads, &mut restarts)?;
    manager_listens(facts, &settings, restart.is_some())?;
    let files = Ground {
        facts,
        config: &without,
        others: &others,
        answers,
        nim1,
    }
    .files(&places, &made, &settings)?;
    let after = overlaid(&without, plain(&files.texts))?;
    let http = listeners::needed(facts, &after)?;
    let after = After::of(facts, &after, &http, &places, answers, nim1)?;
    let verifies = answers.method == Method::ClientMtls;
    named_twice::refuse(&after, &places.read_by_pattern())?;
    after.fits(answers, verifies, &settings)?;
    let loosened = loosened(facts, ground.config, answers, nim1);
    let before = Before {
        config: &without,
        http: &others,
    };
    let mut configured = after.changes(answers, before, files)?;
    if verifies {
        let listing = made.listing.as_ref();
        after.note_clients(answers, nim1, listing, &mut configured);
    }
    if let Some(include) = include {
        stream_place::place(facts, ground.config, include, &mut configured)?;
    }

    // With what others' files become, too: that is what will be served, and proven.
    let will_be = overlaid(&without, written(facts, &configured.files))?;
    let http = listeners::needed(facts, &will_be)?;
    let after = After::of(facts, &will_be, &http, &places, answers, nim1)?;

    let trust = trust::plan(facts, answers, &made)?;
    leftovers(facts, &places, &without, &mut configured);
    let mut notes = notes::all(facts, answers, &made, &configured.notes);
    notes.splice(0..0, loosened);
    // Of it nothing shows in a file: only a proof tells whether it is in force.
    let by_manager = nim1.context == Context::PassedThrough && verifies;
    if by_manager {
        notes.push(native::NOT_KNOWN.to_owned());
    }
    notes.extend(restarts);
    notes.extend(ports_today::note(
        (ground.config, &today),
        (&will_be, &http),
    ));
    notes.extend(exposed::note_of_ours(&after.ui).filter(|_| facts.live));
    let folders = folders(&made, &configured, trust.as_ref());
    let reload = reloads(&made, &configured);
    let headers = configured.headers;
    let mut files = made.files.clone();
    files.extend(configured.files);
    let closed = closed(facts, &settings);
    files.extend(settings.file);
    files.extend(trust.iter().map(|trust| trust.file.clone()));
    fitness::targets(facts, &files)?;

    let enable = enabling::plan(facts, answers.enable_services);
    let any = files.iter().any(FileChange::changes) || restart.is_some() || enable.is_some();
    let steps = if any || (by_manager && facts.live) {
        let mut command = running(&ground, master, &after.ui, answers).filter(|_| reload);
        if let Some(command) = &mut command {
            command.listens.extend(after.agents.further());
        }
        let change = trust.and_then(|trust| trust.into_change(facts));
        let proof =
            master.map(|master| prove(&after, answers, nim1, &made, &headers, master, closed));
        let doing = Doing {
            nginx: command,
            private: facts.no_private_copy.is_none(),
            trust: change,
            restart,
            enable,
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

/// The manager shows the certificate that nginx shows to everybody else. Who has issued it must
/// be known to nginx.
fn inner_leg(facts: &Facts, made: &mut Certificates) -> Result<Certificate, Problem> {
    if made.inner.is_none() {
        return Ok(Certificate::None);
    }
    if made.trust == ProofTrust::Kept {
        return Err(Problem::host(
            "the manager's certificate stays, and who has issued it is not known here, so nginx \
             could not verify the manager by it",
        )
        .remedy(
            "say certificates: {server: {source: generate}}, or leave options.backend_tls out",
        ));
    }
    key_for_manager(facts, made)?;
    Ok(Certificate::BehindNginx(made.server.clone()))
}

/// The configuration without the files that are to be written, and with the line that reads the
/// one below HTTP, where it needs one.
fn without_ours(
    facts: &Facts,
    config: &Config,
    places: &Places,
    nim1: &Nim1Answers,
) -> Result<(Config, Option<Include>), Problem> {
    no_strangers_there(facts, places)?;
    let ours = places
        .ours_by_pattern(facts)
        .into_iter()
        .filter(|path| config.find_file(path.as_str()).is_some());
    let without = overlaid(config, ours.map(|path| (path.clone(), String::new())))?;
    if nim1.context == Context::Http {
        return Ok((without, None));
    }
    let Some(include) = stream_place::include(config, &places.stream)? else {
        return Ok((without, None));
    };
    let (file, edited) = &include;
    let path = config.file(*file).path.parse();
    let path: AbsPath = path.map_err(|error| Problem::host(format!("{error}")))?;
    let with_line = overlaid(&without, [(path, edited.text.clone())])?;
    Ok((with_line, Some(include)))
}

/// A file that somebody else has put where one of ours belongs would be taken for ours.
fn no_strangers_there(facts: &Facts, places: &Places) -> Result<(), Problem> {
    for path in places.read_by_pattern() {
        if let FileFact::File(found) = facts.file(path)
            && !found.ours
        {
            return Err(
                Problem::host(format!("{path} is there, and is not as nim-tls wrote it"))
                    .remedy(format!("mv {path} {path}.before; nginx -t")),
            );
        }
    }
    Ok(())
}

/// Before it answers, nothing could be proven; nginx would say 502 to everybody.
fn manager_listens(facts: &Facts, settings: &Settings, restarts: bool) -> Result<(), Problem> {
    if facts.listeners.is().is_none() || !facts.live || restarts {
        return Ok(());
    }
    let mut ports = [settings.gateway, settings.grpc].into_iter();
    match ports.find(|port| !manager_now::is_met(facts, *port)) {
        None => Ok(()),
        Some(port) => Err(Problem::host(format!(
            "nobody listens on port {port} of 127.0.0.1, where NGINX Instance Manager should"
        ))
        .remedy("systemctl start nginx-manager")),
    }
}

/// What its own file says counts as much as answers do.
fn no_port_twice(
    settings: &Settings,
    answers: &Answers,
    nim1: &Nim1Answers,
) -> Result<(), Problem> {
    let mut ports = vec![
        ("the manager's gateway_port", settings.gateway),
        ("the manager's grpc_port", settings.grpc),
        ("ports.https", answers.https),
        ("ports.grpc", nim1.grpc),
    ];
    ports.extend(nim1.status.map(|port| ("ports.status", port)));
    for (at, (what, port)) in ports.iter().enumerate() {
        if let Some((other, _)) = ports[..at].iter().find(|(_, other)| other == port) {
            return Err(Problem::host(format!(
                "{what} is {port}, and so is {other}: one port cannot be both"
            ))
            .remedy(
                "say another one under ports: manager_gateway, manager_grpc, https, grpc, status",
            ));
        }
    }
    Ok(())
}

/// Whoever is refused today and would not be is said before all else.
fn loosened(
    facts: &Facts,
    config: &Config,
    answers: &Answers,
    nim1: &Nim1Answers,
) -> Option<String> {
    if answers.method == Method::ClientMtls {
        return None;
    }
    let (clients, at) = agents_today(facts, config, nim1.grpc).ok()?;
    (clients == ClientsToday::Enforced).then(|| {
        format!(
            "LESS THAN TODAY: agents without a certificate are refused now ({}), and will be let \
             in: method {} asks none of them for one",
            config.shown(&at),
            answers.method
        )
    })
}

/// Files of ours that these answers have no use for go, unless somebody else's line reads one.
fn leftovers(facts: &Facts, places: &Places, without: &Config, configured: &mut NginxChanges) {
    let by_itself = places.ours_by_pattern(facts);
    for path in places.all() {
        let used = configured.files.iter().any(|file| file.path == *path);
        let read = !by_itself.contains(&path) && without.find_file(path.as_str()).is_some();
        match removal(facts, path) {
            Some(gone) if !used && !read => configured.files.push(gone),
            Some(_) if !used => configured.notes.push(format!(
                "{LEFT}{path} is of no use any more, and another file of nginx reads it"
            )),
            _ => {}
        }
    }
}
