//! The nginx that serves, and what it reads.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::super::{look, look_asking};
use super::scene::{MAIN, NMS_HTTP, Scene, banner, dump, path, process, wanted};
use super::unclear;
use crate::facts::{Facts, Known};
use crate::host::{Attributes, Entry, Host as _, Memory, Process};

const MAIN_PATH: &str = "/etc/nginx/nginx.conf";
const NMS_PATH: &str = "/etc/nginx/conf.d/nms-http.conf";

fn judged(code: i32, out: &str, err: &str) -> Facts {
    let scene = Scene {
        judged: (code, out.to_owned(), err.to_owned()),
        ..Scene::stock()
    };
    look(&scene.host(), &wanted())
}

fn change_processes(host: &Memory, change: impl FnOnce(&mut Vec<Process>)) {
    let mut processes = host.processes().unwrap();
    change(&mut processes);
    host.set_processes(processes);
}

#[test]
fn a_master_whose_executable_was_replaced_answers_for_itself() {
    let host = Scene::stock().host();
    change_processes(&host, |processes| processes[1].exe_deleted = true);
    let facts = look(&host, &wanted());
    let nginx = facts.nginx.is().unwrap();
    assert_eq!(nginx.binary, "/proc/100/exe");
    assert_eq!(nginx.build.version, (1, 20, 0));
    assert_eq!(nginx.on_disk.as_ref().unwrap().version, (1, 22, 1));

    let host = Scene {
        replaced: banner("1.22.1"),
        ..Scene::stock()
    }
    .host();
    change_processes(&host, |processes| processes[1].exe_deleted = true);
    assert_eq!(look(&host, &wanted()).nginx.is().unwrap().on_disk, None);
}

#[test]
fn of_several_masters_the_one_on_the_port_counts() {
    let host = Scene::stock().host();
    change_processes(&host, |all| {
        all.push(process(50, 1, "nginx: master process nginx -p /x"));
    });
    let master = |host: &Memory| {
        look(host, &wanted())
            .nginx
            .map(|nginx| nginx.master.unwrap().pid)
    };
    assert_eq!(master(&host), Known::Is(100));

    // Nobody is on the port: the choice would be a guess.
    host.set_sockets(Vec::new());
    let facts = look(&host, &wanted());
    assert!(unclear(&facts.nginx).contains("(processes 100, 50)"));
    unclear(&facts.config);
    unclear(&facts.connected);

    // Unless one is the other's successor.
    change_processes(&host, |all| all.last_mut().unwrap().parent = 100);
    assert_eq!(master(&host), Known::Is(100));

    // Or lives in a container.
    change_processes(&host, |all| all.last_mut().unwrap().parent = 1);
    for (process, space) in [("self", "1"), ("100", "1"), ("50", "2")] {
        let link = Entry::link(format!("pid:[{space}]"));
        host.put(format!("/proc/{process}/ns/pid"), link);
    }
    assert_eq!(master(&host), Known::Is(100));
}

#[test]
fn nginx_that_does_not_run_is_asked_on_disk() {
    let host = Scene::stock().host();
    host.set_processes(Vec::new());
    let facts = look(&host, &wanted());
    let nginx = facts.nginx.is().unwrap();
    assert_eq!((nginx.master.as_ref(), nginx.args.len()), (None, 0));
    assert_eq!(nginx.main, MAIN_PATH);
    assert_eq!(facts.connected, Known::Absent);
}

#[test]
fn an_nginx_that_says_no_version_is_unclear() {
    let scene = Scene {
        version: "error while loading libssl\n".into(),
        ..Scene::stock()
    };
    let facts = look(&scene.host(), &wanted());
    assert!(unclear(&facts.nginx).contains("error while loading libssl"));
}

#[test]
fn what_nginx_refuses_is_quoted_with_its_place() {
    let facts = judged(
        1,
        "",
        "nginx: [emerg] unknown directive \"x\" in /etc/nginx/a.conf:3\n",
    );
    let why = "/etc/nginx/a.conf:3: unknown directive \"x\"".to_owned();
    assert_eq!(facts.nginx.is().unwrap().loads, Known::Is(Err(why)));
    assert!(facts.config.is().is_some(), "it can still be read by us");

    let scene = Scene {
        judged: (1, String::new(), "[emerg] no".into()),
        ..Scene::stock()
    };
    let facts = look(&scene.host().not_root(), &wanted());
    assert!(unclear(&facts.nginx.is().unwrap().loads).contains("only root"));
}

#[test]
fn whoever_asks_nginx_is_told_what_it_will_touch() {
    let host = Scene::stock().host();
    let asked = std::cell::RefCell::new(Vec::new());
    let facts = look_asking(&host, &wanted(), &|question| {
        let files = question.config.map(|config| config.files.len());
        let (command, main) = (question.command.to_string(), question.nginx.main.clone());
        asked.borrow_mut().push((command, main, files));
        Err("nobody may".to_owned())
    });
    let command = "/usr/sbin/nginx -g 'daemon on; master_process on;' -T".to_owned();
    assert_eq!(
        asked.into_inner(),
        [(command, MAIN_PATH.to_owned(), Some(2))]
    );
    assert_eq!(unclear(&facts.nginx.is().unwrap().loads), "nobody may");
    assert!(facts.config.is().is_some());
}

