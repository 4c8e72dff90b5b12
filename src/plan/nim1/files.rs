//! The files of the nginx before the manager: which, where, and with what in them.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use super::super::certificates::Certificates;
use super::super::fitness;
use super::super::headers::Header;
use super::super::naming::literal;
use super::super::place_for;
use super::super::placed::removal;
use super::super::template::Explained;
use super::ports::{self, Listens};
use super::settings::Settings;
use super::stream_place;
use super::texts::{self, Clients, Front, Inner, Services};
use crate::answers::{Answers, Context, Nim1Answers, Publish};
use crate::error::Problem;
use crate::facts::Facts;
use crate::method::{Method, Proxy};
use crate::nginx::{Config, Http, all_below, quote};
use crate::values::{AbsPath, SubjectName};

const UPSTREAMS: &str = "nginx-manager-upstreams.conf";
const UI: &str = "nginx-manager-noauth.conf";
const GRPC: &str = "nginx-manager-grpc.conf";
const ERRORS: &str = "errors.grpc_conf";
const STUB_STATUS: &str = "stub-status.conf";
const STATUS_API: &str = "status-api.conf";

/// Where they are.
pub(super) struct Places {
    pub(super) ui: AbsPath,
    pub(super) grpc: AbsPath,
    pub(super) stream: AbsPath,
    upstreams: AbsPath,
    errors: AbsPath,
    status: AbsPath,
    /// The one of the other NGINX.
    other_status: AbsPath,
    http_headers: AbsPath,
    https_headers: AbsPath,
}

impl Places {
    /// Where this nginx reads a folder of files in its `http` block.
    pub(super) fn of(config: &Config, http: &Http<'_>, proxy: Proxy) -> Result<Self, Problem> {
        let read = |name: &str| {
            place_for::folder_of(config, http.directive, name).ok_or_else(|| {
                Problem::host(
                    "nginx reads no folder of files in its http block, so there is no place for \
                     the servers before the manager",
                )
                .remedy("add to the http block: include /etc/nginx/conf.d/*.conf;")
            })
        };
        let ui = read(UI)?;
        let beside = |name| ui.parent().join(name).expect("a literal name");
        let main = |name| {
            let path = config.resolved(name).parse();
            path.unwrap_or_else(|_| literal("/etc/nginx").join(name).expect("a literal name"))
        };
        let [status, other_status] = match proxy {
            Proxy::NginxPlus => [STATUS_API, STUB_STATUS],
            Proxy::None | Proxy::NginxOss => [STUB_STATUS, STATUS_API],
        };
        Ok(Self {
            grpc: read(GRPC)?,
            stream: stream_place::path(config),
            upstreams: read(UPSTREAMS)?,
            errors: if place_for::is_read(config, &beside(ERRORS)) {
                main(ERRORS)
            } else {
                beside(ERRORS)
            },
            status: read(status)?,
            other_status: read(other_status)?,
            http_headers: main("http_headers.conf"),
            https_headers: main("https_headers.conf"),
            ui,
        })
    }

    pub(super) fn all(&self) -> [&AbsPath; 9] {
        [
            &self.ui,
            &self.grpc,
            &self.stream,
            &self.upstreams,
            &self.errors,
            &self.status,
            &self.other_status,
            &self.http_headers,
            &self.https_headers,
        ]
    }

    /// Those that nginx reads by itself: a configuration without them is that of all others.
    pub(super) fn read_by_pattern(&self) -> [&AbsPath; 5] {
        [
            &self.ui,
            &self.grpc,
            &self.stream,
            &self.upstreams,
            &self.status,
        ]
    }

    /// With the one that we wrote for the other NGINX. Somebody else's of that name is a file like
    /// any other.
    pub(super) fn ours_by_pattern(&self, facts: &Facts) -> Vec<&AbsPath> {
        let other = Some(&self.other_status).filter(|path| removal(facts, path).is_some());
        self.read_by_pattern().into_iter().chain(other).collect()
    }
}

/// What the files say, and what is to be said of them.
pub(super) struct Files {
    pub(super) texts: BTreeMap<AbsPath, Explained>,
    /// The names of headers that every answer to a browser has then.
    pub(super) headers: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// `others`: the `http` block as it is without these files.
pub(super) struct Ground<'a> {
    pub(super) facts: &'a Facts,
    pub(super) config: &'a Config,
    pub(super) others: &'a Http<'a>,
    pub(super) answers: &'a Answers,
    pub(super) nim1: &'a Nim1Answers,
}

