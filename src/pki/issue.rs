//! Issuing: from a recipe to a certificate and its key. What was issued is read back and
//! judged as a stranger's would be before anybody gets it.

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, DnValue, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyUsagePurpose, SanType, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::key::{KeyError, SecretKey};
use crate::certificate::{
    Certificate, ChainFault, DistinguishedName, NameConstraints, Permitted, Purpose, Recipe,
    Subtree, Validity, chain_holds, pem_chain,
};
use crate::values::SubjectName;

/// A certificate and the key that was made for it.
#[derive(Debug)]
pub struct Issued {
    pub certificate: Certificate,
    pub key: SecretKey,
    /// The recipe asked for more days than the issuer has left, and got fewer.
    pub clamped: bool,
}

/// An authority whose key is at hand.
#[derive(Debug)]
pub struct Authority {
    /// Its own certificate, then those above it.
    chain: Vec<Certificate>,
    key: SecretKey,
}

/// Why nothing was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("a recipe for {found} was used where one for {wanted} belongs")]
    WrongPurpose {
        found: Purpose,
        wanted: &'static str,
    },
    #[error("the authority's key does not belong to its certificate")]
    NotItsKey,
    #[error("the authority has no certificate")]
    NoAuthority,
    #[error("the authority {0} is not valid at this time")]
    AuthorityNotValid(String),
    /// rcgen keeps one attribute of a kind, so a subject with two of them cannot be repeated.
    #[error("the authority's name ({0}) has a form in which this program cannot issue")]
    AuthorityName(String),
    #[error("the new certificate would not be accepted: {0}")]
    Refused(#[from] ChainFault),
    #[error("the date is out of range")]
    Date,
    #[error("the certificate could not be made: {0}")]
    NotMade(String),
}

impl Authority {
    /// Opens an authority: its certificate first, then those above it up to the one that is
    /// trusted. The key must belong to the first.
    pub fn open(chain: Vec<Certificate>, key: SecretKey) -> Result<Self, IssueError> {
        let first = chain.first().ok_or(IssueError::NoAuthority)?;
        if first.public_key != key.public_key_digest() {
            return Err(IssueError::NotItsKey);
        }
        let trusted = chain.last().ok_or(IssueError::NoAuthority)?;
        if chain.len() > 1 {
            chain_holds(&chain, trusted, Purpose::Intermediate)?;
        }
        Ok(Self { chain, key })
    }

    /// The authority that was just issued by `above`; a root has none above it.
    pub fn from_issued(issued: Issued, above: Option<&Authority>) -> Result<Self, IssueError> {
        let mut chain = vec![issued.certificate];
        chain.extend(above.into_iter().flat_map(|one| one.chain.iter().cloned()));
        Self::open(chain, issued.key)
    }

    pub fn certificate(&self) -> &Certificate {
        &self.chain[0]
    }

    /// The authority's certificate and those above it, the trusted one last.
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    pub fn key(&self) -> &SecretKey {
        &self.key
    }

    fn trusted(&self) -> &Certificate {
        &self.chain[self.chain.len() - 1]
    }

    /// What goes into the file of a leaf: the leaf, then every authority below the trusted one.
    pub fn leaf_file(&self, leaf: &Certificate) -> String {
        let between = &self.chain[..self.chain.len() - 1];
        pem_chain(std::iter::once(leaf).chain(between))
    }
}

