#![expect(clippy::expect_used, reason = "a test ends where it fails")]

use std::io::Cursor;

use proptest::prelude::*;

use super::super::lab::{Nginx, OpenSsl, Tcp, free_port, target};
use super::super::names::suite_name;
use super::*;

fn make(offer: Offer, port: u16, sni: &str) -> HelloOutcome {
    offer.make(&Tcp, &target(port, sni)).expect("an answer")
}

fn alert(code: u8) -> HelloOutcome {
    HelloOutcome::Alert {
        level: AlertLevel::Fatal,
        alert: Alert(code),
    }
}

/// The choice, which must be one of what was offered.
fn accepted(offer: Offer, outcome: &HelloOutcome) -> Version {
    let HelloOutcome::Accepted { version, suite } = outcome else {
        panic!("{offer:?}: {outcome:?}");
    };
    let offered: Vec<_> = offer
        .suites()
        .iter()
        .map(|suite| suite_name(*suite))
        .collect();
    assert!(
        offered.contains(suite),
        "{suite} was not offered by {offer:?}"
    );
    *version
}

/// Without this, "refused" could just mean that no server understands our hello.
#[test]
fn a_server_that_allows_everything_accepts_each_offer() {
    let lax = "ALL:@SECLEVEL=0";
    for (offer, version, option) in [
        (Offer::Tls10, Version::Tls10, "-tls1"),
        (Offer::Tls11, Version::Tls11, "-tls1_1"),
        (Offer::Tls12Cbc, Version::Tls12, "-tls1_2"),
        (Offer::Tls12StaticRsa, Version::Tls12, "-tls1_2"),
        (Offer::Tls12Good, Version::Tls12, "-tls1_2"),
        (Offer::Tls13, Version::Tls13, "-tls1_3"),
    ] {
        let server = OpenSsl::start(&[option, "-cipher", lax]);
        let outcome = make(offer, server.port, "nim.example.com");
        assert_eq!(accepted(offer, &outcome), version);
    }
}

