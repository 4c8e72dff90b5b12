//! What the checks look at.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use super::super::Request;
use super::super::finding::{Evidence, Finding};
use super::super::rule::Rule;
use super::super::source::of_nginx;
use super::sockets::Sockets;
use crate::certificate::{Certificate, RevocationList, pem_blocks, read_pem_chain};
use crate::error::Problem;
use crate::facts::{Facts, FoundContent, FoundFile, Known};
use crate::host::{Host, Process};
use crate::nginx::{Config, Directive, Http, Peer, Place, Server};
use crate::plan::{BeforeManager, ClientsToday, Plan, agents_today, is_met, usual_agents_port};
use crate::probe;
use crate::values::{AbsPath, HostName, escaped, path_word};

/// No list of revoked certificates is larger.
const LARGEST_LIST: u64 = 16 << 20;
/// Of more than this, nobody looks after each.
const MOST_ANCHORS: usize = 500;

pub(in super::super) struct Ground<'a> {
    before: BeforeManager,
    pub(in super::super) facts: Facts,
    rules: &'a [Rule],
    /// By the path of the file; an error is why there are none.
    pub(super) lists: BTreeMap<String, Result<Vec<RevocationList>, String>>,
    pub(super) processes: Vec<Process>,
    pub(super) sockets: Sockets,
    /// The authorities that this system trusts; none where that could not be told.
    pub(super) trusted: Vec<Certificate>,
    /// Files among the system's anchors whose certificates it does not trust.
    pub(super) without_effect: Vec<String>,
    /// Files that the configuration names, and that are not there although nginx takes it.
    pub(super) named_in_vain: BTreeSet<String>,
    /// Logs of the nginx that runs, and that are not there.
    pub(super) logs_gone: BTreeSet<String>,
    /// When files that nginx loads were last written: seconds since 1970.
    pub(super) written: BTreeMap<String, i64>,
    /// The same of those that the agent loads.
    pub(super) written_for_agent: BTreeMap<String, i64>,
    /// Whether answers stand that have set up the agent of this host.
    pub(super) agent_set_up: bool,
    /// What the answers that stand on this host come to today.
    pub(super) standing: Option<&'a Plan>,
    /// Why they cannot be carried out, where that is so.
    pub(super) obstacle: Option<&'a Problem>,
    /// Whether they want agents without a certificate refused.
    enforced: bool,
    /// Whether connections to this host may be made.
    pub(super) connects: bool,
    /// The names that they say clients use.
    pub(super) names: &'a [HostName],
    /// Logs that were brought: they may be another host's.
    brought: BTreeSet<String>,
}

impl<'a> Ground<'a> {
    /// Reads what the checks need beside the facts.
    pub(in super::super) fn of(
        host: &dyn Host,
        facts: &Facts,
        rules: &'a [Rule],
        request: &'a Request<'a>,
        before: BeforeManager,
    ) -> Self {
        let mut facts = facts.clone();
        let further: Vec<AbsPath> = super::agent::files(&facts);
        probe::look_further(host, &mut facts, &further);
        let lists = lists(host, &facts);
        let processes = facts.live.then(|| host.processes().unwrap_or_default());
        let config = facts.config.is();
        let of_nginx = config.into_iter().flat_map(loaded);
        let settings = facts.agent_setup.file.is().map(|file| &file.path);
        let of_agent = settings.into_iter().chain(&further);
        let of_agent = of_agent.map(ToString::to_string);
        let sockets = Sockets::of(host, &before.services, facts.live);
        let trusted = trusted(host, &facts);
        Self {
            without_effect: without_effect(host, &facts, &trusted),
            named_in_vain: named_in_vain(host, &facts),
            logs_gone: logs_gone(host, &facts),
            trusted,
            sockets,
            before,
            written: written(host, of_nginx),
            written_for_agent: written(host, of_agent),
            agent_set_up: request.agent_set_up,
            lists,
            processes: processes.unwrap_or_default(),
            rules,
            standing: request.standing,
            obstacle: request.obstacle,
            enforced: request.enforced,
            connects: request.connect,
            names: request.names,
            brought: brought(request),
            facts,
        }
    }

    /// Whether all that was seen of it was seen on this host.
    pub(in super::super) fn is_of_here(&self, finding: &Finding) -> bool {
        let mut files = finding.evidence.iter().map(|seen| &seen.file);
        !files.any(|file| self.brought.contains(file))
    }

