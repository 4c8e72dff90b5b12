"""SIGKILL at the N-th call that changes something: of an apply, and of the rollback that puts it back.

Whoever makes that call is killed: the worker, the front that starts it, nginx, a script that rebuilds the trust
store. The next start then finds the host as it was, as planned, or in between and says so; a rollback puts it back
byte for byte. What makes these tests red: a change that is made before its line is in the journal (`Entry` after
`place` in src/worker/place.rs), or a key that is not born 0600.

The quick form kills at some calls, the long one (`-m long`) at every one, and prints its figures.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import newer_build_and
from folder import Folder, FolderTool
from instance import PACKAGED, SETTINGS, instance_answers
from manager import Manager
from nim_tree import PLAIN
from tool import ANSWERS_FILE, STATE, Tool, answers
from trials import ROLLBACK, Point, Trials

# The quick form, for the time that whole runs take.
QUICK_SLICES, SLICES = 2, 4
IN_APPLY = [
    Point("fsync", 6), Point("fsync", 40), Point("fsync", 60), Point("fsync", 85), Point("fchmod", 30), Point("renameat", 3),
    Point("renameat", 20), Point("mkdirat", 4), Point("symlinkat", 1), Point("renameat2", 1),
]  # fmt: skip
IN_RECOVERY = [
    Point("fsync", 12), Point("fsync", 36), Point("fchmod", 5), Point("unlinkat", 2), Point("unlinkat", 14), Point("renameat", 4),
]  # fmt: skip
# A call of the worker late in an apply: most has been placed, and nginx has not been told yet.
LATE = Point("fsync", 60)


class Killed(Trials):
    def apply_at(self, point: Point) -> None:
        done = self.run(*self.apply, before=self.killing(point))
        killed = self.someone_was_killed()
        if self.is_cut_short():
            self.tally("cut short, put back by the next start", killed)
            assert self.tool.run(*self.apply).code == 5, point
            self.put_back(point)
        elif self.as_before():
            self.tally("nothing changed, or put back by itself", killed)
            assert done.code != 0, (point, done)
        else:
            # The front was killed, or a command: the run went on to its end.
            self.tally("applied and proven", killed)
            assert self.tool.run("watch").code == 0, (point, done)
            self.put_back(point)

    def recovery_at(self, point: Point, late: Point) -> None:
        """An apply is killed, and what puts it back at this call."""
        self.run(*self.apply, before=self.killing(late))
        if not self.is_cut_short() and self.as_before():
            self.tally("the apply left nothing to be put back", True)
            return
        self.run(*ROLLBACK, before=self.killing(point))
        killed = self.someone_was_killed()
        if self.is_cut_short():
            self.tally("cut short again, put back by the next start", killed)
            self.put_back(point)
        elif self.as_before():
            self.tally("put back all the same", killed)
        else:
            # The apply had come to its end, and the rollback was killed before it began.
            self.tally("applied and proven still", killed)
            outcomes = [run["outcome"] for run in self.tool.run("history", "--format", "json").document["runs"]]
            assert "applied" in outcomes and "incomplete" not in outcomes[-2:], (point, outcomes, self.differences())
            self.put_back(point)

    def tally(self, outcome: str, killed: bool) -> None:
        self.outcomes[outcome if killed else "nobody was killed"] += 1


@pytest.fixture
def trials(manager: Manager, tool: Tool) -> Killed:
    manager.write(ANSWERS_FILE, answers())
    return Killed(manager, tool)


def on_a_folder(binary: Path, tmp_path: Path) -> Killed:
    folder = Folder(tmp_path / "root")
    return Killed(folder, FolderTool(folder, binary))


def report(trials: Killed, what: str, cut_short: str) -> int:
    # What cannot fail proves nothing: there were runs that were cut short by it.
    assert trials.outcomes[cut_short] > 0, trials.outcomes
    # A race may make a call less: then nobody was there to be killed, and it is no trial.
    count = trials.outcomes.total() - trials.outcomes["nobody was killed"]
    print(f"{what}, {count} trials: {dict(trials.outcomes)}; mixed states: 0")
    return count


def apply_killed(trials: Killed, points: Iterable[Point]) -> None:
    for point in points:
        trials.apply_at(point)
        trials.forget_older_runs()
    report(trials, "apply killed", "cut short, put back by the next start")


def recovery_killed(trials: Killed, pairs: Iterable[tuple[Point, Point]]) -> None:
    for late, point in pairs:
        trials.recovery_at(point, late)
        trials.forget_older_runs()
    report(trials, "apply and then its recovery killed", "cut short again, put back by the next start")


@newer_build_and([PLAIN])
@pytest.mark.parametrize("part", range(QUICK_SLICES))
@pytest.mark.timeout(600)
def test_an_apply_that_is_killed_leaves_a_host_that_is_put_back(trials: Killed, part: int) -> None:
    apply_killed(trials, IN_APPLY[part::QUICK_SLICES])
    assert trials.outcomes["nobody was killed"] == 0, trials.outcomes


@newer_build_and([PLAIN])
@pytest.mark.parametrize("part", range(QUICK_SLICES))
@pytest.mark.timeout(600)
def test_what_puts_it_back_may_be_killed_as_well(trials: Killed, part: int) -> None:
    recovery_killed(trials, [(LATE, point) for point in IN_RECOVERY[part::QUICK_SLICES]])
    assert trials.outcomes["nobody was killed"] == 0, trials.outcomes


@newer_build_and([PLAIN])
@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.long
@pytest.mark.timeout(14400)
def test_an_apply_that_is_killed_anywhere_leaves_a_host_that_is_put_back(trials: Killed, part: int) -> None:
    points = trials.points(*trials.apply)
    trials.put_back("at first")
    apply_killed(trials, points[part::SLICES])


@newer_build_and([PLAIN])
@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.long
@pytest.mark.timeout(14400)
def test_what_puts_it_back_may_be_killed_anywhere(trials: Killed, part: int) -> None:
    trials.run(*trials.apply)
    recovery_killed(trials, [(LATE, point) for point in trials.points(*ROLLBACK)[part::SLICES]])


@dataclass(frozen=True)
class Case:
    """What is applied, and what has been applied before it."""

    label: str
    changes: tuple[tuple[str, str], ...] = ()
    earlier: tuple[tuple[str, str], ...] | None = None
    # On the same folder, which is an instance too by then.
    instance: bool = False

    def __str__(self) -> str:
        return self.label


PASSPHRASE = "/mnt/passphrase"
WITHOUT_CERTIFICATES = (("method: client-mtls", "method: ssl-termination"),)
CASES = [
    Case("client-mtls"),
    Case("ssl-termination", WITHOUT_CERTIFICATES),
    Case("with-an-encrypted-ca", (("keep: plaintext", "keep: encrypted, passphrase_file: {PASSPHRASE}"),)),
    Case("without-the-key-of-the-ca", (("keep: plaintext", "keep: discard"),)),
    Case("trusted-by-nobody-else", (("certificates:", "options: {trust_store: false}\ncertificates:"),)),
    Case("another-address", (("alt_names: [10.0.0.5]", "alt_names: [10.0.0.6]"),), earlier=()),
    Case("one-more-agent", (("db-1.example.com]", "db-1.example.com, db-2.example.com]"),), earlier=()),
    Case("from-ssl-termination", earlier=WITHOUT_CERTIFICATES),
    Case("an-instance", earlier=(), instance=True),
]
each_case = pytest.mark.parametrize("case", CASES, ids=str)


def in_case(case: Case, binary: Path, tmp_path: Path) -> Killed:
    folder = Folder(tmp_path / "root")
    file = folder.path(ANSWERS_FILE)
    plain = file.read_text()
    tool = FolderTool(folder, binary)
    folder.path(PASSPHRASE).write_text("long enough to be one\n")
    folder.path(PASSPHRASE).chmod(0o600)

    def ask(changes: tuple[tuple[str, str], ...]) -> None:
        text = plain
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new.replace("{PASSPHRASE}", tool.inside(PASSPHRASE)))
        file.write_text(text)

    if case.earlier is not None:
        ask(case.earlier)
        assert tool.run("apply", "--answers", tool.inside(ANSWERS_FILE), "--yes").code == 0
    ask(case.changes)
    if case.instance:
        with folder.path("/var/lib/dpkg/status").open("a") as status:
            status.write("\nPackage: nginx-agent\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.46.7\n")
        folder.path(SETTINGS).parent.mkdir()
        folder.path(SETTINGS).write_text(PACKAGED)
        file.write_text(instance_answers(agent=f"{{bundle: {STATE}/issued/web-1.example.com}}"))
    return Killed(folder, tool)


def late_in(points: list[Point]) -> Point:
    """Most has been placed by then."""
    syncs = [point for point in points if point.call == "fsync"]
    return syncs[len(syncs) * 3 // 4]


def everywhere(trials: Killed, nth: int) -> None:
    in_apply, in_rollback = trials.points(*trials.apply), trials.points(*ROLLBACK)
    apply_killed(trials, in_apply[::nth])
    trials.outcomes.clear()
    recovery_killed(trials, [(late_in(in_apply), point) for point in in_rollback[::nth]])
    killed = len(in_apply[::nth]) + len(in_rollback[::nth])
    print(f"killed on a folder at {killed} calls, sample of {len(in_apply) + len(in_rollback)}")


@each_case
@pytest.mark.long
@pytest.mark.timeout(7200)
def test_on_a_folder_apply_and_recovery_are_killed_anywhere(binary: Path, tmp_path: Path, case: Case) -> None:
    everywhere(in_case(case, binary, tmp_path), 1)


def two_deep(trials: Killed, count: int, seed: int) -> None:
    """An apply is killed at one call, and what puts it back at another one."""
    chance = random.Random(seed)
    in_apply, in_rollback = trials.points(*trials.apply), trials.points(*ROLLBACK)
    pairs = ((chance.choice(in_apply), chance.choice(in_rollback)) for _ in range(count))
    recovery_killed(trials, pairs)


@pytest.mark.timeout(600)
def test_on_a_folder_apply_and_recovery_are_killed_at_every_11th_call(binary: Path, tmp_path: Path) -> None:
    everywhere(in_case(CASES[0], binary, tmp_path), 11)


@pytest.mark.timeout(600)
def test_two_deep(binary: Path, tmp_path: Path) -> None:
    two_deep(on_a_folder(binary, tmp_path), 8, seed=1)


@each_case
@pytest.mark.long
@pytest.mark.timeout(7200)
def test_two_deep_at_300_pairs(binary: Path, tmp_path: Path, case: Case) -> None:
    two_deep(in_case(case, binary, tmp_path), 300, seed=2)


@newer_build_and([PLAIN])
@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.long
@pytest.mark.timeout(14400)
def test_two_deep_on_a_live_host(trials: Killed, part: int) -> None:
    two_deep(trials, 75, seed=3 + part)
