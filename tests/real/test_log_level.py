"""The error log is made to tell more for a while: by a run whose window nobody has to close.

What makes these tests red: in src/plan/log_level.rs, a line that is left at its level or another one that is raised; in
src/front/unattended/doctor/log_level.rs, a run without a window, or logs that are not read when it is over.
"""

import shlex
import time
from pathlib import Path

import certs
import pytest
import snapshot
from clients import Attempt
from conftest import newer_build_and
from lab import wait_for
from manager import NAME, Manager
from nim_tree import PLAIN
from screen import wizard
from test_doctor import LOG, MAIN
from test_wizard import ENTER, RIGHT
from tool import Done, Tool, answers

pytestmark = pytest.mark.alternating

ID = "log-level-hides"
FIX = ("doctor", "--fix", ID)


def raised(tool: Tool, seconds: int, then: str, *more: str) -> Done:
    """Raises the level for so many seconds, and runs `then` while it is raised."""
    argv = shlex.join([str(tool.binary), *FIX, "--yes", "--confirm-within", str(seconds), *more])
    script = f"""
        {argv} >/mnt/out 2>/mnt/err & fix=$!
        until grep -q waiting /mnt/err; do kill -0 $fix || break; sleep 0.05; done
        {then}
        wait $fix; echo $?; cat /mnt/out; cat /mnt/err >&2
    """
    done = tool.manager.run("sh", "-c", script, check=False, timeout=120)
    code, out = done.stdout.split("\n", 1)
    return Done(int(code), out, done.stderr)


def expired_client(manager: Manager) -> str:
    """A command by which an agent calls whose certificate has expired, on an address that is not the manager's."""
    authority = certs.authority(manager.work, "any-ca")
    pair = certs.issue(manager.work, authority, "web-1.example.com", "clientAuth", life=certs.PAST)
    call = f"POST /f5.nginx.agent.sdk.Commander/Hello HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n"
    manager.write("/mnt/call", call)
    return shlex.join(
        ["openssl", "s_client", "-quiet", "-no_ign_eof", "-connect", "127.0.0.1:443", "-servername", NAME]
        + ["-cert", manager.carry(pair.cert), "-key", manager.carry(pair.key)]
    ) + " </mnt/call >/mnt/said 2>&1; sleep 0.3"


