"""Attackers in a target folder: a process with the rights of the service that owns it swaps files, temporary files and
the folder itself for links, FIFOs and folders, as fast as it can, while apply and rollback run.

No write lands outside, nothing foreign changes its bytes, mode or owner, nothing hangs, and no key can be read. What
makes these tests red: `Links::Any` for `Links::Trusted` in src/host/place.rs.
"""

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import snapshot
from folder import Folder, FolderTool
from lab import HERE
from nim_tree import CERTS
from tool import ANSWERS_FILE, STATE
from trials import ROLLBACK

SERVICE = 873
WAYS = {
    "links": ("symlink", "dangling"),
    "hard-links": ("hard_link",),
    "fifos": ("fifo",),
    "folders": ("folder", "copy"),
    "the-folder": ("swap_folder",),
}
TREASURE = "/srv/treasure"
# For so long it is gone on with where nothing has got through, or everything.
MOST_SECONDS = 90


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "root")
    for path in ("/etc/nms", CERTS):
        os.chown(made.path(path), SERVICE, SERVICE)
    # Something to be had outside, on the tree and, as an absolute link says it, on this machine.
    for base in (made.path(TREASURE), tmp_path / "outside"):
        base.mkdir(parents=True)
        base.joinpath("shadow").write_text("root's own\n")
        base.joinpath("shadow").chmod(0o600)
    return made


def treasures(folder: Folder) -> list[tuple]:
    """The times tell of a change that was taken back as well."""
    places = [folder.path(TREASURE), folder.root.parent / "outside"]
    found = [(path, path.lstat()) for place in places for path in [place, *sorted(place.rglob("*"))]]
    return [(path, seen.st_mode, seen.st_uid, seen.st_nlink, seen.st_mtime_ns, seen.st_ctime_ns) for path, seen in found]


def attacked(folder: Folder, tool: FolderTool, ways: tuple[str, ...], seconds: float) -> tuple[Counter[int], str]:
    """Applies and puts back for so long, and on a slow machine until one command was done and one was not; gives how
    they ended, and what the attackers say."""
    targets = (f"{TREASURE}/shadow", str(folder.root.parent / "outside" / "shadow"))
    attackers = [
        subprocess.Popen([sys.executable, str(HERE / "attacker.py"), str(SERVICE), target, *ways],
                         cwd=folder.path(CERTS), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for target in targets
    ]  # fmt: skip
    answers = ("--answers", tool.inside(ANSWERS_FILE))
    begun, codes = time.monotonic(), Counter()
    while (spent := time.monotonic() - begun) < seconds or spent < MOST_SECONDS and not met_both(codes):
        # None may hang: each has its time.
        for argv in (("apply", *answers, "--yes"), ROLLBACK, ("plan", *answers)):
            done = tool.run(*argv, timeout=20)
            assert done.code in (0, 1, 3, 4, 5), done
            codes[done.code] += 1
    assert all(attacker.poll() is None for attacker in attackers), [attacker.communicate() for attacker in attackers]
    for attacker in attackers:
        attacker.kill()
    return codes, "".join(attacker.communicate()[0] for attacker in attackers)


def met_both(codes: Counter[int]) -> bool:
    return codes.total() > codes[0] > 0


def cleared(folder: Folder) -> None:
    """What the attackers left is taken away, and the folder is root's."""
    certs = folder.path(CERTS)
    if certs.is_symlink():
        certs.unlink()
    if (away := Path(f"{certs}.away")).exists():
        # Both are there where a run made the folder anew meanwhile.
        shutil.rmtree(certs, ignore_errors=True)
        away.rename(certs)
    for path in certs.iterdir():
        if path.name.endswith(".away") or path.name.removeprefix("nim-tls-") in ("server.crt", "server.key", "ca.pem"):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.mark.parametrize("ways", WAYS.values(), ids=WAYS)
def test_nothing_is_redirected_and_nothing_hangs(binary: Path, folder: Folder, ways: tuple[str, ...]) -> None:
    held(binary, folder, ways, 2)


@pytest.mark.parametrize("ways", WAYS.values(), ids=WAYS)
@pytest.mark.long
def test_nothing_is_redirected_in_a_minute_either(binary: Path, folder: Folder, ways: tuple[str, ...]) -> None:
    held(binary, folder, ways, 60)


def held(binary: Path, folder: Folder, ways: tuple[str, ...], seconds: float) -> None:
    tool = FolderTool(folder, binary)
    rest = ("/etc/nginx", "/usr/local", "/var/www", "/srv")
    before, outside = snapshot.take(folder, rest), treasures(folder)
    codes, said = attacked(folder, tool, ways, seconds)
    assert said == "", said
    assert met_both(codes), codes
    assert treasures(folder) == outside
    # With the attacker gone, what is left is put back, but for what lies where the attacker was.
    cleared(folder)
    for _ in range(3):
        done = tool.run(*ROLLBACK)
        if done.code == 1:
            break
    left = snapshot.differences(before, snapshot.take(folder, rest))
    # What the attacker swapped for good counts as edited: it is named, with the files of ours that it needs.
    named = done.out + done.err
    assert all(line.split(": ")[1] in named for line in left), (left, done)
    assert not left or done.code == 4, (left, done)
    print(f"attacked by {', '.join(ways)} for {seconds} s, exit codes {dict(codes)}: nothing was redirected, nothing hung")
