//! From facts and answers to a plan for such a server.

use super::super::bypass;
use super::super::certificates::{self, Certificates};
use super::super::cut_off;
use super::super::dial;
use super::super::differences;
use super::super::editor::why;
use super::super::exposed;
use super::super::file::FileChange;
use super::super::fitness;
use super::super::gates::{self, Gates};
use super::super::listeners;
use super::super::make::{folders, presented, reloads, running};
use super::super::manager::{SERVICES, listens_on, serves_ui};
use super::super::nim1::{Clients, Front, Listens, for_agents};
use super::super::notes;
use super::super::observing;
use super::super::overlay::{overlaid, written};
use super::super::place_for;
use super::super::proof;
use super::super::site::Site;
use super::super::step::{AgentsPort, Plan, Proof, SCHEMA};
use super::super::steps::steps;
use super::super::template::Explained;
use super::super::trust;
use super::super::work::{NginxChanges, Work};
use super::moved::{self, Moved};
use super::text;
use crate::answers::{Answers, Dedicated, Enforce};
use crate::error::Problem;
use crate::facts::{Facts, FileFact};
use crate::nginx::{Config, Directive, Http, Server, Socket};
use crate::values::{AbsPath, SubjectName};

/// The first nginx that can hang up before a certificate is shown (its change log).
const CAN_REJECT: (u16, u16, u16) = (1, 19, 4);

