//! From facts and answers to a plan.

use super::bypass;
use super::certificates::{self, Certificates, ServerFiles};
use super::file::{Content, FileChange, FolderChange, Piece, Status};
use super::fitness;
use super::naming::literal;
use super::nginx;
use super::nginx_command;
use super::place_for;
use super::site::{SERVICES, Site};
use super::step::{
    Action, AgentProof, NginxCommand, Plan, Proof, ProofTrust, SCHEMA, Step, TrustChange,
};
use crate::answers::Answers;
use crate::error::Problem;
use crate::facts::{Facts, Known};
use crate::method::Method;
use crate::values::{AbsPath, HostName, SubjectName};

/// How long whoever is connected under the old rules may finish before being cut off.
const GRACE: u32 = 10;

/// What would be done on this host for these answers, or why it cannot be.
pub fn plan(facts: &Facts, answers: &Answers) -> Result<Plan, Problem> {
    let ground = fitness::check(facts, answers)?;
    let http = ground.config.http().ok_or_else(|| {
        Problem::host("the configuration of nginx has no http block").remedy("nginx -T")
    })?;
    if facts.live {
        fitness::ports(facts, ground.config, &http)?;
    }
    let master = match ground.nginx.filter(|_| facts.live) {
        Some(nginx) => Some(fitness::master(nginx)?),
        None => None,
    };
    let site = Site::find(ground.config, &http, answers.https)?;
    let today = server_files(&site)?;
    let made = certificates::plan(facts, answers, today.as_ref())?;
    let bundle = made.client_bundle.as_ref().map(|path| (path, changes(&made.files, path)));
    let configured = nginx::plan(facts, answers, &site, &made.server, bundle)?;
    let trust = trust(facts, answers, &made)?;

    let mut files = made.files.clone();
    let mut folders = made.folders.clone();
    for folder in configured.folders.iter().chain(trust.iter().map(|(_, _, folder)| folder)) {
        if !folders.iter().any(|known| known.path == folder.path) {
            folders.push(folder.clone());
        }
    }
    let nginx_reads = [Some(&made.server.chain), Some(&made.server.key), made.client_bundle.as_ref()];
    let reload = configured.files.iter().any(|file| file.status != Status::Unchanged)
        || nginx_reads.into_iter().flatten().any(|path| changes(&files, path));
    files.extend(configured.files);
    files.extend(trust.iter().map(|(file, _, _)| file.clone()));
    fitness::targets(facts, &files)?;

    let command = match (ground.nginx, master) {
        (Some(nginx), Some(master)) => {
            Some(nginx_command::of(&ground, nginx, master, &site)).filter(|_| reload)
        }
        _ => None,
    };
    let changed_trust = trust
        .iter()
        .find(|(file, _, _)| file.status != Status::Unchanged)
        .map(|(_, change, _)| change.clone());
    let mut notes = made.notes.clone();
    notes.extend(configured.notes);
    notes.extend(shortened(answers));
    if !facts.live {
        notes.push(
            "this is a folder (--root), not a running system: nginx is not tested or reloaded, \
             the trust store is not rebuilt, and nothing is proven"
                .to_owned(),
        );
    }
    let any = files.iter().any(|file| file.status != Status::Unchanged);
    let proof = master.map(|master| proof(&site, answers, &made, facts, master));
    let steps = if any {
        steps(made, command, changed_trust.filter(|_| facts.live), proof)
    } else {
        Vec::new()
    };
    Ok(Plan { schema: SCHEMA, steps, files, folders, notes, defaults: answers.defaults.clone() })
}

