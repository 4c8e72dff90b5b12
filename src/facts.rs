//! One host, as found: plain data, made by `probe`, read by everything that plans. Nothing in
//! here asks a machine anything, so a plan can be made and tested without one.

mod agent_setup;
mod agents;
mod manager_setup;
mod service;
mod trust_store;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::certificate::{Certificate, RevocationList, SigningRequest};
use crate::nginx::Config;
use crate::values::{AbsPath, Digest, HostName, Mode, RunId};

pub use agent_setup::{AGENT_FILES, AgentFile, AgentSetup, Override};
pub use agents::{Agent, Call, agents};
pub use manager_setup::{MANAGER_FILE, ManagerFile, ManagerSetup};
pub use service::Service;
pub use trust_store::TrustStore;
pub use watch::{WATCH_FOLDER, WATCH_UNITS, WATCHERS, WatchUnits};

/// What was found out about one thing. No step may treat `Unclear` as `Absent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<T> {
    Is(T),
    Absent,
    /// Could not be told, because: a sentence without a final full stop.
    Unclear(String),
}

impl<T> Known<T> {
    pub fn is(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Unclear(_) => None,
        }
    }

    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::Is(value) => Known::Is(change(value)),
            Self::Absent => Known::Absent,
            Self::Unclear(why) => Known::Unclear(why),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Facts {
    /// When this was looked at: seconds since 1970.
    pub looked_at: i64,
    /// A running system, not a tree under `--root`.
    pub live: bool,
    pub root: bool,
    pub os: Known<Os>,
    /// Whether systemd manages this system's services.
    pub systemd: Known<()>,
    pub nim: Known<Product>,
    /// Of NGINX Instance Manager 1.
    pub manager_setup: ManagerSetup,
    /// The version of the NGINX Agent installed here.
    pub agent: Known<String>,
    pub agent_setup: AgentSetup,
    pub nginx: Known<Nginx>,
    /// The configuration that nginx would load now.
    pub config: Known<Config>,
    /// Where this program lies and stays, for units that start it: whoever looks tells.
    pub program: Known<AbsPath>,
    /// The units that have it look after what was set up.
    pub watch: WatchUnits,
    /// The units that matter here and what systemd says of them.
    pub services: BTreeMap<String, Known<Service>>,
    pub listeners: Known<Vec<Listener>>,
    /// Who is connected to nginx on the port of the manager now.
    pub connected: Known<Vec<Client>>,
    /// Who has called the services of agents, as far as nginx's log of our check goes back.
    /// Absent: it keeps no such log.
    pub agents: Known<Vec<Agent>>,
    /// The names that were asked for, and what they resolve to.
    pub names: BTreeMap<HostName, Known<Vec<IpAddr>>>,
    /// Who ends TLS before it comes to this host, where the manager's name leads to others.
    pub ends_tls: Option<EndsTls>,
    /// The addresses of this host itself.
    pub own_addresses: BTreeSet<IpAddr>,
    /// Names in nginx's configuration that a plan has to tell apart, in lower case: those of
    /// `listen` lines, and of peers that may be a service of agents.
    pub nginx_names: BTreeMap<String, Known<Vec<IpAddr>>>,
    /// The sockets that nginx passes requests to, as its configuration names them, and where
    /// they really are, every link and `..` resolved as far as there is something.
    pub socket_paths: BTreeMap<String, String>,
    pub trust_store: Known<TrustStore>,
    /// Why its command could not rewrite what it rewrites, in words with a remedy.
    pub trust_obstacle: Option<String>,
    /// Why nginx can be asked in no private copy of the file system, where that was tried.
    pub no_private_copy: Option<String>,
    /// `Enforcing`, `Permissive`, ...
    pub selinux: Known<String>,
    /// The active firewall front end: `firewalld`, `ufw`, ...
    pub firewall: Known<String>,
    pub fips: Known<bool>,
    pub clock_synchronised: Known<bool>,
    /// Free bytes where this program writes.
    pub space: BTreeMap<AbsPath, Known<u64>>,
    /// Every file that a plan for this host may place or refer to.
    pub files: BTreeMap<AbsPath, FileFact>,
    /// Symbolic links among the files that nginx loads, and where they lead.
    pub links: BTreeMap<AbsPath, String>,
    pub state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Os {
    /// `ID` of os-release: `debian`, `rocky`, ...
    pub id: String,
    /// `VERSION_ID`.
    pub version: String,
    /// `PRETTY_NAME`.
    pub name: String,
    pub family: Family,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Debian,
    RedHat,
    Suse,
    Alpine,
    Other,
}

/// NGINX Instance Manager, as installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    pub generation: Generation,
    /// As the package database gives it; `None` when only files were found.
    pub version: Option<String>,
    /// What this was concluded from.
    pub evidence: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Generation {
    Nim1,
    Nim2,
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nim1 => "nim1",
            Self::Nim2 => "nim2",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nginx {
    /// The executable to ask: the running master's where there is one.
    pub binary: String,
    /// The version that counts: the running master's.
    pub build: Build,
    /// The version on disk, where it is another one (a package upgrade without a restart).
    pub on_disk: Option<Build>,
    /// The main configuration file.
    pub main: String,
    /// Arguments that make a new process read what the running master reads: `-p`, `-c`, `-e`
    /// and `-g`, as far as it has them, with absolute paths.
    pub args: Vec<String>,
    pub master: Option<Master>,
    /// `nginx -T` accepts what is on disk today; else what it said.
    pub loads: Known<Result<(), String>>,
}

/// What `nginx -V` says of one executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    pub version: (u16, u16, u16),
    /// The text after `nginx-plus-`: `r33-p2`.
    pub plus: Option<String>,
    pub openssl: Option<String>,
    /// Configure arguments.
    pub options: Vec<String>,
}

impl Build {
    pub fn has(&self, option: &str) -> bool {
        self.options.iter().any(|have| {
            have.strip_prefix(option)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    }

    /// `http2 on;` exists from 1.25.1 (nginx change log); before it, `listen ... http2`.
    pub fn has_http2_directive(&self) -> bool {
        self.version >= (1, 25, 1)
    }

    /// NGINX Plus knows the `mgmt` block from R31 on, which is based on 1.25.3.
    pub fn can_report_usage(&self) -> bool {
        self.plus.is_some() && self.version >= (1, 25, 3)
    }

    /// From R33 on (1.27.2) it has to report, and verifies who takes the reports by itself.
    pub fn must_report_usage(&self) -> bool {
        self.plus.is_some() && self.version >= (1, 27, 2)
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.version;
        match &self.plus {
            Some(release) => write!(f, "NGINX Plus {release} ({major}.{minor}.{patch})"),
            None => write!(f, "nginx {major}.{minor}.{patch}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Master {
    pub pid: u32,
    /// When the oldest of the workers that serve started: seconds since 1970. Files changed
    /// after it may not be what is being served.
    pub loaded_at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    pub at: SocketAddr,
    /// Who listens: program name and process number; empty where it may not be seen.
    pub holders: Vec<(String, u32)>,
    /// One of them is the nginx master of these facts.
    pub nginx: bool,
}

/// Somebody who is connected to nginx now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub from: SocketAddr,
    /// The subject of the certificate that nginx accepted. Absent: none was shown, or none that
    /// was accepted.
    pub certificate: Known<String>,
}

/// Somebody at an address that is none of this host's, with a certificate that nginx here does not
/// show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndsTls {
    pub at: SocketAddr,
    /// The subject of its certificate.
    pub shown: String,
    /// The subject of what nginx shows at the same port; none where nobody does.
    pub here: Option<String>,
}

/// What stands at a path that matters. A symbolic link to a file is told as that file, with
/// the link as the obstacle: it can be used as it is, and not be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFact {
    Nothing {
        obstacle: Option<String>,
    },
    File(FoundFile),
    /// A folder, a link that leads to no file, a device or FIFO, in words.
    NotAFile(String),
    /// It could not be read, and why.
    Unclear(String),
}

impl FileFact {
    pub fn file(&self) -> Option<&FoundFile> {
        match self {
            Self::File(file) => Some(file),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    pub digest: Digest,
    pub mode: Mode,
    /// User and group, numeric.
    pub owner: (u32, u32),
    /// Why it could not be replaced, in words with a remedy.
    pub obstacle: Option<String>,
    /// A receipt of this program says it wrote exactly these bytes.
    pub ours: bool,
    pub content: FoundContent,
    /// A private key stands in it, be it beside certificates.
    pub holds_key: bool,
}

/// What a file says, reduced to what a plan needs. A private key never gets further than its
/// public half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundContent {
    /// Leaf first, as a server sends it.
    Certificates(Vec<Certificate>),
    Key {
        public: Option<Digest>,
        encrypted: bool,
    },
    Request(SigningRequest),
    Other,
}

/// What this program keeps about itself.
#[derive(Debug, Clone)]
pub struct State {
    pub folder: AbsPath,
    pub ca: Known<FoundCa>,
    /// By the name it was issued for.
    pub issued: BTreeMap<HostName, Known<FoundIssued>>,
    /// Whether agents without a certificate were refused when that was proven last, by a run that
    /// is in force. None: there is no such run.
    pub refused_agents: Option<bool>,
    /// A run that was cut short or is at work, in words.
    pub unfinished: Option<(RunId, String)>,
}

/// The certificate authority in `STATE/ca`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCa {
    pub root: Certificate,
    pub root_pem: String,
    pub intermediate: Certificate,
    pub intermediate_pem: String,
    /// Whether the key that signs leaves is here.
    pub key: CaKey,
    /// The same of the root's.
    pub root_key: CaKey,
    /// What the intermediate has revoked, where there is a list.
    pub revoked: Option<RevocationList>,
    /// The root's own list.
    pub root_list: Option<RevocationList>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaKey {
    Plaintext,
    Encrypted,
    /// Discarded, or gone.
    Gone,
}

impl FoundCa {
    pub fn has_revoked(&self, certificate: &Certificate) -> bool {
        let list = self.revoked.as_ref();
        list.is_some_and(|list| list.revoked.contains_key(&certificate.serial))
    }
}

/// `STATE/issued/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundIssued {
    pub chain: Vec<Certificate>,
    /// The key file is here, and holds the key of the certificate.
    pub key_matches: bool,
    /// Leaves that were issued for the name before, and are good still.
    pub former: Vec<Certificate>,
}

impl Facts {
    /// Whether this host is managed, and manages nothing.
    pub fn is_instance(&self) -> bool {
        self.nim == Known::Absent && matches!(self.agent, Known::Is(_))
    }

    pub fn file(&self, path: &AbsPath) -> &FileFact {
        const NOTHING: &FileFact = &FileFact::Nothing { obstacle: None };
        self.files.get(path).unwrap_or(NOTHING)
    }
}
