"""The tool under test, run in a lab as an operator or a script would."""

import dataclasses
import json
import time
from pathlib import Path

from manager import NAME, Manager

ANSWERS_FILE = "/mnt/answers.yaml"
STATE = "/var/lib/nim-tls"
AGENTS = ("web-1.example.com", "db-1.example.com")
# Where the contract puts things on NIM 2.x.
SERVER_CERT = "/etc/nms/certs/server.crt"
SERVER_KEY = "/etc/nms/certs/server.key"
CA_ROOT = f"{STATE}/ca/root.crt"
CA_INTERMEDIATE = f"{STATE}/ca/intermediate.crt"
CA_INTERMEDIATE_KEY = f"{STATE}/ca/intermediate.key"
ANCHOR = "/usr/local/share/ca-certificates/nim-tls-root.crt"
ALT_NAMES = ("10.0.0.5", "nim")


def answers(method: str = "client-mtls", agents: tuple[str, ...] = AGENTS) -> str:
    return f"""version: 1
role: manager
generation: nim2
proxy: nginx-oss
method: {method}
manager_name: {NAME}
alt_names: [{", ".join(ALT_NAMES)}]
agents: [{", ".join(agents)}]
certificates:
  ca_key: {{keep: plaintext}}
"""


def issued(agent: str, file: str) -> str:
    return f"{STATE}/issued/{agent}/{file}"


@dataclasses.dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict:
        """The one JSON document on standard output."""
        found = json.loads(self.out)
        assert found["schema"] == 1, self
        return found

    def must(self, code: int, outcome: str | None = None) -> dict:
        assert self.code == code, self
        found = self.document
        assert outcome is None or found["outcome"] == outcome, self
        return found

    def __str__(self) -> str:
        return f"exit {self.code}\n--- standard output\n{self.out}\n--- standard error\n{self.err}"


class Tool:
    # What the command line of its workers ends with.
    place = ""

    def __init__(self, manager: Manager, binary: Path) -> None:
        self.manager = manager
        self.binary = binary
        # What every run of it is started with.
        self.before: tuple[str, ...] = ()

    def run(self, *argv: str, before: tuple[str, ...] = (), timeout: float = 150) -> Done:
        """Runs the tool; `before` is a command that runs it, such as one that gives up rights."""
        done = self.manager.run(*self.before, *before, str(self.binary), *argv, check=False, timeout=timeout)
        # The program that is tested goes on behind a thread that panics, where the released one would end.
        assert "panicked at" not in done.stderr, (argv, done)
        return Done(done.returncode, done.stdout, done.stderr)

    def apply(self, text: str | bytes | None = None, before: tuple[str, ...] = ()) -> Done:
        if text is not None:
            self.manager.write(ANSWERS_FILE, text)
        return self.run("apply", "--answers", ANSWERS_FILE, "--yes", "--format", "json", before=before)

    def command(self, *argv: str) -> list[str]:
        """How a process of this machine runs the tool there."""
        return [*self.manager._enter, str(self.binary), *argv]

    def inside(self, path: str) -> str:
        """What a command that runs the tool calls this path of its host."""
        return path

    def keep(self, seconds: float = 90) -> None:
        """Keeps the run at work as soon as it waits for that."""
        until = time.monotonic() + seconds
        while (done := self.run("confirm")).code != 0:
            assert time.monotonic() < until, done
            time.sleep(0.2)

    def rollback(self, before: tuple[str, ...] = ()) -> Done:
        return self.run("rollback", "--yes", "--format", "json", before=before)
