//! What is said of a server before anything is changed.

use super::super::clients_today::{ClientsToday, clients_today};
use super::super::site::Site;
use super::Stand;

fn today(stand: &Stand) -> (ClientsToday, String) {
    let config = stand.config();
    let http = config.http().unwrap();
    let facts = stand.facts();
    let site = Site::find(&facts, &config, &http, 443.try_into().unwrap()).unwrap();
    let (clients, line) = clients_today(&site, None);
    (
        clients,
        config.file(line.at.file).text[line.at.span.range()].to_owned(),
    )
}

/// As the vendor's procedure leaves it.
fn procedure() -> Stand {
    Stand::stock()
        .edit("# ssl_client_certificate", "ssl_client_certificate")
        .edit(
            "ssl_verify_client      off;",
            "ssl_verify_client      optional;",
        )
        .edit("# auth_request", "auth_request")
}

#[test]
fn the_line_that_decides_is_named() {
    let (clients, line) = today(&Stand::stock());
    assert_eq!(
        (clients, line.as_str()),
        (ClientsToday::NotAsked, "ssl_verify_client      off;")
    );
    let asked = Stand::stock()
        .edit("# ssl_client_certificate", "ssl_client_certificate")
        .edit("ssl_verify_client      off;", "ssl_verify_client optional;");
    let (clients, line) = today(&asked);
    assert_eq!(
        (clients, line.as_str()),
        (ClientsToday::Asked, "ssl_verify_client optional;")
    );
    let on = asked.edit("ssl_verify_client optional;", "ssl_verify_client on;");
    assert_eq!(today(&on).0, ClientsToday::Enforced);
    let way =
        "server {\n    listen 8443;\n    location /x { grpc_pass grpc://dpm-grpc-service; }\n}\n";
    let round = on.with_file("/etc/nginx/conf.d/zz.conf", way);
    assert_eq!(today(&round).0, ClientsToday::Bypassable);
}

#[test]
fn it_is_said_in_words_with_the_place() {
    let said = super::super::today(&Stand::stock().facts()).unwrap();
    let line = Stand::stock().files[super::stand::NMS_HTTP]
        .lines()
        .position(|line| line.contains("ssl_verify_client"));
    let place = format!("{}:{}", super::stand::NMS_HTTP, line.unwrap() + 1);
    assert_eq!(said, format!("not asked for a certificate ({place})"));
}

#[test]
fn the_vendors_check_holds_as_shipped() {
    assert_eq!(today(&procedure()).0, ClientsToday::Enforced);
}

#[test]
fn ours_holds_with_traps_that_undo_the_vendors() {
    let traps = [
        (
            "    root /var/www/nms;",
            "    root /var/www/nms;\n    error_page 401 = @signed_out;\n    location @signed_out { return 200; }",
        ),
        (
            "    error_page 401 /401.json;",
            "    error_page 401 =200 /signed-out.html;",
        ),
        (
            "    error_page 401 /401.json;",
            "    recursive_error_pages on;\n    error_page 401 /nowhere.json;\n    error_page 404 =200 /ui/index.html;",
        ),
    ];
    for (from, to) in traps {
        let trapped = procedure().edit(from, to);
        let (clients, line) = today(&trapped);
        assert_eq!(clients, ClientsToday::Bypassable, "{to}");
        assert!(line.starts_with("auth_request"), "{line}");
        let after = trapped.settled();
        assert_eq!(today(&after).0, ClientsToday::Enforced, "{to}");
    }
}

#[test]
fn other_ways_round_a_check_are_seen() {
    for (from, to) in [
        (
            "    root /var/www/nms;",
            "    root /var/www/nms;\n    satisfy any;\n    allow all;",
        ),
        ("return 401; }", "return 402; }"),
        ("$ssl_client_verify !~* 'SUCCESS'", "$http_x = 'y'"),
        ("location /check-agent-client-cert", "location /elsewhere"),
        (
            "    location = / {",
            "    location ~ check { return 200; }\n    location = / {",
        ),
    ] {
        let (clients, _) = today(&procedure().edit(from, to));
        assert_eq!(clients, ClientsToday::Bypassable, "{to}");
    }
}
