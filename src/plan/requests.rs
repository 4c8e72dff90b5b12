//! Requests that are written for an authority elsewhere, and what is said about them.

use std::collections::BTreeMap;

use super::client_authority::Voucher;
use super::file::{Content, FileChange, FolderChange, Piece};
use super::listed::Listed;
use super::making::Making;
use super::naming::issued_folder;
use super::placed::{below, removal};
use super::requested::{Item, Requested, Standing};
use super::server_certificate::ServerChoice;
use super::server_files::{ServerFiles, root_of};
use super::step::{AWAITED, Fetch, Plan, SCHEMA};
use super::steps::{issue, place};
use super::to_issue::{Authority, Issuing, RequestsToWrite};
use super::to_prove::ProofTrust;
use crate::certificate::{Certificate, Recipe, Validity, pem_chain, valid_for};
use crate::error::Problem;
use crate::facts::{Facts, Known};
use crate::values::{AbsPath, HostName, Mode};

/// How many agents a note names.
const SHOWN: usize = 5;
/// Less than so many days are left of what was brought: that is said.
const SOON: i64 = 30;

/// A plan of requests alone: until certificates are there, nothing else can be done.
pub(super) struct Waiting {
    pub(super) issuing: Option<Issuing>,
    pub(super) files: Vec<FileChange>,
    pub(super) folders: Vec<FolderChange>,
    pub(super) notes: Vec<String>,
}

impl Waiting {
    pub(super) fn plan(self, defaults: &BTreeMap<String, String>) -> Plan {
        let mut steps = Vec::new();
        steps.extend(self.issuing.map(issue));
        if self.files.iter().any(FileChange::changes) {
            steps.push(place());
        }
        let mut defaults = defaults.clone();
        defaults.retain(|field, _| field == "certificates.key");
        Plan {
            schema: SCHEMA,
            steps,
            files: self.files,
            folders: self.folders,
            notes: self.notes,
            defaults,
        }
    }
}

