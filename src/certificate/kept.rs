//! Whether a certificate of ours may stay, or a new one is to be issued.

use std::collections::BTreeSet;

use super::chain::{ChainFault, chain_verifies};
use super::read::{Certificate, EntryName, ExtendedUse, Standing};
use super::recipe::{Purpose, Recipe, Validity};
use crate::values::{Digest, Gather as _, SubjectName};

const DAY: i64 = 86_400;

/// Why a certificate does not stay. Each reads well after "a new certificate, because ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    #[error("its subject is {found}, not {wanted}")]
    Subject { found: String, wanted: String },
    #[error("its names are {found}, not {wanted}")]
    Names { found: String, wanted: String },
    #[error("it is not made for exactly one purpose: {0}")]
    Purpose(Purpose),
    #[error("its key is {found}, not {wanted}")]
    KeyKind { found: String, wanted: String },
    #[error("it does not belong to the key beside it")]
    KeyMismatch,
    #[error("its authority may not vouch for all names in play")]
    Constraints,
    #[error("{0}")]
    Chain(#[from] ChainFault),
    #[error("less than a third of its life remains")]
    Aging,
    #[error("it ends within {0} days")]
    EndsWithin(u32),
}

/// How much of a certificate's life has to be left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enough {
    MoreThanAThird,
    MoreThanDays(u32),
}

impl Enough {
    pub fn is_left_of(self, life: Validity, now: i64) -> Result<(), NotKept> {
        match self {
            Self::MoreThanAThird if !life.more_than_a_third_left(now) => Err(NotKept::Aging),
            Self::MoreThanDays(days) if life.not_after <= now + i64::from(days) * DAY => {
                Err(NotKept::EndsWithin(days))
            }
            _ => Ok(()),
        }
    }
}

/// Judges `certificate` against the recipe it would be issued by today.
///
/// `issuers` are those above it, the nearest first and the root last; none for a root. `key` is
/// the digest of the public half of the key beside it, or `None` where that cannot be told
/// because the key is encrypted. `now` is in seconds since 1970.
pub fn kept(
    recipe: &Recipe,
    issuers: &[&Certificate],
    certificate: &Certificate,
    key: Option<&Digest>,
    enough: Enough,
    now: i64,
) -> Result<(), NotKept> {
    if key.is_some_and(|key| *key != certificate.public_key) {
        return Err(NotKept::KeyMismatch);
    }
    let wanted = recipe.subject.to_string();
    if certificate.subject != wanted {
        let found = certificate.subject.clone();
        return Err(NotKept::Subject { found, wanted });
    }
    if certificate.key_kind != recipe.key.as_str() {
        return Err(NotKept::KeyKind {
            found: certificate.key_kind.clone(),
            wanted: recipe.key.to_string(),
        });
    }
    same_names(&recipe.names, &certificate.names)?;
    if !is_made_for(certificate, recipe.purpose) {
        return Err(NotKept::Purpose(recipe.purpose));
    }
    match (&recipe.permitted, &certificate.constraints) {
        (Some(wanted), Some(found)) if found.serves(wanted) => {}
        (None, None) => {}
        _ => return Err(NotKept::Constraints),
    }
    let (root, between) = match issuers.split_last() {
        Some((root, between)) => (*root, between),
        None => (certificate, [].as_slice()),
    };
    let mut chain = vec![certificate];
    chain.extend(between);
    chain_verifies(&chain, root, now, recipe.purpose)?;
    enough.is_left_of(certificate.validity, now)
}

fn same_names(wanted: &[SubjectName], found: &[EntryName]) -> Result<(), NotKept> {
    let wanted: BTreeSet<_> = wanted.iter().cloned().map(EntryName::Exact).gathered();
    let found: BTreeSet<_> = found.iter().cloned().gathered();
    if wanted == found {
        return Ok(());
    }
    let list = |names: &BTreeSet<EntryName>| {
        let shown: Vec<String> = names.iter().map(ToString::to_string).collect();
        shown.join(", ")
    };
    Err(NotKept::Names {
        found: list(&found),
        wanted: list(&wanted),
    })
}

/// Whether it has the shape that this program gives to certificates of that purpose: a leaf
/// has exactly one use, an authority the path limit of its place.
fn is_made_for(certificate: &Certificate, purpose: Purpose) -> bool {
    let only = |wanted| {
        certificate.standing == Standing::Leaf
            && certificate
                .extended_use
                .as_ref()
                .is_some_and(|uses| uses.iter().eq([&wanted]))
    };
    let authority_over = |limit| {
        let below = Some(limit);
        certificate.standing == Standing::Authority { below }
    };
    match purpose {
        Purpose::Root => certificate.is_self_issued() && authority_over(1),
        Purpose::Intermediate => authority_over(0),
        Purpose::Server => only(ExtendedUse::Server),
        Purpose::Agent => only(ExtendedUse::Client),
    }
}
