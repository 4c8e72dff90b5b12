use std::path::Path;
use std::time::Duration;

use super::super::command::{Command, Output};
use super::super::failure::LockError;
use super::super::file::{Attributes, Kind, Owner};
use super::super::machine::Host;
use super::super::proc::{Process, Signal};
use super::super::socket::Socket;
use super::{Change, Entry, Faults, Memory};

fn root() -> Attributes {
    Attributes::root(0o600)
}

#[test]
fn files_are_placed_read_and_removed_like_real_ones() {
    let host = Memory::new().with_file("/etc/nginx/nginx.conf", "events {}");
    let path = Path::new("/etc/nginx/new");
    assert_eq!(
        host.list(Path::new("/etc/nginx")).expect("listed"),
        ["nginx.conf"]
    );
    host.place(path, b"0123456789", &root()).expect("placed");
    assert_eq!(host.read(path, 10).expect("read"), b"0123456789");
    host.read(path, 9).expect_err("too large");
    assert_eq!(host.read_from(path, 2, 100).expect("read"), b"23456789");
    assert_eq!(host.read_from(path, 0, 3).expect("read"), b"789");
    assert_eq!(host.read_from(path, 11, 3).expect("read"), b"");
    let stat = host.stat(path).expect("looked").expect("there");
    assert_eq!(
        (stat.kind, stat.size, stat.attributes),
        (Kind::File, 10, root())
    );

    host.place(Path::new("/no/folder"), b"", &root())
        .expect_err("no parent");
    host.rename(path, Path::new("/etc/nginx/nginx.conf"))
        .expect_err("taken");
    host.rename(path, Path::new("/etc/moved")).expect("moved");
    host.remove_folder(Path::new("/etc/nginx"))
        .expect_err("not empty");
    host.remove_file(Path::new("/etc/nginx"))
        .expect_err("a folder");
    host.remove_file(Path::new("/etc/nginx/nginx.conf"))
        .expect("removed");
    host.remove_folder(Path::new("/etc/nginx"))
        .expect("removed");
    host.append(Path::new("/etc/log"), b"a").expect("appended");
    host.append(Path::new("/etc/log"), b"b").expect("appended");
    assert_eq!(
        host.list(Path::new("/etc")).expect("listed"),
        ["log", "moved"]
    );
    assert_eq!(
        host.entries()[Path::new("/etc/log")],
        Entry::file("ab", root())
    );
    assert_eq!(host.changes()[0], Change::Placed(path.to_owned()));
    assert_eq!(host.changes().len(), 6);
}

#[test]
fn links_are_followed_for_reading_and_refused_as_targets() {
    let theirs = Attributes {
        owner: Owner {
            user: 12,
            group: 12,
        },
        ..Attributes::root(0o777)
    };
    let host = Memory::new()
        .with_file("/run/nginx.pid", "7")
        .with("/var/run", Entry::link("../run"))
        .with(
            "/theirs",
            Entry {
                attributes: theirs,
                ..Entry::link("/run")
            },
        )
        .with("/loop", Entry::link("/loop"));
    let through = Path::new("/var/run/nginx.pid");
    assert_eq!(host.read(through, 9).expect("read"), b"7");
    assert_eq!(
        host.real_path(through).expect("looked").as_deref(),
        Some(Path::new("/run/nginx.pid"))
    );
    host.place(through, b"8", &root())
        .expect("root's link among the folders");
    host.place(Path::new("/theirs/nginx.pid"), b"9", &root())
        .expect_err("their link");
    host.place(Path::new("/var/run"), b"", &root())
        .expect_err("a link");
    assert_eq!(
        host.obstacle(Path::new("/var/run")).as_deref(),
        Some("/var/run is a symbolic link to ../run")
    );
    host.read(Path::new("/loop"), 9).expect_err("without end");
    host.place_link(Path::new("/var/run"), Path::new("/elsewhere"))
        .expect("replaced");
    assert_eq!(host.stat(through).expect("looked"), None);
    assert_eq!(
        host.read(Path::new("/run/nginx.pid"), 9).expect("read"),
        b"8"
    );
}

#[test]
fn labels_stay_where_other_attributes_go() {
    let named = |names: &[&str]| Attributes {
        extended: names
            .iter()
            .map(|name| ((*name).to_owned(), vec![1]))
            .collect(),
        ..root()
    };
    let file = Entry::file("", named(&["security.selinux", "user.x"]));
    let host = Memory::new().with("/file", file);
    host.set_attributes(Path::new("/file"), &named(&["user.y"]))
        .expect("set");
    let stat = host
        .stat(Path::new("/file"))
        .expect("looked")
        .expect("there");
    assert_eq!(stat.attributes, named(&["security.selinux", "user.y"]));
}

