#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Status, checks};
use crate::facts::Generation;
use crate::facts::{Build, Facts, Known, Listener, Master, Nginx, Product, State};

/// A host of which nothing could be told.
fn unclear() -> Facts {
    fn no<T>() -> Known<T> {
        Known::Unclear("nobody looked".to_owned())
    }
    Facts {
        looked_at: 1_790_000_000,
        live: true,
        root: true,
        os: no(),
        systemd: no(),
        nim: no(),
        agent: no(),
        nginx: no(),
        config: no(),
        services: BTreeMap::new(),
        listeners: no(),
        connected: no(),
        names: BTreeMap::new(),
        own_addresses: BTreeSet::new(),
        nginx_names: BTreeMap::new(),
        socket_paths: BTreeMap::new(),
        trust_store: no(),
        trust_obstacle: None,
        no_private_copy: None,
        selinux: no(),
        firewall: no(),
        fips: no(),
        clock_synchronised: no(),
        space: BTreeMap::from([("/etc".parse().unwrap(), no())]),
        files: BTreeMap::new(),
        links: BTreeMap::new(),
        state: State {
            folder: "/var/lib/nim-tls".parse().unwrap(),
            ca: no(),
            issued: BTreeMap::new(),
            unfinished: None,
        },
    }
}

fn nginx(options: &[&str]) -> Nginx {
    let build = Build {
        version: (1, 22, 1),
        plus: None,
        openssl: None,
        options: options.iter().map(|option| (*option).to_owned()).collect(),
    };
    Nginx {
        binary: "/usr/sbin/nginx".to_owned(),
        build,
        on_disk: None,
        main: "/etc/nginx/nginx.conf".to_owned(),
        args: Vec::new(),
        master: Some(Master {
            pid: 7,
            loaded_at: None,
        }),
        loads: Known::Is(Ok(())),
    }
}

fn check(facts: &Facts, id: &str) -> Check {
    checks(facts)
        .into_iter()
        .find(|check| check.id == id)
        .unwrap()
}

#[test]
fn what_is_unclear_is_neither_good_nor_bad_and_says_why() {
    let checks = checks(&unclear());
    for check in &checks {
        match check.id {
            "root" | "unfinished" => assert_eq!(check.status, Status::Ok, "{check:?}"),
            // Of no file it is known that it is there.
            "certificates" => assert_eq!(check.status, Status::Ok, "{check:?}"),
            _ => {
                assert_eq!(check.status, Status::Unknown, "{check:?}");
                assert!(check.detail.contains("nobody looked"), "{check:?}");
            }
        }
    }
    assert!(checks.len() > 12);
}

#[test]
fn what_stops_a_plan_comes_first_and_has_a_remedy() {
    let mut facts = unclear();
    facts.root = false;
    facts.nim = Known::Absent;
    facts.clock_synchronised = Known::Is(false);
    let checks = checks(&facts);
    let statuses: Vec<Status> = checks.iter().map(|check| check.status).collect();
    assert!(statuses.is_sorted());
    let failed: Vec<&str> = checks
        .iter()
        .filter(|check| check.status == Status::Failed)
        .map(|check| check.id)
        .collect();
    assert_eq!(failed, ["root", "nim"]);
    let mended = |check: &&Check| check.status <= Status::Warning;
    assert!(
        checks
            .iter()
            .filter(mended)
            .all(|check| check.remedy.is_some()),
        "{checks:?}"
    );
}

#[test]
fn a_missing_module_is_named() {
    let mut facts = unclear();
    facts.nginx = Known::Is(nginx(&["--with-http_ssl_module", "--with-http_v2_module"]));
    let modules = check(&facts, "nginx-modules");
    assert_eq!(modules.status, Status::Failed);
    assert!(
        modules.detail.contains("--with-http_auth_request_module"),
        "{modules:?}"
    );
    assert!(!modules.detail.contains("http_v2"), "{modules:?}");
}

#[test]
fn a_port_in_other_hands_names_its_holder() {
    let mut facts = unclear();
    let listener = |nginx, program: &str| Listener {
        at: "0.0.0.0:443".parse().unwrap(),
        holders: vec![(program.to_owned(), 12)],
        nginx,
    };
    facts.listeners = Known::Is(vec![listener(false, "httpd\u{1b}[2J")]);
    let port = check(&facts, "port");
    assert_eq!(port.status, Status::Failed);
    assert!(port.detail.contains("httpd\\u{1b}"), "{port:?}");
    facts.listeners = Known::Is(vec![listener(true, "nginx")]);
    assert_eq!(check(&facts, "port").status, Status::Ok);
}

#[test]
fn the_first_generation_and_agents_of_the_third_are_said() {
    let mut facts = unclear();
    facts.nim = Known::Is(Product {
        generation: Generation::Nim1,
        version: None,
        evidence: "a file".to_owned(),
    });
    facts.agent = Known::Is("3.1.0".to_owned());
    assert_eq!(check(&facts, "nim").status, Status::Failed);
    assert_eq!(check(&facts, "agent").status, Status::Warning);
    facts.agent = Known::Is("2.30.1".to_owned());
    assert_eq!(check(&facts, "agent").status, Status::Ok);
}

#[test]
fn too_little_space_stops_a_plan() {
    let mut facts = unclear();
    let space = |free| BTreeMap::from([("/etc".parse().unwrap(), Known::Is(free))]);
    facts.space = space((16 << 20) - 1);
    assert_eq!(check(&facts, "space").status, Status::Failed);
    facts.space = space(16 << 20);
    assert_eq!(check(&facts, "space").status, Status::Ok);
}
