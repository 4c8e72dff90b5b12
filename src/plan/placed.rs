//! One file of a plan, judged by what the facts say is there.

use super::file::{Content, FileChange, Status};
use crate::certificate::pem_chain;
use crate::facts::{Facts, FoundContent, FoundFile};
use crate::values::{AbsPath, Digest, Mode};

/// New, changed or unchanged; root's.
pub(super) fn change(facts: &Facts, path: &AbsPath, mode: u32, content: Content) -> FileChange {
    let found = facts.file(path).file();
    let same = found.is_some_and(|found| match &content {
        Content::Text(text) => {
            Digest::of(text.as_bytes()) == found.digest && found.mode == Mode(mode)
        }
        Content::Issued(_) => false,
    });
    let status = match (found, same) {
        (None, _) => Status::Create,
        (Some(_), true) => Status::Unchanged,
        (Some(_), false) => Status::Change,
    };
    FileChange {
        path: path.clone(),
        status,
        mode: Mode(mode),
        owner: (0, 0),
        content,
        before: found.map(|found| found.digest.clone()),
        text_before: found.and_then(|found| text_of(facts, path, found)),
        reasons: Vec::new(),
    }
}

/// What a change is shown beside: a file that nginx reads, one of certificates, or a unit.
fn text_of(facts: &Facts, path: &AbsPath, found: &FoundFile) -> Option<String> {
    let text = if let FoundContent::Certificates(chain) = &found.content {
        pem_chain(chain)
    } else if let Some(unit) = facts.watch.texts.get(path) {
        unit.clone()
    } else {
        let config = facts.config.is()?;
        let file = config.find_file(path.as_str())?;
        config.file(file).text.to_string()
    };
    (Digest::of(text.as_bytes()) == found.digest).then_some(text)
}

/// A file of ours that goes; none where there is none.
pub(super) fn removal(facts: &Facts, path: &AbsPath) -> Option<FileChange> {
    let found = facts.file(path).file().filter(|found| found.ours)?;
    Some(FileChange {
        path: path.clone(),
        status: Status::Remove,
        mode: found.mode,
        owner: found.owner,
        content: Content::Text(String::new()),
        before: Some(found.digest.clone()),
        text_before: text_of(facts, path, found),
        reasons: Vec::new(),
    })
}

/// `folder/name`, for names that are literals or host names: those are always good paths.
pub(super) fn below(folder: &AbsPath, name: &str) -> AbsPath {
    let path = folder.join(name);
    path.expect("a literal or a host name is a path component")
}
