//! Certificates and keys, and that a key gets no further than the look at it.

use zeroize::Zeroizing;

use super::super::look;
use super::scene::{path, wanted};
use super::unclear;
use crate::certificate::{KeyKind, NameParts, Purpose, Recipe};
use crate::facts::{CaKey, Facts, FoundContent, Known};
use crate::host::Memory;
use crate::pki::{
    Authority, Issued, Passphrase, SecretKey, issue_intermediate, issue_leaf, issue_root,
};
use crate::values::SubjectName;

const NOW: i64 = 1_767_225_600;
const CA: &str = "/var/lib/nim-tls/ca";
const AGENT: &str = "/var/lib/nim-tls/issued/a.example.com";

fn recipe(purpose: Purpose, name: &str) -> Recipe {
    let names = if purpose.is_authority() {
        None
    } else {
        name.parse::<SubjectName>().ok()
    };
    Recipe {
        purpose,
        subject: NameParts {
            common_name: name.to_owned(),
            ..NameParts::default()
        }
        .try_into()
        .unwrap(),
        names: names.into_iter().collect(),
        key: KeyKind::default(),
        days: 30,
        permitted: None,
    }
}

struct Made {
    root: Authority,
    intermediate: Authority,
    agent: Issued,
}

fn make() -> Made {
    let root = issue_root(&recipe(Purpose::Root, "root"), NOW).unwrap();
    let root = Authority::from_issued(root, None).unwrap();
    let below = issue_intermediate(&recipe(Purpose::Intermediate, "below"), &root, NOW).unwrap();
    let intermediate = Authority::from_issued(below, Some(&root)).unwrap();
    let agent = issue_leaf(&recipe(Purpose::Agent, "a.example.com"), &intermediate, NOW).unwrap();
    Made {
        root,
        intermediate,
        agent,
    }
}

fn text(pem: &Zeroizing<String>) -> Vec<u8> {
    pem.as_bytes().to_vec()
}

impl Made {
    fn host(&self) -> Memory {
        let intermediate = self.intermediate.certificate();
        Memory::new()
            .with_file(format!("{CA}/root.crt"), self.root.certificate().pem())
            .with_file(format!("{CA}/intermediate.crt"), intermediate.pem())
            .with_file(
                format!("{AGENT}/agent.crt"),
                self.intermediate.leaf_file(&self.agent.certificate),
            )
            .with_file(
                format!("{AGENT}/agent.key"),
                text(&self.agent.key.to_pem().unwrap()),
            )
    }

    fn look_with_key(&self, pem: &Zeroizing<String>) -> Facts {
        look(
            &self
                .host()
                .with_file(format!("{CA}/intermediate.key"), text(pem)),
            &wanted(),
        )
    }
}

#[test]
fn the_authority_is_known_with_the_state_of_its_key() {
    let made = make();
    let key_state = |facts: Facts| facts.state.ca.map(|ca| ca.key);
    assert_eq!(
        key_state(look(&made.host(), &wanted())),
        Known::Is(CaKey::Gone)
    );
    let key = made.intermediate.key();
    let facts = made.look_with_key(&key.to_pem().unwrap());
    assert_eq!(facts.state.ca.is().unwrap().root, *made.root.certificate());
    assert_eq!(key_state(facts), Known::Is(CaKey::Plaintext));
    let passphrase = Passphrase::new(Zeroizing::new("correct horse battery".to_owned())).unwrap();
    let sealed = key.to_encrypted_pem(&passphrase).unwrap();
    assert_eq!(
        key_state(made.look_with_key(&sealed)),
        Known::Is(CaKey::Encrypted)
    );

    let another = made.look_with_key(&made.root.key().to_pem().unwrap());
    assert!(unclear(&another.state.ca).contains("intermediate.key is not the key"));
    let host = made.host();
    host.take_away(format!("{CA}/root.crt"));
    let facts = look(&host, &wanted());
    assert!(unclear(&facts.state.ca).contains("root.crt is missing"));
}

#[test]
fn an_issued_certificate_is_known_with_its_key() {
    let made = make();
    let name = "a.example.com".parse().unwrap();
    let issued = |host: &Memory| look(host, &wanted()).state.issued[&name].clone();
    let host = made.host();
    let found = issued(&host);
    let found = found.is().unwrap();
    assert!(found.key_matches);
    assert_eq!(found.chain[0], made.agent.certificate);
    assert_eq!(found.chain.len(), 2, "leaf and intermediate");

    let foreign = SecretKey::generate(KeyKind::default())
        .unwrap()
        .to_pem()
        .unwrap();
    let host = host.with_file(format!("{AGENT}/agent.key"), text(&foreign));
    assert!(!issued(&host).is().unwrap().key_matches);
    host.take_away(format!("{AGENT}/agent.key"));
    // It may have been moved to its instance.
    let found = issued(&host);
    assert!(!found.is().unwrap().key_matches && !found.is().unwrap().chain.is_empty());
    host.take_away(format!("{AGENT}/agent.crt"));
    assert!(unclear(&issued(&host)).contains("agent.crt is missing"));
}

#[test]
fn a_key_is_reduced_to_its_public_half() {
    let made = make();
    let pem = made.intermediate.key().to_pem().unwrap();
    let facts = made.look_with_key(&pem);
    let content = |file: &str| facts.files[&path(file)].file().unwrap().content.clone();
    let public = Some(made.intermediate.certificate().public_key.clone());
    let key = FoundContent::Key {
        public,
        encrypted: false,
    };
    assert_eq!(content(&format!("{CA}/intermediate.key")), key);
    let chain = content(&format!("{AGENT}/agent.crt"));
    assert!(matches!(chain, FoundContent::Certificates(chain) if chain.len() == 2));

    let shown = format!("{facts:?}");
    let secret = pem.lines().nth(1).unwrap();
    assert!(shown.contains("intermediate.key") && !shown.contains(secret));
}
