"""A run that is done and proven, and waits to be kept: by whom, until when, and what if nobody does."""

import json
import shlex
import shutil
import subprocess
import time
import uuid
from pathlib import Path

import snapshot
from conftest import ROOT, newer_build_and
from folder import Folder, FolderTool, begin_to_wait
from lab import wait_for
from manager import NAME, Manager
from nim_tree import PLAIN
from screen import given_back, wizard
from tool import AGENTS, ANSWERS_FILE, Done, Tool, answers, issued

WAITS = "until grep -q waiting /mnt/err; do sleep 0.05; done"
KILL = "kill -KILL $(pgrep -f '[_]_worker')"


def while_it_waits(tool: Tool, seconds: int, then: str = ":") -> Done:
    """Applies with a window of so many seconds, and runs `then` in it."""
    tool.manager.write(ANSWERS_FILE, answers())
    script = f"""
        {shlex.join(tool.before)} {tool.binary} apply --answers {ANSWERS_FILE} --yes --format json \\
            --confirm-within {seconds} \\
            >/mnt/out 2>/mnt/err & apply=$!
        {WAITS}
        {then}
        wait $apply; echo $?; cat /mnt/out; cat /mnt/err >&2
    """
    done = tool.manager.run("sh", "-c", script, check=False, timeout=120)
    code, out = done.stdout.split("\n", 1)
    return Done(int(code), out, done.stderr)


@newer_build_and([PLAIN])
def test_what_is_kept_stays(manager: Manager, tool: Tool) -> None:
    then = f"""
        {tool.binary} apply --answers {ANSWERS_FILE} --yes 2>/mnt/second; echo $? >/mnt/second.code
        grep "Max core file size" /proc/$(pgrep -f '[_]_worker')/limits >/mnt/core
        {tool.binary} confirm --format json >/mnt/kept; echo $? >/mnt/kept.code
    """
    done = while_it_waits(tool, 60, then)
    done.must(0, "applied")
    assert "keep it: nim-tls confirm 2" in done.err, done
    second = manager.run("cat", "/mnt/second").stdout
    assert manager.run("cat", "/mnt/second.code").stdout.strip() == "5"
    assert "waits to be kept" in second and "do: nim-tls confirm 2" in second, second
    kept = json.loads(manager.run("cat", "/mnt/kept").stdout)
    assert manager.run("cat", "/mnt/kept.code").stdout.strip() == "0"
    assert kept["outcome"] == "applied" and kept["changed"], kept
    # The one limit at which the kernel hands no dump of its memory to any program either.
    assert manager.read("/mnt/core").split()[4:6] == ["1", "1"]
    assert tool.run("verify").code == 0
    late = tool.run("confirm")
    assert late.code == 1 and "no run waits to be kept" in late.err, late


@newer_build_and([PLAIN])
def test_what_nobody_keeps_is_put_back_by_itself(manager: Manager, tool: Tool) -> None:
    before = snapshot.take(manager)
    done = while_it_waits(tool, 2)
    document = done.must(6, "rolled-back")
    assert "nobody kept it within 2 s" in document["problem"], document
    assert document["reload"] == "done" and document["proof"], document
    assert snapshot.differences(before, snapshot.take(manager)) == []
    assert tool.run("watch").code == 6
    assert tool.run("confirm").code == 1
    runs = tool.run("history", "--format", "json").document["runs"]
    assert [run["outcome"] for run in runs] == ["rolled-back"]


