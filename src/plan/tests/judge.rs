//! A real nginx as the judge of what is planned. It is told of another place for everything:
//! paths begin with a folder of its own, and ports are others, so that nothing is in its way.

#![expect(clippy::disallowed_methods, reason = "a test sets its own scene")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use super::Stand;

/// The nginx that judges; one of a newer kind can be named instead of the system's.
static NGINX: LazyLock<String> = LazyLock::new(|| {
    std::env::var("NIM_TLS_TEST_NGINX").unwrap_or_else(|_| "/usr/sbin/nginx".to_owned())
});

/// `nginx/1.22.1`: what the stand is to say so that plans are for the judge.
pub(super) fn version() -> String {
    let output = Command::new(&*NGINX)
        .arg("-v")
        .output()
        .expect("nginx is needed to judge");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, version) = said.split_once("nginx version: ").expect("a version");
    version.split_whitespace().next().unwrap().to_owned()
}

/// Whether the judge knows `http2 on;`.
pub(super) fn has_http2_directive() -> bool {
    let version = version();
    let mut numbers = version.trim_start_matches("nginx/").split('.');
    let mut next = || {
        numbers
            .next()
            .and_then(|n| n.parse::<u32>().ok())
            .unwrap_or(0)
    };
    (next(), next(), next()) >= (1, 25, 1)
}

/// Whether the judge can tell how it fares.
pub(super) fn has_status_page() -> bool {
    let output = Command::new(&*NGINX)
        .arg("-V")
        .output()
        .expect("nginx is needed to judge");
    String::from_utf8_lossy(&output.stderr).contains("--with-http_stub_status_module")
}

/// Asserts that nginx accepts the files of the stand, without a warning.
pub(super) fn accepts(stand: &Stand) {
    let (loads, said) = judgement(stand);
    assert!(loads && !said.contains("[warn]"), "{said}");
}

fn judgement(stand: &Stand) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for made in ["var/log/nginx", "var/lib/nginx", "run"] {
        fs::create_dir_all(root.join(made)).unwrap();
    }
    for (path, text) in &stand.files {
        let place = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, moved(text, root)).unwrap();
    }
    for (path, target) in &stand.links {
        let place = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(moved(target, root), place).unwrap();
    }
    let main = root.join("etc/nginx/nginx.conf");
    let output = Command::new(&*NGINX)
        .args(["-t", "-e", "stderr", "-p"])
        .arg(root)
        .arg("-c")
        .arg(main)
        .output()
        .expect("nginx is needed to judge");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // The old parameter on a port that others share is left alone, and newer versions say so.
    let said = said
        .lines()
        .filter(|line| !line.contains("\"listen ... http2\" directive"));
    (output.status.success(), said.collect::<Vec<_>>().join("\n"))
}

/// A text with its paths below `root`, and ports nobody else has.
fn moved(text: &str, root: &Path) -> String {
    let root = root.display();
    let mut text = text.to_owned();
    for top in ["/etc/", "/var/", "/run/"] {
        let mut parts = text.split(top);
        let mut joined = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            // Not where it is a part of a longer path: `/var/run/`.
            let inside = joined.ends_with(|c: char| c.is_ascii_alphanumeric());
            if !inside {
                joined.push_str(&root.to_string());
            }
            joined.push_str(top);
            joined.push_str(part);
        }
        text = joined;
    }
    let lines = text.split_inclusive('\n').map(|line| {
        if line.trim_start().starts_with("listen") || line.contains("{ listen") {
            let known = [("10443", "31443"), ("8443", "38443"), ("443", "34443")];
            let found = known.into_iter().find(|(port, _)| line.contains(port));
            found.map_or_else(|| line.to_owned(), |(from, to)| line.replace(from, to))
        } else {
            line.to_owned()
        }
    });
    lines.collect()
}
