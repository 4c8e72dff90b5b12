//! Looks at machines in memory, and one at the machine the tests run on.
#![expect(clippy::disallowed_methods, reason = "a test sets its own scene")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod keys;
mod nginx;
mod real;
mod receipts;
mod scene;

use std::net::IpAddr;

use super::{look, look_asking};
use crate::facts::{Family, FileFact, Generation, Known, Service};
use crate::host::{Attributes, Change, Entry, Host as _, Memory};
use crate::values::AbsPath;
use scene::{Scene, path, process, wanted};

fn unclear<T: std::fmt::Debug>(known: &Known<T>) -> &str {
    match known {
        Known::Unclear(why) => why,
        other => panic!("{other:?} is not unclear"),
    }
}

#[test]
fn a_stock_manager_is_known_to_the_last_field() {
    let facts = look(&Scene::stock().host(), &wanted());

    assert!(facts.live && facts.root);
    let os = facts.os.is().unwrap();
    assert_eq!(
        (os.id.as_str(), os.version.as_str(), os.family),
        ("debian", "12", Family::Debian)
    );
    let nim = facts.nim.is().unwrap();
    assert_eq!(nim.generation, Generation::Nim2);
    assert_eq!(nim.version.as_deref(), Some("2.22.2-1~bookworm"));
    assert_eq!(facts.agent, Known::Is("2.46.7".to_owned()));

    let nginx = facts.nginx.is().unwrap();
    assert_eq!(nginx.binary, "/usr/sbin/nginx");
    assert_eq!(nginx.build.version, (1, 22, 1));
    assert_eq!(nginx.main, "/etc/nginx/nginx.conf");
    assert_eq!(nginx.args, ["-g", "daemon on; master_process on;"]);
    assert_eq!(
        (nginx.loads.clone(), nginx.on_disk.clone()),
        (Known::Is(Ok(())), None)
    );
    let master = nginx.master.as_ref().unwrap();
    // Up for 1000 s; the workers that serve were started 300 s and 400 s after the boot.
    assert_eq!(
        (master.pid, master.loaded_at),
        (100, Some(facts.looked_at - 700))
    );

    let files: Vec<_> = facts
        .config
        .is()
        .unwrap()
        .files
        .iter()
        .map(|file| &file.path)
        .collect();
    assert_eq!(
        files,
        ["/etc/nginx/nginx.conf", "/etc/nginx/conf.d/nms-http.conf"]
    );

    let listeners = facts.listeners.is().unwrap();
    let shown: Vec<_> = listeners
        .iter()
        .map(|found| (found.at.to_string(), found.holders.clone(), found.nginx))
        .collect();
    assert_eq!(
        shown,
        [
            ("0.0.0.0:22".to_owned(), vec![("sshd".to_owned(), 7)], false),
            (
                "0.0.0.0:443".to_owned(),
                vec![("nginx".to_owned(), 100)],
                true
            ),
        ]
    );
    assert_eq!(
        facts.connected,
        Known::Is(vec![crate::facts::Client {
            from: "192.0.2.7:50000".parse().unwrap(),
            certificate: Known::Absent, // nobody is asked for one
        }])
    );

    let name = "nim.example.com".parse().unwrap();
    let addresses: [IpAddr; 2] = ["10.0.0.5".parse().unwrap(), "192.0.2.99".parse().unwrap()];
    assert_eq!(facts.names[&name], Known::Is(addresses.to_vec()));
    let loopback: IpAddr = "127.0.0.1".parse().unwrap();
    assert_eq!(facts.own_addresses, [addresses[0], loopback].into());

    assert_eq!(
        facts.trust_store.is().unwrap().command,
        "update-ca-certificates"
    );
    assert_eq!(
        (facts.selinux, facts.firewall),
        (Known::Absent, Known::Is("ufw".to_owned()))
    );
    assert_eq!(
        (facts.fips, facts.clock_synchronised),
        (Known::Is(false), Known::Is(true))
    );
    assert_eq!(facts.systemd, Known::Is(()));
    let active = Service {
        state: "active".to_owned(),
        left_out: None,
    };
    assert_eq!(facts.services["nms"], Known::Is(active));
    assert_eq!(facts.services["nms-integrations"], Known::Absent);
    assert_eq!(facts.space[&path("/etc")], Known::Is(1 << 30));
    assert_eq!(facts.state.ca, Known::Absent);
    assert_eq!(facts.state.unfinished, None);
}

