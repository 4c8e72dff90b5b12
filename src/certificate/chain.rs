//! Whether a chain of certificates holds. Judged on the strict side of what OpenSSL, Go and
//! other libraries do: what passes here passes there.

use std::borrow::Borrow;

use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::prelude::FromDer;

use super::constraint::NameConstraints;
use super::read::{Certificate, EntryName, Standing};
use super::recipe::Purpose;
use crate::values::SubjectName;

/// Which certificate breaks a chain, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("certificate {position} of the chain ({subject}) {flaw}")]
pub struct ChainFault {
    /// 1 is the leaf; the root counts as the one after the last.
    pub position: usize,
    pub subject: String,
    pub flaw: Flaw,
}

/// What is wrong with a certificate of a chain. Each completes "certificate N ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("is missing: there is no certificate at all")]
    Missing,
    /// Either an intermediate is left out, or it comes from another authority.
    #[error("was issued by {issuer}, which is not here")]
    IssuerMissing { issuer: String },
    #[error("is followed by a certificate that is not its issuer: the order is wrong")]
    OutOfOrder,
    #[error("names its issuer, but was signed by another key: an authority of the same name")]
    SignedByAnother,
    #[error("is signed in a way this program cannot check")]
    SignatureUnknown,
    #[error("is signed over MD5 or SHA-1")]
    WeakSignature,
    #[error("has a key that is too weak ({0})")]
    WeakKey(String),
    #[error("is not valid yet")]
    NotYetValid,
    #[error("has expired")]
    Expired,
    #[error("is not an authority and cannot vouch for another")]
    NotAnAuthority,
    #[error("is not signed by itself, and what has signed it is not here: the root is missing")]
    NoRoot,
    #[error("is not allowed to have so many authorities below it")]
    PathTooLong,
    #[error("cannot be used as a certificate for: {0}")]
    WrongPurpose(Purpose),
    #[error("must not vouch for {name}")]
    NameNotPermitted { name: String },
    #[error("has a critical extension that this program cannot judge ({0})")]
    Unjudged(String),
}

/// Whether this certificate proves `name`. Only its alternative names count, never the common
/// name; a wildcard stands for exactly one label.
pub fn valid_for(certificate: &Certificate, name: &SubjectName) -> bool {
    certificate.names.iter().any(|entry| match (entry, name) {
        (EntryName::Exact(entry), name) => entry == name,
        (EntryName::Wildcard(base), SubjectName::Dns(host)) => host
            .as_str()
            .split_once('.')
            .is_some_and(|(_, rest)| rest == base.as_str()),
        _ => false,
    })
}

/// [`chain_holds`], and every certificate is valid at `at` (seconds since 1970).
pub fn chain_verifies<C: Borrow<Certificate>>(
    chain: &[C],
    root: &Certificate,
    at: i64,
    purpose: Purpose,
) -> Result<(), ChainFault> {
    chain_holds(chain, root, purpose)?;
    for (at_position, certificate) in with_root(chain, root).enumerate() {
        let flaw = if at < certificate.validity.not_before {
            Flaw::NotYetValid
        } else if at > certificate.validity.not_after {
            Flaw::Expired
        } else {
            continue;
        };
        return Err(fault(at_position, certificate, flaw));
    }
    Ok(())
}

