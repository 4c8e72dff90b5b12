//! Which certificates are kept and which are made, and where each goes.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{Content, FileChange, FolderChange, Piece, Status};
use super::naming::{self, Taken};
use super::step::{Authority, Issuing, KeepKey, ProofTrust};
use crate::answers::{Answers, ServerSource};
use crate::certificate::{
    Certificate, EntryName, Permitted, Purpose, Recipe, kept, spread_days, valid_for,
};
use crate::error::Problem;
use crate::facts::{CaKey, Facts, FileFact, FoundCa, FoundContent, Known};
use crate::method::Method;
use crate::values::{AbsPath, HostName, Mode, SubjectName};

/// What the rest of the plan needs to know about certificates.
pub(super) struct Certificates {
    pub(super) issuing: Option<Issuing>,
    pub(super) files: Vec<FileChange>,
    pub(super) folders: Vec<FolderChange>,
    /// The server's chain and key, as nginx is to be told.
    pub(super) server: ServerFiles,
    pub(super) trust: ProofTrust,
    /// What nginx verifies clients against; only where a method asks for it.
    pub(super) client_bundle: Option<AbsPath>,
    /// The root alone, for trust stores.
    pub(super) root: Content,
    pub(super) notes: Vec<String>,
}

/// Where a server's certificate and key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerFiles {
    pub(super) chain: AbsPath,
    pub(super) key: AbsPath,
}

/// `today`: the pair that the server uses now, where it has exactly one.
pub(super) fn plan(
    facts: &Facts,
    answers: &Answers,
    today: Option<&ServerFiles>,
) -> Result<Certificates, Problem> {
    let mut made = Making { facts, answers, files: Vec::new(), notes: Vec::new() };
    let ca = match &facts.state.ca {
        Known::Is(ca) => Some(ca),
        Known::Absent => None,
        Known::Unclear(why) => {
            return Err(Problem::host(format!("the certificate authority cannot be read: {why}")));
        }
    };
    let server = made.server(ca, today)?;
    let agents = made.agents(ca);
    let names = made.names_in_play(server.recipe.as_ref());
    let authority = made.authority(ca, &names, server.recipe.is_some() || !agents.is_empty())?;
    let client_bundle = match answers.method {
        Method::ClientMtls => Some(made.client_bundle(ca)?),
        Method::SslTermination | Method::GrpcHealthChecks => None,
    };
    made.issued(ca, &agents, &server);
    let root = public(ca, Piece::RootCertificate);
    let folders = made.folders(authority.is_some());
    let issuing = authority.map(|authority| Issuing {
        authority,
        server: server.recipe,
        agents,
        folder: below(&facts.state.folder, "ca"),
    });
    let Making { files, notes, .. } = made;
    Ok(Certificates {
        issuing,
        files,
        folders,
        server: server.files,
        trust: server.trust,
        client_bundle,
        root,
        notes,
    })
}

struct ServerChoice {
    files: ServerFiles,
    /// To be made; `None`: the pair that is there stays.
    recipe: Option<Recipe>,
    trust: ProofTrust,
}

struct Making<'a> {
    facts: &'a Facts,
    answers: &'a Answers,
    files: Vec<FileChange>,
    notes: Vec<String>,
}

