//! The server for agents as it will be: what could lead past it, who has to be told, and what is to
//! be proven.

use super::super::bypass;
use super::super::certificates::Certificates;
use super::super::cut_off;
use super::super::dial;
use super::super::fitness;
use super::super::gates;
use super::super::manager::SERVICES;
use super::super::observing;
use super::super::proof;
use super::super::site::Site;
use super::super::to_prove::{AgentsPort, Proof};
use super::super::work::{NginxChanges, Work};
use crate::answers::{Answers, Dedicated, Enforce};
use crate::error::Problem;
use crate::facts::Facts;
use crate::nginx::{Config, Http};
use crate::values::{AbsPath, SubjectName};

/// The server for agents, as nginx would load it.
pub(super) fn agents<'a>(
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
pub(super) fn holds(facts: &Facts, answers: &Answers, agents: &Site<'_>) -> Result<(), Problem> {
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
pub(super) fn note_agents(
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
             find no services any more; limits of requests and of connections that the server with \
             the pages has do not hold there",
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
pub(super) fn proven(
    mut proof: Proof,
    answers: &Answers,
    dedicated: &Dedicated,
    agents: &Site<'_>,
) -> Proof {
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
