use std::net::IpAddr;

use super::super::{Address, Config, Http, Listen, LocationKind, Server};
use super::{Shelf, one};
use LocationKind::{Exact, Named, PreferredPrefix, Prefix, Regex};

#[test]
fn listen_lines_name_a_socket() {
    let ip = |text: &str| Address::Ip(text.parse::<IpAddr>().unwrap());
    let table = [
        ("443", Address::Any4, 443),
        ("*:443", Address::Any4, 443),
        ("*", Address::Any4, 80),
        ("0.0.0.0:443", Address::Any4, 443),
        ("127.0.0.1", ip("127.0.0.1"), 80),
        ("10.0.0.1:8443", ip("10.0.0.1"), 8443),
        ("[::]:443", Address::Any6, 443),
        ("[0:0::0]:443", Address::Any6, 443),
        ("[fe80::1]", ip("fe80::1"), 80),
        ("LocalHost:443", Address::Name("localhost".to_owned()), 443),
        ("localhost", Address::Name("localhost".to_owned()), 80),
        ("a-b:1", Address::Name("a-b".to_owned()), 1),
        (
            "unix:/run/a:b.sock",
            Address::Unix("/run/a:b.sock".to_owned()),
            0,
        ),
    ];
    for (text, address, port) in table {
        let config = one(&format!("listen {text} ssl;"));
        let listen = Listen::of(&config.main[0]).expect(text);
        assert_eq!((listen.address, listen.port), (address, port), "{text}");
    }
    for text in [
        "0", "70000", "a:b", ":443", "[::1", "[x]:1", "10-5", "1.2.3.4:", "a:+443", "/a",
    ] {
        let config = one(&format!("listen {text};"));
        assert_eq!(Listen::of(&config.main[0]), None, "{text}");
    }
}

#[test]
fn listen_parameters_are_read() {
    let config = one(
        "listen [::]:443 ssl http2 default_server ipv6only=off; listen 443 quic reuseport; listen 8000-8002;",
    );
    let listens: Vec<Listen> = config.main.iter().filter_map(Listen::of).collect();
    let first = &listens[0];
    assert!(first.ssl && first.http2 && first.default_server && !first.quic);
    assert_eq!(first.ipv6only, Some(false));
    assert!(listens[1].quic && !listens[1].ssl && listens[1].ipv6only.is_none());
    let shown: Vec<String> = listens[2]
        .sockets()
        .map(|socket| socket.to_string())
        .collect();
    assert_eq!(shown, ["*:8000", "*:8001", "*:8002"]);
}

/// Sockets with their servers by first name; the default in brackets when marked.
fn sockets(http: &Http<'_>) -> Vec<String> {
    let name = |server: &Server<'_>| server.names.first().copied().unwrap_or("-").to_owned();
    http.sockets()
        .iter()
        .map(|bound| {
            let servers: Vec<String> = bound.servers.iter().map(|server| name(server)).collect();
            let mark = if bound.explicit_default { "!" } else { "" };
            let tls = if bound.ssl { " ssl" } else { "" };
            format!(
                "{} {} -> {}{mark}{tls}",
                bound.socket,
                servers.join(","),
                name(bound.default)
            )
        })
        .collect()
}

#[test]
fn the_default_server_is_the_marked_or_the_first_one() {
    let shelf = Shelf::of(&[
        (
            "/etc/nginx/nginx.conf",
            "http { include c/*; server { server_name last; listen 443; listen [::]:443 default_server; } }",
        ),
        (
            "/etc/nginx/c/a",
            "server { server_name a; listen 443 ssl; listen *:443; listen [::]:443 ssl; listen 443 quic; }",
        ),
        (
            "/etc/nginx/c/b",
            "server { server_name b b2; server_name b3; }",
        ),
        (
            "/etc/nginx/c/c",
            "server { listen 80 default; server_name c; } server { listen unix:/x; }",
        ),
    ]);
    let config = shelf.load().unwrap();
    let http = config.http().unwrap();
    assert_eq!(
        sockets(&http),
        [
            "*:443 a,last -> a ssl",
            "[::]:443 a,last -> last! ssl",
            "*:443 a -> a",
            "*:80 b,c -> c!",
            "unix:/x - -> -"
        ]
    );
    assert_eq!(http.servers[1].names, ["b", "b2", "b3"]);
    assert!(http.servers[1].listens[0].implied);
    let socket = http.servers[0].listens[2].sockets().next().unwrap();
    assert_eq!(http.default_server(&socket).unwrap().names, ["last"]);
}

#[test]
fn locations_are_read_with_and_without_a_space() {
    let config = one(
        "http { server { location / {} location = /a {} location =/b {} location ^~ /c {} location ^~/d {}
         location ~ ^/e {} location ~*f$ {} location @g {} location x y z {} location \"/h i\" { location /h\\ i/j {} } } }",
    );
    let http = config.http().unwrap();
    let found: Vec<(LocationKind, &str)> = http.servers[0]
        .all_locations()
        .iter()
        .map(|level| (level.location.kind, level.location.pattern))
        .collect();
    assert_eq!(
        found,
        [
            (Prefix, "/"),
            (Exact, "/a"),
            (Exact, "/b"),
            (PreferredPrefix, "/c"),
            (PreferredPrefix, "/d"),
            (
                Regex {
                    case_sensitive: true
                },
                "^/e"
            ),
            (
                Regex {
                    case_sensitive: false
                },
                "f$"
            ),
            (Named, "@g"),
            (Prefix, "/h i"),
            (Prefix, "/h\\ i/j"),
        ]
    );
    assert!(http.servers[0].named_location("@g").is_some());
}

