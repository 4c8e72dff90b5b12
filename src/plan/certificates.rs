//! Which certificates are kept and which are made, and where each goes.

use std::collections::{BTreeMap, BTreeSet};

use super::brought::Brought;
use super::client_authority::Voucher;
use super::file::{Content, FileChange, FolderChange, Piece, Status};
use super::fitness;
use super::listed::Listing;
use super::making::Making;
use super::naming::{self, issued_folder};
use super::placed::below;
use super::requested::Requested;
use super::requests::{Waiting, issuing_nothing, request_folders};
use super::revoking::Revoking;
use super::server_files::{ServerFiles, Today, root_of};
use super::step::Fetch;
use super::to_issue::{Authority, BroughtAuthority, Issuing, RequestsToWrite};
use super::to_prove::{ProofTrust, RevokedAgent};
use crate::answers::{Answers, ServerSource};
use crate::certificate::{Certificate, Recipe, pem_chain};
use crate::error::Problem;
use crate::facts::{Facts, FoundCa, Known};
use crate::method::{Method, Proxy};
use crate::values::{AbsPath, Gather as _, HostName, Mode, SubjectName};

/// What the rest of the plan needs to know about certificates.
pub(super) struct Certificates {
    pub(super) issuing: Option<Issuing>,
    /// The key of a certificate that was brought.
    pub(super) fetch: Option<Fetch>,
    /// The same of agents.
    pub(super) fetch_keys: BTreeMap<HostName, Fetch>,
    pub(super) files: Vec<FileChange>,
    pub(super) folders: Vec<FolderChange>,
    /// The server's chain and key, as nginx is to be told.
    pub(super) server: ServerFiles,
    /// A new pair: nginx may have to be told where it is.
    pub(super) new_server: bool,
    pub(super) trust: ProofTrust,
    /// What nginx verifies clients against; only where a method asks for it.
    pub(super) client_bundle: Option<AbsPath>,
    /// Who of those that their authority has signed for is an agent. None: all are.
    pub(super) listing: Option<Listing>,
    /// Where nginx reads which of them are revoked.
    pub(super) revoking: Option<Revoking>,
    /// What nginx itself shows to the manager, where there is TLS between them.
    pub(super) inner: Option<ServerFiles>,
    /// The root alone, for trust stores.
    pub(super) root: Content,
    pub(super) notes: Vec<String>,
}

impl Certificates {
    /// Those who must be refused although we have issued their certificate.
    pub(super) fn revoked_agents(&self) -> Vec<RevokedAgent> {
        let revoking = self.revoking.iter();
        revoking.flat_map(|one| one.agents.clone()).collect()
    }

    /// Where nginx reads what is revoked.
    pub(super) fn crl(&self) -> Option<&AbsPath> {
        self.revoking.as_ref().map(|one| &one.bundle)
    }
}

/// Certificates, or what has to be signed elsewhere before there can be any.
pub(super) enum Planned {
    Certificates(Box<Certificates>),
    Requests(Box<Waiting>),
}

