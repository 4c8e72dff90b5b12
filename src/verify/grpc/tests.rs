#![expect(clippy::expect_used, reason = "a test ends where it fails")]

use proptest::prelude::*;

use super::super::client::{Alpn, Client};
use super::super::frame::{PADDED, PRIORITY};
use super::super::identity::Identity;
use super::super::lab::{
    Authority, CLIENT, Leaf, Nginx, PATIENCE, SERVER, Script, Tcp, client, target,
};
use super::super::trust::Trust;
use super::*;

const METHOD: &str = "/f5.nginx.agent.sdk.Commander/NimTlsProof";

fn ask(client: &mut Client, port: u16, sni: &str, authority: &str) -> Result<GrpcAnswer, Fault> {
    let request = GrpcRequest {
        authority: authority.to_owned(),
        path: METHOD.to_owned(),
    };
    let mut session = client.connect(&Tcp, &target(port, sni))?;
    session.grpc(&request, PATIENCE)
}

fn ask_as(identity: Option<Identity>, nginx: &Nginx, sni: &str, authority: &str) -> GrpcAnswer {
    let mut client = client(Trust::RecordOnly, identity, Alpn::Http2);
    ask(&mut client, nginx.tls, sni, authority).expect("an answer")
}

/// Status over HTTP, status of gRPC, and how the body begins.
fn gist(answer: &GrpcAnswer) -> (Option<u16>, Option<u32>, &str) {
    assert_eq!(answer.end, GrpcEnd::Complete, "{answer:?}");
    let title = answer
        .body_excerpt
        .split("</title>")
        .next()
        .unwrap_or_default();
    let title = title.rsplit("<title>").next().unwrap_or_default();
    (answer.http_status, answer.grpc_status, title)
}

#[test]
fn the_right_certificate_gets_through_and_the_others_do_not() {
    let nginx = Nginx::start();
    let agent = || Some(nginx.agent.identity());
    let other = |authority: &Authority, purpose, valid| {
        let leaf = Leaf {
            valid,
            ..Leaf::of(&["agent.example.com"], purpose)
        };
        Some(authority.issue(&leaf).identity())
    };
    let ours = &nginx.authority;
    let foreign = &Authority::new("Foreign");
    let no_certificate = "400 No required SSL certificate was sent";
    let bad_certificate = "400 The SSL certificate error";

    let (checked, strict) = ("agents.example.com", "strict.example.com");
    let by = |identity, name| ask_as(identity, &nginx, name, name);
    for name in [checked, strict] {
        let answer = by(agent(), name);
        assert_eq!(gist(&answer), (Some(200), Some(12), ""), "{name}");
        assert_eq!(answer.grpc_message.as_deref(), Some("unknown method"));
        assert_eq!(answer.content_type.as_deref(), Some("application/grpc"));
        for identity in [
            other(foreign, CLIENT, (-1, 1)),
            other(ours, CLIENT, (-2, -1)),
            other(ours, CLIENT, (1, 2)),
            other(ours, SERVER, (-1, 1)),
        ] {
            assert_eq!(
                gist(&by(identity, name)),
                (Some(400), None, bad_certificate)
            );
        }
    }
    let answer = by(None, checked);
    assert_eq!(gist(&answer), (Some(200), Some(16), ""));
    assert_eq!(answer.grpc_message.as_deref(), Some("401. Unauthorized."));
    assert_eq!(gist(&by(None, strict)), (Some(400), None, no_certificate));
}

#[test]
fn the_authority_is_independent_of_the_handshake() {
    let nginx = Nginx::start();
    let by = |identity, sni, authority| ask_as(identity, &nginx, sni, authority);
    let (ui, agents, strict) = ("ui.example.com", "agents.example.com", "strict.example.com");

    // The handshake of the UI asks for no certificate, so the guarded server has seen none;
    // nginx says "misdirected" where the handshake named another server.
    let agent = nginx.agent.identity();
    for (identity, sni, status) in [
        (None, ui, 421),
        (Some(agent.clone()), ui, 421),
        (None, "", 400),
        (Some(agent.clone()), "", 400),
    ] {
        let answer = by(identity, sni, strict);
        assert_eq!(gist(&answer).0, Some(status), "{sni}: {answer:?}");
        assert_eq!(answer.grpc_status, None);
    }
    // And the other way round: the UI's server answers, whose upstream is down.
    assert_eq!(gist(&by(Some(agent), agents, ui)).0, Some(502));
}