impl Making<'_> {
    fn server(
        &mut self,
        ca: Option<&FoundCa>,
        today: Option<&ServerFiles>,
    ) -> Result<ServerChoice, Problem> {
        let found = today.map(|files| (files, pair(self.facts, files)));
        let usable = match &found {
            Some((_, Ok(chain))) => self.usable(ca, chain),
            Some((files, Err(why))) => Err(format!("{}: {why}", files.chain)),
            None => Err("this server has no single certificate today".to_owned()),
        };
        match (self.answers.server, usable, &found) {
            (ServerSource::Auto | ServerSource::Keep, Ok(trust), Some((files, _))) => {
                Ok(ServerChoice { files: (*files).clone(), recipe: None, trust })
            }
            (ServerSource::Keep, Err(why), _) => Err(Problem::host(format!(
                "certificates.server.source is keep, but the certificate cannot stay: {why}"
            ))
            .remedy("say certificates: {server: {source: auto}}")),
            (_, usable, found) => {
                let replaced = found.as_ref().and_then(|(_, chain)| chain.as_ref().ok());
                if let Err(why) = usable {
                    self.notes.push(format!("a new server certificate is made, because {why}"));
                }
                self.new_server(replaced.and_then(|chain| chain.first()))
            }
        }
    }

    /// Whether a chain that is there can stay, and whose trust it rests on.
    fn usable(&self, ca: Option<&FoundCa>, chain: &[Certificate]) -> Result<ProofTrust, String> {
        let Some(leaf) = chain.first() else { return Err("the file is empty".to_owned()) };
        if let Some(ca) = ca.filter(|ca| leaf.issuer == ca.intermediate.subject) {
            let issuers = [&ca.intermediate, &ca.root];
            let recipe = self.server_recipe(Some(leaf)).map_err(|problem| problem.what)?;
            return kept(&recipe, &issuers, leaf, None, self.facts.looked_at)
                .map(|()| ProofTrust::OurRoot)
                .map_err(|why| why.to_string());
        }
        let name = SubjectName::Dns(self.answers.manager_name.clone());
        if !valid_for(leaf, &name) {
            return Err(format!("the one that is there ({}) is not for {name}", leaf.subject));
        }
        if !leaf.validity.contains(self.facts.looked_at) {
            return Err("the one that is there is not valid today".to_owned());
        }
        if !leaf.serves(Purpose::Server) {
            return Err("the one that is there is not made for servers".to_owned());
        }
        if leaf.is_self_issued() {
            return Err("the one that is there is signed by itself".to_owned());
        }
        let broken = chain.windows(2).any(|pair| !pair[0].names_as_issuer(&pair[1]));
        if broken {
            return Err("its chain is not in order".to_owned());
        }
        Ok(ProofTrust::Kept)
    }

    fn new_server(&mut self, replaced: Option<&Certificate>) -> Result<ServerChoice, Problem> {
        let folder = naming::certs();
        let chain = naming::free(self.facts, &folder, "server.crt")?;
        let key = naming::free(self.facts, &folder, "server.key")?;
        let recipe = self.server_recipe(replaced)?;
        if let Some(replaced) = replaced {
            let names: Vec<String> = recipe.names.iter().map(ToString::to_string).collect();
            self.notes.push(format!(
                "the new server certificate is for {}; the one it replaces ({}) was for {}",
                names.join(", "),
                replaced.subject,
                replaced.names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            ));
        }
        self.place(&chain, 0o644, Content::Issued(Piece::ServerChain));
        self.place(&key, 0o600, Content::Issued(Piece::ServerKey));
        let files = ServerFiles { chain, key };
        Ok(ServerChoice { files, recipe: Some(recipe), trust: ProofTrust::OurRoot })
    }

    /// The names asked for, and every name of the certificate that is replaced: usage reporting
    /// and agents may have pinned one of those.
    fn server_recipe(&self, replaced: Option<&Certificate>) -> Result<Recipe, Problem> {
        let mut names: BTreeSet<SubjectName> = self.answers.alt_names.clone();
        for entry in replaced.iter().flat_map(|certificate| &certificate.names) {
            if let EntryName::Exact(name) = entry {
                names.insert(name.clone());
            }
        }
        let manager = SubjectName::Dns(self.answers.manager_name.clone());
        names.remove(&manager);
        let mut ordered = vec![manager];
        ordered.extend(names);
        let shown = common_name(&self.answers.manager_name, "nim-tls server");
        self.recipe(Purpose::Server, &shown, ordered, self.answers.days.server)
    }

    /// The agents that need a certificate.
    fn agents(&mut self, ca: Option<&FoundCa>) -> BTreeMap<HostName, Recipe> {
        let mut missing = BTreeMap::new();
        for agent in &self.answers.agents {
            let days = spread_days(self.answers.days.agent, agent.as_str());
            let names = vec![SubjectName::Dns(agent.clone())];
            // `Answers::check` has refused every agent that cannot be a common name.
            let Ok(recipe) = self.recipe(Purpose::Agent, agent.as_str(), names, days) else {
                continue;
            };
            let found = self.facts.state.issued.get(agent).and_then(Known::is);
            let stays = ca.zip(found).is_some_and(|(ca, found)| {
                let issuers = [&ca.intermediate, &ca.root];
                found.key_matches
                    && found.chain.first().is_some_and(|leaf| {
                        kept(&recipe, &issuers, leaf, None, self.facts.looked_at).is_ok()
                    })
            });
            if !stays {
                missing.insert(agent.clone(), recipe);
            }
        }
        missing
    }

    fn authority(
        &mut self,
        ca: Option<&FoundCa>,
        names: &BTreeSet<SubjectName>,
        signs: bool,
    ) -> Result<Option<Authority>, Problem> {
        let Some(ca) = ca else { return self.new_authority(names).map(Some) };
        if !signs {
            return Ok(None);
        }
        let outside = ca
            .root
            .constraints
            .as_ref()
            .and_then(|constraints| names.iter().find(|name| !constraints.allows(name)));
        if let Some(name) = outside {
            return Err(Problem::host(format!(
                "{name} lies outside the names that the authority in {} may vouch for",
                self.facts.state.folder
            ))
            .remedy("nim-tls rollback, then apply again with all names: a new authority is made"));
        }
        let now = self.facts.looked_at;
        if !ca.intermediate.validity.contains(now) || !ca.root.validity.contains(now) {
            return Err(Problem::host("the certificate authority of this host has expired")
                .remedy("nim-tls rollback, then apply again: a new authority is made"));
        }
        match ca.key {
            CaKey::Plaintext => Ok(Some(Authority::Existing { encrypted: false })),
            CaKey::Encrypted => Ok(Some(Authority::Existing { encrypted: true })),
            CaKey::Gone => Err(Problem::host(
                "a certificate has to be issued, and the key of the authority was discarded",
            )
            .remedy("nim-tls rollback, then apply again: a new authority is made")),
        }
    }

    fn new_authority(&mut self, names: &BTreeSet<SubjectName>) -> Result<Authority, Problem> {
        let Some(key) = self.answers.ca_key else {
            return Err(Problem::usage(
                "certificates.ca_key.keep is missing: say what becomes of the key of the new \
                 authority",
            )
            .remedy("keep: encrypted (asks for a passphrase), plaintext, or discard"));
        };
        let days = self.answers.days;
        let name = &self.answers.manager_name;
        let mut root = self.ca_recipe(Purpose::Root, "root", name, days.root)?;
        root.permitted = Some(Permitted::for_names(names));
        let intermediate = self.ca_recipe(
            Purpose::Intermediate,
            "intermediate",
            name,
            days.intermediate.min(days.root),
        )?;
        let folder = below(&self.facts.state.folder, "ca");
        self.place(
            &below(&folder, "root.crt"),
            0o644,
            Content::Issued(Piece::RootCertificate),
        );
        self.place(
            &below(&folder, "intermediate.crt"),
            0o644,
            Content::Issued(Piece::IntermediateCertificate),
        );
        if key == KeepKey::Discard {
            self.notes.push(
                "the key of the authority is discarded: nothing can be issued, renewed or \
                 revoked later"
                    .to_owned(),
            );
        } else {
            self.place(&below(&folder, "root.key"), 0o600, Content::Issued(Piece::RootKey));
            self.place(
                &below(&folder, "intermediate.key"),
                0o600,
                Content::Issued(Piece::IntermediateKey),
            );
        }
        Ok(Authority::New { root, intermediate, key })
    }

    fn client_bundle(&mut self, ca: Option<&FoundCa>) -> Result<AbsPath, Problem> {
        let path = naming::free(self.facts, &naming::certs(), "ca.pem")?;
        self.place(&path, 0o644, public(ca, Piece::ClientBundle));
        Ok(path)
    }

    /// What each agent is handed.
    fn issued(
        &mut self,
        ca: Option<&FoundCa>,
        new: &BTreeMap<HostName, Recipe>,
        server: &ServerChoice,
    ) {
        for agent in &self.answers.agents {
            let folder = issued_folder(self.facts, agent);
            if new.contains_key(agent) {
                let chain = Content::Issued(Piece::AgentChain(agent.clone()));
                self.place(&below(&folder, "agent.crt"), 0o644, chain);
                let key = Content::Issued(Piece::AgentKey(agent.clone()));
                self.place(&below(&folder, "agent.key"), 0o600, key);
            }
            self.place(&below(&folder, "ca.pem"), 0o644, public(ca, Piece::RootCertificate));
            let text = super::template::agent_conf(
                &self.answers.manager_name,
                self.answers.https,
                server.trust == ProofTrust::OurRoot,
            );
            self.place(&below(&folder, "nginx-agent.conf"), 0o644, Content::Text(text));
        }
    }

    fn folders(&self, new_authority: bool) -> Vec<FolderChange> {
        let state = &self.facts.state.folder;
        let mut folders = vec![FolderChange { path: naming::certs(), mode: Mode(0o755) }];
        let mut private = |path: AbsPath| folders.push(FolderChange { path, mode: Mode(0o700) });
        private(state.clone());
        if new_authority {
            private(below(state, "ca"));
        }
        if !self.answers.agents.is_empty() {
            private(below(state, "issued"));
        }
        for agent in &self.answers.agents {
            private(issued_folder(self.facts, agent));
        }
        folders
    }

    fn names_in_play(&self, server: Option<&Recipe>) -> BTreeSet<SubjectName> {
        let mut names = self.answers.alt_names.clone();
        names.insert(SubjectName::Dns(self.answers.manager_name.clone()));
        names.extend(self.answers.agents.iter().cloned().map(SubjectName::Dns));
        names.extend(server.iter().flat_map(|recipe| recipe.names.iter().cloned()));
        names
    }

    fn ca_recipe(
        &self,
        purpose: Purpose,
        word: &str,
        name: &HostName,
        days: u32,
    ) -> Result<Recipe, Problem> {
        let plain = format!("nim-tls {word} CA");
        let full = format!("{plain} {name}");
        let shown = if full.chars().count() <= 64 { full } else { plain };
        self.recipe(purpose, &shown, Vec::new(), days)
    }

    fn recipe(
        &self,
        purpose: Purpose,
        common_name: &str,
        names: Vec<SubjectName>,
        days: u32,
    ) -> Result<Recipe, Problem> {
        let subject = self.answers.subject.named(common_name).map_err(|error| {
            Problem::usage(format!("certificates.subject.{}: {}", error.field, error.reason))
        })?;
        Ok(Recipe { purpose, subject, names, key: self.answers.key, days, permitted: None })
    }

    fn place(&mut self, path: &AbsPath, mode: u32, content: Content) {
        self.files.push(change(self.facts, path, mode, content));
    }
}

