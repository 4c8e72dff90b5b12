use std::net::SocketAddr;

use super::super::lab::Nginx;
use super::*;
use crate::host::Local;
use crate::plan::Proof;
use crate::values::SubjectName;

/// The manager is `ui.example.com`; another server of the port ends the handshake of whoever asks
/// for `nobody.example.com`.
fn proof(nginx: &Nginx, elsewhere: &[&str]) -> Proof {
    let names = |names: &[&str]| {
        let names = names.iter().map(|name| name.parse().expect("a name"));
        names.map(SubjectName::Dns).collect::<Vec<_>>()
    };
    Proof {
        barred: std::collections::BTreeMap::new(),
        listeners: vec![SocketAddr::from(([127, 0, 0, 1], nginx.tls))],
        name: "ui.example.com".parse().expect("a name"),
        other_names: names(&["nobody.example.com"]),
        elsewhere: names(elsewhere),
        nameless_elsewhere: false,
        trust: ProofTrust::Kept,
        headers: Vec::new(),
        redirect: None,
        agents: None,
        agents_port: None,
        closed: Vec::new(),
        state: "/nonexistent".parse().expect("a path"),
        master: Some(0),
    }
}

fn row(host: &dyn Host, proof: &Proof, before: &Baseline, case: &str) -> Row {
    let mut found = Vec::new();
    let root = Err("not needed".to_owned());
    let pace = Pace::new(host, 0);
    rows(host, proof, &root, before, &pace, &mut |row| {
        found.push(row);
    });
    found.retain(|row| row.case == case);
    assert_eq!(found.len(), 1, "{case}");
    found.remove(0)
}

#[test]
fn whoever_was_refused_before_is_refused_as_before() {
    let (nginx, host) = (Nginx::start(), Local::live().expect("this machine"));
    let proof = proof(&nginx, &["nobody.example.com"]);
    let pace = Pace::new(&host, 0);
    let before = Baseline::take(&host, &proof, &pace);
    let seen = row(&host, &proof, &before, "browser, as nobody.example.com");
    assert_eq!(seen.ok, Some(true), "{seen:?}");
    for (words, start) in [
        (&seen.expected, "as before: refused ("),
        (&seen.seen, "refused ("),
    ] {
        assert!(
            words.starts_with(start) && words.contains("unrecognized name"),
            "{words}"
        );
    }
    let ui = row(&host, &proof, &before, "browser, as ui.example.com");
    assert_eq!(
        (ui.ok, ui.expected.as_str()),
        (Some(true), "as before, trusted")
    );
}

#[test]
fn a_refusal_where_a_page_was_before_is_no_proof_nor_another_refusal() {
    let (nginx, host) = (Nginx::start(), Local::live().expect("this machine"));
    let proof = proof(&nginx, &["nobody.example.com"]);
    let case = "browser, as nobody.example.com";
    let page = Before::Page(Page {
        status: 200,
        location: None,
    });
    for (was, ok) in [
        (page, false),
        (Before::Refused(Fault::Closed), false),
        (Before::Unknown, true),
    ] {
        let all = ways(&proof).into_iter();
        let before = Baseline(all.map(|way| (way, was.clone())).collect());
        assert_eq!(row(&host, &proof, &before, case).ok, Some(ok), "{was:?}");
    }
}

#[test]
fn the_names_of_the_manager_have_to_bring_a_page() {
    let (nginx, host) = (Nginx::start(), Local::live().expect("this machine"));
    let mut proof = proof(&nginx, &[]);
    let unknown = Baseline::unknown(&proof);
    let seen = row(&host, &proof, &unknown, "browser, as nobody.example.com");
    assert_eq!(seen.ok, Some(false), "{seen:?}");
    // Refused before or not, the name that agents and browsers use has to work.
    proof.name = "nobody.example.com".parse().expect("a name");
    proof.other_names.clear();
    let before = Baseline::take(&host, &proof, &Pace::new(&host, 0));
    let seen = row(&host, &proof, &before, "browser, as nobody.example.com");
    assert_eq!(
        (seen.ok, seen.expected.as_str()),
        (Some(false), "a page, trusted")
    );
}