/// Whether the chain is sound apart from dates. `chain` is in the order of a file: the leaf,
/// its issuer, and so on; the root may or may not stand at its end. `root` is trusted as it is.
pub fn chain_holds<C: Borrow<Certificate>>(
    chain: &[C],
    root: &Certificate,
    purpose: Purpose,
) -> Result<(), ChainFault> {
    let all: Vec<&Certificate> = with_root(chain, root).collect();
    let Some(leaf) = chain.first().map(Borrow::borrow) else {
        return Err(fault(0, root, Flaw::Missing));
    };
    if all.len() == 1 {
        link(root, root, &all).map_err(|flaw| fault(0, root, flaw))?;
    }
    for (position, pair) in all.windows(2).enumerate() {
        link(pair[0], pair[1], &all).map_err(|flaw| fault(position, pair[0], flaw))?;
    }
    for (position, certificate) in all.iter().enumerate() {
        own_flaw(certificate).map_err(|flaw| fault(position, certificate, flaw))?;
        if position > 0 {
            authority_flaw(certificate, &all[..position])
                .map_err(|flaw| fault(position, certificate, flaw))?;
            // An authority's own list of uses bounds what it may issue for.
            if !certificate.extends_to(purpose) {
                return Err(fault(position, certificate, Flaw::WrongPurpose(purpose)));
            }
        }
    }
    if leaf.serves(purpose) {
        Ok(())
    } else {
        Err(fault(0, leaf, Flaw::WrongPurpose(purpose)))
    }
}

/// Whether authorities (the one that issues first, the root last) may vouch at `at` for a leaf of
/// that purpose with any of `names`.
pub fn authorities_hold(
    chain: &[Certificate],
    at: i64,
    purpose: Purpose,
    names: &[SubjectName],
) -> Result<(), ChainFault> {
    let all: Vec<&Certificate> = chain.iter().collect();
    for (position, one) in all.iter().enumerate() {
        let below = &all[..position];
        // The leaf that is to come stands below all of them.
        let between = below.iter().filter(|other| !other.is_self_issued()).count();
        let refused = |constraints: &NameConstraints| {
            let name = names.iter().find(|name| !constraints.allows(name));
            let of_below = || {
                below
                    .iter()
                    .find_map(|one| name_not_allowed(one, constraints))
            };
            name.map(ToString::to_string).or_else(of_below)
        };
        let flaw = match (one.standing, all.get(position + 1)) {
            (Standing::Leaf, _) => Some(Flaw::NotAnAuthority),
            (_, Some(_)) if one.is_self_issued() => Some(Flaw::OutOfOrder),
            (_, None) if !one.is_self_issued() => Some(Flaw::NoRoot),
            (_, Some(issuer)) => link(one, issuer, &all).err(),
            // Nobody judges a root by its own signature.
            (_, None) => None,
        };
        let flaw = flaw.or_else(|| own_flaw(one).err());
        let flaw = flaw.or_else(|| match one.standing {
            _ if !one.serves(Purpose::Intermediate) => Some(Flaw::NotAnAuthority),
            Standing::Authority { below: Some(most) } if between > most as usize => {
                Some(Flaw::PathTooLong)
            }
            _ if !one.extends_to(purpose) => Some(Flaw::WrongPurpose(purpose)),
            _ if at < one.validity.not_before => Some(Flaw::NotYetValid),
            _ if at > one.validity.not_after => Some(Flaw::Expired),
            _ => {
                let name = one.constraints.as_ref().and_then(refused);
                name.map(|name| Flaw::NameNotPermitted { name })
            }
        });
        if let Some(flaw) = flaw {
            return Err(fault(position, one, flaw));
        }
    }
    Ok(())
}

/// The chain without the root, then the root.
fn with_root<'a, C: Borrow<Certificate>>(
    chain: &'a [C],
    root: &'a Certificate,
) -> impl Iterator<Item = &'a Certificate> {
    let chain = chain.iter().map(Borrow::borrow);
    let below = chain.filter(move |one: &&Certificate| one.der != root.der);
    below.chain(std::iter::once(root))
}

/// Whether `issuer` issued `certificate`, by name and signature.
pub(super) fn issued_by(certificate: &Certificate, issuer: &Certificate) -> Result<(), Flaw> {
    link(certificate, issuer, &[])
}

