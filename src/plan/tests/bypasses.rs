//! What would let an agent past the check is dealt with, or refused with its line.

use super::judge;
use super::stand::{NMS_HTTP, Stand, text};

/// Refused, with the place of this text and these words.
pub(super) fn refused(stand: &Stand, path: &str, line: &str, words: &str) {
    let text = &stand.files[path];
    let at = text
        .find(line)
        .unwrap_or_else(|| panic!("{line:?} is not in {path}"));
    let number = text[..at].matches('\n').count() + 1;
    let said = stand.refusal();
    assert!(
        said.starts_with(&format!("{path}:{number}: ")),
        "{said}\nnot {path}:{number}"
    );
    assert!(said.contains(words), "{said}");
}

pub(super) fn in_server(lines: &str) -> Stand {
    Stand::stock().edit(
        "    root /var/www/nms;",
        &format!("    root /var/www/nms;\n{lines}"),
    )
}

fn in_commander(line: &str) -> Stand {
    let grpc_pass = "        grpc_pass grpc://dpm-grpc-service;";
    Stand::stock().edit(grpc_pass, &format!("{line}\n{grpc_pass}"))
}

#[test]
fn traps_for_the_answer_of_a_check_are_dealt_with() {
    for trap in [
        "    error_page 401 = @signed_out;\n    location @signed_out { return 200 \"x\"; }",
        "    error_page 403 404 =200 /signed-out.html;",
        "    recursive_error_pages on;",
        "    satisfy any;\n    allow all;",
        "    auth_request off;",
        "    if ($request_method = OPTIONS) { return 204; }",
        "    if ($scheme = http) { rewrite ^ https://$host$request_uri permanent; }",
        "    rewrite ^/old /new redirect;",
        "    if ($http_user_agent ~ bot) { return 403; }",
        "    rewrite ^/old-ui/(.*)$ /ui/$1 last;",
    ] {
        let stand = in_server(trap);
        let plan = stand.planned();
        assert_eq!(
            text(&plan, NMS_HTTP).matches("satisfy all;").count(),
            2,
            "{trap}"
        );
        judge::accepts(&stand.with_version(&judge::version()).settled());
    }
}

#[test]
fn satisfy_any_in_the_location_becomes_all() {
    let stand = in_commander("        satisfy any;\n        allow 127.0.0.1;");
    let plan = stand.planned();
    let after = text(&plan, NMS_HTTP);
    assert!(
        !after.contains("satisfy any") && after.contains("        satisfy all;\n        allow")
    );
    stand.settled();
}

#[test]
fn a_check_that_is_switched_off_in_the_location_is_switched_on() {
    let stand = in_commander("        auth_request off;");
    assert!(!text(&stand.planned(), NMS_HTTP).contains("auth_request off"));
    stand.settled();
}

#[test]
fn blocks_within_the_location_that_set_the_check_aside_are_refused() {
    let nested =
        "        location ~ Upload { auth_request off; grpc_pass grpc://dpm-grpc-service; }";
    refused(
        &in_commander(nested),
        NMS_HTTP,
        "location ~ Upload",
        "\"auth_request off\" would set",
    );
    let nested = "        location ~ Upload { satisfy any; grpc_pass grpc://dpm-grpc-service; }";
    refused(
        &in_commander(nested),
        NMS_HTTP,
        "location ~ Upload",
        "\"satisfy any\" would set",
    );
    // One that inherits the check is none.
    in_commander("        location ~ Upload { grpc_pass grpc://dpm-grpc-service; }").settled();
}

#[test]
fn somebody_elses_check_is_not_replaced() {
    let own = in_commander("        auth_request /own;");
    refused(&own, NMS_HTTP, "auth_request /own", "nginx asks only one");
    let of_server = in_server("    auth_request /own;");
    refused(
        &of_server,
        NMS_HTTP,
        "auth_request /own",
        "nginx asks only one",
    );
    // The vendor's is.
    in_server("    auth_request /check-agent-client-cert;").settled();
}

#[test]
fn a_second_way_to_a_service_is_refused() {
    for (line, words) in [
        (
            "location /back { grpc_pass grpc://dpm-grpc-service; }",
            "grpc://dpm-grpc-service",
        ),
        (
            "location /back { grpc_pass unix:/run/nms/am.sock; }",
            "unix:/run/nms/am.sock",
        ),
        (
            "location /back { grpc_pass unix:/var/run//nms/./am.sock; }",
            "am.sock as well",
        ),
        (
            "location /back { grpc_pass grpc://$http_x; }",
            "grpc://$http_x",
        ),
        (
            "location /back { set $up DPM-grpc-service; grpc_pass grpc://$up; }",
            "grpc://$up",
        ),
        (
            "location /back { proxy_pass http://dpm-grpc-service; }",
            "http://dpm-grpc-service",
        ),
        (
            "location /back { proxy_http_version 2; proxy_pass http://$arg_x; }",
            "http://$arg_x",
        ),
        (
            "location /back { if ($arg_x) { grpc_pass grpc://dpm-grpc-service; } }",
            "dpm-grpc-service",
        ),
        (
            "location ~ /f5 { grpc_pass grpc://ingestion-grpc-service; }",
            "ingestion-grpc-service",
        ),
        (
            "location @back { grpc_pass grpc://dpm-grpc-service; }",
            "dpm-grpc-service",
        ),
    ] {
        let stand = in_server(&format!("    {line}"));
        refused(&stand, NMS_HTTP, line, words);
    }
    // A variable in plain HTTP, as in the stock file, does not speak gRPC.
    in_server("    location /any { proxy_pass http://$arg_x; }").settled();
}

