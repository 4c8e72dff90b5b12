//! A configuration as read: its files, and what stands where.

use std::sync::Arc;

use super::occurring::{AllNamed, all_named};
use super::skimmed::Text;
use super::tree::{Directive, FileId, Flat, Place, flat};

/// One file of a configuration. It is listed once, however often it is included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// As nginx names it: a relative name follows the main file's folder.
    pub path: String,
    /// Shared with the blocks that are read from it when somebody asks.
    pub text: Arc<Text>,
    /// False where the file is not UTF-8: the text is then an approximation, and an edit of it
    /// would damage the file.
    pub exact: bool,
}

/// A configuration as nginx would read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The main file first, then in the order in which they are first included.
    pub files: Vec<SourceFile>,
    /// The directives of the main file.
    pub main: Vec<Directive>,
}

/// Why a directive must not be edited where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Uneditable {
    #[error("{path} is not UTF-8 text")]
    NotText { path: String },
    #[error("{path} is included more than once ({}): a change there would have more than one effect", .by.join(", "))]
    Shared {
        path: String,
        /// The including lines, as `path:line`.
        by: Vec<String>,
    },
}

impl Config {
    /// # Panics
    ///
    /// If `id` comes from another configuration.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The file with that path, if it is part of this configuration.
    pub fn find_file(&self, path: &str) -> Option<FileId> {
        let found = self.files.iter().position(|file| file.path == path)?;
        u32::try_from(found).ok().map(FileId)
    }

    /// A path as nginx reads it from a directive: a relative one starts at the folder of the
    /// main file (true for `include`, certificates and keys).
    pub fn resolved(&self, path: &str) -> String {
        match self
            .files
            .first()
            .and_then(|main| main.path.rsplit_once('/'))
        {
            Some((folder, _)) if !path.starts_with('/') => format!("{folder}/{path}"),
            _ => path.to_owned(),
        }
    }

    /// A place for people: `path:line`.
    pub fn shown(&self, place: &Place) -> String {
        format!("{}:{}", self.file(place.file).path, place.line)
    }

    /// The `include` directives that read `file`. One that stands in a file that is itself read
    /// twice is there twice.
    pub fn inclusions(&self, file: FileId) -> Vec<&Directive> {
        let times = |include: &&Directive| {
            let read = include.included().iter();
            read.filter(|included| included.file == file).count()
        };
        self.all(&["include"])
            .flat_map(|include| std::iter::repeat_n(include, times(&include)))
            .collect()
    }

    /// Whether an edit of the file at `place` changes what is meant and nothing else: the file
    /// is text, and nginx reads it once.
    pub fn editable(&self, place: &Place) -> Result<(), Uneditable> {
        let file = self.file(place.file);
        let path = file.path.clone();
        if !file.exact {
            return Err(Uneditable::NotText { path });
        }
        let by = self.inclusions(place.file);
        if by.len() > 1 {
            let by = by.iter().map(|include| self.shown(&include.at)).collect();
            return Err(Uneditable::Shared { path, by });
        }
        Ok(())
    }

    /// Every directive that has one of these names, anywhere.
    pub fn all<'a>(&'a self, names: &'a [&'a str]) -> AllNamed<'a> {
        all_named(&self.main, names)
    }

    /// The directives of the main level, through includes.
    pub fn top(&self) -> Flat<'_> {
        flat(&self.main)
    }
}
