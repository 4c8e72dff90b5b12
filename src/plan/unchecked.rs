//! nginx asks no check for a request that it makes itself while it serves another one (its
//! access phase passes such requests over; seen on 1.22.1 with each directive here): one that
//! ends in a gRPC location reaches the service.

use std::collections::BTreeSet;

use super::site::{SERVICES, Site, quoted, within};
use super::template::CHECK;
use crate::error::Problem;
use crate::nginx::{Directive, Location, Scope};

/// The directives that make nginx ask for a path of the same server.
const ASKING: [&str; 4] = [
    "mirror",
    "auth_request",
    "add_before_body",
    "add_after_body",
];

/// Refuses a configuration in which one does, with the place.
pub(super) fn refuse(site: &Site<'_>) -> Result<(), Problem> {
    let levels = site.server.all_locations();
    let levels = levels.iter().map(|level| &level.scope);
    for scope in std::iter::once(&site.server.scope).chain(levels) {
        for line in ASKING.iter().flat_map(|name| scope.nearest(name)) {
            let path = line.arg(0).unwrap_or_default();
            if path != CHECK && ends_in_gate(site, path) {
                let why = format!("{} reaches the agents' service unchecked", quoted(line));
                return Err(site.refused(line, why).remedy("take this line out"));
            }
        }
        for line in scope.nearest("ssi") {
            if line.arg(0) == Some("on") {
                let why = "a page could include a call to the agents' service, unchecked";
                return Err(site.refused(line, why).remedy("set ssi off in this server"));
            }
        }
    }
    Ok(())
}

/// Whether a request for `path` can end in a guarded location.
fn ends_in_gate<'a>(site: &Site<'a>, path: &'a str) -> bool {
    let mut ahead = vec![path];
    let mut seen = BTreeSet::new();
    while let Some(path) = ahead.pop() {
        let path = path.split('?').next().unwrap_or_default();
        if !seen.insert(path) {
            continue;
        }
        if let Some((written, _)) = path.split_once('$') {
            // The rest is the request's to choose.
            let services = SERVICES.iter().map(|service| format!("/{service}"));
            let gates = site.gates.iter().map(|gate| gate.pattern.to_owned());
            let mut calls = services.chain(gates);
            if calls.any(|call| call.starts_with(written) || written.starts_with(&*call)) {
                return true;
            }
        } else {
            let selected = site.http.find_location_for(site.server, path);
            for found in selected.maybe.into_iter().chain(selected.location) {
                if is_gate(site, found) {
                    return true;
                }
                ahead.extend(turnings(found));
            }
        }
    }
    false
}

fn is_gate(site: &Site<'_>, location: &Location<'_>) -> bool {
    let is = |block: &Directive| std::ptr::eq(block, location.directive);
    let mut gates = site.gates.iter();
    gates.any(|gate| is(gate.directive) || within(gate).into_iter().any(is))
}

/// The paths to which a location can hand a request on.
fn turnings<'a>(location: &'a Location<'a>) -> impl Iterator<Item = &'a str> {
    let scopes: Vec<&Scope<'a>> = std::iter::once(&location.scope)
        .chain(location.conditionals.iter().map(|one| &one.scope))
        .collect();
    let lines = scopes.into_iter().flat_map(|scope| {
        let rewrites = scope
            .own("rewrite")
            .into_iter()
            .filter(|line| goes_on(line));
        let rewrites = rewrites.filter_map(|line| line.arg(1));
        let pages = ["error_page", "try_files"].into_iter();
        let pages = pages.flat_map(|name| scope.nearest(name));
        rewrites.chain(pages.filter_map(|line| line.words().last()))
    });
    lines.filter(|path| path.starts_with(['/', '$']))
}

/// Whether a `rewrite` looks for another location.
fn goes_on(rewrite: &Directive) -> bool {
    matches!(rewrite.arg(2), None | Some("last"))
}
