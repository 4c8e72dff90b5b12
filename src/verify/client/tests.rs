#![expect(clippy::disallowed_methods, reason = "a test sets its own scene")]
#![expect(clippy::expect_used, reason = "a test ends where it fails")]

use std::net::TcpListener;
use std::time::Instant;

use super::super::http::HttpRequest;
use super::super::lab::{
    Authority, Leaf, Nginx, OpenSsl, PATIENCE, SERVER, Tcp, client, client_of, free_port, target,
};
use super::super::names::Alert;
use super::super::trust::Distrust;
use super::*;

const NAME: &str = "ui.example.com";

#[test]
fn what_was_agreed_is_what_the_server_says() {
    let nginx = Nginx::start();
    for (versions, version) in [
        (Versions::Only12, Version::Tls12),
        (Versions::Only13, Version::Tls13),
        (Versions::Both, Version::Tls13),
    ] {
        let mut client = client_of(nginx.authority.trust(NAME), None, Alpn::Http2, versions);
        let session = client
            .connect(&Tcp, &target(nginx.tls, NAME))
            .expect("a session");
        let seen = session.negotiated();
        assert_eq!(seen.version, version);
        assert!(seen.suite.starts_with("TLS_"), "{}", seen.suite);
        assert_eq!(seen.alpn.as_deref(), Some("h2"));
        assert_eq!(seen.chain.len(), 2);
        assert_eq!(seen.judgement, Judgement::Trusted);
        assert_eq!((seen.asked, seen.resumed), (None, false));
        assert!(seen.local_port.is_some());
    }
}

#[test]
fn a_server_that_speaks_only_http11_chooses_that_or_nothing() {
    let nginx = Nginx::start();
    let chosen = |alpn: Vec<Alpn>| {
        let mut client = Client::new(Handshake {
            trust: Trust::RecordOnly,
            identity: None,
            alpn,
            versions: Versions::Both,
        })?;
        let session = client.connect(&Tcp, &target(nginx.http1, NAME))?;
        Ok(session.negotiated().alpn.clone())
    };
    let http11 = Some("http/1.1".to_owned());
    assert_eq!(chosen(vec![Alpn::Http2, Alpn::Http11]), Ok(http11));
    assert_eq!(chosen(vec![]), Ok(None));
    // nginx 1.21.4 and later end the handshake instead of going on without a protocol.
    assert_eq!(chosen(vec![Alpn::Http2]), Err(Fault::Alert(Alert(120))));
}

#[test]
fn whether_a_certificate_was_asked_for_is_noted_in_both_versions() {
    let nginx = Nginx::start();
    for versions in [Versions::Only12, Versions::Only13] {
        for (name, identity, expected) in [
            ("ui.example.com", Some(nginx.agent.identity()), None),
            ("strict.example.com", None, Some((2, false))),
            (
                "strict.example.com",
                Some(nginx.agent.identity()),
                Some((2, true)),
            ),
        ] {
            let mut client = client_of(Trust::RecordOnly, identity, Alpn::Http2, versions);
            let session = client
                .connect(&Tcp, &target(nginx.tls, name))
                .expect("a session");
            let asked = session.negotiated().asked;
            assert_eq!(
                asked.map(|asked| (asked.ca_names, asked.sent)),
                expected,
                "{name}"
            );
        }
    }
}

#[test]
fn openssl_asks_when_told_to() {
    for (arguments, asked) in [
        (&["-tls1_3"][..], false),
        (&["-tls1_3", "-verify", "2"], true),
    ] {
        let server = OpenSsl::start(arguments);
        let mut client = client(Trust::RecordOnly, None, Alpn::Http11);
        let session = client
            .connect(&Tcp, &target(server.port, ""))
            .expect("a session");
        assert_eq!(session.negotiated().asked.is_some(), asked);
    }
}

#[test]
fn a_server_that_is_not_trusted_is_described_nevertheless() {
    let nginx = Nginx::start();
    let cases = [
        (
            Authority::new("Foreign").trust(NAME),
            "do not lead to the trusted root",
        ),
        (
            nginx.authority.trust("nim.example.org"),
            "not for nim.example.org",
        ),
    ];
    for (trust, reason) in cases {
        let mut client = client(trust, None, Alpn::Http11);
        let session = client
            .connect(&Tcp, &target(nginx.tls, NAME))
            .expect("a session");
        let seen = session.negotiated();
        let Judgement::Distrusted(distrust) = &seen.judgement else {
            panic!("{:?}", seen.judgement);
        };
        assert!(distrust.to_string().contains(reason), "{distrust}");
        assert_eq!(seen.chain.len(), 2);
    }
}

