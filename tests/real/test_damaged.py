"""What a run has written is damaged: cut, changed at a byte, replaced by something else. Nothing that is found then is
called put back that is not, and one whole copy of the journal is enough to put all of it back.

What makes these tests red: a journal that is written once only (`note` in src/worker/journal.rs), an end of the journal
that may lack (`more.any` there), a receipt that has to be a file before the journal is asked
(`RunFolder::receipt` in src/worker/run_folder.rs).

The quick form damages each file at some places, the long one (`-m long`) at 3,000, and prints its figures.
"""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import snapshot
from folder import Folder, FolderTool, begin_to_wait
from tool import ANSWERS_FILE, STATE, Done
from trials import ROLLBACK, Trials

Damage = Callable[[Path, random.Random], None]
JOURNALS = ("journal.jsonl", "journal-copy.jsonl")
OTHERS = ("request.json", "plan.json", "events.jsonl", "word.json")


def cut(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(path.stat().st_size))


def cut_between_lines(path: Path, chance: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: chance.randrange(len(lines))]))


def changed(path: Path, chance: random.Random) -> None:
    held = bytearray(path.read_bytes())
    held[chance.randrange(len(held))] ^= chance.randrange(1, 256)
    path.write_bytes(held)


def noise(path: Path, chance: random.Random) -> None:
    path.write_bytes(chance.randbytes(path.stat().st_size))


def doubled(path: Path, _: random.Random) -> None:
    path.write_bytes(path.read_bytes() * 2)


def gone(path: Path, _: random.Random) -> None:
    path.unlink()


def fifo(path: Path, _: random.Random) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def folder(path: Path, _: random.Random) -> None:
    path.unlink()
    path.mkdir(mode=0o700)


def link_to_nothing(path: Path, _: random.Random) -> None:
    path.unlink()
    path.symlink_to("/nowhere")


def huge(path: Path, _: random.Random) -> None:
    os.truncate(path, 3 << 30)


OF_BYTES: tuple[Damage, ...] = (cut, changed)
OF_FILES: tuple[Damage, ...] = (cut_between_lines, noise, doubled, gone, fifo, folder, link_to_nothing, huge)


class Damaged(Trials):
    """A host on which a run is in force, or was cut short while it waited to be kept; each trial has a copy of it."""

    def __init__(self, binary: Path, place: Path, waiting: bool) -> None:
        self.waiting = waiting
        host = Folder(place / "first")
        super().__init__(host, FolderTool(host, binary))
        self.first, self.copies, self.binary = host, 0, binary
        if waiting:
            self.cut_short_in_the_window()
        else:
            assert self.run(*self.apply).code == 0
        (self.run_name,) = (name for name in os.listdir(host.path(f"{STATE}/runs")) if name[0].isdigit())

        self.different_at_first = self.differences()

    def cut_short_in_the_window(self) -> None:
        applying = begin_to_wait(self.tool)
        found = subprocess.run(["pgrep", "-f", f"[_]_worker .*{self.first.root}"], capture_output=True, check=True)
        os.kill(int(found.stdout), signal.SIGKILL)
        assert applying.wait(timeout=60) == 4

    def on_a_copy(self, damage: Callable[[Path], None], *argv: str) -> tuple[Done, list[str]]:
        """The command, on a copy of the host after this was done to the folder of its run, and what is not as before."""
        self.copies += 1
        root = self.first.root.with_name(f"copy-{self.copies}")
        subprocess.run(["cp", "-a", str(self.first.root), str(root)], check=True)
        host = Folder.__new__(Folder)
        host.root = root
        damage(host.path(f"{STATE}/runs/{self.run_name}"))
        began = time.monotonic()
        done = FolderTool(host, self.binary).run(*argv)
        assert time.monotonic() - began < 20, done
        different = snapshot.differences(self.before, snapshot.take(host))
        subprocess.run(["rm", "-rf", str(root)], check=True)
        return done, different

    def put_back_after(self, name: str, damage: Damage, seed: int, whole: bool) -> None:
        """Damages this file of the run. `whole`: something else holds all of it, so that all of it is put back."""

        def spoil(run: Path) -> None:
            if (run / name).exists():
                damage(run / name, random.Random(seed))

        done, different = self.on_a_copy(spoil, *ROLLBACK)
        about = (name, damage.__name__, seed, done, different)
        if done.code == 0:
            assert different == [], about
            self.outcomes["put back"] += 1
        else:
            assert not whole and done.code in (1, 4) and different, about
            assert "do: " in done.err, about
            self.outcomes["refused, and said why"] += 1


