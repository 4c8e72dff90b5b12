"""Errors instead of kills: calls of an apply, of a rollback and of a recovery fail with a full disk, a broken one, a
read-only one, no descriptors, no right, an interruption; once, and from then on.

Whoever makes the call meets it: the worker, the front that starts it, nginx, a script that rebuilds the trust store.
Whatever the exit code says is then true of the host. What makes these tests red: in src/host/place.rs, an `Entry` that
is not removed when it is dropped; in src/worker/spawn.rs, a front that takes trouble with the events for an outcome of
the run; in src/worker/sweep.rs, a temporary file that cannot be removed and is not told; in src/worker/failure.rs, a
command that failed and comes without another one.
"""

import random
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
import snapshot
from conftest import newer_build_and
from folder import Folder, FolderTool
from manager import Manager
from nim_tree import PLAIN
from tool import ANSWERS_FILE, STATE, Done, Tool, answers
from trials import CALLS, ROLLBACK, Point, Trials

# What the C library calls them; that of the newer nginx is another one.
WORDS = {
    "ENOSPC": "No space left on device",
    "EIO": "(Input/output|I/O) error",
    "EROFS": "Read-only file system",
    "EMFILE": "Too many open files",
    "EACCES": "Permission denied",
    "EINTR": "Interrupted system call",
}
# Each kind of call with what it can come to.
COMES_TO = {"write": ("ENOSPC", "EIO", "EINTR"), "openat": tuple(WORDS)}
OFTEN = tuple(error for error in WORDS if error != "EMFILE")
COMMANDS = ("apply", "rollback", "recovery")
CALLS_WITH_BYTES = f"{CALLS},write,openat"
# A call of the worker late in an apply on a folder.
LATE = Point("fsync", 59)
# The first of these calls are those of the loader, which says what it says.
FIRST = {"openat": 40, "write": 4}


@dataclass(frozen=True)
class Fault:
    point: Point
    error: str
    lasts: bool

    @property
    def when(self) -> str:
        first = self.point.number
        # What is interrupted is tried again, so this one comes to an end.
        lasts = f"..{first + 4}" if self.error == "EINTR" else "+"
        return f"{first}{lasts if self.lasts else ''}"

    def __str__(self) -> str:
        return f"{self.point.call} {self.error} at {self.when}"


class Failing(Trials):
    """One command meets a fault; then its exit code must be true, and the next start must heal what is left."""

    def __init__(self, manager: Manager | Folder, tool: Tool) -> None:
        super().__init__(manager, tool)
        assert self.run(*self.apply).code == 0
        self.applied = dressed(snapshot.take(manager))
        self.put_back("at first")
        self.nobody = 0

    def meet(self, command: str, fault: Fault) -> None:
        if command == "rollback":
            assert self.run(*self.apply).code == 0
        elif command == "recovery":
            killed = self.run(*self.apply, before=self.killing(LATE))
            assert self.is_cut_short(), (fault, killed, self.differences())
        argv = self.apply if command == "apply" else ROLLBACK
        done = self.run(*argv, before=self.failing_at(fault.point.call, fault.error, fault.when))
        self.nobody += "(INJECTED)" not in self.trace()
        self.judge((command, str(fault)), command == "apply", done, fault)

    def judge(self, about: tuple[str, str], applies: bool, done: Done, fault: Fault) -> None:
        # Where writing fails, nothing can be said either.
        mute = fault.point.call == "write"
        # Nor are the last words of a worker read, where nothing can be opened any more.
        mute = mute or fault.point.call == "openat" and fault.lasts and "was ended from outside" in done.err
        cut_short, changed = self.is_cut_short(), self.differences()
        is_applied = dressed(snapshot.take(self.manager)) == self.applied
        wished = is_applied if applies else not changed
        if done.code == 0:
            outcome = "done all the same"
            assert wished and not cut_short, (about, done, changed)
        elif cut_short:
            outcome = "cut short, put back by the next start"
            assert (next_start := self.tool.run(*self.apply)).code == 5, (about, done, next_start)
        elif done.code == 3:
            outcome = "failed, and put back by itself"
            assert applies and not changed, (about, done, changed)
        elif done.code == 1:
            outcome = "nothing was touched"
            assert (not changed) if applies else is_applied, (about, done, changed)
        else:
            outcome = "something was left, and named"
            assert done.code == 4, (about, done)
            named = [line.split(": ")[1] for line in changed]
            assert mute or all(path in done.err + done.out for path in named), (about, done, named)
        if done.code != 0 and not mute:
            assert re.search(WORDS[fault.error], done.err), (about, done)
            assert "\n  do: " in done.err or "to finish" in done.out, (about, done)
        # What was left may lie among our own records, which are not looked at here.
        if changed or cut_short or done.code == 4:
            self.put_back(about)
        assert self.temporaries() == [], (about, self.temporaries())
        self.outcomes[outcome] += 1

    def temporaries(self) -> list[str]:
        return [path for path in snapshot.take(self.manager, leave_out=()) if "/.nim-tls-" in path]


