"""The wizard on a host of NGINX Instance Manager 1: its own table, its own files, and a proof.

What makes these tests red: a table of another generation (`Model::table`), answers that say nim2 (`settle` in
src/questions.rs).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import snapshot
from conftest import BUILDS
from manager import NAME
from nim1 import PATH, Nim1
from screen import wizard
from talk import LocalTalk, to_files

ENTER, PRINTED = "\r", "nginx-manager-grpc.conf"


@pytest.fixture
def nim1() -> Iterator[Nim1]:
    with Nim1(BUILDS[1]) as made:
        made.start()
        yield made


def test_line_by_line(nim1: Nim1, binary: Path) -> None:
    before = snapshot.take(nim1)
    with LocalTalk(nim1, binary, "lines", PATH=PATH) as talk:
        to_files(talk, proxy=True, systemd=True)
        assert "NGINX Instance Manager 1. N/A" in talk.text
        shown = talk.wait_for_news("Show which file?")
        assert PRINTED in shown and "nms-http.conf" not in talk.text, shown
        talk.answer("Show which file?", "next")
        talk.answer("Change this host now?", "yes")
        shown = talk.wait_for_news("Keep it, or put", seconds=90)
        assert "PROVEN" in shown and "NOT PROVEN" not in shown, shown
        talk.answer("Keep it, or put", "put back")
        assert talk.exit_code(60) == 6, talk.text
    assert snapshot.differences(before, snapshot.take(nim1)) == []


def test_on_the_screen(nim1: Nim1, binary: Path) -> None:
    with wizard(nim1, binary, PATH=PATH) as screen:
        screen.wait_for("> [ Next ] <")
        screen.type(ENTER)
        screen.wait_for("2/8 Prerequisites")
        screen.type(ENTER)
        shown = screen.wait_for("3/8 Method")
        assert "no proxy" in shown and "N/A" in shown, shown
        screen.type(ENTER)
        screen.wait_for("4/8 Names")
        screen.type(NAME)
        screen.wait_for(f"server_name {NAME}")
        screen.type(ENTER)
        screen.wait_for("5/8 Certificates")
