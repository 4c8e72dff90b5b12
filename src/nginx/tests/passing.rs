use super::super::{Http, Target};
use super::{find, one};

#[test]
fn a_target_is_taken_apart() {
    let target = |scheme: &str, host: &str, port, is_unix, has_variables| Target {
        scheme: scheme.to_owned(),
        host: host.to_owned(),
        port,
        is_unix,
        has_variables,
    };
    let table = [
        (
            "grpc_pass grpc://dpm;",
            target("grpc", "dpm", None, false, false),
        ),
        (
            "grpc_pass GRPCS://a:1;",
            target("grpcs", "a", Some(1), false, false),
        ),
        ("grpc_pass a:1;", target("grpc", "a", Some(1), false, false)),
        (
            "grpc_pass unix:/run/a:b;",
            target("grpc", "/run/a:b", None, true, false),
        ),
        ("grpc_pass $x;", target("", "$x", None, false, true)),
        (
            "grpc_pass grpc://${x}:1;",
            target("grpc", "${x}", Some(1), false, true),
        ),
        (
            "proxy_pass http://unix:/run/a:/path;",
            target("http", "/run/a", None, true, false),
        ),
        (
            "proxy_pass https://[::1]:8443/a:1;",
            target("https", "[::1]", Some(8443), false, false),
        ),
        (
            "proxy_pass http://[::1]/;",
            target("http", "[::1]", None, false, false),
        ),
        (
            "proxy_pass http://a/$uri;",
            target("http", "a", None, false, false),
        ),
        (
            "proxy_pass http://a$request_uri;",
            target("http", "a", None, false, false),
        ),
        (
            "proxy_pass http://a$uris;",
            target("http", "a$uris", None, false, true),
        ),
        (
            "proxy_pass $scheme://a;",
            target("$scheme", "a", None, false, true),
        ),
        (
            "fastcgi_pass 127.0.0.1:9000;",
            target("fastcgi", "127.0.0.1", Some(9000), false, false),
        ),
    ];
    for (text, expected) in table {
        let config = one(text);
        assert_eq!(Target::of(&config.main[0]), Some(expected), "{text}");
    }
    assert_eq!(Target::of(&one("return_pass x;").main[0]), None);
    assert_eq!(Target::of(&one("auth_request /x;").main[0]), None);
}

const GROUPS: &str = "http {
    map $uri $up { default core; ~^/a dpm; /b 10.0.0.1:81; }
    map $uri $loop { default $loop; }
    map $uri $part { default d; \"\" e; }
    map $uri $regex { ~^/(?<x>.*)$ $x; }
    upstream core { zone c 64k; server unix:/var/run/nms/core.sock; keepalive 32; }
    upstream DPM { server 127.0.0.1:8036 weight=2; server [::1]:8036 backup; server Peer.; }
    server {
        set $b grpc://dpm;
        location / { set $c localhost:8036; if ($x) { set $c 10.0.0.2; } }
    }
}";

fn behind(http: &Http<'_>, pass: &str) -> String {
    let config = one(pass);
    let target = Target::of(&config.main[0]).unwrap();
    let peers = http.backends(&target).into_iter();
    let peers: Vec<String> = peers.map(|peer| peer.to_string()).collect();
    let more = if http.is_open_ended(&target) {
        " ..."
    } else {
        ""
    };
    format!("{}{more}", peers.join(" "))
}

#[test]
fn two_ways_to_a_peer_look_the_same() {
    let config = one(GROUPS);
    let http = config.http().unwrap();
    let dpm = "127.0.0.1:8036 [::1]:8036 peer:80";
    let table = [
        ("grpc_pass grpc://dpm;", dpm),
        ("proxy_pass http://DPM/x;", dpm),
        (
            "grpc_pass grpc://unix:/run/nms/core.sock;",
            "unix:/run/nms/core.sock",
        ),
        ("grpc_pass core;", "unix:/var/run/nms/core.sock"),
        (
            "grpc_pass grpc://localhost:8036;",
            "127.0.0.1:8036 [::1]:8036",
        ),
        ("grpc_pass grpc://0.0.0.0:8036;", "127.0.0.1:8036"),
        ("grpc_pass grpc://[0::1]:8036;", "[::1]:8036"),
        ("proxy_pass https://nim;", "nim:443"),
        ("proxy_pass http://nim;", "nim:80"),
        (
            "proxy_pass http://$up;",
            "10.0.0.1:81 127.0.0.1:8036 [::1]:8036 peer:80 unix:/var/run/nms/core.sock",
        ),
        ("grpc_pass $b;", dpm),
        (
            "grpc_pass grpc://$c;",
            "10.0.0.2:80 127.0.0.1:8036 [::1]:8036",
        ),
        (
            "proxy_pass http://${part}pm$request_uri;",
            "127.0.0.1:8036 [::1]:8036 epm:80 peer:80",
        ),
        (
            "proxy_pass http://unix:/run/${part}.sock;",
            "unix:/run/d.sock unix:/run/e.sock",
        ),
        ("grpc_pass grpc://$loop:1;", " ..."),
        ("grpc_pass grpc://$regex:1;", " ..."),
        ("grpc_pass grpc://$host:1;", " ..."),
        ("proxy_pass $scheme://dpm;", dpm),
        ("proxy_pass $scheme://nim;", "nim:80 nim:443"),
    ];
    for (pass, expected) in table {
        assert_eq!(behind(&http, pass), expected, "{pass}");
    }
    assert_eq!(http.map_values("$up"), ["core", "dpm", "10.0.0.1:81"]);
    assert_eq!(http.upstream("dpm").unwrap().servers.len(), 3);
}

#[test]
fn many_values_end_in_an_answer() {
    let entries: Vec<String> = (0..70).map(|n| format!("/{n} $x{n}$x;")).collect();
    let entries = entries.concat();
    let config = one(&format!(
        "http {{ map $uri $x {{ {entries} }} server {{}} }}"
    ));
    let http = config.http().unwrap();
    assert_eq!(behind(&http, "grpc_pass grpc://a$x$x$x;"), " ...");
    assert_eq!(find(&config, "map").children().len(), 70);
}
