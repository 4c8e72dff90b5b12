"""Trials on one host: something goes wrong at one system call of a run, and the next start finds the host as it was,
as planned, or in between and says so. Each trial leaves the host as it was."""

import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import snapshot
from folder import Folder
from manager import Manager
from tool import ANSWERS_FILE, STATE, Done, Tool

LOG = "/mnt/trace"
# What changes the names, the bytes, the attributes or the safety of files.
CALLS = (
    "rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,"
    "chmod,fchmod,fchmodat,chown,fchown,fchownat,fsetxattr,ftruncate,fsync,fdatasync"
)
ROLLBACK = ("rollback", "--yes")


# More than the ten of which copies are kept in any case.
MOST_RUNS = 15


class Point(NamedTuple):
    """The N-th call of this kind that a process makes. strace counts each kind for itself."""

    call: str
    number: int


class Trials:
    def __init__(self, manager: Manager | Folder, tool: Tool) -> None:
        self.manager, self.tool = manager, tool
        self.apply = ("apply", "--answers", tool.inside(ANSWERS_FILE), "--yes")
        self.before = snapshot.take(manager)
        self.outcomes: Counter[str] = Counter()
        self.runs_at_first = self.runs()

    def points(self, *argv: str, calls: str = CALLS) -> list[Point]:
        """All calls of these kinds that a command makes, by whichever process makes most of a kind."""
        assert self.run(*argv, before=self.tracing(calls)).code == 0
        made: dict[str, Counter[str]] = defaultdict(Counter)
        for line in self.trace().splitlines():
            process, call = line.split(maxsplit=1)
            made[call.split("(")[0]][process] += "(" in call and not call.startswith(("<", "-", "+"))
        most = {call: max(counts.values()) for call, counts in made.items()}
        return [Point(call, number) for call in sorted(most) for number in range(1, most[call] + 1)]

    def tracing(self, calls: str, at_these_alone: bool = True) -> tuple[str, ...]:
        """A command before another. A process that is stopped at these calls alone, not at each that it makes, takes a
        fifth of the time."""
        how = ("--seccomp-bpf",) if at_these_alone else ()
        return ("strace", "-f", *how, "-qq", "-o", self.tool.inside(LOG), "-e", f"trace={calls}")

    def failing_at(self, call: str, error: str, when: str) -> tuple[str, ...]:
        """The same: each of its processes meets this error at this call, which is not made."""
        return (*self.tracing(call), "-e", f"inject={call}:error={error}:when={when}")

    def killing(self, point: Point) -> tuple[str, ...]:
        """The same: each of its processes is killed at this call, which is not made."""
        # With --seccomp-bpf, strace 6.1 sends no signal.
        tracing = self.tracing(point.call, at_these_alone=False)
        return (*tracing, "-e", f"inject={point.call}:signal=KILL:when={point.number}")

    def trace(self) -> str:
        return self.manager.path(LOG).read_text(errors="replace")

    def someone_was_killed(self) -> bool:
        return "killed by SIGKILL" in self.trace()

    def until_nobody_works(self) -> None:
        script = f"while pgrep -f '[_]_worker .*{self.tool.place}' >/dev/null; do sleep 0.05; done"
        self.manager.run("sh", "-c", script, timeout=120)

    def nobody_else_can_read_a_key(self) -> None:
        folders = [str(self.tool.inside(folder)) for folder in (STATE, "/etc/nms")]
        search = ("find", *folders, "-name", "*.key", "-perm", "/077", "!", "-name", "manager-*")
        found = self.manager.run(*search, check=False).stdout
        assert found == "", found

    def differences(self) -> list[str]:
        return snapshot.differences(self.before, snapshot.take(self.manager))

    def as_before(self) -> bool:
        return self.differences() == []

    def is_cut_short(self) -> bool:
        (found,) = [
            one
            for one in self.tool.run("check", "--format", "json").document["checks"]
            if one["id"] == "unfinished"
        ]
        return found["status"] != "ok"

    def runs(self) -> list[Path]:
        """Oldest first: the hundredth of a day comes after the ninety-ninth."""
        found = (path for path in self.manager.path(f"{STATE}/runs").glob("20*") if path.is_dir())
        return sorted(found, key=lambda path: (path.name[:10], int(path.name[11:])))

    def forget_older_runs(self) -> None:
        """Between trials: each command reads what all runs have left, and after a thousand that is all it does."""
        for run in self.runs()[:-MOST_RUNS]:
            if run not in self.runs_at_first:
                shutil.rmtree(run)

    def put_back(self, about: object) -> None:
        done = self.tool.run(*ROLLBACK)
        assert done.code == 0, (about, done)
        assert self.as_before(), (about, self.differences())

    def run(self, *argv: str, before: tuple[str, ...] = ()) -> Done:
        """Runs the tool until nobody works any more; no key is left open by it."""
        done = self.tool.run(*argv, before=before)
        self.until_nobody_works()
        self.nobody_else_can_read_a_key()
        return done
