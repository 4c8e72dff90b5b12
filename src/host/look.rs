//! Looking at files: nothing here changes anything, waits for anybody, or opens what is not a
//! regular file or a folder.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Dir, OFlags, fstatvfs};

use crate::values::{Mode, sort_by};

use super::dress::{extended, magic_path};
use super::failure::{HostError, at};
use super::file::{Attributes, Kind, Owner, Stat};
use super::tree::{Links, Reached, Tree, open_at, target_of};

pub(super) fn stat(tree: &Tree, path: &Path) -> Result<Option<Stat>, HostError> {
    match tree.look_at(path) {
        Ok(Some(file)) => describe(&file).map(Some).map_err(at(path)),
        Ok(None) => Ok(None),
        Err(error) if error.is_absence() => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn read(tree: &Tree, path: &Path, limit: u64) -> Result<Vec<u8>, HostError> {
    let (file, size) = open_regular(tree, path)?;
    // Files in /proc claim to be empty, and others may grow: what counts is what comes.
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(limit)).unwrap_or(0) + 1);
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(at(path))?;
    if bytes.len() as u64 > limit {
        return Err(HostError::refused(
            path,
            format!("is larger than {limit} bytes"),
        ));
    }
    Ok(bytes)
}

pub(super) fn read_from(
    tree: &Tree,
    path: &Path,
    offset: u64,
    limit: u64,
) -> Result<Vec<u8>, HostError> {
    let (mut file, size) = open_regular(tree, path)?;
    let start = offset.max(size.saturating_sub(limit));
    piece(&mut file, start, size.saturating_sub(start)).map_err(at(path))
}

pub(super) fn read_piece(
    tree: &Tree,
    path: &Path,
    offset: u64,
    limit: u64,
) -> Result<Vec<u8>, HostError> {
    let (mut file, _) = open_regular(tree, path)?;
    piece(&mut file, offset, limit).map_err(at(path))
}

fn piece(file: &mut File, offset: u64, limit: u64) -> io::Result<Vec<u8>> {
    // In steps it would be copied again at each.
    const USUAL: usize = 256 * 1024;
    let room = usize::try_from(limit).map_or(USUAL, |limit| limit.min(USUAL));
    let mut bytes = Vec::with_capacity(room);
    if limit > 0 {
        file.seek(SeekFrom::Start(offset))?;
        file.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

pub(super) fn list(tree: &Tree, folder: &Path) -> Result<Vec<String>, HostError> {
    let reached = match tree.look(folder) {
        Ok(file) => file,
        Err(error) if error.is_absence() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = open_at(&reached, OsStr::new("."), flags).map_err(at(folder))?;
    let dir = Dir::new(open).map_err(at(folder))?;
    let mut names = Vec::new();
    for entry in dir {
        let entry = entry.map_err(at(folder))?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    sort_by(&mut names, Ord::cmp);
    Ok(names)
}

pub(super) fn real_path(tree: &Tree, path: &Path) -> Result<Option<PathBuf>, HostError> {
    match tree.real_path(path) {
        Ok(real) => Ok(Some(real)),
        Err(error) if error.is_absence() => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn space(tree: &Tree, path: &Path) -> Result<u64, HostError> {
    let nearest = nearest(tree, path)?;
    let system = fstatvfs(&nearest.file).map_err(at(path))?;
    Ok(system.f_bavail.saturating_mul(system.f_frsize))
}

/// What is at `path`, or else the nearest folder above it that exists.
pub(super) fn nearest(tree: &Tree, path: &Path) -> Result<Reached, HostError> {
    let mut error = None;
    for candidate in path.ancestors() {
        match tree.reach(candidate, Links::Any) {
            Ok(reached) => return Ok(reached),
            Err(absent) if absent.is_absence() => error = Some(absent),
            Err(other) => return Err(other),
        }
    }
    Err(error.unwrap_or_else(|| HostError::refused(path, "is not an absolute path")))
}

/// What a descriptor stands for that was opened as a mere reference, and not through a link.
pub(super) fn describe(file: &File) -> io::Result<Stat> {
    let data = file.metadata()?;
    let kind = kind_of(file, &data)?;
    let extended = match kind {
        Kind::File | Kind::Folder => extended(file)?,
        Kind::Link(_) | Kind::Special => Vec::new(),
    };
    let owner = Owner {
        user: data.uid(),
        group: data.gid(),
    };
    Ok(Stat {
        kind,
        attributes: Attributes {
            mode: Mode(data.mode() & 0o7777),
            owner,
            extended,
        },
        size: data.len(),
        modified: data.mtime(),
        links: data.nlink(),
    })
}

fn kind_of(file: &File, data: &Metadata) -> io::Result<Kind> {
    Ok(if data.is_file() {
        Kind::File
    } else if data.is_dir() {
        Kind::Folder
    } else if data.is_symlink() {
        Kind::Link(target_of(file)?)
    } else {
        Kind::Special
    })
}

/// What to call it in a sentence, after "is".
pub(super) fn a_special(data: &Metadata) -> &'static str {
    let kind = data.file_type();
    if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else {
        "no regular file"
    }
}

/// Opens a regular file for reading, and says how long it is. First only a reference to it: opening a FIFO would wait,
/// and opening a device can do anything.
fn open_regular(tree: &Tree, path: &Path) -> Result<(File, u64), HostError> {
    let reached = tree.look(path)?;
    let data = reached.metadata().map_err(at(path))?;
    if data.is_dir() {
        return Err(HostError::refused(path, "is a folder"));
    }
    if !data.is_file() {
        return Err(HostError::refused(path, format!("is {}", a_special(&data))));
    }
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let file = open_at(CWD, OsStr::new(&magic_path(&reached)), flags).map_err(at(path))?;
    Ok((file, data.len()))
}
