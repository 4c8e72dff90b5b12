"""Logs of a real nginx that were rotated away, packed and large; on a terminal the reading shows."""

import gzip
import os
import re
import subprocess
import time
from pathlib import Path

from conftest import newer_build_and
from manager import NAME, Manager
from clients import Attempt
from nim_tree import PLAIN
from screen import Screen
from test_doctor import LOG, MAIN, examined
from tool import Tool, answers

NOW = time.gmtime()
REFUSED = (
    f"{time.strftime('%Y/%m/%d %H:%M:%S', NOW)} [info] 30#30: *9 client sent no required SSL certificate while reading client request "
    "headers, client: 10.0.0.9, server: a\n"
)
ORDINARY = "2026/11/26 11:00:00 [info] 30#30: *9 client 10.0.0.9 closed keepalive connection\n"


@newer_build_and([PLAIN])
def test_what_a_real_nginx_logged_is_found_after_it_was_rotated_and_packed(manager: Manager, tool: Tool) -> None:
    manager.edit(MAIN, f"error_log {LOG};", f"error_log {LOG} info;")
    tool.apply(answers()).must(0, "applied")
    manager.attempt([Attempt(client="http1", sni="other.example.com", authority=NAME)])
    log = manager.read(LOG)
    here, _ = examined(tool)
    before = {name: each["count"] for name, each in here.items() if each["first"]}
    assert before, here
    # As logrotate leaves them.
    packed = manager.path(f"{LOG}.2.gz")
    packed.write_bytes(gzip.compress(log.encode()))
    manager.path(LOG).write_text("")
    found, sources = examined(tool)
    assert sources[f"{LOG}.2.gz"]["read"], sources
    of_log = {name: each for name, each in found.items() if any(line["file"] == f"{LOG}.2.gz" for line in each["evidence"])}
    assert of_log
    for name, each in of_log.items():
        assert each["count"] == before[name] and each["first"] <= each["last"], each
        for line in each["evidence"]:
            assert line["text"] == log.splitlines()[line["line"] - 1][:400]
    # What was last written long ago is named, and not read.
    old = time.time() - 9 * 86400
    os.utime(packed, (old, old))
    found, sources = examined(tool)
    assert not sources[f"{LOG}.2.gz"]["read"] and "--since" in sources[f"{LOG}.2.gz"]["why"]
    assert not set(of_log) & set(found)


@newer_build_and([PLAIN])
def test_a_packed_log_can_be_brought_along(manager: Manager, tool: Tool) -> None:
    whole = gzip.compress((ORDINARY + REFUSED).encode())
    manager.write("/mnt/their.log.gz", whole)
    found, sources = examined(tool, "--log", "/mnt/their.log.gz", code=1)
    missing = found["client-certificate-missing"]
    assert missing["evidence"][0]["line"] == 2 and missing["count"] == 1, missing
    assert missing["first"] == missing["last"] and missing["first"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", NOW)
    assert sources["/mnt/their.log.gz"] == {"path": "/mnt/their.log.gz", "read": True, "why": "2 lines"}
    manager.write("/mnt/cut.log.gz", whole[:-9])
    done = tool.run("doctor", "--log", "/mnt/cut.log.gz")
    assert done.code == 2 and "could not be unpacked" in done.err, done


@newer_build_and([PLAIN])
def test_what_another_host_logged_is_not_over_because_all_is_well_here(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    now = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime())
    taken = f"{now} [emerg] 30#30: bind() to 0.0.0.0:443 failed (98: Address already in use)\n"
    down = (
        f"{now} [error] 30#30: *9 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.9, "
        f'server: {NAME}, request: "POST /f5.nginx.agent.sdk.Commander/CommandChannel HTTP/2.0", '
        f'upstream: "grpc://127.0.0.1:10003", host: "{NAME}"\n'
    )
    manager.write("/mnt/their.log", taken + down)
    found, _ = examined(tool, "--log", "/mnt/their.log", code=1)
    for cause in ("port-taken", "upstream-down"):
        (of_theirs,) = [one for one in found.values() if one["cause"] == cause]
        assert of_theirs["severity"] == "error", of_theirs
    # In a log of this host, it is.
    log = manager.path(LOG)
    log.write_text(log.read_text() + taken)
    found, _ = examined(tool)
    assert found.get("port-taken", {"severity": "info"})["severity"] == "info", found


def test_a_large_log_takes_little_memory_and_shows_how_far_it_is(binary: Path, tmp_path: Path) -> None:
    log = tmp_path / "large.log"
    with log.open("w") as file:
        file.write(REFUSED)
        for _ in range(2000):
            file.write(ORDINARY * 1000)
        file.write(REFUSED)
    host = Path(__file__).resolve().parents[2] / "assets/sample-host"
    command = [str(binary), "--root", str(host), "doctor", "--log", str(log)]
    begun = time.monotonic()
    with Screen(None, *command, rows=60, TERM="xterm-256color") as screen:
        screen.wait_for("(client-certificate-missing)")
        first = time.monotonic() - begun
        screen.wait_for("90 %")
        screen.wait_for("2 times")
    # The newest line tells at once; this is a generous bound for a machine that does other things.
    assert first < (time.monotonic() - begun) / 2, first
    child = subprocess.Popen([*command, "--format", "json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = 0
    while child.poll() is None:
        # Its own memory: how much of the program itself is mapped depends on how it was built.
        told = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{child.pid}/status").read_text())
        most = max(most, int(told[1]) if told else 0)
        time.sleep(0.01)
    assert child.returncode == 1
    assert 0 < most <= 24 * 1024, most
