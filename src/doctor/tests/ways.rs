//! Where agents arrive, by what the configuration says.

use super::{examined, told};
use crate::host::Memory;

const CALLS: &str = "
    location /f5.nginx.agent.sdk.Commander/ { grpc_pass grpc://unix:/var/run/nms/am.sock; }
    location /f5.nginx.agent.sdk.MetricsService/ { grpc_pass grpc://unix:/var/run/nms/is.sock; }";

/// Whether this rule tells of a configuration.
fn finds(id: &str, config: &str) -> bool {
    let config = format!("events {{}}\n{config}");
    let host = Memory::new()
        .not_live()
        .with_file("/etc/nginx/nginx.conf", config);
    told(&examined(&host), id).is_some()
}

#[test]
fn nobody_else_reaches_a_listener_of_the_loopback_unless_somebody_passes_on_to_it() {
    let id = "agents-met-on-loopback";
    let at = |listen: &str, more: &str| {
        finds(
            id,
            &format!(
                "{more}http {{ server {{ {listen} server_name nim.example.com; {CALLS} }} }}\n"
            ),
        )
    };
    assert!(at("listen 127.0.0.1:443 ssl;", ""));
    assert!(at("listen 127.0.0.1:443 ssl; listen [::1]:443 ssl;", ""));
    assert!(!at("listen 443 ssl;", ""));
    assert!(!at("listen 127.0.0.1:443 ssl; listen [::]:443 ssl;", ""));
    assert!(!at(
        "listen 127.0.0.1:443 ssl; listen unix:/run/nim.sock ssl;",
        ""
    ));
    let stream = |to: &str| format!("stream {{ server {{ listen 8443; proxy_pass {to}; }} }}\n");
    assert!(!at("listen 127.0.0.1:443 ssl;", &stream("127.0.0.1:443")));
    assert!(at("listen 127.0.0.1:443 ssl;", &stream("127.0.0.1:9443")));
}

#[test]
fn the_protocols_of_the_default_server_count_for_the_port() {
    let id = "agents-protocols-too-old";
    let with = |default: &str, own: &str| {
        finds(
            id,
            &format!(
                "http {{
  server {{ listen 443 ssl default_server; server_name a.example.com; {default} }}
  server {{ listen 443 ssl; server_name nim.example.com; {own} {CALLS} }}
}}\n"
            ),
        )
    };
    assert!(with(
        "ssl_protocols TLSv1 TLSv1.1;",
        "ssl_protocols TLSv1.3;"
    ));
    assert!(!with(
        "ssl_protocols TLSv1.1 TLSv1.2;",
        "ssl_protocols TLSv1.1;"
    ));
    assert!(!with("", "ssl_protocols TLSv1.1;"));
    assert!(!with("", ""));
}

#[test]
fn http2_below_http_takes_a_line_of_its_own() {
    let id = "stream-without-alpn";
    let with = |listen: &str, more: &str, block: &str| {
        finds(
            id,
            &format!(
                "http {{ server {{ listen 80; }} }}
stream {{ {block} server {{ listen {listen}; {more} proxy_pass 127.0.0.1:10000; }} }}\n"
            ),
        )
    };
    assert!(with("443 ssl", "", ""));
    assert!(with("443 ssl", "ssl_alpn http/1.1;", ""));
    assert!(!with("443 ssl", "ssl_alpn http/1.1 h2;", ""));
    assert!(!with("443 ssl", "", "ssl_alpn h2;"));
    // Whoever is behind ends TLS, or it is nobody whom agents meet.
    assert!(!with("443", "", ""));
    assert!(!with("5432 ssl", "", ""));
}

#[test]
fn services_that_are_reached_without_tls_are_told_as_such() {
    let id = "services-in-the-clear";
    let guarded = format!(
        "server {{ listen 443 ssl; server_name nim.example.com; ssl_verify_client on; {CALLS} }}"
    );
    let with = |listen: &str| {
        finds(
            id,
            &format!("http {{ {guarded}\nserver {{ listen {listen}; {CALLS} }} }}\n"),
        )
    };
    assert!(with("8090"));
    assert!(!with("8443 ssl"));
}
