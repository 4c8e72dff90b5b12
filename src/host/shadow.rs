//! A private view of the filesystem: what is written below a shadowed folder lands in memory,
//! and nobody outside this process and its children sees it. Only for a process that was
//! started in a mount namespace of its own and has no other thread yet.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, unmount};

use crate::values::sort_by;

/// A place for the layers while they are put together: any folder that nobody needs in the
/// meantime. It is uncovered again before anything else happens.
const WORKSHOPS: [&str; 8] = [
    "/mnt", "/media", "/srv", "/opt", "/boot", "/home", "/var/tmp", "/tmp",
];
/// A copy larger than this is not made: memory is not ours to fill.
const MOST_COPIED: u64 = 256 << 20;
const MOST_ENTRIES: usize = 20_000;
/// Logs from this size on are shown as empty: opened for appending, an overlay would copy them
/// into memory as a whole.
const LARGE_LOG: u64 = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// Folders only, empty of files; and links that lead to folders.
    Folders,
    /// Everything is there as before.
    Everything,
}

/// Shadows being put together.
#[derive(Debug)]
pub(super) struct Shadows {
    workshop: PathBuf,
    count: u32,
}

/// Whether this process has a mount namespace of its own, apart from its parent's.
pub fn is_private() -> bool {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/mnt")).ok();
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
    match (namespace("self"), parent.as_deref().and_then(namespace)) {
        (Some(own), Some(parents)) => own != parents,
        _ => false,
    }
}

/// Shadows these folders; those that do not exist are passed over. A folder within another
/// needs no shadow of its own, unless a mount lies between.
pub fn shadow(folders: &BTreeMap<PathBuf, Keep>) -> io::Result<()> {
    let mounts = mount_points()?;
    let mut chosen: BTreeMap<PathBuf, Keep> = BTreeMap::new();
    for (folder, keep) in folders {
        let Ok(folder) = fs::canonicalize(folder) else {
            continue;
        };
        if !folder.is_dir() {
            continue;
        }
        let covered = chosen.keys().any(|above| {
            folder.starts_with(above)
                && !mounts.iter().any(|mount| {
                    mount != above && mount.starts_with(above) && folder.starts_with(mount)
                })
        });
        if !covered {
            let kept = chosen.entry(folder).or_insert(*keep);
            *kept = (*kept).max(*keep);
        }
    }
    let mut shadows = Shadows::begin(&chosen)?;
    let done = chosen.iter().try_for_each(|(folder, keep)| match keep {
        Keep::Folders => shadows.folders_of(folder),
        Keep::Everything => shadows.all_of(folder),
    });
    done.and(shadows.finish())
}

impl Shadows {
    fn begin(needed: &BTreeMap<PathBuf, Keep>) -> io::Result<Self> {
        let free = |workshop: &&&str| {
            Path::new(workshop).is_dir()
                && !needed.keys().any(|folder| {
                    folder.starts_with(workshop) || Path::new(workshop).starts_with(folder)
                })
        };
        let workshop = WORKSHOPS.iter().find(free).ok_or_else(|| {
            io::Error::other("no folder of this system is free for a temporary mount")
        })?;
        mount(
            "nim-tls",
            *workshop,
            "tmpfs",
            MountFlags::NOSUID | MountFlags::NODEV,
            c"mode=0700",
        )?;
        Ok(Self {
            workshop: PathBuf::from(workshop),
            count: 0,
        })
    }

    /// The layers live on below the shadows; their workshop is no longer seen.
    fn finish(self) -> io::Result<()> {
        Ok(unmount(&self.workshop, UnmountFlags::DETACH)?)
    }

    fn layer(&mut self) -> io::Result<PathBuf> {
        self.count += 1;
        let layer = self.workshop.join(self.count.to_string());
        fs::create_dir(&layer)?;
        Ok(layer)
    }

    fn folders_of(&mut self, folder: &Path) -> io::Result<()> {
        let copy = self.layer()?.join("copy");
        Copying::default().copy(folder, &copy, Keep::Folders)?;
        Ok(mount_bind(&copy, folder)?)
    }

    fn all_of(&mut self, folder: &Path) -> io::Result<()> {
        let layer = self.layer()?;
        // An overlay shows one filesystem; what is mounted below is brought back afterwards.
        let below = set_aside(folder, &layer)?;
        if overlay(folder, &layer).is_err() {
            // A third level of overlays, an option this kernel lacks, ...: copied, then.
            let copy = layer.join("copy");
            Copying::default().copy(folder, &copy, Keep::Everything)?;
            mount_bind(&copy, folder)?;
        }
        for (aside, place) in below {
            mount_bind(&aside, &place)?;
        }
        Ok(())
    }
}