#[test]
fn each_weak_suite_is_accepted_by_a_server_that_has_only_that() {
    for (offer, cipher, name) in [
        (
            Offer::Tls12Cbc,
            "ECDHE-RSA-AES128-SHA",
            "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        ),
        (
            Offer::Tls12Cbc,
            "AES256-SHA256",
            "TLS_RSA_WITH_AES_256_CBC_SHA256",
        ),
        (
            Offer::Tls12StaticRsa,
            "AES128-GCM-SHA256",
            "TLS_RSA_WITH_AES_128_GCM_SHA256",
        ),
        (
            Offer::Tls12StaticRsa,
            "AES128-SHA",
            "TLS_RSA_WITH_AES_128_CBC_SHA",
        ),
    ] {
        let server = OpenSsl::start(&["-tls1_2", "-cipher", cipher]);
        let outcome = make(offer, server.port, "nim.example.com");
        let expected = HelloOutcome::Accepted {
            version: Version::Tls12,
            suite: name.to_owned(),
        };
        assert_eq!(outcome, expected);
        assert_eq!(make(Offer::Tls12Good, server.port, ""), alert(40));
    }
}

#[test]
fn a_modern_server_refuses_what_is_old_or_weak() {
    let modern = "ECDHE+AESGCM:ECDHE+CHACHA20";
    let server = OpenSsl::start(&["-no_tls1", "-no_tls1_1", "-cipher", modern]);
    for (offer, code) in [
        (Offer::Tls10, 70),
        (Offer::Tls11, 70),
        (Offer::Tls12Cbc, 40),
        (Offer::Tls12StaticRsa, 40),
    ] {
        assert_eq!(
            make(offer, server.port, "nim.example.com"),
            alert(code),
            "{offer:?}"
        );
    }
    for (offer, version) in [
        (Offer::Tls12Good, Version::Tls12),
        (Offer::Tls13, Version::Tls13),
    ] {
        assert_eq!(accepted(offer, &make(offer, server.port, "")), version);
    }
}

/// TLS 1.1 is enabled here, but needs SHA-1, which OpenSSL's security level forbids.
#[test]
fn an_old_version_that_is_enabled_in_vain_is_refused() {
    let server = OpenSsl::start(&["-tls1_1", "-cipher", "ALL:@SECLEVEL=2"]);
    for offer in [Offer::Tls10, Offer::Tls11] {
        let outcome = make(offer, server.port, "");
        assert!(matches!(outcome, HelloOutcome::Alert { .. }), "{outcome:?}");
    }
}

#[test]
fn a_retry_request_counts_as_accepted() {
    let server = OpenSsl::start(&["-tls1_3", "-groups", "P-256"]);
    let outcome = make(Offer::Tls13, server.port, "nim.example.com");
    assert_eq!(accepted(Offer::Tls13, &outcome), Version::Tls13);
}

#[test]
fn nginx_answers_by_the_name_in_the_hello() {
    let nginx = Nginx::start();
    for name in [
        "ui.example.com",
        "agents.example.com",
        "strict.example.com",
        "",
    ] {
        assert_eq!(make(Offer::Tls11, nginx.tls, name), alert(70), "{name}");
        assert_eq!(
            make(Offer::Tls12StaticRsa, nginx.tls, name),
            alert(40),
            "{name}"
        );
        let outcome = make(Offer::Tls13, nginx.tls, name);
        assert_eq!(accepted(Offer::Tls13, &outcome), Version::Tls13);
    }
    assert_eq!(
        make(Offer::Tls13, nginx.tls, "nobody.example.com"),
        alert(112)
    );
}

#[test]
fn a_plaintext_port_and_a_closed_one_are_told_apart() {
    let nginx = Nginx::start();
    let HelloOutcome::Other(found) = make(Offer::Tls13, nginx.plain, "") else {
        panic!("nginx took a hello for HTTP");
    };
    assert!(found.contains("400 Bad Request"), "{found}");
    let nobody = Offer::Tls13.make(&Tcp, &target(free_port(), ""));
    assert_eq!(
        nobody,
        Err(Fault::Unreachable(std::io::ErrorKind::ConnectionRefused))
    );
}

#[test]
fn a_warning_is_not_yet_a_refusal() {
    let warning = [21, 3, 3, 0, 2, 1, 112];
    let read = |bytes: &[u8]| answer::read(&mut Cursor::new(bytes)).expect("an answer");
    assert_eq!(
        read(&warning),
        HelloOutcome::Alert {
            level: AlertLevel::Warning,
            alert: Alert(112)
        }
    );
    let then_fatal = [&warning[..], &[21, 3, 3, 0, 2, 2, 40]].concat();
    assert_eq!(read(&then_fatal), alert(40));
    assert_eq!(read(&[]), HelloOutcome::Closed);
    assert_eq!(read(&[21, 3, 3, 0, 2, 1, 0]), HelloOutcome::Closed);
}

/// A `ServerHello` of TLS 1.2 that chooses `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`.
fn server_hello() -> Vec<u8> {
    [&[2, 0, 0, 38, 3, 3][..], &[7; 32], &[0, 0xc0, 0x2f, 0]].concat()
}

#[test]
fn a_choice_that_cannot_be_carried_out_is_no_acceptance() {
    let mut bytes = vec![22, 3, 3, 0, 42];
    bytes.extend_from_slice(&server_hello());
    let cut = answer::read(&mut Cursor::new(&bytes));
    assert_eq!(cut, Ok(HelloOutcome::Closed));
    bytes.extend_from_slice(&[21, 3, 3, 0, 2, 2, 40]);
    assert_eq!(answer::read(&mut Cursor::new(&bytes)), Ok(alert(40)));
}

/// Records of one byte each must not be taken for messages.
#[test]
fn a_message_may_come_in_pieces() {
    let flight = [server_hello(), vec![14, 0, 0, 0]].concat();
    let records: Vec<u8> = flight
        .iter()
        .flat_map(|byte| [22, 3, 3, 0, 1, *byte])
        .collect();
    let outcome = answer::read(&mut Cursor::new(records)).expect("an answer");
    assert_eq!(accepted(Offer::Tls12Good, &outcome), Version::Tls12);
}

proptest! {
    #[test]
    fn any_bytes_have_an_outcome(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = answer::read(&mut Cursor::new(&bytes));
        let mut record = vec![22, 3, 3];
        record.extend_from_slice(&u16::try_from(bytes.len()).expect("short").to_be_bytes());
        record.extend_from_slice(&bytes);
        let outcome = answer::read(&mut Cursor::new(record));
        prop_assert!(outcome.is_ok());
    }

    #[test]
    fn any_server_hello_has_an_outcome(body in proptest::collection::vec(any::<u8>(), 0..120)) {
        let length = u8::try_from(body.len()).expect("short");
        let mut record = vec![22, 3, 3, 0, length + 4, 2, 0, 0, length];
        record.extend_from_slice(&body);
        prop_assert!(answer::read(&mut Cursor::new(record)).is_ok());
    }
}