#[test]
fn each_call_can_be_made_to_fail_and_then_changes_nothing() {
    let work = |host: &Memory| -> bool {
        host.make_folder(Path::new("/a"), &root()).is_ok()
            && host.place(Path::new("/a/b"), b"", &root()).is_ok()
            && host.run(&Command::new("true", &[])).is_ok()
            && host.remove_file(Path::new("/a/b")).is_ok()
    };
    let mut failures = 0;
    loop {
        let host = Memory::new().answering(|_, _| Some(Output::default()));
        host.set_faults(Faults::Once(failures + 1));
        let finished = work(&host);
        assert_eq!(finished, !host.met_fault());
        assert_eq!(host.changes().len(), failures);
        if finished {
            break;
        }
        host.place(Path::new("/after"), b"", &root())
            .expect("it was once");
        failures += 1;
    }
    assert_eq!(failures, 4);

    let host = Memory::new();
    host.set_faults(Faults::From(2));
    host.place(Path::new("/first"), b"", &root())
        .expect("before the end");
    for _ in 0..3 {
        host.place(Path::new("/later"), b"", &root())
            .expect_err("after the end");
    }
    assert_eq!(host.changes().len(), 1);
}

#[test]
fn commands_are_answered_and_may_change_the_machine() {
    let host = Memory::new()
        .with_program("/usr/sbin/update-ca-certificates")
        .answering(|_, command| {
            command.program.ends_with("nginx").then(|| Output {
                code: Some(1),
                ..Output::default()
            })
        })
        .answering(|host, command| {
            (command.args == ["--fresh"]).then(|| {
                host.put(
                    "/etc/ssl/bundle",
                    Entry::file("new", Attributes::root(0o644)),
                );
                Output {
                    code: Some(0),
                    ..Output::default()
                }
            })
        });
    let program = host.find("update-ca-certificates").expect("found");
    assert!(
        host.run(&Command::new(program, &["--fresh"]))
            .expect("answered")
            .success()
    );
    assert_eq!(
        host.read(Path::new("/etc/ssl/bundle"), 9).expect("there"),
        b"new"
    );
    assert_eq!(
        host.run(&Command::new("/sbin/nginx", &[]))
            .expect("answered")
            .code,
        Some(1)
    );
    host.run(&Command::new("other", &[]))
        .expect_err("no answer");
    assert_eq!(host.find("other"), None);
    let ran = ["/usr/sbin/update-ca-certificates --fresh", "/sbin/nginx"];
    assert_eq!(host.changes(), ran.map(|text| Change::Ran(text.to_owned())));
    Memory::new()
        .not_live()
        .run(&Command::new("true", &[]))
        .expect_err("not live");
}

#[test]
fn signals_locks_ports_and_the_clock_work() {
    let process = Process {
        stopped: false,
        pid: 7,
        parent: 1,
        started: 70,
        title: "nginx: worker process".to_owned(),
        exe: "/usr/sbin/nginx".into(),
        exe_deleted: false,
        cwd: "/".into(),
        owner: Owner::ROOT,
    };
    let host = Memory::new().with_account(
        "nms",
        Owner {
            user: 998,
            group: 997,
        },
    );
    host.set_processes(vec![process.clone()]);
    let other = Process {
        started: 71,
        ..process.clone()
    };
    host.signal(&other, Signal::Kill)
        .expect_err("another start time");
    host.signal(&process, Signal::Hangup).expect("sent");
    assert_eq!(host.processes().expect("listed").len(), 1);
    host.signal(&process, Signal::Terminate).expect("sent");
    assert_eq!(host.processes().expect("listed"), []);

    let lock = host.lock(Path::new("/lock"), "process 7").expect("free");
    let held = host.lock(Path::new("/lock"), "me").err().expect("held");
    assert!(matches!(held, LockError::Held(note) if note == "process 7"));
    drop(lock);
    host.lock(Path::new("/lock"), "me").expect("free again");

    let local = "0.0.0.0:443".parse().expect("an address");
    host.set_sockets(vec![Socket {
        local,
        remote: None,
        holders: vec![7],
    }]);
    for (address, free) in [
        ("10.0.0.1:443", false),
        ("10.0.0.1:444", true),
        ("[::]:443", true),
    ] {
        let address = address.parse().expect("an address");
        assert_eq!(host.can_bind(address).expect("tried"), free, "{address}");
    }
    let (now, uptime) = (host.now(), host.uptime());
    host.sleep(Duration::from_secs(5));
    host.set_clock(now - 100);
    assert_eq!(
        (host.now(), host.uptime()),
        (now - 100, uptime + Duration::from_secs(5))
    );
    assert_eq!(
        host.user("nms"),
        Some(Owner {
            user: 998,
            group: 997
        })
    );
    assert_eq!(
        host.user("998"),
        Some(Owner {
            user: 998,
            group: 997
        })
    );
    assert_eq!(host.user("1:2"), Some(Owner { user: 1, group: 2 }));
}

#[test]
fn an_entry_never_shows_its_bytes() {
    let shown = format!("{:?}", Entry::file("-----BEGIN PRIVATE KEY-----", root()));
    assert!(
        !shown.contains("PRIVATE") && !shown.contains("45, 45"),
        "{shown}"
    );
}
