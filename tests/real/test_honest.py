"""What is said is so: differences that stay, what was not tried, and words that fit a terminal."""

import re
import time

import pytest
from conftest import BUILDS
from nim_tree import NMS_HTTP, PLAIN
from tool import ANSWERS_FILE, CA_INTERMEDIATE_KEY, STATE, Tool, answers, issued


@pytest.fixture
def nginx():  # noqa: ANN201
    """None of this depends on the version."""
    return BUILDS[0]


@pytest.fixture
def shape():  # noqa: ANN201
    return PLAIN


def fits(text: str) -> None:
    """Within 80 columns, but for lines of differences, commands, and what is one word."""
    for line in text.splitlines():
        spared = line.startswith(("+", "-", "@", " ", "---")) and not line.startswith("  ")
        command = re.match(r"\s*(do: |nim-tls |scp )", line)
        assert len(line) <= 80 or spared or command or " " not in line.strip(), line


def with_answers(tool: Tool, text: str, *argv: str):  # noqa: ANN201
    tool.manager.write(ANSWERS_FILE, text)
    return tool.run(*argv, "--answers", ANSWERS_FILE)


def test_after_an_apply(tool: Tool) -> None:
    """One apply, and everything that may be said after it."""
    applied = with_answers(tool, answers(), "apply", "--yes")
    assert applied.code == 0, applied
    assert "Steps, in this order:" in applied.err, applied
    for words in ("nim-tls certs hand-out web-1.example.com", "nim-tls verify", "nim-tls rollback 2"):
        assert words in applied.out, applied
    # The table of the proof is there once.
    assert (applied.out + applied.err).count("another CA") == 2, applied
    fits(applied.out + applied.err)

    again = tool.apply(answers()).must(0, "unchanged")
    assert again["notes"] == [], again
    for changed, words in (
        (answers().replace("plaintext", "discard"), "NOT encrypted"),
        (answers(agents=("web-1.example.com",)), "not listed (db-1.example.com)"),
        (answers() + "options: {trust_store: false}\n", "nim-tls-root.crt"),
        (answers().replace("[10.0.0.5, nim]", "[nim]"), "10.0.0.5"),
        (answers() + "  days: {agent: 30}\n", "certificates.days.agent"),
    ):
        document = tool.apply(changed).must(0, "unchanged")
        assert any(words in note for note in document["notes"]), (words, document)
        text = with_answers(tool, changed, "apply", "--yes")
        said = " ".join(text.out.split())
        assert words in said and "as the answers want it" not in said, text
        fits(text.out)

    less = tool.apply(answers("ssl-termination"))
    assert less.code == 1 and "client-mtls is in force" in less.err, less
    assert "do: nim-tls rollback" in less.err, less
    for command in (["check"], ["methods"], ["history"], ["watch"]):
        fits(tool.run(*command).out)

    verified = tool.run("verify")
    assert verified.code == 0 and "the proof holds, as seen from this host" in verified.out, verified
    assert verified.err == "", verified
    fits(verified.out)

    tool.manager.run("rm", CA_INTERMEDIATE_KEY, *(issued(agent, "agent.key") for agent in ("web-1.example.com", "db-1.example.com")))
    verified = tool.run("verify")
    assert verified.code == 0 and "as far as it could be tried: 4 not tried" in verified.out.replace("\n", " "), verified
    document = tool.run("verify", "--format", "json").document
    assert document["holds"] and not document["complete"] and len(document["not_tried"]) == 4, document


@pytest.mark.parametrize(
    ("spoil", "says", "remedy"),
    [
        ("mount --bind /etc /etc && mount -o remount,bind,ro /etc", "read-only", "mount -o remount,rw"),
        (f"ln {NMS_HTTP} /mnt/second", "hard links", f"cp -a {NMS_HTTP}"),
        (f"mkdir -p {STATE} && chmod 0777 {STATE}", "everybody may replace files", "chmod o-w"),
        (f"mkdir -p {STATE} && chown 1234 {STATE}", "belongs to user 1234", "chown root"),
    ],
    ids=["read-only", "hard-link", "open-state", "state-of-another"],
)
def test_check_fails_where_apply_refuses(tool: Tool, spoil: str, says: str, remedy: str) -> None:
    tool.manager.run("ln", NMS_HTTP, "/etc/nginx/second") if "second" in spoil else tool.manager.run("sh", "-c", spoil)
    for done in (tool.run("check"), with_answers(tool, answers(), "apply", "--yes")):
        assert done.code == 1, done
        said = " ".join((done.out + done.err).split())
        assert says in said and f"do: {remedy}" in said, done


