//! Obstacles are told beforehand, and are the ones that would be met.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::super::machine::Host;
use super::super::{Command, Local};
use super::{done, folder, live, private, sh};

/// The obstacle, with the folder of the test as `DIR`.
fn told(folder: &Path, name: &str) -> Option<String> {
    let why = live().obstacle(&folder.join(name))?;
    Some(why.replace(folder.to_str().expect("UTF-8"), "DIR"))
}

#[test]
fn nothing_is_in_the_way_of_a_new_file_a_plain_one_or_one_in_a_folder_to_be_made() {
    let (_guard, folder) = folder();
    fs::write(folder.join("plain"), "").expect("written");
    for name in ["new", "plain", "to/be/made/new"] {
        assert_eq!(told(&folder, name), None, "{name}");
    }
}

#[test]
fn what_is_no_plain_file_is_in_the_way() {
    let (_guard, folder) = folder();
    fs::write(folder.join("file"), "").expect("written");
    fs::hard_link(folder.join("file"), folder.join("second")).expect("linked");
    symlink("file", folder.join("link")).expect("linked");
    fs::create_dir(folder.join("folder")).expect("made");
    done("mkfifo \"$1\"", &[&folder.join("fifo")]);
    for (name, why) in [
        (
            "second",
            "DIR/second is one of 2 names of the same file (hard links): cp -a DIR/second \
             DIR/second.new && mv DIR/second.new DIR/second",
        ),
        ("link", "DIR/link is a symbolic link to file"),
        ("folder", "DIR/folder is a folder"),
        ("fifo", "DIR/fifo is a FIFO"),
        ("file/below", "DIR/file is not a folder"),
    ] {
        assert_eq!(told(&folder, name).as_deref(), Some(why));
    }
}

#[test]
fn a_folder_may_be_a_link_that_leads_to_one() {
    let (_guard, folder) = folder();
    fs::create_dir(folder.join("real")).expect("made");
    symlink("real", folder.join("link")).expect("linked");
    symlink("gone", folder.join("nowhere")).expect("linked");
    assert_eq!(told(&folder, "link/new"), None);
    live()
        .make_folder(&folder.join("link"), &private())
        .expect("it stands for a folder");
    let said = told(&folder, "nowhere/new").expect("an obstacle");
    let start = "DIR/nowhere is a symbolic link to gone, which is not there: mkdir -p";
    assert!(said.starts_with(start), "{said}");
    assert!(told(&folder, "nowhere/further/new").is_some());
    live()
        .make_folder(&folder.join("nowhere"), &private())
        .expect_err("it stands for nothing");
    done("chown -h daemon \"$1\"", &[&folder.join("link")]);
    assert!(told(&folder, "link/new").is_some_and(|said| said.contains("symbolic link of user")));
}

#[test]
fn immutable_and_append_only_files_and_folders_are_in_the_way() {
    let (_guard, folder) = folder();
    let (file, inner) = (folder.join("file"), folder.join("inner"));
    fs::write(&file, "").expect("written");
    fs::create_dir(&inner).expect("made");
    for (flag, file_why, inner_why) in [
        (
            "i",
            "DIR/file is immutable: chattr -i DIR/file",
            "DIR/inner is immutable: chattr -i DIR/inner",
        ),
        (
            "a",
            "DIR/file is set append-only: chattr -a DIR/file",
            "DIR/inner is set append-only: chattr -a DIR/inner",
        ),
    ] {
        done(&format!("chattr +{flag} \"$@\""), &[&file, &inner]);
        let seen = (told(&folder, "file"), told(&folder, "inner/new"));
        let tried = [&file, &inner.join("new")].map(|path| live().place(path, b"", &private()));
        done(&format!("chattr -{flag} \"$@\""), &[&file, &inner]);
        assert_eq!(
            seen,
            (Some(file_why.to_owned()), Some(inner_why.to_owned()))
        );
        assert!(tried[0].is_err());
        // An append-only folder lets a file be made and never renamed: the worst of all.
        assert!(tried[1].is_err());
        done("chattr -R -a \"$1\"; rm -f \"$1\"/.nim-tls-*", &[&inner]);
    }
}

/// Mounts are made in a namespace of their own; what is asked inside is printed by a copy of
/// this test that runs there.
#[test]
fn bind_mounted_files_and_read_only_filesystems_are_in_the_way() {
    let (_guard, folder) = folder();
    let this = std::env::current_exe().expect("this test");
    let inside = "host::tests::obstacles::mounts_inside";
    let script = "cd \"$1\"; mkdir ro; echo a > bound; echo b > source; \
                  mount --bind source bound; mount -t tmpfs -o ro none ro; \
                  NIM_TLS_MOUNTS=\"$1\" \"$2\" --exact \"$3\" --nocapture";
    let script = format!("unshare --mount --propagation private sh -euc '{script}' sh \"$@\"");
    let output = sh(&script, &[&folder, &this, Path::new(inside)]);
    let text = output.out().replace(folder.to_str().expect("UTF-8"), "DIR");
    let bound = "bound: DIR/bound is a mount point (a bind-mounted file): umount DIR/bound\n";
    assert!(text.contains(bound), "{text}{}", output.err());
    let read_only = "ro/new: the filesystem of DIR/ro is mounted read-only: mount -o remount,rw";
    assert!(text.contains(read_only), "{text}");
    assert!(text.contains("placed bound: false\n"), "{text}");
    assert!(text.contains("placed ro/new: false\n"), "{text}");
}

