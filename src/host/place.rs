//! Changing files so that nobody can turn the change into another one, and so that a crash
//! leaves the old file or the new one. Every operation first opens the folder (through no link
//! that somebody else could have made) and then works with names in that open folder.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, Mode as RawMode, OFlags, RenameFlags, linkat, mkdirat, openat, renameat,
    renameat_with, symlinkat, unlinkat,
};
use rustix::io::{Errno, retry_on_intr};

use super::dress::{dress, set_mode};
use super::failure::{HostError, at};
use super::file::Attributes;
use super::look::a_special;
use super::tree::{Links, Reached, Spot, Tree, target_of};
use crate::values::path_word;

/// How the names of temporary files begin: with a dot and without a suffix, so that no
/// `include *.conf` and no trust store command picks one up that a crash left behind.
pub const TEMPORARY: &str = ".nim-tls-";

const PRIVATE: RawMode = RawMode::RUSR.union(RawMode::WUSR);
const PRIVATE_FOLDER: RawMode = RawMode::RWXU;

pub(super) fn place(
    tree: &Tree,
    path: &Path,
    bytes: &[u8],
    attributes: &Attributes,
) -> Result<(), HostError> {
    let spot = tree.spot(path, Links::Trusted)?;
    check_replaceable(&spot.folder, &spot.name, path)?;
    placed(&spot, path, bytes, attributes)
}

pub(super) fn place_over_link(
    tree: &Tree,
    path: &Path,
    bytes: &[u8],
    attributes: &Attributes,
) -> Result<(), HostError> {
    let spot = tree.spot(path, Links::Trusted)?;
    check_link_or_sole_file(&spot.folder, &spot.name, path)?;
    placed(&spot, path, bytes, attributes)
}

/// What has this name is replaced, whatever it is.
fn placed(
    Spot { folder, name }: &Spot,
    path: &Path,
    bytes: &[u8],
    attributes: &Attributes,
) -> Result<(), HostError> {
    let temporary = Temporary::file(folder).map_err(at(path))?;
    let mut file = &temporary.file;
    dress(file, attributes).map_err(at(path))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(at(path))?;
    temporary.entry.replace(name).map_err(at(path))?;
    sync(folder).map_err(at(path))
}

pub(super) fn make_folder(
    tree: &Tree,
    path: &Path,
    attributes: &Attributes,
) -> Result<(), HostError> {
    let Spot { folder, name } = tree.spot(path, Links::Trusted)?;
    match retry_on_intr(|| mkdirat(&folder.file, &name, PRIVATE_FOLDER)) {
        Ok(()) => {}
        Err(Errno::EXIST) => return existing_folder(tree, &folder, &name, path),
        Err(error) => return Err(at(path)(error)),
    }
    let dressed = folder
        .open(&name, OFlags::RDONLY | OFlags::DIRECTORY)
        .and_then(|made| dress(&made, attributes))
        .and_then(|()| sync(&folder));
    if dressed.is_err() {
        // Half-made is worse than not made; that it cannot be removed adds nothing.
        let _ = unlinkat(&folder.file, &name, AtFlags::REMOVEDIR);
    }
    dressed.map_err(at(path))
}

