//! Signing requests, as far as it matters whether one asks for what a recipe says.

use std::collections::BTreeSet;

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;

use super::parse::{entry_name, key_kind};
use super::pem_text::pem_blocks;
use super::read::EntryName;
use super::recipe::Recipe;
use super::subject::{Style, name_text};
use crate::values::{Digest, Gather as _};

/// What a request (PKCS #10) asks for. It may come from anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningRequest {
    /// As [`super::Certificate::subject`].
    pub subject: String,
    pub names: BTreeSet<EntryName>,
    pub key_kind: String,
    /// SHA-256 of the public key, the same as of a certificate for it.
    pub public_key: Digest,
}

impl SigningRequest {
    /// The one request in a PEM file.
    pub fn from_pem(bytes: &[u8]) -> Option<Self> {
        let mut blocks = pem_blocks(bytes).ok()?.into_iter();
        let (block, None) = (blocks.next()?, blocks.next()) else {
            return None;
        };
        if !block.label.ends_with("CERTIFICATE REQUEST") {
            return None;
        }
        let (rest, request) = X509CertificationRequest::from_der(&block.contents).ok()?;
        let info = &request.certification_request_info;
        let asked = request.requested_extensions().into_iter().flatten();
        let names = asked.filter_map(|extension| match extension {
            ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
            _ => None,
        });
        rest.is_empty().then(|| Self {
            subject: name_text(&info.subject, Style::Shown),
            names: names.flatten().map(entry_name).gathered(),
            key_kind: key_kind(&info.subject_pki).0,
            public_key: Digest::of(info.subject_pki.raw),
        })
    }

    /// Whether it asks for this certificate, whatever its key.
    pub fn asks_for(&self, recipe: &Recipe) -> bool {
        let names = recipe.names.iter().cloned().map(EntryName::Exact);
        self.subject == recipe.subject.to_string()
            && self.key_kind == recipe.key.as_str()
            && self.names == names.gathered()
    }

    /// Whether every name of that certificate was asked for.
    pub fn names_all(&self, recipe: &Recipe) -> bool {
        let mut names = recipe.names.iter().cloned().map(EntryName::Exact);
        names.all(|name| self.names.contains(&name))
    }
}
