"""`nim-tls demo` in a real terminal: from its first screen to proven and back, as root and as an ordinary user."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import snapshot
from conftest import each_build_and
from lab import Nginx
from manager import Manager
from nim_tree import PLAIN, Shape
from practice import AGENT, ENTER, FURTHER, LEFT, NAME, PASSPHRASE, RIGHT, steps
from screen import Screen, given_back
from talk import FORMS, Talk, to_files
from tool import Tool

NOBODY = "65534"
ANSWERS = f"""version: 1
role: manager
generation: nim2
proxy: nginx-oss
method: client-mtls
manager_name: {NAME}
alt_names: [{FURTHER}]
agents: [{AGENT}]
certificates:
  ca_key: {{keep: plaintext}}
"""
# What has to be on the screen besides what is waited for.
SAYS = {
    "1-host": "practice host (simulated)",
    "2-prerequisites": "cuts agents without a certificate off",
    "7-apply": "2 of them without a certificate",
}


@pytest.fixture(params=["root", "ordinary-user"])
def demo(request: pytest.FixtureRequest, binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Demo"]:
    made = Demo(binary, tmp_path_factory.mktemp("demo"), request.param)
    yield made
    made.close()


class Below:
    """A folder as if it were the root of a machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, inside: str) -> Path:
        return self.folder / inside.lstrip("/")


class Demo:
    """The command with a folder of its own for temporary files, and keys counted."""

    def __init__(self, binary: Path, work: Path, who: str) -> None:
        self.keys = 0
        self.temporary = work / "tmp"
        self.temporary.mkdir(mode=0o1777)
        self.temporary.chmod(0o1777)
        # An ordinary user may not be able to reach the place where the binary was built.
        tool = work / "nim-tls"
        shutil.copy2(binary, tool)
        for folder in [work, *work.parents[:3]]:
            folder.chmod(folder.stat().st_mode | 0o055)
        # No network, no nginx within reach, nothing of the host to be written to.
        alone = ["unshare", "--net", "--"]
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
        argv = [*alone, *(user if who != "root" else []), str(tool), "demo"]
        self.screen = Screen(None, *argv, TMPDIR=str(self.temporary), PATH="/usr/bin:/bin")

    def close(self) -> None:
        self.screen.hang_up()

    def press(self, key: str) -> None:
        self.keys += 1
        self.screen.type(key)

    def folder(self) -> Path:
        """The host's folder, while it is there."""
        (found,) = self.temporary.iterdir()
        return found

    def to(self, last: str) -> None:
        for step in steps(self.screen, self.press):
            assert SAYS.get(step, "") in self.screen.text, (step, self.screen.text)
            if step == last:
                return

    def to_proven(self) -> None:
        self.to("8-verify")
        assert "8/8 Verify" in self.screen.text and "NOT PROVEN" not in self.screen.text, self.screen.text


def test_from_the_first_screen_to_proven_and_back(demo: Demo) -> None:
    began = time.monotonic()
    demo.screen.wait_for("> [ Next ] <")
    folder = demo.folder()
    tree = Below(folder)
    before = snapshot.take(tree)
    demo.to_proven()
    assert demo.keys <= 20, demo.keys
    assert time.monotonic() - began < 120
    key = folder / "var/lib/nim-tls/ca/intermediate.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert "BEGIN ENCRYPTED PRIVATE KEY" in key.read_text()
    verdicts = (folder / "var/log/nginx/nim-tls-agents.log").read_text()
    assert '"verify":"SUCCESS"' in verdicts and '"verify":"NONE"' in verdicts, verdicts
    demo.press(RIGHT)
    demo.screen.wait_for("> [ Put everything back now ] <")
    demo.press(ENTER)
    demo.screen.wait_for("put back as it was", seconds=30)
    assert snapshot.differences(before, snapshot.take(tree)) == []
    demo.press("\x03")
    assert demo.screen.exit_code() == 130
    assert given_back(demo.screen.bytes)
    assert list(demo.temporary.iterdir()) == []
    assert b"Nothing else was touched" in demo.screen.bytes
    assert PASSPHRASE.encode() not in demo.screen.bytes


@pytest.mark.parametrize(("name", "code"), [("TERM", 143), ("HUP", 129), ("INT", 130)])
def test_a_signal_takes_the_folder_away(demo: Demo, name: str, code: int) -> None:
    demo.screen.wait_for("> [ Next ] <")
    assert demo.folder().is_dir()
    os.kill(demo.screen.pid, getattr(signal, f"SIG{name}"))
    assert demo.screen.exit_code() == code
    assert list(demo.temporary.iterdir()) == []


def test_a_line_that_drops_takes_the_folder_away(demo: Demo) -> None:
    demo.screen.wait_for("> [ Next ] <")
    demo.screen.hang_up()
    end = time.monotonic() + 10
    while list(demo.temporary.iterdir()):
        assert time.monotonic() < end, list(demo.temporary.iterdir())
        time.sleep(0.05)


def test_leaving_during_apply_takes_the_folder_away(demo: Demo) -> None:
    demo.to("7-apply-at-work")
    demo.press("\x03")
    assert demo.screen.exit_code() == 130
    assert list(demo.temporary.iterdir()) == []


def in_lines(binary: Path, temporary: Path, form: str) -> Talk:
    options, variables = FORMS[form]
    return Talk(None, str(binary), "demo", *options, columns=100, rows=200, TMPDIR=str(temporary), **variables)


