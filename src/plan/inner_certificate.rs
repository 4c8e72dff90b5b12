//! The certificate with which an nginx shows itself to the manager behind it.

use std::collections::BTreeMap;

use super::file::{Content, Piece};
use super::making::Making;
use super::naming;
use super::server_files::ServerFiles;
use crate::certificate::{Purpose, Recipe, kept};
use crate::error::Problem;
use crate::facts::{FoundCa, FoundContent};
use crate::values::{HostName, SubjectName};

const CHAIN: &str = "nginx-client.crt";
const KEY: &str = "nginx-client.key";

impl Making<'_> {
    /// Where it is, if there is TLS between them; what has to be issued for it is put to
    /// `leaves`.
    pub(super) fn inner(
        &mut self,
        ca: Option<&FoundCa>,
        leaves: &mut BTreeMap<HostName, Recipe>,
    ) -> Result<Option<ServerFiles>, Problem> {
        let nim1 = self.answers.nim1.as_ref();
        if nim1.is_none_or(|nim1| !nim1.backend_tls) {
            return Ok(None);
        }
        let manager = &self.answers.manager_name;
        let name: HostName = format!("nginx.{manager}").parse().map_err(|error| {
            Problem::usage(format!(
                "manager_name {manager} is too long for a name below it: {error}"
            ))
        })?;
        let folder = self.certs();
        let chain = naming::free(self.facts, &folder, CHAIN)?;
        let key = naming::free(self.facts, &folder, KEY)?;
        let names = vec![SubjectName::Dns(name.clone())];
        let days = self.answers.days.server;
        let recipe = self.recipe(Purpose::Agent, name.as_str(), names, days)?;
        let files = ServerFiles { chain, key };
        if !self.stays(ca, &recipe, &files) {
            let issued = Content::Issued(Piece::AgentChain(name.clone()));
            self.place(&files.chain, 0o644, issued);
            let issued = Content::Issued(Piece::AgentKey(name.clone()));
            self.place(&files.key, 0o600, issued);
            leaves.insert(name, recipe);
        }
        Ok(Some(files))
    }

    fn stays(&self, ca: Option<&FoundCa>, recipe: &Recipe, files: &ServerFiles) -> bool {
        let content = |path| self.facts.file(path).file().map(|file| &file.content);
        let (Some(ca), Some(FoundContent::Certificates(chain))) = (ca, content(&files.chain))
        else {
            return false;
        };
        let Some(leaf) = chain.first() else {
            return false;
        };
        let issuers = [&ca.intermediate, &ca.root];
        let key = content(&files.key);
        let matches = matches!(key, Some(FoundContent::Key { public: Some(public), .. })
            if *public == leaf.public_key);
        let now = self.facts.looked_at;
        matches && kept(recipe, &issuers, leaf, None, self.enough(), now).is_ok()
    }
}
