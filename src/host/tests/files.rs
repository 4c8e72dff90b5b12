//! What is no plain file is refused; folders, links, moving, appending, locking, reading.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::super::machine::Host;
use super::super::{Attributes, HostError, Kind, LockError};
use super::{done, folder, live, names, private};

fn refusal<T: std::fmt::Debug>(result: Result<T, HostError>) -> String {
    match result {
        Err(HostError::Refused { why, .. }) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn nothing_is_written_through_a_link_or_under_a_second_name() {
    let (_guard, folder) = folder();
    let victim = folder.join("victim");
    fs::write(&victim, "untouched").expect("written");
    let link = folder.join("link");
    symlink(&victim, &link).expect("linked");

    let host = live();
    let message = format!("is a symbolic link to {}", victim.display());
    assert_eq!(refusal(host.place(&link, b"x", &private())), message);
    assert_eq!(refusal(host.append(&link, b"x")), message);
    assert_eq!(refusal(host.set_attributes(&link, &private())), message);
    assert!(host.lock(&link, "x").is_err());

    let second = folder.join("second");
    fs::hard_link(&victim, &second).expect("linked");
    let message = "is one of 2 names of the same file (hard links)";
    assert_eq!(refusal(host.place(&second, b"x", &private())), message);
    assert_eq!(refusal(host.append(&second, b"x")), message);
    assert_eq!(
        refusal(host.set_attributes(&second, &Attributes::root(0o666))),
        message
    );

    assert_eq!(fs::read_to_string(&victim).expect("there"), "untouched");
    assert_eq!(fs::metadata(&victim).expect("there").mode() & 0o777, 0o644);
    assert_eq!(names(&folder), ["link", "second", "victim"]);
}

#[test]
fn a_fifo_a_device_or_a_folder_is_refused_and_nothing_waits() {
    let (_guard, folder) = folder();
    let fifo = folder.join("fifo");
    done("mkfifo \"$1\"", &[&fifo]);
    let start = Instant::now();
    let host = live();
    assert_eq!(refusal(host.read(&fifo, 10)), "is a FIFO");
    assert_eq!(refusal(host.place(&fifo, b"x", &private())), "is a FIFO");
    assert_eq!(refusal(host.append(&fifo, b"x")), "is a FIFO");
    assert_eq!(refusal(host.set_attributes(&fifo, &private())), "is a FIFO");
    assert_eq!(
        refusal(host.read(Path::new("/dev/zero"), 10)),
        "is a device"
    );
    assert_eq!(refusal(host.read(&folder, 10)), "is a folder");
    assert_eq!(
        refusal(host.place(&folder, b"x", &private())),
        "is a folder"
    );
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(
        host.stat(&fifo).expect("looked").expect("there").kind,
        Kind::Special
    );
}

#[test]
fn links_among_the_folders_are_followed_only_where_nobody_else_could_make_them() {
    let (_guard, folder) = folder();
    let real = folder.join("real");
    fs::create_dir(&real).expect("made");
    symlink(&real, folder.join("system")).expect("linked");
    let host = live();
    host.place(&folder.join("system/a"), b"x", &private())
        .expect("root's link is fine");

    // Somebody else's link.
    symlink(&real, folder.join("theirs")).expect("linked");
    done("chown -h 12:12 \"$1\"", &[&folder.join("theirs")]);
    let why = refusal(host.place(&folder.join("theirs/b"), b"x", &private()));
    assert!(why.starts_with("is a symbolic link of user 12,"), "{why}");

    // Root's link, where somebody else could have put another: it may be a hard link to it.
    for (change, who) in [("chown 12", "user 12"), ("chmod 1777", "mode 1777")] {
        let open = folder.join(who);
        fs::create_dir(&open).expect("made");
        symlink(&real, open.join("link")).expect("linked");
        done(&format!("{change} \"$1\""), &[&open]);
        let why = refusal(host.place(&open.join("link/c"), b"x", &private()));
        assert!(why.contains(who), "{why}");
    }
    assert_eq!(names(&real), ["a"]);
    // For looking they are all fine.
    assert_eq!(host.read(&folder.join("theirs/a"), 10).expect("read"), b"x");
}

/// Somebody who owns a folder swaps a link in and out while we write through the path: what we
/// write never lands behind the link.
#[test]
fn a_folder_swapped_for_a_link_meanwhile_leads_nowhere() {
    let (_guard, folder) = folder();
    let (theirs, elsewhere) = (folder.join("theirs"), folder.join("elsewhere"));
    for made in [&theirs, &elsewhere] {
        fs::create_dir(made).expect("made");
    }
    let (inner, aside) = (theirs.join("inner"), theirs.join("aside"));
    fs::create_dir(&inner).expect("made");
    done("chown -R 12:12 \"$1\"", &[&theirs]);
    let stop = AtomicBool::new(false);
    let written = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                fs::rename(&inner, &aside).expect("moved");
                symlink(&elsewhere, &inner).expect("linked");
                std::os::unix::fs::lchown(&inner, Some(12), Some(12)).expect("given");
                fs::remove_file(&inner).expect("removed");
                fs::rename(&aside, &inner).expect("moved");
            }
        });
        let host = live();
        let target = inner.join("file");
        let mut written = 0;
        // On a busy machine the other one may have the folder away for long.
        for tries in 0..300_000 {
            written += u32::from(host.place(&target, b"x", &private()).is_ok());
            if tries > 3000 && written > 0 {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
        written
    });
    assert!(written > 0, "none of the tries met the folder");
    assert_eq!(names(&elsewhere), Vec::<String>::new());
}