/// One file of a plan: new, changed or unchanged, by what the facts say is there.
pub(super) fn change(facts: &Facts, path: &AbsPath, mode: u32, content: Content) -> FileChange {
    let found = facts.file(path).file();
    let same = found.is_some_and(|found| match &content {
        Content::Text(text) => {
            crate::values::Digest::of(text.as_bytes()) == found.digest && found.mode == Mode(mode)
        }
        Content::Issued(_) => false,
    });
    let status = match (found, same) {
        (None, _) => Status::Create,
        (Some(_), true) => Status::Unchanged,
        (Some(_), false) => Status::Change,
    };
    FileChange {
        path: path.clone(),
        status,
        mode: Mode(mode),
        owner: (0, 0),
        content,
        before: found.map(|found| found.digest.clone()),
        text_before: None,
        reasons: Vec::new(),
    }
}

/// A public piece: its text where the authority is there already, a name for it otherwise.
fn public(ca: Option<&FoundCa>, piece: Piece) -> Content {
    match (ca, &piece) {
        (Some(ca), Piece::RootCertificate) => Content::Text(ca.root.pem()),
        (Some(ca), Piece::ClientBundle) => {
            Content::Text(format!("{}{}", ca.intermediate.pem(), ca.root.pem()))
        }
        _ => Content::Issued(piece),
    }
}

