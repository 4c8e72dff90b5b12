//! Who signs: the authority of this host, or one that is made for it.

use std::collections::BTreeSet;

use super::file::{Content, Piece};
use super::making::Making;
use super::placed::below;
use super::to_issue::{Authority, KeepKey};
use crate::certificate::{Permitted, Purpose, Recipe};
use crate::error::Problem;
use crate::facts::{CaKey, FoundCa};
use crate::values::{HostName, SubjectName};

impl Making<'_> {
    /// The authority that is there, to sign for `names`.
    pub(super) fn existing_authority(
        &self,
        ca: &FoundCa,
        names: &BTreeSet<SubjectName>,
    ) -> Result<Authority, Problem> {
        let outside = ca
            .root
            .constraints
            .as_ref()
            .and_then(|constraints| names.iter().find(|name| !constraints.allows(name)));
        if let Some(name) = outside {
            return Err(Problem::host(format!(
                "{name} lies outside the names that the authority in {} may vouch for; once the run \
                 that made it is put back, another apply makes a new one",
                self.facts.state.folder
            ))
            .remedy("nim-tls rollback"));
        }
        let now = self.facts.looked_at;
        let validities = [ca.intermediate.validity, ca.root.validity];
        if validities.iter().any(|validity| now < validity.not_before) {
            return Err(Problem::host(
                "the certificate authority of this host is not valid yet by this host's clock: \
                 the clock is behind, or was ahead when it was made",
            )
            .remedy("date; nim-tls history"));
        }
        if validities.iter().any(|validity| now > validity.not_after) {
            return Err(Problem::host(
                "the certificate authority of this host has expired by this host's clock; where \
                 that is right, another apply makes a new one once the run that made it is put \
                 back",
            )
            .remedy("date; nim-tls rollback"));
        }
        match ca.key {
            CaKey::Plaintext => Ok(Authority::Existing { encrypted: false }),
            CaKey::Encrypted => Ok(Authority::Existing { encrypted: true }),
            CaKey::Gone => Err(Problem::host(
                "a certificate has to be issued, and the key of the authority was discarded; once the \
                 run that made it is put back, another apply makes a new authority",
            )
            .remedy("nim-tls rollback")),
        }
    }

    /// A new one, that may vouch for the zones of `names` and nothing else.
    pub(super) fn new_authority(
        &mut self,
        names: &BTreeSet<SubjectName>,
    ) -> Result<Authority, Problem> {
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
            self.place(
                &below(&folder, "root.key"),
                0o600,
                Content::Issued(Piece::RootKey),
            );
            self.place(
                &below(&folder, "intermediate.key"),
                0o600,
                Content::Issued(Piece::IntermediateKey),
            );
        }
        Ok(Authority::New {
            root,
            intermediate,
            key,
        })
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
        let shown = if full.chars().count() <= 64 {
            full
        } else {
            plain
        };
        self.recipe(purpose, &shown, Vec::new(), days)
    }
}
