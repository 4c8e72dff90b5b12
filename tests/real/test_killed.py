"""SIGKILL at the N-th call that changes something: of an apply, and of the rollback that puts it back.

Whoever makes that call is killed: the worker, the front that starts it, nginx, a script that rebuilds the trust
store. The next start then finds the host as it was, as planned, or in between and says so; a rollback puts it back
byte for byte. What makes these tests red: a change that is made before its line is in the journal (`Entry` after
`place` in src/worker/place.rs), or a key that is not born 0600.

The quick form kills at every 14th call that is made before nginx is told, the long one (`-m long`) at every one.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count

import pytest
import snapshot
from conftest import newer_build_and
from manager import Manager
from nim_tree import PLAIN
from tool import ANSWERS_FILE, STATE, Tool, answers

# What changes the names, the bytes, the attributes or the safety of files.
CALLS = (
    "rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,"
    "chmod,fchmod,fchmodat,chown,fchown,fchownat,fsetxattr,ftruncate,fsync,fdatasync"
)
APPLY = ("apply", "--answers", ANSWERS_FILE, "--yes")
ROLLBACK = ("rollback", "--yes")
# The quick form, for the time that whole runs take: so far apart, and no further than the files being in place.
EVERY, QUICK_SLICES = 14, 2
MOST_OF_APPLY, MOST_OF_RECOVERY = 130, 80
SLICES = 4
# A call of the worker late in an apply: much has been placed, and nginx has not been told yet.
LATE = 120


def killing(number: int) -> tuple[str, ...]:
    """A command before another: each of its processes dies at its N-th call, which is not made."""
    return ("strace", "-f", "-qq", "-o", "/mnt/killed", "-e", f"trace={CALLS}", "-e", f"inject={CALLS}:signal=KILL:when={number}")


def someone_was_killed(manager: Manager) -> bool:
    return "killed by SIGKILL" in manager.path("/mnt/killed").read_text(errors="replace")


def until_nobody_works(manager: Manager) -> None:
    manager.run("sh", "-c", "while pgrep -f '[_]_worker' >/dev/null; do sleep 0.05; done", timeout=120)


def nobody_else_can_read_a_key(manager: Manager) -> None:
    search = f"find {STATE} /etc/nms -name '*.key' -perm /077 ! -name 'manager-*' 2>/dev/null; true"
    found = manager.run("sh", "-c", search).stdout
    assert found == "", found


class Trials:
    """Trials on one host, which each of them leaves as it was."""

    def __init__(self, manager: Manager, tool: Tool) -> None:
        self.manager, self.tool = manager, tool
        self.before = snapshot.take(manager)
        self.outcomes: Counter[str] = Counter()

    def as_before(self) -> bool:
        return snapshot.differences(self.before, snapshot.take(self.manager)) == []

    def is_cut_short(self) -> bool:
        (found,) = [
            one
            for one in self.tool.run("check", "--format", "json").document["checks"]
            if one["id"] == "unfinished"
        ]
        return found["status"] != "ok"

    def put_back(self, number: int) -> None:
        done = self.tool.run(*ROLLBACK)
        assert done.code == 0, (number, done)
        assert self.as_before(), (number, snapshot.differences(self.before, snapshot.take(self.manager)))

    def apply_killed_at(self, number: int) -> bool:
        """Whether anybody made so many calls."""
        done = self.tool.run(*APPLY, before=killing(number))
        until_nobody_works(self.manager)
        nobody_else_can_read_a_key(self.manager)
        killed = someone_was_killed(self.manager)
        if self.is_cut_short():
            self.tally("cut short, put back by the next start", killed)
            assert self.tool.run(*APPLY).code == 5, number
            self.put_back(number)
        elif self.as_before():
            self.tally("nothing changed, or put back by itself", killed)
            assert done.code != 0, (number, done)
        else:
            # The front was killed, or a command: the run went on to its end.
            self.tally("applied and proven", killed)
            assert self.tool.run("watch").code == 0, (number, done)
            self.put_back(number)
        return killed

    def recovery_killed_at(self, number: int) -> bool:
        """An apply is killed late, and what puts it back at this call."""
        self.tool.run(*APPLY, before=killing(LATE))
        until_nobody_works(self.manager)
        assert self.is_cut_short()
        self.tool.run(*ROLLBACK, before=killing(number))
        until_nobody_works(self.manager)
        nobody_else_can_read_a_key(self.manager)
        killed = someone_was_killed(self.manager)
        if self.is_cut_short():
            self.tally("cut short again, put back by the next start", killed)
            self.put_back(number)
        else:
            self.tally("put back all the same", killed)
            assert self.as_before(), (number, snapshot.differences(self.before, snapshot.take(self.manager)))
        return killed

    def tally(self, outcome: str, killed: bool) -> None:
        self.outcomes[outcome if killed else "nobody was killed"] += 1


@pytest.fixture
def trials(manager: Manager, tool: Tool) -> Trials:
    manager.write(ANSWERS_FILE, answers())
    return Trials(manager, tool)


def kill_at_each(kill: Callable[[int], bool], numbers: Iterator[int], cut_short: Callable[[], int]) -> int:
    """Kills at each of these calls, or until nobody makes so many; gives the last number."""
    last = 0
    for last in numbers:
        if not kill(last):
            break
    # What cannot fail proves nothing: there were runs that were cut short by it.
    assert cut_short() > 0
    return last


def apply_killed(trials: Trials, numbers: Iterator[int]) -> None:
    cut_short = "cut short, put back by the next start"
    last = kill_at_each(trials.apply_killed_at, numbers, lambda: trials.outcomes[cut_short])
    print(f"apply killed, up to call {last}: {dict(trials.outcomes)}; mixed states: 0")


def recovery_killed(trials: Trials, numbers: Iterator[int]) -> None:
    cut_short = "cut short again, put back by the next start"
    last = kill_at_each(trials.recovery_killed_at, numbers, lambda: trials.outcomes[cut_short])
    print(f"recovery killed, up to call {last}: {dict(trials.outcomes)}; mixed states: 0")


@newer_build_and([PLAIN])
@pytest.mark.parametrize("part", range(QUICK_SLICES))
@pytest.mark.timeout(600)
def test_an_apply_that_is_killed_leaves_a_host_that_is_put_back(trials: Trials, part: int) -> None:
    apply_killed(trials, iter(range(1 + EVERY * part, MOST_OF_APPLY, EVERY * QUICK_SLICES)))


@newer_build_and([PLAIN])
@pytest.mark.parametrize("part", range(QUICK_SLICES))
@pytest.mark.timeout(600)
def test_what_puts_it_back_may_be_killed_as_well(trials: Trials, part: int) -> None:
    recovery_killed(trials, iter(range(1 + EVERY * part, MOST_OF_RECOVERY, EVERY * QUICK_SLICES)))


@newer_build_and([PLAIN])
@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.long
@pytest.mark.timeout(7200)
def test_an_apply_that_is_killed_anywhere_leaves_a_host_that_is_put_back(trials: Trials, part: int) -> None:
    apply_killed(trials, count(1 + part, SLICES))


@newer_build_and([PLAIN])
@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.long
@pytest.mark.timeout(7200)
def test_what_puts_it_back_may_be_killed_anywhere(trials: Trials, part: int) -> None:
    recovery_killed(trials, count(1 + part, SLICES))
