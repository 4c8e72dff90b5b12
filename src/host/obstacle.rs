//! What would keep a file from being placed, told before anything is tried, with the command
//! that would help. Root gets past permissions, but not past these.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, AtFlags, StatVfsMountFlags, StatxAttributes, StatxFlags};
use rustix::fs::{accessat, fstatvfs, statx};

use super::account::{Member, members};
use super::failure::{HostError, at};
use super::look::{nearest, read};
use super::place::why_not_sole_file;
use super::tree::{Links, Reached, Tree, ours, target_of};
use crate::values::path_word;

/// Where the numbers of people's accounts begin on every system we support (`login.defs`).
const FIRST_PERSON: u32 = 1000;

pub(super) fn obstacle(tree: &Tree, path: &Path) -> Option<String> {
    match examine(tree, path) {
        Ok(found) => found,
        Err(error) => Some(error.to_string()),
    }
}

fn examine(tree: &Tree, path: &Path) -> Result<Option<String>, HostError> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(Some(format!("{} is the root folder", path_word(path))));
    };
    // The folder, or what is there of it: a plan may make the rest.
    let there = nearest(tree, parent)?.path;
    let mut unsafe_folder = None;
    let folder = tree.walk(&there, Links::Trusted, |passed| {
        unsafe_folder = unsafe_folder
            .take()
            .or_else(|| who_could_swap(tree, passed));
    })?;
    // The links of the path as it was given have to be trusted as well.
    match tree.reach(parent, Links::Trusted) {
        Err(error) if !error.is_absence() => return Ok(Some(error.to_string())),
        Err(_) => {
            if let Some(why) = leads_nowhere(tree, parent) {
                return Ok(Some(why));
            }
        }
        Ok(_) => {}
    }
    if !metadata(&folder.file, &folder.path)?.is_dir() {
        return Ok(Some(format!("{} is not a folder", path_word(&folder.path))));
    }
    let in_folder = unsafe_folder
        .or_else(|| who_could_swap(tree, &folder))
        .or_else(|| unwritable(&folder));
    if in_folder.is_some() {
        return Ok(in_folder);
    }
    let real_parent = tree.reach(parent, Links::Trusted).is_ok();
    match folder.entry(name) {
        Ok(Some(target)) if real_parent => in_the_way(tree, &target, &folder.path.join(name)),
        _ => Ok(None),
    }
}

/// A link where the way to a folder ends: no folder can be made under its name.
fn leads_nowhere(tree: &Tree, folder: &Path) -> Option<String> {
    let missing = |path: &&Path| tree.reach(path, Links::Any).is_err();
    let first = folder.ancestors().take_while(missing).last()?;
    let spot = tree.spot(first, Links::Any).ok()?;
    let target = target_of(&spot.folder.entry(&spot.name).ok()??).ok()?;
    let (first, target) = (path_word(first), path_word(target));
    Some(format!(
        "{first} is a symbolic link to {target}, which is not there: mkdir -p \"$(readlink -m {first})\""
    ))
}

/// Who besides root could put another file under a name in this folder. Its owner could, but
/// the owner of a service's folder is that service, to which its package gave it.
fn who_could_swap(tree: &Tree, folder: &Reached) -> Option<String> {
    let data = folder.file.metadata().ok()?;
    let path = path_word(&folder.path);
    let (mode, user, group) = (data.mode(), data.uid(), data.gid());
    if mode & 0o1000 != 0 {
        // Sticky: each may remove only what is theirs.
        return None;
    }
    if mode & 0o002 != 0 {
        return Some(format!(
            "everybody may replace files in {path}: chmod o-w {path}"
        ));
    }
    if user >= FIRST_PERSON && !ours(user) {
        return Some(format!(
            "{path} belongs to user {user}, who may replace files in it: chown root {path}"
        ));
    }
    if mode & 0o020 == 0 || group == 0 {
        return None;
    }
    let remedy = format!("chmod g-w {path}");
    let Some(members) = members(tree, group) else {
        return Some(format!(
            "group {group} may replace files in {path}: {remedy}"
        ));
    };
    let could = |member: &&Member| {
        member
            .user
            .is_none_or(|number| !ours(number) && number != user)
    };
    let name = &members.iter().find(could)?.name;
    Some(format!(
        "{name}, a member of group {group}, may replace files in {path}: {remedy}"
    ))
}