/// Plans the certificates for a server that presents `today`.
pub(super) fn plan(facts: &Facts, answers: &Answers, today: &Today) -> Result<Planned, Problem> {
    let mut made = Making::of(facts, answers);
    let ca = authority_of(facts)?;
    let requested = made.requested(ca, Some(today))?;
    if requested.holds_up() {
        let waiting = made.wait(&requested);
        fitness::targets(facts, &waiting.files)?;
        return Ok(Planned::Requests(Box::new(waiting)));
    }
    let voucher = made.voucher(ca)?;
    let server = match &requested.server {
        Some(item) => made.requested_server(item, &voucher)?,
        None => made.server(ca, today)?,
    };
    let imports = voucher.is_brought();
    let agents = made.agents(&voucher);
    made.note_spread(&agents);
    let listing = made.listing(&voucher, &agents, &requested);
    let mut leaves = agents.clone();
    let inner = made.inner(ca, &mut leaves)?;
    let judges = answers.method == Method::ClientMtls && answers.proxy != Proxy::None;
    let revoking = if judges && !imports {
        made.revoking(ca)?
    } else {
        None
    };
    let lists = revoking.as_ref().and_then(|one| one.lists.clone());
    let own_leaves = leaves.values().filter(|_| !imports);
    let own: Vec<&Recipe> = server.recipe.iter().chain(own_leaves).collect();
    let signs = !own.is_empty() || lists.is_some();
    let verifies = answers.method == Method::ClientMtls || inner.is_some();
    let authority = match ca {
        Some(ca) if signs => {
            let recipes = own.iter();
            let names = recipes
                .flat_map(|recipe| recipe.names.iter().cloned())
                .gathered();
            Some(made.existing_authority(ca, &names)?)
        }
        None if signs || (verifies && !imports) => {
            let names = made.names_in_play(server.recipe.as_ref());
            Some(made.new_authority(&names)?)
        }
        _ => None,
    };
    let client_bundle = if verifies {
        Some(made.client_bundle(ca, &voucher)?)
    } else {
        None
    };
    let our_root = server.trust == ProofTrust::OurRoot;
    let root = match server.other_root {
        Some(other) if imports => Some(Content::Text(other.pem())),
        _ if imports && !our_root => None,
        _ => Some(public(ca, Piece::RootCertificate)),
    };
    let is_known = our_root || (imports && root.is_some());
    made.hand_over(&requested, &voucher)?;
    made.issued(&voucher, &agents, root.as_ref(), is_known);
    let requests = made.write_requests(&requested);
    made.note_awaited(&requested);
    let folders = made.folders(authority.is_some(), &voucher, &requested);
    let new_server = server.is_new;
    let issued = Issued {
        own: authority,
        clients: voucher.signer(),
        agents: leaves,
        requests,
    };
    let issuing = issued.issuing(facts).map(|issuing| Issuing {
        server: server.recipe,
        lists,
        ..issuing
    });
    Ok(Planned::Certificates(Box::new(Certificates {
        issuing,
        revoking,
        fetch: made.fetch.take(),
        fetch_keys: made.fetch_keys,
        inner,
        files: made.files,
        folders,
        server: server.files,
        new_server,
        trust: server.trust,
        client_bundle,
        listing,
        root: public(ca, Piece::RootCertificate),
        notes: made.notes,
    })))
}

/// Who signs what, and what others are asked to.
struct Issued {
    own: Option<Authority>,
    clients: Option<BroughtAuthority>,
    agents: BTreeMap<HostName, Recipe>,
    requests: Option<RequestsToWrite>,
}

impl Issued {
    fn issuing(self, facts: &Facts) -> Option<Issuing> {
        let clients = self.clients.filter(|_| !self.agents.is_empty());
        let any = self.own.is_some() || clients.is_some() || self.requests.is_some();
        any.then(|| Issuing {
            authority: self.own.unwrap_or(Authority::NotNeeded),
            clients,
            agents: self.agents,
            requests: self.requests,
            ..issuing_nothing(facts)
        })
    }
}

/// The name on the certificate that every NGINX Instance Manager 2 comes with: what replaces that
/// one has to be for it too.
const VENDORS_NAME: &str = "manager-server";

/// Certificates for agents alone.
pub(super) struct ForAgents {
    pub(super) issuing: Option<Issuing>,
    /// Keys of requests whose certificates are there.
    pub(super) fetch_keys: BTreeMap<HostName, Fetch>,
    pub(super) files: Vec<FileChange>,
    pub(super) folders: Vec<FolderChange>,
    pub(super) notes: Vec<String>,
}

/// The manager on this host, as far as it is one.
pub(super) struct OfManager {
    /// What it may be issued later: a new authority has to be allowed to.
    pub(super) server: Option<Recipe>,
}

/// The same where nothing is for this host itself.
pub(super) fn for_agents(
    facts: &Facts,
    answers: &Answers,
    manager: Option<&OfManager>,
) -> Result<ForAgents, Problem> {
    let mut made = Making::of(facts, answers);
    let ca = authority_of(facts)?;
    let requested = made.requested(ca, None)?;
    if requested.no_authority.is_some() {
        let waiting = made.wait(&requested);
        return Ok(ForAgents {
            issuing: waiting.issuing,
            fetch_keys: BTreeMap::new(),
            files: waiting.files,
            folders: waiting.folders,
            notes: waiting.notes,
        });
    }
    let voucher = made.voucher(ca)?;
    let agents = made.agents(&voucher);
    made.note_spread(&agents);
    let brought = made.brought_chain()?.map(root_of);
    let imports = voucher.is_brought();
    let signs = !imports && !agents.is_empty();
    let server = manager.and_then(|manager| manager.server.as_ref());
    // What the manager shows is not of ours, and will not be.
    let is_asked = matches!(answers.server, ServerSource::Request { .. });
    let has_other = brought.is_some() || is_asked || (manager.is_some() && server.is_none());
    let not_ours = imports && has_other;
    let authority = match ca {
        None if !not_ours => {
            let mut names = made.names_in_play(server);
            names.extend(VENDORS_NAME.parse().map(SubjectName::Dns));
            Some(made.new_authority(&names)?)
        }
        Some(ca) if signs => {
            let recipes = agents.values();
            let names = recipes.flat_map(|recipe| recipe.names.iter().cloned());
            Some(made.existing_authority(ca, &names.gathered())?)
        }
        _ => None,
    };
    let asked = made.root_of_server(&voucher.issuers);
    let root = match brought {
        _ if imports && asked.is_some() => asked.map(|root| Content::Text(root.pem())),
        Some(brought) if imports => brought.map(|root| Content::Text(root.pem())),
        _ if ca.is_none() && authority.is_none() => None,
        _ => Some(public(ca, Piece::RootCertificate)),
    };
    if imports {
        made.notes.push(
            "whom nginx lets in does not change by this: agents have to be among agents in the \
             answers of the manager, and those be applied"
                .to_owned(),
        );
    }
    let is_known = root.is_some();
    made.hand_over(&requested, &voucher)?;
    made.issued(&voucher, &agents, root.as_ref(), is_known);
    let requests = made.write_requests(&requested);
    made.note_awaited(&requested);
    let mut folders = made.folders(authority.is_some(), &voucher, &requested);
    folders.retain(|folder| folder.path != naming::certs(answers.generation()));
    let issued = Issued {
        own: authority,
        clients: voucher.signer(),
        agents,
        requests,
    };
    Ok(ForAgents {
        issuing: issued.issuing(facts),
        fetch_keys: made.fetch_keys,
        files: made.files,
        folders,
        notes: made.notes,
    })
}

