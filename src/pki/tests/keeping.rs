use super::*;
use crate::certificate::{ChainFault, Enough, Flaw, NotKept, Validity, kept};

/// What may change about the world or the wish, and whether the certificate stays.
#[test]
#[expect(clippy::too_many_lines, reason = "one change after the other")]
fn a_certificate_stays_while_it_fits() {
    let (root, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let (_, stranger) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let wish = recipe(
        Purpose::Server,
        "nim.example.com",
        &["nim.example.com", "nim"],
    );
    let issued = issue_leaf(&wish, &authority, NOW).unwrap();
    let issuers: Vec<_> = authority.chain().iter().collect();
    let judge = |wish: &Recipe, now| {
        let key = issued.key.public_key_digest();
        kept(
            wish,
            &issuers,
            &issued.certificate,
            Some(&key),
            Enough::MoreThanAThird,
            now,
        )
    };
    assert_eq!(judge(&wish, NOW), Ok(()));
    let reordered = Recipe {
        names: wish.names.iter().rev().cloned().collect(),
        days: 30,
        ..wish.clone()
    };
    assert_eq!(
        judge(&reordered, NOW),
        Ok(()),
        "order and days are no reason"
    );

    let two_thirds = NOW + 365 * Validity::DAY * 2 / 3;
    assert_eq!(judge(&wish, two_thirds - 7200), Ok(()));
    assert_eq!(judge(&wish, two_thirds + 7200), Err(NotKept::Aging));
    let flaw = |result| match result {
        Err(NotKept::Chain(ChainFault { flaw, .. })) => flaw,
        other => panic!("{other:?}"),
    };
    assert_eq!(flaw(judge(&wish, NOW + 366 * Validity::DAY)), Flaw::Expired);
    assert_eq!(flaw(judge(&wish, NOW - 7200)), Flaw::NotYetValid);

    let more_names = recipe(
        Purpose::Server,
        "nim.example.com",
        &["nim.example.com", "10.0.0.5"],
    );
    assert!(matches!(
        judge(&more_names, NOW),
        Err(NotKept::Names { .. })
    ));
    let fewer_names = recipe(Purpose::Server, "nim.example.com", &["nim.example.com"]);
    assert!(matches!(
        judge(&fewer_names, NOW),
        Err(NotKept::Names { .. })
    ));
    let renamed = Recipe {
        subject: subject("other"),
        ..wish.clone()
    };
    assert!(matches!(judge(&renamed, NOW), Err(NotKept::Subject { .. })));
    let rsa = Recipe {
        key: KeyKind::Rsa2048,
        ..wish.clone()
    };
    assert!(matches!(judge(&rsa, NOW), Err(NotKept::KeyKind { .. })));
    let for_agent = Recipe {
        purpose: Purpose::Agent,
        ..wish.clone()
    };
    assert_eq!(
        judge(&for_agent, NOW),
        Err(NotKept::Purpose(Purpose::Agent))
    );

    let other_key = root.key().public_key_digest();
    assert_eq!(
        kept(
            &wish,
            &issuers,
            &issued.certificate,
            Some(&other_key),
            Enough::MoreThanAThird,
            NOW
        ),
        Err(NotKept::KeyMismatch)
    );
    assert_eq!(
        kept(
            &wish,
            &issuers,
            &issued.certificate,
            None,
            Enough::MoreThanAThird,
            NOW
        ),
        Ok(())
    );
    let strangers: Vec<_> = stranger.chain().iter().collect();
    assert_eq!(
        flaw(kept(
            &wish,
            &strangers,
            &issued.certificate,
            None,
            Enough::MoreThanAThird,
            NOW
        )),
        Flaw::SignedByAnother
    );
}

#[test]
fn authorities_stay_while_their_constraints_suffice() {
    let (root, authority) = authorities(KeyKind::EcdsaP256, &["nim.example.com"]);
    let permitting = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|text| name(text)).collect();
        Recipe {
            permitted: Some(Permitted::for_names(&names)),
            ..recipe(Purpose::Root, "Example Root", &[])
        }
    };
    let judge = |wish: &Recipe| {
        kept(
            wish,
            &[],
            root.certificate(),
            None,
            Enough::MoreThanAThird,
            NOW,
        )
    };
    assert_eq!(judge(&permitting(&["nim.example.com"])), Ok(()));
    assert_eq!(judge(&permitting(&["agent.example.com"])), Ok(()));
    let wider = permitting(&["nim.example.com", "10.0.0.5"]);
    assert_eq!(judge(&wider), Err(NotKept::Constraints));
    let unbounded = recipe(Purpose::Root, "Example Root", &[]);
    assert_eq!(judge(&unbounded), Err(NotKept::Constraints));

    let wish = recipe(Purpose::Intermediate, "Example Intermediate", &[]);
    let below = authority.certificate();
    assert_eq!(
        kept(
            &wish,
            &[root.certificate()],
            below,
            None,
            Enough::MoreThanAThird,
            NOW
        ),
        Ok(())
    );
    let (other_root, _) = authorities(KeyKind::EcdsaP256, &["nim.example.com"]);
    assert!(
        kept(
            &wish,
            &[other_root.certificate()],
            below,
            None,
            Enough::MoreThanAThird,
            NOW
        )
        .is_err()
    );
}

#[test]
fn a_certificate_survives_being_stored() {
    let (_, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let stored = serde_json::to_string(authority.chain()).unwrap();
    let read: Vec<crate::certificate::Certificate> = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, authority.chain());
    assert!(serde_json::from_str::<crate::certificate::Certificate>("\"x\"").is_err());
}
