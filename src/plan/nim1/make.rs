//! From facts and answers to a plan for NGINX Instance Manager 1.

use std::collections::BTreeMap;

use super::super::certificates::{self, Certificates, Planned};
use super::super::clients_today::{ClientsToday, agents_met};
use super::super::enabling;
use super::super::exposed;
use super::super::file::FileChange;
use super::super::fitness;
use super::super::listeners;
use super::super::make::{folders, reloads, running};
use super::super::notes;
use super::super::overlay::{holds, overlaid, written};
use super::super::placed::removal;
use super::super::step::{LEFT, NginxCommand, Plan, SCHEMA};
use super::super::steps::{Doing, steps};
use super::super::to_prove::ProofTrust;
use super::super::trust::{self, Trust};
use super::super::watch;
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
use crate::nginx::{Config, Http};
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
    let (other, include) = without_ours(facts, ground.config, &places, nim1)?;
    let without = other.as_ref().unwrap_or(ground.config);
    let others = listeners::of_other(facts, other.as_ref())?;
    let others = others.as_ref().unwrap_or(&today);

    let by_manager = nim1.context == Context::PassedThrough;
    let verifies = answers.method == Method::ClientMtls;
    if by_manager && verifies {
        native::needs_trust_store(answers)?;
    }
    let mut made = match certificates::plan(facts, answers, &presented(facts, answers))? {
        Planned::Certificates(made) => *made,
        Planned::Requests(waiting) => return Ok(waiting.plan(&answers.defaults)),
    };
    let certificate = inner_leg(facts, &mut made)?;
    let settings = settings::plan(facts, answers, nim1, &certificate)?;
    no_port_twice(&settings, answers, nim1)?;
    let reads = is_to_read(facts, &settings, &certificate, &made);
    let mut restarts = Vec::new();
    let restart = restart(facts, &settings, reads, &mut restarts)?;
    manager_listens(facts, &settings, restart.is_some())?;
    let files = Ground {
        facts,
        config: without,
        others,
        answers,
        nim1,
    }
    .files(&places, &made, &settings)?;
    let own: BTreeMap<AbsPath, String> = plain(&files.texts).collect();
    let with_own = overlaid(without, own.clone())?;
    let own_http = listeners::needed(facts, &with_own)?;
    let after = After::of(facts, &with_own, &own_http, &places, answers, nim1)?;
    named_twice::refuse(&after, &places.read_by_pattern())?;
    after.fits(answers, verifies, &settings)?;
    let loosened = loosened(facts, (ground.config, &today), answers, nim1);
    let before = Before {
        config: without,
        http: others,
    };
    let mut configured = after.changes(answers, before, files)?;
    if verifies {
        after.note_clients(answers, nim1, made.listing.as_ref(), &mut configured);
    }
    if let Some(include) = include {
        stream_place::place(facts, ground.config, include, &mut configured)?;
    }
    // With what others' files become, too: that is what will be served, and proven.
    let will_be = with_further(facts, &with_own, &own, &configured.files)?;
    let http = listeners::of_other(facts, will_be.as_ref())?;
    let after = match (&will_be, &http) {
        (Some(config), Some(http)) => After::of(facts, config, http, &places, answers, nim1)?,
        _ => after,
    };

    let trust = trust::plan(facts, answers, &made)?;
    leftovers(facts, &places, without, &mut configured);
    let mut notes = notes::all(facts, answers, &made, &configured.notes);
    notes.splice(0..0, loosened);
    notes.extend((by_manager && verifies).then(|| native::NOT_KNOWN.to_owned()));
    notes.extend(restarts);
    let served = (after.config, after.http);
    notes.extend(ports_today::note((ground.config, &today), served));
    notes.extend(exposed::note_of_ours(&after.ui).filter(|_| facts.live));
    let folders = folders(&made, &configured, trust.as_ref());
    let reload = reloads(&made, &configured);
    let mut files = all_files(&made, &configured, &settings, trust.as_ref());
    let watch = watch::plan(facts, answers.watch, &mut files, &mut notes)?;
    fitness::targets(facts, &files)?;

    let enable = enabling::plan(facts, answers.enable_services);
    let asked = enable.is_some() || watch.is_some() || restart.is_some();
    let any = asked || files.iter().any(FileChange::changes);
    let steps = if any || (by_manager && native::is_tried(facts, verifies)) {
        let command = running(&ground, master, &after.ui, answers).filter(|_| reload);
        let (headers, closed) = (&configured.headers, closed(facts, &settings));
        let prove = |master| prove(&after, answers, nim1, &made, headers, master, closed);
        let doing = Doing {
            nginx: command.map(|command| met_there(command, &after)),
            private: facts.no_private_copy.is_none(),
            trust: trust.and_then(|trust| trust.into_change(facts)),
            restart,
            enable,
            watch,
            proof: master.map(prove),
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

fn all_files(
    made: &Certificates,
    configured: &NginxChanges,
    settings: &Settings,
    trust: Option<&Trust>,
) -> Vec<FileChange> {
    let mut files = made.files.clone();
    files.extend(configured.files.clone());
    files.extend(settings.file.clone());
    files.extend(trust.map(|trust| trust.file.clone()));
    files
}

/// Where agents are met, nginx has to listen too.
fn met_there(mut command: NginxCommand, after: &After<'_>) -> NginxCommand {
    command.listens.extend(after.agents.further());
    command
}

/// Whether the manager has to read its settings anew.
fn is_to_read(
    facts: &Facts,
    settings: &Settings,
    certificate: &Certificate,
    made: &Certificates,
) -> bool {
    let inner = !matches!(certificate, Certificate::None);
    let open = facts.live && manager_now::is_open(facts, settings);
    settings.change() || open || (inner && made.new_server)
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
/// one below HTTP, where it needs one. None: it is that already.
fn without_ours(
    facts: &Facts,
    config: &Config,
    places: &Places,
    nim1: &Nim1Answers,
) -> Result<(Option<Config>, Option<Include>), Problem> {
    no_strangers_there(facts, places)?;
    let ours = places.ours_by_pattern(facts).into_iter();
    let ours = ours.filter(|path| config.find_file(path.as_str()).is_some());
    let ours: Vec<_> = ours.map(|path| (path.clone(), String::new())).collect();
    let without = (!ours.is_empty()).then(|| overlaid(config, ours));
    let without = without.transpose()?;
    if nim1.context == Context::Http {
        return Ok((without, None));
    }
    let Some(include) = stream_place::include(config, &places.stream)? else {
        return Ok((without, None));
    };
    let (file, edited) = &include;
    let path = config.file(*file).path.parse();
    let path: AbsPath = path.map_err(|error| Problem::host(format!("{error}")))?;
    let without = without.as_ref().unwrap_or(config);
    let with_line = overlaid(without, [(path, edited.text.clone())])?;
    Ok((Some(with_line), Some(include)))
}

/// With files besides our own. None: with our own it reads all of them as they will be.
fn with_further(
    facts: &Facts,
    with_own: &Config,
    own: &BTreeMap<AbsPath, String>,
    files: &[FileChange],
) -> Result<Option<Config>, Problem> {
    let further: Vec<_> = written(facts, files)
        .filter(|(path, text)| own.get(path) != Some(text) && !holds(with_own, path, text))
        .collect();
    let config = (!further.is_empty()).then(|| overlaid(with_own, further));
    config.transpose()
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
fn loosened<'a>(
    facts: &'a Facts,
    (config, http): (&'a Config, &'a Http<'a>),
    answers: &Answers,
    nim1: &Nim1Answers,
) -> Option<String> {
    if answers.method == Method::ClientMtls {
        return None;
    }
    match agents_met(facts, config, http, nim1.grpc) {
        Ok((ClientsToday::Enforced, at)) => Some(format!(
            "LESS THAN TODAY: agents without a certificate are refused now ({}), and will be let \
             in: method {} asks none of them for one",
            config.shown(&at),
            answers.method
        )),
        _ if nim1.context == Context::PassedThrough => native::less_than_proven(facts, false),
        _ => None,
    }
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