pub(super) fn set_attributes(
    tree: &Tree,
    path: &Path,
    attributes: &Attributes,
) -> Result<(), HostError> {
    let Spot { folder, name } = tree.spot(path, Links::Trusted)?;
    let Some(reference) = folder.entry(&name).map_err(at(path))? else {
        return Err(at(path)(Errno::NOENT));
    };
    if !reference.metadata().map_err(at(path))?.is_dir() {
        check_sole_file(&reference, path)?;
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = folder.open(&name, flags).map_err(at(path))?;
    // Checked again, on what was opened: the first look only kept us from opening a device.
    if !file.metadata().map_err(at(path))?.is_dir() {
        check_sole_file(&file, path)?;
    }
    dress(&file, attributes)
        .and_then(|()| file.sync_all())
        .map_err(at(path))
}

pub(super) fn place_link(tree: &Tree, path: &Path, target: &Path) -> Result<(), HostError> {
    let Spot { folder, name } = tree.spot(path, Links::Trusted)?;
    check_link_or_sole_file(&folder, &name, path)?;
    let link = Entry::new(&folder, |name| {
        retry_on_intr(|| symlinkat(target, &folder.file, name))
    });
    let (link, ()) = link.map_err(at(path))?;
    link.replace(&name).map_err(at(path))?;
    sync(&folder).map_err(at(path))
}

pub(super) fn remove_file(tree: &Tree, path: &Path) -> Result<(), HostError> {
    remove(tree, path, AtFlags::empty())
}

pub(super) fn remove_folder(tree: &Tree, path: &Path) -> Result<(), HostError> {
    remove(tree, path, AtFlags::REMOVEDIR)
}

pub(super) fn rename(tree: &Tree, from: &Path, to: &Path) -> Result<(), HostError> {
    let old = tree.spot(from, Links::Trusted)?;
    let new = tree.spot(to, Links::Trusted)?;
    let (source, target) = (&old.folder.file, &new.folder.file);
    let renamed = retry_on_intr(|| {
        renameat_with(source, &old.name, target, &new.name, RenameFlags::NOREPLACE)
    });
    match renamed {
        Ok(()) => {}
        // A filesystem without this kind of rename: a second name first, which replaces
        // nothing either, then the first name away.
        Err(Errno::INVAL | Errno::NOSYS) => {
            linkat(source, &old.name, target, &new.name, AtFlags::empty())
                .and_then(|()| unlinkat(source, &old.name, AtFlags::empty()))
                .map_err(at(to))?;
        }
        Err(error @ Errno::NOENT) => return Err(at(from)(error)),
        Err(error) => return Err(at(to)(error)),
    }
    sync(&new.folder).map_err(at(to))?;
    sync(&old.folder).map_err(at(from))
}

pub(super) fn append(tree: &Tree, path: &Path, bytes: &[u8]) -> Result<(), HostError> {
    let file = appended(tree, path, bytes)?;
    file.sync_all().map_err(at(path))
}

pub(super) fn appended(tree: &Tree, path: &Path, bytes: &[u8]) -> Result<File, HostError> {
    let mut file = open_or_create(tree, path, OFlags::WRONLY | OFlags::APPEND)?;
    file.write_all(bytes).map_err(at(path))?;
    Ok(file)
}

/// Opens a regular file that only we write, and makes it (0600) where there is none.
pub(super) fn open_or_create(tree: &Tree, path: &Path, access: OFlags) -> Result<File, HostError> {
    let Spot { folder, name } = tree.spot(path, Links::Trusted)?;
    let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let fresh = flags | OFlags::CREATE | OFlags::EXCL;
    match retry_on_intr(|| openat(&folder.file, &name, fresh, PRIVATE)) {
        Ok(file) => {
            // The umask may have taken bits away.
            let file = File::from(file);
            set_mode(&file, PRIVATE.as_raw_mode()).map_err(at(path))?;
            sync(&folder).map_err(at(path))?;
            return Ok(file);
        }
        Err(Errno::EXIST) => {}
        Err(error) => return Err(at(path)(error)),
    }
    if let Some(there) = folder.entry(&name).map_err(at(path))? {
        check_sole_file(&there, path)?;
    }
    let file = folder.open(&name, flags).map_err(at(path))?;
    check_sole_file(&file, path)?;
    Ok(file)
}

/// A name in a folder that goes away with this value, unless it becomes another name.
struct Entry<'a> {
    folder: &'a Reached,
    name: OsString,
    replaced: bool,
}

struct Temporary<'a> {
    entry: Entry<'a>,
    file: File,
}

impl<'a> Temporary<'a> {
    fn file(folder: &'a Reached) -> io::Result<Self> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = |name: &OsStr| retry_on_intr(|| openat(&folder.file, name, flags, PRIVATE));
        let (entry, file) = Entry::new(folder, open)?;
        Ok(Self {
            entry,
            file: File::from(file),
        })
    }
}

