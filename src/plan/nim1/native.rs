//! NGINX Instance Manager 1 with TLS of its own, and no nginx before it.

use super::super::certificates::{self, Planned};
use super::super::enabling;
use super::super::file::FileChange;
use super::super::fitness;
use super::super::manager::SERVICES;
use super::super::notes;
use super::super::step::{Plan, SCHEMA};
use super::super::steps::{Doing, steps};
use super::super::to_prove::{AgentProof, AgentsPort, Proof};
use super::super::trust;
use super::super::watch;
use super::pair::{key_for_manager, presented};
use super::settings::{self, Certificate, Settings};
use super::steps::restart;
use crate::answers::{Answers, Nim1Answers};
use crate::error::Problem;
use crate::facts::Facts;
use crate::method::Method;

/// What would be done on this host for these answers, or why it cannot be.
pub(super) fn plan(facts: &Facts, answers: &Answers, nim1: &Nim1Answers) -> Result<Plan, Problem> {
    fitness::host(facts, answers)?;
    fitness::found(facts, answers)?;
    no_nginx_before(facts)?;
    let mutual = answers.method == Method::ClientMtls;
    if mutual {
        needs_trust_store(answers)?;
    }
    let mut made = match certificates::plan(facts, answers, &presented(facts, answers))? {
        Planned::Certificates(made) => *made,
        Planned::Requests(waiting) => return Ok(waiting.plan(&answers.defaults)),
    };
    key_for_manager(facts, &mut made)?;
    let alone = Certificate::Alone(made.server.clone());
    let settings = settings::plan(facts, answers, nim1, &alone)?;
    let trust = trust::plan(facts, answers, &made)?;

    let mut notes = notes::all(facts, answers, &made, &of_method(mutual, &settings));
    notes.splice(0..0, less_than_proven(facts, mutual));
    let reads = settings.change() || made.new_server;
    let restart = restart(facts, &settings, reads, &mut notes)?;
    let mut folders = made.folders.clone();
    folders.extend(trust.iter().map(|trust| trust.folder.clone()));
    let mut files = made.files.clone();
    let proof = facts
        .live
        .then(|| prove(facts, answers, nim1, &made, &settings));
    files.extend(settings.file);
    files.extend(trust.iter().map(|trust| trust.file.clone()));
    let watch = watch::plan(facts, answers.watch, &mut files, &mut notes)?;
    fitness::targets(facts, &files)?;
    let enable = enabling::plan(facts, answers.enable_services);
    let any = files.iter().any(FileChange::changes) || enable.is_some() || watch.is_some();
    let steps = if any || restart.is_some() || is_tried(facts, mutual) {
        let doing = Doing {
            trust: trust.and_then(|trust| trust.into_change(facts)),
            restart,
            enable,
            watch,
            proof,
            ..Doing::default()
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

/// Where the manager judges agents itself.
pub(super) fn needs_trust_store(answers: &Answers) -> Result<(), Problem> {
    if answers.trust_store {
        return Ok(());
    }
    Err(Problem::usage(
        "options.trust_store is false: NGINX Instance Manager 1 has no setting for the \
         authority of agents, and takes the system's trust store for it",
    )
    .remedy("leave options.trust_store out, or let nginx judge agents: proxy: nginx-oss"))
}

/// An nginx that was put before the manager would go on passing to it what it no longer
/// understands, or beside it go on refusing whom it lets in.
fn no_nginx_before(facts: &Facts) -> Result<(), Problem> {
    let files = facts
        .config
        .is()
        .into_iter()
        .flat_map(|config| &config.files);
    let names = ["nginx-manager-grpc.conf", "nginx-manager-noauth.conf"];
    let mut found = files.filter(|file| names.iter().any(|name| file.path.ends_with(name)));
    let Some(file) = found.next() else {
        return Ok(());
    };
    let path = &file.path;
    let ours = path.parse().ok().and_then(|path| facts.file(&path).file());
    let ours = ours.is_some_and(|file| file.ours);
    Err(Problem::host(format!(
        "{path} is there: nginx is before the manager, and this plan does not take it away"
    ))
    .remedy(if ours {
        "nim-tls rollback".to_owned()
    } else {
        format!("mv {path} {path}.before; nginx -t && nginx -s reload")
    }))
}

/// Said wherever it judges agents itself.
pub(super) const NOT_KNOWN: &str = "whether NGINX Instance Manager 1 refuses agents without a certificate, its guide does not say \
     and no setting decides: the proof tries it, and puts everything back where one gets through. \
     Its trust store is the system's: every authority in there can vouch for an agent; where nginx \
     judges them, it has one of its own";

/// Whether there is something to prove where no file changes. Of mutual TLS nothing shows in one:
/// only a proof tells whether it is in force. Where it was proven last and is not asked for any
/// more, only a proof tells that.
pub(super) fn is_tried(facts: &Facts, mutual: bool) -> bool {
    facts.live && (mutual || facts.state.refused_agents == Some(true))
}

/// Of agents that this plan has let in.
pub(super) fn less_than_proven(facts: &Facts, mutual: bool) -> Option<String> {
    let less = facts.live && !mutual && facts.state.refused_agents == Some(true);
    less.then(|| {
        "LESS THAN TODAY: agents without a certificate were refused when that was proven last, \
         and by these answers the manager lets them in; no file tells which it is, so it is tried, \
         and nim-tls verify goes by that from then on"
            .to_owned()
    })
}

/// What the product does not say about itself.
fn of_method(mutual: bool, settings: &Settings) -> Vec<String> {
    let at = if settings.at.is_loopback() {
        "on every address".to_owned()
    } else {
        format!("at {}", settings.at)
    };
    let mut notes = vec![format!(
        "the manager itself listens {at}, for browsers and agents; whoever must not reach it has \
         to be kept away by a firewall"
    )];
    if mutual {
        notes.push(NOT_KNOWN.to_owned());
    }
    notes
}

fn prove(
    facts: &Facts,
    answers: &Answers,
    nim1: &Nim1Answers,
    made: &certificates::Certificates,
    settings: &Settings,
) -> Proof {
    let [gateway, grpc] = settings.listens();
    let agents = (answers.method == Method::ClientMtls).then(|| AgentProof {
        services: SERVICES.map(str::to_owned).to_vec(),
        enforced: true,
        // The manager writes none: what is seen on the wire has to tell.
        check_log: None,
        server_chain: made.server.chain.clone(),
        server_key: made.server.key.clone(),
        stale_names: Vec::new(),
        revoked: Vec::new(),
        listed: None,
        authority: None,
        barred: std::collections::BTreeMap::new(),
    });
    Proof {
        listeners: vec![gateway],
        barred: std::collections::BTreeMap::new(),
        name: answers.manager_name.clone(),
        other_names: Vec::new(),
        elsewhere: Vec::new(),
        nameless_elsewhere: false,
        trust: made.trust,
        headers: Vec::new(),
        redirect: None,
        agents,
        agents_port: Some(AgentsPort {
            listeners: vec![grpc],
            name: nim1.agent_name.clone(),
            encrypted: true,
            service: SERVICES[0].to_owned(),
            by_manager: true,
        }),
        closed: Vec::new(),
        state: facts.state.folder.clone(),
        master: None,
    }
}
