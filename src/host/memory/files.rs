//! A file tree in a map.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;

use super::super::dress::is_label;
use super::super::failure::{HostError, at};
use super::super::file::{Attributes, Kind, Owner, Stat};
use crate::values::{Gather as _, sort_by};

/// Something at a path. Equal entries are the same file to everybody who does not look at
/// the clock.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    pub kind: Kind,
    pub attributes: Attributes,
    pub bytes: Vec<u8>,
}

/// Without the bytes: they may be a private key.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            attributes,
            bytes,
        } = self;
        write!(f, "{kind:?} of {} bytes, {attributes:?}", bytes.len())
    }
}

impl Entry {
    pub fn file(bytes: impl Into<Vec<u8>>, attributes: Attributes) -> Self {
        Self {
            kind: Kind::File,
            attributes,
            bytes: bytes.into(),
        }
    }

    pub fn folder(attributes: Attributes) -> Self {
        Self {
            kind: Kind::Folder,
            attributes,
            bytes: Vec::new(),
        }
    }

    pub fn link(target: impl Into<PathBuf>) -> Self {
        let kind = Kind::Link(target.into());
        Self {
            kind,
            attributes: Attributes::root(0o777),
            bytes: Vec::new(),
        }
    }

    /// A device, socket or FIFO.
    pub fn special() -> Self {
        Self {
            kind: Kind::Special,
            attributes: Attributes::root(0o600),
            bytes: Vec::new(),
        }
    }
}

#[derive(Debug, Clone)]
struct Node {
    entry: Entry,
    modified: i64,
}

#[derive(Debug)]
pub(super) struct Files {
    nodes: BTreeMap<PathBuf, Node>,
}

impl Files {
    pub(super) fn new(now: i64) -> Self {
        let entry = Entry::folder(Attributes::root(0o755));
        Self {
            nodes: BTreeMap::from([(
                PathBuf::from("/"),
                Node {
                    entry,
                    modified: now,
                },
            )]),
        }
    }

    pub(super) fn entries(&self) -> BTreeMap<PathBuf, Entry> {
        self.nodes
            .iter()
            .map(|(path, node)| (path.clone(), node.entry.clone()))
            .gathered()
    }

    /// Puts something there whatever was there, and the folders above it where they lack.
    pub(super) fn put(&mut self, path: &Path, entry: Entry, now: i64) {
        for folder in path.ancestors().skip(1) {
            let entry = Entry::folder(Attributes::root(0o755));
            self.nodes.entry(folder.to_owned()).or_insert(Node {
                entry,
                modified: now,
            });
        }
        self.nodes.insert(
            path.to_owned(),
            Node {
                entry,
                modified: now,
            },
        );
    }

    /// Takes away what is there and below.
    pub(super) fn take_away(&mut self, path: &Path) {
        self.nodes.retain(|other, _| !other.starts_with(path));
    }

    pub(super) fn stat(&self, path: &Path) -> Result<Option<Stat>, HostError> {
        let spot = match self.spot(path, false) {
            Err(error) if error.is_absence() => return Ok(None),
            spot => spot?,
        };
        Ok(self.nodes.get(&spot).map(|Node { entry, modified }| Stat {
            kind: entry.kind.clone(),
            attributes: entry.attributes.clone(),
            size: entry.bytes.len() as u64,
            modified: *modified,
            links: 1,
        }))
    }

    pub(super) fn read(&self, path: &Path) -> Result<&[u8], HostError> {
        let entry = &self.node(&self.reach(path, false)?)?.entry;
        match entry.kind {
            Kind::File => Ok(&entry.bytes),
            Kind::Folder => Err(HostError::refused(path, "is a folder")),
            Kind::Link(_) | Kind::Special => Err(HostError::refused(path, "is no regular file")),
        }
    }

    pub(super) fn list(&self, folder: &Path) -> Result<Vec<String>, HostError> {
        let real = match self.reach(folder, false) {
            Err(error) if error.is_absence() => return Ok(Vec::new()),
            real => real?,
        };
        if self.node(&real)?.entry.kind != Kind::Folder {
            return Err(at(folder)(Errno::NOTDIR));
        }
        let names = self
            .nodes
            .keys()
            .filter(|path| path.parent() == Some(&*real));
        Ok(names
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect())
    }

    pub(super) fn place(&mut self, path: &Path, entry: Entry, now: i64) -> Result<(), HostError> {
        let spot = self.spot(path, true)?;
        match self.nodes.get(&spot).map(|node| &node.entry.kind) {
            None | Some(Kind::File) => {}
            Some(Kind::Link(_)) if matches!(entry.kind, Kind::Link(_)) => {}
            Some(Kind::Link(to)) => {
                let why = format!("is a symbolic link to {}", to.display());
                return Err(HostError::refused(path, why));
            }
            Some(Kind::Folder) => return Err(HostError::refused(path, "is a folder")),
            Some(Kind::Special) => return Err(HostError::refused(path, "is no regular file")),
        }
        self.nodes.insert(
            spot,
            Node {
                entry,
                modified: now,
            },
        );
        Ok(())
    }

    pub(super) fn place_over_link(
        &mut self,
        path: &Path,
        entry: Entry,
        now: i64,
    ) -> Result<(), HostError> {
        let spot = self.spot(path, true)?;
        let is_link = |node: &Node| matches!(node.entry.kind, Kind::Link(_));
        if self.nodes.get(&spot).is_some_and(is_link) {
            self.nodes.remove(&spot);
        }
        self.place(path, entry, now)
    }