@newer_build_and([PLAIN])
def test_a_rollback_need_not_wait_for_the_end_of_the_window(manager: Manager, tool: Tool) -> None:
    before = snapshot.take(manager)
    then = f"{tool.binary} rollback --yes >/mnt/back 2>&1; echo $? >/mnt/back.code"
    while_it_waits(tool, 600, then).must(6, "rolled-back")
    assert manager.run("cat", "/mnt/back.code").stdout.strip() == "0", manager.run("cat", "/mnt/back").stdout
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
def test_who_comes_back_through_the_new_rules_is_counted(manager: Manager, tool: Tool, binary: Path) -> None:
    """Of two that were connected, both come back, and one has its certificate."""
    for address in ("127.2.0.1", "127.2.0.2"):
        call_and_stay(manager, address)
    manager.write(ANSWERS_FILE, answers())
    manager.run(
        "sh", "-c", f"setsid {binary} apply --answers {ANSWERS_FILE} --yes --confirm-within 600 >/mnt/out 2>/mnt/err &"
    )
    manager.run("sh", "-c", WAITS)
    wait_for(lambda: "back: 0 of 2" in manager.read("/mnt/err"), "the count of those who are back")
    call_and_stay(manager, "127.2.0.2")
    pair = ("-cert", issued(AGENTS[0], "agent.crt"), "-key", issued(AGENTS[0], "agent.key"))
    call_and_stay(manager, "127.2.0.1", *pair)
    wait_for(lambda: "back: 1 of 2" in manager.read("/mnt/err"), "the one who has a certificate")
    tool.keep()
    assert "back: 2 of 2" not in manager.read("/mnt/err")


def call_and_stay(manager: Manager, address: str, *more: str) -> None:
    """Calls a service of agents from this address, and keeps the connection whatever the answer is."""
    call = f"POST /f5.nginx.agent.sdk.Commander/Hello HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 0\r\n\r\n"
    client = ("openssl", "s_client", "-quiet", "-connect", "127.0.0.1:443", "-servername", NAME, "-bind", f"{address}:0")
    said = f"/mnt/said-{uuid.uuid4().hex}"
    manager.run(
        "sh", "-c", f"(printf '{call}'; sleep 600) 2>/dev/null | setsid {shlex.join([*client, *more])} >{said} 2>&1 &"
    )
    wait_for(lambda: "HTTP/1.1 " in manager.read(said), "an answer")


@newer_build_and([PLAIN])
def test_who_leaves_the_screen_is_told_how_to_keep_it(manager: Manager, tool: Tool, binary: Path) -> None:
    manager.write(ANSWERS_FILE, answers())
    manager.run(
        "sh", "-c", f"setsid {binary} apply --answers {ANSWERS_FILE} --yes --confirm-within 600 >/mnt/out 2>/mnt/err &"
    )
    manager.run("sh", "-c", WAITS)
    with wizard(manager, binary) as screen:
        screen.wait_for("> [ Not yet ] <")
        screen.wait_for("CHANGED, back in 9:")
        screen.type("\x03")
        assert screen.exit_code() == 130
        assert given_back(screen.bytes)
        parting = screen.bytes[screen.bytes.rfind(b"\x1b[?1049l") :].decode()
        assert "unless somebody keeps it" in parting and "do: nim-tls confirm 2" in parting, parting
    tool.keep()
    assert tool.run("verify").code == 0


def test_a_rollback_that_meets_a_confirm_is_done_all_the_same(binary: Path, tmp_path: Path) -> None:
    """Whichever word the worker hears. Red where a run that was kept meanwhile is only watched."""
    host = Folder(tmp_path / "root")
    tool, before = FolderTool(host, binary), snapshot.take(host)
    kept = 0
    for number in range(10):
        applying = begin_to_wait(tool)
        rollback = subprocess.Popen(tool.command("rollback", "--yes"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        time.sleep(number * 0.004)
        confirm = tool.run("confirm")
        assert rollback.wait(timeout=60) == 0 and confirm.code in (0, 1), confirm
        assert applying.wait(timeout=60) == (6 if confirm.code else 0)
        assert snapshot.differences(before, snapshot.take(host)) == []
        kept += confirm.code == 0
    assert kept > 0


def test_a_tree_is_put_back_as_well_where_nobody_keeps_it(binary: Path, tmp_path: Path) -> None:
    """Who asks for a window gets one, though no service is reloaded."""
    tree = shutil.copytree(ROOT / "assets" / "sample-host", tmp_path / "host")

    def files() -> dict[str, bytes]:
        found = (path for path in tree.rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in found if "nim-tls" not in path.parts}

    before = files()
    text = (ROOT / "assets" / "sample-answers.yaml").read_text()
    file = tmp_path / "answers.yaml"
    file.write_text(text.replace("keep: encrypted", "keep: plaintext"))
    argv = [str(binary), "apply", "--root", str(tree), "--answers", str(file), "--yes", "--confirm-within", "1"]
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 6, done
    assert "unless it is kept" in done.stderr, done
    assert files() == before
