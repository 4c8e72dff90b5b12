//! From a recipe to what rcgen signs. Its defaults are never relied on: they would make a
//! certificate that is valid until the year 4096.

use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, DnValue, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, KeyUsagePurpose, SanType, SerialNumber,
};
use time::OffsetDateTime;

use super::error::IssueError;
use super::key::KeyError;
use crate::certificate::{
    DistinguishedName, NameConstraints, Permitted, Purpose, Recipe, Subtree, Validity,
};
use crate::values::SubjectName;

/// The certificate of a recipe, before it is signed.
pub(super) fn params(recipe: &Recipe, validity: Validity) -> Result<CertificateParams, IssueError> {
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
                    IpAddr::V4(mask) => mask.to_bits().count_ones(),
                    IpAddr::V6(mask) => mask.to_bits().count_ones(),
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
