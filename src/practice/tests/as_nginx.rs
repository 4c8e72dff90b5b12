//! The practice host answers, refuses and reloads as a real nginx does.

use super::*;

#[test]
fn as_shipped_everybody_gets_in() {
    let host = practice();
    assert_eq!(call(&host, None, NAME), (Some(200), Some(12)));
    let (status, _, page) = get(&host, "/ui/");
    assert!(status == 200 && page.contains("practice"), "{page}");
    let (status, to, _) = get(&host, "/");
    assert_eq!(
        (status, to.as_deref()),
        (302, Some("https://nim.practice.example/ui/"))
    );
    assert_eq!(get(&host, "/401.json").0, 404, "internal");
    assert_eq!(get(&host, "/api/x").0, 200);
    assert_eq!(
        host.sockets()
            .unwrap()
            .iter()
            .filter(|one| one.remote.is_some())
            .count(),
        2
    );
}

#[test]
fn only_the_right_client_gets_in_where_clients_are_checked() {
    let (host, ca, now) = checked();
    let agent = ca.leaf(Purpose::Agent, now - 60, now + 600);
    assert_eq!(call(&host, Some(agent), NAME), (Some(200), Some(12)));
    assert_eq!(call(&host, None, NAME), (Some(200), Some(16)));
    let expired = ca.leaf(
        Purpose::Agent,
        ca.0.certificate().validity.not_before,
        now - 60,
    );
    assert_eq!(call(&host, Some(expired), NAME), (Some(400), None));
    let server = ca.leaf(Purpose::Server, now - 60, now + 600);
    assert_eq!(call(&host, Some(server), NAME), (Some(400), None));
    let foreign = Ca::new("another", now).leaf(Purpose::Agent, now - 60, now + 600);
    assert_eq!(call(&host, Some(foreign), NAME), (Some(400), None));
    assert!(
        host.sockets()
            .unwrap()
            .iter()
            .filter(|one| one.remote.is_some())
            .count()
            <= 2
    );
}

/// What nginx is told to do on the practice host, said as on a real one.
fn nginx(host: &Practice, option: &str) -> (Option<i32>, String) {
    let output = host.run(&Command::new("nginx", &[option])).unwrap();
    (output.code, output.err())
}

#[test]
fn what_is_not_known_is_refused_aloud_with_its_place() {
    let host = practice();
    assert_eq!(nginx(&host, "-t").0, Some(0));
    let stock = text(&host, NMS_HTTP);
    for (old, new, words) in [
        (
            "root /var/www/nms;",
            "root /var/www/nms; sub_filter a b;",
            "does not know the directive \"sub_filter\" in",
        ),
        (
            "location = / {",
            "location ~ ^/x {",
            "does not know locations by regular expression",
        ),
        ("!~* 'SUCCESS'", "!~* 'S.*'", "does not know this condition"),
        (
            "listen 443 ssl http2;",
            "listen 443 ssl http2 proxy_protocol;",
            "does not know this way of listening",
        ),
        (
            "return 302 /ui/;",
            "return 302 $nobody;",
            "unknown \"nobody\" variable",
        ),
        (
            "grpc://dpm-grpc-service",
            "grpc://nobody",
            "host not found in upstream \"nobody\"",
        ),
        (
            "certs/manager-server.pem",
            "certs/nothing.pem",
            "cannot load certificate",
        ),
        (
            "location = / {",
            "server { } location = / {",
            "\"server\" directive is not allowed here",
        ),
        (
            "TLSv1.2 TLSv1.3",
            "TLSv1.1",
            "speaks TLSv1.2 and TLSv1.3 only",
        ),
        (
            "return 302 /ui/;",
            "return 302 /ui/",
            "in /etc/nginx/conf.d/nms-http.conf:",
        ),
    ] {
        assert!(stock.contains(old), "{old}");
        put(&host, NMS_HTTP, &stock.replacen(old, new, 1));
        let (code, said) = nginx(&host, "-t");
        assert_eq!(code, Some(1), "{new}");
        assert!(
            said.contains(words) && said.contains("nms-http.conf:") | words.contains("cannot load"),
            "{new}: {said}"
        );
        let master = host.processes().unwrap().remove(0);
        let workers = host.processes().unwrap().len();
        host.signal(&master, Signal::Hangup).unwrap();
        assert_eq!(host.processes().unwrap().len(), workers, "{new}");
        let log = text(&host, "/var/log/nginx/error.log");
        assert!(log.contains("[emerg]") && log.contains(words), "{log}");
    }
}

#[test]
fn a_check_is_bypassed_here_as_it_is_in_nginx() {
    // An error page that gives 200 swallows the refusal of the vendor's check.
    for (error_page, through) in [
        ("error_page 401 =200 /401.json;", true),
        ("error_page 401 = @grpc_unauthenticated;", true),
        ("error_page 401 /401.json;", false),
    ] {
        let host = practice();
        let ca = Ca::new("practice test", Host::now(&host));
        put(&host, "/etc/nms/certs/ca.pem", &ca.0.certificate().pem());
        let page = ("error_page 401 /401.json;", error_page);
        edit(&host, &[CHECKED[0], CHECKED[1], CHECKED[2], page]).unwrap();
        let (_, grpc) = call(&host, None, NAME);
        assert_eq!(grpc == Some(12), through, "{error_page}");
    }
}

