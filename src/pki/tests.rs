//! Keys and certificates against OpenSSL and `GnuTLS` as independent judges.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chains;
mod fuzz;
mod issuing;
mod keeping;
mod keys;
mod requests;
mod tools;

use super::*;
use crate::certificate::{DistinguishedName, KeyKind, NameParts, Permitted, Purpose, Recipe};
use crate::values::SubjectName;

/// 2026-11-23, and not by the clock.
const NOW: i64 = 1_795_392_000;

fn name(text: &str) -> SubjectName {
    text.parse().unwrap()
}

fn subject(common_name: &str) -> DistinguishedName {
    NameParts {
        country: Some("US".to_owned()),
        state: Some("California".to_owned()),
        locality: Some("Köln".to_owned()),
        organization: Some("Example, Inc.".to_owned()),
        common_name: common_name.to_owned(),
    }
    .try_into()
    .unwrap()
}

fn recipe(purpose: Purpose, common_name: &str, names: &[&str]) -> Recipe {
    let days = match purpose {
        Purpose::Root => 3650,
        Purpose::Intermediate => 1825,
        Purpose::Server | Purpose::Agent => 365,
    };
    Recipe {
        purpose,
        subject: subject(common_name),
        names: names.iter().map(|text| name(text)).collect(),
        key: KeyKind::EcdsaP256,
        days,
        permitted: None,
    }
}

/// A root that permits these names, and an intermediate below it.
fn authorities(key: KeyKind, permitted: &[&str]) -> (Authority, Authority) {
    authorities_at(NOW, key, permitted)
}

fn authorities_at(now: i64, key: KeyKind, permitted: &[&str]) -> (Authority, Authority) {
    let names: Vec<_> = permitted.iter().map(|text| name(text)).collect();
    let root = Recipe {
        permitted: Some(Permitted::for_names(&names)),
        key,
        ..recipe(Purpose::Root, "Example Root", &[])
    };
    let below = Recipe {
        key,
        ..recipe(Purpose::Intermediate, "Example Intermediate", &[])
    };
    let root = Authority::from_issued(issue_root(&root, now).unwrap(), None).unwrap();
    let issued = issue_intermediate(&below, &root, now).unwrap();
    let intermediate = Authority::from_issued(issued, Some(&root)).unwrap();
    (root, intermediate)
}

fn server(authority: &Authority) -> Issued {
    let recipe = recipe(
        Purpose::Server,
        "nim.example.com",
        &["nim.example.com", "nim", "10.0.0.5", "fd00::5"],
    );
    issue_leaf(&recipe, authority, NOW).unwrap()
}

fn agent(authority: &Authority, host: &str) -> Issued {
    issue_leaf(&recipe(Purpose::Agent, host, &[host]), authority, NOW).unwrap()
}

const IN_PLAY: [&str; 4] = ["nim.example.com", "nim", "10.0.0.5", "fd00::5"];
