"""Runs that were killed, runs that meet another run, records that somebody damaged."""

import json

import pytest
import snapshot
from conftest import each_build_and
from manager import Manager
from nim_tree import NMS_HTTP, PLAIN
from tool import ANSWERS_FILE, SERVER_KEY, STATE, Done, Tool, answers

pytestmark = pytest.mark.alternating

RUNS = f"{STATE}/runs"
COMMAND = "/usr/sbin/update-ca-certificates"
# Slow enough to be caught at work; leaves something behind at once, and goes on after its sleep.
SLOW = """#!/bin/sh
: >/etc/ssl/certs/ca-certificates.crt.new
sleep 2.125
/mnt/update-ca-certificates "$@"
echo late >/etc/ssl/certs/late.pem
"""


def slow_trust(manager: Manager) -> None:
    """Lays a slow command over the one that rebuilds the trust store."""
    manager.run("cp", COMMAND, "/mnt/update-ca-certificates")
    manager.write("/mnt/slow", SLOW, 0o755)
    manager.run("mount", "-n", "--bind", "/mnt/slow", COMMAND)


def while_trusting(tool: Tool, then: str) -> Done:
    """Starts an apply, runs `then` while it rebuilds the trust store, and waits for its end."""
    tool.manager.write(ANSWERS_FILE, answers())
    script = f"""
        {tool.binary} apply --answers {ANSWERS_FILE} --yes >/mnt/out 2>/mnt/err & apply=$!
        until pgrep -fx 'sleep 2.125' >/dev/null; do sleep 0.02; done
        {then}
        wait $apply; code=$?; wait; echo $code; cat /mnt/out; cat /mnt/err >&2
    """
    done = tool.manager.run("sh", "-c", script, check=False, timeout=90)
    code, out = done.stdout.split("\n", 1)
    return Done(int(code), out, done.stderr)


KILL = "kill -KILL $(pgrep -f '[_]_worker')"


@each_build_and([PLAIN])
def test_rollback_waits_for_what_a_killed_run_left_running(manager: Manager, tool: Tool) -> None:
    slow_trust(manager)
    before = snapshot.take(manager)
    killed = while_trusting(tool, KILL)
    assert killed.code == 4, killed
    assert "ended from outside" in killed.err and "do: nim-tls rollback 2" in killed.err, killed
    assert "died; " not in killed.err, killed

    done = tool.rollback()

    done.must(0, "rolled-back")
    assert "waiting for its end" in " ".join(done.err.split()), done
    assert snapshot.differences(before, snapshot.take(manager)) == []
    manager.run("sleep", "3")
    assert snapshot.differences(before, snapshot.take(manager)) == []


@each_build_and([PLAIN])
def test_while_a_run_is_in_between_nothing_misleads(manager: Manager, tool: Tool) -> None:
    slow_trust(manager)
    while_trusting(tool, KILL)
    (run,) = history(tool)
    assert run["outcome"] == "cut-short" and run["started"], run
    for argv in (["plan", "--answers", ANSWERS_FILE], ["verify"], ["apply", "--answers", ANSWERS_FILE, "--yes"], ["watch"]):
        done = tool.run(*argv)
        assert done.code == 5, (argv, done)
        assert "was cut short" in done.err and "do: nim-tls rollback 2" in done.err, done
    tool.rollback().must(0, "rolled-back")
    first, second = history(tool)
    assert first["outcome"] == "rolled-back" and first["rolled_back_by"] == second["run"], (first, second)
    assert first["started"] <= second["started"], (first, second)


@each_build_and([PLAIN])
def test_whoever_meets_a_run_at_work_is_told_and_leaves_no_trace(manager: Manager, tool: Tool) -> None:
    slow_trust(manager)
    meet = "\n".join(
        f"{tool.binary} {command} >>/mnt/met 2>&1; echo code $? >>/mnt/met"
        for command in (
            f"apply --answers {ANSWERS_FILE} --yes", "rollback --yes", "verify", f"plan --answers {ANSWERS_FILE}",
        )
    )  # fmt: skip
    during = f"{tool.binary} history --format json >/mnt/during"
    watch = f"{tool.binary} watch --format json >/mnt/watched 2>/dev/null &"
    done = while_trusting(tool, f"{meet}\n{during}\n{watch}")
    assert done.code == 0, done

    met = manager.read("/mnt/met")
    assert met.count("code 5") == 4, met
    assert met.count("another run is at work: run ") == 4 and met.count("process ") == 4, met
    (during,) = json.loads(manager.read("/mnt/during"))["runs"]
    assert during["outcome"] == "at-work" and during["started"], during
    (run,) = history(tool)
    assert json.loads(manager.read("/mnt/watched"))["run"] == run["run"]


