//! Protocols and ciphers that stand where other servers read them too.

use super::difference::{CIPHERS, holds};
use super::stand::{NMS_HTTP, Stand, changed, text};

const SNIPPET: &str = "/etc/letsencrypt/options-ssl-nginx.conf";
/// As certbot writes them.
pub(super) const GOOD: &str = "ssl_session_timeout 1440m;\nssl_session_tickets off;\n\nssl_protocols TLSv1.2 TLSv1.3;\nssl_prefer_server_ciphers off;\nssl_ciphers \"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384\";\n";
const CACHE: &str = "ssl_session_cache shared:le_nginx_SSL:10m;\n";
pub(super) const WEAK: &str =
    "ssl_protocols TLSv1 TLSv1.2 TLSv1.3;\nssl_ciphers HIGH:!aNULL:!MD5;\n";

fn site(name: &str, listen: &str, lines: &str) -> String {
    format!(
        "server {{\n    listen {listen};\n    server_name {name};\n    ssl_certificate \
         /etc/nms/certs/manager-server.pem;\n    ssl_certificate_key \
         /etc/nms/certs/manager-server.key;\n    {lines}\n    return 200;\n}}\n"
    )
}

/// The manager without a profile of its own, and with these lines.
fn with_lines(lines: &str) -> Stand {
    Stand::stock()
        .edit("    ssl_session_cache      shared:SSL:10m;\n", "")
        .edit("    ssl_session_timeout    10m;\n", "")
        .edit("    ssl_protocols          TLSv1.2 TLSv1.3;\n", "")
        .edit("    ssl_ciphers            HIGH:!aNULL:!MD5;\n", lines)
}

fn including() -> String {
    format!("include {SNIPPET};")
}

/// The manager and two sites read one file.
pub(super) fn shared(snippet: &str, names: &str) -> Stand {
    with_lines(&format!("    {}\n", including()))
        .edit("server_name _;", &format!("server_name {names};"))
        .with_file(SNIPPET, snippet)
        .with_file(
            "/etc/nginx/conf.d/zz-a.conf",
            &site("a.example.com", "443 ssl", &including()),
        )
        .with_file(
            "/etc/nginx/conf.d/zz-b.conf",
            &site("b.example.com", "8443 ssl", &including()),
        )
}

#[test]
fn a_shared_file_with_good_values_is_left_alone() {
    let stand = shared(GOOD, "_");
    assert!(!changed(&stand.planned()).contains(&SNIPPET));
    assert!(!text(&stand.planned(), NMS_HTTP).contains("ssl_ciphers"));
    holds(&stand);
    holds(&stand.ssl_termination());
}

#[test]
fn a_shared_file_with_a_session_cache_is_left_alone_where_another_authority_ends_the_sessions() {
    let stand = shared(&format!("{CACHE}{GOOD}"), "_");
    let plan = stand.planned();
    assert!(!changed(&plan).contains(&SNIPPET));
    let notes = plan.notes.join("\n");
    assert!(notes.contains("le_nginx_SSL"), "{notes}");
    holds(&stand);
    // Not so where another server rules the socket.
    let stand = stand.with_file(
        "/etc/nginx/conf.d/aa.conf",
        &site("c.example.com", "443 ssl default_server", &including()),
    );
    assert!(
        stand.refusal().contains("options-ssl-nginx.conf:1"),
        "{}",
        stand.refusal()
    );
}

#[test]
fn weak_values_of_the_http_level_are_overruled_in_the_server() {
    let main = "/etc/nginx/nginx.conf";
    let stand = with_lines("").with_file(SNIPPET, WEAK).edit_file(
        main,
        "    default_type",
        &format!("    {}\n    default_type", including()),
    );
    let plan = stand.planned();
    let after = text(&plan, NMS_HTTP);
    assert!(
        after.contains("    ssl_protocols TLSv1.2 TLSv1.3;\n"),
        "{after}"
    );
    assert!(
        after.contains(&format!("    ssl_ciphers {CIPHERS};\n")),
        "{after}"
    );
    assert!(!changed(&plan).contains(&SNIPPET) && !changed(&plan).contains(&main));
    holds(&stand);
}