/// The chain in use, if its key is the right one.
fn pair(facts: &Facts, files: &ServerFiles) -> Result<Vec<Certificate>, String> {
    let chain = match facts.file(&files.chain) {
        FileFact::File(file) => match &file.content {
            FoundContent::Certificates(chain) => chain,
            _ => return Err("it holds no certificate".to_owned()),
        },
        FileFact::Unclear(why) => return Err(why.clone()),
        FileFact::NotAFile(what) => return Err(format!("it is {what}")),
        FileFact::Nothing { .. } => return Err("it is not there".to_owned()),
    };
    let key = facts.file(&files.key).file().map(|file| &file.content);
    let public = chain.first().map(|leaf| &leaf.public_key);
    match key {
        Some(FoundContent::Key { encrypted: true, .. }) => Err("its key is encrypted".to_owned()),
        Some(FoundContent::Key { public: Some(key), .. }) if Some(key) == public => {
            Ok(chain.clone())
        }
        _ => Err(format!("{} does not hold its key", files.key)),
    }
}

fn issued_folder(facts: &Facts, agent: &HostName) -> AbsPath {
    below(&below(&facts.state.folder, "issued"), agent.as_str())
}

/// `folder/name`, for names that are literals or host names: those are always good paths.
pub(super) fn below(folder: &AbsPath, name: &str) -> AbsPath {
    folder.join(name).expect("a literal or a host name is a path component")
}

/// X.520 allows 64 characters for a common name; what counts is the SAN anyway.
fn common_name(name: &HostName, otherwise: &str) -> String {
    if name.as_str().len() <= 64 { name.to_string() } else { otherwise.to_owned() }
}

impl From<Taken> for Problem {
    fn from(taken: Taken) -> Self {
        Problem::host(taken.to_string()).remedy(format!("move {} away", taken.last))
    }
}