#[test]
fn a_reload_leaves_old_workers_until_nobody_needs_them() {
    let (host, _, _) = checked();
    let old: Vec<_> = host
        .processes()
        .unwrap()
        .into_iter()
        .filter(|one| one.title.ends_with("is shutting down"))
        .collect();
    assert_eq!(old.len(), 2, "two agents are connected to them");
    for worker in &old {
        host.signal(worker, Signal::Terminate).unwrap();
    }
    assert_eq!(host.processes().unwrap().len(), 3);
    assert!(
        host.sockets()
            .unwrap()
            .iter()
            .all(|one| one.remote.is_none()),
        "cut off"
    );
    assert!(host.signal(&old[0], Signal::Terminate).is_err());
}

#[test]
fn names_choose_the_server_as_in_nginx() {
    let (host, ca, now) = checked();
    let other = "server {\n listen 443 ssl;\n server_name other.example *.wild.example;\n\
        ssl_certificate /etc/nms/certs/manager-server.pem;\n\
        ssl_certificate_key /etc/nms/certs/manager-server.key;\n return 200 other;\n}\n\
        server {\n listen 443 ssl;\n server_name nobody.example;\n ssl_reject_handshake on;\n}\n";
    put(&host, "/etc/nginx/conf.d/zz.conf", other);
    host.start_nginx().unwrap();
    for (sni, name, status) in [
        ("other.example", "other.example", 200),
        ("a.wild.example", "a.wild.example", 200),
        // Asking the server that judges clients after a handshake with one that does not.
        ("other.example", NAME, 421),
        ("", NAME, 302),
        (NAME, "unknown.example", 302),
    ] {
        let request = HttpRequest {
            host: name.to_owned(),
            path: "/".to_owned(),
        };
        let mut session = session(&host, None, sni, Alpn::Http11);
        assert_eq!(
            session.get(&request, PATIENCE).unwrap().status,
            status,
            "{sni} {name}"
        );
    }
    let mut rejected = client(None, Alpn::Http11);
    let fault = rejected
        .connect(&Dialling(&host), &target("nobody.example"))
        .err()
        .unwrap();
    assert!(matches!(fault, Fault::Alert(_)), "{fault}");
    // With "on", nobody without a certificate sees even the UI.
    edit(
        &host,
        &[(
            "ssl_verify_client     optional;",
            "ssl_verify_client     on;",
        )],
    )
    .unwrap();
    assert_eq!(get(&host, "/ui/").0, 400);
    let agent = ca.leaf(Purpose::Agent, now - 60, now + 600);
    assert_eq!(call(&host, Some(agent), NAME).1, Some(12));
    let refused = host.connect("127.0.0.1:80".parse().unwrap(), PATIENCE);
    assert!(refused.is_err(), "nothing listens there");
}

#[test]
fn the_wrong_protocol_is_answered_as_nginx_answers_it() {
    use std::io::{Read, Write};
    let host = practice();
    let mut wire = host
        .connect("127.0.0.1:443".parse().unwrap(), PATIENCE)
        .unwrap();
    wire.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut said = String::new();
    wire.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 400"), "{said}");
    // A version that the file does not list is not spoken.
    edit(
        &host,
        &[(
            "ssl_protocols         TLSv1.2 TLSv1.3;",
            "ssl_protocols TLSv1.3;",
        )],
    )
    .unwrap();
    let old = Client::new(Handshake {
        trust: Trust::RecordOnly,
        identity: None,
        alpn: vec![Alpn::Http11],
        versions: Versions::Only12,
    });
    let fault = old
        .unwrap()
        .connect(&Dialling(&host), &target(NAME))
        .err()
        .unwrap();
    assert!(matches!(fault, Fault::Alert(_)), "{fault}");
}

#[test]
fn a_resumed_session_carries_its_verdict_unless_the_cache_is_new() {
    let (host, ca, now) = checked();
    let agent = ca.leaf(Purpose::Agent, now - 60, now + 600);
    let mut client = client(Some(agent), Alpn::Http2);
    let request = GrpcRequest {
        authority: NAME.to_owned(),
        path: COMMANDER.to_owned(),
    };
    let mut first = client.connect(&Dialling(&host), &target(NAME)).unwrap();
    assert_eq!(
        first.grpc(&request, PATIENCE).unwrap().grpc_status,
        Some(12)
    );
    // Another authority counts from now on, and the session of before still gets in.
    let other = Ca::new("another", now);
    put(&host, "/etc/nms/certs/ca.pem", &other.0.certificate().pem());
    host.start_nginx().unwrap();
    let mut again = client.resume(&Dialling(&host), &target(NAME)).unwrap();
    assert!(again.negotiated().resumed);
    assert_eq!(
        again.grpc(&request, PATIENCE).unwrap().grpc_status,
        Some(12)
    );
    edit(&host, &[("shared:SSL:10m", "shared:SSL_2:10m")]).unwrap();
    let again = client.resume(&Dialling(&host), &target(NAME)).unwrap();
    assert!(!again.negotiated().resumed);
}

#[test]
fn owners_are_remembered_and_the_folder_goes() {
    let host = practice();
    let key = host
        .stat(Path::new("/etc/nms/certs/manager-server.key"))
        .unwrap()
        .unwrap();
    assert_eq!(
        (key.attributes.owner.user, key.attributes.mode.0),
        (998, 0o600)
    );
    assert_eq!(
        host.stat(Path::new("/etc/nginx"))
            .unwrap()
            .unwrap()
            .attributes
            .owner
            .user,
        0
    );
    let folder = host.folder().to_owned();
    assert!(folder.is_dir());
    host.close().unwrap();
    assert!(!folder.exists());
    host.close().unwrap();
}
