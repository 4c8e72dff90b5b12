"""An agent that does not run, or runs by what its files said before.

The agent and its service are stand-ins (instance.py). What makes these tests red: in src/doctor/checks/agent_runs.rs, a
check that is left out, or one that counts an agent that nobody wants.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import BUILDS, newer_build_and
from grounds import Instance
from instance import CERTS, SETTINGS, end_agent, with_agent
from journal import says, with_journal
from lab import Nginx
from manager import Manager
from nim_tree import PLAIN
from test_doctor import examined
from tool import STATE, Tool

RESTING, BEFORE = "agent-not-running", "agent-started-before"


@pytest.fixture
def instance(nginx: Nginx, binary: Path) -> Iterator[Instance]:
    """Its agent gets through to a manager on another host."""
    ground = Instance(nginx, binary)
    with contextlib.closing(ground):
        ground.build()
        ground.settle()
        yield ground


@pytest.mark.parametrize("nginx", BUILDS[1:])
def test_an_agent_that_does_not_run_is_an_error_where_it_is_meant_to(instance: Instance) -> None:
    manager, tool = instance.host, instance.tool
    found, _ = examined(tool)
    assert RESTING not in found and BEFORE not in found, found
    end_agent(manager)
    with_journal(manager, tool)
    exited = "nginx-agent.service: Main process exited, code=killed, status=9/KILL"
    says(manager, "nginx-agent", exited, ago=0, pid=1)
    found, _ = examined(tool, code=1)
    resting = found[RESTING]
    assert (resting["cause"], resting["severity"]) == ("port-closed", "error"), resting
    assert resting["fix"]["commands"][0] == "systemctl start nginx-agent", resting
    assert any("journalctl" in command and "nginx-agent" in command for command in resting["fix"]["commands"]), resting
    assert any(exited in seen["text"] for seen in resting["evidence"]), resting
    # Whoever has switched it off has not taken back the answers that stand.
    manager.write("/mnt/disabled-units", "nginx-agent\n")
    found, _ = examined(tool, code=1)
    assert found[RESTING]["severity"] == "error"
    manager.run("rm", "-rf", f"{STATE}/runs")
    found, _ = examined(tool, code=0)
    assert found[RESTING]["severity"] == "info" and "disabled" in found[RESTING]["evidence"][0]["text"], found
    manager.run("rm", "/mnt/disabled-units")
    instance.restart_agent()
    found, _ = examined(tool)
    assert RESTING not in found, found


@newer_build_and([PLAIN])
def test_an_agent_that_nobody_has_set_up_on_a_manager_is_no_error(manager: Manager, tool: Tool) -> None:
    before, _ = examined(tool)
    assert RESTING not in before
    with_agent(manager, tool)
    end_agent(manager)
    found, _ = examined(tool)
    assert found[RESTING]["severity"] == "info", found
    # It is another matter once it is told where its manager is.
    manager.edit(SETTINGS, "host: 127.0.0.1", "host: nim.example.com")
    found, _ = examined(tool, code=1)
    assert found[RESTING]["severity"] == "error", found


@pytest.mark.parametrize("nginx", BUILDS[1:])
def test_an_agent_that_was_started_before_its_files_were_changed_is_told(instance: Instance) -> None:
    manager, tool = instance.host, instance.tool
    found, _ = examined(tool)
    assert BEFORE not in found, found
    # A second or two are the same moment.
    later = time.time() + 30
    for path in (SETTINGS, f"{CERTS}/agent.crt"):
        os.utime(manager.path(path), (later, later))
        found, _ = examined(tool)
        told = found[BEFORE]
        assert (told["cause"], told["severity"]) == ("reload-not-effective", "warning"), told
        assert path in [seen["file"] for seen in told["evidence"]], told
        assert told["fix"]["commands"] == ["systemctl restart nginx-agent"], told
    before = time.time() - 5
    for path in (SETTINGS, f"{CERTS}/agent.crt"):
        os.utime(manager.path(path), (before, before))
    instance.restart_agent()
    found, _ = examined(tool)
    assert BEFORE not in found, found