impl<'a> Entry<'a> {
    /// Makes something under a name that nothing else has.
    fn new<T>(
        folder: &'a Reached,
        make: impl Fn(&OsStr) -> rustix::io::Result<T>,
    ) -> io::Result<(Self, T)> {
        for _ in 0..16 {
            // Enough to be unique; that nobody waits under the name is what O_EXCL is for.
            let random = RandomState::new().build_hasher().finish();
            let name = OsString::from(format!("{TEMPORARY}{random:016x}"));
            match make(&name) {
                Ok(result) => {
                    return Ok((
                        Self {
                            folder,
                            name,
                            replaced: false,
                        },
                        result,
                    ));
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Errno::EXIST.into())
    }

    fn replace(mut self, name: &OsStr) -> io::Result<()> {
        let folder = &self.folder.file;
        retry_on_intr(|| renameat(folder, &self.name, folder, name))?;
        self.replaced = true;
        Ok(())
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if !self.replaced {
            // We are on the way out with an error that says more than this one would.
            let _ = retry_on_intr(|| unlinkat(&self.folder.file, &self.name, AtFlags::empty()));
        }
    }
}

fn remove(tree: &Tree, path: &Path, flags: AtFlags) -> Result<(), HostError> {
    let Spot { folder, name } = tree.spot(path, Links::Trusted)?;
    retry_on_intr(|| unlinkat(&folder.file, &name, flags)).map_err(at(path))?;
    sync(&folder).map_err(at(path))
}

fn check_replaceable(folder: &Reached, name: &OsStr, path: &Path) -> Result<(), HostError> {
    match folder.entry(name).map_err(at(path))? {
        Some(there) => check_sole_file(&there, path),
        None => Ok(()),
    }
}

fn check_link_or_sole_file(folder: &Reached, name: &OsStr, path: &Path) -> Result<(), HostError> {
    match folder.entry(name).map_err(at(path))? {
        Some(there) if !there.metadata().map_err(at(path))?.is_symlink() => {
            check_sole_file(&there, path)
        }
        _ => Ok(()),
    }
}

fn existing_folder(
    tree: &Tree,
    folder: &Reached,
    name: &OsStr,
    path: &Path,
) -> Result<(), HostError> {
    let there = folder.entry(name).map_err(at(path))?;
    let data = there.map(|file| file.metadata());
    let Some(data) = data.transpose().map_err(at(path))? else {
        return Err(HostError::refused(path, "went away while it was looked at"));
    };
    // A link of the system stands for its folder, here as higher up in a path.
    let is_folder = data.is_dir()
        || data.is_symlink()
            && tree
                .reach(path, Links::Trusted)?
                .file
                .metadata()
                .map_err(at(path))?
                .is_dir();
    if is_folder {
        Ok(())
    } else {
        Err(HostError::refused(path, "exists and is no folder"))
    }
}

/// Refuses everything but a regular file that has no second name.
fn check_sole_file(file: &File, path: &Path) -> Result<(), HostError> {
    let data = file.metadata().map_err(at(path))?;
    match why_not_sole_file(file, &data) {
        Some(why) => Err(HostError::refused(path, why)),
        None => Ok(()),
    }
}

/// What keeps something from being replaced as a file; after the path, as in "/x is a folder".
pub(super) fn why_not_sole_file(file: &File, data: &Metadata) -> Option<String> {
    if data.is_symlink() {
        let target = target_of(file).map_or_else(|_| "?".into(), path_word);
        Some(format!("is a symbolic link to {target}"))
    } else if data.is_dir() {
        Some("is a folder".to_owned())
    } else if !data.is_file() {
        Some(format!("is {}", a_special(data)))
    } else if data.nlink() > 1 {
        Some(format!(
            "is one of {} names of the same file (hard links)",
            data.nlink()
        ))
    } else {
        None
    }
}

/// Makes a change of names in this folder survive a crash.
fn sync(folder: &Reached) -> io::Result<()> {
    let open = folder.open(OsStr::new("."), OFlags::RDONLY | OFlags::DIRECTORY)?;
    match retry_on_intr(|| rustix::fs::fsync(&open)) {
        // Some filesystems have nothing to sync in a folder and say so with this error.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