#[test]
fn a_server_without_http2_is_named() {
    let nginx = Nginx::start();
    let mut client = client(Trust::RecordOnly, None, Alpn::Http11);
    let answer = ask(&mut client, nginx.http1, "", "ui.example.com");
    assert!(
        matches!(&answer, Err(Fault::Protocol { expected: "HTTP/2", found }) if found.contains("HTTP/1.1")),
        "{answer:?}"
    );
}

/// Longer than the window that HTTP/2 begins with: without a larger one it would never end.
#[test]
fn a_long_page_is_read_to_its_end() {
    let nginx = Nginx::start();
    let mut client = client(Trust::RecordOnly, None, Alpn::Http2);
    let mut session = client
        .connect(&Tcp, &target(nginx.tls, "ui.example.com"))
        .expect("a session");
    let request = GrpcRequest {
        authority: "ui.example.com".to_owned(),
        path: "/long".to_owned(),
    };
    let answer = session.grpc(&request, PATIENCE).expect("an answer");
    assert_eq!(
        (answer.http_status, answer.end),
        (Some(200), GrpcEnd::Complete)
    );
    assert_eq!(answer.body_excerpt, "x".repeat(200));
}

#[test]
fn a_second_request_on_one_connection_is_not_made() {
    let nginx = Nginx::start();
    let mut client = client(Trust::RecordOnly, None, Alpn::Http2);
    let mut session = client
        .connect(&Tcp, &target(nginx.tls, ""))
        .expect("a session");
    let request = GrpcRequest {
        authority: "ui.example.com".to_owned(),
        path: METHOD.to_owned(),
    };
    session.grpc(&request, PATIENCE).expect("an answer");
    assert!(matches!(
        session.grpc(&request, PATIENCE),
        Err(Fault::Unsendable(_))
    ));
}

#[test]
fn a_request_cannot_be_smuggled_into_a_header() {
    for (authority, path) in [
        ("a\r\nb: c", METHOD),
        ("a", "/a b"),
        ("", METHOD),
        ("a", "/\u{e9}"),
    ] {
        let request = GrpcRequest {
            authority: authority.to_owned(),
            path: path.to_owned(),
        };
        assert!(
            matches!(call(&request), Err(Fault::Unsendable(_))),
            "{request:?}"
        );
    }
}

// What a server may do, by script.

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let stream = match kind {
        SETTINGS | PING | GOAWAY => 0,
        _ => STREAM,
    };
    let mut bytes = Vec::new();
    let payload = payload.to_vec();
    Frame {
        kind,
        flags,
        stream,
        payload,
    }
    .write(&mut bytes);
    bytes
}

fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    Encoder::new().encode(
        fields
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
    )
}

fn told(frames: &[Vec<u8>]) -> (Result<GrpcAnswer, Fault>, Vec<u8>) {
    let mut script = Script::new(
        [vec![frame(SETTINGS, 0, &[])], frames.to_vec()]
            .concat()
            .concat(),
    );
    let answer = listen(&mut script);
    (answer, script.told)
}

#[test]
fn padding_priority_and_continuation_are_undone() {
    let status = block(&[(":status", "200"), ("server", "test")]);
    let mut padded = vec![3, 0, 0, 0, 0, 200];
    padded.extend_from_slice(&status[..2]);
    padded.extend_from_slice(&[0; 3]);
    let (answer, _) = told(&[
        frame(HEADERS, PADDED | PRIORITY, &padded),
        frame(CONTINUATION, 0, &status[2..4]),
        frame(CONTINUATION, END_HEADERS, &status[4..]),
        frame(DATA, PADDED, b"\x02body\0\0"),
        frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            &block(&[("grpc-status", "7")]),
        ),
    ]);
    let expected = GrpcAnswer {
        http_status: Some(200),
        grpc_status: Some(7),
        server: Some("test".to_owned()),
        body_excerpt: "body".to_owned(),
        ..GrpcAnswer::default()
    };
    assert_eq!(answer, Ok(expected));
}

#[test]
fn settings_and_pings_are_answered() {
    let (answer, told) = told(&[
        frame(PING, 0, b"12345678"),
        frame(WINDOW_UPDATE, 0, &[0, 0, 1, 0]),
        frame(0xfa, 0, b"unknown"),
        frame(PING, ACK, b"87654321"),
        frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            &block(&[(":status", "204")]),
        ),
    ]);
    assert_eq!(answer.expect("an answer").http_status, Some(204));
    assert_eq!(
        told,
        [frame(SETTINGS, ACK, &[]), frame(PING, ACK, b"12345678")].concat()
    );
}

