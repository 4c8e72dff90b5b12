//! The server that agents meet, as nginx would load it: in `http`, or below it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::super::bypass;
use super::super::dial::{self, Dial};
use super::super::fitness;
use super::super::guarded::Guarded;
use super::super::observing;
use super::super::other_ways;
use super::super::peers::Reached;
use super::super::site::Site;
use super::super::streams::{self, StreamServer};
use crate::answers::Enforce;
use crate::error::Problem;
use crate::facts::Facts;
use crate::nginx::{Address, Config, Directive, FileId, Http};
use crate::values::{AbsPath, Port};

pub(super) enum AgentsServer<'a> {
    Http(Site<'a>),
    Stream(InStream<'a>),
}

/// A server that is wholly ours.
pub(super) struct InStream<'a> {
    facts: &'a Facts,
    config: &'a Config,
    http: &'a Http<'a>,
    server: StreamServer<'a>,
    services: Reached,
    port: Port,
}

impl<'a> InStream<'a> {
    /// None where nginx would not read it.
    pub(super) fn of(
        facts: &'a Facts,
        config: &'a Config,
        http: &'a Http<'a>,
        path: &AbsPath,
        port: Port,
    ) -> Option<Self> {
        let is_ours =
            |server: &StreamServer<'_>| config.file(server.directive.at.file).path == path.as_str();
        let server = streams::servers(config).find(is_ours)?;
        Some(Self {
            facts,
            config,
            http,
            services: Reached::of(facts, &server.peers(http)),
            server,
            port,
        })
    }

    /// What nginx binds.
    fn binds(&self) -> impl Iterator<Item = SocketAddr> {
        let listens = self.server.listens.iter();
        listens.filter_map(|listen| {
            let ip = match listen.address {
                Address::Any4 => Ipv4Addr::UNSPECIFIED.into(),
                Address::Any6 => Ipv6Addr::UNSPECIFIED.into(),
                Address::Ip(ip) => ip,
                Address::Unix(_) | Address::Name(_) => return None,
            };
            Some(SocketAddr::new(ip, listen.port))
        })
    }

    fn refused(&self, line: &Directive, why: &str) -> Problem {
        Problem::host(format!("{}: {why}", self.config.shown(&line.at)))
    }

    fn refuse_beside(&self) -> Result<(), Problem> {
        let (facts, config) = (self.facts, self.config);
        let guarded = Guarded::of_stream(
            facts,
            config,
            self.http,
            &self.services,
            &self.server,
            self.port,
        );
        other_ways::refuse(&guarded)?;
        let nearest = |name: &str| self.server.nearest(name);
        let own = self.server.directive.at.file;
        let ours = |line: &Directive| line.at.file == own;
        match bypass::foreign_trust(nearest, ours) {
            None => Ok(()),
            Some((line, why)) => Err(self.refused(line, &why).remedy("take this line out")),
        }
    }
}

impl<'a> AgentsServer<'a> {
    pub(super) fn file(&self) -> FileId {
        self.directive().at.file
    }

    pub(super) fn directive(&self) -> &'a Directive {
        match self {
            Self::Http(site) => site.server.directive,
            Self::Stream(own) => own.server.directive,
        }
    }

    /// What could let somebody past the check of certificates, beside this server.
    pub(super) fn refuse_beside(&self, enforce: Enforce) -> Result<(), Problem> {
        match self {
            Self::Stream(own) => own.refuse_beside(),
            Self::Http(site) => {
                bypass::refuse_beside(site)?;
                match enforce {
                    Enforce::Observe => observing::refuse(site),
                    Enforce::Require => Ok(()),
                }
            }
        }
    }

    /// Below HTTP: where nginx has to listen besides.
    pub(super) fn further(&self) -> Vec<SocketAddr> {
        match self {
            Self::Http(_) => Vec::new(),
            Self::Stream(own) => own.binds().collect(),
        }
    }

    /// Refuses a port that somebody else has. Those in `http` are looked at with all others.
    pub(super) fn port_is_free(&self, given_up: &[SocketAddr]) -> Result<(), Problem> {
        let facts = match self {
            Self::Http(_) => return Ok(()),
            Self::Stream(own) => own.facts,
        };
        let mut wanted = self.further().into_iter();
        let taken = wanted.find_map(|at| Some((at, fitness::taken_by(facts, at, given_up)?)));
        match taken {
            None => Ok(()),
            Some((at, who)) => {
                let port = at.port();
                Err(Problem::host(format!(
                    "port {port} belongs to {who}, and agents are to be met there"
                ))
                .remedy(format!("ss -ltnp 'sport = :{port}'")))
            }
        }
    }

    /// Where the proof meets it.
    pub(super) fn dialled(&self) -> Dial<'a> {
        let own = match self {
            Self::Http(site) => return dial::of(site),
            Self::Stream(own) => own,
        };
        let met = own.binds().map(|at| {
            let ip = match at.ip() {
                ip if !ip.is_unspecified() => ip,
                ip if ip.is_ipv4() => Ipv4Addr::LOCALHOST.into(),
                _ => Ipv6Addr::LOCALHOST.into(),
            };
            SocketAddr::new(ip, at.port())
        });
        Dial {
            listeners: met.collect(),
            agents_barred: BTreeMap::new(),
            browsers_barred: BTreeMap::new(),
        }
    }
}