const INHERITANCE: &str = "http {
    error_page 500 /h;
    satisfy any;
    server {
        error_page 401 @s;
        error_page 402 @s;
        if ($a) { return 1; }
        location /own { error_page 403 /l; if ($b) { error_page 404 /i; } limit_except GET { deny all; if ($c) { satisfy all; } } }
        location /outer { auth_request /check; location /outer/inner { grpc_pass grpc://a; } }
        include inner;
    }
}";

#[test]
fn an_inner_level_replaces_what_it_inherits() {
    let shelf = Shelf::of(&[
        ("/etc/nginx/nginx.conf", INHERITANCE),
        ("/etc/nginx/inner", "location /in { include more; }"),
        ("/etc/nginx/more", "satisfy all;"),
    ]);
    let config = shelf.load().unwrap();
    let http = config.http().unwrap();
    let server = &http.servers[0];
    let seen: Vec<String> = server
        .all_locations()
        .iter()
        .map(|level| {
            let pages = level.scope.nearest("error_page");
            let codes: Vec<&str> = pages.iter().filter_map(|page| page.arg(0)).collect();
            let satisfy = level.scope.value("satisfy").unwrap_or_default();
            let check = level.scope.value("auth_request").unwrap_or("-");
            let passes = level.scope.own("grpc_pass").len();
            let head = format!("{} {}", level.directive.name, level.location.pattern);
            format!("{head}: {} {satisfy} {check} {passes}", codes.join("+"))
        })
        .collect();
    assert_eq!(
        seen,
        [
            "location /own: 403 any - 0",
            "if /own: 404 any - 0",
            "limit_except /own: 403 any - 0",
            "if /own: 403 all - 0",
            "location /outer: 401+402 any /check 0",
            "location /outer/inner: 401+402 any /check 1",
            "location /in: 401+402 all - 0",
        ]
    );
    assert_eq!(server.conditionals.len(), 1);
    assert_eq!(server.scope.value("satisfy"), Some("any"));
    assert_eq!(http.scope.value("error_page"), Some("500"));
    assert_eq!(
        server.scope.nearest("absent"),
        Vec::<&super::Directive>::new()
    );
}

/// What nginx takes for a path: the certain location, then those that might take it instead.
fn choice(config: &Config, path: &str) -> String {
    let http = config.http().unwrap();
    let selected = http.find_location_for(&http.servers[0], path);
    let maybe: Vec<&str> = selected
        .maybe
        .iter()
        .map(|location| location.pattern)
        .collect();
    let sure = selected.location.map_or("-", |location| location.pattern);
    format!("{sure} [{}]", maybe.join(" "))
}

#[test]
fn the_location_for_a_path_is_the_one_nginx_takes() {
    let config = one("http { server {
            location ~ \\.php$ { location ~ x { } location /adm { } }
            location /adm { location ~ ^/adm/y { } location = /adm/z { } location ^~ /adm/q { } }
            location = /adm/e { }
            location ^~ /f5.nginx.agent.sdk.Commander { }
            location /f5. { }
            location @named { }
            location ~ ^/(api|ui)/ { }
            location ~* ^/F5 { }
        } }");
    let table = [
        (
            "/f5.nginx.agent.sdk.Commander/X",
            "/f5.nginx.agent.sdk.Commander []",
        ),
        ("/f5.nginx.agent.sdk.Metrics/X", "/f5. [\\.php$ x ^/F5]"),
        ("/adm/e", "/adm/e []"),
        ("/adm/z", "/adm/z []"),
        ("/adm/yy", "/adm [^/adm/y \\.php$ x /adm]"),
        ("/adm/q/1", "/adm/q [\\.php$ x /adm]"),
        ("/other", "- [\\.php$ x]"),
        ("/ui/x", "- [\\.php$ x ^/(api|ui)/]"),
        ("@named", "- [\\.php$ x]"),
    ];
    for (path, expected) in table {
        assert_eq!(choice(&config, path), expected, "{path}");
    }
}

#[test]
fn a_regular_expression_is_ruled_out_only_when_that_is_plain() {
    let possible = [
        "x",
        "^/",
        "^/f5\\.nginx",
        "^/(a|f5)",
        "^/a|/f5",
        "^/fx?5",
        "^/fx{0}5",
        "^/fx*5",
        "^/[a-f]",
        "^.a",
        "^(?i)/F5",
        "^/a[(]|/f5",
        "^/a\\Q(\\E|/f5",
        "^/a(?#()|/f5",
        "^/a\\(|/f5",
        "^\\/f5",
        "(?x)^/a",
    ];
    let ruled_out = [
        "^/a",
        "^/(a|b)",
        "^/[a]",
        "^/F5",
        "^/a(b|c)",
        "^/a(?:b|c)d",
        "^/f5\\.nginy",
        "^a",
        "^/g5x+",
    ];
    for (patterns, expected) in [(&possible[..], 1), (&ruled_out[..], 0)] {
        for pattern in patterns {
            let text = format!(
                "http {{ server {{ location ~ \"{}\" {{}} }} }}",
                pattern.replace('\\', "\\\\")
            );
            let config = one(&text);
            let http = config.http().unwrap();
            let selected = http.find_location_for(&http.servers[0], "/f5.nginx.agent/X");
            assert_eq!(selected.maybe.len(), expected, "{pattern}");
        }
    }
}