/// The authority of this host, if there is one.
fn authority_of(facts: &Facts) -> Result<Option<&FoundCa>, Problem> {
    match &facts.state.ca {
        Known::Is(ca) => Ok(Some(ca)),
        Known::Absent => Ok(None),
        Known::Unclear(why) => Err(Problem::host(format!(
            "the certificate authority cannot be read: {why}; put the file back from a backup, or \
             go back and apply again, which makes a new authority"
        ))
        .remedy("nim-tls rollback")),
    }
}

impl Making<'_> {
    fn client_bundle(
        &mut self,
        ca: Option<&FoundCa>,
        voucher: &Voucher<'_>,
    ) -> Result<AbsPath, Problem> {
        let path = naming::free(self.facts, &self.certs(), "ca.pem")?;
        let content = if voucher.is_brought() {
            // The root as well: to nginx, an authority below it is nobody's.
            Content::Text(pem_chain(voucher.issuers.iter().copied()))
        } else {
            public(ca, Piece::ClientBundle)
        };
        self.place(&path, 0o644, content);
        if self
            .files
            .last()
            .is_some_and(|it| it.status == Status::Change)
        {
            let note = "agents are judged by another authority than before: a certificate of that \
                        one counts as none; role: ca with these answers issues first, and cuts \
                        nobody off";
            self.notes.push(note.to_owned());
        }
        Ok(path)
    }

    /// What a server certificate that is brought has in its file, where agents' are not of ours
    /// either.
    fn brought_chain(&self) -> Result<Option<&[Certificate]>, Problem> {
        let (ServerSource::Import(source), Some(_)) = (&self.answers.server, &self.answers.clients)
        else {
            return Ok(None);
        };
        let brought = Brought {
            facts: self.facts,
            field: "certificates.server",
            user: "nginx",
        };
        brought.certificates(&source.cert).map(Some)
    }

    fn folders(
        &self,
        new_authority: bool,
        voucher: &Voucher<'_>,
        requested: &Requested<'_>,
    ) -> Vec<FolderChange> {
        let issues = voucher.signs() || !requested.agents.is_empty();
        let state = &self.facts.state.folder;
        let mut folders = vec![FolderChange {
            path: self.certs(),
            mode: Mode(0o755),
        }];
        let mut private = |path: AbsPath| {
            folders.push(FolderChange {
                path,
                mode: Mode(0o700),
            });
        };
        private(state.clone());
        if new_authority {
            private(below(state, "ca"));
        }
        let agents = Some(&self.answers.agents).filter(|agents| issues && !agents.is_empty());
        if agents.is_some() {
            private(below(state, "issued"));
        }
        for agent in agents.into_iter().flatten() {
            private(issued_folder(self.facts, agent));
        }
        folders.extend(request_folders(state, requested));
        folders
    }

    fn names_in_play(&self, server: Option<&Recipe>) -> BTreeSet<SubjectName> {
        let mut names = self.answers.alt_names.clone();
        names.insert(SubjectName::Dns(self.answers.manager_name.clone()));
        names.extend(self.answers.agents.iter().cloned().map(SubjectName::Dns));
        names.extend(
            server
                .iter()
                .flat_map(|recipe| recipe.names.iter().cloned()),
        );
        names
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