#[test]
fn folders_are_made_once_and_removed_when_empty() {
    let (_guard, folder) = folder();
    let host = live();
    let path = folder.join("state");
    host.make_folder(&path, &Attributes::root(0o700))
        .expect("made");
    assert_eq!(fs::metadata(&path).expect("there").mode() & 0o7777, 0o700);
    host.make_folder(&path, &Attributes::root(0o755))
        .expect("there already");
    assert_eq!(fs::metadata(&path).expect("there").mode() & 0o7777, 0o700);
    host.make_folder(&folder.join("a/b"), &private())
        .expect_err("no parent");

    host.place(&path.join("file"), b"", &private())
        .expect("placed");
    host.make_folder(&path.join("file"), &private())
        .expect_err("a file is there");
    host.remove_folder(&path).expect_err("not empty");
    host.remove_file(&path).expect_err("a folder");
    host.remove_file(&path.join("file")).expect("removed");
    host.remove_folder(&path).expect("removed");
    assert_eq!(names(&folder), Vec::<String>::new());
    assert_eq!(names(&path), Vec::<String>::new());
}

#[test]
fn a_link_is_placed_over_a_link_or_file_and_removed_without_its_target() {
    let (_guard, folder) = folder();
    let host = live();
    let link = folder.join("current");
    for target in ["a", "/nowhere/b"] {
        host.place_link(&link, Path::new(target)).expect("placed");
        let stat = host.stat(&link).expect("looked").expect("there");
        assert_eq!(stat.kind, Kind::Link(target.into()));
    }
    fs::write(folder.join("a"), "kept").expect("written");
    host.place_link(&link, Path::new("a")).expect("placed");
    host.remove_file(&link).expect("removed");
    assert_eq!(names(&folder), ["a"]);
    fs::create_dir(folder.join("sub")).expect("made");
    assert_eq!(
        refusal(host.place_link(&folder.join("sub"), Path::new("a"))),
        "is a folder"
    );
}

#[test]
fn a_rename_replaces_nothing() {
    let (_guard, folder) = folder();
    let (a, b) = (folder.join("a"), folder.join("b"));
    fs::write(&a, "a").expect("written");
    fs::write(&b, "b").expect("written");
    let host = live();
    host.rename(&a, &b).expect_err("b is there");
    assert_eq!(fs::read_to_string(&b).expect("there"), "b");
    host.rename(&a, &folder.join("c")).expect("moved");
    assert_eq!(names(&folder), ["b", "c"]);
    let error = host.rename(&a, &folder.join("d")).expect_err("a is gone");
    assert!(error.is_absence(), "{error}");
}