impl Making<'_> {
    /// Where certificates are missing: their requests, and nothing else.
    pub(super) fn wait(mut self, requested: &Requested<'_>) -> Waiting {
        let requests = self.write_requests(requested);
        self.note_awaited(requested);
        let state = &self.facts.state.folder;
        let mut folders = vec![private(state.clone())];
        folders.extend(request_folders(state, requested));
        Waiting {
            issuing: requests.map(|requests| Issuing {
                requests: Some(requests),
                ..issuing_nothing(self.facts)
            }),
            files: self.files,
            folders,
            notes: self.notes,
        }
    }

    /// New ones, each with its key.
    pub(super) fn write_requests(&mut self, requested: &Requested<'_>) -> Option<RequestsToWrite> {
        let mut write = RequestsToWrite::default();
        if let Some((item, recipe)) = requested.server.as_ref().and_then(asks) {
            self.request(item, Piece::ServerRequest, Piece::ServerRequestKey);
            write.server = Some(recipe);
        }
        for (agent, item) in &requested.agents {
            if let Some((item, recipe)) = asks(item) {
                let name = || agent.clone();
                self.request(
                    item,
                    Piece::AgentRequest(name()),
                    Piece::AgentRequestKey(name()),
                );
                write.agents.insert(name(), recipe);
            }
        }
        (!write.is_empty()).then_some(write)
    }

    fn request(&mut self, item: &Item<'_>, request: Piece, key: Piece) {
        self.place(&item.files.key, 0o600, Content::Issued(key));
        self.place(&item.files.request, 0o644, Content::Issued(request));
    }

    /// What is to be done by somebody else, and where.
    pub(super) fn note_awaited(&mut self, requested: &Requested<'_>) {
        if let Some(item) = requested.server.as_ref().filter(|item| item.is_awaited) {
            self.notes.push(format!(
                "{AWAITED}the certificate of the server{}: have {} signed, for TLS servers and for \
                 {}; put what comes back, and its issuers after it, in {}",
                meanwhile(item),
                item.files.request,
                item.names
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", "),
                item.files.certificate
            ));
        }
        let mut agents = requested.agents.iter();
        if let Some((_, first)) = agents.find(|(_, item)| item.is_awaited) {
            let awaited = requested.agents.iter().filter(|(_, item)| item.is_awaited);
            let names: Vec<&str> = awaited.map(|(name, _)| name.as_str()).collect();
            let more = match names.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let (asked, back) = (
                first.files.request.parent(),
                first.files.certificate.parent(),
            );
            self.notes.push(format!(
                "{AWAITED}certificates of {}{more}: have each {asked}/NAME.csr signed, for TLS \
                 clients; put what comes back in {back}/NAME.crt",
                names[..names.len().min(SHOWN)].join(", "),
            ));
        }
        if let Some(path) = &requested.no_authority {
            self.notes.push(format!(
                "{AWAITED}the authority that signs for agents: put its certificate, and after it \
                 what is above it, up to the root, in {path}"
            ));
        }
        if requested.holds_up() {
            let agents = requested.agents.values();
            let rest = if agents.filter(|item| item.chain().is_none()).count() > 0 {
                "; to go on without an agent, take it out of agents"
            } else {
                ""
            };
            self.notes.push(format!(
                "{AWAITED}all of it, before anything else changes; once it is there, apply the \
                 same answers again{rest}"
            ));
        }
    }

    /// The certificate of the server that was signed elsewhere: brought, or in its place.
    pub(super) fn requested_server(
        &mut self,
        item: &Item<'_>,
        voucher: &Voucher<'_>,
    ) -> Result<ServerChoice, Problem> {
        let placed = self.placed_pair()?;
        let ServerFiles { chain, key } = match item.standing {
            Standing::Back(found) => {
                let found = self.completed(found, &voucher.issuers);
                self.note_on_chain(item, &found, voucher);
                self.place_chain(&placed, &found);
                self.place_key(placed, &item.files.key)?
            }
            Standing::Again(found) => {
                let found = self.completed(found, &voucher.issuers);
                self.note_on_chain(item, &found, voucher);
                self.place_chain(&placed, &found);
                placed
            }
            Standing::There(_) => placed,
            Standing::Missing => {
                let what = format!("{} is not there", item.files.certificate);
                return Err(Problem::host(what));
            }
        };
        self.no_longer_needed(item);
        let chain_found = item.chain().unwrap_or_default();
        let above = || self.root_above(chain_found, &item.files, &voucher.issuers);
        let other_root = root_of(chain_found).or_else(above);
        Ok(ServerChoice {
            files: ServerFiles { chain, key },
            recipe: None,
            is_new: true,
            trust: ProofTrust::Kept,
            other_root,
        })
    }

    /// What was signed for agents goes where it is handed out from.
    pub(super) fn hand_over(
        &mut self,
        requested: &Requested<'_>,
        voucher: &Voucher<'_>,
    ) -> Result<(), Problem> {
        let brought = self.of_clients();
        let between = voucher.issuers.iter().copied();
        let between: Vec<&Certificate> = between.filter(|one| !one.is_self_issued()).collect();
        for (agent, item) in &requested.agents {
            let (Standing::Back(found) | Standing::Again(found)) = item.standing else {
                continue;
            };
            self.note_short_life(&format!("the certificate of {agent}"), &found[0]);
            let folder = issued_folder(self.facts, agent);
            let chain = std::iter::once(&found[0]).chain(between.iter().copied());
            let text = Content::Text(pem_chain(chain));
            self.place(&below(&folder, "agent.crt"), 0o644, text);
            if let Standing::Again(_) = item.standing {
                continue;
            }
            let path = below(&folder, "agent.key");
            let (mut change, fetch) =
                brought.carried(&item.files.key, &path, (Mode(0o600), (0, 0)))?;
            change.content = Content::Issued(Piece::AgentKey(agent.clone()));
            self.files.push(change);
            let fetch = fetch.map(|(from, digest)| Fetch { from, digest });
            self.fetch_keys
                .extend(fetch.map(|fetch| (agent.clone(), fetch)));
            self.no_longer_needed(item);
        }
        Ok(())
    }

    /// Names that an authority has left out, issuers that nobody knows, and an early end.
    fn note_on_chain(&mut self, item: &Item<'_>, sent: &[Certificate], voucher: &Voucher<'_>) {
        let Some((leaf, last)) = sent.first().zip(sent.last()) else {
            return;
        };
        let left_out = item.names.iter().filter(|name| !valid_for(leaf, name));
        let left_out: Vec<String> = left_out.map(ToString::to_string).collect();
        if !left_out.is_empty() {
            self.notes.push(format!(
                "the certificate of the server is not for {}, for which it was asked: its authority \
                 has left that out",
                left_out.join(", ")
            ));
        }
        if self
            .root_above(sent, &item.files, &voucher.issuers)
            .is_none()
        {
            self.notes.push(format!(
                "{} has signed the last certificate in {}, and is not known here: unless it is a \
                 root, browsers and agents that trust its root alone refuse the server; put it, and \
                 what is above it, into that file, and apply again",
                last.issuer, item.files.certificate
            ));
        }
        self.note_short_life("the certificate of the server", leaf);
    }

    fn note_short_life(&mut self, what: &str, leaf: &Certificate) {
        let left = (leaf.validity.not_after - self.facts.looked_at) / Validity::DAY;
        if left < SOON {
            self.notes.push(format!(
                "{what} ends in {left} days: have the next one signed soon"
            ));
        }
    }

    /// A key that is in its place lies nowhere else.
    fn no_longer_needed(&mut self, item: &Item<'_>) {
        if let Standing::Back(_) = item.standing {
            self.files.extend(removal(self.facts, &item.files.key));
        }
    }

    /// Whom the list lets in: the subjects of what is there and of what was there before, for the
    /// new one is yet to be brought to its agent.
    pub(super) fn subjects_of(&self, requested: &Requested<'_>, agent: &HostName) -> Vec<Listed> {
        let item = requested.agents.get(agent);
        let current = item.and_then(Item::chain).and_then(|chain| chain.first());
        let found = self.facts.state.issued.get(agent).and_then(Known::is);
        let before = found.and_then(|found| found.chain.first());
        let before = before.filter(|leaf| {
            let same_issuer = current.is_some_and(|current| leaf.issuer == current.issuer);
            same_issuer && leaf.validity.not_after > self.facts.looked_at
        });
        let leaves = current.into_iter().chain(before);
        leaves
            .map(|leaf| Listed::Subject(leaf.subject_rfc2253.clone()))
            .collect()
    }
}