@pytest.fixture(scope="module", params=["kept", "waiting"])
def damaged(request: pytest.FixtureRequest, binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Damaged:
    return Damaged(binary, tmp_path_factory.mktemp(request.param), request.param == "waiting")


def everything(damaged: Damaged, at_bytes: int) -> None:
    damaged.outcomes = Counter()
    for name in (*JOURNALS, *OTHERS, *(() if damaged.waiting else ("receipt.json",))):
        for damage in OF_FILES:
            damaged.put_back_after(name, damage, 1, whole=True)
        for damage in OF_BYTES:
            for seed in range(at_bytes):
                damaged.put_back_after(name, damage, seed, whole=True)
    print(f"one file of a run damaged, {damaged.outcomes.total()} trials: {dict(damaged.outcomes)}; mixed states: 0")


@pytest.mark.timeout(600)
def test_one_damaged_file_keeps_nobody_from_the_way_back(damaged: Damaged) -> None:
    everything(damaged, 2)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_one_damaged_file_at_many_places(damaged: Damaged) -> None:
    everything(damaged, 120)


@pytest.mark.timeout(300)
def test_both_journals_damaged_is_said_and_nothing_is_touched(damaged: Damaged) -> None:
    """A whole receipt says what was changed as well; without it, it is not guessed."""

    def spoil(run: Path) -> None:
        for name in JOURNALS:
            noise(run / name, random.Random(1))

    done, different = damaged.on_a_copy(spoil, *ROLLBACK)
    if damaged.waiting:
        assert done.code == 4 and different, (done, different)
        assert "plan.json" in done.err and "do: mv " in done.err, done
    else:
        assert done.code == 0 and different == [], (done, different)


@pytest.mark.timeout(600)
def test_nothing_that_only_looks_waits_or_fails_because_of_it(damaged: Damaged) -> None:
    for name in (*JOURNALS, *OTHERS, "receipt.json"):
        for damage in (noise, fifo, folder, huge):

            def spoil(run: Path, name: str = name, damage: Damage = damage) -> None:
                if (run / name).exists():
                    damage(run / name, random.Random(1))

            for command in (("history",), ("check",), ("watch",)):
                done, different = damaged.on_a_copy(spoil, *command)
                assert done.code in (0, 1, 5) and "panicked" not in done.err and different, (name, damage, command, done)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", [0, 2, 3])
def test_what_all_records_have_lost_is_missed_by_what_is_there(damaged: Damaged, part: int) -> None:
    """Both journals end early, or are gone, and there is no receipt: nothing is taken away that what stays needs."""

    def spoil(run: Path) -> None:
        for name in JOURNALS:
            lines = (run / name).read_bytes().splitlines(keepends=True)
            (run / name).write_bytes(b"".join(lines[: len(lines) * part // 4]))
        (run / "receipt.json").unlink(missing_ok=True)

    done, different = damaged.on_a_copy(spoil, *ROLLBACK)
    assert done.code == 4 and "plan.json" in done.err and "do: mv " in done.err, done
    assert different == damaged.different_at_first, (done, different)
    done, _ = damaged.on_a_copy(spoil, "apply", "--answers", damaged.tool.inside(ANSWERS_FILE), "--yes")
    assert done.code == 5, done
