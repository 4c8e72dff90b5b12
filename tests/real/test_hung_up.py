"""The line drops, or somebody is killed, at random moments of an apply: the terminal, whoever looks on, ssh, the worker.

The worker goes on unless it was killed itself; whoever looks afterwards is shown how it ended, with its exit code;
what was cut short is put back. What makes these tests red: in src/host/detached.rs, a worker without `setsid`, or one
that a hang-up ends (`SIGHUP` left as it is).
"""

import os
import random
import signal
import time
from pathlib import Path

import pytest
import ssh
from conftest import newer_build_and
from folder import Folder, FolderTool
from manager import Manager
from nim_tree import PLAIN
from screen import Screen
from tool import ANSWERS_FILE, Tool, answers
from trials import Trials

# As a shell says it, and as the parent sees it of one that was hit before it could listen.
HUNG_UP = (129, -signal.SIGHUP)
MOST_MORE = 20


class Dropped(Trials):
    def __init__(self, manager: Manager | Folder, tool: Tool, seed: int, takes: float) -> None:
        super().__init__(manager, tool)
        self.chance = random.Random(seed)
        self.takes = takes
        # On a folder all is over before anybody could be found and hit: each fsync takes its time there.
        # The tracer keeps out of the way (-DDD): the tool leads the session of the terminal, as from a shell's exec.
        strace, *rest = self.tracing("fsync")
        delay = (strace, "-DDD", *rest, "-e", "inject=fsync:delay_enter=6000")
        self.slowly = delay if isinstance(manager, Folder) else ()

    def trial(self, hit: str) -> None:
        before = len(self.history())
        screen = self.by_ssh() if hit == "ssh" else Screen(None, *self.slowly, *self.tool.command(*self.apply))
        with screen:
            end = time.monotonic() + self.chance.uniform(0, self.takes)
            while (left := end - time.monotonic()) > 0 and screen.take(left):
                pass
            code = getattr(self, f"hit_{hit}")(screen)
        self.until_nobody_works()
        self.nobody_else_can_read_a_key()
        # That somebody else is gone is no reason to end or to put back anything.
        begun = [run["outcome"] for run in self.history()[before:]]
        assert hit == "worker" or "refused" not in begun, (hit, begun)
        if self.is_cut_short():
            assert hit == "worker", (hit, code)
            self.outcomes[f"{hit}: cut short, put back by the next start"] += 1
            assert self.tool.run(*self.apply).code == 5
            self.put_back(hit)
        elif self.as_before():
            self.outcomes[f"{hit}: before the work began"] += 1
            assert code != 0, (hit, code, screen.text)
        else:
            self.outcomes[f"{hit}: {'over before' if hit == 'worker' else 'the worker went on'}"] += 1
            assert begun and self.tool.run("watch").code == 0
            self.put_back(hit)

    def went_on(self) -> int:
        return sum(number for name, number in self.outcomes.items() if name.endswith("went on"))

    def history(self) -> list[dict]:
        return self.tool.run("history", "--format", "json").document["runs"]

    def by_ssh(self) -> Screen:
        return ssh.session(self.manager, ssh.shell(self.tool.binary, *self.apply), self.chance.randrange(1000))

    def kill(self, pattern: str) -> None:
        found = self.manager.run("pgrep", "-f", pattern, check=False).stdout.split()
        if found:
            self.manager.run("kill", "-KILL", *found, check=False)

    def hit_terminal(self, screen: Screen) -> int:
        screen.hang_up()
        code = screen.exit_code(30)
        assert code in (0, *HUNG_UP), code
        return code

    def hit_ssh(self, screen: Screen) -> int:
        os.kill(screen.pid, signal.SIGKILL)
        return screen.exit_code(30)

    def hit_viewer(self, screen: Screen) -> int:
        self.kill(f"^{self.tool.binary} apply .*{self.tool.place}")
        return screen.exit_code(30)

    def hit_worker(self, screen: Screen) -> int:
        self.kill(f"__worker .*{self.tool.place}")
        return screen.exit_code(60)


def drop(trials: Dropped, hits: tuple[str, ...], least: int) -> None:
    """At least so many trials, and then until a worker was met that went on: a slow machine may take a few more."""
    count = 0
    while count < least or (not trials.went_on() and count < least + MOST_MORE):
        trials.trial(hits[count % len(hits)])
        trials.forget_older_runs()
        count += 1
    assert trials.went_on() > 0, trials.outcomes
    print(f"dropped at random moments, {count} trials: {dict(trials.outcomes)}; mixed states: 0")


def on_a_folder(binary: Path, tmp_path: Path, seed: int) -> Dropped:
    folder = Folder(tmp_path / "root")
    return Dropped(folder, FolderTool(folder, binary), seed, takes=1.5)


def on_a_live_host(manager: Manager, tool: Tool, seed: int) -> Dropped:
    ssh.serve(manager)
    manager.write(ANSWERS_FILE, answers())
    return Dropped(manager, tool, seed, takes=5)


HITS = ("terminal", "viewer", "worker")


def test_whoever_is_hit_the_run_ends_as_it_says(binary: Path, tmp_path: Path) -> None:
    drop(on_a_folder(binary, tmp_path, 1), HITS, 18)


@newer_build_and([PLAIN])
def test_on_a_live_host_too(manager: Manager, tool: Tool) -> None:
    drop(on_a_live_host(manager, tool, 2), ("ssh",), 1)


@pytest.mark.parametrize("part", range(6))
@pytest.mark.long
@pytest.mark.timeout(7200)
def test_whoever_is_hit_at_900_moments(binary: Path, tmp_path: Path, part: int) -> None:
    drop(on_a_folder(binary, tmp_path, 30 + part), HITS, 150)


@newer_build_and([PLAIN])
@pytest.mark.parametrize("part", range(4))
@pytest.mark.long
@pytest.mark.timeout(7200)
def test_whoever_is_hit_on_a_live_host(manager: Manager, tool: Tool, part: int) -> None:
    drop(on_a_live_host(manager, tool, 4 + part), (*HITS, "ssh"), 25)
