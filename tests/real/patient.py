"""A host that is put back before each case, and the doctor who is asked about it.

A case can be sure of what it finds: files, logs and processes of the host are as they were when it was well. Clients
come from a network of their own, so that they are not taken for the host itself.
"""

import fcntl
import os
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import certs
from clients import Told
from grounds import GROUNDS, Fleet, Ground
from lab import Nginx, wait_for
from manager import Outcome
from seeded import Case, say, told_first
from tool import SERVER_CERT, SERVER_KEY, Done

# Ours, the logs, what is served, and the anchors: what a case may have changed.
KEPT = ("/etc", "/var/lib/nim-tls", "/var/log", "/var/www", "/usr/local/share/ca-certificates")
KEPT_AT = "/mnt/kept"
AGENT_LOG = "/var/log/nginx-agent/agent.log"


class Patient(Fleet):
    """A host that is put back before each case, and the doctor who is asked about it."""

    def __init__(self, ground: str, nginx: Nginx, binary: Path, pictures: Path) -> None:
        self._picture = pictures / f"{ground}-{nginx.label}"
        self.ground: Ground = GROUNDS[ground](nginx, binary)
        self.host, self.tool = self.ground.host, self.ground.tool
        self.nginx = nginx
        self._started: list[subprocess.Popen[str]] = []
        super().__init__(self.ground.manager)

    def __enter__(self) -> "Patient":
        try:
            self.ground.build()
            self._settle()
            keep = (f'mkdir -p "{KEPT_AT}{folder}" "{folder}"; cp -a "{folder}/." "{KEPT_AT}{folder}"' for folder in KEPT)
            self.host.run("sh", "-ec", "; ".join(keep))
        except BaseException:
            self.ground.close()
            raise
        return self

    def _settle(self) -> None:
        """By doing it, once in a run of the tests; who comes later takes the files of the first."""
        with self._picture.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.ground.has_picture and self._picture.exists():
                for number, host in enumerate(self.ground.hosts):
                    host.write("/mnt/picture.tar", (self._picture / f"{number}.tar").read_bytes(), 0o600)
                    again = "; ".join(f'find "{folder}" -mindepth 1 -delete' for folder in KEPT if host.path(folder).exists())
                    host.run("sh", "-c", f"{again}; tar -xpf /mnt/picture.tar -C / --numeric-owner; rm /mnt/picture.tar")
                    if host is self.ground.manager and host is not self.ground.host:
                        host.restart_nginx()
                return
            self.ground.settle()
            if self.ground.has_picture:
                self._picture.mkdir()
                for number, host in enumerate(self.ground.hosts):
                    there = [folder for folder in KEPT if host.path(folder).exists()]
                    host.run("tar", "-cpf", "/mnt/picture.tar", "--numeric-owner", *there)
                    (self._picture / f"{number}.tar").write_bytes(host.path("/mnt/picture.tar").read_bytes())
                    host.run("rm", "/mnt/picture.tar")

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.ground.close()

    def put_back(self) -> None:
        """Files, logs and processes, to how they were when it was well."""
        for process in self._started:
            kill(process)
        self._started.clear()
        self.end_nginx()
        again = (f'find "{folder}" -mindepth 1 -delete; cp -a "{KEPT_AT}{folder}/." "{folder}"' for folder in KEPT)
        self.host.run("sh", "-ec", "; ".join(again))
        self.ground.start_again()
        self.host.start_nginx()
        wait_for(self.host.workers, "nginx")

    def end_nginx(self) -> None:
        """At once, and whatever its configuration says meanwhile."""
        while found := self._nginx():
            self.host.run("kill", "-KILL", *found, check=False)

    def _nginx(self) -> list[str]:
        lines = self.host.run("ps", "-eo", "pid=,stat=,args=").stdout.splitlines()
        words = [line.split(maxsplit=2) for line in lines]
        return [pid for pid, state, command in words if command.startswith("nginx: ") and not state.startswith("Z")]

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """A program that is there for as long as the case."""
        self._started.append(self.host.spawn(*argv))
        return self._started[-1]

    def ask_doctor(self, *options: str) -> dict:
        done = self.tool.run("doctor", "--format", "json", *options)
        assert "panicked" not in done.err and done.code in (0, 1), done
        found = consistent(done)
        return found

    # What cases do to configurations.

    def edit(self, path: str, old: str, new: str, count: int = -1) -> None:
        """Only the text: mode and owner stay."""
        text = self.host.read(path)
        assert old in text, f"{old!r} is not in {path}:\n{text}"
        self.host.path(path).write_text(text.replace(old, new, count))

    def serve(self, pair: certs.Pair) -> None:
        """From the next reload on, with this certificate."""
        self.host.path(SERVER_CERT).write_bytes(pair.cert.read_bytes())
        self.host.path(SERVER_KEY).write_bytes(pair.key.read_bytes())

    def reload(self) -> None:
        """What is on the disk is good, and is what serves from here on."""
        tested = self.host.test_config()
        assert tested.returncode == 0, tested.stderr
        self.host.reload_nginx()

    def must_not_load(self, *words: str) -> None:
        """And reloads it all the same, as people do: that is when nginx writes to its log."""
        tested = self.host.test_config()
        assert tested.returncode != 0 and any(word in tested.stderr for word in words), tested.stderr
        self.host.run(*self.nginx.argv, "-s", "reload", check=False)

    def log_refusals(self) -> None:
        """What somebody does who looks for a cause: nginx is told to write down why it refuses a client."""
        self.edit("/etc/nginx/nginx.conf", "error_log /var/log/nginx/error.log;", "error_log /var/log/nginx/error.log info;")

    def logged(self, *words: str, log: str = "/var/log/nginx/error.log") -> None:
        """All of these stand in one line of this log, now or in a moment."""
        wait_for(lambda: any(all(word in line for word in words) for line in self.lines(log)), f"{words} in {log}", 5)

    # What cases do on an instance.

    def agent_says(self, level: str, message: str) -> None:
        """In its log, in the form of the real agent's."""
        path = self.host.path(AGENT_LOG)
        path.parent.mkdir(exist_ok=True)
        quoted = message.replace('"', '\\"')
        with path.open("a") as log:
            log.write(f'time="{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}" level={level} msg="{quoted}"\n')
        path.chmod(0o600)

    def agent_stays_away(self) -> None:
        """With the settings that are there now, and a start that has read them, it does not get through."""
        self.ground.restart_agent()
        before = len(self._agents_calls())
        time.sleep(1.5)
        assert len(self._agents_calls()) == before, "the agent gets through"

    def agent_gets_through(self) -> None:
        before = len(self._agents_calls())
        self.ground.restart_agent()
        wait_for(lambda: len(self._agents_calls()) >= before + 3, "three calls of the agent")

    def _agents_calls(self) -> list[dict[str, str]]:
        return [call for call in self.manager.call_log() if call["attempt"] == "agent" and call["event"] == "call"]

    def lines(self, log: str) -> list[str]:
        path = self.host.path(log)
        return path.read_text(errors="replace").splitlines() if path.exists() else []


