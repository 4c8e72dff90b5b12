//! Files that cannot be edited safely are refused, with their lines.

use super::judge;
use super::stand::{NMS_HTTP, Stand};

fn says(stand: &Stand, words: &[&str]) {
    let said = stand.refusal();
    for words in words {
        assert!(said.contains(words), "{words:?} is not in: {said}");
    }
}

#[test]
fn two_candidates_are_named_with_their_lines() {
    let stock = Stand::stock();
    let text = &stock.files[NMS_HTTP];
    let server = &text[text.find("\nserver {").unwrap() + 1..];
    let stand = stock
        .clone()
        .with_file("/etc/nginx/conf.d/zz-copy.conf", server);
    let line = text[..text.find("\nserver {").unwrap()]
        .matches('\n')
        .count()
        + 2;
    says(
        &stand,
        &[
            "several servers listen on port 443",
            &format!("{NMS_HTTP}:{line}"),
            "/etc/nginx/conf.d/zz-copy.conf:1",
        ],
    );
}

#[test]
fn no_candidate_says_what_was_looked_at() {
    let moved = Stand::stock().edit("listen 443 ssl http2;", "listen 8443 ssl http2;");
    says(
        &moved,
        &["no server on port 443", "no server listens on port 443"],
    );
    let none = Stand::stock().edit("grpc_pass", "# grpc_pass");
    says(
        &none,
        &[
            "passes the calls of agents on",
            "looked at",
            "nms-http.conf:",
        ],
    );
    let half = Stand::stock().edit("grpc_pass grpc://ingestion", "# grpc_pass grpc://ingestion");
    says(
        &half,
        &["nms-http.conf:", "f5.nginx.agent.sdk.MetricsService"],
    );
}

#[test]
fn a_file_that_is_included_twice_is_refused_with_both_lines() {
    let tls = "/etc/nms/nginx/tls.inc";
    let site = format!("server {{\n    listen 8080;\n    include {tls};\n}}\n");
    let stand = Stand::stock()
        .edit(
            "    ssl_ciphers            HIGH:!aNULL:!MD5;\n",
            &format!("    include {tls};\n"),
        )
        .with_file(tls, "ssl_ciphers HIGH;\n")
        .with_file("/etc/nginx/conf.d/zz-other.conf", &site);
    says(
        &stand,
        &[
            "tls.inc:1 cannot be edited",
            "nms-http.conf:",
            "zz-other.conf:3",
        ],
    );
}

#[test]
fn a_certificate_behind_a_variable_is_refused() {
    let stand = Stand::stock().edit(
        "/etc/nms/certs/manager-server.pem",
        "/etc/nms/certs/$ssl_server_name.pem",
    );
    says(&stand, &["nms-http.conf:", "chosen by a variable"]);
    let stand = Stand::stock().edit("/etc/nms/certs/manager-server.key", "engine:pkcs11:key");
    says(&stand, &["nms-http.conf:", "this is no file"]);
}

#[test]
fn a_name_of_another_server_is_refused() {
    let site = "server {\n    listen 443 ssl;\n    server_name x NIM.example.com;\n    ssl_certificate /etc/nms/certs/manager-server.pem;\n    ssl_certificate_key /etc/nms/certs/manager-server.key;\n}\n";
    let stand = Stand::stock().with_file("/etc/nginx/conf.d/zz-other.conf", site);
    says(
        &stand,
        &[
            "nim.example.com is the name of another server",
            "zz-other.conf:1",
        ],
    );
}

#[test]
fn files_of_that_name_that_are_not_ours_stay() {
    let own = "/etc/nms/nginx/locations/nim-tls-agents.conf";
    let stand = Stand::stock().with_file(own, "# somebody else's\n");
    says(&stand, &[own, "not as nim-tls wrote it"]);
    // Ours, changed since:
    let changed = Stand::stock()
        .settled()
        .edit_file(own, "return 401", "return 200");
    says(&changed, &[own]);
    let anchor = "/usr/local/share/ca-certificates/nim-tls-root.crt";
    let stand = Stand::stock().with_file(anchor, "somebody else's\n");
    says(&stand, &[anchor, "was not written by nim-tls"]);
    let both = Stand::stock()
        .with_file("/etc/nms/certs/server.crt", "x")
        .with_file("/etc/nms/certs/nim-tls-server.crt", "x");
    says(
        &both,
        &["/etc/nms/certs/server.crt and /etc/nms/certs/nim-tls-server.crt"],
    );
    let one = Stand::stock().with_file("/etc/nms/certs/server.crt", "x");
    judge::accepts(&one.settled());
}

#[test]
fn a_server_without_a_listen_line_is_refused() {
    let stand = Stand::stock()
        .edit("    listen 443 ssl http2;\n", "")
        .answer("alt_names: []\n", "alt_names: []\nports: {https: 80}\n");
    says(&stand, &["nms-http.conf:", "no \"listen\" line"]);
}

#[test]
fn text_that_is_not_utf_8_is_left_alone() {
    let stand = Stand::stock();
    let host = stand.host();
    let mut bytes = stand.files[NMS_HTTP].clone().into_bytes();
    bytes.extend_from_slice(b"# caf\xe9\n");
    let attributes = crate::host::Attributes::root(0o644);
    host.put(NMS_HTTP, crate::host::Entry::file(bytes, attributes));
    let facts = crate::probe::look_asking(&host.not_live(), &wanted(), &|_| unreachable!());
    let problem = crate::plan::plan(&facts, &stand.answers()).expect_err("not text");
    assert!(problem.what.contains("is not UTF-8"), "{problem}");
}

fn wanted() -> crate::probe::Wanted {
    crate::probe::Wanted::without_answers(super::stand::STATE.parse().unwrap())
}
