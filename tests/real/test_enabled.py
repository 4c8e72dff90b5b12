"""Services that run and would not come up with the system: `options.enable_services` has a plan enable them, and a way
back. systemd is a stand-in (services_stand_in.py) that makes the link which `systemctl enable` makes.

What makes these tests red: in src/worker/enable.rs, no record of what the command writes; in src/plan/enabling.rs,
enabling that nobody asked for.
"""

from pathlib import Path

import pytest
import snapshot
from conftest import newer_build_and
from instance import asked, instance_answers
from manager import Manager
from nim1 import Nim1, nim1_answers, nim1_tool
from nim_tree import PLAIN
from test_instance import both
from tool import Tool

pytestmark = pytest.mark.alternating

DISABLED = "/mnt/disabled-units"
WANTED = "/etc/systemd/system/multi-user.target.wants"
ENABLED = "options: {enable_services: true}\n"


@pytest.fixture
def own_tool(nim1: Nim1, binary: Path) -> Tool:
    nim1.write(DISABLED, "nginx-manager\n")
    return nim1_tool(nim1, binary)


def links(manager: Manager) -> list[str]:
    """Those for services of the product."""
    return sorted(path.name for path in manager.path(WANTED).glob("nginx-*"))


def planned(manager: Manager, tool: Tool, answers: str) -> dict:
    manager.write("/mnt/answers.yaml", answers)
    return tool.run("plan", "--answers", "/mnt/answers.yaml", "--format", "json").document


def test_it_is_enabled_in_one_go_and_taken_back(nim1: Nim1, own_tool: Tool) -> None:
    before = snapshot.take(nim1)
    plan = planned(nim1, own_tool, nim1_answers(more=ENABLED))
    assert "systemctl enable nginx-manager" in plan["commands"], plan["commands"]
    assert not [note for note in plan["notes"] if "next start" in note], plan["notes"]

    done = own_tool.apply(nim1_answers(more=ENABLED)).must(0, "applied")
    assert links(nim1) == ["nginx-manager.service"]
    assert f"{WANTED}/nginx-manager.service" in done["changed"], done["changed"]
    (check,) = [one for one in own_tool.run("check", "--format", "json").document["checks"] if one["id"] == "services"]
    assert check["status"] == "ok", check
    assert own_tool.apply(nim1_answers(more=ENABLED)).must(0)["outcome"] == "unchanged"

    own_tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(nim1)) == []
    assert asked(nim1).count(["daemon-reload"]) == 1, "systemd reads again which links there are"
    assert not [words for words in asked(nim1) if words[0] == "disable"], "that would take away more than was made"


def test_where_all_else_is_done_it_is_a_run_of_its_own(nim1: Nim1, own_tool: Tool) -> None:
    own_tool.apply(nim1_answers()).must(0, "applied")
    assert links(nim1) == [] and not [words for words in asked(nim1) if words[0] == "enable"], "nobody asked for it"
    (note,) = [note for note in planned(nim1, own_tool, nim1_answers())["notes"] if "next start" in note]
    assert "systemctl enable nginx-manager, or say options: {enable_services: true}" in note, note

    between = snapshot.take(nim1)
    done = own_tool.apply(nim1_answers(more=ENABLED)).must(0, "applied")
    assert links(nim1) == ["nginx-manager.service"] and all(row["ok"] is not False for row in done["proof"])
    own_tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(between, snapshot.take(nim1)) == []


def test_half_a_result_is_taken_back(nim1: Nim1, own_tool: Tool) -> None:
    nim1.write("/mnt/cannot-enable", "Unit file /etc/systemd/system/other.service is masked")
    before = snapshot.take(nim1)
    done = own_tool.apply(nim1_answers(more=ENABLED)).must(3)
    assert "systemctl enable nginx-manager failed: " in done["problem"] and "is masked" in done["problem"], done
    assert "everything was put back" in done["problem"], done
    assert snapshot.differences(before, snapshot.take(nim1)) == []


def test_a_command_that_says_yes_and_does_nothing_is_not_believed(nim1: Nim1, own_tool: Tool) -> None:
    nim1.write("/mnt/stand-in/systemctl.real", nim1.read("/mnt/stand-in/systemctl"), 0o755)
    nim1.write(
        "/mnt/stand-in/systemctl",
        '#!/bin/sh\n[ "$1" = enable ] && exit 0\nexec /mnt/stand-in/systemctl.real "$@"\n',
        0o755,
    )
    before = snapshot.take(nim1)
    done = own_tool.apply(nim1_answers(more=ENABLED)).must(3)
    assert "nginx-manager still does not come up with the system: disabled" in done["problem"], done
    assert snapshot.differences(before, snapshot.take(nim1)) == []


def test_a_folder_says_that_nobody_can_tell(nim1: Nim1, own_tool: Tool) -> None:
    nim1.write("/mnt/answers.yaml", nim1_answers(more=ENABLED))
    nim1.run("mkdir", "-p", "/mnt/root/etc")
    nim1.run("cp", "-aL", "/etc/nginx", "/etc/nginx-manager", "/etc/os-release", "/mnt/root/etc/")
    plan = own_tool.run("plan", "--root", "/mnt/root", "--answers", "/mnt/answers.yaml", "--format", "json")
    assert plan.code == 0, plan
    (note,) = [note for note in plan.document["notes"] if "enable_services" in note]
    assert "only a running system tells" in note, note
    assert not [step for step in plan.document["steps"] if step["id"] == "enable"]


@newer_build_and([PLAIN])
def test_an_agent_is_enabled_too(manager: Manager, tool: Tool) -> None:
    both(manager, tool)
    manager.write(DISABLED, "nginx-agent\n")
    before = snapshot.take(manager)
    tool.apply(instance_answers().replace("{trust_store: false}", "{trust_store: false, enable_services: true}")).must(0, "applied")
    assert links(manager) == ["nginx-agent.service"]
    tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(manager)) == []
