use std::collections::BTreeSet;

use super::tools::{Folder, clock};
use super::*;
use crate::certificate::{ExtendedUse, Flaw, KeyUse, Standing, Validity};

#[test]
fn openssl_accepts_each_leaf_for_its_purpose_only() {
    for kind in [KeyKind::EcdsaP256, KeyKind::Rsa2048] {
        let (_, authority) = authorities(kind, &IN_PLAY);
        let server = Folder::with_chain(&authority, &server(&authority));
        for right in [
            "-purpose sslserver -verify_hostname nim.example.com",
            "-purpose sslserver -verify_hostname nim",
            "-purpose sslserver -verify_ip 10.0.0.5",
            "-purpose sslserver -verify_ip fd00::5",
        ] {
            let outcome = server.verify(right);
            assert!(outcome.success, "{right}: {}", outcome.text);
        }
        for (wrong, error) in [
            ("-purpose sslclient", "error 26"),
            (
                "-purpose sslserver -verify_hostname other.example.com",
                "error 62",
            ),
            ("-purpose sslserver -verify_ip 10.0.0.6", "error 64"),
        ] {
            let outcome = server.verify(wrong);
            assert!(
                !outcome.success && outcome.text.contains(error),
                "{wrong}: {}",
                outcome.text
            );
        }
        let agent = Folder::with_chain(&authority, &agent(&authority, "agent-1.example.com"));
        assert!(agent.verify("-purpose sslclient").success);
        let as_server = agent.verify("-purpose sslserver");
        assert!(as_server.text.contains("error 26"), "{}", as_server.text);
    }
}

/// `GnuTLS` judges by the clock of the machine, so these are issued by it too.
#[test]
fn gnutls_agrees() {
    let now = clock();
    for kind in [KeyKind::EcdsaP384, KeyKind::Rsa2048] {
        let (_, authority) = authorities_at(now, kind, &IN_PLAY);
        let wish = recipe(Purpose::Server, "nim.example.com", &IN_PLAY);
        let leaf = issue_leaf(&wish, &authority, now).unwrap();
        let folder = Folder::with_chain(&authority, &leaf);
        let verify = |options: &str| {
            folder.run(&format!(
                "certtool --verify --load-ca-certificate root.pem --infile gnutls.pem {options}"
            ))
        };
        for (options, trusted) in [
            ("--verify-hostname nim.example.com", true),
            ("--verify-hostname 10.0.0.5", true),
            ("--verify-purpose 1.3.6.1.5.5.7.3.1", true),
            ("--verify-purpose 1.3.6.1.5.5.7.3.2", false),
            ("--verify-hostname other.example.com", false),
        ] {
            let outcome = verify(options);
            assert_eq!(outcome.success, trusted, "{options}: {}", outcome.text);
        }
    }
}

#[test]
fn a_name_outside_the_constraints_is_refused_by_us() {
    let (_, authority) = authorities(KeyKind::EcdsaP256, &["nim.example.com", "10.0.0.5"]);
    for outside in ["nim.example.org", "nim"] {
        let recipe = recipe(Purpose::Server, "Somebody", &["nim.example.com", outside]);
        let refused = issue_leaf(&recipe, &authority, NOW).unwrap_err();
        let IssueError::Refused(fault) = refused else {
            panic!("{outside}: {refused}");
        };
        let name = outside.to_owned();
        assert_eq!(
            (fault.position, fault.flaw),
            (3, Flaw::NameNotPermitted { name })
        );
    }
}

