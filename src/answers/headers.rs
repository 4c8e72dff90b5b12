//! Headers that tell browsers to be careful.

use std::collections::BTreeMap;

use super::draft::OptionsDraft;
use super::or;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecurityHeaders {
    /// For how many seconds browsers come back over HTTPS only.
    pub hsts_max_age: u32,
    /// The operator has named that time: another one that is there already gives way.
    pub hsts_chosen: bool,
}

/// A day: long enough to be seen working, short enough to be taken back.
const HSTS_MAX_AGE: u32 = 86_400;

pub(super) fn security_headers(
    defaults: &mut BTreeMap<String, String>,
    options: &OptionsDraft,
) -> Option<SecurityHeaders> {
    let field = "options.security_headers";
    if !or(defaults, field, options.security_headers, true) {
        return None;
    }
    let chosen = options.hsts_max_age;
    Some(SecurityHeaders {
        hsts_max_age: or(defaults, "options.hsts_max_age", chosen, HSTS_MAX_AGE),
        hsts_chosen: chosen.is_some(),
    })
}
