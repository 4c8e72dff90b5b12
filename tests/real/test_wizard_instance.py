"""The wizard on an instance: it knows what the host is, asks for little, and ends with an agent that is connected.

What makes these tests red: in src/questions.rs, an instance that is asked what only a manager can say; in
src/front/outlook.rs, a bundle that is judged before anybody has looked at it.
"""

from pathlib import Path

import pytest
import snapshot
import yaml
from conftest import newer_build_and
from instance import AGENT, BUNDLE, SETTINGS, agent_calls, hand_out, with_agent, without_manager
from lab import wait_for
from manager import NAME, Manager
from nim_tree import PLAIN
from screen import keep, wizard
from talk import LocalTalk, to_names
from tool import Tool, answers

ENTER, TAB, RIGHT = "\r", "\t", "\x1b[C"


@pytest.fixture
def around(manager: Manager, tool: Tool) -> dict[str, str]:
    tool.apply(answers()).must(0, "applied")
    with_agent(manager, tool)
    hand_out(manager)
    return without_manager(manager)


@newer_build_and([PLAIN])
@pytest.mark.parametrize("form", ["lines", "inquire"])
def test_line_by_line(manager: Manager, binary: Path, around: dict[str, str], form: str) -> None:
    before = snapshot.take(manager)
    with LocalTalk(manager, binary, form, **around) as talk:
        shown = talk.wait_for_news("What next?")
        assert "This is an instance" in shown and "127.0.0.1:54789, in the clear" in shown, shown
        to_names(talk)
        talk.answer("Name of the manager", NAME)
        talk.wait_for_news("5/8 Certificates")
        talk.answer("Files of this agent", "web-1")
        talk.wait_for_news("That will not do")
        talk.answer("Files of this agent", BUNDLE)
        talk.answer("Put the root", "no")
        talk.answer("Have systemd look after it")
        shown = talk.wait_for_news("Show which file?")
        assert "None is made: what the manager has issued" in shown, shown
        talk.answer("Show which file?", "next")
        shown = talk.wait_for_news("Change this host now?")
        assert "is restarted, and connects with its certificate" in shown, shown
        talk.answer("Change this host now?", "yes")
        shown = talk.wait_for_news("Keep it, or put", seconds=90)
        assert "PROVEN" in shown and "NOT PROVEN" not in shown and "is this instance online?" in shown, shown
        if form == "inquire":
            talk.answer("Keep it, or put", "put back")
            assert talk.exit_code(60) == 6, talk.text
        else:
            talk.answer("Keep it, or put", "keep")
            assert talk.exit_code(60) == 0, talk.text
    if form == "inquire":
        assert snapshot.differences(before, snapshot.take(manager)) == []
    else:
        assert yaml.safe_load(manager.read(SETTINGS))["server"]["host"] == NAME
        wait_for(lambda: "Commander/CommandChannel" in agent_calls(manager), "the agent")


@newer_build_and([PLAIN])
def test_on_the_screen(manager: Manager, binary: Path, around: dict[str, str]) -> None:
    with wizard(manager, binary, **around) as screen:
        assert "This is an instance" in screen.wait_for("> [ Next ] <")
        screen.type(ENTER)
        screen.wait_for("2/8 Prerequisites")
        screen.type(ENTER)
        screen.wait_for("3/8 Method")
        screen.type(ENTER)
        shown = screen.wait_for("4/8 Names")
        assert "Agents" not in shown and "Further names" not in shown, shown
        screen.type(NAME)
        screen.wait_for(f'host: "{NAME}"')
        screen.type(ENTER)
        screen.wait_for("5/8 Certificates")
        screen.type("/mnt/nothing-here" + ENTER)
        screen.wait_for("6/8 Files")
        screen.wait_for("bundle: /mnt/nothing-here is not there")
        screen.type("\x1b")
        screen.wait_for("5/8 Certificates")
        screen.type("\x7f" * 20 + BUNDLE + ENTER)
        screen.wait_for("6/8 Files")
        screen.wait_for("agent.key")
        screen.type(ENTER)
        shown = screen.wait_for("7/8 Apply")
        assert "shows this instance offline" in shown, shown
        screen.type(RIGHT + RIGHT)
        screen.wait_for("> [ Yes, change this host ] <")
        screen.type(ENTER)
        shown = screen.wait_for("PROVEN", seconds=90)
        assert "8/8 Verify" in shown and "NOT PROVEN" not in shown and "is this instance online?" in shown, shown
        keep(screen)
    wait_for(lambda: "Commander/CommandChannel" in agent_calls(manager), f"the agent of {AGENT}")
