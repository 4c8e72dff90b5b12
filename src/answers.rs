//! What the operator wants. A [`Draft`] is what was written or typed so far, field by field;
//! [`Answers`] are complete and valid by construction. Rules that concern more than one field
//! live in `rules` and nowhere else; a field's name is its path in the answers file.

mod dedicated;
mod draft;
mod entered;
mod headers;
mod imported;
mod instance;
mod nim1;
mod read;
mod requests;
mod roles;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::certificate::KeyKind;
use crate::facts::{Facts, Generation};
use crate::method::{Method, Proxy};
use crate::values::{AbsPath, Gather as _, HostName, Port, SubjectName};

pub use dedicated::Dedicated;
pub use draft::{AgentAuth, Draft, Enforce, KeepKey, Role, SubjectDraft};

use draft::ServerDraft;
pub use entered::Entered;
pub use headers::SecurityHeaders;
use headers::security_headers;
pub use instance::{CertificateFiles, InstanceAnswers, UsageReporting};
pub use nim1::{Context, Nim1Answers, Publish};
pub use read::{LIMIT, Unreadable, read};
pub use requests::{RequestFiles, RequestedClients, Requests};
pub use rules::Refusal;

/// What a plan is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    Manager(Answers),
    Instance(InstanceAnswers),
    /// Role `ca`: the same answers as a manager's, of which those about certificates count.
    Authority(Answers),
    /// nginx's error log tells of refused clients, for a while. No answers say so.
    LogLevel,
}

impl Goal {
    /// Complete and valid answers, or every reason why not.
    pub fn check(draft: &Draft) -> Result<Self, Vec<Refusal>> {
        match draft.role {
            Some(Role::Instance) => InstanceAnswers::check(draft).map(Self::Instance),
            Some(Role::Ca) => Answers::check(draft).map(Self::Authority),
            _ => Answers::check(draft).map(Self::Manager),
        }
    }

    /// Whether it names a file that was not looked at for these facts.
    pub fn is_unseen(&self, facts: &Facts) -> bool {
        let unseen = |files: Vec<AbsPath>| {
            let mut files = files.into_iter();
            files.any(|path| !facts.files.contains_key(&path))
        };
        match self {
            Self::Manager(answers) | Self::Authority(answers) => {
                unseen(answers.files(&facts.state.folder))
            }
            Self::Instance(answers) => unseen(answers.files()),
            Self::LogLevel => false,
        }
    }

    /// What a manager is to be, where this is one.
    pub fn manager(&self) -> Option<&Answers> {
        match self {
            Self::Manager(answers) => Some(answers),
            Self::Instance(_) | Self::Authority(_) | Self::LogLevel => None,
        }
    }

    /// The file with the passphrase of the authority's key.
    pub fn passphrase_file(&self) -> Option<&AbsPath> {
        match self {
            Self::Manager(answers) | Self::Authority(answers) => answers.passphrase_file.as_ref(),
            Self::Instance(_) | Self::LogLevel => None,
        }
    }
}

/// A choice that can be planned: role manager.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "options of a file")]
pub struct Answers {
    pub proxy: Proxy,
    pub method: Method,
    pub manager_name: HostName,
    /// Further names and addresses of the manager, without `manager_name`.
    pub alt_names: BTreeSet<SubjectName>,
    pub https: Port,
    pub agents: BTreeSet<HostName>,
    pub key: KeyKind,
    pub days: Days,
    pub subject: SubjectDraft,
    /// Needed only where an authority is generated.
    pub ca_key: Option<KeepKey>,
    pub passphrase_file: Option<AbsPath>,
    pub server: ServerSource,
    /// Who vouches for agents, where that is an authority from elsewhere.
    pub clients: Option<ClientSource>,
    /// Counts for client mTLS only.
    pub enforce: Enforce,
    /// Headers that tell browsers to be careful; none where they were not wanted.
    pub security_headers: Option<SecurityHeaders>,
    /// Browsers that come without TLS are sent on.
    pub redirect_http: bool,
    pub trust_store: bool,
    pub enable_services: bool,
    /// systemd looks after what was set up.
    pub watch: bool,
    /// What only NGINX Instance Manager 1 asks for; none for 2.
    pub nim1: Option<Nim1Answers>,
    /// A server of its own for agents of NGINX Instance Manager 2.
    pub dedicated: Option<Dedicated>,
    /// What a command asks for besides.
    pub orders: Orders,
    /// Lists of revoked certificates from the first day on, empty as they are.
    pub crl: bool,
    /// Fields that were left open, and what was taken.
    pub defaults: BTreeMap<String, String>,
}

