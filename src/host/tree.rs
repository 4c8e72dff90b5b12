//! From a path to an open descriptor, one component at a time. Each step opens a name relative
//! to the folder before it and never through a link, so what is checked is what is used; `..`
//! goes back to the folder we came from, so nothing leads above the root. It needs no system
//! call that a kernel of 2018 or a container's filter lacks (`openat2` would be one).

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};
use rustix::io::{Errno, retry_on_intr};

use super::failure::{HostError, at};

/// As many links in one path as Linux allows.
const MOST_LINKS: usize = 40;

/// Which symbolic links a path may lead through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// All: for looking.
    Any,
    /// Those of the system, such as `/bin` or `/var/run`: made by root, in a folder where only
    /// root could have made them. For writing.
    Trusted,
}

/// A file tree: the machine's, or what lies below a folder that stands for one.
#[derive(Debug)]
pub(super) struct Tree {
    root: File,
    live: bool,
}

/// Something that is there, open as a mere reference (`O_PATH`): no byte of it can be read or
/// written through this, and opening it so has no effect on it.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) file: File,
    /// Its path without any link.
    pub(super) path: PathBuf,
}

/// A folder and a name in it; whether something has that name is not said.
#[derive(Debug)]
pub(super) struct Spot {
    pub(super) folder: Reached,
    pub(super) name: OsString,
}

impl Tree {
    pub(super) fn open(root: &Path, live: bool) -> Result<Self, HostError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = open_at(CWD, root.as_os_str(), flags).map_err(at(root))?;
        Ok(Self { root, live })
    }

    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    /// What is at `path` when every link is followed, for looking at it. On a running system
    /// the kernel follows them itself: only it can follow `/proc/PID/exe` to a deleted file.
    pub(super) fn look(&self, path: &Path) -> Result<File, HostError> {
        if !self.live {
            return Ok(self.reach(path, Links::Any)?.file);
        }
        components(path)?;
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        open_at(&self.root, path.as_os_str(), flags).map_err(at(path))
    }

    /// What has the last name of `path`, be it a link, for looking at it; `None` where nothing
    /// has. The folders are those that [`look`](Self::look) finds.
    pub(super) fn look_at(&self, path: &Path) -> Result<Option<File>, HostError> {
        if path.file_name().is_none() {
            return Ok(Some(self.reach(path, Links::Any)?.file));
        }
        if !self.live {
            let spot = self.spot(path, Links::Any)?;
            return spot.folder.entry(&spot.name).map_err(at(path));
        }
        components(path)?;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match open_at(&self.root, path.as_os_str(), flags) {
            Ok(file) => Ok(Some(file)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(at(path)(error)),
        }
    }

    /// `path` without any link.
    pub(super) fn real_path(&self, path: &Path) -> Result<PathBuf, HostError> {
        if self.live {
            components(path)?;
            return std::fs::canonicalize(path).map_err(at(path));
        }
        Ok(self.reach(path, Links::Any)?.path)
    }

    /// What is at `path`, and its path without any link.
    pub(super) fn reach(&self, path: &Path, links: Links) -> Result<Reached, HostError> {
        self.walk(path, links, |_| ())
    }

    /// The folder of `path`, and the last name of `path`.
    pub(super) fn spot(&self, path: &Path, links: Links) -> Result<Spot, HostError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(HostError::refused(path, "there is no name in this path"));
        };
        let folder = self.reach(parent, links)?;
        if !folder.file.metadata().map_err(at(path))?.is_dir() {
            return Err(at(path)(Errno::NOTDIR));
        }
        Ok(Spot {
            folder,
            name: name.to_owned(),
        })
    }

    /// [`reach`](Self::reach) that shows each folder on the way, those behind links included.
    pub(super) fn walk(
        &self,
        path: &Path,
        links: Links,
        mut passing: impl FnMut(&Reached),
    ) -> Result<Reached, HostError> {
        let mut pending: VecDeque<OsString> = components(path)?.into();
        let root = self.root.try_clone().map_err(at(path))?;
        let mut here = vec![Reached {
            file: root,
            path: PathBuf::from("/"),
        }];
        let mut links_met = 0;
        while let Some(name) = pending.pop_front() {
            let folder = &here[here.len() - 1];
            passing(folder);
            if name == ".." {
                here.truncate((here.len() - 1).max(1));
                continue;
            }
            let next = folder.open(&name, OFlags::PATH).map_err(at(path))?;
            let what = next.metadata().map_err(at(path))?;
            if !what.is_symlink() {
                let path = folder.path.join(&name);
                here.push(Reached { file: next, path });
                continue;
            }
            links_met += 1;
            if links_met > MOST_LINKS {
                return Err(at(path)(Errno::LOOP));
            }
            if links == Links::Trusted {
                folder.check_link(&name, &what)?;
            }
            let target = target_of(&next).map_err(at(path))?;
            if target.is_absolute() {
                here.truncate(1);
            }
            for component in parts(&target).into_iter().rev() {
                pending.push_front(component);
            }
        }
        Ok(here.swap_remove(here.len() - 1))
    }
}

impl Reached {
    /// Opens a name in this folder, never through a link.
    pub(super) fn open(&self, name: &OsStr, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(open_at(&self.file, name, flags)?)
    }

    /// What has this name in this folder.
    pub(super) fn entry(&self, name: &OsStr) -> io::Result<Option<File>> {
        match self.open(name, OFlags::PATH) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn check_link(&self, name: &OsStr, link: &Metadata) -> Result<(), HostError> {
        let folder = self.file.metadata().map_err(at(&self.path))?;
        if ours(link.uid()) && ours(folder.uid()) && !group_or_others_write(&folder) {
            return Ok(());
        }
        Err(HostError::refused(
            &self.path.join(name),
            format!(
                "is a symbolic link of user {}, in a folder of user {} with mode {:04o}: only \
                 links that nobody but root can change are followed for writing",
                link.uid(),
                folder.uid(),
                folder.mode() & 0o7777,
            ),
        ))
    }
}

/// What is there, open. Whoever is interrupted meanwhile, as on a network disk, tries again.
pub(super) fn open_at(folder: impl AsFd, name: &OsStr, flags: OFlags) -> rustix::io::Result<File> {
    retry_on_intr(|| openat(folder.as_fd(), name, flags, Mode::empty())).map(File::from)
}

/// Where the symbolic link points that is open here.
pub(super) fn target_of(link: &File) -> io::Result<PathBuf> {
    let target = retry_on_intr(|| readlinkat(link, "", Vec::new()))?;
    Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
}

/// Whether this user is root or ourselves.
pub(super) fn ours(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}

fn group_or_others_write(what: &Metadata) -> bool {
    what.mode() & 0o002 != 0 || (what.mode() & 0o020 != 0 && what.gid() != 0)
}

fn components(path: &Path) -> Result<Vec<OsString>, HostError> {
    if !path.is_absolute() {
        return Err(HostError::refused(path, "is not an absolute path"));
    }
    if path.as_os_str().as_bytes().contains(&0) {
        return Err(HostError::refused(path, "holds a NUL byte"));
    }
    Ok(parts(path))
}

fn parts(path: &Path) -> Vec<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            _ => None,
        })
        .collect()
}