#[test]
fn another_server_with_a_way_to_a_service_is_refused() {
    let path = "/etc/nginx/conf.d/zz-agents.conf";
    let server = |listen: &str, body: &str| {
        format!(
            "server {{\n    listen {listen};\n    server_name agents.example.com;\n    ssl_certificate \
             /etc/nms/certs/manager-server.pem;\n    ssl_certificate_key \
             /etc/nms/certs/manager-server.key;\n    {body}\n}}\n"
        )
    };
    let way = "location /x { grpc_pass grpc://dpm-grpc-service; }";
    for listen in ["443 ssl", "8443 ssl", "80"] {
        let stand = Stand::stock().with_file(path, &server(listen, way));
        refused(&stand, path, "location /x", "past the check");
    }
    // The very same location, by an included file.
    let shared = "/etc/nms/nginx/agents.inc";
    let stock = Stand::stock();
    let whole = &stock.files[NMS_HTTP];
    let gates =
        &whole[whole.find("    # Measurements").unwrap()..whole.find("\n    # Judges").unwrap()];
    let guarded = gates.replace(
        "# auth_request /check-agent-client-cert;",
        "auth_request /nim-tls/agent-certificate; satisfy all;",
    );
    let include = format!("include {shared};\n");
    let stand = stock
        .clone()
        .edit(gates, &include)
        .with_file(shared, &guarded)
        .with_file(path, &server("8443 ssl", &include));
    refused(&stand, shared, "grpc_pass", "past the check");
}

#[test]
fn streams_to_a_service_are_refused() {
    let main = "/etc/nginx/nginx.conf";
    for (stream, line) in [
        (
            "server { listen 10443; proxy_pass unix:/var/run/nms/am.sock; }",
            "server { listen",
        ),
        (
            "upstream s { server unix:/run/nms/am.sock; }\nserver { listen 1; proxy_pass s; }",
            "server { listen",
        ),
        (
            "map $ssl_preread_server_name $to { default s; }\nupstream s { server unix:/run/nms/am.sock; }\nserver { listen 1; proxy_pass $to; }",
            "server { listen",
        ),
    ] {
        let stand = Stand::stock().edit_file(
            main,
            "events {",
            &format!("stream {{\n{stream}\n}}\nevents {{"),
        );
        refused(&stand, main, line, "passes straight to a service");
    }
    let other = "stream {\nserver { listen 1; proxy_pass 10.0.0.1:443; }\nserver { listen 2; proxy_pass $ssl_preread_server_name:443; }\n}\nevents {";
    Stand::stock().edit_file(main, "events {", other).settled();
    // Where a service listens on a port, a name from the client could be its host.
    let tcp = Stand::stock()
        .edit(
            "server unix:/var/run/nms/am.sock;",
            "server 127.0.0.1:8036;",
        )
        .edit_file(
            main,
            "events {",
            "stream {\nserver { listen 1; proxy_pass $ssl_preread_server_name:8036; }\n}\nevents {",
        );
    refused(&tcp, main, "server { listen", "passes straight");
}

#[test]
fn a_target_that_the_request_decides_is_refused() {
    let stand = Stand::stock().edit(
        "grpc_pass grpc://dpm-grpc-service;",
        "grpc_pass grpc://$http_to;",
    );
    refused(
        &stand,
        NMS_HTTP,
        "grpc_pass grpc://$http_to",
        "depends on the request",
    );
}

#[test]
fn what_the_whole_server_does_first_must_not_answer_for_the_check() {
    for line in [
        "rewrite ^/nim /ui last;",
        "rewrite ^/(.*)$ /$1;",
        "rewrite ^/old/(.*)$ /$1 last;",
        "rewrite ^/old/(.*)$ /f5.nginx.agent.sdk.Commander/$1 last;",
        "rewrite /old/ /ui/ last;",
        "return 200;",
        "if ($uri ~ agent) { return 204; }",
        "if ($http_x) { rewrite ^ /f5.nginx.agent.sdk.Commander/X last; }",
    ] {
        let stand = in_server(&format!("    {line}"));
        refused(&stand, NMS_HTTP, line, "applies to the whole server");
    }
}

