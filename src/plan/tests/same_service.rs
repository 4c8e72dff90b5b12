//! One service by two names: what leads past the check is found by where it leads.

use super::bypasses::refused;
use super::stand::{NMS_HTTP, Stand};

const SITE: &str = "/etc/nginx/conf.d/zz-site.conf";

/// A site on another port that passes everything on to this.
fn beside(stand: Stand, to: &str) -> Stand {
    let site = format!(
        "server {{\n    listen 8443 ssl;\n    ssl_certificate \
         /etc/nms/certs/manager-server.pem;\n    ssl_certificate_key \
         /etc/nms/certs/manager-server.key;\n    location / {{ grpc_pass {to}; }}\n}}\n"
    );
    stand.with_file(SITE, &site)
}

/// With services on TCP.
fn on_tcp() -> Stand {
    Stand::stock()
        .edit(
            "server unix:/var/run/nms/am.sock;",
            "server 127.0.0.1:8036;",
        )
        .edit(
            "server unix:/var/run/nms/ingestion.sock;",
            "server 127.0.0.1:8035;",
        )
        .with_address("10.0.0.5")
        .with_name("nim", "127.0.0.1")
        .with_name("far.example.com", "192.0.2.7")
}

#[test]
fn a_service_on_tcp_is_known_by_every_name_of_this_host() {
    for to in [
        "grpc://nim:8036",
        "grpc://NIM.:8036",
        "grpc://localhost:8036",
        "grpc://[::1]:8036",
        "grpc://[::ffff:127.0.0.1]:8036",
        "grpc://10.0.0.5:8035",
        "grpc://127.0.0.3:8036",
    ] {
        refused(&beside(on_tcp(), to), SITE, "location /", "past the check");
    }
    let group = beside(on_tcp(), "grpc://other");
    let text = format!(
        "upstream other {{\n    server nim:8036;\n}}\n{}",
        group.files[SITE]
    );
    refused(
        &group.with_file(SITE, &text),
        SITE,
        "location /",
        "past the check",
    );
    // Another host, another port.
    beside(on_tcp(), "grpc://far.example.com:8036").settled();
    beside(on_tcp(), "grpc://nim:8099").settled();
}

#[test]
fn a_name_that_cannot_be_told_apart_is_refused() {
    let stand = beside(on_tcp(), "grpc://nobody.example.com:8036");
    refused(
        &stand,
        SITE,
        "location /",
        "nobody.example.com does not resolve",
    );
    beside(on_tcp(), "grpc://nobody.example.com:9000").settled();
    // The other way round: who knows where the agents' service is?
    let named = Stand::stock().edit(
        "server unix:/var/run/nms/am.sock;",
        "server services.example.com:8036;",
    );
    let stand = beside(named.clone(), "grpc://192.0.2.7:8036");
    refused(
        &stand,
        SITE,
        "location /",
        "services.example.com does not resolve",
    );
    let stand = beside(named, "grpc://services.example.com:8036");
    refused(&stand, SITE, "location /", "past the check");
}

#[test]
fn a_socket_is_known_by_every_path_to_it() {
    let stand = Stand::stock()
        .with_file("/run/nms/am.sock", "")
        .with_file("/run/other/am.sock", "")
        .with_link("/var/run", "/run")
        .with_link("/run/nms2", "/run/nms")
        .with_link("/run/agents.sock", "nms/am.sock");
    for to in [
        "grpc://unix:/run/nms2/am.sock",
        "grpc://unix:/run/nms/../nms/am.sock",
        "grpc://unix:/run/nms2/../nms//am.sock",
        "grpc://unix:/var/run/nms/am.sock",
        "grpc://unix:/run/nms/./am.sock",
        "unix:/run/agents.sock",
    ] {
        refused(
            &beside(stand.clone(), to),
            SITE,
            "location /",
            "past the check",
        );
    }
    beside(stand, "unix:/run/other/am.sock").settled();
    // A service that is stopped has no socket.
    for to in ["unix:/run/nms/../nms/am.sock", "unix:/run/nms/x/../am.sock"] {
        refused(
            &beside(Stand::stock(), to),
            SITE,
            "location /",
            "past the check",
        );
    }
}

#[test]
fn a_stream_is_known_by_where_it_leads() {
    let main = "/etc/nginx/nginx.conf";
    let stream =
        |to: &str| format!("stream {{\nserver {{ listen 1; proxy_pass {to}; }}\n}}\nevents {{");
    for (stand, to) in [
        (on_tcp(), "nim:8036"),
        (on_tcp(), "10.0.0.5:8036"),
        (
            Stand::stock()
                .with_file("/run/nms/am.sock", "")
                .with_link("/run/nms2", "/run/nms"),
            "unix:/run/nms2/am.sock",
        ),
    ] {
        let stand = stand.edit_file(main, "events {", &stream(to));
        refused(&stand, main, "server { listen", "passes straight");
    }
    let unknown = on_tcp().edit_file(main, "events {", &stream("nobody.example.com:8036"));
    refused(&unknown, main, "server { listen", "does not resolve");
}

#[test]
fn only_names_that_matter_are_looked_up() {
    let facts = beside(on_tcp(), "grpc://far.example.com:9999").facts();
    assert!(facts.nginx_names.is_empty(), "{:?}", facts.nginx_names);
    let facts = beside(on_tcp(), "grpc://far.example.com:8036").facts();
    assert!(facts.nginx_names.contains_key("far.example.com"));
    assert!(
        Stand::stock()
            .facts()
            .socket_paths
            .contains_key("/var/run/nms/am.sock")
    );
    assert!(!Stand::stock().files[NMS_HTTP].is_empty());
}
