//! What this program keeps about itself: the authority, and what was issued.

use std::collections::BTreeMap;
use std::path::Path;

use super::reader::Reader;
use super::runs::Runs;
use crate::certificate::{Certificate, RevocationList, read_pem_chain};
use crate::facts::{CaKey, FoundCa, FoundIssued, Known, State};
use crate::pki::{KeyFact, inspect_key};
use crate::values::{AbsPath, Gather as _, HostName};

pub(super) fn look(reader: &Reader<'_>, folder: &AbsPath, runs: &Runs) -> State {
    State {
        folder: folder.clone(),
        ca: authority(reader, &folder.as_path().join("ca")).unwrap_or_else(Known::Unclear),
        issued: issued(reader, &folder.as_path().join("issued")),
        refused_agents: runs.refused_agents,
        unfinished: runs.unfinished.clone(),
    }
}

fn authority(reader: &Reader<'_>, folder: &Path) -> Result<Known<FoundCa>, String> {
    let (root, intermediate) = (folder.join("root.crt"), folder.join("intermediate.crt"));
    let (root, intermediate) = match (one(reader, &root)?, one(reader, &intermediate)?) {
        (Some(root), Some(intermediate)) => (root, intermediate),
        (None, None) => return Ok(Known::Absent),
        (None, Some(_)) => return Err(format!("{} is missing", root.display())),
        (Some(_), None) => return Err(format!("{} is missing", intermediate.display())),
    };
    let key = folder.join("intermediate.key");
    let fact = key_at(reader, &key)?;
    let of_another = |fact: &KeyFact| {
        fact.public
            .as_ref()
            .is_some_and(|public| *public != intermediate.1.public_key)
    };
    if fact.as_ref().is_some_and(of_another) {
        return Err(format!(
            "{} is not the key of the certificate beside it",
            key.display()
        ));
    }
    let root_key = key_at(reader, &folder.join("root.key"))?;
    Ok(Known::Is(FoundCa {
        root_pem: root.0,
        root: root.1,
        intermediate_pem: intermediate.0,
        intermediate: intermediate.1,
        key: kept(fact),
        root_key: kept(root_key),
        revoked: list(reader, &folder.join("intermediate.crl"))?,
        root_list: list(reader, &folder.join("root.crl"))?,
    }))
}

fn kept(fact: Option<KeyFact>) -> CaKey {
    match fact {
        None => CaKey::Gone,
        Some(fact) if fact.encrypted => CaKey::Encrypted,
        Some(_) => CaKey::Plaintext,
    }
}

fn list(reader: &Reader<'_>, path: &Path) -> Result<Option<RevocationList>, String> {
    let Some(bytes) = reader.read(path)? else {
        return Ok(None);
    };
    RevocationList::from_pem(&bytes)
        .map(Some)
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// The text of a file and the one certificate in it.
fn one(reader: &Reader<'_>, path: &Path) -> Result<Option<(String, Certificate)>, String> {
    let Some(mut chain) = chain(reader, path)? else {
        return Ok(None);
    };
    if chain.len() > 1 {
        return Err(format!(
            "{} holds {} certificates, not one",
            path.display(),
            chain.len()
        ));
    }
    let text = reader.text(path)?.unwrap_or_default();
    Ok(chain.pop().map(|certificate| (text, certificate)))
}

fn chain(reader: &Reader<'_>, path: &Path) -> Result<Option<Vec<Certificate>>, String> {
    let Some(bytes) = reader.read(path)? else {
        return Ok(None);
    };
    let chain = read_pem_chain(&bytes);
    chain
        .map(Some)
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn key_at(reader: &Reader<'_>, path: &Path) -> Result<Option<KeyFact>, String> {
    let Some(bytes) = reader.read(path)? else {
        return Ok(None);
    };
    inspect_key(&bytes)
        .map(Some)
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn issued(reader: &Reader<'_>, folder: &Path) -> BTreeMap<HostName, Known<FoundIssued>> {
    let names = reader.names(folder).unwrap_or_default();
    let names = names
        .iter()
        .filter_map(|name| name.parse::<HostName>().ok());
    names
        .map(|name| {
            let pair = pair(reader, &folder.join(name.as_str()));
            (name, pair.map_or_else(Known::Unclear, Known::Is))
        })
        .gathered()
}

fn pair(reader: &Reader<'_>, folder: &Path) -> Result<FoundIssued, String> {
    let (certificate, key) = (folder.join("agent.crt"), folder.join("agent.key"));
    let missing = |path: &Path| format!("{} is missing", path.display());
    let issued = chain(reader, &certificate)?.ok_or_else(|| missing(&certificate))?;
    // It may have been moved to its instance.
    let fact = key_at(reader, &key)?;
    let public = issued.first().map(|leaf| &leaf.public_key);
    Ok(FoundIssued {
        key_matches: public.is_some() && fact.is_some_and(|fact| fact.public.as_ref() == public),
        former: chain(reader, &folder.join("former.pem"))?.unwrap_or_default(),
        chain: issued,
    })
}
