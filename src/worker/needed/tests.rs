use super::*;
use crate::host::Memory;
use crate::values::{Digest, Mode, Owner};

const CONF: &str = "/etc/nginx/conf.d/nms-http.conf";
const KEY: &str = "/etc/nms/certs/server.key";
const LOG: &str = "/etc/nginx/conf.d/nim-tls-log.conf";
const CHECK: &str = "/etc/nms/nginx/locations/nim-tls-agents.conf";
const BUNDLE: &str = "/etc/nms/certs/ca.pem";
const ANCHOR: &str = "/usr/local/share/ca-certificates/nim-tls-root.crt";

/// Files as a run left them; the first one was there before and may have been edited since.
fn scene(conf_now: &str) -> (Memory, Vec<Change>) {
    let files = [
        (CONF, "ours"),
        (KEY, "-----BEGIN PRIVATE KEY-----"),
        ("/etc/nms/certs/server.key.old", "longer"),
        (LOG, "log_format nim_tls json;"),
        (CHECK, "ssl_client_certificate /etc/nms/certs/ca.pem;"),
        (BUNDLE, "-----BEGIN CERTIFICATE-----"),
        (ANCHOR, "-----BEGIN CERTIFICATE-----"),
    ];
    let mut machine = Memory::new();
    let mut changes = vec![Change {
        path: "/etc/nms/certs".to_owned(),
        before: Before::Nothing,
        after: After::Folder {
            mode: Mode(0o755),
            owner: Owner::ROOT,
        },
        secret: false,
    }];
    for (path, text) in files {
        let now = if path == CONF { conf_now } else { text };
        machine = machine.with_file(path, now);
        changes.push(Change {
            path: path.to_owned(),
            before: Before::Nothing,
            after: After::File {
                digest: Digest::of(text.as_bytes()),
                mode: Mode(0o644),
                owner: Owner::ROOT,
            },
            secret: path == KEY,
        });
    }
    (machine, changes)
}

fn kept(conf_now: &str) -> Vec<String> {
    let (machine, changes) = scene(conf_now);
    let state = Path::new("/var/lib/nim-tls");
    let kept = needed(&machine, state, &changes, None);
    kept.keys().map(|at| changes[*at].path.clone()).collect()
}

#[test]
fn nothing_is_kept_where_nothing_was_edited() {
    assert!(kept("ours").is_empty());
}

#[test]
fn what_an_edited_file_names_stays_and_what_that_names_and_our_helpers() {
    let conf = "ssl_certificate_key \"/etc/nms/certs/server.key\"; # a later thought\n";
    assert_eq!(kept(conf), ["/etc/nms/certs", KEY, LOG, CHECK, BUNDLE]);
}

#[test]
fn a_path_is_named_as_a_whole() {
    assert!(names("x /a/b;", "/a/b") && names("/a/b", "/a/b"));
    for text in ["/a/bc", "/a/b/c", "/a/b.old", "/a/b-2", "/a"] {
        assert!(!names(text, "/a/b"), "{text}");
    }
}

#[test]
fn files_of_our_own_state_ask_for_nothing() {
    let (machine, changes) = scene("edited /etc/nms/certs/server.key;");
    let kept = needed(&machine, Path::new("/etc/nginx"), &changes, None);
    assert!(kept.is_empty(), "{kept:?}");
}
