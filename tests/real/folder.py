"""The sample host as a folder (--root): no processes and no ports, but a run on it takes a tenth of a second."""

import os
import subprocess
import time
from pathlib import Path

import snapshot
from conftest import ROOT
from lab import environment
from tool import ANSWERS_FILE, STATE, Done, Tool


class Folder:
    """What a test asks of a lab, on a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        subprocess.run(["cp", "-a", str(ROOT / "assets" / "sample-host"), str(root)], check=True)
        self.path("/mnt").mkdir()
        self.path(ANSWERS_FILE).write_bytes((ROOT / "assets" / "sample-answers.yaml").read_bytes())
        for name in snapshot.FOLDERS:
            self.path(name).mkdir(exist_ok=True, parents=True)

    def write(self, inside: str, text: str | bytes) -> None:
        self.path(inside).write_bytes(text.encode() if isinstance(text, str) else text)

    def path(self, inside: str) -> Path:
        return Path(f"{self.root}{inside}")

    def run(self, *argv: str, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout, env=environment(), check=check,
            errors="backslashreplace", stdin=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip


def begin_to_wait(tool: "FolderTool") -> subprocess.Popen[bytes]:
    """An apply that waits to be kept, for ten minutes."""
    argv = tool.command("apply", "--answers", tool.inside(ANSWERS_FILE), "--yes", "--confirm-within", "600")
    before = set(waiting(tool))
    applying = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not set(waiting(tool)) - before:
        assert time.monotonic() < until
        time.sleep(0.02)
    return applying


def waiting(tool: "FolderTool") -> list[Path]:
    """The events of runs that wait or have waited."""
    found = tool.manager.root.glob(f"{STATE.lstrip('/')}/runs/*/events.jsonl")
    return [events for events in found if b'"waiting"' in events.read_bytes()]


class FolderTool(Tool):
    """The tool, acting on a folder."""

    manager: Folder

    @property
    def place(self) -> str:
        return str(self.manager.root)

    def apply(self, text: str | bytes | None = None, before: tuple[str, ...] = ()) -> Done:
        if text is not None:
            self.manager.write(ANSWERS_FILE, text)
        file = self.inside(ANSWERS_FILE)
        return self.run("apply", "--answers", file, "--yes", "--format", "json", before=before)

    def run(self, *argv: str, before: tuple[str, ...] = (), timeout: float = 150) -> Done:
        return super().run(*argv, "--root", str(self.manager.root), before=before, timeout=timeout)

    def command(self, *argv: str) -> list[str]:
        return [str(self.binary), *argv, "--root", str(self.manager.root)]

    def inside(self, path: str) -> str:
        return os.fspath(self.manager.path(path))
