"""The wizard over ssh, on a line that is 100 ms long each way and cuts and joins what it carries."""

from pathlib import Path

import pytest
import snapshot
import ssh
from conftest import newer_build_and
from manager import Manager
from nim_tree import PLAIN
from screen import Screen, given_back, keep
from talk import FORMS, Talk, to_files
from tool import Tool

ENTER, TAB, LEFT, RIGHT, UP, DOWN = "\r", "\t", "\x1b[D", "\x1b[C", "\x1b[A", "\x1b[B"
PASSPHRASE = "correct horse battery"


@pytest.fixture
def line(manager: Manager) -> Manager:
    ssh.serve(manager)
    return manager


def to_apply(screen: Screen) -> None:
    """The whole way, typed ahead wherever an operator who knows the way would."""
    screen.wait_for("> [ Next ] <")
    screen.type(ENTER + ENTER)
    screen.wait_for("3/8 Method")
    for arrow in (UP, LEFT, DOWN, RIGHT):
        screen.type(arrow)
    screen.type(ENTER)
    screen.wait_for("4/8 Names")
    for letter in "nim.example.com":
        screen.type(letter)
    screen.type(TAB + "10.0.0.5" + TAB + "web-1.example.com" + ENTER)
    shown = screen.wait_for("5/8 Certificates")
    assert "agent web-1.example.com" in shown, shown
    screen.type(ENTER)
    screen.wait_for("A passphrase is needed")
    screen.type(PASSPHRASE + TAB + PASSPHRASE + ENTER)
    screen.wait_for("6/8 Files")
    screen.type(ENTER)
    screen.wait_for("7/8 Apply")
    assert "nim.example.com" in screen.text.splitlines()[0]


def say_yes(screen: Screen) -> None:
    screen.type(RIGHT + RIGHT)
    screen.wait_for("> [ Yes, change this host ] <")
    screen.type(ENTER)
    screen.wait_for("CHANGING NOW")


@newer_build_and([PLAIN])
@pytest.mark.parametrize("seed", [1, 2])
def test_no_key_is_lost_doubled_or_misread(line: Manager, tool: Tool, binary: Path, seed: int) -> None:
    before = snapshot.take(line)
    with ssh.session(line, ssh.shell(binary), seed) as screen:
        to_apply(screen)
        say_yes(screen)
        shown = screen.wait_for("PROVEN", seconds=90)
        assert "NOT PROVEN" not in shown, shown
        keep(screen)
        assert given_back(screen.bytes)
    applied = tool.run("history", "--format", "json").document["runs"]
    assert [run["outcome"] for run in applied] == ["applied"]
    tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(line)) == []


@newer_build_and([PLAIN])
def test_a_session_that_is_killed_during_apply_leaves_a_finished_host(line: Manager, tool: Tool, binary: Path) -> None:
    with ssh.session(line, ssh.shell(binary), 3) as screen:
        to_apply(screen)
        say_yes(screen)
        screen.settle(1)
    # Started again, it shows the run, be it at work or over.
    with ssh.session(line, ssh.shell(binary), 4) as screen:
        shown = screen.wait_for("PROVEN", seconds=90)
        assert "8/8 Verify" in shown and "NOT PROVEN" not in shown, shown
        keep(screen)
    assert tool.run("watch", timeout=90).code == 0
    assert tool.run("verify").code == 0


def say_yes_in_words(talk: Talk) -> None:
    to_files(talk)
    talk.answer("Show which file?", "next")
    talk.answer("Change this host now?", "yes")
    talk.wait_for_news("CHANGING NOW")


def by_lines(line: Manager, binary: Path, form: str, seed: int) -> Talk:
    options, variables = FORMS[form]
    return ssh.session(line, ssh.shell(binary, *options, **variables), seed, Talk, columns=100, rows=200)


@newer_build_and([PLAIN])
@pytest.mark.parametrize("form", ["lines", "inquire"])
def test_the_same_line_by_line(line: Manager, tool: Tool, binary: Path, form: str) -> None:
    with by_lines(line, binary, form, 5) as talk:
        say_yes_in_words(talk)
        # The line drops, and the work goes on.
        talk.hang_up()
    with by_lines(line, binary, form, 6) as talk:
        shown = talk.wait_for_news("Keep it, or put", seconds=90)
        assert "A run is at work on this host" in shown, shown
        talk.answer("Keep it, or put", "keep")
        assert talk.exit_code() == 0
        assert form == "inquire" or b"\x1b" not in talk.bytes
    tool.rollback().must(0, "rolled-back")
