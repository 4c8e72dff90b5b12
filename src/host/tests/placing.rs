//! A placed file: whole or not at all, and never open to more users than it will be.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::super::machine::Host;
use super::super::{Attributes, Kind, Owner, TEMPORARY};
use super::{done, folder, live, names, private, sh};
use crate::values::Mode;

#[test]
fn a_placed_file_has_its_bytes_mode_and_owner_and_leaves_nothing_beside_it() {
    let (_guard, folder) = folder();
    let path = folder.join("server.key");
    let attributes = Attributes {
        mode: Mode(0o640),
        owner: Owner {
            user: 12,
            group: 34,
        },
        extended: vec![],
    };
    for bytes in [&b"first"[..], b"second, longer"] {
        live().place(&path, bytes, &attributes).expect("placed");
        assert_eq!(fs::read(&path).expect("there"), bytes);
    }
    let stat = live().stat(&path).expect("looked").expect("there");
    assert_eq!((stat.kind, stat.size, stat.links), (Kind::File, 14, 1));
    assert_eq!(stat.attributes, attributes);
    assert_eq!(names(&folder), ["server.key"]);
}

#[test]
fn a_placed_file_is_never_open_to_more_users_than_it_will_be() {
    let (_guard, folder) = folder();
    let path = folder.join("server.key");
    let stop = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = BTreeSet::new();
            while !stop.load(Ordering::Relaxed) {
                for entry in fs::read_dir(&folder).expect("a folder").flatten() {
                    if let Ok(data) = fs::symlink_metadata(entry.path()) {
                        let temporary = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
                        seen.insert((temporary, data.mode() & 0o7777));
                    }
                }
            }
            seen
        });
        let attributes = Attributes::root(0o440);
        for _ in 0..2000 {
            live().place(&path, b"secret", &attributes).expect("placed");
        }
        stop.store(true, Ordering::Relaxed);
        watcher.join().expect("watched")
    });
    // Born 0600, then 0400 (what is in both), then 0440. Whether each was seen is chance; that
    // nothing else was is not.
    let allowed = BTreeSet::from([(true, 0o600), (true, 0o400), (true, 0o440), (false, 0o440)]);
    assert!(seen.is_subset(&allowed), "{seen:?}");
    assert!(seen.contains(&(false, 0o440)), "{seen:?}");
}

#[test]
fn the_umask_changes_nothing() {
    let this = std::env::current_exe().expect("this test");
    for mask in ["0", "077", "0777"] {
        let script = format!("umask {mask}; exec \"$@\"");
        let tests = [
            "placing::a_placed_file_has_its_bytes_mode_and_owner_and_leaves_nothing_beside_it",
            "files::folders_are_made_once_and_removed_when_empty",
            "files::a_lock_is_held_by_one_and_says_by_whom",
        ]
        .map(|name| format!("host::tests::{name}"));
        let mut args = vec![this.as_path(), Path::new("--exact")];
        args.extend(tests.iter().map(Path::new));
        let output = sh(&script, &args);
        assert!(
            output.out().contains("3 passed"),
            "umask {mask}: {}",
            output.out()
        );
    }
}

#[test]
fn the_access_list_of_the_folder_does_not_reach_a_placed_file() {
    let (_guard, folder) = folder();
    done("setfacl -d -m u:12:r,g:34:rw,m::rwx \"$1\"", &[&folder]);
    let path = folder.join("server.key");
    live()
        .place(&path, b"secret", &Attributes::root(0o640))
        .expect("placed");
    let list = done("getfacl -n -c -p \"$1\"", &[&path]);
    assert_eq!(list.trim(), "user::rw-\ngroup::r--\nother::---");

    let inner = folder.join("issued");
    live()
        .make_folder(&inner, &Attributes::root(0o750))
        .expect("made");
    let list = done("getfacl -n -c -p \"$1\"", &[&inner]);
    assert_eq!(list.trim(), "user::rwx\ngroup::r-x\nother::---");
}

