//! PEM, certificates and keys with random changes, and PEM cut at each byte.
//!
//! Red where `pem_blocks` passes over a block that does not end, where `link` no longer looks at
//! the signature, where a name is not escaped, or where bytes may follow a key.
//!
//! The keys are new each time, so a seed does not give the same inputs again; what is printed does.

use std::time::Duration;

use super::*;
use crate::certificate::{
    Certificate, chain_holds, pem_blocks, pem_chain, read_pem_chain, valid_for, what_is,
};
use crate::tests::fuzz::{Fuzz, cuts};
use crate::values::is_hidden;

const WORDS: &[&str] = &[
    "-----BEGIN CERTIFICATE-----\n",
    "-----END CERTIFICATE-----\n",
    "-----BEGIN TRUSTED CERTIFICATE-----\n",
    "-----BEGIN EC PRIVATE KEY-----\n",
    "-----END EC PRIVATE KEY-----\n",
    "-----BEGIN \u{1b}[2J-----\n",
    "-----BEGIN ",
    "-----END ",
    "-----",
    "Proc-Type: 4,ENCRYPTED\n",
    "DEK-Info: AES-128-CBC,00\n",
    ": ",
    "\n\n",
    "\r\n",
    "AAAA",
    "MIIB",
    "=",
    "\0",
];
/// Tags, lengths and identifiers of DER.
const PARTS: &[&str] = &[
    "\u{30}\u{0}",
    "\u{30}\u{7f}",
    "\u{2}\u{1}\u{0}",
    "\u{2}\u{0}",
    "\u{3}\u{2}\u{7}",
    "\u{4}\u{1}0",
    "\u{5}\u{0}",
    "\u{6}\u{3}U\u{1d}\u{11}",
    "\u{6}\u{3}U\u{1d}\u{13}",
    "\u{6}\u{3}U\u{1d}\u{1e}",
    "\u{6}\u{3}U\u{4}\u{3}",
    "\u{c}\u{4}\u{1b}[2J",
    "\u{13}\u{3}a.b",
    "\u{17}\u{d}991231235959Z",
    "\u{18}\u{f}99991231235959Z",
    "\u{1}\u{1}\u{0}",
    "*.a.b",
];
/// What is said of a file is a fragment of a sentence.
const LONGEST: usize = 500;

fn is_bounded_and_inert(said: &str) {
    assert!(said.len() <= LONGEST, "{} bytes: {said:.200}", said.len());
    assert_eq!(said.chars().find(|c| is_hidden(*c)), None, "{said:?}");
}

fn is_inert(certificate: &Certificate) {
    let names = certificate.names.iter().map(ToString::to_string);
    let texts = [
        &certificate.subject,
        &certificate.issuer,
        &certificate.subject_rfc2253,
    ];
    let texts = texts.into_iter().chain(&certificate.common_name).cloned();
    for text in texts.chain(names).chain([certificate.key_kind.clone()]) {
        assert_eq!(text.chars().find(|c| is_hidden(*c)), None, "{text:?}");
    }
}

/// A key of the file; what is read of it is written and read as the same.
fn key_taken(pem: &[u8]) -> bool {
    let fact = inspect_key(pem);
    match &fact {
        Ok(fact) => {
            is_bounded_and_inert(&fact.kind);
            assert_eq!(fact.encrypted, fact.public.is_none());
        }
        Err(error) => is_bounded_and_inert(&error.to_string()),
    }
    let passphrase = Passphrase::new("x".to_owned().into()).unwrap();
    match SecretKey::from_pem(pem, Some(&passphrase)) {
        Ok(key) => {
            assert_eq!(format!("{key:?}"), "SecretKey(..)");
            let again = SecretKey::from_pem(key.to_pem().unwrap().as_bytes(), None).unwrap();
            assert_eq!(again.public_key_digest(), key.public_key_digest());
            let fact = fact.unwrap();
            assert!(fact.encrypted || fact.public == Some(key.public_key_digest()));
            true
        }
        Err(error) => {
            is_bounded_and_inert(&error.to_string());
            false
        }
    }
}

fn chain_taken(pem: &[u8]) -> bool {
    is_bounded_and_inert(&what_is(pem));
    let Ok(blocks) = pem_blocks(pem) else {
        assert!(read_pem_chain(pem).is_err());
        return false;
    };
    match read_pem_chain(pem) {
        Ok(chain) => {
            assert!(!chain.is_empty() && chain.len() <= blocks.len());
            chain.iter().for_each(is_inert);
            assert_eq!(read_pem_chain(pem_chain(&chain).as_bytes()), Ok(chain));
            true
        }
        Err(error) => {
            is_bounded_and_inert(&error.to_string());
            false
        }
    }
}

