"""A lab: a private view of this machine in which a manager can be set up and taken apart.

Writable copies of /etc, /run, /var/lib, /var/log, /var/www and the folder of trust anchors, an own
process tree, an own loopback network. Nothing of it is visible outside, and nothing outside is
changed by it. Needs root.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

HERE = Path(__file__).resolve().parent
EXTRA_ADDRESS = "10.0.0.5"
COVERED = ("/etc", "/run", "/var/lib", "/var/log", "/var/www", "/mnt")
NAMESPACES = ("--mount", "--pid", "--net", "--uts", "--ipc")


@dataclass(frozen=True)
class Nginx:
    """An nginx to test with: the distribution's own, or a newer one laid over it."""

    label: str
    version: tuple[int, ...]
    binary: Path | None = None  # None: what the distribution installed

    @property
    def argv(self) -> list[str]:
        if self.binary is None:
            return ["nginx"]
        # The static build has no prefix of its own: without these it looks in the current folder.
        return ["nginx", "-p", "/etc/nginx/", "-c", "/etc/nginx/nginx.conf", "-e", "/var/log/nginx/error.log"]

    @property
    def has_http2_directive(self) -> bool:
        return self.version >= (1, 25, 1)


class Lab:
    """Use as a context manager: what was started in it is gone when the block is left."""

    # How many of the distribution's authorities it trusts.
    authorities = 5

    def __init__(self, nginx: Nginx) -> None:
        self.nginx = nginx
        hidden = [folder for folder in COVERED if HERE.is_relative_to(folder)]
        assert not hidden, f"the lab covers {hidden[0]}: run the tests from a checkout elsewhere"
        self._init = subprocess.Popen(
            ["unshare", *NAMESPACES, "--fork", "--mount-proc", "--propagation", "private", "--",
             sys.executable, str(HERE / "lab_init.py"), str(nginx.binary or ""), f"{EXTRA_ADDRESS}/32",
             str(self.authorities)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        ready = self._init.stdout.readline()
        if ready != "ready\n":
            raise RuntimeError(f"the lab could not be built: {self._init.communicate()[1]}")
        # The one child of `unshare` is process 1 of the lab.
        children = Path(f"/proc/{self._init.pid}/task/{self._init.pid}/children").read_text()
        self.pid = int(children.split()[0])
        self._enter = ["nsenter", "--target", str(self.pid), *NAMESPACES, "--wd=/", "--"]

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._init.stdin.close()
        self._init.wait(timeout=20)
        self._init.stdout.close()
        self._init.stderr.close()

    def path(self, inside: str) -> Path:
        """How a path of the lab is called from outside. Links in it must not be absolute."""
        return Path(f"/proc/{self.pid}/root{inside}")

    def write(self, inside: str, text: str | bytes, mode: int = 0o644) -> None:
        target = self.path(inside)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)
        target.chmod(mode)

    def read(self, inside: str) -> str:
        # Bytes, so that line endings are kept.
        return self.path(inside).read_bytes().decode()

    def edit(self, inside: str, old: str, new: str) -> None:
        """Replaces every `old`; it must be there."""
        text = self.read(inside)
        assert old in text, f"{old!r} is not in {inside}"
        self.write(inside, text.replace(old, new))

    def run(
        self, *argv: str, check: bool = True, timeout: float = 60, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*self._enter, *argv], capture_output=True, text=True, timeout=timeout, env=environment(),
            errors="backslashreplace", **({"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}),
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def spawn(self, *argv: str) -> subprocess.Popen[str]:
        """A process of the lab that takes lines and answers with lines."""
        return subprocess.Popen(
            [*self._enter, *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
        )

    def python(self, program: str, *argv: str) -> list[str]:
        """The command line of one of the programs beside this file."""
        return [sys.executable, str(HERE / program), *argv]

    def test_config(self) -> subprocess.CompletedProcess[str]:
        return self.run(*self.nginx.argv, "-t", check=False)

    def start_nginx(self) -> None:
        self.run(*self.nginx.argv)

    def reload_nginx(self) -> None:
        """Reloads, and returns when new workers alone accept connections."""
        before = self.workers()
        self.run(*self.nginx.argv, "-s", "reload")
        wait_for(lambda: self.workers() and not self.workers() & before, "workers of after the reload")

    def restart_nginx(self) -> None:
        self.run(*self.nginx.argv, "-s", "stop")
        wait_for(lambda: not any("nginx: master" in line for line in self._processes()), "the end of nginx")
        self.start_nginx()
        wait_for(self.workers, "workers of the new nginx")

    def workers(self) -> set[int]:
        """Process ids of workers that accept connections."""
        return {int(line.split()[0]) for line in self._processes() if line.endswith("nginx: worker process")}

    def old_workers(self) -> set[int]:
        """Process ids of workers that only finish what they began before a reload."""
        return {int(line.split()[0]) for line in self._processes() if "worker process is shutting down" in line}

    def _processes(self) -> list[str]:
        return [line.strip() for line in self.run("ps", "-eo", "pid=,args=").stdout.splitlines()]


def environment() -> dict[str, str]:
    """What a process of a lab finds around it: the same on every machine."""
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}


def wait_for(condition: Callable[[], object], what: str, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def leftovers(pid_namespace: str) -> list[int]:
    """Processes that still live in a process namespace."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{entry}/ns/pid") == pid_namespace:
                found.append(int(entry))
        except OSError:
            continue
    return found