#[test]
fn a_look_changes_nothing_and_starts_no_program_twice() {
    let host = Scene::stock().host();
    let before = host.entries();
    look(&host, &wanted());
    assert_eq!(host.entries(), before);
    let mut ran: Vec<String> = host
        .changes()
        .into_iter()
        .map(|change| match change {
            Change::Ran(command) => command,
            other => panic!("it changed something: {other:?}"),
        })
        .collect();
    ran.sort();
    let programs: Vec<_> = ran
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        programs,
        [
            "/usr/bin/dpkg-query",
            "/usr/bin/nginx-agent",
            "/usr/bin/systemctl",
            "/usr/bin/timedatectl",
            "/usr/sbin/nginx",
            "/usr/sbin/nginx",
        ],
        "nginx once for -V and once for -T"
    );
}

#[test]
fn a_machine_without_anything_is_absent_and_unclear_but_no_failure() {
    let facts = look(&Memory::new(), &wanted());
    assert_eq!(
        (facts.os, facts.nginx.is(), facts.agent),
        (Known::Absent, None, Known::Absent)
    );
    assert_eq!((facts.nim, facts.systemd), (Known::Absent, Known::Absent));
    assert_eq!(facts.config, Known::Absent);
    assert_eq!(facts.connected, Known::Absent);
    assert!(unclear(&facts.services["nginx"]).contains("systemd does not run"));
    assert!(unclear(&facts.trust_store).contains("os-release"));
    assert!(unclear(&facts.names[&"nim.example.com".parse().unwrap()]).contains("lookup"));
    let nothing = FileFact::Nothing { obstacle: None };
    assert_eq!(facts.files[&path("/etc/nms/certs/server.key")], nothing);
}

#[test]
fn a_tree_of_files_is_read_and_nothing_is_run() {
    let host = Scene::stock().host().not_live();
    host.put(
        "/var/lib/dpkg/status",
        Entry::file(
            "Package: nms-instance-manager\nStatus: install ok installed\nVersion: 2.22.1\n",
            Attributes::root(0o644),
        ),
    );
    let facts = look(&host, &wanted());
    assert_eq!(host.changes(), []);
    assert!(!facts.live);
    assert_eq!(facts.nim.is().unwrap().version.as_deref(), Some("2.22.1"));
    assert!(unclear(&facts.nginx).contains("/usr/sbin/nginx is there"));
    assert_eq!(facts.config.is().unwrap().files.len(), 2);
    assert!(facts.trust_store.is().is_some());
    unclear(&facts.listeners);
    unclear(&facts.connected);
    unclear(&facts.systemd);
    unclear(&facts.services["nms"]);
    unclear(&facts.selinux);
    unclear(&facts.fips);
    unclear(&facts.firewall);
    unclear(&facts.clock_synchronised);
}

#[test]
fn the_generation_follows_from_packages_then_from_files() {
    let bare = |files: &[&str]| {
        let host = files
            .iter()
            .fold(Memory::new(), |host, file| host.with_file(file, ""));
        look(&host, &wanted()).nim
    };
    let found = |files| {
        bare(files)
            .is()
            .map(|nim| (nim.generation, nim.version.clone()))
    };
    assert_eq!(
        found(&["/etc/nms/nms.conf"]),
        Some((Generation::Nim2, None))
    );
    assert_eq!(
        found(&["/etc/nginx/conf.d/nms-http.conf"]),
        Some((Generation::Nim2, None))
    );
    let one = "/etc/nginx-manager/nginx-manager.conf";
    assert_eq!(found(&[one]), Some((Generation::Nim1, None)));
    let both = bare(&[one, "/etc/nms/nms.conf"]);
    assert!(unclear(&both).contains(one) && unclear(&both).contains("/etc/nms/nms.conf"));

    // What the packages say stands, whatever was left behind by an older one.
    let host = Scene::stock().host().with_file(one, "");
    assert_eq!(
        look(&host, &wanted()).nim.is().unwrap().generation,
        Generation::Nim2
    );
    let packages = "ii \tnms-instance-manager\t2.22\nii \tnginx-manager\t1.0\n";
    let facts = look(
        &Scene {
            packages: packages.into(),
            ..Scene::stock()
        }
        .host(),
        &wanted(),
    );
    assert!(unclear(&facts.nim).contains("nginx-manager 1.0"));
}

