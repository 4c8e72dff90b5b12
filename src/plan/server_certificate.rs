//! Which certificate the server has after the plan: the one that is there, or a new one.

use std::collections::BTreeSet;

use super::brought::Brought;
use super::file::{Content, Piece};
use super::making::Making;
use super::naming;
use super::server_files::{ServerFiles, Today, chain_of, root_of};
use super::step::Fetch;
use super::to_prove::ProofTrust;
use crate::answers::{CertificateFiles, ServerSource};
use crate::certificate::{
    Certificate, EntryName, Purpose, Recipe, flaws, kept, pem_chain, valid_for,
};
use crate::error::Problem;
use crate::facts::FoundCa;
use crate::values::{AbsPath, HostName, Mode, SubjectName};

pub(super) struct ServerChoice {
    pub(super) files: ServerFiles,
    /// To be made; `None`: it is there already.
    pub(super) recipe: Option<Recipe>,
    /// It takes the place of what is used today, of which nginx may have to be told. Else no line
    /// of nginx's about it changes.
    pub(super) is_new: bool,
    pub(super) trust: ProofTrust,
    /// Where it is not of our authority: the root, as far as it stands in the file.
    pub(super) other_root: Option<Certificate>,
}

impl<'a> Making<'a> {
    pub(super) fn server(
        &mut self,
        ca: Option<&FoundCa>,
        today: &Today,
    ) -> Result<ServerChoice, Problem> {
        if let ServerSource::Import(source) = &self.answers.server {
            return self.imported(source);
        }
        let found = self.presented(today);
        let usable = match &found {
            Ok(found) => self.all_usable(ca, found),
            Err(why) => Err(why.clone()),
        };
        let first = found.ok().and_then(|mut found| {
            let none = found.is_empty();
            (!none).then(|| found.swap_remove(0))
        });
        match (&self.answers.server, usable, first) {
            (ServerSource::Auto | ServerSource::Keep, Ok(trust), Some((files, chain))) => {
                self.note_missing_names(&chain);
                self.note_open_key(&files.key);
                let recipe = None;
                Ok(ServerChoice {
                    files,
                    recipe,
                    is_new: false,
                    trust,
                    other_root: root_of(&chain),
                })
            }
            (ServerSource::Keep, Err(why), _) => Err(Problem::host(format!(
                "certificates.server.source is keep, but the certificate cannot stay: {why}"
            ))
            .remedy("say certificates: {server: {source: auto}}")),
            (_, usable, first) => {
                let replaced = first.as_ref().and_then(|(_, chain)| chain.first());
                match self.made_before(ca, replaced) {
                    Some(files) if self.answers.server == ServerSource::Auto => {
                        self.notes.push(format!(
                            "{} was made here before, and is good still: it is shown again",
                            files.chain
                        ));
                        Ok(ServerChoice {
                            files,
                            recipe: None,
                            is_new: true,
                            trust: ProofTrust::OurRoot,
                            other_root: None,
                        })
                    }
                    _ => {
                        if let Err(why) = usable {
                            let note = format!("a new server certificate is made, because {why}");
                            self.notes.push(note);
                        }
                        self.new_server(replaced)
                    }
                }
            }
        }
    }

    /// One that was brought, put to its place with its key.
    fn imported(&mut self, source: &CertificateFiles) -> Result<ServerChoice, Problem> {
        let brought = self.of_server_files();
        let found = brought.certificates(&source.cert)?;
        brought.serves(&source.cert, found, Purpose::Server)?;
        brought.key_matches(source, &found[0])?;
        self.is_managers(&brought, &source.cert, &source.key, found)?;
        let files = self.place_brought(self.placed_pair()?, found, source)?;
        Ok(ServerChoice {
            files,
            recipe: None,
            is_new: true,
            trust: ProofTrust::Kept,
            other_root: root_of(found),
        })
    }

