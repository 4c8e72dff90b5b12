use super::tools::Folder;
use super::*;
use crate::certificate::{
    Certificate, Flaw, Validity, chain_holds, chain_verifies, read_pem_chain, valid_for,
};

fn flaw(chain: &[&Certificate], root: &Certificate, purpose: Purpose) -> (usize, Flaw) {
    let fault = chain_verifies(chain, root, NOW, purpose).unwrap_err();
    (fault.position, fault.flaw)
}

#[test]
fn what_breaks_a_chain_is_named() {
    let (root, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let (foreign, stranger) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let issued = server(&authority);
    let (leaf, int) = (&issued.certificate, authority.certificate());
    let root = root.certificate();
    let server = Purpose::Server;

    assert_eq!(chain_verifies(&[leaf, int], root, NOW, server), Ok(()));
    assert_eq!(
        chain_verifies(&[leaf, int, root], root, NOW, server),
        Ok(())
    );
    assert_eq!(
        flaw(&[leaf, int], root, Purpose::Agent),
        (1, Flaw::WrongPurpose(Purpose::Agent))
    );
    let missing = Flaw::IssuerMissing {
        issuer: int.subject.clone(),
    };
    assert_eq!(flaw(&[leaf], root, server), (1, missing));
    assert_eq!(flaw(&[], root, server), (1, Flaw::Missing));
    let other = agent(&authority, "a.example.com").certificate;
    assert_eq!(
        flaw(&[leaf, &other, int], root, server),
        (1, Flaw::OutOfOrder)
    );
    // Same names, other keys: what a second run of a script leaves behind.
    assert_eq!(
        flaw(&[leaf, int], foreign.certificate(), server),
        (2, Flaw::SignedByAnother)
    );
    assert_eq!(
        flaw(
            &[leaf, stranger.certificate()],
            foreign.certificate(),
            server
        ),
        (1, Flaw::SignedByAnother)
    );
    // A leaf that plays the authority.
    let fault = chain_holds(&[leaf], leaf, server);
    assert_eq!(fault.unwrap_err().position, 1);

    let late = NOW + 400 * Validity::DAY;
    let expired = chain_verifies(&[leaf, int], root, late, server).unwrap_err();
    assert_eq!((expired.position, expired.flaw), (1, Flaw::Expired));
}

#[test]
fn a_changed_byte_is_found() {
    let (root, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let issued = server(&authority);
    let der = issued.certificate.der();
    let at = der.windows(3).position(|window| window == b"nim").unwrap();
    let mut forged = der.to_vec();
    forged[at] = b'N';
    let forged = Certificate::from_der(&forged).unwrap();
    let chain = [&forged, authority.certificate()];
    assert_eq!(
        flaw(&chain, root.certificate(), Purpose::Server),
        (1, Flaw::SignedByAnother)
    );
}

#[test]
fn every_cut_and_every_flipped_byte_is_survived() {
    let (_, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let der = server(&authority).certificate.der().to_vec();
    for end in 0..der.len() {
        assert!(Certificate::from_der(&der[..end]).is_err(), "cut at {end}");
    }
    let root = &authority.chain()[1];
    for at in 0..der.len() {
        let mut changed = der.clone();
        changed[at] ^= 0x55;
        if let Ok(certificate) = Certificate::from_der(&changed) {
            let chain = [&certificate, authority.certificate()];
            assert!(
                chain_holds(&chain, root, Purpose::Server).is_err(),
                "byte {at}"
            );
        }
    }
}

#[test]
fn names_are_taken_from_the_alternative_names_only() {
    let (_, authority) = authorities(KeyKind::EcdsaP256, &IN_PLAY);
    let recipe = recipe(
        Purpose::Server,
        "cn.example.com",
        &["nim.example.com", "10.0.0.5"],
    );
    let leaf = issue_leaf(&recipe, &authority, NOW).unwrap().certificate;
    assert!(valid_for(&leaf, &name("NIM.example.com")));
    assert!(valid_for(&leaf, &name("10.0.0.5")));
    for wrong in [
        "cn.example.com",
        "a.nim.example.com",
        "example.com",
        "10.0.0.6",
        "::1",
    ] {
        assert!(!valid_for(&leaf, &name(wrong)), "{wrong}");
    }
}

/// Certificates of somebody else's making, by OpenSSL.
#[test]
fn strange_certificates_are_read_and_judged() {
    let folder = Folder::new();
    folder.write(
        "strange.cnf",
        "[req]\ndistinguished_name=dn\nprompt=no\nutf8=yes\nx509_extensions=ext\n\
         [dn]\n1.OU=first\n2.OU=second+third\nCN=evil\u{1b}[2J\u{202e}, \"x\"\n\
         [ext]\nsubjectAltName=DNS:*.example.com,DNS:under_score.example.com,\
         DNS:10.9.9.9,IP:10.0.0.5,email:a@b.c,URI:https://a/\n\
         extendedKeyUsage=anyExtendedKeyUsage\n1.2.3.4=critical,DER:0500\n",
    );
    folder.must(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
         -keyout key.pem -out strange.pem -config strange.cnf -days 30 -sha1",
    );
    let strange = read_pem_chain(&folder.read("strange.pem"))
        .unwrap()
        .remove(0);
    assert!(
        !strange.subject.contains(['\u{1b}', '\u{202e}']),
        "{:?}",
        strange.subject
    );
    let printed = folder.must("openssl x509 -in strange.pem -noout -subject -nameopt RFC2253");
    assert_eq!(
        printed.trim_end(),
        format!("subject={}", strange.subject_rfc2253)
    );
    assert!(valid_for(&strange, &name("a.example.com")));
    for wrong in ["example.com", "a.b.example.com", "10.9.9.9"] {
        assert!(!valid_for(&strange, &name(wrong)), "{wrong}");
    }
    let shown: Vec<String> = strange.names.iter().map(ToString::to_string).collect();
    assert!(
        shown.contains(&"DNS:under_score.example.com".to_owned()),
        "{shown:?}"
    );
    assert!(strange.weak_signature);
    assert_eq!(strange.unjudged, ["1.2.3.4"]);
    assert!(!strange.serves(Purpose::Server) && !strange.serves(Purpose::Agent));
}

/// Leaves that we would refuse to issue, signed by OpenSSL under our root: all judge alike.
#[test]
fn constraints_mean_the_same_to_all() {
    let judge = |permitted: &[&str], common_name: &str, san: &str, accepted: bool| {
        let folder = Folder::new();
        let root = signed_by_openssl(&folder, permitted, common_name, san);
        let row = format!("{permitted:?} {common_name} {san}");
        let openssl = folder.run("openssl verify -x509_strict -CAfile root.pem leaf.pem");
        assert_eq!(openssl.success, accepted, "{row}: {}", openssl.text);
        let leaf = read_pem_chain(&folder.read("leaf.pem")).unwrap();
        let ours = chain_holds(&leaf, &root, Purpose::Agent);
        assert_eq!(ours.is_ok(), accepted, "{row}: {ours:?}");
        folder.run("certtool --verify --load-ca-certificate root.pem --infile leaf.pem")
    };
    let both = ["nim.example.com", "10.0.0.5"].as_slice();
    for (permitted, san, accepted) in [
        (both, "DNS:a.example.com,IP:10.0.0.5", true),
        (both, "DNS:*.example.com", true),
        (both, "DNS:example.org", false),
        (both, "DNS:badexample.com", false),
        (both, "IP:10.0.0.6", true),
        (both, "IP:fd00::5", true),
        (&["nim.example.com"], "DNS:a.example.com", true),
        (&["nim.example.com"], "IP:10.0.0.5", false),
        (&["nim.example.com"], "IP:::1", false),
        (&["10.0.0.5"], "IP:10.0.0.5", true),
        (&["10.0.0.5"], "DNS:a.example.com", false),
        (&["fd00::5"], "IP:fd00::5", true),
        (&["fd00::5"], "IP:10.0.0.5", true),
    ] {
        let gnutls = judge(permitted, "An agent", san, accepted);
        assert_eq!(
            gnutls.success, accepted,
            "{permitted:?} {san}: {}",
            gnutls.text
        );
    }
    // Without a DNS name OpenSSL takes the common name for one.
    for (common_name, accepted) in [
        ("agent-10-0-0-5", true),
        ("A.EXAMPLE.COM", true),
        ("a_b.example.org", false),
        ("a.example.org", false),
        ("10.0.0.5", false),
        ("-a.example.org", true),
    ] {
        judge(both, common_name, "IP:10.0.0.5", accepted);
    }
}

/// Writes `root.pem`, ours, and `leaf.pem`, an agent's certificate that OpenSSL signed with
/// the root's key. Valid by the clock, because `GnuTLS` judges by it.
fn signed_by_openssl(
    folder: &Folder,
    permitted: &[&str],
    common_name: &str,
    san: &str,
) -> Certificate {
    let names: Vec<_> = permitted.iter().map(|text| name(text)).collect();
    let wish = Recipe {
        permitted: Some(Permitted::for_names(&names)),
        ..recipe(Purpose::Root, "Example Root", &[])
    };
    let root = issue_root(&wish, tools::clock()).unwrap();
    folder.write("root.pem", root.certificate.pem());
    folder.write("root.key", root.key.to_pem().unwrap());
    let configuration = format!(
        "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN={common_name}\n\
         [ext]\nsubjectAltName={san}\nextendedKeyUsage=clientAuth\n\
         subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    );
    folder.write("leaf.cnf", configuration);
    folder.must(
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
         -keyout leaf.key -out leaf.csr -config leaf.cnf",
    );
    folder.must(
        "openssl x509 -req -in leaf.csr -CA root.pem -CAkey root.key -set_serial 7 -days 30 \
         -extfile leaf.cnf -extensions ext -out leaf.pem",
    );
    root.certificate
}
