"""The real NGINX Agent 2, where there is one: with the settings that were written it opens its channels through the gate.

It is installed nowhere by these tests: NIM_TLS_AGENT names a binary, and without it they are skipped (then
test_instance.py has its stand-in). What makes them red is what does there.
"""

import os

import pytest
from conftest import each_build_and
from instance import STAND_IN, hand_out, instance_answers, with_agent
from lab import wait_for
from manager import Manager
from nim_tree import PLAIN
from tool import AGENTS, Tool, answers

AGENT = os.environ.get("NIM_TLS_AGENT")
pytestmark = pytest.mark.skipif(not AGENT, reason="NIM_TLS_AGENT names no NGINX Agent 2")


def channels(manager: Manager) -> list[str]:
    """The calls of an agent (those of the proof are to a method that nobody has)."""
    calls = (f"{call['service'].rpartition('.')[2]}/{call['method']}" for call in manager.call_log() if call["event"] == "call")
    return [call for call in calls if not call.endswith("Proof")]


@each_build_and([PLAIN])
def test_it_opens_its_channels_and_is_refused_with_another_authority(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    with_agent(manager, tool)
    for name in ("start-agent", "nginx-agent"):
        manager.write(f"{STAND_IN}/{name}", f'#!/bin/bash\nexec -a {STAND_IN}/nginx-agent {AGENT} "$@"\n', 0o755)
    manager.run(*tool.before, "systemctl", "restart", "nginx-agent")
    hand_out(manager)
    assert channels(manager) == []

    done = tool.apply(instance_answers()).must(0, "applied")
    rows = {row["case"]: row for row in done["proof"]}
    assert "connected" in rows["the agent itself"]["seen"], rows
    wanted = {"Commander/CommandChannel", "MetricsService/Stream"}
    wait_for(lambda: wanted <= set(channels(manager)), f"its channels, and there are {channels(manager)}")
    messages = [call for call in manager.call_log() if call["event"] == "message" and call["method"] == "CommandChannel"]
    assert messages, "it has said nothing"
    assert tool.run("verify").code == 0

    # Its certificate is revoked: the channel ends, and no other one gets through.
    tool.run("certs", "revoke", AGENTS[0], "--yes")
    before = len(channels(manager))
    manager.run(*tool.before, "systemctl", "restart", "nginx-agent")
    manager.run("sleep", "12")
    assert len(channels(manager)) == before, channels(manager)[before:]