def kill(process: subprocess.Popen[str]) -> None:
    """The program itself: `nsenter` stays outside, as its parent."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    for pid in children.read_text().split() if process.poll() is None else ():
        os.kill(int(pid), signal.SIGKILL)
    process.wait(timeout=10)
    process.stdin.close()
    process.stdout.close()


def consistent(done: Done) -> dict:
    """The document, once it agrees with the exit code."""
    found = done.document
    assert done.code == int(any(each["severity"] == "error" for each in found["findings"])), done
    return found


def judge(patient: Patient, case: Case) -> None:
    patient.put_back()
    try:
        options = case.make(patient) or ()
    except BaseException:
        say(case, patient.nginx, "could not be made")
        raise
    found = patient.ask_doctor(*options)
    brief = [(each["severity"], each["cause"], each["title"]) for each in found["findings"]]
    if case.causes:
        good, wrong = told_first(found) in case.causes, f"not first: {told_first(found) or 'nothing was found'}"
        say(case, patient.nginx, "first" if good else wrong)
        assert good, "\n".join([f"{' or '.join(case.causes)} has to come first:", *map(str, brief)])
    else:
        errors = [each for each in brief if each[0] == "error"]
        say(case, patient.nginx, f"an error: {errors[0][1]}" if errors else "no error")
        assert not errors, "\n".join(map(str, errors))


def all_in(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        let_in(outcome)


def refused(outcome: Outcome) -> Told:
    assert not outcome.reached, str(outcome)
    return outcome.told


def let_in(outcome: Outcome) -> None:
    assert outcome.reached, str(outcome)