#[test]
fn appending_creates_a_private_file_and_adds_to_it() {
    let (_guard, folder) = folder();
    let path = folder.join("journal");
    done("setfacl -d -m u:12:rw,m::rwx \"$1\"", &[&folder]);
    live().append(&path, b"one\n").expect("appended");
    live().append(&path, b"two\n").expect("appended");
    assert_eq!(fs::read_to_string(&path).expect("there"), "one\ntwo\n");
    // Its inherited list names user 12, and the mask takes it all away.
    assert_eq!(fs::metadata(&path).expect("there").mode() & 0o7777, 0o600);
}

#[test]
fn a_lock_is_held_by_one_and_says_by_whom() {
    let (_guard, folder) = folder();
    let path = folder.join("lock");
    let held = live()
        .lock(&path, "process 12, a longer note\n")
        .expect("free");
    assert_eq!(fs::metadata(&path).expect("there").mode() & 0o7777, 0o600);
    match live().lock(&path, "me too") {
        Err(LockError::Held(note)) => assert_eq!(note, "process 12, a longer note"),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("two have the lock"),
    }
    // A program that is run meanwhile does not keep it.
    done(
        "sleep 60 >/dev/null 2>&1 & echo $! > \"$1\"",
        &[&folder.join("pid")],
    );
    drop(held);
    drop(live().lock(&path, "next").expect("free again"));
    assert_eq!(fs::read_to_string(&path).expect("there"), "next\n");
    done("kill \"$(cat \"$1\")\"", &[&folder.join("pid")]);
}

#[test]
fn reading_is_bounded_and_a_log_is_read_from_its_end() {
    let (_guard, folder) = folder();
    let path = folder.join("error.log");
    fs::write(&path, "0123456789").expect("written");
    let host = live();
    assert_eq!(host.read(&path, 10).expect("read"), b"0123456789");
    assert_eq!(refusal(host.read(&path, 9)), "is larger than 9 bytes");
    for (offset, limit, expected) in [
        (0, 100, "0123456789"),
        (4, 100, "456789"),
        (0, 3, "789"),
        (8, 3, "89"),
        (11, 3, ""),
    ] {
        let read = host.read_from(&path, offset, limit).expect("read");
        assert_eq!(String::from_utf8_lossy(&read), expected, "{offset} {limit}");
    }
    // A file that claims to be empty.
    let own = host.read(Path::new("/proc/self/stat"), 4096).expect("read");
    assert!(own.starts_with(std::process::id().to_string().as_bytes()));
    assert!(host.read(Path::new("/proc/self/exe"), 1).is_err());
    assert!(host.read(Path::new("relative"), 1).is_err());
}

#[test]
fn what_is_not_there_is_absent_and_not_an_error() {
    let (_guard, folder) = folder();
    fs::write(folder.join("file"), "").expect("written");
    let host = live();
    for absent in ["nothing", "nothing/below", "file/below"] {
        let path = folder.join(absent);
        assert_eq!(host.stat(&path).expect("looked"), None, "{absent}");
        assert_eq!(host.real_path(&path).expect("looked"), None, "{absent}");
        assert!(
            host.read(&path, 1).expect_err("nothing").is_absence(),
            "{absent}"
        );
    }
    assert_eq!(names(&folder.join("nothing")), Vec::<String>::new());
    assert!(
        host.space(&folder.join("nothing/below"))
            .expect("of the folder")
            > 0
    );
    assert_eq!(
        host.stat(Path::new("/"))
            .expect("looked")
            .expect("there")
            .kind,
        Kind::Folder
    );
}

#[test]
fn the_real_path_has_no_links() {
    let (_guard, folder) = folder();
    fs::create_dir(folder.join("real")).expect("made");
    symlink("real", folder.join("link")).expect("linked");
    symlink("loop", folder.join("loop")).expect("linked");
    let host = live();
    let real = host
        .real_path(&folder.join("link/../link"))
        .expect("looked");
    assert_eq!(real, Some(folder.join("real")));
    assert!(host.real_path(&folder.join("loop")).is_err());
}
