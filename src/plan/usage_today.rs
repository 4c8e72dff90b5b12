//! The `mgmt` block of NGINX Plus as it stands: where usage reports go, and whether NGINX looks at
//! who takes them.

use crate::facts::{Facts, Known};
use crate::nginx::{Config, Directive, Place, flat};

/// The lines of the block called `name`.
pub(super) fn lines<'a>(
    block: &'a Directive,
    name: &'a str,
) -> impl Iterator<Item = &'a Directive> {
    flat(block.children()).filter(move |line| line.name == name)
}

/// Whether the block holds `name value;`.
pub(super) fn says(block: &Directive, name: &str, value: &str) -> bool {
    lines(block, name).any(|line| line.arg(0) == Some(value))
}

/// Every `mgmt` block. nginx takes one.
pub(super) fn blocks(config: &Config) -> impl Iterator<Item = &Directive> {
    config.top().filter(|line| line.name == "mgmt")
}

/// What a `usage_report` line names as the receiver, as it stands there: `endpoint=...`.
pub(super) fn endpoint(line: &Directive) -> Option<&str> {
    line.words().find(|word| word.starts_with(ENDPOINT))
}

pub(super) const ENDPOINT: &str = "endpoint=";

/// The line that has NGINX Plus report to whoever answers: verification is switched off, or,
/// before R33, never was switched on.
pub fn unverified_reports(facts: &Facts, config: &Config) -> Option<Place> {
    let block = blocks(config).next()?;
    if let Some(line) = lines(block, "ssl_verify").next() {
        return (line.arg(0) == Some("off")).then_some(line.at);
    }
    let Known::Is(nginx) = &facts.nginx else {
        return None; // whether it verifies by itself is not known
    };
    (!nginx.build.must_report_usage()).then_some(block.at)
}