/// What `verify` tries on a host that has been set up: the same proof, without a change.
fn proof(
    site: &Site<'_>,
    answers: &Answers,
    made: &Certificates,
    facts: &Facts,
    master: u32,
) -> Proof {
    let names = |recipe: &crate::certificate::Recipe| recipe.names.clone();
    let certified = made.issuing.as_ref().and_then(|issuing| issuing.server.as_ref()).map(names);
    let stale_names: Vec<HostName> = certified
        .unwrap_or_default()
        .into_iter()
        .filter_map(|name| match name {
            SubjectName::Dns(name) => Some(name),
            SubjectName::Ip(_) => None,
        })
        .filter(|name| {
            *name != answers.manager_name
                && !answers.alt_names.contains(&SubjectName::Dns(name.clone()))
        })
        .collect();
    let agents = (answers.method == Method::ClientMtls).then(|| AgentProof {
        services: SERVICES.iter().map(|service| (*service).to_owned()).collect(),
        check_log: place_for::log_file(site.config, "nim-tls-agents.log"),
        server_chain: made.server.chain.clone(),
        server_key: made.server.key.clone(),
        stale_names,
    });
    Proof {
        listeners: site.addresses(),
        name: answers.manager_name.clone(),
        other_names: answers.alt_names.iter().cloned().collect(),
        elsewhere: answers.alt_names.iter().filter(|name| !site.answers(name)).cloned().collect(),
        nameless_elsewhere: !site.is_default_everywhere(),
        trust: made.trust,
        agents,
        state: facts.state.folder.clone(),
        master,
    }
}

fn steps(
    made: Certificates,
    command: Option<NginxCommand>,
    trust: Option<TrustChange>,
    proof: Option<Proof>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(issuing) = made.issuing {
        steps.push(step(
            "issue",
            "make keys and certificates",
            "in memory, before anything on this host changes",
            "nothing to undo",
            Action::Issue(issuing),
        ));
    }
    if let Some(command) = &command {
        steps.push(step(
            "test",
            "test the new files with nginx -t",
            "in a private copy of the file system, so that a mistake is found before it matters",
            "nothing to undo",
            Action::Test(command.clone()),
        ));
    }
    steps.push(step(
        "place",
        "put the files in place",
        "each is written beside its target and renamed over it; what was there is kept",
        "every file is put back with its bytes, mode and owner; new ones are removed",
        Action::Place,
    ));
    if let Some(trust) = trust {
        steps.push(step(
            "trust",
            "let this system trust the root",
            "so that programs on this host accept the manager's certificate",
            "the folders that the command rewrites are put back as they were",
            Action::Trust(trust),
        ));
    }
    if let Some(command) = command {
        steps.push(step(
            "reload",
            "let nginx load the new files",
            "new workers must appear: nginx refuses a configuration without telling its caller",
            "nginx loads the files of before again",
            Action::Reload(command),
        ));
        steps.push(step(
            "end-old-workers",
            "end workers that still serve the old rules",
            "a reload ends no connection: whoever is connected would stay under the old rules",
            "nothing to undo: clients connect again",
            Action::EndOldWorkers { after_seconds: GRACE },
        ));
    }
    if let Some(proof) = proof {
        steps.push(step(
            "prove",
            "prove it with connections, good and bad",
            "only a request shows who gets through",
            "nothing to undo: no call that is tried exists behind nginx",
            Action::Prove(proof),
        ));
    }
    steps
}

fn step(id: &str, title: &str, why: &str, undo: &str, action: Action) -> Step {
    let own = str::to_owned;
    Step { id: own(id), title: own(title), why: own(why), undo: own(undo), action }
}

fn changes(files: &[FileChange], path: &AbsPath) -> bool {
    files.iter().any(|file| file.path == *path && file.status != Status::Unchanged)
}

