//! The files in which a server has its certificate and its key.

use crate::certificate::Certificate;
use crate::facts::{Facts, FileFact, FoundContent};
use crate::values::AbsPath;

/// Where a server's certificate and key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerFiles {
    pub(super) chain: AbsPath,
    pub(super) key: AbsPath,
}

/// What the server presents today.
pub(super) enum Today {
    /// Pairs of files, in nginx's order; one of each kind of key, so mostly one in all.
    Pairs(Vec<ServerFiles>),
    /// Nothing that could be judged, and why.
    Unknown(String),
}

/// The root among them, if it is there.
pub(super) fn root_of(chain: &[Certificate]) -> Option<Certificate> {
    chain.iter().find(|one| one.is_self_issued()).cloned()
}

/// The chain in a file, if the key beside it is the right one.
pub(super) fn chain_of<'a>(
    facts: &'a Facts,
    files: &ServerFiles,
) -> Result<&'a [Certificate], String> {
    let chain = match facts.file(&files.chain) {
        FileFact::File(file) => match &file.content {
            FoundContent::Certificates(chain) => chain,
            _ => return Err("it holds no certificate".to_owned()),
        },
        FileFact::Unclear(why) => return Err(why.clone()),
        FileFact::NotAFile(what) => return Err(format!("it is {what}")),
        FileFact::Nothing { .. } => return Err("it is not there".to_owned()),
    };
    let key = facts.file(&files.key).file().map(|file| &file.content);
    let public = chain.first().map(|leaf| &leaf.public_key);
    match key {
        Some(FoundContent::Key {
            encrypted: true, ..
        }) => Err("its key is encrypted".to_owned()),
        Some(FoundContent::Key {
            public: Some(key), ..
        }) if Some(key) == public => Ok(chain),
        _ => Err(format!("{} does not hold its key", files.key)),
    }
}