@newer_build_and([PLAIN])
def test_what_came_while_it_told_more_is_read_and_all_is_as_before(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    call = expired_client(manager)
    before = snapshot.take(manager)
    manager.run("sh", "-c", call)
    length = len(manager.read(LOG))
    # The window is longer than what is done in it.
    done = raised(tool, 6, f"cp {MAIN} /mnt/raised.conf; {call}")
    assert done.code == 6, done
    was, now = manager.read(MAIN), manager.read("/mnt/raised.conf")
    assert now == was.replace(f"error_log {LOG};", f"error_log {LOG} info;") != was
    assert "6 s" in done.err and "client-" in done.out, done
    told = manager.read(LOG)[length:]
    assert "client SSL certificate verify error" in told, told
    assert snapshot.differences(before, snapshot.take(manager)) == []
    # nginx itself is quiet again.
    length = len(manager.read(LOG))
    manager.run("sh", "-c", call)
    assert "certificate verify error" not in manager.read(LOG)[length:]


@newer_build_and([PLAIN])
def test_where_nothing_came_that_is_said_and_a_rollback_ends_it(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    done = raised(tool, 600, f"{tool.binary} rollback --yes >/mnt/back 2>&1")
    assert done.code == 6 and "no client was refused" in done.out + done.err, done
    assert " info;" not in manager.read(MAIN)


@newer_build_and([PLAIN])
def test_every_log_of_a_tls_server_is_raised_and_no_other(manager: Manager, tool: Tool) -> None:
    manager.run("mkdir", "-p", "/var/log/nms")
    conf = "/etc/nginx/conf.d/nms-http.conf"
    first = "server {\n    error_log '/var/log/nms/pages.log' crit;  # ours"
    manager.write(conf, manager.read(conf).replace("server {", first, 1))
    plain = "server {\n    listen 8099;\n    error_log /var/log/nms/plain.log warn;\n}\n"
    manager.write("/etc/nginx/conf.d/plain.conf", plain)
    manager.restart_tree()
    done = raised(tool, 600, f"cat {conf} >/mnt/raised.conf; {tool.binary} confirm >/mnt/kept 2>&1")
    assert done.code == 0, done
    assert "error_log '/var/log/nms/pages.log' info;  # ours" in manager.read(conf)
    assert manager.read("/etc/nginx/conf.d/plain.conf") == plain
    # What was kept stays until it is rolled back.
    again = tool.run(*FIX, "--yes")
    assert again.code == 1 and "tells of refused clients already" in again.err, again
    assert tool.run("rollback", "--yes").code == 0
    assert "crit;  # ours" in manager.read(conf)


@newer_build_and([PLAIN])
def test_what_came_is_not_over_because_the_level_was_kept(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    # From elsewhere: what comes from this host itself counts as its own proof.
    words = "client SSL certificate verify error: (10:certificate has expired) while reading client request headers"
    line = f"$(date '+%Y/%m/%d %T') [info] 7#7: *9 {words}, client: 10.9.8.7, server: {NAME}"
    then = f'echo "{line}" >>{LOG}; sleep 2; {tool.binary} confirm >/mnt/kept 2>&1'
    assert raised(tool, 600, then).code == 0
    found = tool.run("doctor", "--format", "json").document["findings"]
    (came,) = [one for one in found if one["cause"] == "client-cert-expired"]
    assert came["severity"] == "error" and "counts as over" not in came["why"], came


@newer_build_and([PLAIN])
def test_where_it_cannot_be_raised_what_to_do_is_said(manager: Manager, tool: Tool) -> None:
    manager.edit(MAIN, f"error_log {LOG};", "error_log /dev/null;")
    manager.restart_tree()
    found = {one["id"]: one for one in tool.run("doctor", "--format", "json").document["findings"]}
    assert found[ID]["fix"]["applicable"] is False, found[ID]
    before = snapshot.take(manager)
    done = tool.run(*FIX, "--yes")
    assert done.code == 1 and "/dev/null" in done.err, done
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
def test_asked_at_a_terminal_it_tells_how_long(manager: Manager, tool: Tool) -> None:
    found = {one["id"]: one for one in tool.run("doctor", "--format", "json").document["findings"]}
    assert found[ID]["fix"]["applicable"] is True
    assert f"nim-tls doctor --fix {ID}" in found[ID]["fix"]["commands"]
    wrong = tool.run("doctor", "--confirm-within", "5")
    assert wrong.code == 2, wrong
    wait_for(lambda: tool.run(*FIX).code == 2, "a refusal without a terminal")


@newer_build_and([PLAIN])
def test_on_the_screen_by_keys_alone(manager: Manager, tool: Tool, binary: Path) -> None:
    """Agents are refused without a word; m has the log tell why; put back; t has shown what came."""
    tool.apply(answers()).must(0, "applied")
    call = expired_client(manager)
    before = manager.read(MAIN)
    log = manager.path("/var/log/nginx/error.log")
    # Somebody else's refusal, which tells nothing but that it was one.
    access = manager.path("/var/log/nginx/access.log")
    access.write_text(f'10.9.8.7 - - [{manager.run("date", "+%d/%b/%Y:%T %z").stdout.strip()}] '
                      f'"POST /f5.nginx.agent.sdk.Commander/Hello HTTP/2.0" 400 0 "-" "grpc-go/1.59"\n')
    # Logs tell seconds, and what is read at the end begins with the one in which the run did.
    time.sleep(2)
    with wizard(manager, binary) as screen:
        screen.wait_for("> [ Next ] <")
        screen.type("t")
        shown = screen.wait_for("m: shows a plan", seconds=40)
        assert "log-level-hides" in shown, shown
        screen.type("m")
        shown = screen.wait_for("6/8 Files")
        screen.wait_for("nginx.conf")
        screen.settle()
        screen.type(ENTER)
        shown = screen.wait_for("7/8 Apply")
        assert "put back by itself" in shown, shown
        screen.type(RIGHT)
        screen.wait_for("> [ Yes, change this host ] <")
        screen.type(ENTER)
        screen.wait_for("The error log tells of refused clients now", seconds=60)
        length = len(log.read_text())
        manager.run("sh", "-c", call)
        assert "certificate verify error" in log.read_text()[length:]
        screen.type(RIGHT + RIGHT)
        screen.wait_for("> [ Put everything back now ] <")
        screen.type(ENTER)
        # What came is shown by itself.
        screen.wait_for("(client-cert-expired)", seconds=60)
    assert manager.read(MAIN) == before
