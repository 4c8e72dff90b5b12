#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Status, checks};
use crate::facts::Generation;
use crate::facts::Service;
use crate::facts::{Build, Facts, FileFact, Known, Listener, Master, Nginx, Product, State};
use crate::values::{AbsPath, HostName};

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
        manager_setup: crate::facts::ManagerSetup::none(),
        agent: no(),
        nginx: no(),
        config: no(),
        services: BTreeMap::new(),
        program: no(),
        watch: crate::facts::WatchUnits::default(),
        listeners: no(),
        connected: no(),
        agents: no(),
        names: BTreeMap::new(),
        own_addresses: BTreeSet::new(),
        nginx_names: BTreeMap::new(),
        socket_paths: BTreeMap::new(),
        trust_store: no(),
        trust_obstacle: None,
        agent_setup: crate::facts::AgentSetup::none(),
        ends_tls: None,
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
            refused_agents: None,
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
            "certificates" | "places" => assert_eq!(check.status, Status::Ok, "{check:?}"),
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
    // It is called nginx, and is not the one that was found.
    facts.listeners = Known::Is(vec![listener(false, "nginx")]);
    let said = check(&facts, "port").detail;
    assert!(
        said.contains("no program nginx was found") && !said.contains("not to nginx"),
        "{said}"
    );
    facts.nginx = Known::Is(nginx(&[]));
    let said = check(&facts, "port").detail;
    assert!(said.contains("another nginx (process 12)"), "{said}");
    // Nobody may be seen.
    facts.root = false;
    facts.listeners = Known::Is(vec![Listener {
        holders: Vec::new(),
        ..listener(false, "")
    }]);
    let port = check(&facts, "port");
    assert_eq!(port.status, Status::Unknown);
    assert_eq!(port.remedy.as_deref(), Some("sudo nim-tls check"));
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
    let nim = check(&facts, "nim");
    assert_eq!(nim.status, Status::Ok);
    assert!(nim.detail.starts_with("1, "), "{}", nim.detail);
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

#[test]
fn what_keeps_files_from_being_placed_stops_a_plan() {
    let mut facts = unclear();
    let blocked = |why: &str| FileFact::Nothing {
        obstacle: Some(why.to_owned()),
    };
    let path = |text: &str| text.parse::<AbsPath>().unwrap();
    assert_eq!(check(&facts, "places").status, Status::Ok);
    let open = "everybody may replace files in /var/lib/nim-tls: chmod o-w /var/lib/nim-tls";
    facts
        .files
        .insert(path("/var/lib/nim-tls/ca/root.crt"), blocked(open));
    let places = check(&facts, "places");
    assert_eq!(places.status, Status::Failed);
    assert!(
        places.detail.contains("everybody may replace"),
        "{places:?}"
    );
    assert_eq!(places.remedy.as_deref(), Some("chmod o-w /var/lib/nim-tls"));
    // One word for a folder, however many files of it are in play.
    let read_only =
        "the filesystem of /etc/nms/certs is mounted read-only: mount -o remount,rw /etc";
    facts
        .files
        .insert(path("/etc/nms/certs/server.crt"), blocked(read_only));
    facts
        .files
        .insert(path("/etc/nms/certs/server.key"), blocked(read_only));
    let places = check(&facts, "places");
    assert!(places.detail.ends_with("and 1 more"), "{places:?}");
    facts.root = false;
    assert_eq!(check(&facts, "places").status, Status::Unknown);
}

/// Red where a unit counts as one that starts with the system because it runs.
#[test]
fn a_service_that_would_be_missed_after_the_next_start_is_said() {
    let found = |services: &[(&str, &str, Option<&str>)]| {
        let service = |(name, state, left_out): &(&str, &str, Option<&str>)| {
            let service = Service {
                state: (*state).to_owned(),
                left_out: left_out.map(str::to_owned),
            };
            ((*name).to_owned(), Known::Is(service))
        };
        let facts = Facts {
            systemd: Known::Is(()),
            services: services.iter().map(service).collect(),
            ..unclear()
        };
        let check = check(&facts, "services");
        (check.status, check.detail, check.remedy.unwrap_or_default())
    };
    let fine = found(&[("nginx", "active", None), ("nms", "active", None)]);
    assert_eq!(
        fine,
        (Status::Ok, "nginx active, nms active".into(), String::new())
    );
    let lost = [
        ("nginx", "active", Some("disabled")),
        ("nms", "active", None),
    ];
    assert_eq!(
        found(&lost),
        (
            Status::Warning,
            "nginx (disabled) would not be there after the next start of the system".into(),
            "systemctl enable nginx".into()
        )
    );
    let (_, _, remedy) = found(&[("nms", "active", Some("masked")), lost[0]]);
    assert_eq!(
        remedy,
        "systemctl unmask nginx nms && systemctl enable nginx nms"
    );
    // What is down now comes first.
    let (_, words, _) = found(&[("nms", "failed", Some("disabled")), lost[0]]);
    assert_eq!(words, "nms failed");
}

#[test]
fn a_name_that_leads_elsewhere_is_said() {
    let mut facts = unclear();
    let name: HostName = "nim.example.com".parse().unwrap();
    let there: std::net::IpAddr = "192.0.2.7".parse().unwrap();
    facts.names.insert(name, Known::Is(vec![there]));
    let names = check(&facts, "names");
    assert_eq!(names.status, Status::Warning);
    assert!(names.detail.contains("192.0.2.7"), "{names:?}");
    facts.own_addresses.insert(there);
    assert_eq!(check(&facts, "names").status, Status::Ok);
}