fn unwritable(folder: &Reached) -> Option<String> {
    let path = path_word(&folder.path);
    let system = fstatvfs(&folder.file).ok()?;
    if system.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Some(format!(
            "the filesystem of {path} is mounted read-only: mount -o remount,rw \
             \"$(findmnt -n -o TARGET -T {path})\""
        ));
    }
    if let Some(why) = locked_attribute(&folder.file, &folder.path) {
        return Some(why);
    }
    match accessat(
        &folder.file,
        ".",
        Access::WRITE_OK | Access::EXEC_OK,
        AtFlags::EACCESS,
    ) {
        Err(rustix::io::Errno::ACCESS) => Some(format!("this user may not write in {path}")),
        _ => None,
    }
}

fn in_the_way(tree: &Tree, target: &File, path: &Path) -> Result<Option<String>, HostError> {
    let data = metadata(target, path)?;
    if let Some(why) = why_not_sole_file(target, &data) {
        let path = path_word(path);
        // A copy of it under its own name has no second one.
        let remedy = if data.is_file() && data.nlink() > 1 {
            format!(": cp -a {path} {path}.new && mv {path}.new {path}")
        } else {
            String::new()
        };
        return Ok(Some(format!("{path} {why}{remedy}")));
    }
    if let Some(why) = locked_attribute(target, path) {
        return Ok(Some(why));
    }
    Ok(is_mount_point(tree, target, path).then(|| {
        let path = path_word(path);
        format!("{path} is a mount point (a bind-mounted file): umount {path}")
    }))
}

/// Attributes of `chattr(1)` that stop root as well.
fn locked_attribute(file: &File, path: &Path) -> Option<String> {
    let attributes = attributes(file)?.0;
    let path = path_word(path);
    if attributes.contains(StatxAttributes::IMMUTABLE) {
        Some(format!("{path} is immutable: chattr -i {path}"))
    } else if attributes.contains(StatxAttributes::APPEND) {
        Some(format!("{path} is set append-only: chattr -a {path}"))
    } else {
        None
    }
}

fn is_mount_point(tree: &Tree, file: &File, path: &Path) -> bool {
    if let Some((attributes, known)) = attributes(file)
        && known.contains(StatxAttributes::MOUNT_ROOT)
    {
        return attributes.contains(StatxAttributes::MOUNT_ROOT);
    }
    // Kernels before 5.8 say it only in the table of mounts.
    let table = read(tree, Path::new("/proc/self/mountinfo"), 16 << 20).unwrap_or_default();
    mounts(&String::from_utf8_lossy(&table)).any(|point| Path::new(&point) == path)
}

/// The mount points in text of the form of `/proc/self/mountinfo` (`proc(5)`): the fifth field,
/// in which blanks and backslashes are octal numbers.
fn mounts(table: &str) -> impl Iterator<Item = String> + '_ {
    table.lines().filter_map(|line| {
        let point = line.split(' ').nth(4)?;
        Some(
            [
                ("\\040", " "),
                ("\\011", "\t"),
                ("\\012", "\n"),
                ("\\134", "\\"),
            ]
            .iter()
            .fold(point.to_owned(), |text, (code, char)| {
                text.replace(code, char)
            }),
        )
    })
}

/// Attributes that are set, and those that this filesystem and kernel can tell of.
fn attributes(file: &File) -> Option<(StatxAttributes, StatxAttributes)> {
    let found = statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::empty()).ok()?;
    Some((found.stx_attributes, found.stx_attributes_mask))
}

fn metadata(file: &File, path: &Path) -> Result<Metadata, HostError> {
    file.metadata().map_err(at(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_with_their_blanks() {
        let table = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
                     36 22 254:0 /src /etc/my\\040file\\134x rw shared:1 - ext4 /dev/vda rw\n";
        let found: Vec<String> = mounts(table).collect();
        assert_eq!(found, ["/", "/etc/my file\\x"]);
    }
}
