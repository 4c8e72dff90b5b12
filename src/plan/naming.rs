//! Names for new files: nothing of the vendor's or the operator's is overwritten.

use crate::error::Problem;
use crate::facts::{Facts, FileFact, Generation};
use crate::values::{AbsPath, HostName};

/// Where a manager and its agents keep certificates.
pub(super) fn certs(generation: Generation) -> AbsPath {
    literal(match generation {
        Generation::Nim1 => "/etc/ssl/nginx-manager",
        Generation::Nim2 => "/etc/nms/certs",
    })
}

/// What the manager's own are called there: the chain and its key.
pub(super) fn server_pair(generation: Generation) -> [&'static str; 2] {
    match generation {
        Generation::Nim1 => ["nginx-manager.crt", "nginx-manager.key"],
        Generation::Nim2 => ["server.crt", "server.key"],
    }
}

pub(super) fn literal(path: &'static str) -> AbsPath {
    path.parse().expect("a literal path")
}

/// Where what an agent is handed waits for it.
pub(super) fn issued_folder(facts: &Facts, agent: &HostName) -> AbsPath {
    let folder = facts.state.folder.join(&format!("issued/{agent}"));
    folder.expect("a host name is a path component")
}

/// Why there is no name for a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Taken {
    /// Both the usual name and ours are taken by files that are not ours.
    #[error("{wanted} and {last} are there and were not written by nim-tls")]
    Both { wanted: AbsPath, last: AbsPath },
    /// Whose file it is could not be told, so no other name is taken in silence.
    #[error("{path} could not be looked at: {why}")]
    Unclear { path: AbsPath, why: String },
}

/// `folder/name`, or `folder/nim-tls-name` where that is taken by a file that is not ours.
pub(super) fn free(facts: &Facts, folder: &AbsPath, name: &str) -> Result<AbsPath, Taken> {
    let wanted = folder.join(name).expect("a literal name");
    let last = folder
        .join(&format!("nim-tls-{name}"))
        .expect("a literal name");
    if let FileFact::Unclear(why) = facts.file(&wanted) {
        return Err(Taken::Unclear {
            path: wanted,
            why: why.clone(),
        });
    }
    let is_free = |path: &AbsPath| match facts.file(path) {
        FileFact::Nothing { .. } => true,
        FileFact::File(file) => file.ours,
        FileFact::NotAFile(_) | FileFact::Unclear(_) => false,
    };
    // Where ours is already under the second name, it stays there.
    let second = matches!(facts.file(&last), FileFact::File(file) if file.ours);
    if is_free(&wanted) && !second {
        Ok(wanted)
    } else if is_free(&last) {
        Ok(last)
    } else {
        Err(Taken::Both { wanted, last })
    }
}

impl From<Taken> for Problem {
    fn from(taken: Taken) -> Self {
        let remedy = match &taken {
            Taken::Both { last, .. } => format!("mv {last} {last}.before"),
            Taken::Unclear { path, .. } => format!("ls -l {path}"),
        };
        Problem::host(taken.to_string()).remedy(remedy)
    }
}