#[test]
fn a_missing_tool_is_named() {
    let host = Scene::stock().host();
    host.take_away("/usr/sbin/update-ca-certificates");
    host.take_away("/usr/bin/timedatectl");
    host.take_away("/usr/bin/systemctl");
    let facts = look(&host, &wanted());
    assert_eq!(
        unclear(&facts.trust_store),
        "update-ca-certificates is not installed"
    );
    assert_eq!(
        unclear(&facts.clock_synchronised),
        "timedatectl is not installed"
    );
    assert_eq!(
        unclear(&facts.services["nms"]),
        "systemctl is not installed"
    );
}

#[test]
fn the_firewall_front_end_is_the_one_that_works() {
    let host = Scene::stock().host();
    let off = Entry::file("# ENABLED=yes\nENABLED=no\n", Attributes::root(0o644));
    host.put("/etc/ufw/ufw.conf", off);
    assert_eq!(look(&host, &wanted()).firewall, Known::Absent);
    let mut processes = host.processes().unwrap();
    processes.push(process(
        300,
        1,
        "/usr/bin/python3 -s /usr/sbin/firewalld --nofork",
    ));
    host.set_processes(processes);
    assert_eq!(
        look(&host, &wanted()).firewall,
        Known::Is("firewalld".to_owned())
    );
}

#[test]
fn files_are_reported_with_what_stands_in_the_way() {
    let host = Scene::stock()
        .host()
        .with_file("/srv/real.txt", "text")
        .with("/srv/link", Entry::link("real.txt"))
        .with("/srv/loose", Entry::link("nowhere"))
        .with("/srv/folder", Entry::folder(Attributes::root(0o755)))
        .with("/srv/pipe", Entry::special())
        .with_file("/srv/large", vec![b'x'; (8 << 20) + 1])
        .with_file("/srv/held", "held")
        .with_obstacle("/srv/held", "it is immutable")
        .with_obstacle("/srv/new", "the filesystem is read-only");
    let names = ["link", "loose", "folder", "pipe", "large", "held", "new"];
    let mut wanted = wanted();
    wanted.files = names
        .iter()
        .map(|name| path(&format!("/srv/{name}")))
        .collect();
    let facts = look(&host, &wanted);
    let fact = |name: &str| &facts.files[&path(&format!("/srv/{name}"))];

    assert_eq!(
        fact("held").file().unwrap().obstacle.as_deref(),
        Some("it is immutable")
    );
    let obstacle = Some("the filesystem is read-only".to_owned());
    assert_eq!(*fact("new"), FileFact::Nothing { obstacle });
    assert!(matches!(fact("large"), FileFact::Unclear(why) if why.contains("/srv/large")));
    assert!(matches!(fact("folder"), FileFact::NotAFile(what) if what == "a folder"));
    assert!(matches!(fact("pipe"), FileFact::NotAFile(what) if what.contains("FIFO")));
    assert!(matches!(fact("loose"), FileFact::NotAFile(what) if what.contains("nowhere")));
    let link = fact("link").file().unwrap();
    assert_eq!(link.digest, crate::values::Digest::of(b"text"));
    assert!(link.obstacle.as_deref().unwrap().contains("symbolic link"));
}

#[test]
fn more_than_64_mib_in_all_are_not_read() {
    let host = (0..9).fold(Memory::new(), |host, number| {
        host.with_file(format!("/srv/{number}"), vec![b'x'; 8 << 20])
    });
    let mut wanted = wanted();
    wanted.files = (0..9)
        .map(|number| path(&format!("/srv/{number}")))
        .collect();
    let facts = look(&host, &wanted);
    let read = |file: &&AbsPath| facts.files[file].file().is_some();
    assert_eq!(wanted.files.iter().filter(read).count(), 8);
    let last = &facts.files[&path("/srv/8")];
    assert!(
        matches!(last, FileFact::Unclear(why) if why.contains("64 MiB")),
        "{last:?}"
    );
}

#[test]
fn the_machine_of_the_tests_can_be_looked_at() {
    let host = crate::host::Local::live().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut wanted = wanted();
    wanted.names.clear(); // no test waits for the network
    wanted.state = path(folder.path().join("state").to_str().unwrap());
    let refused = |_: &super::Question<'_>| Err("not asked in a test".to_owned());
    let facts = look_asking(&host, &wanted, &refused);
    assert!(facts.live);
    assert!((facts.looked_at - host.now()).abs() < 60);
    assert!(facts.listeners.is().is_some());
    assert!(facts.space[&path("/etc")].is().is_some());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
