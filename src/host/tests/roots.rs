//! A folder that stands for a machine: nothing leads out of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use super::super::machine::Host;
use super::super::proc::Process;
use super::super::{Command, HostError, Local, Owner, Signal};
use super::{folder, live, names, private};

#[test]
fn links_resolve_below_the_root_absolute_and_relative() {
    let (_guard, outside) = folder();
    let root = outside.join("root");
    fs::create_dir_all(root.join("etc/nginx")).expect("made");
    fs::create_dir(root.join("tmp")).expect("made");
    fs::write(outside.join("secret"), "outside").expect("written");
    fs::write(root.join("secret"), "inside").expect("written");
    let up = "../".repeat(40);
    symlink("/secret", root.join("etc/absolute")).expect("linked");
    symlink(format!("{up}secret"), root.join("etc/relative")).expect("linked");
    symlink(outside.join("secret"), root.join("etc/outside")).expect("linked");
    symlink("/", root.join("etc/root")).expect("linked");
    symlink("/etc/nginx", root.join("conf")).expect("linked");

    let host = Local::under(&root).expect("a folder");
    let look = |path: &str| host.read(Path::new(path), 100);
    for path in [
        "/secret",
        "/etc/absolute",
        "/etc/relative",
        "/etc/root/secret",
        "/../secret",
    ] {
        let bytes = host.read(Path::new(path), 100).expect("read");
        assert_eq!(String::from_utf8_lossy(&bytes), "inside", "{path}");
    }
    assert!(
        look("/etc/outside")
            .expect_err("not below the root")
            .is_absence()
    );
    assert!(look(&format!("/{up}{}", outside.join("secret").display())).is_err());

    host.place(Path::new("/conf/nginx.conf"), b"x", &private())
        .expect("placed");
    assert_eq!(names(&root.join("etc/nginx")), ["nginx.conf"]);
    let real = host
        .real_path(Path::new("/conf/nginx.conf"))
        .expect("looked");
    assert_eq!(real.as_deref(), Some(Path::new("/etc/nginx/nginx.conf")));

    host.place(Path::new("/etc/absolute"), b"x", &private())
        .expect_err("a link");
    symlink(&outside, root.join("out")).expect("linked");
    host.place(Path::new("/out/new"), b"x", &private())
        .expect_err("not below the root");
    host.place(Path::new("/etc/../../new"), b"x", &private())
        .expect("at the root");
    assert_eq!(names(&outside), ["root", "secret"]);
    assert_eq!(
        fs::read_to_string(outside.join("secret")).expect("there"),
        "outside"
    );
    assert!(root.join("new").exists());
}

#[test]
fn the_root_itself_may_be_moved_or_replaced_and_stays_the_same() {
    let (_guard, outside) = folder();
    let root = outside.join("root");
    fs::create_dir(&root).expect("made");
    let host = Local::under(&root).expect("a folder");
    fs::rename(&root, outside.join("moved")).expect("moved");
    symlink("/", &root).expect("linked");
    host.place(Path::new("/file"), b"x", &private())
        .expect("placed");
    assert_eq!(names(&outside.join("moved")), ["file"]);
    Local::under(&outside.join("nothing")).expect_err("no such folder");
}

#[test]
fn magic_links_of_the_kernel_lead_nowhere_from_below_a_root() {
    let (_guard, root) = folder();
    let host = Local::under(Path::new("/proc/self")).expect("a folder");
    assert!(host.read(Path::new("/root/etc/passwd"), 1 << 20).is_err());
    assert!(host.read(Path::new("/exe"), 1 << 30).is_err());
    drop(root);
}

#[test]
fn what_needs_a_running_system_says_so() {
    let (_guard, root) = folder();
    let host = Local::under(&root).expect("a folder");
    assert!(!host.is_live());
    let not_live = |result: Result<(), HostError>| {
        assert!(matches!(result, Err(HostError::NotLive(_))), "{result:?}");
    };
    let address = "127.0.0.1:1".parse().expect("an address");
    let process = Process {
        stopped: false,
        pid: std::process::id(),
        parent: 0,
        started: 0,
        title: String::new(),
        exe: "".into(),
        exe_deleted: false,
        cwd: "".into(),
        owner: Owner::ROOT,
    };
    not_live(host.run(&Command::new("/bin/true", &[])).map(drop));
    not_live(host.processes().map(drop));
    not_live(host.signal(&process, Signal::Hangup));
    not_live(host.sockets().map(drop));
    not_live(host.can_bind(address).map(drop));
    not_live(host.resolve("localhost").map(drop));
    not_live(host.addresses().map(drop));
    not_live(host.connect(address, Duration::from_secs(1)).map(drop));
    assert_eq!(host.find("sh"), None);
}

#[test]
fn accounts_are_those_of_the_tree() {
    let (_guard, root) = folder();
    fs::create_dir(root.join("etc")).expect("made");
    fs::write(
        root.join("etc/passwd"),
        "root:x:0:0::/:/bin/sh\nnms:x:998:997::/:/bin/false\n",
    )
    .expect("written");
    let host = Local::under(&root).expect("a folder");
    let nms = Some(Owner {
        user: 998,
        group: 997,
    });
    assert_eq!(host.user("nms"), nms);
    assert_eq!(host.user("998"), nms);
    assert_eq!(host.user("5"), Some(Owner { user: 5, group: 5 }));
    assert_eq!(host.user("5:6"), Some(Owner { user: 5, group: 6 }));
    assert_eq!(host.user("nobody-here"), None);
    assert_eq!(live().user("root"), Some(Owner::ROOT));
    assert_eq!(live().user("nobody-here"), None);
}
