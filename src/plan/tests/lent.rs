//! Red where only another way to the services counts, and not one to the gate itself.

use super::bypasses::refused;
use super::stand::{NMS_HTTP, Stand};

const OTHER: &str = "/etc/nginx/conf.d/other.conf";
const WORDS: &str = "with a certificate of its own";

fn lending(stand: Stand, pass: &str) -> Stand {
    let text = format!(
        "server {{\n  listen 9001 http2;\n  grpc_ssl_certificate /a.crt;\n  \
         grpc_ssl_certificate_key /a.key;\n  location / {{\n    {pass}\n  }}\n}}\n"
    );
    stand.with_file(OTHER, &text)
}

#[test]
fn a_server_that_lends_its_certificate_to_whoever_comes_is_refused() {
    for pass in [
        "grpc_pass grpcs://127.0.0.1:443;",
        "grpc_pass grpcs://10.0.0.5;",
        "proxy_pass https://manager.example.com/;",
        "proxy_pass https://$host;",
    ] {
        let stand = Stand::stock()
            .with_address("10.0.0.5")
            .with_name("manager.example.com", "10.0.0.5");
        refused(&lending(stand, pass), OTHER, pass, WORDS);
    }
}

#[test]
fn one_that_leads_elsewhere_or_guards_nothing_is_not() {
    for pass in [
        "grpc_pass grpcs://192.0.2.7:443;",
        "grpc_pass grpcs://127.0.0.1:8443;",
        "proxy_pass https://far.example.com;",
        "proxy_pass https://$host:8443;",
    ] {
        let stand = Stand::stock().with_name("far.example.com", "192.0.2.7");
        lending(stand, pass).planned();
    }
    let here = "grpc_pass grpcs://127.0.0.1:443;";
    lending(Stand::stock().ssl_termination(), here).planned();
}

#[test]
fn a_name_that_nobody_knows_may_lead_here() {
    let pass = "grpc_pass grpcs://nobody.example.com;";
    let stand = lending(Stand::stock(), pass);
    refused(&stand, OTHER, pass, "nobody.example.com does not resolve");
}

#[test]
fn a_socket_of_the_server_counts_as_its_port() {
    let pass = "grpc_pass grpcs://unix:/run/agents.sock;";
    let open = "    listen 443 ssl http2;";
    let socket = format!("{open}\n    listen unix:/run/agents.sock ssl http2;");
    let stand = Stand::stock().edit(open, &socket);
    assert!(stand.files[NMS_HTTP].contains("unix:"));
    refused(&lending(stand, pass), OTHER, pass, WORDS);
    lending(Stand::stock(), pass).planned();
}

#[test]
fn a_stream_counts_too() {
    let stream = "stream {\n  server {\n    listen 9001;\n    proxy_ssl on;\n    \
                  proxy_ssl_certificate /a.crt;\n    proxy_pass 127.0.0.1:443;\n  }\n}\nhttp {";
    let main = "/etc/nginx/nginx.conf";
    let stand = Stand::stock().edit_file(main, "http {", stream);
    refused(&stand, main, "proxy_pass 127.0.0.1:443;", WORDS);
    // Bytes that are passed on as they are bring no certificate of nginx's.
    let through = stream.replace("proxy_ssl_certificate /a.crt;", "");
    Stand::stock().edit_file(main, "http {", &through).planned();
}
