//! What certificates, lists and requests are to be made, and by whose key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::answers::KeepKey;
use crate::certificate::Recipe;
use crate::values::{AbsPath, Digest, HostName};

/// Certificates to make. Whatever is `None` or absent is there already and stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuing {
    pub authority: Authority,
    /// Who signs for agents in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<BroughtAuthority>,
    pub server: Option<Recipe>,
    pub agents: BTreeMap<HostName, Recipe>,
    /// Lists of what is revoked, to be signed anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lists: Option<Lists>,
    /// What others are asked to sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<RequestsToWrite>,
    /// Where the authority is kept: `STATE/ca`.
    pub folder: AbsPath,
}

/// Certificates that an authority elsewhere is to sign: each gets a key, and a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestsToWrite {
    pub server: Option<Recipe>,
    pub agents: BTreeMap<HostName, Recipe>,
}

impl RequestsToWrite {
    pub fn is_empty(&self) -> bool {
        self.server.is_none() && self.agents.is_empty()
    }
}

/// What the lists are to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lists {
    /// Serial numbers of agents' certificates, and when each was revoked (seconds since 1970);
    /// none: now.
    pub revoked: BTreeMap<String, Option<i64>>,
    /// The root's own, which is empty, is signed as well.
    pub root: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "a plan has one")]
pub enum Authority {
    New {
        root: Recipe,
        intermediate: Recipe,
        key: KeepKey,
    },
    /// In `STATE/ca`; opening it needs the passphrase if `encrypted`.
    Existing { encrypted: bool },
    /// It signs nothing, and need not be there.
    NotNeeded,
}

/// An authority that was brought from elsewhere. Its key stays where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroughtAuthority {
    /// As PEM: the one that signs, then those above it, the root last.
    pub chain: String,
    pub key: AbsPath,
    /// What the key's file held when the plan was made.
    pub digest: Digest,
    pub encrypted: bool,
}
