"""What puts a run back in its window where the worker cannot: killed, and after a restart of the machine.

There is no systemd here: its part is played by `systemd_stand_in.py`, which records what it is asked. So these tests
show what is asked of systemd and that the asked-for commands do their work, not that systemd carries them out.

What makes them red: a unit without its link, a timer or a second process that is not started (src/worker/switch.rs), a
look that does not see that the run was kept (`is_over` in src/front/unattended/returning.rs).
"""

import json
import shlex
import time
from collections.abc import Callable
from pathlib import Path

import snapshot
from conftest import newer_build_and
from lab import HERE, wait_for
from manager import Manager
from nim_tree import PLAIN
from test_keep import KILL, while_it_waits
from tool import ANSWERS_FILE, Tool, answers

STAND_IN = "/mnt/stand-in"
UNITS = "/etc/systemd/system"


def with_systemd(manager: Manager, tool: Tool) -> None:
    """From here on the tool finds a systemd."""
    manager.run("mkdir", "-p", STAND_IN, "/run/systemd/system")
    for name in ("systemd-run", "systemctl", "boot"):
        manager.write(f"{STAND_IN}/{name}", (HERE / "systemd_stand_in.py").read_text(), 0o755)
    tool.before = ("env", f"PATH={STAND_IN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")


def asked(manager: Manager, program: str) -> list[list[str]]:
    lines = manager.read("/mnt/systemd.jsonl").splitlines()
    return [words[1:] for words in map(json.loads, lines) if words[0] == program]


def units(manager: Manager) -> list[str]:
    return manager.run("find", UNITS, "-name", "nim-tls-*").stdout.split()


def is_as(manager: Manager, before: snapshot.Snapshot) -> Callable[[], bool]:
    return lambda: snapshot.differences(before, snapshot.take(manager)) == []


def outcomes(tool: Tool) -> list[tuple[str, str]]:
    runs = tool.run("history", "--format", "json").document["runs"]
    return [(run["command"], run["outcome"]) for run in runs]


@newer_build_and([PLAIN])
def test_without_systemd_a_killed_worker_is_put_back_by_another_process(manager: Manager, tool: Tool) -> None:
    before = snapshot.take(manager)
    done = while_it_waits(tool, 600, KILL)
    done.must(6, "rolled-back")
    assert "even after a kill, but not after a restart" in " ".join(done.err.split()), done
    wait_for(is_as(manager, before), "the host as it was")
    wait_for(lambda: "rolled-back" in str(outcomes(tool)), "the end of it")
    assert tool.run("confirm").code == 1
    first = tool.run("history", "--format", "json").document["runs"][0]["run"]
    assert tool.run("watch", first).code == 6, "nobody kept it, and it was put back"
    # Not the rollback that nobody asked for.
    assert tool.run("watch").code == 6
    assert manager.run("pgrep", "-f", "[_]_return", check=False).stdout == "", "nobody looks any more"


@newer_build_and([PLAIN])
def test_where_the_switch_is_killed_too_it_is_said_at_once(manager: Manager, tool: Tool) -> None:
    """Red where the front waits for a process that is not there any more."""
    before = snapshot.take(manager)
    done = while_it_waits(tool, 600, f"kill -KILL $(pgrep -f '[_]_return'); {KILL}; date +%s >/mnt/killed")
    assert time.time() - int(manager.read("/mnt/killed")) < 12, done
    assert done.code == 4 and "nim-tls rollback " in done.err, done
    tool.rollback().must(0, "rolled-back")
    assert is_as(manager, before)(), snapshot.differences(before, snapshot.take(manager))


@newer_build_and([PLAIN])
def test_with_systemd_a_timer_puts_it_back(manager: Manager, tool: Tool) -> None:
    with_systemd(manager, tool)
    before = snapshot.take(manager)
    done = while_it_waits(tool, 600, KILL)
    done.must(6, "rolled-back")
    assert "even after a kill or a restart" in " ".join(done.err.split()), done
    wait_for(is_as(manager, before), "the host as it was")
    wait_for(lambda: "rolled-back" in str(outcomes(tool)), "the end of it")
    scopes = [words for words in asked(manager, "systemd-run") if "--scope" in words]
    assert any("__worker" in words for words in scopes), "the worker belongs to no login session"
    (timer,) = [words for words in asked(manager, "systemd-run") if "--scope" not in words]
    assert "--on-active=10s" in timer and "--on-unit-inactive=10s" in timer, timer
    wait_for(lambda: ["stop"] in [words[:1] for words in asked(manager, "systemctl")], "the end of the timer")


@newer_build_and([PLAIN])
def test_a_restart_in_the_window_puts_it_back_before_nginx_starts(manager: Manager, tool: Tool) -> None:
    with_systemd(manager, tool)
    before = snapshot.take(manager)
    # The machine goes down: worker, timer and nginx with it.
    down = "kill -KILL $(pgrep -f '[_]_worker|[s]ystemd-run --quiet') $(pgrep nginx)"
    while_it_waits(tool, 600, f"{down}; kill -KILL $apply")
    assert len(units(manager)) == 2, "a unit, and the link that has it started"
    assert not is_as(manager, before)()
    manager.run(*tool.before, "boot", timeout=120)
    assert is_as(manager, before)(), snapshot.differences(before, snapshot.take(manager))
    assert manager.test_config().returncode == 0
    assert ("rollback", "rolled-back") in outcomes(tool)


@newer_build_and([PLAIN])
def test_what_is_kept_leaves_no_switch(manager: Manager, tool: Tool) -> None:
    with_systemd(manager, tool)
    before = snapshot.take(manager)
    then = f"ls {UNITS} >/mnt/armed; {shlex.join(tool.before)} {tool.binary} confirm >/dev/null"
    while_it_waits(tool, 600, then).must(0, "applied")
    assert "nim-tls-return-" in manager.read("/mnt/armed")
    assert units(manager) == []
    stopped = [words for words in asked(manager, "systemctl") if words[0] == "stop"]
    assert stopped and stopped[0][1].startswith("nim-tls-look-"), stopped
    # A restart undoes nothing that was kept, and a late look of the timer neither.
    kept = snapshot.take(manager)
    manager.run(*tool.before, "boot")
    run = tool.run("history", "--format", "json").document["runs"][-1]["run"]
    assert tool.run("__return", run).code == 0
    assert is_as(manager, kept)()
    tool.rollback().must(0, "rolled-back")
    assert is_as(manager, before)(), snapshot.differences(before, snapshot.take(manager))


@newer_build_and([PLAIN])
def test_whoever_is_logged_in_reads_that_it_waits(manager: Manager, tool: Tool) -> None:
    """The terminals are played by scripts: no login is recorded in this lab."""
    with_systemd(manager, tool)
    manager.write(f"{STAND_IN}/who", "#!/bin/sh\necho 'alice pts/7 2026-11-26 14:00 (10.0.0.2)'\n", 0o755)
    manager.write(f"{STAND_IN}/write", '#!/bin/sh\necho "$@" >>/mnt/written; cat >>/mnt/written\n', 0o755)
    while_it_waits(tool, 2).must(6, "rolled-back")
    written = manager.read("/mnt/written")
    assert written.startswith("alice pts/7\n"), written
    assert "put back in 2 s unless it is kept: sudo nim-tls confirm 2" in written, written