#[test]
fn every_extension_is_as_the_design_asks() {
    let (root, authority) = authorities(KeyKind::Rsa2048, &IN_PLAY);
    let below = |limit| Standing::Authority { below: Some(limit) };
    assert_eq!(root.certificate().standing, below(1));
    assert_eq!(authority.certificate().standing, below(0));
    let signing = BTreeSet::from([KeyUse::CertificateSign, KeyUse::CrlSign]);
    assert_eq!(root.certificate().key_use.as_ref(), Some(&signing));
    assert_eq!(authority.certificate().key_use.as_ref(), Some(&signing));

    let rsa = Recipe {
        key: KeyKind::Rsa2048,
        ..recipe(Purpose::Server, "nim.example.com", &["nim.example.com"])
    };
    let rsa = issue_leaf(&rsa, &authority, NOW).unwrap().certificate;
    let ecdsa = server(&authority).certificate;
    let agent = agent(&authority, "a.example.com").certificate;
    assert_eq!(
        (rsa.key_kind.as_str(), ecdsa.key_kind.as_str()),
        ("rsa-2048", "ecdsa-p256")
    );
    let uses = |list: &[KeyUse]| Some(list.iter().copied().collect::<BTreeSet<_>>());
    assert_eq!(
        rsa.key_use,
        uses(&[KeyUse::DigitalSignature, KeyUse::KeyEncipherment])
    );
    assert_eq!(ecdsa.key_use, uses(&[KeyUse::DigitalSignature]));
    assert_eq!(agent.key_use, uses(&[KeyUse::DigitalSignature]));
    assert_eq!(
        ecdsa.extended_use,
        Some(BTreeSet::from([ExtendedUse::Server]))
    );
    assert_eq!(
        agent.extended_use,
        Some(BTreeSet::from([ExtendedUse::Client]))
    );
    for leaf in [&rsa, &ecdsa, &agent] {
        assert_eq!(leaf.standing, Standing::Leaf);
        assert_eq!(
            leaf.authority_key_id,
            authority.certificate().subject_key_id
        );
        assert!(leaf.subject_key_id.is_some() && leaf.authority_key_id.is_some());
        assert!(!leaf.weak_key && !leaf.weak_signature && leaf.unjudged.is_empty());
    }
}

#[test]
fn openssl_reads_the_criticality_and_the_constraints() {
    let (_, authority) = authorities(KeyKind::EcdsaP256, &["nim.example.com", "10.0.0.5"]);
    let folder = Folder::with_chain(&authority, &server_of(&authority));
    let text = folder.must("openssl x509 -in root.pem -noout -text");
    for line in [
        "X509v3 Basic Constraints: critical",
        "CA:TRUE, pathlen:1",
        "X509v3 Key Usage: critical",
        "Certificate Sign, CRL Sign",
        "X509v3 Name Constraints: critical",
        "DNS:example.com",
        "X509v3 Subject Key Identifier",
        "X509v3 Authority Key Identifier",
    ] {
        assert!(text.contains(line), "{line} is missing from\n{text}");
    }
    let leaf = folder.must("openssl x509 -in leaf.pem -noout -text");
    assert!(leaf.contains("X509v3 Basic Constraints: critical\n                CA:FALSE"));
}

fn server_of(authority: &Authority) -> Issued {
    let recipe = recipe(Purpose::Server, "nim.example.com", &["nim.example.com"]);
    issue_leaf(&recipe, authority, NOW).unwrap()
}

