"""Budgets of a slow line: bytes that the wizard writes for a key on a terminal of 80 by 24."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cost import DOWN, ENTER, LEFT, RIGHT, TAB, UP, costs, started, typed
from screen import Screen

FOCUS, LETTER, LETTER_AND_PREVIEW, SCROLL = 81, 33, 400, 1400
HOME = "\x1b[H"
NAME, AGENT = "nim.practice.example", "web-1.practice.example"
PASSPHRASE = "correct horse battery"
TO_NAMES = (ENTER, ENTER, ENTER)
TO_CERTIFICATES = (*TO_NAMES, NAME, TAB, TAB, AGENT, ENTER)
# Enter goes to the passphrase that is missing.
TO_FILES = (*TO_CERTIFICATES, ENTER, PASSPHRASE, TAB, PASSPHRASE, ENTER)
WAYS = {
    "2/8 Prerequisites": (ENTER,),
    "3/8 Method": (ENTER, ENTER),
    "4/8 Names": TO_NAMES,
    "5/8 Certificates": TO_CERTIFICATES,
    "6/8 Files": TO_FILES,
    "7/8 Apply": (*TO_FILES, ENTER),
}


@pytest.fixture
def at(binary: Path, tmp_path: Path) -> Iterator[Callable[[str], Screen]]:
    """Leads the practice host's wizard to a step."""
    screen = started([str(binary), "demo"], "> [ Next ] <", TMPDIR=str(tmp_path))

    def led(step: str) -> Screen:
        typed(screen, *WAYS[step])
        screen.wait_for(step)
        screen.settle()
        return screen

    with screen:
        yield led
        # What was drawn bit by bit is what is drawn as a whole.
        shown = screen.text
        for columns in (100, 80):
            screen.resize(columns, 24)
            screen.settle()
        assert screen.text == shown


def test_the_focus_moves_cheaply_between_buttons(at: Callable[[str], Screen]) -> None:
    moves = costs(at("7/8 Apply"), RIGHT, RIGHT, LEFT, LEFT)
    assert all(0 < move <= FOCUS for move in moves), moves


def test_the_focus_moves_cheaply_where_a_list_stays_where_it_is(at: Callable[[str], Screen]) -> None:
    moves = costs(at("2/8 Prerequisites"), UP, DOWN)
    assert all(0 < move <= FOCUS for move in moves), moves


@pytest.mark.parametrize(
    ("step", "keys"),
    [
        # What the focused cell means, who talks to whom then, and the preview.
        ("3/8 Method", [UP, DOWN, DOWN, UP, RIGHT, LEFT, LEFT, RIGHT]),
        # Why the focused field is asked stands below it, and what comes after moves.
        ("4/8 Names", [TAB, TAB, TAB]),
        ("5/8 Certificates", [DOWN, DOWN, DOWN, DOWN, UP, UP, UP, UP]),
        # The preview of the focused file.
        ("6/8 Files", [DOWN, DOWN, DOWN, UP, UP, UP]),
    ],
)
def test_a_focus_that_takes_more_along_costs_more_than_its_budget_and_no_more_than_scrolling(
    at: Callable[[str], Screen], step: str, keys: list[str]
) -> None:
    moves = costs(at(step), *keys)
    assert all(0 < move <= SCROLL for move in moves), moves
    # Where this fails the budget of the focus has come to hold here: say so above.
    assert max(moves) > FOCUS, moves


def test_a_letter_that_changes_no_preview(at: Callable[[str], Screen]) -> None:
    screen = at("4/8 Names")
    letters = costs(screen, *"nim")
    typed(screen, NAME[3:], TAB, TAB, AGENT, ENTER, ENTER)
    screen.wait_for("A passphrase is needed")
    # With the first letter that notice goes.
    typed(screen, PASSPHRASE[0])
    letters += costs(screen, *PASSPHRASE[1:5])
    assert all(0 < letter <= LETTER for letter in letters), letters


def test_a_letter_that_changes_the_preview(at: Callable[[str], Screen]) -> None:
    screen = at("4/8 Names")
    # The first letters of a name add its files; a dot makes it none for a while, which is said.
    letters = costs(screen, NAME[0], *NAME[1:5])
    typed(screen, NAME[5:], TAB, TAB)
    letters += costs(screen, *AGENT[:6])
    # Its settings name the manager, and the preview goes there at the first letter.
    typed(screen, AGENT[6:], TAB, TAB, TAB, "x")
    assert "nginx-agent.conf" in screen.text, screen.text
    letters += costs(screen, *"abc")
    assert all(0 < letter <= LETTER_AND_PREVIEW for letter in letters), letters
    assert max(letters) > LETTER, letters


@pytest.mark.parametrize("form", ["difference", "whole file"])
def test_scrolling_the_preview_by_a_line(at: Callable[[str], Screen], form: str) -> None:
    screen = at("6/8 Files")
    typed(screen, "p", *("d" if form == "whole file" else ""), HOME)
    assert form in screen.text, screen.text
    lines = []
    for key in (DOWN, UP):
        # To the end, where nothing moves any more.
        while cost := costs(screen, key)[0]:
            lines.append(cost)
    assert len(lines) > 90 and max(lines) <= SCROLL, lines


def test_nothing_is_written_while_nothing_happens(at: Callable[[str], Screen]) -> None:
    assert at("3/8 Method").settle(5) == 0