    pub(super) fn config(&self) -> Option<&Config> {
        self.facts.config.is()
    }

    /// Seconds since 1970.
    pub(in super::super) fn looked_at(&self) -> i64 {
        self.facts.looked_at
    }

    /// The configuration, and its `http` block.
    pub(super) fn http(&self) -> Option<(&Config, Http<'_>)> {
        let config = self.config()?;
        Some((config, config.http()?))
    }

    /// Whether every service that agents' calls go to is known to take connections now.
    pub(in super::super) fn services_answer(&self) -> bool {
        let services = &self.before.services;
        let answers = |peer: &Peer| match peer {
            Peer::Unix(path) => self.sockets.answer(path),
            peer => is_met(&self.facts, peer) == Some(true),
        };
        self.facts.live && !services.is_empty() && services.iter().all(answers)
    }

    /// Whether calls of agents are passed on here.
    pub(in super::super) fn has_agents(&self) -> bool {
        !self.before.of_agents.is_empty()
    }

    /// Whether agents have a server beside the one with the pages.
    pub(in super::super) fn has_server_of_agents(&self) -> bool {
        let before = &self.before;
        before.servers.len() > before.of_agents.len() && !before.of_agents.is_empty()
    }

    /// Whether answers stand by which this manager was set up.
    pub(super) fn was_set_up(&self) -> bool {
        !self.names.is_empty()
    }

    pub(super) fn before_manager(&self) -> &BeforeManager {
        &self.before
    }

    /// Whether agents without a certificate get in, although the answers that stand want them
    /// refused.
    pub(super) fn lets_in(&self) -> bool {
        self.enforced && self.today() != Some(ClientsToday::Enforced)
    }

    /// The same by the way that all of them take.
    pub(super) fn lets_all_in(&self) -> bool {
        self.lets_in() && self.today() != Some(ClientsToday::Bypassable)
    }

    fn today(&self) -> Option<ClientsToday> {
        let port = usual_agents_port(&self.facts);
        let today = agents_today(&self.facts, self.config()?, port);
        today.ok().map(|(today, _)| today)
    }

    /// What is known of this rule, with what was seen.
    pub(in super::super) fn finding(&self, id: &str, evidence: Vec<Evidence>) -> Option<Finding> {
        let rule = self.rules.iter().find(|rule| rule.id == id)?;
        let mut finding = rule.finding();
        let files = evidence.iter().filter(|seen| seen.line.is_none());
        let files: Vec<String> = files.map(|seen| path_word(&seen.file)).collect();
        if !files.is_empty() {
            for command in &mut finding.fix.commands {
                *command = command
                    .replace("FILES", &files.join(" "))
                    .replace("FILE", &files[0]);
            }
        }
        finding.count = evidence.len() as u64;
        finding.evidence = evidence;
        Some(finding)
    }

    /// The same, where anything was seen.
    pub(super) fn where_seen(&self, id: &str, evidence: Vec<Evidence>) -> Option<Finding> {
        if evidence.is_empty() {
            return None;
        }
        self.finding(id, evidence)
    }

    /// A file that a directive names.
    pub(super) fn named(&self, line: &Directive) -> Option<(AbsPath, &FoundFile)> {
        let config = self.config()?;
        let path: AbsPath = config.resolved(line.arg(0)?).parse().ok()?;
        let found = self.facts.file(&path).file()?;
        Some((path, found))
    }
}

/// Servers of this configuration that end TLS.
pub(super) fn with_tls<'h, 'a>(http: &'h Http<'a>) -> impl Iterator<Item = &'h Server<'a>> {
    let of_socket: HashSet<Place> = http
        .sockets()
        .into_iter()
        .filter(|bound| bound.ssl)
        .flat_map(|bound| bound.servers)
        .map(|server| server.directive.at)
        .collect();
    let servers = http.servers.iter();
    servers.filter(move |server| of_socket.contains(&server.directive.at))
}

/// Whether what was found are certificates, and which.
pub(super) fn certificates(found: &FoundFile) -> Option<&[Certificate]> {
    match &found.content {
        FoundContent::Certificates(chain) => Some(chain),
        _ => None,
    }
}