def dressed(found: snapshot.Snapshot) -> dict[str, tuple[str, str, str]]:
    """Without the bytes, which are new with each set of keys."""
    return {path: (entry.kind, entry.mode, entry.owner) for path, entry in found.items()}


@pytest.fixture
def failing(binary: Path, tmp_path: Path) -> Failing:
    folder = Folder(tmp_path / "root")
    return Failing(folder, FolderTool(folder, binary))


SHORT = """#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
ssize_t write(int fd, const void *bytes, size_t count) {
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    return real(fd, bytes, count > 1 ? (count + 1) / 2 : count);
}
"""


def test_every_write_is_short(failing: Failing, tmp_path: Path) -> None:
    source, library = tmp_path / "short.c", tmp_path / "short.so"
    source.write_text(SHORT)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    before = ("env", f"LD_PRELOAD={library}", *failing.tracing("write"))
    done = failing.run(*failing.apply, before=before)
    assert done.code == 0 and len(failing.trace().splitlines()) > 400, done
    # What is put back is what the receipt says was written, by its digest.
    assert failing.run(*ROLLBACK, before=before).code == 0
    assert failing.as_before(), failing.differences()


FULL = "/mnt/full"
# Kilobytes, for the records of all trials.
ROOMY = 65536


class FolderOnDisk(Folder):
    """The sample host on a disk of its own in a lab, so that it can be full."""

    def __init__(self, lab: Manager, kilobytes: int) -> None:
        self.lab = lab
        lab.run("mkdir", "-p", FULL)
        lab.run("mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "full", FULL)
        super().__init__(lab.path(FULL) / "root")

    def run(self, *argv: str, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return self.lab.run(*argv, check=check, timeout=timeout)

    def has(self, kilobytes: int) -> None:
        self.lab.run("mount", "-o", f"remount,size={kilobytes}k", FULL)

    def used(self) -> int:
        return int(self.lab.run("df", "-k", "--output=used", FULL).stdout.split()[1])


class ToolOnDisk(FolderTool):
    place = f"{FULL}/root"

    def run(self, *argv: str, before: tuple[str, ...] = (), timeout: float = 60) -> Done:
        return Tool.run(self, *argv, "--root", self.place, before=before, timeout=timeout)

    def inside(self, path: str) -> str:
        return f"{self.place}{path}"


def disk_is_full(manager: Manager, binary: Path, pages: Iterable[int]) -> None:
    """It has this many pages left when a run begins, and none of the calls of that run is told a lie."""
    disk = FolderOnDisk(manager, ROOMY)
    trials = Trials(disk, ToolOnDisk(disk, binary))
    for free in pages:
        disk.has(disk.used() + 4 * free)
        done = trials.run(*trials.apply)
        left = trials.differences()
        trials.outcomes[str(done.code)] += 1
        assert done.code in (0, 1, 3, 4, 5), (free, done)
        # On a disk that has no room for a word of the worker, nobody learns why it did not begin.
        mute = done.code == 1 and "was gone before it began, so nothing was changed" in done.err
        assert done.code == 0 or mute or WORDS["ENOSPC"] in done.err, (free, done)
        assert done.code in (0, 4) or trials.is_cut_short() or not left, (free, done, left)
        disk.has(ROOMY)
        if left or trials.is_cut_short():
            trials.put_back(free)
    assert trials.outcomes["0"] and trials.outcomes.total() > trials.outcomes["0"], trials.outcomes
    print(f"a full disk, {trials.outcomes.total()} trials: exit codes {dict(trials.outcomes)}; mixed states: 0")


@newer_build_and([PLAIN])
def test_a_disk_that_is_full_is_no_disk_that_is_half_changed(manager: Manager, binary: Path) -> None:
    disk_is_full(manager, binary, range(0, 60, 5))


@newer_build_and([PLAIN])
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_disk_that_is_full_at_any_page(manager: Manager, binary: Path) -> None:
    disk_is_full(manager, binary, range(70))


@pytest.fixture
def live(manager: Manager, tool: Tool) -> Failing:
    manager.write(ANSWERS_FILE, answers())
    return Failing(manager, tool)


def all_faults(trials: Failing, command: str) -> list[Fault]:
    """Every call that it makes, with everything that this call can come to, once and from then on."""
    if command == "apply":
        points = trials.points(*trials.apply, calls=CALLS_WITH_BYTES)
        trials.put_back("at first")
    else:
        trials.run(*trials.apply)
        points = trials.points(*ROLLBACK, calls=CALLS_WITH_BYTES)
    return [
        Fault(point, error, lasts)
        for point in points
        if point.number >= FIRST.get(point.call, 1)
        for error in COMES_TO.get(point.call, OFTEN)
        for lasts in (False, True)
    ]


def some(faults: list[Fault], count: int, seed: int) -> list[Fault]:
    """So many of them, each kind of call as often as another."""
    chance = random.Random(seed)
    kinds = sorted({fault.point.call for fault in faults})
    by_kind = {kind: [fault for fault in faults if fault.point.call == kind] for kind in kinds}
    return [chance.choice(by_kind[kinds[number % len(kinds)]]) for number in range(count)]


def meet_all(trials: Failing, command: str, faults: list[Fault], of: int) -> None:
    for fault in faults:
        trials.meet(command, fault)
        trials.forget_older_runs()
    # What nobody meets proves nothing: processes that race make a call more or less.
    assert trials.nobody <= len(faults) / 5, trials.nobody
    figures = f"{dict(trials.outcomes)}; nobody met {trials.nobody}; sample of {of}; mixed states: 0"
    print(f"errors in {command}, {len(faults)} trials: {figures}")


def at_every(nth: int, faults: list[Fault]) -> list[Fault]:
    """At every nth call one of the things that it can come to, a different one each time."""
    by_point: dict[Point, list[Fault]] = {}
    for fault in faults:
        by_point.setdefault(fault.point, []).append(fault)
    chosen = list(by_point.values())[::nth]
    return [could[number * 5 % len(could)] for number, could in enumerate(chosen)]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.timeout(600)
def test_an_error_in_any_call_ends_as_the_exit_code_says(failing: Failing, command: str) -> None:
    faults = all_faults(failing, command)
    changing = [fault for fault in faults if fault.point.call != "openat"]
    opening = [fault for fault in faults if fault.point.call == "openat"]
    meet_all(failing, command, at_every(17, changing) + at_every(119, opening), len(faults))


@newer_build_and([PLAIN])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.long
@pytest.mark.timeout(14400)
def test_an_error_on_a_live_host_ends_as_the_exit_code_says(live: Failing, command: str) -> None:
    faults = all_faults(live, command)
    meet_all(live, command, some(faults, 300, seed=2), len(faults))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.long
@pytest.mark.timeout(36000)
def test_an_error_in_every_call_ends_as_the_exit_code_says(failing: Failing, command: str) -> None:
    faults = all_faults(failing, command)
    changing = [fault for fault in faults if fault.point.call != "openat"]
    opening = [fault for fault in faults if fault.point.call == "openat"]
    meet_all(failing, command, changing + opening[::11], len(faults))