def test_a_fifo_is_named_at_once(tool: Tool) -> None:
    tool.manager.run("sh", "-c", f"rm {NMS_HTTP} && mkfifo {NMS_HTTP}")
    began = time.monotonic()
    for done in (tool.run("check"), with_answers(tool, answers(), "apply", "--yes")):
        assert done.code == 1 and f"{NMS_HTTP} is a FIFO" in " ".join((done.out + done.err).split()), done
    assert time.monotonic() - began < 10


def test_a_plan_refuses_a_passphrase_file_as_apply_does(tool: Tool) -> None:
    text = answers().replace("{keep: plaintext}", "{keep: encrypted, passphrase_file: /mnt/pass}")
    for command in (["plan"], ["apply", "--yes"]):
        done = with_answers(tool, text, *command)
        assert done.code == 2 and "/mnt/pass" in done.err and "do: (umask 077" in done.err, done
    tool.manager.run("mkfifo", "/mnt/pass")
    done = with_answers(tool, text, "plan")
    assert done.code == 2 and "is a FIFO" in done.err, done


def test_a_name_that_leads_elsewhere(tool: Tool) -> None:
    tool.manager.write("/etc/hosts", tool.manager.read("/etc/hosts") + "192.0.2.9 other.example.com\n")
    text = answers().replace("nim.example.com", "other.example.com")
    for command in ("plan", "check"):
        done = with_answers(tool, text, command)
        assert "192.0.2.9" in done.out, done


def test_no_terminal_and_no_yes_gives_the_command(tool: Tool) -> None:
    done = with_answers(tool, answers(), "apply")
    assert done.code == 2 and f"do: nim-tls apply --answers {ANSWERS_FILE} --yes" in done.err, done


def at_a_terminal(tool: Tool, typed: str, *argv: str) -> str:
    """What a terminal of 80 columns shows of a command whose question is answered by `typed`."""
    command = f"stty columns 80; exec {tool.binary} {' '.join(argv)}"
    shown = tool.manager.run(
        "sh", "-c", f"(sleep 3; printf '{typed}\\r'; sleep 2) | TERM=xterm script -qec '{command}' /dev/null", check=False
    ).stdout
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).replace("\r", "")


def test_every_line_is_shown_before_the_question(tool: Tool) -> None:
    tool.manager.write(ANSWERS_FILE, answers())
    shown = at_a_terminal(tool, "n", "apply", "--answers", ANSWERS_FILE)
    question = shown.index("Do this now?")
    for words in (
        "+    ssl_verify_client      optional;",
        "+        auth_request /nim-tls/agent-certificate;",
        "why line",
        "Steps, in this order:",
    ):
        assert words in shown[:question], (words, shown)
    assert shown.index("+    ssl_verify_client") < shown.index("Steps, in this order:")
    assert "nothing was changed" in shown, shown


def test_a_wrong_passphrase_names_its_file(tool: Tool) -> None:
    text = answers().replace("{keep: plaintext}", "{keep: encrypted, passphrase_file: /mnt/pass}")
    tool.manager.write("/mnt/pass", "the right one\n", 0o600)
    tool.apply(text).must(0, "applied")
    tool.manager.write("/mnt/pass", "the wrong one\n", 0o600)
    more = text.replace("db-1.example.com", "db-1.example.com, db-2.example.com")
    for command in (["plan"], ["apply", "--yes"]):
        done = with_answers(tool, more, *command)
        assert done.code == 2 and "passphrase in /mnt/pass does not open" in done.err, done
        assert "do: (umask 077" in done.err, done
    assert tool.run("history").out.count("apply") == 1
    tool.manager.write(CA_INTERMEDIATE_KEY, "garbage\n", 0o600)
    done = with_answers(tool, more, "plan")
    assert done.code == 1 and "intermediate.key" in done.err and "do: nim-tls rollback" in done.err, done


def test_a_state_folder_behind_a_link_is_refused_with_its_target(tool: Tool) -> None:
    tool.manager.run("sh", "-c", "mkdir /mnt/real && ln -s /mnt/real /mnt/link")
    done = with_answers(tool, answers(), "apply", "--yes", "--state-dir", "/mnt/link")
    assert done.code == 1 and "--state-dir /mnt/real" in done.err, done
