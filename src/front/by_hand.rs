//! Where something was left: the commands that finish the undoing by hand.

use crate::receipt::{After, Before, Change, Receipt};
use crate::values::{AbsPath, RunId};
use crate::worker::Runs;

use super::place::Ground;
use super::typed::quoted;

/// For each path that was left, how it comes back as it was; then the rollback once more, which
/// takes away what was kept.
pub(super) fn commands(ground: &Ground, receipt: &Receipt) -> Vec<String> {
    if receipt.left.is_empty() {
        return Vec::new();
    }
    // In the receipt of a rollback are the changes that it took back, not those that it left.
    let run = receipt.undid.as_ref().unwrap_or(&receipt.run);
    let folder = Runs::new(ground.host(), ground.state()).open(run);
    let changes = match folder.receipt() {
        Ok(Some(receipt)) => receipt.changes,
        _ => Vec::new(),
    };
    let left = |change: &&Change| receipt.left.contains(&change.path);
    let mut commands: Vec<String> = changes
        .iter()
        .filter(left)
        .flat_map(|change| back(ground, run, change))
        .collect();
    commands.push(format!("nim-tls rollback {run} --yes{}", ground.options()));
    commands
}

fn back(ground: &Ground, run: &RunId, change: &Change) -> Vec<String> {
    let path = outside(ground, &change.path);
    match &change.before {
        Before::Nothing => match &change.after {
            After::Folder { .. } => vec![format!("ls -la {path}")],
            _ => vec![format!("mv {path} {path}.edited")],
        },
        Before::File {
            attributes, kept, ..
        } => {
            let folder = Runs::new(ground.host(), ground.state()).open(run);
            let copy = folder.path().join("before").join(kept);
            let copy = outside(ground, &copy.to_string_lossy());
            let (mode, owner) = (attributes.mode, attributes.owner);
            vec![
                format!("diff {copy} {path}"),
                format!(
                    "cp {copy} {path} && chown {}:{} {path} && chmod {mode} {path}",
                    owner.user, owner.group
                ),
            ]
        }
        Before::Link { target } => vec![format!("ln -sfn {} {path}", quoted(target.as_ref()))],
        Before::Folder { .. } => vec![format!("ls -lad {path}")],
    }
}

/// A path as a shell of the machine around reads it.
fn outside(ground: &Ground, path: &str) -> String {
    match path.parse::<AbsPath>() {
        Ok(path) => quoted(ground.outside(&path).as_ref()),
        Err(_) => quoted(path.as_ref()),
    }
}