#[test]
fn access_lists_and_other_extended_attributes_are_read_and_put_back() {
    let (_guard, folder) = folder();
    let path = folder.join("nginx.conf");
    fs::write(&path, "before").expect("written");
    done(
        "chmod 640 \"$1\"; setfacl -m u:12:r \"$1\"; setfattr -n user.origin -v package \"$1\"",
        &[&path],
    );
    let before = live()
        .stat(&path)
        .expect("looked")
        .expect("there")
        .attributes;
    let known: Vec<&str> = before
        .extended
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(known, ["system.posix_acl_access", "user.origin"]);
    let list = done("getfacl -n -c -p \"$1\"", &[&path]);

    live().place(&path, b"ours", &private()).expect("placed");
    let ours = live()
        .stat(&path)
        .expect("looked")
        .expect("there")
        .attributes;
    assert_eq!(ours, private());

    live().place(&path, b"before", &before).expect("placed");
    assert_eq!(
        live()
            .stat(&path)
            .expect("looked")
            .expect("there")
            .attributes,
        before
    );
    assert_eq!(done("getfacl -n -c -p \"$1\"", &[&path]), list);

    live().set_attributes(&path, &private()).expect("set");
    assert_eq!(
        live()
            .stat(&path)
            .expect("looked")
            .expect("there")
            .attributes,
        private()
    );
    live().set_attributes(&path, &before).expect("set");
    assert_eq!(
        live()
            .stat(&path)
            .expect("looked")
            .expect("there")
            .attributes,
        before
    );
}

#[test]
fn a_file_takes_the_place_of_a_link_and_of_nothing_else_than_a_file() {
    let (_guard, folder) = folder();
    let (path, target) = (folder.join("ca.pem"), folder.join("other.pem"));
    fs::write(&target, "other").expect("written");
    std::os::unix::fs::symlink("other.pem", &path).expect("linked");
    live()
        .place(&path, b"ours", &private())
        .expect_err("it would replace a link");
    for _ in 0..2 {
        live()
            .place_over_link(&path, b"ours", &private())
            .expect("placed");
        let stat = live().stat(&path).expect("looked").expect("there");
        assert_eq!((stat.kind, stat.attributes), (Kind::File, private()));
    }
    assert_eq!(fs::read_to_string(&target).expect("there"), "other");
    fs::hard_link(&target, folder.join("second.pem")).expect("linked");
    for other in [&folder, &target] {
        live()
            .place_over_link(other, b"ours", &private())
            .expect_err("a folder, a file with two names");
    }
    assert_eq!(names(&folder), ["ca.pem", "other.pem", "second.pem"]);
}

#[test]
fn a_failed_placement_leaves_the_old_file_and_nothing_else() {
    let (_guard, folder) = folder();
    let path = folder.join("nginx.conf");
    fs::write(&path, "old").expect("written");
    let impossible = Attributes {
        extended: vec![("nonsense".to_owned(), vec![1])],
        ..private()
    };
    live()
        .place(&path, b"new", &impossible)
        .expect_err("no such kind of attribute");
    assert_eq!(fs::read_to_string(&path).expect("there"), "old");
    assert_eq!(names(&folder), ["nginx.conf"]);

    // A folder that cannot be dressed is not left half-made.
    live()
        .make_folder(&folder.join("made"), &impossible)
        .expect_err("the same");
    assert_eq!(names(&folder), ["nginx.conf"]);
}

/// A disk that is full in the middle of the bytes.
#[test]
fn a_full_disk_leaves_the_old_file() {
    let (_guard, folder) = folder();
    let this = std::env::current_exe().expect("this test");
    let inside = "host::tests::placing::full_disk_inside";
    let script = "mount -t tmpfs -o size=64k none \"$1\"; cd \"$1\"; echo old > conf; \
                  NIM_TLS_FULL=\"$1\" \"$2\" --exact \"$3\" --nocapture; \
                  cat conf; ls -A";
    let script = format!("unshare --mount --propagation private sh -euc '{script}' sh \"$@\"");
    let output = sh(&script, &[&folder, &this, Path::new(inside)]);
    let text = output.out();
    assert!(
        text.contains("No space left on device"),
        "{text}{}",
        output.err()
    );
    assert!(text.ends_with("old\nconf\n"), "{text}");
}

/// Does nothing by itself: the test above runs it where the disk is small.
#[test]
fn full_disk_inside() {
    let Some(folder) = std::env::var_os("NIM_TLS_FULL") else {
        return;
    };
    let path = Path::new(&folder).join("conf");
    let error = live()
        .place(&path, &vec![b'x'; 1 << 20], &private())
        .expect_err("no room");
    println!("{error}");
}
