use proptest::prelude::*;
use zeroize::Zeroizing;

use super::tools::Folder;
use super::*;

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
}

#[test]
fn openssl_reads_our_keys_plain_and_encrypted() {
    for kind in [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Rsa2048] {
        let key = SecretKey::generate(kind).unwrap();
        assert_eq!(key.kind(), kind.as_str());
        let folder = Folder::new();
        folder.write("plain.pem", key.to_pem().unwrap());
        let sealed = key.to_encrypted_pem(&passphrase("correct-horse")).unwrap();
        folder.write("sealed.pem", &*sealed);
        folder.must("openssl pkey -in plain.pem -check -noout");
        folder.must("openssl pkey -in sealed.pem -passin pass:correct-horse -check -noout");
        let wrong = folder.run("openssl pkey -in sealed.pem -passin pass:wrong -noout");
        assert!(!wrong.success);

        let opened = SecretKey::from_pem(sealed.as_bytes(), Some(&passphrase("correct-horse")));
        assert_eq!(opened.unwrap().public_key_digest(), key.public_key_digest());
        let refused =
            |with: Option<&Passphrase>| SecretKey::from_pem(sealed.as_bytes(), with).unwrap_err();
        assert_eq!(refused(None), KeyError::Encrypted);
        assert_eq!(
            refused(Some(&passphrase("wrong"))),
            KeyError::WrongPassphrase
        );
    }
}

#[test]
fn a_key_and_its_certificate_have_the_same_digest() {
    for kind in [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Rsa2048] {
        let recipe = Recipe {
            key: kind,
            ..recipe(Purpose::Root, "Root", &[])
        };
        let issued = issue_root(&recipe, NOW).unwrap();
        assert_eq!(
            issued.certificate.public_key,
            issued.key.public_key_digest()
        );
        let fact = inspect_key(issued.key.to_pem().unwrap().as_bytes()).unwrap();
        assert_eq!(fact.public.as_ref(), Some(&issued.certificate.public_key));
        assert_eq!(fact.kind, issued.certificate.key_kind);
    }
}

/// Every form in which OpenSSL writes a key, and what is read of it: kind, encrypted.
#[test]
fn keys_of_openssl_are_read_in_every_form() {
    let folder = Folder::new();
    folder.must("openssl genrsa -out rsa.pem 2048");
    folder.must("openssl genrsa -out weak.pem 1024");
    folder.must("openssl ecparam -name prime256v1 -genkey -out sec1.pem");
    folder.must("openssl ecparam -name secp384r1 -genkey -out sec1-384.pem");
    folder.must("openssl genpkey -algorithm ed25519 -out ed25519.pem");
    folder.must("openssl rsa -in rsa.pem -traditional -out pkcs1.pem");
    folder.must("openssl rsa -in weak.pem -traditional -out weak1.pem");
    folder.must("openssl rsa -in rsa.pem -aes128 -passout pass:secret -out sealed.pem");
    folder
        .must("openssl rsa -in rsa.pem -traditional -aes128 -passout pass:secret -out legacy.pem");
    folder.must("openssl pkcs8 -topk8 -scrypt -in rsa.pem -passout pass:secret -out scrypt.pem");
    let table = [
        ("rsa.pem", "rsa-2048", false),
        ("pkcs1.pem", "rsa-2048", false),
        ("weak.pem", "rsa-1024", false),
        ("weak1.pem", "rsa-1024", false),
        ("sec1.pem", "ecdsa-p256", false),
        ("sec1-384.pem", "ecdsa-p384", false),
        ("ed25519.pem", "ed25519", false),
        ("sealed.pem", "encrypted", true),
        ("legacy.pem", "encrypted", true),
        ("scrypt.pem", "encrypted", true),
    ];
    for (file, kind, encrypted) in table {
        let fact = inspect_key(&folder.read(file)).unwrap();
        assert_eq!(
            (fact.kind.as_str(), fact.encrypted),
            (kind, encrypted),
            "{file}"
        );
        assert_eq!(fact.public.is_none(), encrypted, "{file}");
        if !encrypted {
            folder.must(&format!(
                "openssl pkey -in {file} -pubout -outform DER -out public.der"
            ));
            let public = crate::values::Digest::of(&folder.read("public.der"));
            assert_eq!(fact.public, Some(public), "{file}");
        }
    }
    // What is read is kept as PKCS#8, whatever it was.
    for file in ["pkcs1.pem", "sec1.pem", "sec1-384.pem", "ed25519.pem"] {
        let key = SecretKey::from_pem(&folder.read(file), None).unwrap();
        folder.write("again.pem", key.to_pem().unwrap());
        folder.must("openssl pkey -in again.pem -check -noout");
    }
    let secret = passphrase("secret");
    let open = |file: &str| SecretKey::from_pem(&folder.read(file), Some(&secret));
    assert_eq!(
        open("sealed.pem").unwrap().public_key_digest(),
        open("rsa.pem").unwrap().public_key_digest()
    );
    assert_eq!(open("legacy.pem").unwrap_err(), KeyError::Encryption);
    assert_eq!(open("scrypt.pem").unwrap_err(), KeyError::Encryption);
    assert_eq!(open("weak.pem").unwrap_err(), KeyError::Unusable);
}