@pytest.mark.parametrize("form", ["lines", "inquire"])
def test_the_same_line_by_line(binary: Path, tmp_path: Path, form: str) -> None:
    with in_lines(binary, tmp_path, form) as talk:
        shown = talk.wait_for_news("What next?")
        assert "PRACTICE HOST (simulated)" in shown, shown
        assert len(list(tmp_path.iterdir())) == 1
        to_files(talk, NAME, systemd=True)
        talk.answer("Show which file?", "save")
        talk.wait_for_news("demo writes nothing outside its folder")
        talk.answer("Show which file?", "next")
        talk.answer("Change this host now?", "yes")
        shown = talk.wait_for_news("Keep it, or put", seconds=90)
        assert "PROVEN" in shown and "NOT PROVEN" not in shown, shown
        assert "nim-tls rollback" not in talk.text and "nim-tls watch" not in talk.text, talk.text
        talk.answer("Keep it, or put", "put back")
        talk.wait_for_news("put back as it was", seconds=30)
        assert talk.exit_code() == 6
        assert form == "inquire" or b"\x1b" not in talk.bytes
    assert list(tmp_path.iterdir()) == []


def test_in_practice_too_a_fleet_is_observed_and_browsers_are_sent_on(binary: Path, tmp_path: Path) -> None:
    with in_lines(binary, tmp_path, "lines") as talk:
        to_files(talk, NAME, enforce="observe", redirect="yes", systemd=True)
        talk.answer("Show which file?", "next")
        talk.answer("Change this host now?", "yes")
        shown = talk.wait_for_news("Keep it, or put", seconds=90)
        assert "PROVEN, NOT ENFORCED" in shown and "judged NONE" in shown, shown
        assert "browser without TLS" in shown and "HTTP 301 to https://" in shown, shown
        talk.answer("Keep it, or put", "put back")
        talk.wait_for_news("put back as it was", seconds=30)
        assert talk.exit_code() == 6


@pytest.mark.parametrize("form", ["lines", "inquire"])
def test_who_leaves_the_lines_takes_the_folder_away(binary: Path, tmp_path: Path, form: str) -> None:
    with in_lines(binary, tmp_path, form) as talk:
        to_files(talk, NAME, systemd=True)
        talk.type("\x03")
        assert talk.exit_code() == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", ["", "--plain"])
def test_a_line_that_drops_is_noticed_where_a_shell_ignores_it(binary: Path, tmp_path: Path, options: str) -> None:
    """The signal goes to the leader of the session alone; whoever reads on would spin for ever."""
    command = f"trap '' HUP; {binary} demo {options}; echo $? > {tmp_path}/code"
    environment = {"TMPDIR": str(tmp_path), "TERM": "xterm"}
    with Talk(None, "/bin/sh", "-c", command, columns=100, rows=40, **environment) as screen:
        screen.wait_for("practice host (simulated)" if not options else "What next?")
        screen.settle(0.5)
    end = time.monotonic() + 10
    while not (tmp_path / "code").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert (tmp_path / "code").read_text().strip() == "129"
    assert [each.name for each in tmp_path.iterdir()] == ["code"]


def test_without_a_terminal_nothing_is_made(binary: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [binary, "demo"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={"TMPDIR": str(tmp_path), "TERM": "xterm"},
    )
    assert done.returncode == 2 and "needs a terminal" in done.stderr, done
    assert list(tmp_path.iterdir()) == []


@each_build_and([PLAIN])
def test_the_practice_host_answers_as_a_real_nginx_does(
    make_manager: Callable[[Nginx, Shape], Manager], nginx: Nginx, shape: Shape, binary: Path, tmp_path: Path
) -> None:
    """The same files, planned by the same answers: each connection of the proof sees the same on both.

    Old TLS is not tried in practice: nothing there could speak it, so its refusal would prove nothing.
    """
    practised = Demo(binary, tmp_path, "root")
    practised.screen.wait_for("> [ Next ] <")
    folder = practised.folder()
    with make_manager(nginx, shape) as manager:
        for path in ("etc/nginx/nginx.conf", "etc/nginx/conf.d", "etc/nms/nginx", "etc/nms/certs", "var/www/nms"):
            for file in [folder / path, *(folder / path).rglob("*")]:
                if file.is_file():
                    mode = file.stat().st_mode & 0o777
                    manager.write(f"/{file.relative_to(folder)}", file.read_bytes(), mode)
        manager.write("/etc/hosts", f"127.0.0.1 {NAME} localhost\n")
        manager.start()
        real = Tool(manager, binary).apply(ANSWERS).must(0, "applied")["proof"]
    practised.to_proven()
    practised.press(LEFT)
    practised.press(ENTER)
    practised.screen.wait_for("CHANGED, proven")
    (receipt,) = folder.glob("var/lib/nim-tls/runs/*/receipt.json")
    rows = json.loads(receipt.read_text())["proof"]
    practised.close()
    assert [(row["leg"], row["case"]) for row in rows] == [(row["leg"], row["case"]) for row in real]
    assert len(rows) > 20
    untried = [row["case"] for row in rows if row.get("why") == "the practice host knows no old TLS"]
    assert untried == ["TLS 1.1", "TLS 1.2, CBC suites only", "TLS 1.2, no forward secrecy"]
    different = [(mine, its) for mine, its in zip(rows, real, strict=True) if mine != its]
    assert [mine["case"] for mine, _ in different] == untried
