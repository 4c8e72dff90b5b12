"""What the doctor finds without a log, and what it can mend: `nim-tls doctor --fix ID` goes through the same plan, proof
and way back as everything else, and looks again.

What makes these tests red: in src/doctor/checks, a check that is left out; in src/front/unattended/doctor.rs, a repair
that does not look again.
"""

import dataclasses
import json

import nim_tree
import pytest
import snapshot
from clients import Attempt
from conftest import each_build_and, newer_build_and
from manager import NAME, Manager
from nim_tree import PLAIN
from tool import AGENTS, STATE, Done, Tool, answers, issued

CONF = "/etc/nginx/conf.d/nms-http.conf"
KEY = "/etc/nms/certs/server.key"


def findings(tool: Tool) -> dict[str, dict]:
    done = tool.run("doctor", "--format", "json")
    assert done.code in (0, 1), done
    return {finding["id"]: finding for finding in done.document["findings"]}


def errors(tool: Tool) -> list[str]:
    return [finding["cause"] for finding in findings(tool).values() if finding["severity"] == "error"]


def fix(tool: Tool, name: str) -> Done:
    return tool.run("doctor", "--fix", name, "--yes", "--format", "json")


@each_build_and([PLAIN])
def test_what_an_upgrade_of_the_package_has_undone_is_found_and_done_again(manager: Manager, tool: Tool) -> None:
    stock = manager.read(CONF)
    tool.apply(answers()).must(0, "applied")
    assert errors(tool) == []
    applied = snapshot.take(manager)

    manager.write(CONF, stock)
    manager.restart_tree()
    found = findings(tool)
    assert found["drift"]["severity"] == "error" and found["drift"]["cause"] == "drift", found
    assert [seen["file"] for seen in found["drift"]["evidence"]] == [CONF], found["drift"]
    assert found["drift"]["fix"]["applicable"] is True, found["drift"]

    done = fix(tool, "drift")
    assert done.code == 0 and done.document["outcome"] == "applied", done
    assert "looked again: drift is gone" in done.err, done.err
    assert all(row["ok"] is not False for row in done.document["proof"])
    assert snapshot.differences(applied, snapshot.take(manager)) == []
    assert errors(tool) == []
    # And back: what the package has put there.
    tool.rollback().must(0, "rolled-back")
    assert manager.read(CONF) == stock


@newer_build_and([PLAIN])
def test_a_key_that_everybody_may_read_is_found_and_closed(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    manager.path(KEY).chmod(0o644)
    found = findings(tool)["key-readable"]
    assert (found["severity"], found["evidence"][0]["file"]) == ("error", KEY), found
    assert found["fix"]["commands"] == [f"chmod o-rwx {KEY}"], found["fix"]
    assert manager.run("sh", "-c", found["fix"]["commands"][0]).returncode == 0
    assert manager.path(KEY).stat().st_mode & 0o777 == 0o640
    assert "key-readable" not in findings(tool)


@newer_build_and([PLAIN])
def test_what_is_not_found_or_not_ours_to_mend_is_said(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    before = snapshot.take(manager)
    done = fix(tool, "drift")
    assert done.code == 1 and "nothing that is called drift is found here now" in done.err, done
    manager.write(CONF, manager.read(CONF).replace("satisfy all;", "satisfy any;\n        allow 127.0.0.0/8;", 1))
    manager.restart_tree()
    found = findings(tool)["satisfy-any-lets-in"]
    assert (found["cause"], found["severity"]) == ("bypass-satisfy-any", "error"), found
    done = fix(tool, "bypass-satisfy-any")
    assert done.code == 1 and "nothing that nim-tls could do about it by itself" in done.err, done


@newer_build_and([PLAIN])
def test_a_host_that_is_well_is_met_with_silence(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    assert findings(tool) == {}


@newer_build_and([PLAIN])
def test_no_repair_makes_another_authority(manager: Manager, tool: Tool) -> None:
    stock = manager.read(CONF)
    tool.apply(answers()).must(0, "applied")
    manager.path(f"{STATE}/ca").rename(manager.path(f"{STATE}/elsewhere"))
    manager.write(CONF, stock)
    manager.restart_tree()
    before = snapshot.take(manager)
    found = findings(tool)
    lost = found["answers-out-of-reach"]
    assert (lost["severity"], lost["cause"]) == ("error", "drift"), found
    assert "bring it back from a backup" in lost["evidence"][0]["text"], lost
    for name in ("drift", "answers-out-of-reach"):
        done = fix(tool, name)
        assert done.code == 1 and "bring it back from a backup" in done.err, done
    assert not manager.path(f"{STATE}/ca").exists()
    assert snapshot.differences(before, snapshot.take(manager)) == []

    manager.path(f"{STATE}/elsewhere").rename(manager.path(f"{STATE}/ca"))
    assert fix(tool, "drift").code == 0
    assert errors(tool) == []


@newer_build_and([PLAIN])
def test_what_cannot_be_meant_is_bad_usage(manager: Manager, tool: Tool) -> None:
    done = tool.run("doctor", "--fix", "dirft", "--yes")
    assert done.code == 2 and "nothing that is found is called dirft" in done.err, done
    done = tool.run("doctor", "--yes")
    assert done.code == 2 and "--yes goes with --fix ID" in done.err, done