    pub(super) fn make_folder(
        &mut self,
        path: &Path,
        attributes: &Attributes,
        now: i64,
    ) -> Result<(), HostError> {
        let spot = self.spot(path, true)?;
        match self.nodes.get(&spot).map(|node| &node.entry.kind) {
            None => {
                let entry = Entry::folder(attributes.clone());
                self.nodes.insert(
                    spot,
                    Node {
                        entry,
                        modified: now,
                    },
                );
                Ok(())
            }
            Some(Kind::Folder) => Ok(()),
            Some(Kind::Link(_)) if self.stands_for_folder(path) => Ok(()),
            Some(_) => Err(HostError::refused(path, "exists and is no folder")),
        }
    }

    fn stands_for_folder(&self, path: &Path) -> bool {
        let kind = self.reach(path, false).ok().and_then(|real| {
            let node = self.nodes.get(&real)?;
            Some(&node.entry.kind)
        });
        kind == Some(&Kind::Folder)
    }

    pub(super) fn set_attributes(
        &mut self,
        path: &Path,
        attributes: &Attributes,
    ) -> Result<(), HostError> {
        let spot = self.spot(path, true)?;
        let node = self
            .nodes
            .get_mut(&spot)
            .ok_or_else(|| at(path)(Errno::NOENT))?;
        match node.entry.kind {
            Kind::File | Kind::Folder => {
                let labels = node.entry.attributes.extended.iter().filter(|(name, _)| {
                    is_label(name) && !attributes.extended.iter().any(|(given, _)| given == name)
                });
                let mut wanted = attributes.clone();
                wanted.extended.extend(labels.cloned());
                sort_by(&mut wanted.extended, Ord::cmp);
                node.entry.attributes = wanted;
                Ok(())
            }
            Kind::Link(_) | Kind::Special => Err(HostError::refused(
                path,
                "is neither a regular file nor a folder",
            )),
        }
    }

    pub(super) fn append(&mut self, path: &Path, bytes: &[u8], now: i64) -> Result<(), HostError> {
        let spot = self.spot(path, true)?;
        let mut entry = match self.nodes.get(&spot) {
            None => Entry::file("", Attributes::root(0o600)),
            Some(node) if node.entry.kind == Kind::File => node.entry.clone(),
            Some(_) => return Err(HostError::refused(path, "is no regular file")),
        };
        entry.bytes.extend_from_slice(bytes);
        self.nodes.insert(
            spot,
            Node {
                entry,
                modified: now,
            },
        );
        Ok(())
    }

    pub(super) fn remove_file(&mut self, path: &Path) -> Result<(), HostError> {
        let spot = self.spot(path, true)?;
        if self.node(&spot)?.entry.kind == Kind::Folder {
            return Err(at(path)(Errno::ISDIR));
        }
        self.nodes.remove(&spot);
        Ok(())
    }

    pub(super) fn remove_folder(&mut self, path: &Path) -> Result<(), HostError> {
        let spot = self.spot(path, true)?;
        if self.node(&spot)?.entry.kind != Kind::Folder {
            return Err(at(path)(Errno::NOTDIR));
        }
        if self
            .nodes
            .keys()
            .any(|other| other.parent() == Some(&*spot))
        {
            return Err(at(path)(Errno::NOTEMPTY));
        }
        self.nodes.remove(&spot);
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Result<(), HostError> {
        let (old, new) = (self.spot(from, true)?, self.spot(to, true)?);
        if self.nodes.contains_key(&new) {
            return Err(at(to)(Errno::EXIST));
        }
        self.node(&old).map_err(|_| at(from)(Errno::NOENT))?;
        let moving: Vec<PathBuf> = self
            .nodes
            .keys()
            .filter(|path| path.starts_with(&old))
            .cloned()
            .collect();
        for path in moving {
            if let (Some(node), Ok(rest)) = (self.nodes.remove(&path), path.strip_prefix(&old)) {
                let target = if rest.as_os_str().is_empty() {
                    new.clone()
                } else {
                    new.join(rest)
                };
                self.nodes.insert(target, node);
            }
        }
        Ok(())
    }

    /// The path with every link resolved; whatever it names has to exist.
    pub(super) fn reach(&self, path: &Path, trusted: bool) -> Result<PathBuf, HostError> {
        if !path.is_absolute() {
            return Err(HostError::refused(path, "is not an absolute path"));
        }
        let mut pending: VecDeque<OsString> = parts(path);
        let mut here = PathBuf::from("/");
        let mut links = 0;
        while let Some(name) = pending.pop_front() {
            if name == ".." {
                here.pop();
                continue;
            }
            if self.node(&here)?.entry.kind != Kind::Folder {
                return Err(at(path)(Errno::NOTDIR));
            }
            let next = here.join(name);
            let entry = &self.node(&next).map_err(|_| at(path)(Errno::NOENT))?.entry;
            let Kind::Link(target) = &entry.kind else {
                here = next;
                continue;
            };
            links += 1;
            if links > 40 {
                return Err(at(path)(Errno::LOOP));
            }
            if trusted && entry.attributes.owner != Owner::ROOT {
                return Err(HostError::refused(
                    &next,
                    "is a symbolic link that is not root's",
                ));
            }
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            parts(target)
                .into_iter()
                .rev()
                .for_each(|part| pending.push_front(part));
        }
        Ok(here)
    }

    /// The path with the links among its folders resolved; the last name need not exist.
    fn spot(&self, path: &Path, trusted: bool) -> Result<PathBuf, HostError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return self.reach(path, trusted);
        };
        let folder = self.reach(parent, trusted)?;
        if self.node(&folder)?.entry.kind != Kind::Folder {
            return Err(at(path)(Errno::NOTDIR));
        }
        Ok(folder.join(name))
    }

    fn node(&self, path: &Path) -> Result<&Node, HostError> {
        self.nodes.get(path).ok_or_else(|| at(path)(Errno::NOENT))
    }
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            _ => None,
        })
        .collect()
}
