"""The full-screen wizard, by keys alone, on a real nginx and in a real terminal."""

import re
import time
from pathlib import Path

import pytest
import snapshot
from conftest import each_build_and, newer_build_and
from manager import Manager
from nim_tree import PLAIN
from screen import Screen, given_back, keep, wizard
from tool import Tool

ENTER, TAB, RIGHT, DOWN = "\r", "\t", "\x1b[C", "\x1b[B"
PASSPHRASE = "correct horse battery"


def to_apply(screen: Screen) -> None:
    screen.wait_for("1/8 Host")
    screen.wait_for("> [ Next ] <")
    screen.type(ENTER)
    screen.wait_for("2/8 Prerequisites")
    screen.type(ENTER)
    screen.wait_for("3/8 Method")
    screen.type(ENTER)
    screen.wait_for("4/8 Names")
    screen.type("nim.example.com" + TAB + "10.0.0.5" + TAB + "web-1.example.com")
    screen.wait_for("web-1.example.com")
    screen.type(ENTER)
    screen.wait_for("5/8 Certificates")
    screen.type(ENTER)
    screen.wait_for("A passphrase is needed")
    screen.type(PASSPHRASE + TAB + PASSPHRASE)
    screen.settle()
    screen.type(ENTER)
    screen.wait_for("6/8 Files")
    screen.type(ENTER)
    screen.wait_for("7/8 Apply")


@each_build_and([PLAIN])
def test_from_the_first_screen_to_proven_and_back(manager: Manager, tool: Tool, binary: Path) -> None:
    before = snapshot.take(manager)
    with wizard(manager, binary) as screen:
        to_apply(screen)
        assert "nothing changed yet" in screen.text
        screen.type(RIGHT + RIGHT)
        screen.wait_for("> [ Yes, change this host ] <")
        screen.type(ENTER)
        screen.wait_for("CHANGING NOW")
        shown = screen.wait_for("PROVEN", seconds=90)
        assert "8/8 Verify" in shown and "CHANGED, back in " in shown and "NOT PROVEN" not in shown, shown
        keep(screen)
        assert given_back(screen.bytes)
        assert PASSPHRASE.encode() not in screen.bytes
    assert tool.run("verify").code == 0
    tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
def test_a_line_that_drops_during_apply_stops_nothing(manager: Manager, tool: Tool, binary: Path) -> None:
    with wizard(manager, binary) as screen:
        to_apply(screen)
        screen.type(RIGHT + RIGHT)
        screen.wait_for("> [ Yes, change this host ] <")
        screen.type(ENTER)
        screen.wait_for("CHANGING NOW")
        screen.settle(1)
        screen.hang_up()
    tool.keep()
    watched = tool.run("watch", timeout=90)
    assert watched.code == 0, watched
    assert tool.run("verify").code == 0


@pytest.fixture
def shown(manager: Manager, binary: Path) -> Screen:
    with wizard(manager, binary) as screen:
        screen.wait_for("> [ Next ] <")
        yield screen


@newer_build_and([PLAIN])
@pytest.mark.parametrize(("signal", "code"), [("TERM", 143), ("HUP", 129), ("INT", 130)])
def test_a_signal_gives_the_terminal_back(manager: Manager, shown: Screen, signal: str, code: int) -> None:
    manager.run("pkill", f"-{signal}", "-x", "nim-tls")
    assert shown.exit_code() == code
    assert given_back(shown.bytes)


@newer_build_and([PLAIN])
def test_ctrl_c_and_q_leave_and_nothing_is_changed(manager: Manager, binary: Path) -> None:
    before = snapshot.take(manager)
    for key, code in (("\x03", 130), ("q", 0)):
        with wizard(manager, binary) as screen:
            screen.wait_for("> [ Next ] <")
            screen.type(key)
            assert screen.exit_code() == code
            assert given_back(screen.bytes)
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
def test_nothing_is_drawn_without_a_cause_and_little_with_one(shown: Screen) -> None:
    shown.settle()
    assert shown.settle(3) == 0
    shown.type(ENTER + ENTER)
    shown.wait_for("3/8 Method")
    shown.settle()
    shown.type(ENTER)
    shown.wait_for("4/8 Names")
    shown.settle()
    shown.type("n")
    # What a letter changes besides itself: the preview, and what is wrong with the answer so far.
    assert shown.settle() <= 800, len(shown.bytes)


def grid(screen: Screen) -> list[str]:
    return screen.text.splitlines()[:10]


