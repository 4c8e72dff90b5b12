//! The manager's certificate of today.

use super::super::file::{Content, FileChange, Piece};
use super::super::naming;
use super::super::server_certificate::{ServerFiles, Today};
use crate::answers::Answers;
use crate::facts::{Facts, FileFact, Known};
use crate::values::{AbsPath, Mode};

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

/// The key among them becomes readable by the user that the manager runs as, and nobody else.
pub(super) fn key_for_manager(facts: &Facts, files: &mut [FileChange]) {
    let Known::Is((user, group)) = &facts.manager_setup.runs_as else {
        return;
    };
    let keys = files.iter_mut().filter(|file| {
        let pieces = [Piece::ServerKey, Piece::CarriedKey];
        matches!(&file.content, Content::Issued(piece) if pieces.contains(piece))
    });
    for key in keys.filter(|_| *user != 0) {
        (key.mode, key.owner) = (Mode(0o640), (0, *group));
    }
}
