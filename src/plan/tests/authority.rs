//! Certificates for the stand: the vendor's, and those that a plan asks for.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::certificate::{DistinguishedName, KeyKind, NameParts, Purpose, Recipe};
use crate::pki::{
    Authority, Issued, SecretKey, issue_intermediate, issue_leaf, issue_root, request,
};
use crate::plan::{self, Issuing, Piece};

/// When machines in memory start.
pub(super) const NOW: i64 = 1_767_225_600;

/// A chain and its key, as PEM.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) chain: String,
    pub(super) key: String,
}

/// The vendor's authority, and its certificate for one internal name.
pub(super) static VENDOR: LazyLock<(Authority, Pair)> = LazyLock::new(|| {
    let root = Authority::from_issued(
        issue_root(&recipe(Purpose::Root, "vendor", &[]), NOW).unwrap(),
        None,
    );
    let root = root.unwrap();
    let pair = leaf(&root, "manager-server", &["manager-server"], 365);
    (root, pair)
});

/// A server's certificate of the vendor's authority.
pub(super) fn vendor_pair(names: &[&str], days: u32) -> Pair {
    leaf(&VENDOR.0, names.first().unwrap(), names, days)
}

fn leaf(authority: &Authority, common_name: &str, names: &[&str], days: u32) -> Pair {
    let recipe = Recipe {
        days,
        ..recipe(Purpose::Server, common_name, names)
    };
    pair(authority, &issue_leaf(&recipe, authority, NOW).unwrap())
}

fn pair(authority: &Authority, issued: &Issued) -> Pair {
    Pair {
        chain: authority.leaf_file(&issued.certificate),
        key: issued.key.to_pem().unwrap().to_string(),
    }
}

fn recipe(purpose: Purpose, common_name: &str, names: &[&str]) -> Recipe {
    Recipe {
        purpose,
        subject: subject(common_name),
        names: names.iter().map(|name| name.parse().unwrap()).collect(),
        key: KeyKind::EcdsaP256,
        days: 3650,
        permitted: None,
    }
}

fn subject(common_name: &str) -> DistinguishedName {
    let parts = NameParts {
        country: None,
        state: None,
        locality: None,
        organization: None,
        common_name: common_name.to_owned(),
    };
    parts.try_into().unwrap()
}

/// The texts of all pieces that a plan names. `read`: files that are there.
pub(super) fn make(issuing: &Issuing, read: impl Fn(&str) -> String) -> BTreeMap<Piece, String> {
    let mut made = BTreeMap::new();
    let own = match &issuing.authority {
        plan::Authority::New {
            root, intermediate, ..
        } => {
            let root = Authority::from_issued(issue_root(root, NOW).unwrap(), None).unwrap();
            let issued = issue_intermediate(intermediate, &root, NOW).unwrap();
            let intermediate = Authority::from_issued(issued, Some(&root)).unwrap();
            let pem = |key: &SecretKey| key.to_pem().unwrap().to_string();
            made.insert(Piece::RootKey, pem(root.key()));
            made.insert(Piece::IntermediateKey, pem(intermediate.key()));
            Some(intermediate)
        }
        plan::Authority::Existing { .. } => {
            let file = |name: &str| read(&format!("{}/{name}", issuing.folder));
            let chain = file("intermediate.crt") + &file("root.crt");
            let key = SecretKey::from_pem(file("intermediate.key").as_bytes(), None).unwrap();
            let chain = crate::certificate::read_pem_chain(chain.as_bytes()).unwrap();
            Some(Authority::open(chain, key).unwrap())
        }
        plan::Authority::NotNeeded => None,
    };
    if let Some(own) = &own {
        let chain = own.chain();
        made.insert(Piece::RootCertificate, chain[1].pem());
        made.insert(Piece::IntermediateCertificate, chain[0].pem());
        made.insert(Piece::ClientBundle, chain[0].pem() + &chain[1].pem());
    }
    let clients = issuing.clients.as_ref().map(|brought| {
        let key = read(brought.key.as_str());
        Authority::from_file(&brought.chain, key.as_bytes(), &brought.digest, None).unwrap()
    });
    let server = issuing
        .server
        .iter()
        .map(|recipe| (Piece::ServerChain, Piece::ServerKey, recipe));
    let agents = issuing.agents.iter().map(|(name, recipe)| {
        (
            Piece::AgentChain(name.clone()),
            Piece::AgentKey(name.clone()),
            recipe,
        )
    });
    for (chain, key, recipe) in server.chain(agents) {
        let of_agent = clients.as_ref().filter(|_| chain != Piece::ServerChain);
        let authority = of_agent.or(own.as_ref()).unwrap();
        let pair = pair(authority, &issue_leaf(recipe, authority, NOW).unwrap());
        made.insert(chain, pair.chain);
        made.insert(key, pair.key);
    }
    if let Some(requests) = &issuing.requests {
        let mut ask = |recipe: &Recipe, asked, its_key| {
            let key = SecretKey::generate(recipe.key).unwrap();
            made.insert(asked, request(recipe, &key).unwrap());
            made.insert(its_key, key.to_pem().unwrap().to_string());
        };
        if let Some(recipe) = &requests.server {
            ask(recipe, Piece::ServerRequest, Piece::ServerRequestKey);
        }
        for (name, recipe) in &requests.agents {
            let (asked, key) = (Piece::AgentRequest, Piece::AgentRequestKey);
            ask(recipe, asked(name.clone()), key(name.clone()));
        }
    }
    made
}