/// What scripts that call `openssl x509 -req` without extensions produce.
#[test]
fn a_version_1_certificate_is_described_and_not_trusted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |line: &str| {
        let status = std::process::Command::new("openssl")
            .args(line.split(' '))
            .current_dir(folder.path())
            .stderr(std::process::Stdio::null())
            .status();
        assert!(
            status.expect("openssl must be installed").success(),
            "{line}"
        );
    };
    run("req -new -newkey rsa:2048 -nodes -keyout key -out csr -subj /CN=nim.example.com");
    run("x509 -req -in csr -signkey key -out crt -days 2");
    let read = |name| std::fs::read_to_string(folder.path().join(name)).expect("a file");
    for option in ["-tls1_2", "-tls1_3"] {
        let server = OpenSsl::with_certificate(&read("crt"), &read("key"), &[option]);
        let trust = Authority::new("Our").trust("nim.example.com");
        let mut client = client(trust, None, Alpn::Http11);
        let session = client
            .connect(&Tcp, &target(server.port, ""))
            .expect("a session");
        let judgement = &session.negotiated().judgement;
        assert!(
            matches!(judgement, Judgement::Distrusted(Distrust::Other(_))),
            "{judgement:?}"
        );
    }
}

#[test]
fn a_session_is_resumed_in_both_versions_and_the_server_agrees() {
    let nginx = Nginx::start();
    for versions in [Versions::Only12, Versions::Only13] {
        let trust = nginx.authority.trust(NAME);
        let mut client = client_of(trust, None, Alpn::Http11, versions);
        let here = target(nginx.tls, NAME);
        let nothing = client.resume(&Tcp, &here).map(|_| ());
        assert_eq!(nothing, Err(Fault::NothingToResume));

        let mut look = |resume: bool| {
            let session = if resume {
                client.resume(&Tcp, &here)
            } else {
                client.connect(&Tcp, &here)
            };
            let mut session = session.expect("a session");
            let page = session.get(&page(), PATIENCE).expect("a page");
            let reused = page.body_excerpt.ends_with("reused=r");
            let seen = session.negotiated();
            assert_eq!(seen.judgement, Judgement::Trusted);
            assert_eq!(seen.resumed, reused, "{versions:?}");
            reused
        };
        assert!(!look(false));
        assert!(!look(false), "connect never resumes");
        assert!(look(true));
        assert!(look(true), "what was remembered serves twice");
    }
}

#[test]
fn another_server_does_not_know_the_session() {
    let (here, there) = (Nginx::start(), Nginx::start());
    for versions in [Versions::Only12, Versions::Only13] {
        let mut client = client_of(Trust::RecordOnly, None, Alpn::Http11, versions);
        let mut session = client
            .connect(&Tcp, &target(here.tls, NAME))
            .expect("a session");
        session.get(&page(), PATIENCE).expect("a page");
        let session = client
            .resume(&Tcp, &target(there.tls, NAME))
            .expect("a session");
        assert!(!session.negotiated().resumed);
    }
}

/// In a resumed session nobody is asked for a certificate again: nginx remembers the outcome.
#[test]
fn a_resumed_session_brings_its_certificate_along() {
    let nginx = Nginx::start();
    let strict = target(nginx.tls, "strict.example.com");
    let request = HttpRequest {
        host: "strict.example.com".to_owned(),
        path: "/".to_owned(),
    };
    for versions in [Versions::Only12, Versions::Only13] {
        let identity = Some(nginx.agent.identity());
        let mut client = client_of(Trust::RecordOnly, identity, Alpn::Http11, versions);
        let mut session = client.connect(&Tcp, &strict).expect("a session");
        session.get(&request, PATIENCE).expect("an answer");
        let mut session = client.resume(&Tcp, &strict).expect("a session");
        let seen = session.negotiated().clone();
        assert_eq!((seen.resumed, seen.asked), (true, None));
        let answer = session.get(&request, PATIENCE).expect("an answer");
        assert_eq!((answer.status, answer.grpc_status), (200, Some(12)));
    }
}

/// A server block that asks for no certificate gives a session; it must be worth nothing to the
/// block beside it. How nginx says no differs by its version and that of TLS.
#[test]
fn a_session_of_the_open_server_opens_no_other() {
    let nginx = Nginx::start();
    let strict = "strict.example.com";
    for versions in [Versions::Only12, Versions::Only13] {
        let mut client = client_of(Trust::RecordOnly, None, Alpn::Http11, versions);
        let mut session = client
            .connect(&Tcp, &target(nginx.tls, NAME))
            .expect("a session");
        session.get(&page(), PATIENCE).expect("a page");
        let request = HttpRequest {
            host: strict.to_owned(),
            path: "/".to_owned(),
        };
        let refused = match client.resume(&Tcp, &target(nginx.tls, strict)) {
            Ok(mut session) => {
                let answer = session.get(&request, PATIENCE).expect("an answer");
                matches!((answer.status, answer.grpc_status), (400 | 421, None))
            }
            Err(fault) => fault == Fault::Alert(Alert(49)),
        };
        assert!(refused, "{versions:?}");
    }
}

