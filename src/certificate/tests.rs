#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;
use crate::values::SubjectName;

fn name(text: &str) -> SubjectName {
    text.parse().unwrap()
}

fn parts(common_name: &str) -> NameParts {
    NameParts {
        common_name: common_name.to_owned(),
        ..NameParts::default()
    }
}

#[test]
fn a_subject_is_written_last_part_first_and_escaped() {
    let subject: DistinguishedName = NameParts {
        country: Some("US".to_owned()),
        state: Some("#1, \"here\"".to_owned()),
        locality: Some("Köln".to_owned()),
        organization: Some("a+b;c<d>e\\f".to_owned()),
        common_name: "nim.example.com".to_owned(),
    }
    .try_into()
    .unwrap();
    assert_eq!(
        subject.to_string(),
        r#"CN=nim.example.com,O=a\+b\;c\<d\>e\\f,L=Köln,ST=\#1\, \"here\",C=US"#
    );
    assert_eq!(
        subject.rfc2253(),
        r#"CN=nim.example.com,O=a\+b\;c\<d\>e\\f,L=K\C3\B6ln,ST=\#1\, \"here\",C=US"#
    );
}

#[test]
fn a_subject_that_cannot_be_issued_is_refused_by_field() {
    let field = |parts: NameParts| DistinguishedName::try_from(parts).unwrap_err().field;
    for bad in [
        "",
        "  ",
        " a",
        "a\n",
        "a\u{202e}b",
        "a\u{1b}[2J",
        "x".repeat(65).as_str(),
    ] {
        assert_eq!(field(parts(bad)), "common_name", "{bad:?}");
    }
    for bad in ["USA", "us", "U1", "Ü"] {
        let country = Some(bad.to_owned());
        assert_eq!(
            field(NameParts {
                country,
                ..parts("a")
            }),
            "country"
        );
    }
    let organization = Some("\0".to_owned());
    assert_eq!(
        field(NameParts {
            organization,
            ..parts("a")
        }),
        "organization"
    );
    assert!(DistinguishedName::try_from(parts(&"ü".repeat(64))).is_ok());
}

#[test]
fn a_stored_recipe_is_checked_when_it_is_read() {
    let recipe = Recipe {
        purpose: Purpose::Agent,
        subject: parts("agent-1").try_into().unwrap(),
        names: vec![name("agent-1.example.com"), name("10.0.0.5")],
        key: KeyKind::Rsa3072,
        days: 365,
        permitted: Some(Permitted::for_names(&[name("a.b.c"), name("::1")])),
    };
    let stored = serde_json::to_string(&recipe).unwrap();
    assert_eq!(serde_json::from_str::<Recipe>(&stored).unwrap(), recipe);
    for (from, to) in [
        ("agent-1\"}", "agent-1\\n\"}"),
        ("rsa-3072", "rsa-1024"),
        ("days", "Days"),
    ] {
        let broken = stored.replacen(from, to, 1);
        assert_ne!(broken, stored);
        assert!(serde_json::from_str::<Recipe>(&broken).is_err(), "{to}");
    }
}

#[test]
fn kinds_of_keys_are_the_words_of_the_answers_file() {
    for kind in KeyKind::ALL {
        assert_eq!(kind.to_string().parse::<KeyKind>().unwrap(), kind);
    }
    assert_eq!(KeyKind::default().to_string(), "ecdsa-p256");
    let refusal = "rsa-1024".parse::<KeyKind>().unwrap_err();
    assert!(refusal.0.contains("rsa-2048"), "{refusal}");
}

#[test]
fn a_fleet_does_not_expire_in_one_night() {
    let days = |number: u32| spread_days(365, &format!("agent-{number}.example.com"));
    let drawn: std::collections::BTreeSet<u32> = (0..500).map(days).collect();
    assert!(drawn.iter().all(|days| (329..=365).contains(days)));
    assert!(drawn.len() > 30, "only {} different lifetimes", drawn.len());
    assert_eq!(days(7), days(7));
    assert_eq!(spread_days(1, "a"), 1);
    assert_eq!(spread_days(0, "a"), 0);
}

