//! What may be sent as part of a request, and how what came back is shown.

use crate::values::escaped;

use super::fault::Fault;

/// How we introduce ourselves, so that the proof is recognised in access logs.
pub(super) const USER_AGENT: &str = concat!("nim-tls/", env!("CARGO_PKG_VERSION"));

/// The part of a body that is kept.
pub(super) const EXCERPT: usize = 200;

/// The part of a header's value that is kept.
const VALUE: usize = 300;

/// Refuses what could end a header line or a request early, or is too long for one frame.
pub(super) fn sendable<'a>(what: &str, text: &'a str) -> Result<&'a str, Fault> {
    if !text.is_empty() && text.len() <= 2000 && text.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err(Fault::Unsendable(format!(
            "the {what} \"{}\"",
            escaped(text)
        )))
    }
}

/// At most [`VALUE`] bytes of a header's value, safe to show.
pub(super) fn shown_value(value: &[u8]) -> String {
    shown(&value[..value.len().min(VALUE)])
}

/// The beginning of a body, safe to show.
pub(super) fn excerpt(body: &[u8]) -> String {
    shown(&body[..body.len().min(EXCERPT)])
}

fn shown(bytes: &[u8]) -> String {
    escaped(&String::from_utf8_lossy(bytes))
}
