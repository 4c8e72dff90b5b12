//! What a plan changes in a file, line by line.

use similar::{ChangeTag, TextDiff};

use super::judge;
use super::stand::{Stand, text};

pub(super) const CIPHERS: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
pub(super) const ALL: &str = "        satisfy all;";
pub(super) const ASK: &str = "        auth_request /nim-tls/agent-certificate;";
pub(super) const OLD_ASK: &str = "        # auth_request /check-agent-client-cert;";

pub(super) const NOSNIFF: &str = "add_header X-Content-Type-Options nosniff always;";
pub(super) const REFERRER: &str = "add_header Referrer-Policy strict-origin always;";
pub(super) const HSTS: &str = "add_header Strict-Transport-Security max-age=86400 always;";

/// The lines of a file that a plan takes away and those it brings, without their endings.
pub(super) fn difference(stand: &Stand, path: &str) -> (Vec<String>, Vec<String>) {
    let plan = stand.planned();
    let (before, after) = (&stand.files[path], text(&plan, path));
    let diff = TextDiff::from_lines(before.as_str(), after);
    let lines = |tag| {
        let of_tag = diff.iter_all_changes().filter(|change| change.tag() == tag);
        of_tag
            .map(|change| change.value().trim_end_matches('\n').to_owned())
            .collect()
    };
    (lines(ChangeTag::Delete), lines(ChangeTag::Insert))
}

/// What changes in the stock file for client mTLS, its white space aside.
pub(super) fn stock_difference(listen: Option<(&str, &[&str])>) -> (Vec<String>, Vec<String>) {
    let mut old = vec![
        "ssl_certificate_key    /etc/nms/certs/manager-server.key;",
        "ssl_certificate        /etc/nms/certs/manager-server.pem;",
        "ssl_session_cache      shared:SSL:10m;",
        "ssl_ciphers            HIGH:!aNULL:!MD5;",
        "# ssl_client_certificate /etc/nms/certs/ca.pem;",
        "ssl_verify_client      off;",
        "add_header X-Content-Type-Options nosniff;",
        "add_header X-Frame-Options sameorigin;",
        OLD_ASK.trim(),
        OLD_ASK.trim(),
    ];
    let ciphers = format!("ssl_ciphers            {CIPHERS};");
    let mut new = vec![
        "ssl_certificate_key    /etc/nms/certs/server.key;",
        "ssl_certificate        /etc/nms/certs/server.crt;",
        "ssl_session_cache      shared:nim_tls_1:10m;",
        &ciphers,
        "ssl_client_certificate /etc/nms/certs/nim-tls-ca.pem;",
        "ssl_verify_client      optional;",
        NOSNIFF,
        "add_header X-Frame-Options sameorigin always;",
        REFERRER,
        HSTS,
        // Where the user interface has a header of its own.
        NOSNIFF,
        "add_header X-Frame-Options SAMEORIGIN always;",
        REFERRER,
        HSTS,
        ALL.trim(),
        ASK.trim(),
        ALL.trim(),
        ASK.trim(),
    ];
    if let Some((before, after)) = listen {
        old.insert(0, before);
        new.splice(0..0, after.iter().copied());
    }
    let own = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect();
    (own(old), own(new))
}

pub(super) fn trimmed((old, new): (Vec<String>, Vec<String>)) -> (Vec<String>, Vec<String>) {
    let trim = |lines: Vec<String>| lines.iter().map(|line| line.trim().to_owned()).collect();
    (trim(old), trim(new))
}

/// Settled, and accepted by the real nginx when planned for that.
pub(super) fn holds(stand: &Stand) -> Stand {
    let after = stand.settled();
    judge::accepts(&stand.clone().with_version(&judge::version()).settled());
    after
}
