#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use zeroize::Zeroizing;

use super::super::lab::{machine, plan};
use super::*;
use crate::certificate::{Purpose, chain_holds};
use crate::host::Entry;
use crate::values::Attributes;

fn issuing() -> Issuing {
    plan().issuing().unwrap().clone()
}

fn with_key(keep: KeepKey) -> Issuing {
    let mut issuing = issuing();
    if let plan::Authority::New { key, .. } = &mut issuing.authority {
        *key = keep;
    }
    issuing
}

#[test]
fn files_hold_what_their_readers_need() {
    let made = make(&machine(), &issuing(), None).unwrap();
    let chain = |piece| read_pem_chain(made.purse.get(&piece).unwrap()).unwrap();
    let root = chain(Piece::RootCertificate);
    let server = chain(Piece::ServerChain);
    assert_eq!(
        (root.len(), server.len()),
        (1, 2),
        "leaf and intermediate, not the root"
    );
    assert_eq!(chain(Piece::ClientBundle).len(), 2, "intermediate and root");
    let refs: Vec<&Certificate> = server.iter().chain(&root).collect();
    chain_holds(&refs, &root[0], Purpose::Server).unwrap();
    let key = made.purse.get(&Piece::ServerKey).unwrap();
    let key = SecretKey::from_pem(key, None).unwrap();
    assert_eq!(key.public_key_digest(), server[0].public_key);
}

#[test]
fn what_becomes_of_the_authority_is_as_asked() {
    let passphrase = Passphrase::new(Zeroizing::new("correct horse".to_owned())).unwrap();
    let made = make(&machine(), &with_key(KeepKey::Discard), None).unwrap();
    assert_eq!(made.purse.get(&Piece::RootKey), None);
    assert_eq!(made.purse.get(&Piece::IntermediateKey), None);

    let encrypted = with_key(KeepKey::Encrypted);
    let error = make(&machine(), &encrypted, None).unwrap_err();
    assert!(matches!(error, MakeError::NoPassphrase));
    let made = make(&machine(), &encrypted, Some(&passphrase)).unwrap();
    let key = made.purse.get(&Piece::IntermediateKey).unwrap();
    assert!(key.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert!(SecretKey::from_pem(key, None).is_err());
}

#[test]
fn a_kept_authority_signs_again() {
    let passphrase = Passphrase::new(Zeroizing::new("correct horse".to_owned())).unwrap();
    let machine = machine();
    let first = make(&machine, &with_key(KeepKey::Encrypted), Some(&passphrase)).unwrap();
    for (name, piece) in [
        (ROOT_CERTIFICATE, Piece::RootCertificate),
        (INTERMEDIATE_CERTIFICATE, Piece::IntermediateCertificate),
        (INTERMEDIATE_KEY, Piece::IntermediateKey),
    ] {
        let bytes = first.purse.get(&piece).unwrap();
        let path = issuing().folder.as_path().join(name);
        machine.put(path, Entry::file(bytes, Attributes::root(0o600)));
    }
    let authority = plan::Authority::Existing { encrypted: true };
    let existing = Issuing {
        authority,
        ..issuing()
    };
    assert!(
        make(&machine, &existing, None).is_err(),
        "without the passphrase"
    );
    let second = make(&machine, &existing, Some(&passphrase)).unwrap();
    let root = |made: &Made| made.purse.get(&Piece::RootCertificate).unwrap().to_vec();
    assert_eq!(root(&first), root(&second));
    assert_eq!(
        second.purse.get(&Piece::RootKey),
        None,
        "it stays where it is"
    );
}

#[test]
fn no_key_shows_in_debug_output() {
    let made = make(&machine(), &issuing(), None).unwrap();
    let text = format!("{made:?}");
    assert!(
        text.contains("ServerKey") && !text.contains("PRIVATE KEY"),
        "{text}"
    );
}