#[test]
fn every_end_is_told_apart() {
    let ok = frame(HEADERS, END_HEADERS, &block(&[(":status", "200")]));
    let goodbye = |last: u8, code: u8| frame(GOAWAY, 0, &[0, 0, 0, last, 0, 0, 0, code]);
    let end = |frames: &[Vec<u8>]| {
        told(frames)
            .0
            .map(|answer| (answer.http_status, answer.end))
    };

    assert_eq!(
        end(&[frame(RST_STREAM, 0, &[0, 0, 0, 13])]),
        Ok((None, GrpcEnd::Reset(13)))
    );
    assert_eq!(end(&[goodbye(0, 1)]), Ok((None, GrpcEnd::GoAway(1))));
    assert_eq!(end(&[goodbye(1, 0)]), Ok((None, GrpcEnd::GoAway(0))));
    let finished = frame(DATA, END_STREAM, b"");
    assert_eq!(
        end(&[goodbye(1, 0), ok.clone(), finished]),
        Ok((Some(200), GrpcEnd::Complete))
    );
    assert_eq!(
        end(&[ok.clone(), goodbye(1, 2)]),
        Ok((Some(200), GrpcEnd::GoAway(2)))
    );
    assert_eq!(end(&[ok]), Ok((Some(200), GrpcEnd::Cut)));
    assert_eq!(end(&[]), Err(Fault::Closed));
}

#[test]
fn an_interim_answer_is_not_the_answer() {
    let (answer, _) = told(&[
        frame(
            HEADERS,
            END_HEADERS,
            &block(&[(":status", "103"), ("server", "early")]),
        ),
        frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            &block(&[(":status", "200")]),
        ),
    ]);
    let answer = answer.expect("an answer");
    assert_eq!((answer.http_status, answer.server), (Some(200), None));
}

#[test]
fn what_is_kept_is_bounded_and_safe_to_show() {
    let long = "%1b[31m".repeat(1000);
    let (answer, _) = told(&[
        frame(
            HEADERS,
            END_HEADERS,
            &block(&[(":status", "200"), ("grpc-message", &long)]),
        ),
        frame(DATA, 0, &[b'\x07'; 16_000]),
        frame(DATA, END_STREAM, &[b'\x07'; 16_000]),
    ]);
    let answer = answer.expect("an answer");
    let message = answer.grpc_message.expect("a message");
    assert!(message.starts_with("\\u{1b}[31m") && message.len() < 1000);
    assert_eq!(answer.body_excerpt, "\\u{7}".repeat(200));
}

#[test]
fn an_endless_header_block_is_cut_off() {
    let mut frames = vec![frame(HEADERS, 0, &[])];
    frames.extend(std::iter::repeat_n(frame(CONTINUATION, 0, &[0; 16_000]), 4));
    assert_eq!(told(&frames).0, Err(Fault::TooMuch));
}

#[test]
fn contradictions_are_refused() {
    for frames in [
        vec![frame(HEADERS, PADDED | END_HEADERS, &[9, 0])],
        vec![frame(HEADERS, PRIORITY | END_HEADERS, &[0; 4])],
        vec![frame(CONTINUATION, END_HEADERS, &[])],
        vec![frame(HEADERS, 0, &[]), frame(DATA, 0, &[])],
        vec![frame(RST_STREAM, 0, &[1])],
        vec![frame(PUSH_PROMISE, END_HEADERS, &[0; 4])],
        vec![frame(HEADERS, END_HEADERS, &[0xff; 9])],
    ] {
        assert_eq!(told(&frames).0, Err(malformed()), "{frames:?}");
    }
}

#[test]
fn percent_signs_that_encode_nothing_stay() {
    assert_eq!(
        percent_decoded(b"100%, %zz, %4, %41%"),
        b"100%, %zz, %4, A%"
    );
}

proptest! {
    #[test]
    fn any_bytes_have_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let _ = listen(&mut Script::new(bytes));
    }

    #[test]
    fn any_frames_have_an_end(frames in proptest::collection::vec(
        (0u8..11, any::<u8>(), proptest::collection::vec(any::<u8>(), 0..60)), 0..20)
    ) {
        let frames: Vec<_> = frames.iter().map(|(kind, flags, body)| frame(*kind, *flags, body)).collect();
        let (answer, told) = told(&frames);
        if let Ok(answer) = answer {
            prop_assert!(answer.body_excerpt.len() <= 10 * EXCERPT);
        }
        // At most one reply for each frame, and none longer than it.
        let heard: usize = frames.iter().map(Vec::len).sum();
        prop_assert!(told.len() <= heard + 9);
    }
}
