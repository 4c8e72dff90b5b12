//! The root in the trust store of this system.

use super::certificates::Certificates;
use super::file::{Content, FileChange, FolderChange};
use super::naming::literal;
use super::placed::{below, change};
use super::step::TrustChange;
use super::to_prove::ProofTrust;
use crate::answers::Answers;
use crate::error::Problem;
use crate::facts::{Facts, Known, TrustStore};
use crate::method::Method;
use crate::values::{Digest, Mode, with_command};

/// The anchor, and what takes it over.
pub(super) struct Trust {
    pub(super) file: FileChange,
    pub(super) change: TrustChange,
    pub(super) folder: FolderChange,
}

/// `None`: not asked for, or nothing rests on our root.
pub(super) fn plan(
    facts: &Facts,
    answers: &Answers,
    made: &Certificates,
) -> Result<Option<Trust>, Problem> {
    let of_agents = answers.method == Method::ClientMtls && made.listing.is_none();
    let uses_root = made.trust == ProofTrust::OurRoot || of_agents;
    if !answers.trust_store || !uses_root {
        return Ok(None);
    }
    of(facts, &made.root).map(Some)
}

/// The same for whoever has asked whether it is wanted.
pub(super) fn of(facts: &Facts, root: &Content) -> Result<Trust, Problem> {
    let store = store(facts)?;
    let folder = literal(store.anchors);
    let anchor = below(&folder, store.file);
    let file = change(facts, &anchor, 0o644, root.clone());
    let found = facts.file(&anchor).file();
    let same = |digest: &Digest| match root {
        Content::Text(root) => Digest::of(root.as_bytes()) == *digest,
        Content::Issued(_) => false,
    };
    if found.is_some_and(|found| !found.ours && !same(&found.digest)) {
        return Err(
            Problem::host(format!("{anchor} is there and was not written by nim-tls"))
                .remedy(format!("move {anchor} away")),
        );
    }
    let change = TrustChange {
        anchor,
        command: format!("{} {}", store.command, store.options)
            .trim()
            .to_owned(),
        rewrites: store
            .rewrites
            .iter()
            .map(|folder| (*folder).to_owned())
            .collect(),
        bundle: store.bundle.to_owned(),
    };
    let folder = FolderChange {
        path: folder,
        mode: Mode(0o755),
    };
    let trust = Trust {
        file,
        change,
        folder,
    };
    match &facts.trust_obstacle {
        Some(why) if trust.changes() => {
            let (what, command) = with_command(why);
            let what = format!(
                "{} could not rewrite the trust store: {what} (options: {{trust_store: false}} \
                 leaves it alone)",
                store.command
            );
            let remedy = command.map_or_else(|| "nim-tls check".to_owned(), str::to_owned);
            Err(Problem::host(what).remedy(remedy))
        }
        _ => Ok(trust),
    }
}

impl Trust {
    pub(super) fn changes(&self) -> bool {
        self.file.changes()
    }

    /// What is to be done to the store, on a running system where anything is.
    pub(super) fn into_change(self, facts: &Facts) -> Option<TrustChange> {
        (facts.live && self.changes()).then_some(self.change)
    }
}

fn store(facts: &Facts) -> Result<&TrustStore, Problem> {
    match &facts.trust_store {
        Known::Is(store) => Ok(store),
        Known::Absent => Err(Problem::host(
            "the trust store of this system is not one that is known",
        )
        .remedy("say options: {trust_store: false}")),
        Known::Unclear(why) => Err(
            Problem::host(format!("the trust store cannot be used: {why}"))
                .remedy("install ca-certificates, or say options: {trust_store: false}"),
        ),
    }
}