@newer_build_and([PLAIN])
def test_arrows_that_the_line_tears_are_arrows_or_nothing(shown: Screen) -> None:
    shown.type(ENTER + ENTER)
    shown.wait_for("3/8 Method")
    shown.settle()
    before = grid(shown)
    for first, second in (("\x1b", "[A"), ("\x1b[", "A")):
        for _ in range(5):
            began = time.monotonic()
            shown.type(first)
            shown.take(0.01)
            shown.type(second)
            late = time.monotonic() - began > 0.04
            shown.settle()
            if not late or "2/8" not in shown.text:
                break
            # This machine has torn it for as long as a lone Esc is waited for: a step back it was.
            shown.type(ENTER)
            shown.wait_for("3/8 Method")
            shown.settle()
        assert grid(shown) != before
        shown.type(DOWN)
        shown.settle()
        assert grid(shown) == before
    # Torn for long: Esc goes back a step, and the tail is dropped.
    shown.type("\x1b")
    shown.wait_for("2/8 Prerequisites")
    shown.type("[A")
    shown.settle()
    assert "2/8 Prerequisites" in shown.text


@newer_build_and([PLAIN])
def test_a_window_may_be_resized_at_any_moment(shown: Screen) -> None:
    for columns, rows in ((40, 10), (120, 36), (5, 2), (300, 100), (80, 24)):
        shown.resize(columns, rows)
        shown.settle()
        assert "too small" in shown.text or columns >= 80 or columns < 20, shown.text
    shown.wait_for("> [ Next ] <")


@newer_build_and([PLAIN])
def test_ascii_and_no_colour_where_that_is_asked_for(manager: Manager, binary: Path) -> None:
    with wizard(manager, binary, LANG="C", NO_COLOR="1") as screen:
        screen.wait_for("> [ Next ] <")
        screen.type(ENTER)
        screen.wait_for("2/8 Prerequisites")
        assert screen.bytes.isascii()
        styles = re.findall(rb"\x1b\[([0-9;]*)m", screen.bytes)
        numbers = {int(number) for style in styles for number in style.split(b";") if number}
        assert not numbers & {*range(30, 39), *range(40, 49), *range(90, 108)}, numbers


def begin(screen: Screen) -> None:
    """From the first page to the yes."""
    to_apply(screen)
    screen.type(RIGHT + RIGHT)
    screen.wait_for("> [ Yes, change this host ] <")
    screen.type(ENTER)


@newer_build_and([PLAIN])
def test_started_again_it_shows_the_run_at_work(manager: Manager, tool: Tool, binary: Path) -> None:
    with wizard(manager, binary) as screen:
        begin(screen)
        screen.wait_for("CHANGING NOW")
        screen.hang_up()
    with wizard(manager, binary) as screen:
        screen.wait_for("CHANGING NOW", seconds=1)
        shown = screen.wait_for("PROVEN", seconds=90)
        assert "NOT PROVEN" not in shown, shown
        keep(screen)


@newer_build_and([PLAIN])
def test_a_run_whose_worker_is_killed_is_seen_to_go_back(manager: Manager, tool: Tool, binary: Path) -> None:
    before = snapshot.take(manager)
    with wizard(manager, binary) as screen:
        begin(screen)
        screen.wait_for("connections tried", seconds=60)
        manager.run("pkill", "-KILL", "-f", "__worker")
        screen.wait_for("its worker is gone", seconds=20)
        screen.wait_for("put back as it was", seconds=60)
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
def test_a_run_that_was_cut_short_is_put_back_by_one_key(manager: Manager, tool: Tool, binary: Path) -> None:
    before = snapshot.take(manager)
    with wizard(manager, binary) as screen:
        begin(screen)
        screen.wait_for("connections tried", seconds=60)
        # With all that would put it back.
        manager.run("pkill", "-KILL", "-f", "__return|__worker")
        shown = screen.wait_for("IN BETWEEN", seconds=60)
        assert "nim-tls rollback 2" in " ".join(shown.split()), shown
    with wizard(manager, binary) as screen:
        shown = screen.wait_for("A run was cut short")
        assert "put everything back now" in shown, shown
        screen.type(ENTER)
        screen.wait_for("put back as it was", seconds=60)
        screen.type(ENTER)
        assert screen.exit_code() == 0
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
def test_it_begins_with_the_answers_of_a_file(manager: Manager, binary: Path) -> None:
    manager.write("/mnt/begin.yaml", "manager_name: nim.example.org\nagents: [edge-1.example.org]\n")
    with wizard(manager, binary, "--answers", "/mnt/begin.yaml") as screen:
        screen.wait_for("> [ Next ] <")
        screen.type(ENTER + ENTER)
        screen.wait_for("3/8 Method")
        screen.type(ENTER)
        screen.wait_for("nim.example.org")
        screen.wait_for("edge-1.example.org")