#[test]
fn weak_values_of_the_managers_own_server_are_refused_with_what_to_write() {
    let stand = shared(WEAK, "_");
    let problem = stand.plan().expect_err("weak");
    assert!(
        problem
            .what
            .starts_with(&format!("{SNIPPET}:1 cannot be edited")),
        "{problem}"
    );
    assert!(problem.what.contains("the manager's server"), "{problem}");
    let remedy = problem.remedy.unwrap();
    assert!(
        remedy.contains("ssl_protocols TLSv1.2 TLSv1.3;"),
        "{remedy}"
    );
}

/// Two sites of the port, and not the manager, read one file.
pub(super) fn neighbours(prefix: &str, snippet: &str) -> Stand {
    let (a, b) = (
        format!("/etc/nginx/conf.d/{prefix}-a.conf"),
        format!("/etc/nginx/conf.d/{prefix}-b.conf"),
    );
    Stand::stock()
        .edit("server_name _;", "server_name nim.example.com nim;")
        .with_file(SNIPPET, snippet)
        .with_file(&a, &site("a.example.com", "443 ssl", &including()))
        .with_file(&b, &site("b.example.com", "443 ssl", &including()))
}

#[test]
fn a_neighbour_with_weak_values_in_a_shared_file_is_noted() {
    let stand = neighbours("zz", WEAK);
    let plan = stand.planned();
    assert!(!changed(&plan).contains(&SNIPPET));
    let notes = plan.notes.join("\n");
    for words in [
        &format!("{SNIPPET}:1: ssl_protocols of the server at /etc/nginx/conf.d/zz-a.conf:1"),
        &format!("{SNIPPET}:2: ssl_ciphers of the server at /etc/nginx/conf.d/zz-b.conf:1"),
        "below nginx 1.29.2",
    ] {
        assert!(notes.contains(words), "{notes}");
    }
    holds(&stand);
    // What is good needs no word.
    let notes = neighbours("zz", GOOD).planned().notes.join("\n");
    assert!(!notes.contains(SNIPPET), "{notes}");
    holds(&neighbours("aa", GOOD));
}

#[test]
fn a_default_server_with_weak_values_in_a_shared_file_is_refused() {
    let said = neighbours("aa", WEAK).refusal();
    assert!(
        said.starts_with(&format!("{SNIPPET}:1 cannot be edited"))
            && said.contains("the default server of the port, /etc/nginx/conf.d/aa-a.conf:1,"),
        "{said}"
    );
}

#[test]
fn only_forward_secrecy_with_sealed_data_counts_as_good() {
    for (line, good) in [
        (CIPHERS, true),
        ("ECDHE-RSA-AES128-GCM-SHA256:!aNULL:!MD5", true),
        ("ECDHE-ECDSA-AES256-CCM:TLS_AES_128_GCM_SHA256", true),
        ("DHE-RSA-CHACHA20-POLY1305", true),
        ("EECDH+AESGCM:EDH+AESGCM", false),
        ("ECDHE-RSA-AES128-GCM-SHA256:AES128-GCM-SHA256", false),
        ("ECDHE-RSA-AES128-SHA256", false),
        ("ADH-AES128-GCM-SHA256", false),
        ("!aNULL", false),
        ("HIGH", false),
    ] {
        let stand = Stand::stock().edit("HIGH:!aNULL:!MD5", line);
        let kept = text(&stand.planned(), NMS_HTTP).contains(&format!("{line};"));
        assert_eq!(kept, good, "{line}");
    }
    for (line, good) in [
        ("TLSv1.3", true),
        ("TLSv1.2", false),
        ("TLSv1.1 TLSv1.2 TLSv1.3", false),
        ("SSLv3 TLSv1.3", false),
        ("TLSv1.3 TLSv1.2", true),
    ] {
        let stand = Stand::stock().edit("TLSv1.2 TLSv1.3", line);
        let kept = text(&stand.planned(), NMS_HTTP).contains(&format!(" {line};"));
        assert_eq!(kept, good, "{line}");
    }
}
