"""2 to 16 runs at once on one host: one works, the others say who does, and no two of them mix.

What makes these tests red: in src/worker/job.rs, a lock that is not taken (`take_lock`), or in src/worker/runs.rs a
number that is given without `numbering`.
"""

import json
import random
import re
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
import snapshot
from conftest import newer_build_and
from folder import Folder, FolderTool
from lab import environment
from manager import Manager
from nim_tree import PLAIN
from tool import ANSWERS_FILE, Done, Tool, answers
from trials import Trials

# process, user, terminal and since when; or that it has only just noted its name.
WHO = r"another run is at work: (run [\d-]+: process \d+, started by \S.* on \S.*, since \d{4}-\S+|run [\d-]+|another process)"
# 1: the host that was looked at is another one by now, or nothing is left to be put back.
FAIR = {"apply": {0, 1, 5}, "rollback": {0, 1, 5}, "plan": {0, 1, 5}, "history": {0}, "check": {0, 1}}


class Crowd(Trials):
    def __init__(self, manager: Manager | Folder, tool: Tool, seed: int) -> None:
        super().__init__(manager, tool)
        self.chance = random.Random(seed)
        options = ("--answers", tool.inside(ANSWERS_FILE))
        self.commands = [
            ("apply", *options, "--yes"), ("apply", *options, "--yes"), ("rollback", "--yes"),
            ("plan", *options), ("history",), ("check",),
        ]  # fmt: skip
        assert self.run(*self.apply).code == 0
        self.applied = self.shape()
        self.put_back("at first")

    def shape(self) -> list[tuple]:
        """What is there, without the bytes, which are new with each set of keys."""
        return [(path, one.kind, one.mode, one.owner) for path, one in sorted(snapshot.take(self.manager).items())]

    def round(self) -> None:
        begun = [self.begin(argv) for argv in self.chance.choices(self.commands, k=self.chance.randint(2, 16))]
        done = [(argv[0], self.end(process)) for argv, process in begun]
        self.until_nobody_works()
        self.nobody_else_can_read_a_key()
        for command, one in done:
            self.outcomes[f"{command} {one.code}"] += 1
            assert one.code in FAIR[command], (command, one)
            if one.code == 5:
                assert re.search(WHO, " ".join(one.err.split())), one
        # Whoever worked is remembered, once, and the host is what the last of them says.
        runs = self.history()
        assert len({run["run"] for run in runs}) == len(runs), runs
        remembered = {run["run"]: run["outcome"] for run in runs}
        for command, one in done:
            if command in ("apply", "rollback") and one.code == 0 and (run := one.document["run"]):
                assert run in remembered, (run, runs)
        in_force = [run for run in runs if run["outcome"] == "applied"]
        assert len(in_force) <= 1, runs
        assert not self.is_cut_short(), runs
        assert self.shape() == self.applied if in_force else self.as_before(), (runs, self.differences())

    def begin(self, argv: tuple[str, ...]) -> tuple[tuple[str, ...], subprocess.Popen[str]]:
        command = [*self.tool.command(*argv), "--format", "json"]
        return argv, subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        )

    def end(self, process: subprocess.Popen[str]) -> Done:
        out, err = process.communicate(timeout=120)
        return Done(process.returncode, out, err)

    def history(self) -> list[dict]:
        return self.tool.run("history", "--format", "json").must(0)["runs"]

    def holder_is_killed(self) -> None:
        """At a random moment of an apply; the lock of the dead is nobody's."""
        front, found = self.seen_at_work()
        time.sleep(self.chance.random() * 0.1)
        self.manager.run("kill", "-KILL", *found, check=False)
        code = self.end(front).code
        self.until_nobody_works()
        self.outcomes["holder killed"] += 1
        if self.is_cut_short():
            assert code == 4 and self.tool.run(*self.apply).code == 5
            self.outcomes["holder killed in between"] += 1
        if not self.as_before() or self.is_cut_short():
            self.put_back("killed")

    def seen_at_work(self) -> tuple[subprocess.Popen[str], list[str]]:
        """An apply, and its worker; on a folder it may be over before anybody has looked."""
        search = ("pgrep", "-f", f"__worker .*{self.tool.place}")
        for _ in range(20):
            if not self.as_before():
                self.put_back("first")
            _, front = self.begin(self.apply)
            while front.poll() is None:
                if found := self.manager.run(*search, check=False).stdout.split():
                    return front, found
            assert self.end(front).code == 0
        raise AssertionError("no worker was ever seen at work")


def rounds(crowd: Crowd, count: int, kills: int) -> None:
    for number in range(count):
        if number % (count // kills) == 0:
            crowd.holder_is_killed()
        crowd.round()
        crowd.forget_older_runs()
    worked = sum(number for name, number in crowd.outcomes.items() if name in ("apply 0", "rollback 0"))
    turned_away = sum(number for name, number in crowd.outcomes.items() if name.endswith(" 5"))
    assert worked >= count / 2 and turned_away > count / 4, crowd.outcomes
    print(f"2 to 16 at once, {count} trials: {dict(Counter(crowd.outcomes))}; mixed states: 0")


def on_a_folder(binary: Path, tmp_path: Path, seed: int) -> Crowd:
    folder = Folder(tmp_path / "root")
    return Crowd(folder, FolderTool(folder, binary), seed)


def test_of_many_at_once_one_works(binary: Path, tmp_path: Path) -> None:
    rounds(on_a_folder(binary, tmp_path, 1), 20, 5)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_of_many_at_once_one_works_500_times(binary: Path, tmp_path: Path) -> None:
    rounds(on_a_folder(binary, tmp_path, 2), 500, 100)


@newer_build_and([PLAIN])
@pytest.mark.long
@pytest.mark.timeout(7200)
def test_of_many_at_once_on_a_live_host_one_works(manager: Manager, tool: Tool) -> None:
    manager.write(ANSWERS_FILE, answers())
    rounds(Crowd(manager, tool, 3), 20, 5)
