//! The manager's certificate of today.

use super::super::naming;
use super::super::server_certificate::{ServerFiles, Today};
use crate::answers::Answers;
use crate::facts::{Facts, FileFact};
use crate::values::AbsPath;

/// The pair that the guide has browsers and agents meet.
pub(super) fn presented(facts: &Facts, answers: &Answers) -> Today {
    let folder = naming::certs(answers.generation());
    let path = |name| folder.join(name).expect("a literal name");
    let [chain, key] = naming::server_pair(answers.generation()).map(path);
    let there = |path: &AbsPath| matches!(facts.file(path), FileFact::File(_));
    let second = |path: &AbsPath| {
        let name = path.as_path().file_name().unwrap_or_default();
        folder
            .join(&format!("nim-tls-{}", name.to_string_lossy()))
            .expect("a literal name")
    };
    let ours = ServerFiles {
        chain: second(&chain),
        key: second(&key),
    };
    let usual = ServerFiles { chain, key };
    let found = [ours, usual]
        .into_iter()
        .find(|pair| there(&pair.chain) && there(&pair.key));
    Today::Pairs(found.into_iter().collect())
}