/// No answers of a file: each belongs to a command of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orders {
    /// Certificates of ours that end within so many days are made anew; `None`: those that are two
    /// thirds through their life.
    pub renew_within: Option<u32>,
    /// Agents whose certificates are revoked.
    pub revoke: BTreeSet<HostName>,
    /// A revoked certificate is followed by a new one.
    pub issue_anew: bool,
}

/// Lifetimes. A default that outlives its issuer is shortened; an explicit one was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    pub root: u32,
    pub intermediate: u32,
    pub server: u32,
    pub agent: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerSource {
    /// Keep what is valid for the manager's name, else generate.
    Auto,
    Generate,
    Keep,
    /// Brought from elsewhere.
    Import(CertificateFiles),
    /// Signed elsewhere, for a request that is written here.
    Request {
        /// Where it is brought. None: `requests/server.crt` in the folder of this program.
        cert: Option<AbsPath>,
    },
}

/// How an authority from elsewhere comes to sign for agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientSource {
    Import(ImportedCa),
    Request(RequestedClients),
}

/// An authority that was there before, and may have signed for others than agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedCa {
    /// The one that issues, and after it what is above it, up to the root.
    pub cert: AbsPath,
    /// Without it agents bring their own certificates.
    pub key: Option<AbsPath>,
}

impl Answers {
    /// Complete and valid answers, or every reason why not.
    pub fn check(draft: &Draft) -> Result<Self, Vec<Refusal>> {
        let refusals = rules::refusals(draft);
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let (Some(manager_name), Some(method), Some(proxy)) =
            (draft.manager_name.clone(), draft.method, draft.proxy)
        else {
            return Err(refusals); // `required` has refused this already
        };
        let mut defaults = BTreeMap::new();
        let certificates = &draft.certificates;
        let days = &certificates.days;
        let mut alt_names: BTreeSet<_> = draft.alt_names.iter().cloned().gathered();
        alt_names.remove(&SubjectName::Dns(manager_name.clone()));
        let nim1 = Nim1Answers::of(draft, &manager_name, &mut defaults);
        if let Some(nim1) = &nim1
            && nim1.agent_name != manager_name
        {
            // The certificate is for both.
            alt_names.insert(SubjectName::Dns(nim1.agent_name.clone()));
        }
        let dedicated = Dedicated::of(draft, &mut defaults);
        alt_names.extend(
            dedicated
                .iter()
                .map(|own| SubjectName::Dns(own.name.clone())),
        );
        Ok(Self {
            proxy,
            method,
            alt_names,
            manager_name,
            https: or(&mut defaults, "ports.https", draft.ports.https, Port::HTTPS),
            agents: draft.agents.iter().cloned().gathered(),
            key: or(
                &mut defaults,
                "certificates.key",
                certificates.key,
                KeyKind::EcdsaP256,
            ),
            days: Days {
                root: or(&mut defaults, "certificates.days.root", days.root, 3650),
                intermediate: or(
                    &mut defaults,
                    "certificates.days.intermediate",
                    days.intermediate,
                    1825,
                ),
                server: or(&mut defaults, "certificates.days.server", days.server, 365),
                agent: or(&mut defaults, "certificates.days.agent", days.agent, 365),
            },
            subject: certificates.subject.clone(),
            ca_key: certificates.ca_key.keep,
            passphrase_file: certificates.ca_key.passphrase_file.clone(),
            server: server_source(&mut defaults, &certificates.server),
            clients: certificates.clients.elsewhere(),
            enforce: match method {
                Method::ClientMtls => or(
                    &mut defaults,
                    "options.enforce",
                    draft.options.enforce,
                    Enforce::Require,
                ),
                Method::SslTermination | Method::GrpcHealthChecks => Enforce::Require,
            },
            security_headers: security_headers(&mut defaults, &draft.options),
            redirect_http: or(
                &mut defaults,
                "options.redirect_http",
                draft.options.redirect_http,
                false,
            ),
            trust_store: or(
                &mut defaults,
                "options.trust_store",
                draft.options.trust_store,
                true,
            ),
            enable_services: draft.options.enable_services == Some(true),
            watch: draft.options.watch == Some(true),
            nim1,
            dedicated,
            orders: Orders::default(),
            crl: draft.options.crl == Some(true),
            defaults,
        }
        .without_nginx()
        .without_lifetimes())
    }

