//! Where something was left: the commands that finish the undoing by hand.

use std::path::Path;

use crate::host::{Kind, Stat};
use crate::receipt::{After, Before, Change, Receipt};
use crate::values::{AbsPath, Digest, RunId, with_command};
use crate::worker::{self, Runs};

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
    commands.dedup();
    commands.push(format!("nim-tls rollback {run} --yes{}", ground.options()));
    commands
}

fn back(ground: &Ground, run: &RunId, change: &Change) -> Vec<String> {
    let inside = Path::new(&change.path);
    let present = ground.host().stat(inside).ok().flatten();
    let is_file = |stat: &Stat| stat.kind == Kind::File;
    if present.as_ref().is_none_or(is_file) {
        let obstacle = ground.host().obstacle(inside);
        let obstacle = obstacle.as_deref().and_then(|why| with_command(why).1);
        if let Some(command) = obstacle {
            // As long as it stands in the way, nothing else helps.
            return vec![command.to_owned()];
        }
    }
    // Nobody has edited it: what kept it from going back was something else.
    if worker::is_as_left(ground.host(), change) {
        return Vec::new();
    }
    let path = outside(ground, &change.path);
    match &change.before {
        Before::Nothing => match &change.after {
            After::Folder { .. } => vec![format!("ls -la {path}")],
            // It may be a key that somebody has opened to others.
            After::File { .. } if change.secret && present.as_ref().is_some_and(is_file) => {
                vec![format!("chmod 600 {path} && mv {path} {path}.edited")]
            }
            _ => vec![format!("mv {path} {path}.edited")],
        },
        Before::File {
            attributes,
            kept,
            digest,
            ..
        } => {
            let folder = Runs::new(ground.host(), ground.state()).open(run);
            let whole = folder
                .kept(kept)
                .is_ok_and(|bytes| Digest::of(&bytes) == *digest);
            let copy = folder.path().join("before").join(kept);
            let copy = outside(ground, &copy.to_string_lossy());
            // What is in a damaged copy must not go live by being pasted.
            if !whole {
                return vec![format!("ls -l {copy} {path}")];
            }
            let (mode, owner) = (attributes.mode, attributes.owner);
            let first = match &present {
                Some(stat) if is_file(stat) => Some(format!("diff {copy} {path}")),
                // It would be written through, or into.
                Some(_) => Some(format!("mv {path} {path}.edited")),
                None => {
                    let folder = inside.parent().unwrap_or(inside);
                    let gone = matches!(ground.host().stat(folder), Ok(None));
                    let folder = outside(ground, &folder.to_string_lossy());
                    gone.then(|| format!("mkdir -p {folder}"))
                }
            };
            let copied = format!(
                "cp {copy} {path} && chown {}:{} {path} && chmod {mode} {path}",
                owner.user, owner.group
            );
            first.into_iter().chain([copied]).collect()
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::host::{Entry, Memory};
    use crate::values::{Attributes, Mode, Owner};

    #[test]
    fn a_copy_is_only_copied_back_where_it_is_what_was_there() {
        let run: RunId = "2026-01-01-01".parse().unwrap();
        let change = Change {
            path: "/etc/a.conf".to_owned(),
            before: Before::File {
                digest: Digest::of(b"whole"),
                length: 5,
                attributes: Attributes::root(0o644),
                modified: 0,
                kept: "00001".to_owned(),
            },
            after: After::File {
                digest: Digest::of(b"ours"),
                mode: Mode(0o644),
                owner: Owner { user: 0, group: 0 },
            },
            secret: false,
        };
        let copy = "/var/lib/nim-tls/runs/2026-01-01-01/before/00001";
        for (bytes, goes_back) in [("whole", true), ("# evil", false)] {
            let machine = Memory::new().with_file(copy, bytes);
            let ground = Ground::of(Arc::new(machine));
            let said = back(&ground, &run, &change).join("\n");
            assert_eq!(said.contains("cp "), goes_back, "{said}");
            assert!(said.contains(copy), "{said}");
        }
        let link = Entry::link("victim");
        let machine = Memory::new().with_file(copy, "whole");
        let machine = machine.with("/etc/a.conf", link);
        let said = back(&Ground::of(Arc::new(machine)), &run, &change).join("\n");
        assert!(
            said.starts_with("mv /etc/a.conf /etc/a.conf.edited\ncp "),
            "{said}"
        );
        assert!(!said.contains("diff"), "{said}");
    }

    #[test]
    fn a_key_is_closed_before_it_is_moved_away() {
        let run: RunId = "2026-01-01-01".parse().unwrap();
        let change = Change {
            path: "/etc/a.key".to_owned(),
            before: Before::Nothing,
            after: After::File {
                digest: Digest::of(b"key"),
                mode: Mode(0o600),
                owner: Owner { user: 0, group: 0 },
            },
            secret: true,
        };
        for (mode, said) in [
            (
                0o644,
                "chmod 600 /etc/a.key && mv /etc/a.key /etc/a.key.edited",
            ),
            // As the run left it: it only has to be tried again.
            (0o600, ""),
        ] {
            let file = Entry::file("key", Attributes::root(mode));
            let machine = Memory::new().with("/etc/a.key", file);
            let ground = Ground::of(Arc::new(machine));
            assert_eq!(back(&ground, &run, &change).join("\n"), said);
        }
    }
}
