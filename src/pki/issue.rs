//! Issuing: from a recipe to a certificate and its key. What was issued is read back and
//! judged as a stranger's would be before anybody gets it.

use rcgen::Issuer;
use rustls::pki_types::CertificateDer;

use super::authority::{Authority, Issued};
use super::error::IssueError;
use super::key::SecretKey;
use super::template::params;
use crate::certificate::{Certificate, Purpose, Recipe, Standing, Validity, chain_holds};

/// A root: it vouches for itself, for one further authority below it and, by critical name
/// constraints, for nothing outside of what the recipe permits.
pub fn issue_root(recipe: &Recipe, now: i64) -> Result<Issued, IssueError> {
    expect(recipe, "a root", |purpose| purpose == Purpose::Root)?;
    let key = SecretKey::generate(recipe.key)?;
    let validity = Validity::days_from(now, recipe.days);
    let made = params(recipe, validity)?
        .self_signed(key.pair())
        .map_err(|error| IssueError::NotMade(error.to_string()))?;
    let certificate = read_back(made.der())?;
    chain_holds(&[&certificate], &certificate, Purpose::Root)?;
    Ok(Issued {
        certificate,
        key,
        clamped: false,
    })
}

/// An intermediate: it vouches for leaves only.
pub fn issue_intermediate(
    recipe: &Recipe,
    root: &Authority,
    now: i64,
) -> Result<Issued, IssueError> {
    expect(recipe, "an intermediate", |purpose| {
        purpose == Purpose::Intermediate
    })?;
    if let Standing::Authority { below: Some(0) } = root.certificate().standing {
        return Err(IssueError::NoRoom(root.certificate().subject.clone()));
    }
    issue_lasting(recipe, root, now)
}

/// A server's or an agent's certificate, of the recipe's lifetime from `now` on, but never
/// beyond the authority's.
pub fn issue_leaf(recipe: &Recipe, authority: &Authority, now: i64) -> Result<Issued, IssueError> {
    expect(recipe, "a leaf", |purpose| !purpose.is_authority())?;
    issue_lasting(recipe, authority, now)
}

/// A leaf with exactly these dates, past ones too: for the throw-away clients of the proof.
pub fn issue_leaf_between(
    recipe: &Recipe,
    authority: &Authority,
    validity: Validity,
) -> Result<Issued, IssueError> {
    expect(recipe, "a leaf", |purpose| !purpose.is_authority())?;
    issue_between(recipe, authority, validity)
}

/// A signing request for somebody else's authority, as PEM. It asks for what the recipe says;
/// dates and constraints are the authority's to decide.
pub fn request(recipe: &Recipe, key: &SecretKey) -> Result<String, IssueError> {
    expect(recipe, "a leaf", |purpose| !purpose.is_authority())?;
    let not_made = |error: rcgen::Error| IssueError::NotMade(error.to_string());
    let mut params = params(recipe, Validity::days_from(0, recipe.days))?;
    params.serial_number = None;
    params.use_authority_key_identifier_extension = false;
    let request = params.serialize_request(key.pair()).map_err(not_made)?;
    request.pem().map_err(not_made)
}

fn issue_lasting(recipe: &Recipe, authority: &Authority, now: i64) -> Result<Issued, IssueError> {
    let above = authority.certificate();
    if !above.validity.contains(now) {
        return Err(IssueError::AuthorityNotValid(above.subject.clone()));
    }
    let wanted = Validity::days_from(now, recipe.days);
    let validity = wanted.within(above.validity);
    let clamped = validity.not_after < wanted.not_after;
    let made = issue_between(recipe, authority, validity)?;
    Ok(Issued { clamped, ..made })
}

fn issue_between(
    recipe: &Recipe,
    authority: &Authority,
    validity: Validity,
) -> Result<Issued, IssueError> {
    let above = authority.certificate();
    let cannot_repeat = || IssueError::AuthorityName(above.subject.clone());
    let key = SecretKey::generate(recipe.key)?;
    let issuer =
        Issuer::from_ca_cert_der(&CertificateDer::from(above.der()), authority.key().pair())
            .map_err(|_| cannot_repeat())?;
    let made = params(recipe, validity)?
        .signed_by(key.pair(), &issuer)
        .map_err(|error| IssueError::NotMade(error.to_string()))?;
    let certificate = read_back(made.der())?;
    if !certificate.names_as_issuer(above) {
        return Err(cannot_repeat());
    }
    let mut chain = vec![&certificate];
    chain.extend(authority.chain());
    chain_holds(&chain, authority.trusted(), recipe.purpose)?;
    Ok(Issued {
        certificate,
        key,
        clamped: false,
    })
}

fn expect(
    recipe: &Recipe,
    wanted: &'static str,
    fits: impl Fn(Purpose) -> bool,
) -> Result<(), IssueError> {
    if fits(recipe.purpose) {
        return Ok(());
    }
    let found = recipe.purpose;
    Err(IssueError::WrongPurpose { found, wanted })
}

fn read_back(der: &[u8]) -> Result<Certificate, IssueError> {
    Certificate::from_der(der).map_err(|error| IssueError::NotMade(error.to_string()))
}