/// Does nothing by itself: the test above runs it among its mounts.
#[test]
fn mounts_inside() {
    let Some(folder) = std::env::var_os("NIM_TLS_MOUNTS") else {
        return;
    };
    for name in ["bound", "ro/new"] {
        let path = Path::new(&folder).join(name);
        println!("{name}: {}", live().obstacle(&path).unwrap_or_default());
        println!(
            "placed {name}: {}",
            live().place(&path, b"", &private()).is_ok()
        );
    }
}

/// The tree of a machine with three accounts; `owner`, `group` and `mode` of its folder `/etc/nms`.
fn with_folder(owner: u32, group: u32, mode: u32) -> Option<String> {
    let (_guard, root) = folder();
    fs::set_permissions(&root, PermissionsExt::from_mode(0o755)).expect("set");
    fs::create_dir_all(root.join("etc/nms")).expect("made");
    fs::write(
        root.join("etc/passwd"),
        "root:x:0:0::/:/bin/sh\nnms:x:998:998::/:/bin/sh\nann:x:1000:1000::/:/bin/sh\n",
    )
    .expect("written");
    fs::write(
        root.join("etc/group"),
        "root:x:0:\nnms:x:998:\nstaff:x:50:\nweb:x:60:root,ann\n",
    )
    .expect("written");
    let nms = root.join("etc/nms");
    std::os::unix::fs::chown(&nms, Some(owner), Some(group)).expect("given");
    fs::set_permissions(&nms, PermissionsExt::from_mode(mode)).expect("set");
    let host = Local::under(&root).expect("a folder");
    host.obstacle(Path::new("/etc/nms/certs/new"))
}

#[test]
fn a_folder_is_unsafe_exactly_where_somebody_else_could_swap_files_in_it() {
    for (owner, group, mode) in [
        (0, 0, 0o755),
        (0, 0, 0o775),
        // Sticky: what is root's can be removed by root only.
        (0, 0, 0o1777),
        // A service's own folder, as its package made it.
        (998, 998, 0o755),
        (998, 998, 0o775),
        // A group without anybody in it, as Debian's staff in /usr/local.
        (0, 50, 0o2775),
    ] {
        assert_eq!(
            with_folder(owner, group, mode),
            None,
            "{owner}:{group} {mode:o}"
        );
    }
    for (owner, group, mode, why) in [
        (
            0,
            0,
            0o777,
            "everybody may replace files in /etc/nms: chmod o-w /etc/nms",
        ),
        (
            1000,
            0,
            0o755,
            "/etc/nms belongs to user 1000, who may replace files in it: chown root /etc/nms",
        ),
        (
            0,
            60,
            0o775,
            "ann, a member of group 60, may replace files in /etc/nms: chmod g-w /etc/nms",
        ),
        (
            0,
            998,
            0o775,
            "nms, a member of group 998, may replace files in /etc/nms: chmod g-w /etc/nms",
        ),
        // A group of a directory service, perhaps.
        (
            0,
            4242,
            0o775,
            "group 4242 may replace files in /etc/nms: chmod g-w /etc/nms",
        ),
    ] {
        let found = with_folder(owner, group, mode);
        assert_eq!(found.as_deref(), Some(why), "{owner}:{group} {mode:o}");
    }
}

#[test]
fn somebody_who_is_not_root_is_told_of_permissions() {
    let (_guard, folder) = folder();
    fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).expect("set");
    let this = std::env::current_exe().expect("this test");
    let copy = folder.join("test");
    done("cp \"$1\" \"$2\"", &[&this, &copy]);
    let inside = "host::tests::obstacles::not_root_inside";
    let args = ["--reuid=12", "--regid=12", "--clear-groups", "env"];
    let variable = format!("NIM_TLS_NOT_ROOT={}", folder.display());
    let rest = [
        variable.as_str(),
        copy.to_str().expect("UTF-8"),
        "--exact",
        inside,
        "--nocapture",
    ];
    let command = Command::new("setpriv", &[&args[..], &rest].concat());
    let output = live().run(&command).expect("run");
    let text = output.out();
    let why = format!("this user may not write in {}\n", folder.display());
    assert!(text.contains(&why), "{text}{}", output.err());
}

/// Does nothing by itself: the test above runs it as somebody else.
#[test]
fn not_root_inside() {
    let Some(folder) = std::env::var_os("NIM_TLS_NOT_ROOT") else {
        return;
    };
    assert!(!live().is_root());
    println!(
        "{}",
        live()
            .obstacle(&Path::new(&folder).join("new"))
            .unwrap_or_default()
    );
}
