//! On the real machine, with the real nginx. Run as root, as the worker is.
#![expect(clippy::disallowed_methods, reason = "a test sets its own scene")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zeroize::Zeroizing;

use super::super::issue::make;
use super::super::lab;
use super::*;
use crate::host::{Entry, Local, Memory};
use crate::plan::Piece;
use crate::values::{AbsPath, Attributes};

/// The process inside is this test binary again: the test that it runs is this one.
const INSIDE: &str = "worker::stage::tests::outside_a_private_namespace_nothing_is_mounted";

#[test]
fn outside_a_private_namespace_nothing_is_mounted() {
    match inside() {
        inside::InsideError::NotPrivate => {}
        error => panic!("{error}"),
    }
}

fn ourselves() -> Ourselves {
    let program = std::env::current_exe()
        .unwrap()
        .to_string_lossy()
        .into_owned();
    Ourselves(
        [&program, INSIDE, "--exact", "--nocapture"]
            .map(str::to_owned)
            .to_vec(),
    )
}

/// A small nginx configuration, and paths outside of it that `nginx -t` would write to.
struct Site {
    folder: TempDir,
    nginx: NginxCommand,
    pid: PathBuf,
    log: PathBuf,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = folder
            .path()
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let pid = PathBuf::from(format!("/run/nim-tls{name}.pid"));
        let log = PathBuf::from(format!("/var/log/nim-tls{name}.log"));
        let main = folder.path().join("nginx.conf");
        let text = format!(
            "user daemon;\npid {};\nerror_log {};\nevents {{}}\nhttp {{\n  access_log off;\n  \
             client_body_temp_path {};\n  include conf.d/*.conf;\n  \
             include /etc/nim-tls{name}/*.conf;\n}}\n",
            pid.display(),
            log.display(),
            folder.path().join("temp/body").display(),
        );
        fs::write(&main, text).unwrap();
        fs::create_dir(folder.path().join("conf.d")).unwrap();
        fs::create_dir(folder.path().join("temp")).unwrap();
        fs::write(
            folder.path().join("conf.d/site.conf"),
            "server { listen 127.0.0.1:18080; }\n",
        )
        .unwrap();
        let nginx = NginxCommand {
            binary: Local::live()
                .unwrap()
                .find("nginx")
                .unwrap()
                .to_string_lossy()
                .into_owned(),
            args: vec!["-c".to_owned(), main.to_string_lossy().into_owned()],
            touches: vec![folder.path().join("temp").to_string_lossy().into_owned()],
            error_log: None,
            listens: Vec::new(),
            ..lab::nginx()
        };
        Self {
            folder,
            nginx,
            pid,
            log,
        }
    }

    fn path(&self, name: &str) -> AbsPath {
        self.folder
            .path()
            .join(name)
            .to_string_lossy()
            .parse()
            .unwrap()
    }

    /// The folder of this site below /etc, which does not exist.
    fn etc(&self) -> AbsPath {
        let name = self.folder.path().file_name().unwrap().to_string_lossy();
        format!("/etc/nim-tls{name}").parse().unwrap()
    }

    fn test(&self, ourselves: &Ourselves, files: Vec<Laid>) -> Tested {
        self.test_without(ourselves, files, Vec::new())
    }

    fn test_without(&self, ourselves: &Ourselves, files: Vec<Laid>, gone: Vec<AbsPath>) -> Tested {
        let folders = [self.etc(), self.path("certs")].map(|path| (path, Attributes::root(0o755)));
        let folders = folders.to_vec();
        let scratch = self.folder.path().join("scratch");
        let before = (
            tree(self.folder.path()),
            fs::read("/proc/self/mountinfo").unwrap(),
        );
        let host = Local::live().unwrap();
        let changes = Changes {
            folders,
            files,
            gone,
        };
        let tested = test(&host, ourselves, &self.nginx, changes, &scratch).unwrap();
        let after = (
            tree(self.folder.path()),
            fs::read("/proc/self/mountinfo").unwrap(),
        );
        assert_eq!(before.0, after.0, "the site was touched");
        assert_eq!(before.1, after.1, "a mount is left over");
        for path in [&self.pid, &self.log, self.etc().as_path()] {
            assert!(!path.exists(), "{} is left over", path.display());
        }
        tested
    }
}