#[test]
fn validity_is_clamped_and_ages() {
    let day = Validity::DAY;
    let issuer = Validity::days_from(1_000_000, 10);
    let leaf = Validity::days_from(1_000_000 + 5 * day, 90).within(issuer);
    assert_eq!(leaf.not_after, issuer.not_after);
    assert_eq!(leaf.not_before, 1_000_000 + 5 * day - Validity::BACKDATED);
    let thirds = Validity {
        not_before: 0,
        not_after: 300,
    };
    assert!(thirds.more_than_a_third_left(199));
    assert!(!thirds.more_than_a_third_left(200));
    assert!(!thirds.more_than_a_third_left(400));
    assert!(thirds.contains(0) && thirds.contains(300));
    assert!(!thirds.contains(-1) && !thirds.contains(301));
}

#[test]
fn permission_is_for_zones() {
    let permitted = Permitted::for_names(&[
        name("nim.example.com"),
        name("nim"),
        name("10.0.0.5"),
        name("b.nim.local"),
    ]);
    let table = [
        ("nim.example.com", true),
        ("example.com", true),
        ("a.b.example.com", true),
        ("badexample.com", false),
        ("example.com.evil.org", false),
        ("com", false),
        ("nim", true),
        ("other", false),
        ("x.nim.local", true),
        ("x.local", false),
        ("10.0.0.5", true),
        // Addresses are free once one is in play.
        ("10.0.0.6", true),
        ("::1", true),
    ];
    for (text, allowed) in table {
        assert_eq!(permitted.allows(&name(text)), allowed, "{text}");
        let as_written = permitted.constraints().allows(&name(text));
        assert_eq!(as_written, allowed, "{text} by the constraints");
    }
}

#[test]
fn what_is_not_in_play_is_excluded() {
    let all = ["a.b", "10.0.0.1", "::1"];
    for only in all {
        let constraints = Permitted::for_names(&[name(only)]).constraints();
        for other in all {
            let same_kind = (only == "a.b") == (other == "a.b");
            assert_eq!(
                constraints.allows(&name(other)),
                same_kind,
                "{only} {other}"
            );
        }
    }
    let nothing = Permitted::default().constraints();
    assert!(all.iter().all(|text| !nothing.allows(&name(text))));
    assert_eq!(
        nothing.to_string(),
        "permitted: ; excluded: every DNS name, 0.0.0.0/0, ::/0"
    );
}

#[test]
fn constraints_serve_what_is_within_them() {
    let of = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|text| name(text)).collect();
        Permitted::for_names(&names)
    };
    let wide = of(&["a.example.com", "10.0.0.1"]).constraints();
    assert!(wide.serves(&of(&["b.example.com"])));
    assert!(!wide.serves(&of(&["b.example.org"])));
    assert!(wide.serves(&of(&["a.example.com", "10.0.0.2"])));
    let narrow = of(&["a.example.com"]).constraints();
    assert!(!narrow.serves(&of(&["a.example.com", "10.0.0.2"])));
    let without_names = NameConstraints {
        permitted: Vec::new(),
        excluded: Vec::new(),
    };
    assert!(!without_names.serves(&of(&["a.example.com"])));
}

#[test]
fn a_file_without_certificates_says_what_it_is() {
    let found = |bytes: &[u8]| read_pem_chain(bytes).unwrap_err().to_string();
    assert!(found(b"").contains("empty"));
    assert!(found(b" \n").contains("empty"));
    assert!(found(b"hello").contains("not PEM"));
    assert!(found(&[0x30, 0x82, 1, 2, 3]).contains("DER"));
    let block = |label| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    assert!(found(block("EC PRIVATE KEY").as_bytes()).contains("a private key"));
    assert!(found(block("CERTIFICATE REQUEST").as_bytes()).contains("signing request"));
    assert!(found(block("CERTIFICATE").as_bytes()).contains("certificate 1"));
    assert!(found(b"-----BEGIN CERTIFICATE-----\nAAAA\n").contains("cut short"));
    assert!(found(&vec![b'-'; LARGEST_PEM + 1]).contains("1 MiB"));
}

proptest! {
    #[test]
    fn no_input_makes_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(Certificate::from_der(&bytes).is_err());
        let armoured = pem::encode(&pem::Pem::new("CERTIFICATE", bytes.clone()));
        prop_assert!(read_pem_chain(armoured.as_bytes()).is_err());
        prop_assert!(read_pem_chain(&bytes).is_err());
    }
}