#[test]
fn a_file_that_is_no_key_says_what_it_is() {
    let root = issue_root(&recipe(Purpose::Root, "Root", &[]), NOW).unwrap();
    let error = inspect_key(root.certificate.pem().as_bytes()).unwrap_err();
    let found = "a certificate".to_owned();
    assert_eq!(error, KeyError::NotAKey { found });
    let mut cut = root.key.to_pem().unwrap().to_string();
    cut.truncate(100);
    let error = inspect_key(cut.as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "it holds a PEM block that is cut short or damaged"
    );
}

#[test]
fn nothing_prints_a_secret() {
    let (_, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let issued = agent(&authority, "a.example.com");
    let pass = passphrase("correct-horse");
    let printed = format!("{issued:?} {authority:?} {pass:?}");
    assert!(printed.contains("SecretKey(..)") && printed.contains("Passphrase(..)"));
    assert!(!printed.contains("correct-horse"));
    // A run of key bytes, in the three ways in which one could come out.
    let secret = &issued.key.pkcs8_der()[36..68];
    let hex: Vec<String> = secret[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let list: Vec<String> = secret[..8].iter().map(u8::to_string).collect();
    assert!(!printed.to_lowercase().contains(&hex.concat()));
    assert!(!printed.contains(&list.join(", ")));
    let pem = issued.key.to_pem().unwrap();
    let body = pem.lines().nth(1).unwrap();
    assert!(!printed.contains(&body[20..40]));
}

#[test]
fn a_passphrase_is_the_first_line_of_its_file() {
    let from = |bytes: &[u8]| Passphrase::from_file(bytes);
    assert_eq!(from(b"a b\nrest\n").unwrap(), passphrase("a b"));
    assert_eq!(from(b"a b\r\n").unwrap(), passphrase("a b"));
    assert_eq!(from("pässwort".as_bytes()).unwrap(), passphrase("pässwort"));
    assert!(from(b"").is_err() && from(b"\nx").is_err() && from(b"\xff\xfe").is_err());
}

#[test]
fn a_file_cannot_ask_for_minutes_of_work() {
    let key = SecretKey::generate(KeyKind::EcdsaP256).unwrap();
    let sealed = key.to_encrypted_pem(&passphrase("x")).unwrap();
    let mut der = pem::parse(sealed.as_bytes()).unwrap().into_contents();
    // 600,000 rounds become 8,388,544.
    let rounds = [0x02, 0x03, 0x09, 0x27, 0xc0];
    let at = der.windows(5).position(|window| window == rounds).unwrap();
    der[at + 2] = 0x7f;
    der[at + 3] = 0xff;
    let greedy = pem::encode(&pem::Pem::new("ENCRYPTED PRIVATE KEY", der));
    let opened = SecretKey::from_pem(greedy.as_bytes(), Some(&passphrase("x")));
    assert_eq!(opened.unwrap_err(), KeyError::Encryption);
}

/// Found by fuzzing: such a key was read, and could not be written.
#[test]
fn a_key_with_bytes_behind_it_is_damaged() {
    let key = SecretKey::generate(KeyKind::EcdsaP256).unwrap();
    let longer = [key.pkcs8_der(), &[0]].concat();
    let longer = pem::encode(&pem::Pem::new("PRIVATE KEY", longer));
    let refused = SecretKey::from_pem(longer.as_bytes(), None).unwrap_err();
    assert_eq!(refused, KeyError::Unusable);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_input_makes_the_reader_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        label in prop::sample::select(&["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY",
            "ENCRYPTED PRIVATE KEY"][..]),
    ) {
        let text = pem::encode(&pem::Pem::new(label, bytes.clone()));
        let fact = inspect_key(text.as_bytes());
        prop_assert!(fact.is_err() || label.starts_with("ENCRYPTED"));
        prop_assert!(SecretKey::from_pem(text.as_bytes(), Some(&passphrase("x"))).is_err());
        prop_assert!(inspect_key(&bytes).is_err());
    }
}