    /// Of what others sign, nobody here decides how long it lives.
    fn without_lifetimes(mut self) -> Self {
        let server = matches!(self.server, ServerSource::Request { .. });
        let agents = matches!(self.clients, Some(ClientSource::Request(_)));
        for (field, is_signed_elsewhere) in [
            ("server", server),
            ("agent", agents),
            ("root", server && agents),
            ("intermediate", server && agents),
        ] {
            if is_signed_elsewhere {
                self.defaults.remove(&format!("certificates.days.{field}"));
            }
        }
        self
    }

    /// A manager without an nginx before it sends nobody on, and adds no headers.
    fn without_nginx(mut self) -> Self {
        if self.proxy == Proxy::None {
            self.security_headers = None;
            self.redirect_http = false;
            let of_nginx = [
                "ports.https",
                "options.security_headers",
                "options.hsts_max_age",
            ];
            for field in of_nginx.into_iter().chain(["options.redirect_http"]) {
                self.defaults.remove(field);
            }
        }
        self
    }
}

impl Answers {
    pub fn generation(&self) -> Generation {
        match self.nim1 {
            Some(_) => Generation::Nim1,
            None => Generation::Nim2,
        }
    }

    /// Files that a plan for these answers refers to; `state` is the folder of this program.
    pub fn files(&self, state: &AbsPath) -> Vec<AbsPath> {
        let mut files = match &self.server {
            ServerSource::Import(pair) => vec![pair.cert.clone(), pair.key.clone()],
            _ => Vec::new(),
        };
        if let Some(ClientSource::Import(ImportedCa { cert, key })) = &self.clients {
            files.push(cert.clone());
            files.extend(key.clone());
        }
        files.extend(self.requests(state).files().cloned());
        files
    }

    /// Where agents connect.
    pub fn agents_port(&self) -> Port {
        match (&self.nim1, &self.dedicated) {
            (Some(nim1), _) => nim1.grpc,
            (None, Some(own)) => own.port,
            (None, None) => self.https,
        }
    }

    /// The name that agents use.
    pub fn agents_name(&self) -> &HostName {
        match (&self.nim1, &self.dedicated) {
            (Some(nim1), _) => &nim1.agent_name,
            (None, Some(own)) => &own.name,
            (None, None) => &self.manager_name,
        }
    }
}

fn or<T: ToString>(
    defaults: &mut BTreeMap<String, String>,
    field: &str,
    given: Option<T>,
    default: T,
) -> T {
    given.unwrap_or_else(|| {
        defaults.insert(field.to_owned(), default.to_string());
        default
    })
}

fn server_source(defaults: &mut BTreeMap<String, String>, given: &ServerDraft) -> ServerSource {
    let pair = given.cert.clone().zip(given.key.clone());
    match (given.source.as_deref(), pair) {
        (Some("generate"), _) => ServerSource::Generate,
        (Some("keep"), _) => ServerSource::Keep,
        (Some("import"), Some((cert, key))) => ServerSource::Import(CertificateFiles { cert, key }),
        (Some("csr"), _) => ServerSource::Request {
            cert: given.cert.clone(),
        },
        (source, _) => {
            if source.is_none() {
                defaults.insert("certificates.server.source".to_owned(), "auto".to_owned());
            }
            ServerSource::Auto
        }
    }
}