#[test]
fn any_pem_is_refused_in_a_sentence_or_read_as_it_would_be_written() {
    let (root, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let issued = server(&authority);
    let chain = [
        &issued.certificate,
        authority.certificate(),
        root.certificate(),
    ];
    let key = issued.key.to_pem().unwrap();
    let both = format!("# ours\n{}{}", chain[0].pem(), *key);
    let fuzz = Fuzz {
        name: "PEM",
        corpus: vec![
            pem_chain(chain).into(),
            both.into(),
            key.as_bytes().to_vec(),
        ],
        words: WORDS,
        most: Duration::from_secs(1),
    };
    fuzz.run(|pem| {
        let key = key_taken(pem);
        chain_taken(pem) || key
    });
}

/// What the signature is about. Around it, the reader of certificates takes one thing for
/// another: a bit string whose tag is of another class.
fn signed(certificate: &Certificate) -> Vec<u8> {
    let (_, read) = x509_parser::parse_x509_certificate(certificate.der()).unwrap();
    read.tbs_certificate.as_ref().to_vec()
}

/// Nobody's changes survive a signature.
#[test]
fn any_certificate_is_refused_or_read_and_a_changed_one_is_vouched_for_by_nobody() {
    let (root, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let leaves = [server(&authority), agent(&authority, "nim.example.com")];
    let leaves = leaves.map(|issued| issued.certificate);
    let (root, above) = (root.certificate(), authority.certificate());
    let known = [&leaves[0], &leaves[1], above, root];
    let fuzz = Fuzz {
        name: "DER",
        corpus: known.map(|one| one.der().to_vec()).to_vec(),
        words: PARTS,
        most: Duration::from_secs(1),
    };
    let of_known = known.map(signed);
    let mut vouched = 0;
    fuzz.run(|der| {
        let read = match Certificate::from_der(der) {
            Ok(read) => read,
            Err(error) => {
                is_bounded_and_inert(&error.to_string());
                return false;
            }
        };
        is_inert(&read);
        assert_eq!(Certificate::try_from(read.pem()).as_ref(), Ok(&read));
        let _ = valid_for(&read, &name("nim.example.com"));
        for purpose in [Purpose::Server, Purpose::Agent, Purpose::Intermediate] {
            let holds = chain_holds(&[&read, above], root, purpose).is_ok();
            assert!(
                !holds || of_known.contains(&signed(&read)),
                "{purpose} was vouched for"
            );
            let below = chain_holds(&[&leaves[0], &read], root, purpose).is_ok();
            assert!(
                !below || of_known[2..].contains(&signed(&read)),
                "{purpose} vouches"
            );
            vouched += usize::from(holds);
        }
        true
    });
    assert!(vouched > 0);
}

/// The first byte says which label the rest stands under.
const LABELS: [&str; 4] = [
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
];

#[test]
fn any_key_is_refused_in_a_sentence_or_written_as_it_was_read() {
    use pkcs8::pkcs5::pbes2::Parameters;
    let ours = [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Rsa2048];
    let ours = ours.map(|kind| SecretKey::generate(kind).unwrap());
    let under = |label: u8, der: &[u8]| [&[label], der].concat();
    let mut corpus: Vec<_> = ours.iter().map(|key| under(0, key.pkcs8_der())).collect();
    let inner = |key: &SecretKey| {
        pkcs8::PrivateKeyInfo::try_from(key.pkcs8_der())
            .unwrap()
            .private_key
            .to_vec()
    };
    corpus.push(under(1, &inner(&ours[2])));
    corpus.push(under(2, &inner(&ours[0])));
    // With few rounds: what is tried here is not patience.
    let scheme = Parameters::pbkdf2_sha256_aes256cbc(3, &[7; 16], &[9; 16]).unwrap();
    let key = pkcs8::PrivateKeyInfo::try_from(ours[0].pkcs8_der()).unwrap();
    let sealed = key.encrypt_with_params(scheme, "x").unwrap();
    corpus.push(under(3, sealed.as_bytes()));
    let fuzz = Fuzz {
        name: "keys",
        corpus,
        words: PARTS,
        // A file may ask for five million rounds.
        most: Duration::from_secs(20),
    };
    fuzz.run(|input| {
        let Some((label, der)) = input.split_first() else {
            return false;
        };
        let label = LABELS[usize::from(*label) % LABELS.len()];
        key_taken(pem::encode(&pem::Pem::new(label, der)).as_bytes())
    });
}

/// Never more than was there, nothing that was not, and no use for a chain without its middle.
#[test]
fn pem_that_is_cut_is_refused_or_holds_the_first_certificates() {
    let (root, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let leaf = server(&authority).certificate;
    let all = [&leaf, authority.certificate()];
    let text = pem_chain(all);
    let mut seen = [0; 2];
    let ends = [leaf.pem().len() - 1, leaf.pem().len(), text.len() - 1];
    let cuts = cuts(text.len());
    for end in cuts.iter().chain(&ends) {
        let Ok(chain) = read_pem_chain(&text.as_bytes()[..*end]) else {
            continue;
        };
        assert!(
            chain.iter().eq(all[..chain.len()].iter().copied()),
            "cut at {end}"
        );
        // What was begun is told as damaged, as soon as it can be seen to be begun.
        let whole: usize = chain.iter().map(|one| one.pem().len()).sum();
        assert!(*end < whole + "-----BEGIN ".len(), "cut at {end}");
        let holds = chain_holds(&chain, root.certificate(), Purpose::Server).is_ok();
        assert_eq!(holds, chain.len() == 2, "cut at {end}");
        seen[chain.len() - 1] += 1;
    }
    println!(
        "cut PEM: {} cuts, one certificate and two: {seen:?}",
        cuts.len()
    );
    assert!(seen.iter().all(|count| *count > 0));
}
