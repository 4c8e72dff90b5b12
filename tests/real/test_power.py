"""What a power cut would find on the disk: the order in which an apply and its rollback have it written.

Power cannot be cut here. What stands in for it is the order of calls: no change before its line of the journal is
synced, no file renamed into place before its bytes are synced, no further step before the folder is synced. A disk
that keeps what was synced then holds, at any moment, what a SIGKILL would have left (tests/real/test_killed.py).

What makes it red: an `fsync` left out in src/host/place.rs or in `append`, or `place` before `journal.write`.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from conftest import ROOT

TRACE = "openat,write,fsync,fdatasync,mkdirat,renameat,renameat2,symlinkat,unlinkat,linkat,rename,mkdir,unlink,rmdir"
CALL = re.compile(r"^(\w+)\((.*)$")
FOLDER_AND_NAME = re.compile(r'\d+<([^>]*)>, "([^"]*)"')
FILE = re.compile(r"^\d+<([^>]*)>")


@dataclass
class Disk:
    """What of the calls so far is certain to be on it."""

    state: str
    root: str
    unsynced_files: set[str] = field(default_factory=set)
    unsynced_folders: set[str] = field(default_factory=set)
    journalled: str = ""
    changes: list[str] = field(default_factory=list)

    def take(self, name: str, rest: str) -> None:
        if name in ("fsync", "fdatasync"):
            path = FILE.match(rest)[1]
            self.unsynced_files.discard(path)
            self.unsynced_folders.discard(path)
        elif name == "write" and (file := FILE.match(rest)):
            self.written(file[1], rest)
        elif name in ("mkdirat", "renameat", "renameat2", "symlinkat", "unlinkat", "linkat"):
            places = [f"{folder}/{entry}" for folder, entry in FOLDER_AND_NAME.findall(rest)]
            self.changed(name, places)
        elif name in ("rename", "mkdir", "unlink", "rmdir"):
            raise AssertionError(f"a path that may lead elsewhere meanwhile: {name}({rest}")

    def written(self, path: str, rest: str) -> None:
        if not path.startswith(self.root):
            return
        if path.endswith("/journal.jsonl"):
            # A line may rely on all that came before it.
            assert not self.unsynced_folders, (path, self.unsynced_folders)
            self.journalled += rest
        self.unsynced_files.add(path)

    def changed(self, name: str, places: list[str]) -> None:
        assert places, name
        last = places[-1]
        if name.startswith("rename"):
            assert places[0] not in self.unsynced_files, f"renamed before its bytes were synced: {places}"
        temporary = "/.nim-tls-" in last
        ours = last.startswith(f"{self.state}/runs") or last == f"{self.state}/lock" or last == self.state
        if not ours and not temporary:
            assert not any(path.endswith("journal.jsonl") for path in self.unsynced_files), last
            assert not self.unsynced_folders, f"{last} changed before {self.unsynced_folders} was synced"
            assert f'\\"{last.removeprefix(self.root)}\\"' in self.journalled, f"{last} is not in the journal"
            self.changes.append(last)
        if not temporary:
            self.unsynced_folders.add(last.rsplit("/", 1)[0])


def traced(argv: list[str], log: Path, disk: Disk) -> list[str]:
    """Runs it, and gives what it changed outside of its own records."""
    # A file for each process: in one for all, a call is cut in two where another process comes between.
    strace = ["strace", "-ff", "--seccomp-bpf", "-y", "-s", "4000", "-o", str(log), "-e", f"trace={TRACE}"]
    subprocess.run([*strace, *argv], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    disk.changes = []
    for process in log.parent.glob(f"{log.name}.*"):
        for line in process.read_text(errors="replace").splitlines():
            call = CALL.match(line)
            if call and " = -1 E" not in call[2]:
                disk.take(call[1], call[2])
        assert not disk.unsynced_folders, disk.unsynced_folders
    return disk.changes


def test_each_change_is_on_disk_before_the_next_one_is_made(binary: Path, tmp_path: Path) -> None:
    tree = shutil.copytree(ROOT / "assets" / "sample-host", tmp_path / "host")
    file = tmp_path / "answers.yaml"
    text = (ROOT / "assets" / "sample-answers.yaml").read_text()
    file.write_text(text.replace("keep: encrypted", "keep: plaintext"))
    disk = Disk(state=f"{tree}/var/lib/nim-tls", root=str(tree))
    place = ["--root", str(tree), "--yes"]
    made = traced([str(binary), "apply", "--answers", str(file), *place], tmp_path / "apply", disk)
    back = traced([str(binary), "rollback", *place], tmp_path / "rollback", disk)
    assert len(made) > 20, made
    assert len(back) >= len(made), back