#[test]
fn a_configuration_that_nginx_reads_otherwise_is_unclear() {
    let main = (MAIN_PATH, MAIN);
    for (files, why) in [
        (
            vec![main],
            "nginx does not read /etc/nginx/conf.d/nms-http.conf",
        ),
        (
            vec![main, (NMS_PATH, NMS_HTTP), ("/opt/x.conf", "y;")],
            "nginx also reads /opt/x.conf",
        ),
        (
            vec![main, (NMS_PATH, "other;")],
            "nms-http.conf has changed",
        ),
    ] {
        let facts = judged(0, &dump(&files), "");
        assert!(unclear(&facts.config).contains(why), "{why}");
    }
    let facts = judged(0, "something else\n", "");
    assert!(unclear(&facts.config).contains("could not be followed"));
}

#[test]
fn the_same_file_may_have_a_clumsier_name() {
    let files = [
        ("/etc/nginx/./nginx.conf", MAIN),
        ("/etc/nginx//conf.d/nms-http.conf", NMS_HTTP),
    ];
    assert!(judged(0, &dump(&files), "").config.is().is_some());
}

#[test]
fn a_headline_in_a_file_is_text() {
    let text = "# configuration file /etc/shadow:\nserver_tokens off;\n";
    let files = [(MAIN_PATH, MAIN), (NMS_PATH, text)];
    let scene = Scene {
        judged: (0, dump(&files), String::new()),
        ..Scene::stock()
    };
    let host = scene.host();
    host.put(NMS_PATH, Entry::file(text, Attributes::root(0o644)));
    assert!(look(&host, &wanted()).config.is().is_some());
}

#[test]
fn a_configuration_that_cannot_be_read_says_where() {
    let host = Scene::stock().host();
    host.put(
        NMS_PATH,
        Entry::file("server {\n  listen 443 ssl;\n", Attributes::root(0o644)),
    );
    let facts = look(&host, &wanted());
    assert!(
        unclear(&facts.config).contains(NMS_PATH),
        "{:?}",
        facts.config
    );
    host.take_away(MAIN_PATH);
    assert_eq!(look(&host, &wanted()).config, Known::Absent);
}

#[test]
fn files_that_the_configuration_names_are_looked_at() {
    let host = Scene::stock().host();
    host.put(
        "/etc/nginx/certs/manager-server.key",
        Entry::file("x", Attributes::root(0o600)),
    );
    let facts = look(&host, &wanted());
    let key = &facts.files[&path("/etc/nginx/certs/manager-server.key")];
    assert!(key.file().is_some(), "relative to the main file's folder");
    assert!(facts.files[&path(NMS_PATH)].file().is_some());
}

#[test]
fn a_loaded_file_behind_a_link_is_found_where_it_is() {
    let host = Scene::stock().host();
    host.take_away(NMS_PATH);
    host.put(NMS_PATH, Entry::link("../sites/nms"));
    host.put(
        "/etc/nginx/sites/nms",
        Entry::file(NMS_HTTP, Attributes::root(0o640)),
    );
    let facts = look(&host, &wanted());
    assert!(facts.config.is().is_some());
    assert_eq!(facts.links[&path(NMS_PATH)], "/etc/nginx/sites/nms");
    assert_eq!(facts.links.len(), 1);
    let real = facts.files[&path("/etc/nginx/sites/nms")].file().unwrap();
    assert_eq!((real.mode.0, real.obstacle.as_ref()), (0o640, None));
}

/// Between the end of the process that was started and its own title, a master looks like any
/// other start of nginx, and its options are still unknown.
#[test]
fn a_master_that_has_no_title_yet_is_waited_for() {
    let titled = "nginx: master process /usr/sbin/nginx -p /srv/ -c /srv/n.conf";
    for (before, sleeps) in [
        (
            vec![process(100, 1, "/usr/sbin/nginx -p /srv/ -c /srv/n.conf")],
            3,
        ),
        // One process is gone, and the next was not there when the list was begun.
        (Vec::new(), 1),
    ] {
        let slept = AtomicU32::new(0);
        let host = Scene::stock().host().on_sleep(move |host| {
            if slept.fetch_add(1, Ordering::Relaxed) + 1 == sleeps {
                host.set_processes(vec![process(100, 1, titled)]);
            }
        });
        host.set_processes(before);
        let facts = look(&host, &wanted());
        let nginx = facts.nginx.is().unwrap();
        assert_eq!(nginx.main, "/srv/n.conf");
        assert_eq!(nginx.master.as_ref().unwrap().pid, 100);
    }
}

#[test]
fn an_nginx_without_a_master_is_not_waited_for_long() {
    let host = Scene::stock().host();
    host.set_processes(vec![process(100, 1, "nginx -g master_process off;")]);
    let before = host.uptime();
    assert_eq!(look(&host, &wanted()).nginx.is().unwrap().master, None);
    assert!(host.uptime() < before + Duration::from_secs(2));
    // One in a container is none of ours.
    for (process, space) in [("self", "1"), ("100", "2")] {
        let link = Entry::link(format!("pid:[{space}]"));
        host.put(format!("/proc/{process}/ns/pid"), link);
    }
    let before = host.uptime();
    look(&host, &wanted());
    assert!(host.uptime() < before + Duration::from_millis(100));
}

/// It would wait for as long as it may, and so would whoever asked it.
#[test]
fn nginx_is_not_asked_to_read_a_fifo() {
    for fifo in [NMS_PATH, "/etc/nms/certs/manager-server.pem"] {
        let host = Scene::stock().host();
        host.put(fifo, Entry::special());
        let facts = look_asking(&host, &wanted(), &|_| panic!("nginx was asked"));
        let nginx = facts.nginx.is().unwrap();
        let Known::Is(Err(said)) = &nginx.loads else {
            panic!("{:?}", nginx.loads)
        };
        assert!(said.starts_with(&format!("{fifo} is a FIFO")), "{said}");
    }
}
