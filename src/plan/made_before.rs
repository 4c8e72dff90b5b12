//! A certificate of the server that this program has made before, and nginx no longer shows.

use super::making::Making;
use super::server_files::{ServerFiles, chain_of};
use crate::certificate::{Certificate, kept};
use crate::facts::FoundCa;

impl Making<'_> {
    /// The pair that this program would make now, where it has made it before and nginx no longer
    /// shows it: an upgrade of the package has put its own lines back, say.
    pub(super) fn made_before(
        &self,
        ca: Option<&FoundCa>,
        replaced: Option<&Certificate>,
    ) -> Option<ServerFiles> {
        let (ca, files) = (ca?, self.placed_pair().ok()?);
        let ours = |path| self.facts.file(path).file().is_some_and(|file| file.ours);
        let chain = chain_of(self.facts, &files).ok()?;
        let [leaf, intermediate] = chain else {
            return None;
        };
        let recipe = self.server_recipe(replaced).ok()?;
        let issuers = [&ca.intermediate, &ca.root];
        let now = self.facts.looked_at;
        let is_good = *intermediate == ca.intermediate
            && kept(&recipe, &issuers, leaf, None, self.enough(), now).is_ok();
        (ours(&files.chain) && ours(&files.key) && is_good).then_some(files)
    }
}