#[test]
fn the_reason_of_a_failed_handshake_is_kept() {
    let nginx = Nginx::start();
    let connect = |port, name: &str, versions| {
        let mut client = client_of(Trust::RecordOnly, None, Alpn::Http11, versions);
        client
            .connect(&Tcp, &target(port, name))
            .map(|_| ())
            .expect_err("no session")
    };
    let rejected = connect(nginx.tls, "nobody.example.com", Versions::Both);
    assert_eq!(rejected, Fault::Alert(Alert(112)));
    let modern = OpenSsl::start(&["-tls1_3"]);
    assert_eq!(
        connect(modern.port, "", Versions::Only12),
        Fault::Alert(Alert(70))
    );
    assert!(matches!(
        connect(nginx.plain, "", Versions::Both),
        Fault::Tls(_)
    ));
    assert_eq!(
        connect(free_port(), "", Versions::Both),
        Fault::Unreachable(io::ErrorKind::ConnectionRefused)
    );
}

/// A server other than nginx may refuse a certificate by an alert after the handshake.
#[test]
fn a_refusal_after_the_handshake_is_an_alert() {
    let server = OpenSsl::start(&["-tls1_3", "-Verify", "2"]);
    let mut client = client(Trust::RecordOnly, None, Alpn::Http11);
    let mut session = client
        .connect(&Tcp, &target(server.port, ""))
        .expect("a session");
    let answer = session.get(&page(), PATIENCE);
    assert_eq!(answer, Err(Fault::Alert(Alert(116))));
}

#[test]
fn a_server_that_drips_or_is_silent_ends_at_the_deadline() {
    let patience = Duration::from_millis(300);
    for drip in [true, false] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            // A record of 16 KiB, of which one byte comes every 10 ms.
            let mut alive = stream.write_all(&[22, 3, 3, 0x40, 0]).is_ok();
            while alive {
                std::thread::sleep(Duration::from_millis(10));
                alive = if drip {
                    stream.write_all(&[2]).is_ok()
                } else {
                    stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0)
                };
            }
        });
        let mut client = client(Trust::RecordOnly, None, Alpn::Http11);
        let started = Instant::now();
        let outcome = client.connect(
            &Tcp,
            &Target {
                patience,
                ..target(port, "")
            },
        );
        assert_eq!(outcome.map(|_| ()), Err(Fault::TimedOut));
        assert!(started.elapsed() < 3 * patience, "{:?}", started.elapsed());
        server.join().expect("the server ends when we hang up");
    }
}

#[test]
fn a_flood_ends_at_the_byte_limit() {
    let server = OpenSsl::start(&["-tls1_3", "-rev"]);
    let mut client = client(Trust::RecordOnly, None, Alpn::Http11);
    let mut session = client
        .connect(&Tcp, &target(server.port, ""))
        .expect("a session");
    let line = [&[b'x'; 4000][..], b"\n"].concat();
    session.send(b"start\n", PATIENCE).expect("sent");
    let mut outcome = Ok(0);
    for _ in 0..400 {
        outcome = session
            .write_all(&line)
            .and_then(|()| session.read(&mut [0; 8192]));
        if outcome.is_err() {
            break;
        }
    }
    assert_eq!(outcome.map_err(Fault::from), Err(Fault::TooMuch));
}

#[test]
fn an_identity_needs_its_own_key() {
    let authority = Authority::new("Our");
    let [one, two] = [(); 2].map(|()| authority.issue(&Leaf::of(&["a.example.com"], SERVER)));
    let refused = |chain: &[CertificateDer<'static>], key: &[u8]| {
        Identity::new(chain.to_vec(), key)
            .expect_err("not an identity")
            .to_string()
    };
    assert!(refused(&one.chain, two.key.serialized_der()).contains("another certificate"));
    assert!(refused(&one.chain, b"garbage").contains("cannot be read"));
    assert!(refused(&[], one.key.serialized_der()).contains("no client certificate"));
    let shown = format!("{:?}", one.identity());
    assert_eq!(shown, "Identity { certificates: 2, .. }");
}

fn page() -> HttpRequest {
    HttpRequest {
        host: NAME.to_owned(),
        path: "/".to_owned(),
    }
}