/// What would be done on this host for these answers, or why it cannot be.
pub(in crate::plan) fn plan(
    facts: &Facts,
    answers: &Answers,
    dedicated: &Dedicated,
) -> Result<Plan, Problem> {
    let ground = fitness::check(facts, answers)?;
    can_reject(facts, dedicated)?;
    let no_http =
        || Problem::host("the configuration of nginx has no http block").remedy("nginx -T");
    let today = listeners::http(facts, ground.config).ok_or_else(no_http)?;
    let own = place(facts, ground.config, &today)?;
    let without = overlaid(ground.config, [(own.clone(), String::new())])?;
    let others = listeners::http(facts, &without).ok_or_else(no_http)?;
    if facts.live {
        listeners::all_known(facts, &without, &others)?;
    }
    let master = match ground.nginx.filter(|_| facts.live) {
        Some(nginx) => Some(fitness::master(nginx)?),
        None => None,
    };
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
    let made = certificates::plan(facts, answers, &presented(&pages, answers)?)?;
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
    let http = listeners::http(facts, &will_be).ok_or_else(no_http)?;
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
    let trust = trust::plan(facts, answers, &made)?;
    let mut notes = notes::all(facts, answers, &made, &configured.notes);
    if facts.live {
        notes.extend(exposed::note(&agents));
    }
    let folders = folders(&made, &configured, trust.as_ref());
    let reload = reloads(&made, &configured);
    let headers = configured.headers;
    let mut files = made.files.clone();
    files.extend(configured.files);
    files.extend(trust.iter().map(|trust| trust.file.clone()));
    fitness::targets(facts, &files)?;

    let steps = if files.iter().any(FileChange::changes) {
        let command = running(&ground, master, &agents, answers).filter(|_| reload);
        let change = trust.and_then(|trust| trust.into_change(facts));
        let proof = master.map(|master| {
            let of_pages = proof::of(&pages, answers, &made, facts, master, &headers);
            proven(of_pages, answers, dedicated, &agents)
        });
        let private = facts.no_private_copy.is_none();
        steps(made, command, change, None, proof, private)
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

fn can_reject(facts: &Facts, dedicated: &Dedicated) -> Result<(), Problem> {
    let builds = facts.nginx.is().filter(|_| dedicated.rejects_others);
    match builds.filter(|nginx| nginx.build.version < CAN_REJECT) {
        None => Ok(()),
        Some(nginx) => Err(Problem::host(format!(
            "{} cannot reject names that it does not know: nginx has ssl_reject_handshake from \
             1.19.4 on",
            nginx.build
        ))
        .remedy("leave options.unknown_names out")),
    }
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

/// Where the locations of agents are today.
struct Source<'a> {
    /// The server with the pages.
    pages: &'a Server<'a>,
    locations: Vec<Moved>,
    named: Vec<String>,
    /// Those that are to be taken out there.
    taken_out: Vec<&'a Directive>,
}

impl<'a> Source<'a> {
    /// `today`: as it is; `others`: the same without our own file.
    fn find<'b>(
        facts: &'a Facts,
        answers: &Answers,
        own: &AbsPath,
        today: (&'b Config, &'b Http<'b>),
        others: (&'a Config, &'a Http<'a>),
    ) -> Result<Self, Problem>
    where
        'a: 'b,
    {
        let (config, http) = others;
        let server = match gates::server(config, http, answers.https) {
            Ok(server) => server,
            Err(none) => return Self::moved_already(facts, answers, own, today, others, none),
        };
        let found = gates::of(config, http, server)?;
        let certain = found.certain.clone();
        let site = Site::of(facts, config, http, server, found, answers.https);
        site.certain()?;
        differences::in_place_is_in_force(&site)?;
        if !serves_ui(server) {
            return Err(Problem::host(format!(
                "{}: this server passes agents on and has no pages: agents have a server of \
                 their own already, which is not of nim-tls",
                config.shown(&server.directive.at)
            ))
            .remedy("move its locations into the server with the pages, and plan again"));
        }
        Ok(Self {
            pages: server,
            locations: moved::locations(&site)?,
            named: moved::named(config, server, &certain),
            taken_out: certain.iter().map(|gate| gate.directive).collect(),
        })
    }

    /// They are in our own file.
    fn moved_already<'b>(
        facts: &'b Facts,
        answers: &Answers,
        own: &AbsPath,
        (config, http): (&'b Config, &'b Http<'b>),
        (others, in_others): (&'a Config, &'a Http<'a>),
        none: Problem,
    ) -> Result<Self, Problem>
    where
        'a: 'b,
    {
        let in_own = |server: &&Server<'_>| {
            let path = &config.file(server.directive.at.file).path;
            path == own.as_str() && !server.locations().is_empty()
        };
        let Some(server) = http.servers.iter().find(in_own) else {
            return Err(none);
        };
        let has_pages =
            |server: &&Server<'_>| listens_on(server, answers.https) && serves_ui(server);
        let mut pages = in_others.servers.iter().filter(has_pages);
        let (Some(pages), None) = (pages.next(), pages.next()) else {
            return Err(Problem::host(format!(
                "there is not exactly one server with the manager's pages on port {}",
                answers.https
            ))
            .remedy("nginx -T"));
        };
        let found = gates::of(config, http, server)?;
        let certain = found.certain.clone();
        let site = Site::of(facts, config, http, server, found, answers.https);
        Ok(Self {
            pages,
            locations: moved::locations(&site)?,
            named: moved::named(others, pages, &certain),
            taken_out: Vec::new(),
        })
    }

    fn file(
        &self,
        facts: &Facts,
        answers: &Answers,
        dedicated: &Dedicated,
        pages: &Site<'_>,
        made: &Certificates,
    ) -> Result<Explained, Problem> {
        let sockets: Vec<Socket> = if dedicated.port == answers.https {
            pages.on_port().map(|bound| bound.socket.clone()).collect()
        } else {
            for_agents(facts, pages.config, pages.http, dedicated.port)?
        };
        let listens = Listens::of(facts, &sockets, true, true);
        let name = dedicated.name.as_str();
        let mut front = Front::new(name, &made.server.chain, &made.server.key);
        front.listens = listens.lines;
        front.http2 = listens.http2;
        front.names = dedicated.name.to_string();
        let log = place_for::log_file(pages.config, "nim-tls-agents.log");
        let ca = made.client_bundle.as_ref().ok_or_else(|| {
            Problem::host("there is no authority for agents, so nobody could be let in")
        })?;
        let clients = Clients {
            ca,
            crl: made.crl(),
            listing: made.listing.as_ref(),
            enforce: answers.enforce,
            log: &log,
        };
        let rejects = dedicated.rejects_others;
        let (locations, named) = (&self.locations, &self.named);
        Ok(text::server(&front, &clients, rejects, locations, named))
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

/// The server for agents, as nginx would load it.
fn agents<'a>(
    facts: &'a Facts,
    config: &'a Config,
    http: &'a Http<'a>,
    own: &AbsPath,
    dedicated: &Dedicated,
) -> Result<Site<'a>, Problem> {
    let name = dedicated.name.as_str();
    let mut servers = http.servers.iter();
    let server = servers.find(|server| {
        config.file(server.directive.at.file).path == own.as_str() && server.names.contains(&name)
    });
    let server = server.ok_or_else(|| {
        Problem::host("nginx would not read the server for agents").remedy("nginx -T")
    })?;
    let found = gates::of(config, http, server)?;
    Ok(Site::of(facts, config, http, server, found, dedicated.port))
}

/// Refuses what could let somebody past it.
fn holds(facts: &Facts, answers: &Answers, agents: &Site<'_>) -> Result<(), Problem> {
    if facts.live {
        fitness::ports(facts, agents.config, agents.http, &[])?;
    }
    let mut neighbours = agents.neighbours_on_port().into_iter();
    let ours = &agents.server.names;
    let namesake = neighbours
        .find(|other| !agents.is_ours(other) && other.names.iter().any(|name| ours.contains(name)));
    if let Some(other) = namesake {
        return Err(Problem::host(format!(
            "{}: this server answers to the name for agents already",
            agents.config.shown(&other.directive.at)
        ))
        .remedy("say another agent_name"));
    }
    bypass::refuse_beside(agents)?;
    let build = facts.nginx.is().map(|nginx| &nginx.build);
    bypass::neighbours(agents, build)?;
    if answers.enforce == Enforce::Observe {
        observing::refuse(agents)?;
    }
    Ok(())
}

/// Who has to be told, before all else.
fn note_agents(
    facts: &Facts,
    answers: &Answers,
    dedicated: &Dedicated,
    agents: &Site<'_>,
    (own, made): (&AbsPath, &Certificates),
    configured: &mut NginxChanges,
) {
    let listing = made.listing.as_ref();
    let mut files = configured.files.iter();
    let changes = files.any(|file| file.path == *own && file.changes());
    let mut first = match answers.enforce {
        Enforce::Require if changes => cut_off::notes(facts, dedicated.port, listing),
        Enforce::Require => Vec::new(),
        Enforce::Observe => {
            let mut work = Work::new(facts, agents);
            work.note_not_enforced();
            work.changes.notes
        }
    };
    if changes {
        let port = dedicated.port;
        first.push(format!(
            "agents are served as {} on port {port} alone: those that ask for another name \
             (server.command and server.metrics in nginx-agent.conf, without them server.host) \
             find no services any more; what the server with the pages says for all its locations \
             (limits, errors, headers) does not hold there",
            dedicated.name
        ));
        if port == answers.https {
            first.push(format!(
                "should an upgrade of NGINX Instance Manager put its nginx file back, the pages \
                 lose their place as the default of port {port}, and browsers are refused until \
                 the same answers are applied again; with another ports.grpc that cannot happen"
            ));
        }
    }
    configured.notes.splice(0..0, first);
}

/// The proof of the pages, with agents met at their own server.
fn proven(mut proof: Proof, answers: &Answers, dedicated: &Dedicated, agents: &Site<'_>) -> Proof {
    let own = SubjectName::Dns(dedicated.name.clone());
    let dial = dial::of(agents);
    proof.other_names.retain(|name| *name != own);
    proof.elsewhere.retain(|name| *name != own);
    if let Some(of_agents) = &mut proof.agents {
        of_agents.barred = proof::barred(agents, &dial.agents_barred);
        // By the names of the pages nobody may reach the services.
        of_agents.stale_names.push(answers.manager_name.clone());
    }
    proof.agents_port = Some(AgentsPort {
        listeners: dial.listeners,
        name: dedicated.name.clone(),
        encrypted: true,
        service: SERVICES[0].to_owned(),
        by_manager: false,
    });
    proof
}
