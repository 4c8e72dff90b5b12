//! `allow` and `deny`: whether a client of some address may come in at all.

use std::net::IpAddr;

use crate::nginx::{Directive, Scope, flat};

/// The line that keeps a client of this address out. The rules of the innermost level that has
/// any count, and of them the first that fits.
pub(super) fn denied<'a>(scope: &Scope<'a>, from: IpAddr) -> Option<&'a Directive> {
    let is_rule = |line: &&Directive| matches!(line.name.as_str(), "allow" | "deny");
    let levels = scope.levels().iter().rev();
    let mut rules = levels.map(|level| flat(level).filter(is_rule).collect::<Vec<_>>());
    let rules = rules.find(|rules| !rules.is_empty())?;
    let fits = |line: &&Directive| line.arg(0).is_some_and(|whom| means(whom, from));
    let rule = rules.into_iter().find(fits)?;
    (rule.name == "deny").then_some(rule)
}

/// Whether an address is among those that a rule is for.
fn means(whom: &str, from: IpAddr) -> bool {
    if whom == "all" {
        return true;
    }
    let (network, bits) = match whom.split_once('/') {
        Some((network, bits)) => (network, bits.parse().ok()),
        None => (whom, Some(128)),
    };
    let (Ok(network), Some(bits)) = (network.parse::<IpAddr>(), bits) else {
        return false;
    };
    match (network.to_canonical(), from.to_canonical()) {
        (IpAddr::V4(network), IpAddr::V4(from)) => {
            (u32::from(network) ^ u32::from(from)).leading_zeros() >= bits.min(32)
        }
        (IpAddr::V6(network), IpAddr::V6(from)) => {
            (u128::from(network) ^ u128::from(from)).leading_zeros() >= bits.min(128)
        }
        _ => false,
    }
}