/// The pair that the server uses now, if it has exactly one; `None` if it has none or several.
fn server_files(site: &Site<'_>) -> Result<Option<ServerFiles>, Problem> {
    let scope = &site.server.scope;
    let (chains, keys) = (scope.nearest("ssl_certificate"), scope.nearest("ssl_certificate_key"));
    let variable = chains.iter().chain(&keys).find(|line| line.args.iter().any(|a| a.contains('$')));
    if let Some(line) = variable {
        return Err(Problem::host(format!(
            "{}: the certificate is chosen by a variable, so nim-tls cannot replace it",
            site.config.shown(&line.at)
        )));
    }
    let path = |args: Option<&str>| args.and_then(|path| site.config.resolved(path).parse().ok());
    Ok(match (chains.as_slice(), keys.as_slice()) {
        ([chain], [key]) => path(chain.arg(0))
            .zip(path(key.arg(0)))
            .map(|(chain, key)| ServerFiles { chain, key }),
        _ => None,
    })
}

type Trust = (FileChange, TrustChange, FolderChange);

fn trust(
    facts: &Facts,
    answers: &Answers,
    made: &Certificates,
) -> Result<Option<Trust>, Problem> {
    let uses_root = made.trust == ProofTrust::OurRoot || answers.method == Method::ClientMtls;
    if !answers.trust_store || !uses_root {
        return Ok(None);
    }
    let store = match &facts.trust_store {
        Known::Is(store) => store,
        Known::Absent => {
            return Err(Problem::host("the trust store of this system is not one that is known")
                .remedy("say options: {trust_store: false}"));
        }
        Known::Unclear(why) => {
            return Err(Problem::host(format!("the trust store cannot be used: {why}"))
                .remedy("install ca-certificates, or say options: {trust_store: false}"));
        }
    };
    let folder = literal(store.anchors);
    let anchor = certificates::below(&folder, store.file);
    if let Some(found) = facts.file(&anchor).file()
        && !found.ours
        && !matches!(&made.root, Content::Text(root)
            if crate::values::Digest::of(root.as_bytes()) == found.digest)
    {
        return Err(Problem::host(format!("{anchor} is there and was not written by nim-tls"))
            .remedy(format!("move {anchor} away")));
    }
    let file = certificates::change(facts, &anchor, 0o644, made.root.clone());
    debug_assert!(matches!(
        file.content,
        Content::Text(_) | Content::Issued(Piece::RootCertificate)
    ));
    let change = TrustChange {
        anchor,
        command: format!("{} {}", store.command, store.options).trim().to_owned(),
        rewrites: store.rewrites.iter().map(|folder| (*folder).to_owned()).collect(),
        bundle: store.bundle.to_owned(),
    };
    let folder = FolderChange { path: folder, mode: crate::values::Mode(0o755) };
    Ok(Some((file, change, folder)))
}

/// Default lifetimes that a shorter-lived issuer cuts down.
fn shortened(answers: &Answers) -> Vec<String> {
    let days = answers.days;
    let intermediate = days.intermediate.min(days.root);
    [
        ("intermediate", days.intermediate, days.root),
        ("server", days.server, intermediate),
        ("agent", days.agent, intermediate),
    ]
    .into_iter()
    .filter(|(_, own, issuer)| own > issuer)
    .map(|(name, own, issuer)| {
        format!("{name} certificates live {issuer} days instead of {own}: their issuer ends then")
    })
    .collect()
}

/// What a server that this program would change does about agents today, for `check`.
pub fn today(facts: &Facts, port: crate::values::Port) -> Result<String, Problem> {
    let Known::Is(config) = &facts.config else {
        return Err(Problem::host("the configuration of nginx could not be read"));
    };
    let http = config.http().ok_or_else(|| Problem::host("there is no http block"))?;
    let site = Site::find(config, &http, port)?;
    let (clients, line) = bypass::clients_today(&site);
    let place = config.shown(&line.at);
    Ok(match clients {
        bypass::ClientsToday::NotAsked => format!("not asked for a certificate ({place})"),
        bypass::ClientsToday::Asked => {
            format!("asked for a certificate, and let through without one ({place})")
        }
        bypass::ClientsToday::Bypassable => {
            format!("checked in a way that can be got round ({place})")
        }
        bypass::ClientsToday::Enforced => format!("refused without a certificate ({place})"),
    })
}

