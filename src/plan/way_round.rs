//! How a check of agents' certificates can be got round, told apart by what has to be mended.

use super::bypass;
use super::clients_today::{self, ClientsToday};
use super::gates;
use super::guarded::Guarded;
use super::listeners;
use super::manager::is_on;
use super::other_ways;
use super::peers::{Leads, Reached};
use super::site::Site;
use super::streams::{self, StreamServer};
use crate::facts::{Build, Facts};
use crate::nginx::{Address, Config, Directive, Http, Level, Place, Server, all_below};
use crate::values::Port;

/// What leads past the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayRound {
    /// An error page makes a yes of the refusal, or serves the call itself.
    ErrorPage,
    /// `satisfy any`, and another condition says yes.
    SatisfyAny,
    /// Calls also end in a server that asks nobody, and it is the one for clients without a name.
    DefaultServer,
    /// Calls also end in a server that speaks without TLS.
    InTheClear,
    Other,
}

/// A way round, and the line that opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub way: WayRound,
    pub at: Place,
    /// What else is known of it, in words.
    pub why: Option<String>,
    /// It is open to programs on this host only.
    pub from_here_alone: bool,
}

/// The way round a check that is there, on this port. `None`: there is no check, or it holds.
pub fn way_round(facts: &Facts, config: &Config, port: Port) -> Option<Found> {
    let http = listeners::http(facts, config)?;
    let build = facts.nginx.is().map(|nginx| &nginx.build);
    match Site::find(facts, config, &http, port) {
        Ok(site) => of_site(&site, build),
        Err(_) => of_several(facts, config, &http, port, build)
            .or_else(|| beside_stream(facts, config, &http, port)),
    }
}

fn of_site(site: &Site<'_>, build: Option<&Build>) -> Option<Found> {
    let (today, line) = clients_today::clients_today(site, build);
    if today != ClientsToday::Bypassable {
        return None;
    }
    let at = |way, line: &Directive| {
        Some(Found {
            way,
            at: line.at,
            why: None,
            from_here_alone: false,
        })
    };
    for gate in &site.gates {
        let mut lines = gate.scope.nearest("satisfy").into_iter();
        if let Some(line) = lines.find(|line| line.arg(0) != Some("all")) {
            return at(WayRound::SatisfyAny, line);
        }
    }
    if let Some(page) = clients_today::changed_answer(site) {
        return at(WayRound::ErrorPage, page);
    }
    let refused = bypass::refuse(site, build).err();
    let way = other_ways::first(&Guarded::of(site)).map_or(WayRound::Other, |pass| {
        if is_error_page(site, pass) {
            WayRound::ErrorPage
        } else if is_in_the_clear(site.http, pass) {
            WayRound::InTheClear
        } else if site.defaults().iter().any(|server| holds(server, pass)) {
            WayRound::DefaultServer
        } else {
            WayRound::Other
        }
    });
    let place = other_ways::first(&Guarded::of(site)).unwrap_or(line);
    Some(Found {
        way,
        at: place.at,
        why: refused.map(|problem| problem.what),
        from_here_alone: server_of(site.http, place).is_some_and(is_for_here_alone),
    })
}

/// Several servers pass agents on: where one of them asks for certificates, the others are ways
/// round it.
fn of_several<'a>(
    facts: &'a Facts,
    config: &'a Config,
    http: &'a Http<'a>,
    port: Port,
    build: Option<&Build>,
) -> Option<Found> {
    let judged: Vec<_> = gates::servers(http, port)
        .into_iter()
        .map(|server| {
            let found = gates::some_of(http, server);
            let site = Site::of(facts, config, http, server, found, port);
            let is_default = site.defaults().iter().any(|default| site.is_ours(default));
            let today = clients_today::clients_today(&site, build).0;
            (today, server, is_default)
        })
        .collect();
    let asks = |today: &ClientsToday| !matches!(today, ClientsToday::NotAsked);
    if !judged.iter().any(|(today, ..)| asks(today)) {
        return None;
    }
    let open = |today: &ClientsToday| matches!(today, ClientsToday::NotAsked | ClientsToday::Asked);
    let (_, server, is_default) = judged.into_iter().find(|(today, ..)| open(today))?;
    Some(Found {
        way: if is_default {
            WayRound::DefaultServer
        } else {
            WayRound::Other
        },
        at: server.directive.at,
        why: None,
        from_here_alone: is_for_here_alone(server),
    })
}

