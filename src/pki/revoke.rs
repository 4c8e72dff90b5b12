//! Revoking: an authority signs the list of what it no longer vouches for.

use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, RevokedCertParams, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::authority::Authority;
use super::error::IssueError;
use crate::certificate::{RevocationList, Validity};

/// The list of an authority as PEM: serial numbers in hexadecimal, and when each was revoked.
///
/// It is good for as long as the authority itself: nginx refuses everybody by a list that has
/// ended, and this one lies beside nginx, so a new one takes its place whenever there is one.
pub fn issue_list<'a>(
    authority: &Authority,
    revoked: impl IntoIterator<Item = (&'a str, i64)>,
    now: i64,
) -> Result<String, IssueError> {
    let above = authority.certificate();
    let date = |seconds| OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| IssueError::Date);
    let not_made = |error: rcgen::Error| IssueError::NotMade(error.to_string());
    let mut entries = Vec::new();
    for (serial, at) in revoked {
        entries.push(RevokedCertParams {
            serial_number: SerialNumber::from_slice(&bytes(serial).ok_or(IssueError::Date)?),
            revocation_time: date(at)?,
            reason_code: None,
            invalidity_date: None,
        });
    }
    let key_id = above.subject_key_id.as_deref().and_then(bytes);
    let key_id = key_id.unwrap_or_default();
    let list = CertificateRevocationListParams {
        this_update: date(now - Validity::BACKDATED)?,
        next_update: date(above.validity.not_after)?,
        // Whichever list is later has the higher number.
        crl_number: SerialNumber::from(u64::try_from(now).unwrap_or_default()),
        issuing_distribution_point: None,
        revoked_certs: entries,
        key_identifier_method: KeyIdMethod::PreSpecified(key_id),
    };
    let issuer =
        Issuer::from_ca_cert_der(&CertificateDer::from(above.der()), authority.key().pair())
            .map_err(|_| IssueError::AuthorityName(above.subject.clone()))?;
    let pem = list
        .signed_by(&issuer)
        .and_then(|list| list.pem())
        .map_err(not_made)?;
    // As everybody else will read it.
    RevocationList::from_pem(pem.as_bytes())
        .map_err(|error| IssueError::NotMade(error.to_string()))?;
    Ok(pem)
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pair = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(pair).collect()
}
