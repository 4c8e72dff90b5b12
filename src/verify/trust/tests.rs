use rustls::crypto::aws_lc_rs::default_provider;

use super::super::lab::{Authority, CLIENT, Leaf, SERVER, now};
use super::*;

const DAY: i64 = 86_400;

fn judged(trust: &Trust, chain: &[CertificateDer<'static>]) -> Judgement {
    judge(trust, chain, &Arc::new(default_provider()))
}

fn at(authority: &Authority, name: &str, days: i64) -> Trust {
    let Trust::Only { roots, name, .. } = authority.trust(name) else {
        unreachable!("trust in a root names it");
    };
    let now = now() + days * DAY;
    Trust::Only { roots, name, now }
}

#[test]
fn a_good_chain_is_trusted_for_its_names_only() {
    let authority = Authority::new("Our");
    let leaf = authority.issue(&Leaf::of(&["nim.example.com", "10.0.0.5"], SERVER));
    for name in ["nim.example.com", "10.0.0.5"] {
        assert_eq!(
            judged(&authority.trust(name), &leaf.chain),
            Judgement::Trusted
        );
    }
    for name in ["other.example.com", "10.0.0.6", "example.com"] {
        let reason = Distrust::WrongName {
            expected: name.to_owned(),
            presented: vec!["nim.example.com".to_owned(), "10.0.0.5".to_owned()],
        };
        let judgement = judged(&authority.trust(name), &leaf.chain);
        assert_eq!(judgement, Judgement::Distrusted(reason));
    }
    assert_eq!(judged(&Trust::RecordOnly, &[]), Judgement::NotJudged);
}

#[test]
fn each_flaw_has_its_reason() {
    let authority = Authority::new("Our");
    let leaf = authority.issue(&Leaf::of(&["nim.example.com"], SERVER));
    let trust = authority.trust("nim.example.com");
    let reason = |trust: &Trust, chain: &[CertificateDer<'static>]| match judged(trust, chain) {
        Judgement::Distrusted(reason) => reason,
        other => panic!("{other:?}"),
    };

    assert_eq!(reason(&trust, &[]), Distrust::NoCertificate);
    assert_eq!(
        reason(&trust, &leaf.chain[..1]),
        Distrust::UnknownIssuer {
            sent: 1,
            issuer: "\"CN=Our intermediate\"".to_owned()
        }
    );
    let stranger = Authority::new("Foreign").trust("nim.example.com");
    assert_eq!(
        reason(&stranger, &leaf.chain),
        Distrust::UnknownIssuer {
            sent: 2,
            issuer: "\"CN=Our root\"".to_owned()
        }
    );
    assert!(matches!(
        reason(&at(&authority, "nim.example.com", 40), &leaf.chain),
        Distrust::Expired(_)
    ));
    assert!(matches!(
        reason(&at(&authority, "nim.example.com", -10), &leaf.chain),
        Distrust::NotYetValid(_)
    ));
    let agent = authority.issue(&Leaf::of(&["nim.example.com"], CLIENT));
    assert_eq!(reason(&trust, &agent.chain), Distrust::WrongPurpose);
    let nameless = authority.issue(&Leaf::of(&[], SERVER));
    assert_eq!(reason(&trust, &nameless.chain), Distrust::NoName);

    // The same names and numbers, signed by a key that is not the issuer's.
    let other = Authority::new("Our").issue(&Leaf::of(&["nim.example.com"], SERVER));
    let forged = [other.chain[0].clone(), leaf.chain[1].clone()];
    assert_eq!(reason(&trust, &forged), Distrust::BadSignature);
    let garbage = [CertificateDer::from(vec![0x30, 3, 2, 1, 5])];
    assert!(matches!(reason(&trust, &garbage), Distrust::Other(_)));
}

#[test]
fn a_root_that_is_none_is_said_to_be_unusable() {
    let authority = Authority::new("Our");
    let leaf = authority.issue(&Leaf::of(&["nim.example.com"], SERVER));
    for roots in [
        vec![],
        vec![CertificateDer::from(b"no certificate".to_vec())],
    ] {
        let trust = Trust::Only {
            roots,
            name: SubjectName::Ip([10, 0, 0, 5].into()),
            now: now(),
        };
        assert!(matches!(
            judged(&trust, &leaf.chain),
            Judgement::Distrusted(Distrust::RootUnusable(_))
        ));
    }
}

#[test]
fn reasons_read_well() {
    let name = |n: u8| format!("a{n}.example.com");
    let reason = Distrust::WrongName {
        expected: "nim.example.com".to_owned(),
        presented: (1..=7).map(name).collect(),
    };
    assert_eq!(
        reason.to_string(),
        "the certificate is not for nim.example.com, only for a1.example.com, a2.example.com, \
         a3.example.com, a4.example.com, a5.example.com and 2 more"
    );
    assert_eq!(
        Distrust::Expired(Ago(3 * DAY)).to_string(),
        "the certificate, or one above it, expired 3 days ago"
    );
    assert_eq!(
        Distrust::NotYetValid(Ago(-600)).to_string(),
        "the certificate, or one above it, is not valid yet: it begins in 10 minutes"
    );
}
