//! Requests that are written here are known again.

use crate::certificate::{KeyKind, NameParts, Purpose, Recipe, SigningRequest};
use crate::pki::{SecretKey, request};

fn recipe() -> Recipe {
    let parts = NameParts {
        organization: Some("Example, Inc. \"x\"".to_owned()),
        common_name: "nim.example.com".to_owned(),
        ..NameParts::default()
    };
    Recipe {
        purpose: Purpose::Server,
        subject: parts.try_into().unwrap(),
        names: ["nim.example.com", "10.0.0.5", "2001:db8::1"]
            .map(|name| name.parse().unwrap())
            .to_vec(),
        key: KeyKind::EcdsaP256,
        days: 90,
        permitted: None,
    }
}

#[test]
fn what_was_asked_for_is_known_again_and_anything_else_is_not() {
    let key = SecretKey::generate(KeyKind::EcdsaP256).unwrap();
    let text = request(&recipe(), &key).unwrap();
    let found = SigningRequest::from_pem(text.as_bytes()).unwrap();
    assert_eq!(found.public_key, key.public_key_digest());
    assert!(found.asks_for(&recipe()));
    let others = [
        Recipe {
            key: KeyKind::EcdsaP384,
            ..recipe()
        },
        Recipe {
            names: recipe().names[..2].to_vec(),
            ..recipe()
        },
        Recipe {
            subject: NameParts {
                common_name: "nim.example.com".to_owned(),
                ..NameParts::default()
            }
            .try_into()
            .unwrap(),
            ..recipe()
        },
    ];
    for other in others {
        assert!(!found.asks_for(&other), "{other:?}");
    }
}

#[test]
fn what_is_no_request_is_none() {
    let key = SecretKey::generate(KeyKind::EcdsaP256).unwrap();
    let text = request(&recipe(), &key).unwrap();
    let body = text.replace("CERTIFICATE REQUEST", "CERTIFICATE");
    let cut = &text[..text.len() / 2];
    for other in [
        "",
        "signed, see attachment",
        body.as_str(),
        cut,
        &text.repeat(2),
    ] {
        assert_eq!(SigningRequest::from_pem(other.as_bytes()), None, "{other}");
    }
}
