//! The manager's certificate of today.

use super::super::brought::Brought;
use super::super::certificates::Certificates;
use super::super::file::{Content, Piece};
use super::super::naming;
use super::super::server_files::{ServerFiles, Today};
use super::super::step::Fetch;
use crate::answers::Answers;
use crate::error::Problem;
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

/// The manager's key becomes readable by the user that it runs as, and nobody else: one that is
/// placed, and one that stays.
pub(super) fn key_for_manager(facts: &Facts, made: &mut Certificates) -> Result<(), Problem> {
    let Known::Is((user, group)) = &facts.manager_setup.runs_as else {
        return Ok(());
    };
    if *user == 0 {
        return Ok(());
    }
    let (mode, owner) = (Mode(0o640), (0, *group));
    let key = &made.server.key;
    if !made.new_server
        && let Some(found) = facts.file(key).file()
    {
        let by_user = found.owner.0 == *user && found.mode.0 & 0o400 != 0;
        let by_group = found.owner.1 == *group && found.mode.0 & 0o040 != 0;
        if by_user || by_group {
            return Ok(());
        }
        if !found.ours {
            return Err(Problem::host(format!(
                "{key} stays, and the manager, which runs as user {user}, cannot read it"
            ))
            .remedy(format!("chown root:{group} {key} && chmod 640 {key}")));
        }
        let brought = Brought {
            facts,
            field: "the manager's key",
            user: "the manager",
        };
        let (change, fetch) = brought.carried(key, key, (mode, owner))?;
        made.files.push(change);
        made.fetch = fetch.map(|(from, digest)| Fetch { from, digest });
        return Ok(());
    }
    for file in &mut made.files {
        let pieces = [Piece::ServerKey, Piece::CarriedKey];
        if matches!(&file.content, Content::Issued(piece) if pieces.contains(piece)) {
            (file.mode, file.owner) = (mode, owner);
        }
    }
    Ok(())
}
