//! From DER to [`Certificate`]. The bytes may come from anybody.

use std::collections::BTreeSet;
use std::net::IpAddr;

use x509_parser::asn1_rs::Any;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, GeneralSubtree, ParsedExtension, X509Extension};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::constraint::{NameConstraints, Subtree};
use super::read::{Certificate, EntryName, ExtendedUse, KeyUse, Standing};
use super::recipe::Validity;
use super::subject::{Style, common_name, name_text};
use crate::values::{Digest, Gather as _, HostName, SubjectName, escaped};

/// The error is a fragment that says why these bytes are not a certificate.
pub(super) fn parse(der: &[u8]) -> Result<Certificate, String> {
    let (rest, x509) = X509Certificate::from_der(der)
        .map_err(|_| "its contents are not a certificate".to_owned())?;
    if !rest.is_empty() {
        return Err("bytes follow its end".to_owned());
    }
    if algorithms(der).is_none_or(|(signed, outside)| signed != outside) {
        return Err("it names two different signature algorithms".to_owned());
    }
    let (key_kind, weak_key) = key_kind(x509.public_key());
    let mut certificate = Certificate {
        subject: name_text(x509.subject(), Style::Shown),
        issuer: name_text(x509.issuer(), Style::Shown),
        subject_rfc2253: name_text(x509.subject(), Style::Rfc2253),
        common_name: common_name(x509.subject()).map(|name| escaped(&name)),
        serial: hex(x509.raw_serial()).to_uppercase(),
        validity: Validity {
            not_before: x509.validity().not_before.timestamp(),
            not_after: x509.validity().not_after.timestamp(),
        },
        names: Vec::new(),
        standing: Standing::Leaf,
        key_use: None,
        extended_use: None,
        key_kind,
        public_key: Digest::of(x509.public_key().raw),
        weak_key,
        weak_signature: is_weak_signature(&x509.signature_algorithm.algorithm.to_id_string()),
        subject_key_id: None,
        authority_key_id: None,
        constraints: None,
        unjudged: Vec::new(),
        fingerprint: Digest::of(der),
        der: der.to_vec(),
        subject_der: x509.subject().as_raw().to_vec(),
        issuer_der: x509.issuer().as_raw().to_vec(),
    };
    let mut seen = BTreeSet::new();
    for extension in x509.extensions() {
        let oid = extension.oid.to_id_string();
        if !seen.insert(oid.clone()) {
            return Err(format!("it has the extension {oid} twice"));
        }
        if !take(&mut certificate, extension)? && extension.critical {
            certificate.unjudged.push(oid);
        }
    }
    Ok(certificate)
}

/// The signature algorithm as the signed part gives it, and as it stands outside of that,
/// where anybody can change it: RFC 5280 (4.1.1.2) wants them to be the same.
fn algorithms(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = |der| Some(Any::from_der(der).ok()?.1.data);
    let split = |der| {
        let (rest, _) = Any::from_der(der).ok()?;
        Some(der.split_at(der.len() - rest.len()))
    };
    let (signed, after) = split(inside(der)?)?;
    let (outside, _signature) = split(after)?;
    let (version_or_serial, mut after) = split(inside(signed)?)?;
    // Version 1 leaves the version out, so that the serial number stands first.
    if version_or_serial.first() == Some(&0xa0) {
        (_, after) = split(after)?;
    }
    let (algorithm, _) = split(after)?;
    Some((algorithm, outside))
}

/// The kind of a public key in the words of [`super::KeyKind`] where it is one of those, from
/// its DER (`SubjectPublicKeyInfo`).
pub fn describe_public_key(spki: &[u8]) -> Option<String> {
    let (rest, spki) = SubjectPublicKeyInfo::from_der(spki).ok()?;
    rest.is_empty().then(|| key_kind(&spki).0)
}

/// Takes over what an extension says; false where it is of no interest here.
fn take(certificate: &mut Certificate, extension: &X509Extension<'_>) -> Result<bool, String> {
    match extension.parsed_extension() {
        ParsedExtension::BasicConstraints(basic) => {
            if basic.ca {
                let below = basic.path_len_constraint;
                certificate.standing = Standing::Authority { below };
            }
        }
        ParsedExtension::KeyUsage(usage) => {
            let uses = [
                (usage.digital_signature(), KeyUse::DigitalSignature),
                (usage.key_encipherment(), KeyUse::KeyEncipherment),
                (usage.key_agreement(), KeyUse::KeyAgreement),
                (usage.key_cert_sign(), KeyUse::CertificateSign),
                (usage.crl_sign(), KeyUse::CrlSign),
            ];
            certificate.key_use = Some(chosen(&uses));
        }
        ParsedExtension::ExtendedKeyUsage(usage) => {
            let other = usage.code_signing
                || usage.email_protection
                || usage.time_stamping
                || usage.ocsp_signing
                || !usage.other.is_empty();
            let uses = [
                (usage.server_auth, ExtendedUse::Server),
                (usage.client_auth, ExtendedUse::Client),
                (usage.any, ExtendedUse::Any),
                (other, ExtendedUse::Other),
            ];
            certificate.extended_use = Some(chosen(&uses));
        }
        ParsedExtension::SubjectAlternativeName(names) => {
            certificate.names = names.general_names.iter().map(entry_name).collect();
        }
        ParsedExtension::SubjectKeyIdentifier(id) => {
            certificate.subject_key_id = Some(hex(id.0));
        }
        ParsedExtension::AuthorityKeyIdentifier(id) => {
            certificate.authority_key_id = id.key_identifier.as_ref().map(|id| hex(id.0));
        }
        ParsedExtension::NameConstraints(constraints) => {
            let subtrees = |trees: Option<&Vec<GeneralSubtree<'_>>>| {
                trees.into_iter().flatten().map(subtree).collect()
            };
            certificate.constraints = Some(NameConstraints {
                permitted: subtrees(constraints.permitted_subtrees.as_ref()),
                excluded: subtrees(constraints.excluded_subtrees.as_ref()),
            });
        }
        ParsedExtension::ParseError { .. } => {
            return Err(format!("its extension {} is damaged", extension.oid));
        }
        // OpenSSL takes a policy as understood unless it was told to enforce one.
        ParsedExtension::CertificatePolicies(_) => {}
        _ => return Ok(false),
    }
    Ok(true)
}

