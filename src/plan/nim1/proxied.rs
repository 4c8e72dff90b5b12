//! The nginx before the manager, judged as it will be: its configuration with these files in it
//! is read like any other, and what lies beside them is looked at there.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use super::super::cut_off;
use super::super::dial;
use super::super::file::FileChange;
use super::super::fitness;
use super::super::gates::{self, Gates};
use super::super::listed::Listing;
use super::super::listeners;
use super::super::peers::{Leads, Reached};
use super::super::site::Site;
use super::super::template::Explained;
use super::super::work::{NginxChanges, Work};
use super::agents_server::{AgentsServer, InStream};
use super::files::{Files, Places};
use super::manager_now;
use super::settings::Settings;
use crate::answers::{Answers, Context, Enforce, Nim1Answers};
use crate::error::Problem;
use crate::facts::Facts;
use crate::nginx::{Bound, Config, Http, PASSES, Peer, Server, Target, all_below};
use crate::values::{AbsPath, Gather as _, Port};

/// The configuration without these files.
#[derive(Clone, Copy)]
pub(super) struct Before<'a> {
    pub(super) config: &'a Config,
    pub(super) http: &'a Http<'a>,
}

/// What nginx would load afterwards.
pub(super) struct After<'a> {
    pub(super) facts: &'a Facts,
    pub(super) config: &'a Config,
    pub(super) http: &'a Http<'a>,
    pub(super) ui: Site<'a>,
    pub(super) agents: AgentsServer<'a>,
}

impl<'a> After<'a> {
    pub(super) fn of(
        facts: &'a Facts,
        config: &'a Config,
        http: &'a Http<'a>,
        places: &Places,
        answers: &Answers,
        nim1: &Nim1Answers,
    ) -> Result<Self, Problem> {
        // What hangs up on other names has none, and is no server of ours to look at.
        let ours = |path: &AbsPath| {
            let mut servers = http
                .servers
                .iter()
                .filter(|server| !server.names.is_empty());
            servers.find(|server| config.file(server.directive.at.file).path == path.as_str())
        };
        let missing = || {
            Problem::host("nginx would not read the servers before the manager").remedy("nginx -T")
        };
        let ui = ours(&places.ui).ok_or_else(missing)?;
        let agents = if nim1.context == Context::Http {
            let grpc = ours(&places.grpc).ok_or_else(missing)?;
            let found = gates::of(config, http, grpc)?;
            AgentsServer::Http(Site::of(facts, config, http, grpc, found, nim1.grpc))
        } else {
            let found = InStream::of(facts, config, http, &places.stream, nim1.grpc);
            AgentsServer::Stream(found.ok_or_else(missing)?)
        };
        Ok(Self {
            facts,
            config,
            http,
            ui: Site::of(facts, config, http, ui, Gates::default(), answers.https),
            agents,
        })
    }

    /// Refuses what the files could not stand beside.
    pub(super) fn fits(
        &self,
        answers: &Answers,
        verifies: bool,
        settings: &Settings,
    ) -> Result<(), Problem> {
        if self.facts.live {
            listeners::all_known(self.facts, self.config, self.http)?;
            let given_up = manager_now::given_up(self.facts, settings);
            fitness::ports(self.facts, self.config, self.http, &given_up)?;
            self.agents.port_is_free(&given_up)?;
        }
        self.no_namesake(answers)?;
        self.nobody_else_passes(settings)?;
        if verifies {
            self.agents.refuse_beside(answers.enforce)?;
        }
        Ok(())
    }

