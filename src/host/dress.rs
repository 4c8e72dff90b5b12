//! Mode, owner and extended attributes of what is open: reading them and giving them.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use rustix::buffer::spare_capacity;
use rustix::fs::{
    Gid, Mode as RawMode, Uid, XattrFlags, fchmod, fchown, fremovexattr, fsetxattr, getxattr,
    listxattr,
};
use rustix::io::{Errno, retry_on_intr};

use super::file::Attributes;

use crate::values::sort_by;

/// The kernel computes these from the bytes of the file: they fit no other file.
const CONTENT_BOUND: [&str; 2] = ["security.ima", "security.evm"];
/// Linux bounds an extended attribute, and the list of their names, to this many bytes.
const LARGEST_ATTRIBUTE: usize = 65_536;

/// Gives an open file or folder its owner, extended attributes and mode. On the way it is never
/// open to more users than before or after, whichever is fewer.
pub(super) fn dress(file: &File, attributes: &Attributes) -> io::Result<()> {
    let wanted = attributes.mode.0 & 0o7777;
    let before = file.metadata()?;
    set_mode(file, before.mode() & wanted & 0o777)?;
    let owner = attributes.owner;
    if (before.uid(), before.gid()) != (owner.user, owner.group) {
        let (user, group) = (Uid::from_raw(owner.user), Gid::from_raw(owner.group));
        retry_on_intr(|| fchown(file, Some(user), Some(group)))?;
    }
    // Among what goes: the access list that a file inherits where its folder has a default one.
    let given = |name: &str| attributes.extended.iter().any(|(given, _)| given == name);
    for (name, _) in extended(file)? {
        if !given(&name) && !is_label(&name) {
            match retry_on_intr(|| fremovexattr(file, &*name)) {
                Ok(()) | Err(Errno::NODATA) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    for (name, value) in &attributes.extended {
        match retry_on_intr(|| fsetxattr(file, name.as_str(), value, XattrFlags::empty())) {
            Ok(()) => {}
            // A filesystem without labels: nobody can ask for one there.
            Err(Errno::NOTSUP) if is_label(name) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(set_mode(file, wanted)?)
}

pub(super) fn set_mode(file: &File, mode: u32) -> rustix::io::Result<()> {
    retry_on_intr(|| fchmod(file, RawMode::from_raw_mode(mode)))
}

pub(super) fn is_label(name: &str) -> bool {
    name.starts_with("security.")
}

/// The extended attributes, asked through `/proc` because a mere reference has no other way.
pub(super) fn extended(file: &File) -> io::Result<Vec<(String, Vec<u8>)>> {
    let path = magic_path(file);
    let mut names = Vec::with_capacity(LARGEST_ATTRIBUTE);
    match listxattr(&path, spare_capacity(&mut names)) {
        Ok(_) => {}
        Err(Errno::NOTSUP) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    }
    let mut found = Vec::new();
    for name in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let Ok(name) = str::from_utf8(name) else {
            continue;
        };
        if CONTENT_BOUND.contains(&name) {
            continue;
        }
        let mut value = Vec::with_capacity(LARGEST_ATTRIBUTE);
        match getxattr(&path, name, spare_capacity(&mut value)) {
            Ok(_) => found.push((name.to_owned(), value.as_slice().to_vec())),
            // Gone meanwhile, or not for us to read: root sees all of them.
            Err(Errno::NODATA | Errno::ACCESS | Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
    }
    sort_by(&mut found, Ord::cmp);
    Ok(found)
}

/// The path by which the kernel finds again what is open here.
pub(super) fn magic_path(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}