fn chosen<T: Copy + Ord>(uses: &[(bool, T)]) -> BTreeSet<T> {
    uses.iter()
        .filter(|(set, _)| *set)
        .map(|(_, u)| *u)
        .gathered()
}

pub(super) fn entry_name(name: &GeneralName<'_>) -> EntryName {
    match name {
        GeneralName::DNSName(text) => {
            // Only ASCII can be a host name here: nothing is converted on a peer's behalf.
            let host = |text: &str| -> Option<HostName> {
                text.is_ascii().then(|| text.parse().ok()).flatten()
            };
            let exact = || host(text).map(|host| EntryName::Exact(SubjectName::Dns(host)));
            let wildcard = || {
                text.strip_prefix("*.")
                    .and_then(host)
                    .map(EntryName::Wildcard)
            };
            exact()
                .or_else(wildcard)
                .unwrap_or_else(|| EntryName::Other(format!("DNS:{}", escaped(text))))
        }
        GeneralName::IPAddress(octets) => match address(octets) {
            Some(address) => EntryName::Exact(SubjectName::Ip(address)),
            None => EntryName::Other(format!("IP:{}", hex(octets))),
        },
        GeneralName::RFC822Name(text) => EntryName::Other(format!("email:{}", escaped(text))),
        GeneralName::URI(text) => EntryName::Other(format!("URI:{}", escaped(text))),
        GeneralName::DirectoryName(name) => {
            EntryName::Other(format!("dirName:{}", name_text(name, Style::Shown)))
        }
        _ => EntryName::Other("a name of another kind".to_owned()),
    }
}

fn subtree(tree: &GeneralSubtree<'_>) -> Subtree {
    match &tree.base {
        GeneralName::DNSName(zone) if zone.is_ascii() => Subtree::Dns(zone.to_ascii_lowercase()),
        GeneralName::IPAddress(octets) => {
            let (base, mask) = octets.split_at(octets.len() / 2);
            match (address(base), address(mask)) {
                (Some(address), Some(mask)) => Subtree::Ip { address, mask },
                _ => Subtree::Other(format!("IP:{}", hex(octets))),
            }
        }
        other => Subtree::Other(match entry_name(other) {
            EntryName::Other(text) => text,
            name => name.to_string(),
        }),
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
        _ => None,
    }
}

/// The kind of a key, and whether it is too weak to be used.
pub(super) fn key_kind(spki: &SubjectPublicKeyInfo<'_>) -> (String, bool) {
    let algorithm = spki.algorithm.algorithm.to_id_string();
    let curve = || {
        let parameters = spki.algorithm.parameters.as_ref()?;
        Some(parameters.as_oid().ok()?.to_id_string())
    };
    match (algorithm.as_str(), spki.parsed()) {
        ("1.2.840.10045.2.1", _) => match curve().as_deref() {
            Some("1.2.840.10045.3.1.7") => ("ecdsa-p256".to_owned(), false),
            Some("1.3.132.0.34") => ("ecdsa-p384".to_owned(), false),
            Some("1.3.132.0.35") => ("ecdsa-p521".to_owned(), false),
            Some(other) => (format!("ecdsa on curve {other}"), false),
            None => ("ecdsa on a curve of its own".to_owned(), true),
        },
        ("1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10", Ok(PublicKey::RSA(rsa))) => {
            let modulus = rsa.modulus.iter().copied().skip_while(|byte| *byte == 0);
            let modulus: Vec<u8> = modulus.collect();
            let unused = modulus.first().map_or(0, |byte| byte.leading_zeros());
            let bits = modulus.len() * 8 - unused as usize;
            (format!("rsa-{bits}"), bits < 2048)
        }
        ("1.3.101.112", _) => ("ed25519".to_owned(), false),
        ("1.3.101.113", _) => ("ed448".to_owned(), false),
        _ => (format!("a key of kind {algorithm}"), false),
    }
}

/// MD2, MD5 and SHA-1 with RSA; SHA-1 with ECDSA and DSA.
fn is_weak_signature(oid: &str) -> bool {
    matches!(
        oid,
        "1.2.840.113549.1.1.2"
            | "1.2.840.113549.1.1.4"
            | "1.2.840.113549.1.1.5"
            | "1.3.14.3.2.29"
            | "1.2.840.10045.4.1"
            | "1.2.840.10040.4.3"
    )
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
        text
    })
}
