"""What lies in a lab: a walk over the folders that a run may touch, and how two walks differ."""

import hashlib
import os
import stat
from dataclasses import dataclass

from lab import Lab

FOLDERS = ("/etc", "/usr/local", "/var/www", "/var/lib")
# It stays once it was made.
STATE = "/var/lib/nim-tls"
# Our own records, and the lists of files of other packages: many, and written by package installations only.
LEFT_OUT = (f"{STATE}/runs", f"{STATE}/lock", "/var/lib/dpkg/info")


@dataclass(frozen=True)
class Entry:
    kind: str
    mode: str
    owner: str
    content: str  # a hash, the target of a link, the number of a device
    xattrs: tuple[tuple[str, bytes], ...]


Snapshot = dict[str, Entry]


def take(lab: Lab, folders: tuple[str, ...] = FOLDERS, leave_out: tuple[str, ...] = LEFT_OUT) -> Snapshot:
    """Everything below the folders but what is left out."""
    found: Snapshot = {}
    waiting = list(folders)
    while waiting:
        folder = waiting.pop()
        for name in os.listdir(lab.path(folder)):
            path = f"{folder}/{name}"
            if path in leave_out:
                continue
            entry = look(lab, path)
            if entry.kind == "folder":
                waiting.append(path)
            if path != STATE:
                found[path] = entry
    return found


def look(lab: Lab, path: str) -> Entry:
    outside = lab.path(path)
    seen = os.lstat(outside)
    kind, content = "other", str(seen.st_rdev)
    if stat.S_ISLNK(seen.st_mode):
        kind, content = "link", os.readlink(outside)
    elif stat.S_ISDIR(seen.st_mode):
        kind, content = "folder", ""
    elif stat.S_ISREG(seen.st_mode):
        # What lies on a read-only mount is told apart by size and time: nothing in the lab can write there.
        still = os.statvfs(outside).f_flag & os.ST_RDONLY
        content = f"{seen.st_size} {seen.st_mtime_ns}" if still else hashlib.sha256(outside.read_bytes()).hexdigest()
        kind = "file"
    names = os.listxattr(outside, follow_symlinks=False)
    xattrs = tuple(sorted((name, os.getxattr(outside, name, follow_symlinks=False)) for name in names))
    return Entry(kind, oct(stat.S_IMODE(seen.st_mode)), f"{seen.st_uid}:{seen.st_gid}", content, xattrs)


def differences(before: Snapshot, after: Snapshot) -> list[str]:
    """One line for each path that differs; empty when nothing does."""
    lines = [f"appeared: {path}" for path in sorted(after.keys() - before.keys())]
    lines += [f"is gone: {path}" for path in sorted(before.keys() - after.keys())]
    for path in sorted(before.keys() & after.keys()):
        was, now = vars(before[path]), vars(after[path])
        lines += [f"changed: {path}: {part} {was[part]} -> {now[part]}" for part in was if was[part] != now[part]]
    return lines