fn written(host: &dyn Host, paths: impl Iterator<Item = String>) -> BTreeMap<String, i64> {
    let written = paths.filter_map(|path| {
        let stat = host.stat(path.as_ref()).ok()??;
        Some((path, stat.modified))
    });
    written.collect()
}

/// Every file that nginx reads when it loads its configuration.
fn loaded(config: &Config) -> Vec<String> {
    let files = config.files.iter().map(|file| file.path.clone());
    files.chain(named_files(config)).collect()
}

/// Certificates, keys and lists that the configuration names.
fn named_files(config: &Config) -> Vec<String> {
    const NAMING: [&str; 6] = [
        "ssl_certificate",
        "ssl_certificate_key",
        "ssl_client_certificate",
        "ssl_trusted_certificate",
        "ssl_crl",
        "grpc_ssl_trusted_certificate",
    ];
    let named = config.all(&NAMING).filter_map(|line| line.arg(0));
    // A key may be in the line itself, in an engine or in a variable.
    let files = named.filter(|path| !path.contains([':', '$']));
    files.map(|path| config.resolved(path)).collect()
}

/// As evidence names them.
fn brought(request: &Request<'_>) -> BTreeSet<String> {
    let logs = request.logs.iter();
    logs.map(|path| escaped(&path.to_string_lossy())).collect()
}

fn named_in_vain(host: &dyn Host, facts: &Facts) -> BTreeSet<String> {
    let nginx = facts.nginx.is();
    let takes = nginx.is_some_and(|nginx| matches!(nginx.loads, Known::Is(Ok(()))));
    let config = facts.config.is().filter(|_| takes);
    let paths = config.into_iter().flat_map(named_files);
    let missing = paths.filter(|path| matches!(host.stat(Path::new(path)), Ok(None)));
    missing.collect()
}

/// nginx makes each of them when it is loaded: somebody has taken it away, and what is written goes
/// nowhere that anybody can read.
fn logs_gone(host: &dyn Host, facts: &Facts) -> BTreeSet<String> {
    let runs = facts.nginx.is().is_some_and(|nginx| nginx.master.is_some());
    let logs = facts.config.is().filter(|_| runs && facts.live);
    let logs = logs.into_iter().flat_map(|config| of_nginx(facts, config));
    logs.filter(|path| matches!(host.stat(Path::new(path)), Ok(None)))
        .collect()
}

fn trusted(host: &dyn Host, facts: &Facts) -> Vec<Certificate> {
    let store = facts.trust_store.is();
    let bytes = store.and_then(|store| host.read(Path::new(store.bundle), LARGEST_LIST).ok());
    let bytes = bytes.unwrap_or_default();
    let blocks = pem_blocks(&bytes).unwrap_or_default().into_iter();
    let read = blocks.filter_map(|block| Certificate::from_der(&block.contents).ok());
    read.collect()
}

/// Anchors that the command of the trust store has passed over, or has not seen.
fn without_effect(host: &dyn Host, facts: &Facts, trusted: &[Certificate]) -> Vec<String> {
    let store = facts.trust_store.is().filter(|_| !trusted.is_empty());
    let Some(store) = store else {
        return Vec::new();
    };
    let names = host.list(Path::new(store.anchors)).unwrap_or_default();
    let paths = names.iter().take(MOST_ANCHORS);
    let paths = paths.map(|name| Path::new(store.anchors).join(name));
    let missing = paths.filter(|path| {
        let bytes = host.read(path, LARGEST_LIST).unwrap_or_default();
        let own = read_pem_chain(&bytes).unwrap_or_default();
        own.iter().any(|one| !trusted.contains(one))
    });
    missing
        .map(|path| path.to_string_lossy().into_owned())
        .collect()
}

fn lists(host: &dyn Host, facts: &Facts) -> BTreeMap<String, Result<Vec<RevocationList>, String>> {
    let Some(config) = facts.config.is() else {
        return BTreeMap::new();
    };
    let lines = config.all(&["ssl_crl"]);
    let paths = lines.filter_map(|line| Some(config.resolved(line.arg(0)?)));
    let read = |path: &str| {
        let bytes = host.read(path.as_ref(), LARGEST_LIST);
        let bytes = bytes.map_err(|error| error.to_string())?;
        RevocationList::all_from_pem(&bytes).map_err(|error| error.to_string())
    };
    paths.map(|path| (path.clone(), read(&path))).collect()
}