/// Whether `issuer` issued `certificate`; `all` helps to tell a missing from a misplaced one.
fn link(certificate: &Certificate, issuer: &Certificate, all: &[&Certificate]) -> Result<(), Flaw> {
    if certificate.issuer_der != issuer.subject_der {
        let elsewhere = |one: &&Certificate| one.subject_der == certificate.issuer_der;
        let misplaced = !certificate.is_self_issued() && all.iter().any(elsewhere);
        return Err(if misplaced {
            Flaw::OutOfOrder
        } else {
            Flaw::IssuerMissing {
                issuer: certificate.issuer.clone(),
            }
        });
    }
    if certificate.weak_signature {
        return Err(Flaw::WeakSignature);
    }
    let (Ok((_, below)), Ok((_, above))) = (
        X509Certificate::from_der(&certificate.der),
        X509Certificate::from_der(&issuer.der),
    ) else {
        return Err(Flaw::SignatureUnknown);
    };
    match below.verify_signature(Some(above.public_key())) {
        Ok(()) => Ok(()),
        Err(X509Error::SignatureVerificationError) => Err(Flaw::SignedByAnother),
        Err(_) => Err(Flaw::SignatureUnknown),
    }
}

/// What disqualifies a certificate wherever it stands.
fn own_flaw(certificate: &Certificate) -> Result<(), Flaw> {
    if certificate.weak_key {
        return Err(Flaw::WeakKey(certificate.key_kind.clone()));
    }
    let constraints = certificate.constraints.iter();
    let mut unjudged = constraints.flat_map(NameConstraints::unjudged);
    match certificate
        .unjudged
        .first()
        .map(String::as_str)
        .or_else(|| unjudged.next())
    {
        Some(what) => Err(Flaw::Unjudged(what.to_owned())),
        None => Ok(()),
    }
}

/// What keeps `authority` from vouching for all of `below` (the leaf first).
fn authority_flaw(authority: &Certificate, below: &[&Certificate]) -> Result<(), Flaw> {
    let Standing::Authority { below: limit } = authority.standing else {
        return Err(Flaw::NotAnAuthority);
    };
    if !authority.serves(Purpose::Intermediate) {
        return Err(Flaw::NotAnAuthority);
    }
    let between = below.iter().skip(1).filter(|one| !one.is_self_issued());
    if limit.is_some_and(|limit| between.count() > limit as usize) {
        return Err(Flaw::PathTooLong);
    }
    let Some(constraints) = &authority.constraints else {
        return Ok(());
    };
    let refused = below
        .iter()
        .find_map(|one| name_not_allowed(one, constraints));
    match refused {
        Some(name) => Err(Flaw::NameNotPermitted { name }),
        None => Ok(()),
    }
}

/// The first name of the certificate that the constraints do not allow.
fn name_not_allowed(certificate: &Certificate, constraints: &NameConstraints) -> Option<String> {
    let allowed = |entry: &&EntryName| match entry {
        EntryName::Exact(name) => constraints.allows(name),
        EntryName::Wildcard(base) => constraints.allows_dns(base.as_str()),
        EntryName::Other(_) => true,
    };
    if let Some(entry) = certificate.names.iter().find(|entry| !allowed(entry)) {
        return Some(entry.to_string());
    }
    // OpenSSL holds them against a common name too that could be a DNS name (an address
    // included), where there is no DNS name among the alternative names.
    let is_dns = |entry: &EntryName| match entry {
        EntryName::Exact(SubjectName::Dns(_)) | EntryName::Wildcard(_) => true,
        EntryName::Exact(SubjectName::Ip(_)) => false,
        EntryName::Other(text) => text.starts_with("DNS:"),
    };
    let common_name = certificate.common_name.as_ref()?.to_ascii_lowercase();
    let stands_in = !certificate.names.iter().any(is_dns) && could_be_dns(&common_name);
    (stands_in && !constraints.allows_dns(&common_name)).then_some(common_name)
}

/// At least two labels of letters, digits, `_` and inner hyphens.
fn could_be_dns(text: &str) -> bool {
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(inner)
    };
    text.contains('.') && text.split('.').all(label)
}

fn fault(position: usize, certificate: &Certificate, flaw: Flaw) -> ChainFault {
    ChainFault {
        position: position + 1,
        subject: certificate.subject.clone(),
        flaw,
    }
}