    /// A way to the manager beside these servers has none of their rules, and may have no TLS.
    fn nobody_else_passes(&self, settings: &Settings) -> Result<(), Problem> {
        let at = |port: Port| Peer::At(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port.number()));
        let manager = [at(settings.gateway), at(settings.grpc)]
            .into_iter()
            .gathered();
        let manager = Reached::of(self.facts, &manager);
        let own = [self.ui.server.directive.at.file, self.agents.file()];
        let servers = self.http.servers.iter();
        for server in servers.filter(|server| !own.contains(&server.directive.at.file)) {
            for pass in all_below(server.directive, &PASSES) {
                let Some(target) = Target::of(pass) else {
                    continue;
                };
                let peers = self.http.backends(&target);
                if manager.met_by(&Reached::of(self.facts, &peers)) == Leads::There {
                    let to = pass.arg(0).unwrap_or_default();
                    let why = format!(
                        "passes to {to}, which is the manager, past the servers that are before it"
                    );
                    return Err(self
                        .ui
                        .refused(pass, why)
                        .remedy("take this line out, or the location that holds it"));
                }
            }
        }
        Ok(())
    }

    /// nginx takes the first of two servers of a name, and says so in a warning only.
    fn no_namesake(&self, answers: &Answers) -> Result<(), Problem> {
        let ours = &self.ui.server.names;
        let namesake = |server: &&&Server<'_>| {
            !self.ui.is_ours(server) && server.names.iter().any(|name| ours.contains(name))
        };
        let neighbours = self.ui.neighbours_on_port();
        let Some(other) = neighbours.iter().find(namesake) else {
            return Ok(());
        };
        let name = other.names.iter().find(|name| ours.contains(name));
        Err(Problem::host(format!(
            "{}: this server answers to {} on port {} already",
            self.config.shown(&other.directive.at),
            name.copied().unwrap_or_default(),
            answers.https
        ))
        .remedy("take the name out of that server, or the server away, and plan again"))
    }

    /// All that changes for nginx. `before`: how it is without these files.
    pub(super) fn changes(
        &self,
        answers: &Answers,
        before: Before<'_>,
        files: Files,
    ) -> Result<NginxChanges, Problem> {
        let mut work = Work::new(self.facts, &self.ui);
        if self.facts.live {
            work.spoken_to_directly()?;
        }
        work.changes.headers = files.headers;
        work.changes.notes = files.notes;
        for (path, text) in files.texts {
            work.own_file(&path, text)?;
        }
        work.profile()?;
        self.others_stay_default(&mut work, before)?;
        work.redirect(answers)?;
        work.finish()
    }

    /// Names that nobody knows lead where they led.
    fn others_stay_default(
        &self,
        work: &mut Work<'_, 'a>,
        before: Before<'_>,
    ) -> Result<(), Problem> {
        let was = before.http.sockets();
        let ours_now = |bound: &&Bound<'_, '_>| self.ui.is_ours(bound.default);
        for bound in self.ui.on_port().filter(ours_now) {
            let then = was.iter().find(|other| other.socket == bound.socket);
            let Some(then) = then else { continue };
            let mut servers = bound.servers.iter();
            let same = |server: &&&Server<'_>| {
                let (now, then) = (&server.directive.at, &then.default.directive.at);
                self.config.shown(now) == before.config.shown(then)
            };
            if let Some(server) = servers.find(same) {
                work.stays_the_default(&bound.socket, server)?;
            }
        }
        Ok(())
    }

    /// Who calls without a certificate today is named.
    pub(super) fn note_clients(
        &self,
        answers: &Answers,
        nim1: &Nim1Answers,
        listing: Option<&Listing>,
        changes: &mut NginxChanges,
    ) {
        let own = &self.config.file(self.agents.file()).path;
        let mut files = changes.files.iter();
        let file = files.find(|file| file.path.as_str() == own);
        let tightened = file.is_some_and(FileChange::changes);
        let notes = match (answers.enforce, &self.agents) {
            (Enforce::Require, _) if tightened => cut_off::notes(self.facts, nim1.grpc, listing),
            (Enforce::Observe, AgentsServer::Http(site)) => {
                let mut work = Work::new(self.facts, site);
                work.note_not_enforced();
                work.changes.notes
            }
            _ => Vec::new(),
        };
        changes.notes.splice(0..0, notes);
    }

    /// Where the proof meets the manager: for browsers, and for agents.
    pub(super) fn dialled(&self) -> (dial::Dial<'a>, dial::Dial<'a>) {
        (dial::of(&self.ui), self.agents.dialled())
    }
}

/// The texts alone.
pub(super) fn plain(
    texts: &BTreeMap<AbsPath, Explained>,
) -> impl Iterator<Item = (AbsPath, String)> + '_ {
    texts
        .iter()
        .map(|(path, file)| (path.clone(), file.text.clone()))
}