fn asks<'i, 'a>(item: &'i Item<'a>) -> Option<(&'i Item<'a>, Recipe)> {
    item.ask.clone().map(|recipe| (item, recipe))
}

fn meanwhile(item: &Item<'_>) -> &'static str {
    match item.standing {
        Standing::There(_) => ", to take the place of the one that is used meanwhile",
        _ => "",
    }
}

/// Where requests lie, and what is brought for them, as far as that is our folder.
pub(super) fn request_folders(
    state: &AbsPath,
    requested: &Requested<'_>,
) -> impl Iterator<Item = FolderChange> {
    let asked = requested.server.is_some() || !requested.agents.is_empty();
    let folder = below(state, "requests");
    let agents = (!requested.agents.is_empty()).then(|| below(&folder, "agents"));
    let all = asked.then_some(folder).into_iter().chain(agents);
    all.map(private)
}

fn private(path: AbsPath) -> FolderChange {
    FolderChange {
        path,
        mode: Mode(0o700),
    }
}

pub(super) fn issuing_nothing(facts: &Facts) -> Issuing {
    Issuing {
        authority: Authority::NotNeeded,
        clients: None,
        server: None,
        agents: BTreeMap::new(),
        lists: None,
        requests: None,
        folder: below(&facts.state.folder, "ca"),
    }
}