impl Ground<'_> {
    pub(super) fn files(
        &self,
        places: &Places,
        made: &Certificates,
        settings: &Settings,
    ) -> Result<Files, Problem> {
        let mut texts = BTreeMap::new();
        let mut notes = Vec::new();
        let in_http = self.nim1.context == Context::Http;
        let upstreams = texts::upstreams(settings.gateway, in_http.then_some(settings.grpc));
        texts.insert(places.upstreams.clone(), upstreams);

        let mut headers = Vec::new();
        let mut read = None;
        if let Some(asked) = self.answers.security_headers {
            let all = Header::all(asked, self.answers.https);
            headers = all.iter().map(|one| one.name.to_owned()).collect();
            let (http, https) = texts::headers(&all, &places.http_headers);
            texts.insert(places.http_headers.clone(), http);
            texts.insert(places.https_headers.clone(), https);
            read = Some(&places.https_headers);
            notes.extend(self.sent_from_now_on(&all, &places.https_headers));
        }
        let inner = self.inner(made);
        let ui = self.ui(made, &mut notes)?;
        texts.insert(places.ui.clone(), texts::ui(&ui, read, inner.as_ref()));
        if in_http {
            texts.insert(places.errors.clone(), texts::errors());
            texts.insert(places.grpc.clone(), self.grpc(places, made, &mut notes)?);
        } else {
            texts.insert(places.stream.clone(), self.stream(made, settings)?);
        }
        if let Some(status) = self.status(&mut notes) {
            texts.insert(places.status.clone(), status);
        }
        Ok(Files {
            texts,
            headers,
            notes,
        })
    }

    /// Of headers that browsers remember. `path`: where they stood, had they been sent before.
    fn sent_from_now_on(&self, all: &[Header], path: &AbsPath) -> Option<String> {
        let hsts = all.iter().find(|header| header.is_of_tls())?;
        let today = self.facts.config.is()?;
        let stood = today
            .all(&["add_header"])
            .any(|line| hsts.is_set_by(line) && today.file(line.at.file).path == path.as_str());
        (!stood).then(|| hsts.lasting(&self.answers.manager_name))
    }

    fn is_plus(&self) -> bool {
        self.answers.proxy == Proxy::NginxPlus
    }

    fn front<'a>(&self, name: &'a str, made: &'a Certificates, listens: Listens) -> Front<'a> {
        let mut front = Front::new(name, &made.server.chain, &made.server.key);
        front.listens = listens.lines;
        front.http2 = listens.http2;
        front.plus = self.is_plus();
        front
    }

    fn ui<'a>(
        &'a self,
        made: &'a Certificates,
        notes: &mut Vec<String>,
    ) -> Result<Front<'a>, Problem> {
        let Self { facts, config, .. } = self;
        let listens = ports::for_browsers(facts, config, self.others, self.answers.https, notes)?;
        let mut front = self.front(self.answers.manager_name.as_str(), made, listens);
        front.names = self.names();
        Ok(front)
    }

    /// TLS on the way to the manager, if there is to be some.
    fn inner<'a>(&'a self, made: &'a Certificates) -> Option<Inner<'a>> {
        let files = made.inner.as_ref()?;
        Some(Inner {
            name: &self.answers.manager_name,
            ca: made.client_bundle.as_ref()?,
            chain: &files.chain,
            key: &files.key,
        })
    }

    /// All names of the manager. Addresses are never asked for in a handshake, and are there for
    /// what the request asks for.
    fn names(&self) -> String {
        let further = self.answers.alt_names.iter().map(|name| match name {
            SubjectName::Ip(std::net::IpAddr::V6(ip)) => format!("[{ip}]"),
            name => name.to_string(),
        });
        let manager = self.answers.manager_name.to_string();
        let all: Vec<String> = std::iter::once(manager).chain(further).collect();
        let quoted = all.iter().filter_map(|name| quote(name).ok());
        quoted.collect::<Vec<_>>().join(" ")
    }

    fn grpc(
        &self,
        places: &Places,
        made: &Certificates,
        notes: &mut Vec<String>,
    ) -> Result<Explained, Problem> {
        let Self {
            facts,
            config,
            answers,
            nim1,
            ..
        } = self;
        let encrypted = is_encrypted(answers, nim1);
        if !encrypted {
            notes.insert(
                0,
                format!(
                    "NOT ENCRYPTED: options.grpc_publish is open, so on port {} everybody can read \
                     what agents and the manager say, and act as either of them; tls is for \
                     everything but a trial",
                    nim1.grpc
                ),
            );
        }
        let sockets = ports::for_agents(facts, config, self.others, nim1.grpc)?;
        let listens = Listens::of(facts, &sockets, encrypted, true);
        let mut front = self.front(nim1.agent_name.as_str(), made, listens);
        front.names = nim1.agent_name.to_string();
        let verdicts = place_for::log_file(config, "nim-tls-agents.log");
        let log = place_for::log_file(config, "nginx-manager-grpc-access.log");
        let verifies = answers.method == Method::ClientMtls;
        let bundle = made.client_bundle.as_ref().filter(|_| verifies);
        let clients = bundle.map(|ca| Clients {
            ca,
            crl: made.crl(),
            listing: made.listing.as_ref(),
            enforce: answers.enforce,
            log: &verdicts,
        });
        Ok(texts::grpc(
            &front,
            &Services {
                encrypted,
                clients,
                rejects: nim1.rejects_others,
                health: answers.method == Method::GrpcHealthChecks,
                inner: self.inner(made).as_ref(),
                log: &log,
                errors: &places.errors,
            },
        ))
    }

    /// The server for agents below HTTP.
    fn stream(&self, made: &Certificates, settings: &Settings) -> Result<Explained, Problem> {
        let Self {
            facts,
            config,
            answers,
            nim1,
            ..
        } = self;
        let passed = nim1.context == Context::PassedThrough;
        stream_place::fits(facts, config, !passed)?;
        let sockets = ports::for_agents(facts, config, self.others, nim1.grpc)?;
        let listens = Listens::in_stream(&sockets, !passed);
        let front = self.front(nim1.agent_name.as_str(), made, listens);
        let log = place_for::log_file(config, "nim-tls-agents.log");
        let verifies = answers.method == Method::ClientMtls && !passed;
        let bundle = made.client_bundle.as_ref().filter(|_| verifies);
        let clients = bundle.map(|ca| Clients {
            ca,
            crl: made.crl(),
            // Below HTTP nothing could be held against a list, and the answers were refused.
            listing: None,
            enforce: answers.enforce,
            log: &log,
        });
        let (clients, manager) = (clients.as_ref(), settings.grpc);
        Ok(texts::stream(&front, clients, passed, manager))
    }

    /// Not where another server tells it on that port already, or nginx cannot.
    fn status(&self, notes: &mut Vec<String>) -> Option<Explained> {
        let port = self.nim1.status?;
        let builds = self.facts.nginx.is();
        let option = "--with-http_stub_status_module";
        if let Some(nginx) = builds.filter(|nginx| !nginx.build.has(option)) {
            notes.push(format!(
                "{} was built without {option}, so there is no status page",
                nginx.build
            ));
            return None;
        }
        let elsewhere = "say ports: {status: PORT} for one, or options: {status_page: false}";
        let mut servers = self.others.servers.iter();
        let there = servers.find(|server| {
            let mut listens = server.listens.iter();
            listens.any(|one| (one.port..=one.last_port).contains(&port.number()) && !one.quic)
        });
        if let Some(server) = there {
            let place = self.config.shown(&server.directive.at);
            let tells = all_below(server.directive, &["stub_status", "api"]).next();
            notes.push(match tells {
                Some(_) => format!(
                    "{place}: this server tells how nginx fares on port {port} already, and stays"
                ),
                None => format!(
                    "{place}: this server listens on port {port}, so there is no status page: \
                     {elsewhere}"
                ),
            });
            return None;
        }
        let wanted = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port.number());
        if let Some(who) = fitness::taken(self.facts, wanted) {
            notes.push(format!(
                "port {port} belongs to {who}, so there is no status page: {elsewhere}"
            ));
            return None;
        }
        Some(texts::status(port, self.is_plus()))
    }
}

/// Whether agents connect with TLS.
pub(super) fn is_encrypted(answers: &Answers, nim1: &Nim1Answers) -> bool {
    answers.method != Method::GrpcHealthChecks || nim1.publish == Publish::Tls
}
