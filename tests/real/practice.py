"""The way through the wizard on its practice host, one step after the other."""

from collections.abc import Callable, Iterator

from screen import Screen

ENTER, TAB, LEFT, RIGHT = "\r", "\t", "\x1b[D", "\x1b[C"
NAME = "nim.practice.example"
FURTHER = "10.0.0.5"
AGENT = "web-1.practice.example"
PASSPHRASE = "correct horse battery"


def steps(screen: Screen, press: Callable[[str], None] | None = None) -> Iterator[str]:
    """Leads on to the proof, and stops with each step on the screen: by its name, as it is left."""
    press = press or screen.type
    screen.wait_for("> [ Next ] <")
    yield "1-host"
    press(ENTER)
    screen.wait_for("2/8 Prerequisites")
    screen.wait_for("> [ Next ] <")
    yield "2-prerequisites"
    press(ENTER)
    screen.wait_for("3/8 Method")
    yield "3-method"
    press(ENTER)
    screen.wait_for("4/8 Names")
    for answer in (NAME, FURTHER):
        screen.type(answer)
        press(TAB)
    screen.type(AGENT)
    screen.wait_for(AGENT)
    yield "4-names"
    press(ENTER)
    screen.wait_for("5/8 Certificates")
    yield "5-certificates"
    press(ENTER)
    screen.wait_for("A passphrase is needed")
    screen.type(PASSPHRASE)
    press(TAB)
    screen.type(PASSPHRASE)
    press(ENTER)
    screen.wait_for("6/8 Files")
    yield "6-files"
    press(ENTER)
    screen.wait_for("7/8 Apply")
    press(RIGHT)
    screen.wait_for("> [ Issue and hand out only ] <")
    press(RIGHT)
    screen.wait_for("> [ Yes, change this host ] <")
    yield "7-apply"
    press(ENTER)
    screen.wait_for("CHANGING NOW")
    # From here on workers of before have ten seconds: long enough to look at it.
    screen.wait_for("new workers")
    yield "7-apply-at-work"
    screen.wait_for("PROVEN", seconds=110)
    yield "8-verify"
