"""Modes from birth, seen in the system calls: no file that is to hold a private key is ever open to anybody else,
whatever the umask, a setgid folder or a default access list would give it; and every file ends as it was planned.

What makes these tests red: in src/host/place.rs, a temporary file that is born with the mode it is to have at last
(`PRIVATE`); in src/host/dress.rs, `dress` without the removal of what a file inherits.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
import snapshot
from conftest import newer_build_and
from folder import Folder, FolderTool
from manager import Manager
from nim_tree import CERTS, PLAIN
from tool import ANSWERS_FILE, STATE, Tool, answers

UMASKS = ("000", "022", "077", "777")
TRACES = "/mnt/traces"
CALLS = (
    "open,openat,openat2,creat,mkdir,mkdirat,chmod,fchmod,fchmodat,chown,fchown,fchownat,setxattr,fsetxattr,"
    "fremovexattr,rename,renameat,renameat2,write,pwrite64,copy_file_range,sendfile,link,linkat"
)
KEY = "PRIVATE KEY-----"
# Where keys come to lie, which the files of a package share with them.
FOLDERS = (CERTS, "/etc/nginx/conf.d", "/etc/nms", "/var/lib")


def setgid(manager: Manager | Folder) -> None:
    for folder in FOLDERS:
        os.chown(manager.path(folder), -1, 4711)
        manager.path(folder).chmod(0o2755)


def access_lists(manager: Manager | Folder) -> None:
    for folder in FOLDERS:
        subprocess.run(["setfacl", "-d", "-m", "u:4711:rwx,g::rwx,o::rwx", manager.path(folder)], check=True)


def plain(_: Manager | Folder) -> None:
    pass


TREES = (plain, setgid, access_lists)


def traced(tool: Tool, umask: str, *argv: str) -> list[list[str]]:
    """Runs the tool under this umask; gives the calls of each of its processes."""
    folder = tool.manager.path(TRACES)
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    # A file for each process: no line is torn by the call of another one.
    tracer = ("strace", "-ff", "--seccomp-bpf", "-y", "-qq", "-s", "40", "-e", f"trace={CALLS}")
    tracer = (*tracer, "-o", tool.inside(f"{TRACES}/of"))
    done = tool.run(*argv, before=(*tracer, "sh", "-c", f'umask {umask}; exec "$@"', "sh"))
    assert done.code == 0, done
    return [path.read_text(errors="replace").splitlines() for path in sorted(folder.iterdir())]


def lives(lines: list[str]) -> Iterator[list[str]]:
    """For each file into which a key was written: the calls about it, from its creation to its last name."""
    about: dict[str, list[str]] = {}
    for line in lines:
        if made := re.match(r'\w*open\w*\(.*O_CREAT.*= \d+<(.*)>', line):
            about[made[1]] = [line]
        elif used := re.match(r"\w+\(\d+<(.*?)>", line):
            about.get(used[1], []).append(line)
            if moved := re.match(r'rename\w*\(\d+<(.*)>, "(.*?)"', line):
                about.get(f"{moved[1]}/{moved[2]}", []).append(line)
    return (calls for calls in about.values() if any(call.startswith("write") and KEY in call for call in calls))


def check_private(calls: list[str]) -> None:
    """Nobody but root may open it, at any moment before it has its name; no access list is left when it is written."""
    made, *rest = calls
    assert re.search(r"O_EXCL.*, 0600\) = ", made), calls
    names = [call.split("(")[0] for call in rest]
    assert not any("setxattr" in name for name in names), calls
    modes = [int(mode, 8) for call in rest for mode in re.findall(r"^fchmod\(.*, (0\d+)\)", call)]
    assert modes and all(mode & 0o077 == 0 for mode in modes), calls
    # All that opens or closes it comes before the first byte of the key, and the name after it.
    dressing = [number for number, name in enumerate(names) if "chmod" in name or "chown" in name or "xattr" in name]
    assert max(dressing) < names.index("write"), calls
    renames = [number for number, name in enumerate(names) if name.startswith("rename")]
    assert all(number > names.index("write") for number in renames), calls


def check_planned(tool: Tool, planned: list[dict]) -> None:
    for file in planned:
        if file["status"] == "remove":
            continue
        seen = snapshot.look(tool.manager, file["path"])
        mode = int(str(file["mode"]), 8)
        assert (int(seen.mode, 8), seen.xattrs) == (mode, ()), (file, seen)
        assert not file["sensitive"] or mode & 0o077 == 0, file


def keys_written(tool: Tool, umask: str, *commands: str) -> int:
    """By these commands; each is checked."""
    done = tool.run("plan", "--answers", tool.inside(ANSWERS_FILE), "--format", "json")
    planned = json.loads(done.out)["files"]
    keys = 0
    for command in commands:
        options = ("--answers", tool.inside(ANSWERS_FILE)) if command == "apply" else ()
        for lines in traced(tool, umask, command, *options, "--yes"):
            for calls in lives(lines):
                check_private(calls)
                keys += 1
        if command == "apply":
            check_planned(tool, planned)
    return keys


@pytest.mark.parametrize(("umask", "tree"), list(product(UMASKS, TREES)), ids=lambda one: getattr(one, "__name__", one))
def test_keys_are_private_from_birth_and_files_end_as_planned(binary: Path, tmp_path: Path, umask: str, tree) -> None:
    folder = Folder(tmp_path / "root")
    tool = FolderTool(folder, binary)
    tree(folder)
    before = snapshot.take(folder)
    # Root's and the intermediate's, the server's, two agents'; and all of them once more, kept aside by the rollback.
    assert keys_written(tool, umask, "apply", "rollback") == 10
    assert snapshot.differences(before, snapshot.take(folder)) == []
    for path, entry in snapshot.take(folder, (STATE,), ()).items():
        assert entry.mode in ("0o600", "0o700"), (path, entry)


@newer_build_and([PLAIN])
@pytest.mark.long
def test_on_a_live_host_the_test_of_the_new_files_shows_no_key_either(manager: Manager, tool: Tool) -> None:
    access_lists(manager)
    manager.write(ANSWERS_FILE, answers())
    # The server's key once more, for nginx to be tested with.
    assert keys_written(tool, "000", "apply") == 6
