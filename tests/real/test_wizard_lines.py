"""The wizard as line prompts, in a real terminal on a real nginx: by inquire where the cursor can be
moved, and as plain lines without one ESC byte where it cannot."""

import hashlib
import json
import re
import signal
import time
from pathlib import Path

import pytest
import snapshot
from conftest import newer_build_and
from manager import Manager
from nim_tree import PLAIN
from talk import FORMS, PASSPHRASE, LocalTalk, to_files, to_names, to_passphrase
from tool import ANSWERS_FILE, Tool, answers

pytestmark = pytest.mark.alternating

each_form = pytest.mark.parametrize("form", ["lines", "inquire"])


@newer_build_and([PLAIN])
@pytest.mark.parametrize("form", ["lines", "lines-no-term", "inquire"])
def test_from_the_first_question_to_proven_and_put_back(manager: Manager, binary: Path, form: str) -> None:
    before = snapshot.take(manager)
    with LocalTalk(manager, binary, form) as talk:
        to_files(talk)
        talk.answer("Show which file?", "1")
        assert "@@" in talk.wait_for_news("why line")
        talk.answer("Show which file?", "next")
        shown = talk.wait_for_news("Change this host now?")
        for words in ("7/8 Apply", "Nothing has been changed yet", "browsers", "agents", "nim-tls rollback RUN"):
            assert words in shown, (words, shown)
        talk.answer("Change this host now?", "yes")
        talk.wait_for_news("CHANGING NOW")
        shown = talk.wait_for_news("Keep it, or put", seconds=90)
        assert "8/8 Verify" in shown and "PROVEN" in shown and "NOT PROVEN" not in shown, shown
        assert "refused" in shown and "put back by itself in 1" in shown, shown
        talk.answer("Keep it, or put", "not yet")
        talk.wait_for_news("put back by itself in 1")
        talk.answer("Keep it, or put", "put back")
        assert talk.exit_code(60) == 6, talk.text
        assert PASSPHRASE.encode() not in talk.bytes
        assert form == "inquire" or b"\x1b" not in talk.bytes
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
@each_form
def test_what_is_saved_gives_the_same_plan(manager: Manager, tool: Tool, binary: Path, form: str) -> None:
    with LocalTalk(manager, binary, form) as talk:
        to_files(talk)
        talk.answer("Show which file?", "save")
        talk.answer("Save as", "/mnt/saved.yaml")
        talk.wait_for_news("saved; later: nim-tls apply --answers /mnt/saved.yaml")
        talk.answer("Show which file?", "next")
        talk.answer("Change this host now?", "yes")
        talk.wait_for_news("Keep it, or put", seconds=90)
        talk.answer("Keep it, or put", "keep")
        assert talk.exit_code() == 0
    run = manager.run("sh", "-c", "ls -d /var/lib/nim-tls/runs/2*").stdout.split()[0]
    carried_out = json.loads(manager.run("cat", f"{run}/plan.json").stdout)
    tool.rollback().must(0, "rolled-back")
    planned = tool.run("plan", "--answers", "/mnt/saved.yaml", "--format", "json").document
    # As `hash` is defined: of the plan as it is written down, without a blank between.
    written = json.dumps(carried_out, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(written.encode()).hexdigest() == planned["hash"]


@newer_build_and([PLAIN])
def test_apply_asks_on_a_dumb_terminal_without_an_esc_byte(manager: Manager, binary: Path) -> None:
    manager.write(ANSWERS_FILE, answers().replace("keep: plaintext", "keep: encrypted"))
    command = ("apply", "--answers", ANSWERS_FILE)
    with LocalTalk(manager, binary, "lines", *command) as talk:
        talk.answer("Do this now?", "perhaps")
        talk.wait_for_news("say yes or no")
        talk.answer("Do this now?")
        talk.wait_for_news("nothing was changed")
        assert talk.exit_code() == 0
    with LocalTalk(manager, binary, "lines", *command) as talk:
        talk.answer("Do this now?", "yes")
        talk.answer("Passphrase for the key", PASSPHRASE)
        talk.answer("The same again", PASSPHRASE)
        talk.wait_for_news("applied, and proven", seconds=90)
        assert talk.exit_code() == 0
        assert b"\x1b" not in talk.bytes and PASSPHRASE.encode() not in talk.bytes


@newer_build_and([PLAIN])
@each_form
def test_who_leaves_at_the_passphrase_of_apply_changes_nothing(manager: Manager, binary: Path, form: str) -> None:
    manager.write(ANSWERS_FILE, answers().replace("keep: plaintext", "keep: encrypted"))
    before = snapshot.take(manager)
    with LocalTalk(manager, binary, form, "apply", "--answers", ANSWERS_FILE) as talk:
        talk.answer("Do this now?", "yes")
        talk.wait_for_news("Passphrase for the key")
        talk.type("\x03")
        assert talk.exit_code() == 130, talk.text
        assert "nothing was changed" in talk.text
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
@each_form
def test_certificates_can_be_made_first_and_enforced_later(
    manager: Manager, tool: Tool, binary: Path, form: str
) -> None:
    def outside_the_state() -> list[str]:
        return manager.run("sh", "-c", "find /etc -type f -exec sha256sum {} + | sort").stdout.splitlines()

    before = outside_the_state()
    with LocalTalk(manager, binary, form) as talk:
        to_files(talk)
        talk.answer("Show which file?", "next")
        talk.answer("Change this host now?", "hand out")
        shown = talk.wait_for_news("Keep it, or put", seconds=60)
        assert "no service was touched" in shown and "NOT PROVEN" not in shown, shown
        talk.answer("Keep it, or put", "keep")
        assert talk.exit_code() == 0
    assert outside_the_state() == before
    assert manager.path("/var/lib/nim-tls/issued/web-1.example.com/agent.crt").is_file()


@newer_build_and([PLAIN])
def test_wrong_answers_are_refused_in_words_and_asked_again(manager: Manager, binary: Path) -> None:
    before = snapshot.take(manager)
    with LocalTalk(manager, binary, "lines") as talk:
        talk.answer("What next?", "onwards")
        talk.wait_for_news("Say one of: next")
        talk.answer("What next?", "?")
        talk.wait_for_news("save writes the answers")
        talk.answer("What next?", "back")
        talk.wait_for_news("This is the first step")
        talk.answer("What next?")
        talk.answer("What next?", "again")
        talk.answer("What next?")
        talk.answer("How should traffic", "grpc-health-checks")
        talk.wait_for_news("N/A: ")
        talk.answer("How should traffic", "client-mtls")
        talk.answer("Name of the manager", "not a name!")
        talk.wait_for_news("That will not do")
        talk.answer("Name of the manager", "\x1b[31mred")
        talk.wait_for_news("That will not do")
        talk.answer("Name of the manager", "nim.example.com")
        talk.answer("Further names", "back")
        talk.answer("Name of the manager")
        talk.answer("Further names", "none")
        talk.answer("Agents", "web_1!")
        talk.wait_for_news("That will not do")
        talk.answer("Agents", "web-1.example.com")
        for label in ("Certificates of agents", "Send browsers", "What becomes of", "Certificate of the manager", "Kind of keys", "Put the root"):
            talk.answer(label)
        talk.answer("Passphrase for the key", PASSPHRASE)
        talk.answer("The same again", "something else")
        talk.wait_for_news("The two passphrases differ")
        talk.answer("Passphrase for the key", PASSPHRASE)
        talk.answer("The same again", PASSPHRASE)
        talk.answer("Show which file?", "99")
        talk.wait_for_news("There is no such file")
        talk.answer("Show which file?", "next")
        talk.answer("Change this host now?", "y")
        talk.wait_for_news("Say one of: yes, hand out, no")
        talk.answer("Change this host now?")
        talk.answer("Show which file?", "quit")
        talk.answer("Leave, and forget", "yes")
        talk.wait_for_news("nothing was changed")
        assert talk.exit_code() == 0
        assert b"\x1b" not in talk.bytes and PASSPHRASE.encode() not in talk.bytes
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
@each_form
def test_ctrl_c_and_signals_before_the_work(manager: Manager, binary: Path, form: str) -> None:
    before = snapshot.take(manager)
    for key, code in (("\x03", 130), *((("\x04", 129),) if form == "lines" else ())):
        with LocalTalk(manager, binary, form) as talk:
            talk.wait_for_news("What next?")
            talk.settle()
            talk.type(key)
            talk.wait_for_news("nothing was changed")
            assert talk.exit_code() == code
    for signal, code in (("TERM", 143), ("HUP", 129), ("INT", 130)):
        with LocalTalk(manager, binary, form) as talk:
            talk.wait_for_news("What next?")
            manager.run("pkill", f"-{signal}", "-x", "nim-tls")
            talk.wait_for_news("nothing was changed")
            assert talk.exit_code() == code
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
@each_form
def test_ctrl_c_at_the_passphrase_shows_what_is_typed_again(manager: Manager, binary: Path, form: str) -> None:
    command = f"{binary} --plain; echo code $?; stty -a"
    terminal = {"TERM": "xterm", **FORMS[form][1]}
    with LocalTalk(manager, Path("/bin/sh"), "shell", "-c", command, **terminal) as talk:
        to_passphrase(talk)
        talk.wait_for_news("Passphrase for the key")
        talk.settle()
        talk.type("\x03")
        shown = talk.wait_for_news("echonl")
        talk.settle()
        assert "code 130" in shown and "nothing was changed" in shown, shown
        words = talk.bytes.split(b"code 130")[1].split()
        assert b"echo" in words and b"icanon" in words and b"-echonl" in words, words


@newer_build_and([PLAIN])
@each_form
@pytest.mark.parametrize("leave", ["hang up", "\x03"])
def test_who_leaves_during_the_work_stops_nothing(
    manager: Manager, tool: Tool, binary: Path, form: str, leave: str
) -> None:
    with LocalTalk(manager, binary, form) as talk:
        to_files(talk)
        talk.answer("Show which file?", "next")
        talk.answer("Change this host now?", "yes")
        talk.wait_for_news("CHANGING NOW")
        talk.settle(1)
        if leave == "hang up":
            talk.hang_up()
        else:
            talk.type(leave)
            talk.wait_for_news("goes on in its own process")
            assert "nim-tls watch 2" in talk.text
            assert talk.exit_code() == 130
    tool.keep()
    watched = tool.run("watch", timeout=90)
    assert watched.code == 0, watched
    assert tool.run("verify").code == 0


@newer_build_and([PLAIN])
def test_no_colour_where_that_is_asked_for(manager: Manager, binary: Path) -> None:
    for argv, more in (((), {"NO_COLOR": "1"}), (("--color", "never"), {})):
        with LocalTalk(manager, binary, "inquire", *argv, **more) as talk:
            to_names(talk)
            styles = re.findall(rb"\x1b\[([0-9;]*)m", talk.bytes)
            numbers = {int(number) for style in styles for number in style.split(b";") if number}
            assert not numbers & {*range(30, 39), *range(40, 49), *range(90, 108)}, numbers