fn tree(folder: &Path) -> Vec<(PathBuf, Option<String>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
        }
        let bytes = fs::read_to_string(&path).ok();
        found.push((path, bytes));
    }
    found.sort();
    found
}

fn laid(path: AbsPath, mode: u32, bytes: &[u8]) -> Laid {
    Laid {
        path,
        attributes: Attributes::root(mode),
        bytes: Zeroizing::new(bytes.to_vec()),
    }
}

/// A server with a certificate, each in a folder that does not exist yet.
fn https(site: &Site) -> Vec<Laid> {
    let made = make(&Memory::new(), lab::plan().issuing().unwrap(), None).unwrap();
    let (chain, key) = (site.path("certs/a.crt"), site.path("certs/a.key"));
    let text = format!(
        "server {{\n  listen 127.0.0.1:18443 ssl;\n  ssl_certificate {chain};\n  \
         ssl_certificate_key certs/a.key;\n}}\n"
    );
    let piece = |piece: &Piece| made.purse.get(piece).unwrap().to_vec();
    vec![
        laid(
            site.etc().join("https.conf").unwrap(),
            0o644,
            text.as_bytes(),
        ),
        laid(chain, 0o644, &piece(&Piece::ServerChain)),
        laid(key, 0o600, &piece(&Piece::ServerKey)),
    ]
}

/// Starts no process inside, as where namespaces are forbidden.
fn without_namespace() -> Ourselves {
    Ourselves(vec!["/nonexistent".to_owned()])
}

fn is_weaker(how: &How) -> bool {
    matches!(how, How::Weaker { why } if !why.is_empty())
}

#[test]
fn files_that_are_not_there_yet_are_accepted_and_nothing_is_touched() {
    let site = Site::new();
    let tested = site.test(&ourselves(), https(&site));
    assert_eq!(tested, Tested::Accepted { how: How::Private });
    let Tested::Accepted { how } = site.test(&without_namespace(), https(&site)) else {
        panic!("the weaker test refused it")
    };
    assert!(is_weaker(&how));
}

/// As on Debian, where the master's command line is `nginx` alone.
#[test]
fn the_weaker_test_needs_no_option_that_names_the_main_file() {
    let mut site = Site::new();
    let started = std::mem::take(&mut site.nginx.args);
    site.nginx.main = started.last().cloned();
    let Tested::Accepted { how } = site.test(&without_namespace(), https(&site)) else {
        panic!("it was refused")
    };
    assert!(is_weaker(&how));
    let broken = laid(site.path("conf.d/site.conf"), 0o644, b"lsten 1;\n");
    let tested = site.test(&without_namespace(), vec![broken]);
    assert!(matches!(tested, Tested::Refused { .. }), "{tested:?}");
}

/// A file that is included through a link is planned where it is.
#[test]
fn the_weaker_test_sees_what_a_link_leads_to() {
    let site = Site::new();
    let (real, link) = (site.path("site.real"), site.path("conf.d/site.conf"));
    fs::rename(link.as_path(), real.as_path()).unwrap();
    std::os::unix::fs::symlink("../site.real", link.as_path()).unwrap();
    let tested = site.test(&without_namespace(), vec![laid(real, 0o644, b"lsten 1;\n")]);
    let Tested::Refused { why, .. } = tested else {
        panic!("{tested:?}")
    };
    assert!(why.contains("lsten"), "{why}");
}

/// Red where a file that goes is read all the same.
#[test]
fn a_file_that_goes_is_not_seen() {
    let site = Site::new();
    let (other, same) = (
        site.path("conf.d/other.conf"),
        site.path("conf.d/same.conf"),
    );
    fs::write(same.as_path(), "upstream twice { server 127.0.0.1:1; }\n").unwrap();
    let upstream = || {
        vec![laid(
            other.clone(),
            0o644,
            b"upstream twice { server 127.0.0.1:2; }\n",
        )]
    };
    for ourselves in [ourselves(), without_namespace()] {
        let tested = site.test(&ourselves, upstream());
        assert!(matches!(tested, Tested::Refused { .. }), "{tested:?}");
        let tested = site.test_without(&ourselves, upstream(), vec![same.clone()]);
        assert!(matches!(tested, Tested::Accepted { .. }), "{tested:?}");
    }
}