#[test]
fn requests_that_nginx_makes_itself_must_not_reach_a_service() {
    let gate = "/f5.nginx.agent.sdk.Commander/CommandChannel";
    for line in [
        format!("mirror {gate};"),
        format!("add_after_body {gate}?x=1;"),
        format!("auth_request {gate};"),
    ] {
        let location = format!("    location /x {{ {line} }}");
        refused(&in_server(&location), NMS_HTTP, "location /x", "unchecked");
    }
    refused(
        &in_server("    location /x { ssi on; }"),
        NMS_HTTP,
        "location /x",
        "unchecked",
    );
    for copy in [
        "location /copy { rewrite ^ /f5.nginx.agent.sdk.Commander/X last; }",
        "location /copy { rewrite ^/copy(.*)$ $1; }",
        "location /copy { if ($arg_x) { rewrite ^ /f5.nginx.agent.sdk.$arg_x; } }",
        "location /copy { error_page 404 /f5.nginx.agent.sdk.Commander/X; }",
        "location /copy { try_files /nothing /again; }\n    location /again { rewrite ^ /f5.nginx.agent.sdk.Commander/X; }",
    ] {
        let stand = in_server(&format!("    location /x {{ mirror /copy; }}\n    {copy}"));
        refused(&stand, NMS_HTTP, "location /x", "unchecked");
    }
    in_server("    location /x { mirror /copy; }\n    location /copy { rewrite ^ /f5 break; rewrite ^ /copy last; }").settled();
    in_server("    location /x { mirror /copy; }").settled();
}

#[test]
fn further_sources_of_trust_are_refused() {
    for (line, words) in [
        (
            "ssl_trusted_certificate /etc/nms/certs/ca.pem;",
            "could vouch for an agent",
        ),
        ("ssl_crl /etc/nms/certs/crl.pem;", "revocation list"),
        ("ssl_ocsp leaf;", "responder"),
        ("ssl_early_data on;", "send them again"),
        (
            "ssl_conf_command VerifyCAFile /etc/nms/certs/ca.pem;",
            "changes how clients are verified",
        ),
    ] {
        refused(&in_server(&format!("    {line}")), NMS_HTTP, line, words);
    }
    let on = Stand::stock().edit("ssl_verify_client      off;", "ssl_verify_client on;");
    refused(
        &on,
        NMS_HTTP,
        "ssl_verify_client on",
        "browsers have to show",
    );
    let main = "/etc/nginx/nginx.conf";
    let of_http = Stand::stock().edit_file(
        main,
        "    default_type",
        "    ssl_trusted_certificate /etc/nms/certs/ca.pem;\n    default_type",
    );
    refused(&of_http, main, "ssl_trusted_certificate", "could vouch");
}

#[test]
fn a_depth_that_is_too_small_is_raised() {
    let stand = in_server("    ssl_verify_depth 0;");
    assert!(text(&stand.planned(), NMS_HTTP).contains("ssl_verify_depth 1;"));
    stand.settled();
    let enough = in_server("    ssl_verify_depth 3;");
    assert!(text(&enough.planned(), NMS_HTTP).contains("ssl_verify_depth 3;"));
}

#[test]
fn a_neighbour_with_authorities_of_its_own_is_refused() {
    let path = "/etc/nginx/conf.d/zz-other.conf";
    let site = |listen: &str| {
        format!(
            "server {{\n    listen {listen};\n    server_name other.example.com;\n    \
             ssl_certificate /etc/nms/certs/manager-server.pem;\n    ssl_certificate_key \
             /etc/nms/certs/manager-server.key;\n    ssl_client_certificate \
             /etc/nms/certs/ca.pem;\n    ssl_verify_client optional;\n}}\n"
        )
    };
    let default = Stand::stock().with_file(path, &site("443 ssl default_server"));
    refused(
        &default,
        path,
        "ssl_verify_client",
        "the default server of this port verifies",
    );
    refused(
        &default.newer(),
        path,
        "ssl_verify_client",
        "the default server of this port verifies",
    );
    let beside = Stand::stock().with_file(path, &site("443 ssl"));
    refused(&beside, path, "ssl_verify_client", "its TLS sessions count");
    beside.newer().settled();
    let quic = Stand::stock()
        .newer()
        .edit(
            "    root /var/www/nms;",
            "    root /var/www/nms;\n    listen 443 quic;",
        )
        .with_file(path, &site("443 quic default_server"));
    refused(
        &quic,
        path,
        "ssl_verify_client",
        "the default server of this port verifies",
    );
    Stand::stock().with_file(path, &site("8443 ssl")).settled();
    // The default of another socket of the manager counts as well.
    let also = Stand::stock()
        .edit(
            "    listen 443 ssl http2;",
            "    listen 443 ssl http2;\n    listen 8443 ssl;",
        )
        .with_file(path, &site("8443 ssl default_server"));
    refused(
        &also.newer(),
        path,
        "ssl_verify_client",
        "the default server of this port verifies",
    );
}
