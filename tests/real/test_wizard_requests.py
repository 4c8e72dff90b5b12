"""The wizard where the manager's certificate is signed elsewhere: it says what is written, and what is to be done with it.

What makes it red: in src/front/tui/view, words about certificates and services where there are requests alone.
"""

from pathlib import Path

from conftest import newer_build_and
from manager import Manager
from nim_tree import PLAIN
from screen import wizard
from test_requests import OF_SERVER
from test_wizard import ENTER, RIGHT, TAB


@newer_build_and([PLAIN])
def test_what_is_awaited_is_said_and_nothing_that_is_not_so(manager: Manager, binary: Path) -> None:
    with wizard(manager, binary) as screen:
        for page in ("1/8 Host", "2/8 Prerequisites", "3/8 Method"):
            screen.wait_for(page)
            screen.wait_for("Enter")
            screen.settle()
            screen.type(ENTER)
        screen.wait_for("4/8 Names")
        screen.type("nim.example.com" + TAB + "10.0.0.5" + TAB + "web-1.example.com")
        screen.wait_for("web-1.example.com")
        screen.type(ENTER)
        screen.wait_for("5/8 Certificates")
        screen.type(TAB)
        screen.settle()
        screen.type(RIGHT * 3)
        screen.wait_for("< csr >")
        screen.settle()
        screen.type(ENTER)
        screen.settle()
        if "passphrase" in screen.text:
            screen.type("correct horse battery" + TAB + "correct horse battery" + ENTER)
        screen.wait_for("6/8 Files")
        screen.type(ENTER)
        shown = screen.wait_for("7/8 Apply")
        assert "no service is touched" in shown and "is refused" not in shown, shown
        screen.type(RIGHT + RIGHT)
        screen.wait_for("> [ Yes, change this host ] <")
        screen.type(ENTER)
        shown = screen.wait_for("requests written", seconds=60)
        assert "8/8 Verify" in shown and "server.csr" in " ".join(shown.split()), shown
        assert "certificates are made" not in shown and "issued" not in shown, shown
        print(shown)
    assert manager.path(f"{OF_SERVER}.csr").exists()