/// A root: it vouches for itself, for one further authority below it and, by critical name
/// constraints, for nothing outside of what the recipe permits.
pub fn issue_root(recipe: &Recipe, now: i64) -> Result<Issued, IssueError> {
    expect(recipe, "a root", |purpose| purpose == Purpose::Root)?;
    let key = SecretKey::generate(recipe.key)?;
    let validity = Validity::days_from(now, recipe.days);
    let signed = params(recipe, validity)?
        .self_signed(key.pair())
        .map_err(|error| IssueError::NotMade(error.to_string()))?;
    let certificate = read_back(signed.der())?;
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

fn issue_lasting(recipe: &Recipe, issuer: &Authority, now: i64) -> Result<Issued, IssueError> {
    let above = issuer.certificate();
    if !above.validity.contains(now) {
        return Err(IssueError::AuthorityNotValid(above.subject.clone()));
    }
    let wanted = Validity::days_from(now, recipe.days);
    let validity = wanted.within(above.validity);
    let issued = issue_between(recipe, issuer, validity)?;
    Ok(Issued {
        clamped: validity.not_after < wanted.not_after,
        ..issued
    })
}

fn issue_between(
    recipe: &Recipe,
    issuer: &Authority,
    validity: Validity,
) -> Result<Issued, IssueError> {
    let above = issuer.certificate();
    let cannot_repeat = || IssueError::AuthorityName(above.subject.clone());
    let key = SecretKey::generate(recipe.key)?;
    let signer = Issuer::from_ca_cert_der(&CertificateDer::from(above.der()), issuer.key.pair())
        .map_err(|_| cannot_repeat())?;
    let signed = params(recipe, validity)?
        .signed_by(key.pair(), &signer)
        .map_err(|error| IssueError::NotMade(error.to_string()))?;
    let certificate = read_back(signed.der())?;
    if !certificate.names_as_issuer(above) {
        return Err(cannot_repeat());
    }
    let mut chain = vec![&certificate];
    chain.extend(&issuer.chain);
    chain_holds(&chain, issuer.trusted(), recipe.purpose)?;
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

/// The certificate of a recipe, before it is signed.
fn params(recipe: &Recipe, validity: Validity) -> Result<CertificateParams, IssueError> {
    let date = |seconds| OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| IssueError::Date);
    let mut params = CertificateParams::default();
    params.not_before = date(validity.not_before)?;
    params.not_after = date(validity.not_after)?;
    params.serial_number = Some(random_serial()?);
    params.distinguished_name = subject(&recipe.subject);
    params.use_authority_key_identifier_extension = true;
    for name in &recipe.names {
        params.subject_alt_names.push(match name {
            SubjectName::Ip(address) => SanType::IpAddress(*address),
            SubjectName::Dns(host) => SanType::DnsName(
                host.as_str()
                    .try_into()
                    .map_err(|error: rcgen::Error| IssueError::NotMade(error.to_string()))?,
            ),
        });
    }
    let authority = [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    match recipe.purpose {
        Purpose::Root | Purpose::Intermediate => {
            let below = u8::from(recipe.purpose == Purpose::Root);
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
            params.key_usages = authority.to_vec();
        }
        Purpose::Server => {
            params.is_ca = IsCa::ExplicitNoCa;
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            if recipe.key.is_rsa() {
                // For the key exchange of TLS 1.2 without forward secrecy, which our own
                // servers do not offer but others that get the certificate may.
                params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
            }
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        }
        Purpose::Agent => {
            params.is_ca = IsCa::ExplicitNoCa;
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }
    }
    let permitted = recipe.permitted.as_ref().map(Permitted::constraints);
    params.name_constraints = permitted.as_ref().map(constraints);
    Ok(params)
}

fn subject(name: &DistinguishedName) -> rcgen::DistinguishedName {
    let parts = name.parts();
    let mut subject = rcgen::DistinguishedName::new();
    // X.520 wants the country, and only the country, as a PrintableString.
    if let Some(country) = &parts.country
        && let Ok(country) = country.as_str().try_into()
    {
        subject.push(DnType::CountryName, DnValue::PrintableString(country));
    }
    let optional = [
        (DnType::StateOrProvinceName, &parts.state),
        (DnType::LocalityName, &parts.locality),
        (DnType::OrganizationName, &parts.organization),
    ];
    for (kind, value) in optional {
        if let Some(value) = value {
            subject.push(kind, value.as_str());
        }
    }
    subject.push(DnType::CommonName, parts.common_name.as_str());
    subject
}

fn constraints(ours: &NameConstraints) -> rcgen::NameConstraints {
    let subtrees = |trees: &[Subtree]| {
        let known = trees.iter().filter_map(|tree| match tree {
            Subtree::Dns(zone) => Some(GeneralSubtree::DnsName(zone.clone())),
            Subtree::Ip { address, mask } => {
                let ones = match mask {
                    std::net::IpAddr::V4(mask) => mask.to_bits().count_ones(),
                    std::net::IpAddr::V6(mask) => mask.to_bits().count_ones(),
                };
                let prefix = u8::try_from(ones).unwrap_or(u8::MAX);
                let subnet = CidrSubnet::from_addr_prefix(*address, prefix);
                Some(GeneralSubtree::IpAddress(subnet))
            }
            Subtree::Other(_) => None,
        });
        known.collect()
    };
    rcgen::NameConstraints {
        permitted_subtrees: subtrees(&ours.permitted),
        excluded_subtrees: subtrees(&ours.excluded),
    }
}

/// 128 random bits; positive and never zero, as RFC 5280 asks (4.1.2.2).
fn random_serial() -> Result<SerialNumber, IssueError> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| KeyError::NotMade)?;
    bytes[15] |= u8::from(bytes == [0; 16]);
    Ok(SerialNumber::from_slice(&bytes))
}