#[test]
fn a_refusal_names_the_real_path_and_line() {
    let site = Site::new();
    let broken = || {
        vec![laid(
            site.path("conf.d/site.conf"),
            0o644,
            b"server {\n  lsten 1;\n}\n",
        )]
    };
    let expected = format!(
        "{}:2: unknown directive \"lsten\"",
        site.path("conf.d/site.conf")
    );
    for ourselves in [ourselves(), without_namespace()] {
        let Tested::Refused { why, .. } = site.test(&ourselves, broken()) else {
            panic!("it was accepted")
        };
        assert_eq!(why, expected);
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let site = Site::new();
    for ourselves in [ourselves(), without_namespace()] {
        let mut files = https(&site);
        files[2].bytes = https(&site).remove(2).bytes;
        let Tested::Refused { why, .. } = site.test(&ourselves, files) else {
            panic!("it was accepted")
        };
        assert!(why.contains("mismatch"), "{why}");
        assert!(!why.contains("scratch"), "{why}");
    }
}

#[test]
fn asking_changes_nothing() {
    let site = Site::new();
    let output = ask(&Local::live().unwrap(), &ourselves(), &site.nginx, &["-T"]).unwrap();
    assert!(output.success(), "{}", output.err());
    assert!(
        output.out().starts_with("# configuration file"),
        "{}",
        output.out()
    );
    assert!(output.out().contains("conf.d/site.conf"));
    assert!(!site.pid.exists() && !site.log.exists());
}

#[test]
fn what_asking_in_the_open_has_made_is_taken_away() {
    let (new, old, used) = ("/var/log/new.log", "/var/log/old.log", "/var/log/used.log");
    let temp = "/var/lib/nginx/new";
    let machine = Memory::new()
        .with_file(old, "")
        .with_file("/var/lib/nginx/x", "")
        .answering(move |machine, _| {
            machine.put(new, Entry::file("", Attributes::root(0o644)));
            // Somebody else's, who came at the same time.
            machine.put(used, Entry::file("a line", Attributes::root(0o644)));
            machine.put(temp, Entry::folder(Attributes::root(0o700)));
            Some(Output::default())
        });
    let before = machine.entries();
    let command = Command::new("/usr/sbin/nginx", &["-T"]);
    let made = [new, old, used, temp, "/var/log/$host.log", "logs/x.log"];
    ask_openly(&machine, &command, &made).unwrap();
    let mut after = machine.entries();
    assert!(after.remove(Path::new(used)).is_some());
    assert_eq!(after, before);
}

/// Runs another test of this file where mounts are as `script` leaves them.
fn again_where(script: &str) {
    let program = std::env::current_exe()
        .unwrap()
        .to_string_lossy()
        .into_owned();
    let test = "worker::stage::tests::files_that_are_not_there_yet";
    let script = format!("set -e\n{script}\n{program} {test} --nocapture\nexit 0\n");
    let unshare = Local::live().unwrap().find("unshare").unwrap();
    let args = [
        "--mount",
        "--pid",
        "--net",
        "--fork",
        "--mount-proc",
        "sh",
        "-c",
        &script,
    ];
    let output = Local::live()
        .unwrap()
        .run(&Command::new(unshare, &args))
        .unwrap();
    let said = format!("{}{}", output.out(), output.err());
    assert!(output.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn it_works_in_other_namespaces() {
    again_where("ip link set lo up 2>/dev/null || true");
}

#[test]
fn a_third_level_of_overlays_is_copied_instead() {
    again_where(
        "mount -t tmpfs none /mnt; cd /mnt; mkdir u1 w1 u2 w2\n\
         mount -t overlay none -o lowerdir=/etc,upperdir=u1,workdir=w1 /etc\n\
         mount -t overlay none -o lowerdir=/etc,upperdir=u2,workdir=w2 /etc\n\
         cd /; umount -l /mnt",
    );
}

#[test]
fn what_is_mounted_below_etc_is_still_there() {
    // Without the users of this system, which are in a bind-mounted file, nginx refuses `user`.
    again_where(
        "mkdir -p /tmp/nim-tls-etc; mount -t tmpfs none /tmp/nim-tls-etc\n\
         cp /etc/passwd /etc/group /tmp/nim-tls-etc; : > /tmp/nim-tls-etc/empty\n\
         cp -a /etc /tmp/nim-tls-etc/etc; cd /tmp/nim-tls-etc\n\
         : > etc/passwd; : > etc/group; mount --bind etc /etc\n\
         mount --bind passwd /etc/passwd; mount --bind group /etc/group; cd /",
    );
}