    pub(super) fn of_server_files(&self) -> Brought<'a> {
        Brought {
            facts: self.facts,
            field: "certificates.server",
            user: "nginx",
        }
    }

    /// Whether browsers and agents would take a server's certificate for the manager's.
    pub(super) fn is_managers(
        &self,
        brought: &Brought<'_>,
        path: &AbsPath,
        key: &AbsPath,
        found: &[Certificate],
    ) -> Result<(), Problem> {
        // Agents may use a name of their own.
        for name in [&self.answers.manager_name, self.answers.agents_name()] {
            if !valid_for(&found[0], &SubjectName::Dns(name.clone())) {
                let why = format!("holds {}, which is not for {name}", found[0].subject);
                return Err(brought.refused(path, &why));
            }
        }
        if found[0].is_self_issued() {
            let why = "is signed by itself, so nobody could verify it by an authority";
            return Err(brought.refused(path, why));
        }
        let flaws = flaws(found, self.facts.looked_at);
        if let Some(flaw) = flaws.into_iter().find(|flaw| flaw.stops) {
            let what = format!("{}: {path}: {}", brought.field, flaw.words);
            let remedy = format!("nim-tls certs inspect {path} {key}");
            return Err(Problem::host(what).remedy(remedy));
        }
        Ok(())
    }

    fn place_brought(
        &mut self,
        files: ServerFiles,
        found: &[Certificate],
        source: &CertificateFiles,
    ) -> Result<ServerFiles, Problem> {
        self.note_missing_names(found);
        // The root is not sent: whoever trusts it has it.
        let sent = found.iter().filter(|one| !one.is_self_issued());
        let sent: Vec<Certificate> = sent.cloned().collect();
        self.place_chain(&files, &sent);
        self.place_key(files, &source.key)
    }

    pub(super) fn place_chain(&mut self, files: &ServerFiles, sent: &[Certificate]) {
        self.place(&files.chain, 0o644, Content::Text(pem_chain(sent)));
    }

    pub(super) fn place_key(
        &mut self,
        files: ServerFiles,
        from: &AbsPath,
    ) -> Result<ServerFiles, Problem> {
        let brought = self.of_server_files();
        let (change, fetch) = brought.carried(from, &files.key, (Mode(0o600), (0, 0)))?;
        self.files.push(change);
        self.fetch = fetch.map(|(from, digest)| Fetch { from, digest });
        Ok(files)
    }

    /// Where a certificate of the server that is placed is, or will be.
    pub(super) fn placed_pair(&self) -> Result<ServerFiles, Problem> {
        let folder = self.certs();
        let [chain, key] = naming::server_pair(self.answers.generation());
        Ok(ServerFiles {
            chain: naming::free(self.facts, &folder, chain)?,
            key: naming::free(self.facts, &folder, key)?,
        })
    }

    /// The pairs in use with their chains, or why one of them cannot be judged.
    pub(super) fn presented(
        &self,
        today: &Today,
    ) -> Result<Vec<(ServerFiles, Vec<Certificate>)>, String> {
        match today {
            Today::Unknown(why) => Err(why.clone()),
            Today::Pairs(pairs) => {
                let judged = pairs.iter().map(|files| match chain_of(self.facts, files) {
                    Ok(chain) => Ok((files.clone(), chain.to_vec())),
                    Err(why) => Err(format!("{}: {why}", files.chain)),
                });
                judged.collect()
            }
        }
    }

    fn all_usable(
        &self,
        ca: Option<&FoundCa>,
        found: &[(ServerFiles, Vec<Certificate>)],
    ) -> Result<ProofTrust, String> {
        let mut trust = Err("this server has no certificate today".to_owned());
        for (_, chain) in found {
            let own = self.usable(ca, chain)?;
            let weaker = trust == Ok(ProofTrust::Kept);
            trust = Ok(if weaker { ProofTrust::Kept } else { own });
        }
        trust
    }

    /// Whether a chain that is there can stay, and whose trust it rests on.
    fn usable(&self, ca: Option<&FoundCa>, chain: &[Certificate]) -> Result<ProofTrust, String> {
        let Some(leaf) = chain.first() else {
            return Err("the file is empty".to_owned());
        };
        if let Some(ca) = ca.filter(|ca| leaf.names_as_issuer(&ca.intermediate)) {
            let issuers = [&ca.intermediate, &ca.root];
            let recipe = self
                .server_recipe(Some(leaf))
                .map_err(|problem| problem.what)?;
            return kept(
                &recipe,
                &issuers,
                leaf,
                None,
                self.enough(),
                self.facts.looked_at,
            )
            .map(|()| ProofTrust::OurRoot)
            .map_err(|why| why.to_string());
        }
        let name = SubjectName::Dns(self.answers.manager_name.clone());
        if !valid_for(leaf, &name) {
            let subject = &leaf.subject;
            return Err(format!(
                "the one that is there ({subject}) is not for {name}"
            ));
        }
        let flaws = [
            (
                !leaf.validity.contains(self.facts.looked_at),
                "the one that is there is not valid today",
            ),
            (
                !leaf.serves(Purpose::Server),
                "the one that is there is not made for servers",
            ),
            (
                leaf.is_self_issued(),
                "the one that is there is signed by itself",
            ),
            (
                leaf.weak_key || leaf.weak_signature,
                "the one that is there is too weak for today's clients",
            ),
            (
                chain
                    .windows(2)
                    .any(|pair| !pair[0].names_as_issuer(&pair[1])),
                "its chain is not in order",
            ),
        ];
        match flaws.into_iter().find(|(is_so, _)| *is_so) {
            Some((_, why)) => Err(why.to_owned()),
            None => Ok(ProofTrust::Kept),
        }
    }

    /// A certificate that is kept may lack names that the answers have besides.
    fn note_missing_names(&mut self, chain: &[Certificate]) {
        let Some(leaf) = chain.first() else { return };
        let wanted = self.answers.alt_names.iter();
        let missing: Vec<String> = wanted
            .filter(|name| !valid_for(leaf, name))
            .map(ToString::to_string)
            .collect();
        if !missing.is_empty() {
            self.notes.push(format!(
                "the server certificate stays, and is not for {}: say certificates: {{server: \
                 {{source: generate}}}} for one that is",
                missing.join(", ")
            ));
        }
    }

    fn note_open_key(&mut self, key: &AbsPath) {
        let found = self.facts.file(key).file();
        if let Some(found) = found.filter(|found| found.mode.0 & 0o007 != 0) {
            self.notes.push(format!(
                "everybody on this host can read {key}, the key of the server certificate that \
                 stays (mode {}): chmod 600 {key}",
                found.mode
            ));
        }
    }

    fn new_server(&mut self, replaced: Option<&Certificate>) -> Result<ServerChoice, Problem> {
        let ServerFiles { chain, key } = self.placed_pair()?;
        let recipe = self.server_recipe(replaced)?;
        if let Some(replaced) = replaced {
            let names: Vec<String> = recipe.names.iter().map(ToString::to_string).collect();
            let before: Vec<String> = replaced.names.iter().map(ToString::to_string).collect();
            self.notes.push(format!(
                "the new server certificate is for {}; the one it replaces ({}) was for {}",
                names.join(", "),
                replaced.subject,
                if before.is_empty() {
                    "no name".to_owned()
                } else {
                    before.join(", ")
                },
            ));
        }
        self.place(&chain, 0o644, Content::Issued(Piece::ServerChain));
        self.place(&key, 0o600, Content::Issued(Piece::ServerKey));
        Ok(ServerChoice {
            files: ServerFiles { chain, key },
            recipe: Some(recipe),
            is_new: true,
            trust: ProofTrust::OurRoot,
            other_root: None,
        })
    }

    /// The names asked for, and every name of the certificate that is replaced: usage reporting
    /// and agents may have pinned one of those.
    pub(super) fn server_recipe(&self, replaced: Option<&Certificate>) -> Result<Recipe, Problem> {
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
        let shown = common_name(&self.answers.manager_name);
        self.recipe(Purpose::Server, &shown, ordered, self.answers.days.server)
    }
}

/// X.520 allows 64 characters for a common name; what counts is the SAN anyway.
fn common_name(name: &HostName) -> String {
    let fits = name.as_str().len() <= 64;
    if fits {
        name.to_string()
    } else {
        "nim-tls server".to_owned()
    }
}