#[test]
fn the_subject_is_the_one_that_nginx_compares() {
    let (_, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let leaf = server(&authority);
    let folder = Folder::with_chain(&authority, &leaf);
    let printed = folder.must("openssl x509 -in leaf.pem -noout -subject -nameopt RFC2253");
    assert_eq!(
        printed.trim(),
        format!("subject={}", leaf.certificate.subject_rfc2253)
    );
    assert_eq!(
        leaf.certificate.subject_rfc2253,
        subject("nim.example.com").rfc2253()
    );
    assert_eq!(
        leaf.certificate.subject,
        subject("nim.example.com").to_string()
    );
    let serial = folder.must("openssl x509 -in leaf.pem -noout -serial");
    let ours = leaf.certificate.serial.trim_start_matches("00");
    assert_eq!(serial.trim(), format!("serial={ours}"));
    assert_eq!(
        printed.contains("K\\C3\\B6ln"),
        leaf.certificate.subject.contains("Köln")
    );
}

#[test]
fn nothing_outlives_its_issuer() {
    let (root, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let long = Recipe {
        days: 10_000,
        ..recipe(Purpose::Agent, "a.example.com", &["a.example.com"])
    };
    let clamped = issue_leaf(&long, &authority, NOW).unwrap();
    assert!(clamped.clamped);
    assert_eq!(
        clamped.certificate.validity.not_after,
        authority.certificate().validity.not_after
    );
    let normal = agent(&authority, "a.example.com");
    assert!(!normal.clamped);
    assert_eq!(normal.certificate.validity, Validity::days_from(NOW, 365));
    let late = root.certificate().validity.not_after + 1;
    let intermediate = recipe(Purpose::Intermediate, "Late", &[]);
    assert!(matches!(
        issue_intermediate(&intermediate, &root, late),
        Err(IssueError::AuthorityNotValid(_))
    ));
}

#[test]
fn dates_after_2049_are_read_back() {
    let old = Recipe {
        days: 40 * 365,
        permitted: Some(Permitted::default()),
        ..recipe(Purpose::Root, "Example Root", &[])
    };
    let root = issue_root(&old, NOW).unwrap().certificate;
    assert_eq!(root.validity, Validity::days_from(NOW, 40 * 365));
}

#[test]
fn serials_are_random_positive_and_short_enough() {
    let (_, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let serials: BTreeSet<String> = (0..200)
        .map(|_| agent(&authority, "a.example.com").certificate.serial)
        .collect();
    assert_eq!(serials.len(), 200);
    for serial in &serials {
        assert!(serial.len() <= 34 && serial.len() > 20, "{serial}");
        let first = u8::from_str_radix(&serial[..2], 16).unwrap();
        assert!(first < 0x80, "{serial} is negative");
    }
}

#[test]
fn a_throw_away_client_can_be_expired() {
    let (_, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let recipe = recipe(Purpose::Agent, "proof", &["proof.example.com"]);
    let past = Validity {
        not_before: NOW - 7200,
        not_after: NOW - 3600,
    };
    let expired = issue_leaf_between(&recipe, &authority, past).unwrap();
    let outcome = Folder::with_chain(&authority, &expired).verify("-purpose sslclient");
    assert!(outcome.text.contains("error 10"), "{}", outcome.text);
}

#[test]
fn recipes_are_for_their_place() {
    let (root, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let leaf = recipe(Purpose::Agent, "a", &["a.example.com"]);
    let wrong = |result: Result<Issued, IssueError>| {
        assert!(matches!(result, Err(IssueError::WrongPurpose { .. })));
    };
    wrong(issue_root(&leaf, NOW));
    wrong(issue_intermediate(&leaf, &root, NOW));
    wrong(issue_leaf(
        &recipe(Purpose::Root, "r", &[]),
        &authority,
        NOW,
    ));
    let below = recipe(Purpose::Intermediate, "Second", &[]);
    let refused = issue_intermediate(&below, &authority, NOW);
    assert!(matches!(refused, Err(IssueError::NoRoom(_))));
}

#[test]
fn an_authority_opens_only_with_its_own_key() {
    let (root, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let stored = authority.key().to_pem().unwrap();
    let key = || SecretKey::from_pem(stored.as_bytes(), None).unwrap();
    let reopened = Authority::open(authority.chain().to_vec(), key()).unwrap();
    agent(&reopened, "a.example.com");
    assert!(matches!(
        Authority::open(root.chain().to_vec(), key()),
        Err(IssueError::NotItsKey)
    ));
    assert!(matches!(
        Authority::open(Vec::new(), key()),
        Err(IssueError::NoAuthority)
    ));
}

#[test]
fn openssl_reads_a_signing_request() {
    let key = SecretKey::generate(KeyKind::EcdsaP256).unwrap();
    let recipe = recipe(Purpose::Server, "nim.example.com", &["nim.example.com"]);
    let folder = Folder::new();
    folder.write("request.pem", request(&recipe, &key).unwrap());
    let text = folder.must("openssl req -in request.pem -noout -verify -text");
    assert!(text.contains("DNS:nim.example.com"), "{text}");
    assert!(text.contains("TLS Web Server Authentication"), "{text}");
}