/// Agents are met below HTTP, by a server that refuses those without a certificate, and another
/// server below HTTP leads to the same services.
fn beside_stream<'a>(
    facts: &Facts,
    config: &'a Config,
    http: &Http<'a>,
    port: Port,
) -> Option<Found> {
    let is_on_port =
        |server: &&StreamServer<'_>| server.listens.iter().any(|line| is_on(line, port));
    let all: Vec<StreamServer<'_>> = streams::servers(config).collect();
    let own = all.iter().find(is_on_port)?;
    let asks = own.nearest("ssl_verify_client").into_iter().next()?;
    if asks.arg(0) != Some("on") {
        return None;
    }
    let services = Reached::of(facts, &own.peers(http));
    let leads_there = |server: &&StreamServer<'_>| {
        let verifies = server.nearest("ssl_verify_client").into_iter().next();
        let is_open = !server.ends_tls() || verifies.and_then(|line| line.arg(0)) != Some("on");
        let to = Reached::of(facts, &server.peers(http));
        is_open && matches!(services.met_by(&to), Leads::There)
    };
    let server = all.iter().find(leads_there)?;
    let clear = !server.ends_tls();
    Some(Found {
        way: if clear {
            WayRound::InTheClear
        } else {
            WayRound::Other
        },
        at: server.directive.at,
        why: None,
        from_here_alone: false,
    })
}

/// Whether the line stands in a location to which an error page leads.
fn is_error_page(site: &Site<'_>, pass: &Directive) -> bool {
    let mut servers = site.http.servers.iter();
    let Some(server) = servers.find(|server| holds(server, pass)) else {
        return false;
    };
    let levels = server.all_locations();
    let name = pass.name.as_str();
    let stands_in =
        |level: &&Level<'_, '_>| all_below(level.directive, &[name]).any(|line| line.at == pass.at);
    let Some(level) = levels.iter().find(stands_in) else {
        return false;
    };
    let pattern = level.location.pattern;
    let scopes = std::iter::once(&server.scope).chain(levels.iter().map(|level| &level.scope));
    let mut pages = scopes.flat_map(|scope| scope.nearest("error_page"));
    pages.any(|page| page.words().last() == Some(pattern))
}

/// Whether the line stands in a server that others than this host reach, and none of them by TLS.
fn is_in_the_clear(http: &Http<'_>, line: &Directive) -> bool {
    let Some(server) = server_of(http, line) else {
        return false;
    };
    let sockets = http.sockets().into_iter();
    let mut own =
        sockets.filter(|bound| bound.servers.iter().any(|one| std::ptr::eq(*one, server)));
    own.all(|bound| !bound.ssl && !matches!(bound.socket.address, Address::Unix(_)))
}

fn server_of<'h, 'a>(http: &'h Http<'a>, line: &Directive) -> Option<&'h Server<'a>> {
    let mut servers = http.servers.iter();
    servers.find(|server| holds(server, line))
}

/// Whether nobody reaches it from elsewhere.
fn is_for_here_alone(server: &Server<'_>) -> bool {
    server.listens.iter().all(|listen| match &listen.address {
        Address::Unix(_) => true,
        Address::Ip(ip) => ip.is_loopback(),
        _ => false,
    })
}

fn holds(server: &Server<'_>, line: &Directive) -> bool {
    let name = line.name.as_str();
    all_below(server.directive, &[name]).any(|one| one.at == line.at)
}