@each_build_and([PLAIN])
def test_of_several_that_begin_at_once_one_is_recorded(manager: Manager, tool: Tool) -> None:
    manager.write(ANSWERS_FILE, answers())
    one = f"{tool.binary} apply --answers {ANSWERS_FILE} --yes >/mnt/out$i 2>/mnt/err$i; echo $? >>/mnt/codes"
    manager.run("sh", "-c", f"for i in 1 2 3 4; do ({one}) & done; wait", timeout=120)
    assert sorted(manager.read("/mnt/codes").split()) == ["0", "5", "5", "5"], manager.read("/mnt/codes")
    (run,) = history(tool)
    assert run["outcome"] == "applied", run
    assert tool.run("watch").code == 0


@each_build_and([PLAIN])
@pytest.mark.parametrize("damage", ["{}", '{"schema": 0}', "\x00garbage"])
def test_a_damaged_receipt_is_no_dead_end(manager: Manager, tool: Tool, damage: str) -> None:
    before = snapshot.take(manager)
    tool.apply(answers()).must(0, "applied")
    (run,) = history(tool)
    receipt = f"{RUNS}/{run['run']}/receipt.json"
    manager.write(receipt, damage, 0o600)

    (shown,) = history(tool)
    assert shown["outcome"] == "unreadable" and receipt in shown["problem"], shown
    for argv in (["plan", "--answers", ANSWERS_FILE], ["verify"], ["apply", "--answers", ANSWERS_FILE, "--yes"]):
        done = tool.run(*argv)
        assert done.code == 5 and f"{receipt} is damaged" in done.err, (argv, done)
        assert "do: nim-tls rollback 2" in done.err, done
    assert receipt in tool.run("check").out

    done = tool.rollback()
    done.must(0, "rolled-back")
    assert "journal" in done.err, done
    assert snapshot.differences(before, snapshot.take(manager)) == []
    assert [run["outcome"] for run in history(tool)] == ["rolled-back", "rolled-back"]


@each_build_and([PLAIN])
def test_a_receipt_of_a_newer_version_is_refused_by_name(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    (run,) = history(tool)
    receipt = f"{RUNS}/{run['run']}/receipt.json"
    unsealed = manager.read(receipt).rsplit(',\n  "sealed"', 1)[0] + "\n}\n"
    manager.write(receipt, unsealed.replace('"schema": 1', '"schema": 2'), 0o600)
    before = snapshot.take(manager)
    for argv in (["verify"], ["rollback", "--yes"], ["apply", "--answers", ANSWERS_FILE, "--yes"]):
        done = tool.run(*argv)
        assert done.code == 1 and f"{receipt} was written by a newer nim-tls" in done.err, (argv, done)
        assert "do: " in done.err, done
    assert snapshot.differences(before, snapshot.take(manager)) == []


@each_build_and([PLAIN])
def test_nginx_starts_from_what_a_rollback_leaves(manager: Manager, tool: Tool) -> None:
    before = snapshot.take(manager)
    run = tool.apply(answers()).must(0, "applied")["run"]
    edited = manager.read(NMS_HTTP) + "# a later thought\n"
    manager.write(NMS_HTTP, edited)

    done = tool.rollback()

    found = done.must(4, "incomplete")
    assert found["left"] == [NMS_HTTP] and found["nginx_test"] == "accepted", found
    kept = {one["path"] for one in found["kept"]}
    assert SERVER_KEY in kept and "/etc/nginx/conf.d/nim-tls-log.conf" in kept, found
    assert all(manager.path(path).exists() for path in kept), kept
    assert manager.test_config().returncode == 0, manager.test_config()
    shown = tool.run("watch")
    assert shown.code == 4 and "nginx -t, on what is there now: accepted" in shown.out, shown

    # The commands that it prints finish it.
    commands = shown.out.split("to finish by hand")[1].splitlines()[1:]
    commands = [line.strip().replace("nim-tls ", f"{tool.binary} ", 1) for line in commands if line.strip()]
    assert commands[-1].endswith(f"rollback {run} --yes"), shown
    for command in commands:
        manager.run("sh", "-c", command if command.startswith("cp ") else f"{command} || [ $? = 1 ]")
    assert snapshot.differences(before, snapshot.take(manager)) == []
    assert manager.test_config().returncode == 0


def history(tool: Tool) -> list[dict]:
    return tool.run("history", "--format", "json").must(0)["runs"]
