"""A manager at work in a lab: tree, services, nginx; and the ways to ask it something."""

import dataclasses
import json
import subprocess
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import nim_tree
from clients import Attempt, Told
from lab import Lab, Nginx
from nim_tree import Shape

CALL_LOG = "/mnt/calls.jsonl"
SERVICES = ("Commander", "MetricsService")
NAME = "nim.example.com"


@dataclasses.dataclass(frozen=True)
class Outcome:
    attempt: Attempt
    told: Told
    reached: bool  # by the upstream's own log, whatever the client was told

    def __str__(self) -> str:
        return f"{'REACHED' if self.reached else 'refused'} {self.attempt} -> {self.told}"


class Manager(Lab):
    """A lab with a manager of a shape; closing it ends all of it."""

    def __init__(self, nginx: Nginx, shape: Shape) -> None:
        super().__init__(nginx)
        self.shape = shape
        self._sources = 0
        self._held: list[subprocess.Popen[str]] = []
        self._folder = tempfile.TemporaryDirectory(prefix="nim-lab-")
        self.work = Path(self._folder.name)
        try:
            self.install()
        except BaseException:
            self.close()
            raise

    def install(self) -> None:
        nim_tree.install(self, self.shape, self.work)

    def close(self) -> None:
        super().close()
        for process in self._held:
            process.wait(timeout=10)
            process.stdin.close()
            process.stdout.close()
        self._folder.cleanup()

    def start(self) -> None:
        self.start_services()
        self.start_nginx()

    def start_services(self) -> None:
        services = self._keep(self.spawn(*self.python("upstream.py", CALL_LOG)))
        assert services.stdout.readline() == "ready\n"

    def restart_tree(self) -> None:
        """After an edit: the configuration must load and is then the running one, with no old workers."""
        tested = self.test_config()
        assert tested.returncode == 0, tested.stderr
        self.reload_nginx()

    def carry(self, source: Path, name: str | None = None) -> str:
        """Copies a file into the lab, for a client; says where it is."""
        inside = f"/mnt/files/{name or source.name}"
        self.write(inside, source.read_bytes(), 0o600)
        return inside

    def call_log(self) -> list[dict[str, str]]:
        log = self.path(CALL_LOG)
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def attempt(self, attempts: Iterable[Attempt], *, one_source: bool = False) -> list[Outcome]:
        """Tries each; unless from `one_source`, each from an address that met no rate limit yet."""
        marked = [dataclasses.replace(each, marker=uuid.uuid4().hex) for each in attempts]
        if not one_source:
            marked = [dataclasses.replace(each, source=self._fresh_source(each)) for each in marked]
        asked = self.run(
            *self.python("clients.py"), stdin=json.dumps([dataclasses.asdict(each) for each in marked]), timeout=240
        )
        told = [Told(**each) for each in json.loads(asked.stdout)]
        reached = {call["attempt"] for call in self.call_log()}
        return [Outcome(each, said, each.marker in reached) for each, said in zip(marked, told, strict=True)]

    def _fresh_source(self, attempt: Attempt) -> str | None:
        self._sources += 1
        return None if ":" in attempt.address else f"127.1.{self._sources // 250}.{self._sources % 250 + 1}"

    def hold(self, kind: str, attempt: Attempt) -> "Held":
        process = self._keep(self.spawn(*self.python("clients.py", "hold")))
        return Held(process, kind, dataclasses.replace(attempt, marker=uuid.uuid4().hex))

    def _keep(self, process: subprocess.Popen[str]) -> subprocess.Popen[str]:
        self._held.append(process)
        return process

    def __enter__(self) -> "Manager":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Held:
    """A stream or a session that a client keeps: see `clients.hold`."""

    def __init__(self, process: subprocess.Popen[str], kind: str, attempt: Attempt) -> None:
        self._process = process
        self.marker = attempt.marker
        self._say(json.dumps({"kind": kind, "attempt": dataclasses.asdict(attempt)}))

    def report(self) -> dict[str, object]:
        self._say("report")
        return json.loads(self._process.stdout.readline())

    def _say(self, line: str) -> None:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


def both_services(attempt: Attempt) -> list[Attempt]:
    return [dataclasses.replace(attempt, service=service) for service in SERVICES]