/// Binds every mount below `folder` into the workshop: where it is now, where it belongs.
fn set_aside(folder: &Path, layer: &Path) -> io::Result<Vec<(PathBuf, PathBuf)>> {
    let mut aside = Vec::new();
    for (number, point) in mount_points()?.into_iter().enumerate() {
        if point == folder || !point.starts_with(folder) {
            continue;
        }
        let place = layer.join(format!("aside-{number}"));
        match fs::metadata(&point) {
            Ok(found) if found.is_dir() => fs::create_dir(&place)?,
            Ok(_) => fs::write(&place, "")?,
            // Somebody's FUSE mount that root may not see: nginx does not read it either.
            Err(_) => continue,
        }
        if mount_bind(&point, &place).is_ok() {
            aside.push((place, point));
        }
    }
    Ok(aside)
}

fn overlay(folder: &Path, layer: &Path) -> io::Result<()> {
    let (upper, work) = (layer.join("upper"), layer.join("work"));
    make_like(folder, &upper)?;
    fs::create_dir(&work)?;
    hide_large_logs(folder, &upper);
    let plain = |path: &Path| {
        let text = path
            .to_str()
            .filter(|text| !text.contains([',', ':', '\\', '"']));
        text.map(str::to_owned)
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
    };
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        plain(folder)?,
        plain(&upper)?,
        plain(&work)?
    );
    let options = std::ffi::CString::new(options)?;
    Ok(mount(
        "nim-tls",
        folder,
        "overlay",
        MountFlags::empty(),
        options.as_c_str(),
    )?)
}

/// Puts an empty file over each large log. Where it cannot be done, it is only slower.
fn hide_large_logs(folder: &Path, upper: &Path) {
    let mut waiting = vec![PathBuf::new()];
    let mut seen = 0;
    while let Some(below) = waiting.pop() {
        let Ok(entries) = fs::read_dir(folder.join(&below)) else {
            continue;
        };
        for entry in entries.flatten() {
            seen += 1;
            let (Ok(found), true) = (entry.metadata(), seen < MOST_ENTRIES) else {
                return;
            };
            let path = below.join(entry.file_name());
            let is_log = entry.file_name().to_string_lossy().contains("log");
            if found.is_dir() {
                waiting.push(path);
            } else if found.is_file() && is_log && found.len() >= LARGE_LOG {
                let _ = empty_in(folder, upper, &path);
            }
        }
    }
}

fn empty_in(folder: &Path, upper: &Path, path: &Path) -> io::Result<()> {
    let mut made = PathBuf::new();
    for part in path.parent().into_iter().flat_map(Path::components) {
        made.push(part);
        if !upper.join(&made).exists() {
            make_like(&folder.join(&made), &upper.join(&made))?;
        }
    }
    fs::write(upper.join(path), "")?;
    like(&fs::symlink_metadata(folder.join(path))?, &upper.join(path))
}

#[derive(Debug, Default)]
struct Copying {
    bytes: u64,
    entries: usize,
}

impl Copying {
    /// A copy with modes and owners; devices, sockets and pipes are left out.
    fn copy(&mut self, from: &Path, to: &Path, keep: Keep) -> io::Result<()> {
        self.entries += 1;
        let found = fs::symlink_metadata(from)?;
        if self.entries > MOST_ENTRIES {
            return Err(io::Error::other(format!(
                "{}: too much to copy",
                from.display()
            )));
        }
        if found.is_dir() {
            make_like(from, to)?;
            for entry in fs::read_dir(from)? {
                let name = entry?.file_name();
                self.copy(&from.join(&name), &to.join(&name), keep)?;
            }
        } else if keep == Keep::Folders && !(found.is_symlink() && from.is_dir()) {
            // The files are what is not wanted.
        } else if found.is_symlink() {
            symlink(fs::read_link(from)?, to)?;
            lchown(to, Some(found.uid()), Some(found.gid()))?;
        } else if found.is_file() {
            self.bytes += found.len();
            if self.bytes > MOST_COPIED {
                return Err(io::Error::other(format!(
                    "{}: too much to copy",
                    from.display()
                )));
            }
            fs::copy(from, to)?;
            like(&found, to)?;
        }
        Ok(())
    }
}

/// A folder with the mode and owner of another.
fn make_like(model: &Path, folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)?;
    like(&fs::metadata(model)?, folder)
}

fn like(model: &fs::Metadata, path: &Path) -> io::Result<()> {
    lchown(path, Some(model.uid()), Some(model.gid()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(model.mode() & 0o7777))
}

/// Where something is mounted, by path, each once. Source: proc(5), mountinfo, field 5.
fn mount_points() -> io::Result<Vec<PathBuf>> {
    let text = fs::read_to_string("/proc/self/mountinfo")?;
    let points = text.lines().filter_map(|line| line.split(' ').nth(4));
    let mut points: Vec<PathBuf> = points
        .map(|point| PathBuf::from(unescaped(point)))
        .collect();
    sort_by(&mut points, Ord::cmp);
    points.dedup();
    Ok(points)
}

/// Blanks, tabs, line ends and backslashes stand there in octal.
fn unescaped(point: &str) -> String {
    [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ]
    .iter()
    .fold(point.to_owned(), |text, (code, character)| {
        text.replace(code, character)
    })
}
