#![expect(clippy::expect_used, reason = "a test ends where it fails")]

use proptest::prelude::*;

use super::super::client::{Alpn, Client};
use super::super::lab::{Nginx, PATIENCE, Script, Tcp, client, target};
use super::super::trust::Trust;
use super::*;

const METHOD: &str = "/f5.nginx.agent.sdk.Commander/NimTlsProof";

fn request(host: &str, path: &str) -> HttpRequest {
    HttpRequest {
        host: host.to_owned(),
        path: path.to_owned(),
    }
}

fn get(client: &mut Client, port: u16, sni: &str, request: &HttpRequest) -> HttpAnswer {
    let mut session = client.connect(&Tcp, &target(port, sni)).expect("a session");
    session.get(request, PATIENCE).expect("an answer")
}

#[test]
fn a_page_and_a_redirect_of_nginx() {
    let nginx = Nginx::start();
    let mut client = client(Trust::RecordOnly, None, Alpn::Http11);
    let page = get(
        &mut client,
        nginx.tls,
        "ui.example.com",
        &request("ui.example.com", "/"),
    );
    assert_eq!(page.status, 200);
    assert_eq!(
        page.body_excerpt,
        "host=ui.example.com sni=ui.example.com reused=."
    );
    assert_eq!(page.content_type.as_deref(), Some("text/plain"));
    assert!(
        page.server
            .is_some_and(|server| server.starts_with("nginx"))
    );

    let moved = get(
        &mut client,
        nginx.tls,
        "ui.example.com",
        &request("ui.example.com", "/moved"),
    );
    assert_eq!(
        (moved.status, moved.location.as_deref()),
        (301, Some("https://ui.example.com/"))
    );
}

#[test]
fn no_name_in_the_handshake_means_none() {
    let nginx = Nginx::start();
    let mut client = client(nginx.authority.trust("127.0.0.1"), None, Alpn::Http11);
    let page = get(&mut client, nginx.tls, "", &request("127.0.0.1", "/"));
    assert_eq!(page.body_excerpt, "host=127.0.0.1 sni= reused=.");
}

#[test]
fn the_agents_path_is_tried_over_http11_too() {
    let nginx = Nginx::start();
    let ask = |identity, name: &str| {
        let mut client = client(Trust::RecordOnly, identity, Alpn::Http11);
        let mut session = client
            .connect(&Tcp, &target(nginx.tls, name))
            .expect("a session");
        let answer = session.grpc_over_http11(&request(name, METHOD), PATIENCE);
        let answer = answer.expect("an answer");
        (answer.status, answer.grpc_status)
    };
    let agent = || Some(nginx.agent.identity());
    assert_eq!(ask(agent(), "agents.example.com"), (200, Some(12)));
    assert_eq!(ask(agent(), "strict.example.com"), (200, Some(12)));
    assert_eq!(ask(None, "agents.example.com"), (200, Some(16)));
    assert_eq!(ask(None, "strict.example.com"), (400, None));
}

#[test]
fn an_answer_in_http2_is_not_read_as_http11() {
    let answer = answer(&mut Script::new(b"\0\0\x12\x04\0\0\0\0\0garbage".to_vec()));
    assert!(matches!(
        answer,
        Err(Fault::Protocol {
            expected: "HTTP/1.1",
            ..
        })
    ));
}

#[test]
fn interim_answers_and_chunks_are_undone() {
    let text = "HTTP/1.1 103 Early Hints\r\nServer: early\r\n\r\n\
                HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nGrpc-Status: 5\r\n\r\n\
                4\r\nabcd\r\n3;x=y\r\nefg\r\n0\r\n\r\n";
    let expected = HttpAnswer {
        status: 404,
        grpc_status: Some(5),
        headers: [("transfer-encoding", "chunked"), ("grpc-status", "5")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        body_excerpt: "abcdefg".to_owned(),
        ..HttpAnswer::default()
    };
    assert_eq!(answer(&mut Script::new(text.into())), Ok(expected));
}

#[test]
fn an_answer_that_breaks_off_is_none() {
    assert_eq!(answer(&mut Script::new(Vec::new())), Err(Fault::Closed));
    let cut = answer(&mut Script::new(b"HTTP/1.1 200 OK\r\nServ".to_vec()));
    assert!(matches!(cut, Err(Fault::Protocol { .. })));
    let endless = answer(&mut Script::new(
        [b"HTTP/1.1 200 OK\r\nA: ".as_slice(), &vec![b'a'; 40_000]].concat(),
    ));
    assert_eq!(endless, Err(Fault::TooMuch));
}

#[test]
fn a_request_cannot_be_smuggled_into_a_header() {
    for (host, path) in [
        ("a\r\nb: c", "/"),
        ("a", "/ HTTP/1.1\r\n"),
        ("", "/"),
        ("a", ""),
    ] {
        let head = head("GET", &request(host, path), "");
        assert!(
            matches!(head, Err(Fault::Unsendable(_))),
            "{host:?} {path:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_have_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = answer(&mut Script::new(bytes.clone()));
        let behind_a_head = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", bytes.as_slice()].concat();
        let answer = answer(&mut Script::new(behind_a_head)).expect("a head is an answer");
        prop_assert!(answer.body_excerpt.len() <= 10 * EXCERPT);
    }
}
