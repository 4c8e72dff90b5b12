//! Where the locations of agents are today, and the file that they go to.

use std::net::IpAddr;

use super::super::certificates::Certificates;
use super::super::differences;
use super::super::gates;
use super::super::manager::{listens_on, serves_ui};
use super::super::nim1::{Clients, Front, Listens, for_agents};
use super::super::place_for;
use super::super::site::Site;
use super::super::template::Explained;
use super::carried;
use super::moved::{self, Moved};
use super::text;
use crate::answers::{Answers, Dedicated};
use crate::error::Problem;
use crate::facts::Facts;
use crate::nginx::{Address, Config, Directive, Http, Server, Socket};
use crate::values::AbsPath;

/// Where the locations of agents are today.
pub(super) struct Source<'a> {
    /// The server with the pages.
    pub(super) pages: &'a Server<'a>,
    locations: Vec<Moved>,
    named: Vec<String>,
    /// Those that are to be taken out there.
    pub(super) taken_out: Vec<&'a Directive>,
    /// What agents lose on the way, in words.
    pub(super) lost: Option<String>,
}

impl<'a> Source<'a> {
    /// `today`: as it is; `others`: the same without our own file.
    pub(super) fn find<'b>(
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
        carried::refuse(&site, &certain)?;
        Ok(Self {
            pages: server,
            locations: moved::locations(&site)?,
            named: moved::named(config, server, &certain),
            taken_out: certain.iter().map(|gate| gate.directive).collect(),
            lost: carried::note(&site, &certain),
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
            lost: None,
        })
    }

    pub(super) fn file(
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
            own_port(facts, pages, dedicated)?
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
        let moved = text::FromPages {
            carried: &carried::lines(pages),
            locations: &self.locations,
            named: &self.named,
        };
        let rejects = dedicated.rejects_others;
        Ok(text::server(&front, &clients, rejects, &moved))
    }
}

/// Over IPv6 too where the pages are: agents know both by the same name.
fn own_port(
    facts: &Facts,
    pages: &Site<'_>,
    dedicated: &Dedicated,
) -> Result<Vec<Socket>, Problem> {
    let mut sockets = for_agents(facts, pages.config, pages.http, dedicated.port)?;
    let over_6 = pages.on_port().any(|bound| {
        matches!(
            &bound.socket.address,
            Address::Any6 | Address::Ip(IpAddr::V6(_))
        )
    });
    let socket = Socket {
        address: Address::Any6,
        port: dedicated.port.number(),
        quic: false,
    };
    if over_6 && !sockets.contains(&socket) {
        sockets.push(socket);
    }
    Ok(sockets)
}
