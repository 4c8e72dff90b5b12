//! Edits of nginx's files in the making, and whole files beside them.

use super::editor::Editor;
use super::file::{Content, FileChange, FolderChange, Reason, Status};
use super::placed::change;
use super::site::Site;
use super::template::Explained;
use crate::error::Problem;
use crate::facts::{Facts, FileFact, Known};
use crate::nginx::{Config, Edited, SourceFile};
use crate::values::{AbsPath, Mode, sort_by};

pub(super) struct NginxChanges {
    pub(super) files: Vec<FileChange>,
    pub(super) folders: Vec<FolderChange>,
    pub(super) notes: Vec<String>,
    /// Security headers that every answer to a browser will have.
    pub(super) headers: Vec<String>,
}

/// `'e` is the configuration that is edited.
pub(super) struct Work<'a, 'e> {
    pub(super) facts: &'a Facts,
    pub(super) site: &'a Site<'e>,
    pub(super) editor: Editor<'e>,
    /// Clients are judged more strictly than before.
    pub(super) tightened: bool,
    /// They are judged by another authority than before.
    pub(super) other_authority: bool,
    pub(super) changes: NginxChanges,
}

impl<'a, 'e> Work<'a, 'e> {
    pub(super) fn new(facts: &'a Facts, site: &'a Site<'e>) -> Self {
        Self {
            facts,
            site,
            editor: Editor::new(site.config),
            tightened: false,
            other_authority: false,
            changes: NginxChanges {
                files: Vec::new(),
                folders: Vec::new(),
                notes: Vec::new(),
                headers: Vec::new(),
            },
        }
    }

    /// A whole file of ours, and whether it would be another one than today. One of that name
    /// that somebody else wrote, or changed, stays.
    pub(super) fn own_file(&mut self, path: &AbsPath, file: Explained) -> Result<bool, Problem> {
        let mut change = change(self.facts, path, 0o644, Content::Text(file.text));
        change.reasons = file.reasons;
        let found = self.facts.file(path).file();
        if change.status == Status::Change && found.is_some_and(|found| !found.ours) {
            return Err(
                Problem::host(format!("{path} is there, and is not as nim-tls wrote it"))
                    .remedy(format!("move {path} away")),
            );
        }
        let changes = change.changes();
        self.changes.folders.push(FolderChange {
            path: path.parent(),
            mode: Mode(0o755),
        });
        self.changes.files.push(change);
        Ok(changes)
    }

    pub(super) fn finish(self) -> Result<NginxChanges, Problem> {
        let mut changes = self.changes;
        let edited = edited_files(self.facts, self.site.config, self.editor)?;
        changes.files.extend(edited);
        sort_by(&mut changes.files, |a, b| a.path.cmp(&b.path));
        if let Known::Unclear(why) = &self.facts.nginx {
            changes.notes.push(format!(
                "the version of nginx is not known ({why}); forms that old versions understand \
                 are used"
            ));
        }
        Ok(changes)
    }
}

/// A file of somebody else's with edits in it.
pub(super) fn edited_file(
    facts: &Facts,
    source: &SourceFile,
    edited: Edited<Reason>,
) -> Result<FileChange, Problem> {
    let path = really_at(facts, &source.path)?;
    let found = match facts.files.get(&path) {
        // Nobody has looked: this plan asks for it, and is made again with the answer.
        None => None,
        Some(FileFact::File(found)) => Some(found),
        Some(FileFact::Unclear(why)) => {
            let what = format!("{path} could not be looked at: {why}");
            return Err(Problem::host(what).remedy(format!("ls -l {path}")));
        }
        Some(_) => return Err(Problem::host(format!("{path} is not a regular file"))),
    };
    let same = edited.text == **source.text;
    Ok(FileChange {
        status: if same {
            Status::Unchanged
        } else {
            Status::Change
        },
        mode: found.map_or(Mode(0o644), |found| found.mode),
        owner: found.map_or((0, 0), |found| found.owner),
        content: Content::Text(edited.text),
        before: found.map(|found| found.digest.clone()),
        text_before: Some(source.text.to_string()),
        reasons: edited.generated,
        path,
    })
}

/// The same of all files that an editor has edited.
pub(super) fn edited_files(
    facts: &Facts,
    config: &Config,
    editor: Editor<'_>,
) -> Result<Vec<FileChange>, Problem> {
    let edited = editor.finish()?.into_iter();
    edited
        .map(|(file, edited)| edited_file(facts, config.file(file), edited))
        .collect()
}

/// A file reached through a symbolic link (`sites-enabled`) is edited where it really is.
fn really_at(facts: &Facts, path: &str) -> Result<AbsPath, Problem> {
    let parsed = |path: &str| {
        let read = path.parse::<AbsPath>();
        read.map_err(|error| Problem::host(format!("{path}: {error}")))
    };
    let path = parsed(path)?;
    match facts.links.get(&path) {
        Some(target) => parsed(target),
        None => Ok(path),
    }
}
