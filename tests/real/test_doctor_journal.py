"""What the doctor takes from the journal of systemd: the words that a program has written nowhere else, once, and what
systemd says of its end.

journalctl and systemctl are stand-ins (journal.py); nginx and its logs are real. What makes these tests red: in
src/doctor/journal.rs, a line that is read twice or not at all, or a refusal that is taken for silence; in
src/doctor/own_log.rs, a line that is told by the log and by the journal.
"""

import os
import time

import pytest
from conftest import newer_build_and
from instance import end_agent, with_agent
from journal import asked, says, with_journal
from manager import Manager
from nim_tree import PLAIN
from test_doctor import AGENT_LOG, LOG, examined
from third import ago, nginx_says
from tool import Tool

NGINX, AGENT = "journal of nginx.service", "journal of nginx-agent.service"
TAKEN = "bind() to 0.0.0.0:443 failed (98: Address already in use)"
EXITED = "nginx.service: Main process exited, code=exited, status=1/FAILURE"


def distrusts(seconds: float) -> str:
    return (
        f'time="{ago(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}" level=error msg="Unable to create command channel: rpc error: '
        'code = Unavailable desc = connection error: desc = \\"transport: authentication handshake failed: tls: failed to '
        'verify certificate: x509: certificate signed by unknown authority\\""'
    )


@newer_build_and([PLAIN])
def test_what_nginx_has_said_to_the_journal_alone_is_found_with_its_end(make_manager, nginx, shape, binary) -> None:  # noqa: ANN001
    manager = make_manager(nginx, shape)
    tool = Tool(manager, binary)
    with_journal(manager, tool, "nginx")
    says(manager, "nginx", "nginx: [emerg] still could not bind()", ago=10 * 86400)
    says(manager, "nginx", f"nginx: [emerg] {TAKEN}", ago=120)
    says(manager, "nginx", EXITED, ago=119, pid=1)
    done = tool.run("doctor", "--format", "json")
    first, *others = done.document["findings"]
    assert done.code == 1 and first["cause"] == "port-taken" and first["count"] == 1, done
    (seen,) = first["evidence"]
    assert seen["file"] == NGINX and seen["line"] is None, seen
    assert seen["text"].endswith(f"Z nginx[812]: nginx: [emerg] {TAKEN}"), seen
    (resting,) = [each for each in others if each["id"] == "nginx-not-running"]
    (seen,) = resting["evidence"]
    assert seen["file"] == NGINX and seen["text"].endswith(f"systemd[1]: {EXITED}"), seen
    assert resting["cause"] == "port-closed" and resting["last"], resting
    assert not any(each["id"] == "nginx-service-failed" for each in others), others
    _, sources = examined(tool, code=1)
    assert sources[NGINX]["read"] and sources[NGINX]["why"].startswith("2 lines"), sources[NGINX]
    text = tool.run("doctor").out
    assert f"> {NGINX}: " in text, text


@newer_build_and([PLAIN])
def test_what_stands_in_the_log_of_nginx_too_counts_once(manager: Manager, tool: Tool) -> None:
    """At its start nginx writes the same to its log and to standard error. What comes later is in the journal alone."""
    with_journal(manager, tool, "nginx")
    manager.write(LOG, nginx_says(ago(seconds=120), "emerg", TAKEN) + "\n")
    last = time.time() - 119.9
    os.utime(manager.path(LOG), (last, last))
    # It has loaded its files since then: a note, and the count is the same.
    for seconds in (400, 120, 119.5):
        says(manager, "nginx", f"nginx: [emerg] {TAKEN}", ago=seconds)
    found, _ = examined(tool)
    (taken,) = [each for each in found.values() if each["cause"] == "port-taken"]
    assert taken["count"] == 1 and [seen["file"] for seen in taken["evidence"]] == [LOG], taken
    says(manager, "nginx", f"nginx: [emerg] {TAKEN}", ago=30)
    found, sources = examined(tool)
    (taken,) = [each for each in found.values() if each["cause"] == "port-taken"]
    assert taken["count"] == 2 and [seen["file"] for seen in taken["evidence"]] == [LOG, NGINX], taken
    assert "own log" in sources[NGINX]["why"], sources[NGINX]


@newer_build_and([PLAIN])
def test_past_ends_of_a_service_that_runs_are_no_finding(manager: Manager, tool: Tool) -> None:
    with_journal(manager, tool, "nginx")
    manager.write("/mnt/nginx.pid", manager.read("/run/nginx.pid"))
    before, _ = examined(tool)
    says(manager, "nginx", EXITED, ago=0, pid=1)
    after, sources = examined(tool)
    assert sources[NGINX]["read"] and set(after) == set(before), after


@newer_build_and([PLAIN])
def test_the_journal_of_the_agent_is_read_where_its_log_ends(manager: Manager, tool: Tool) -> None:
    with_agent(manager, tool)
    end_agent(manager)
    with_journal(manager, tool)
    manager.run("rm", "-rf", "/var/log/nginx-agent")
    lines = [distrusts(seconds) for seconds in (300, 200, 100)]
    for line, seconds in zip(lines, (300, 200, 100), strict=True):
        says(manager, "nginx-agent", line, ago=seconds)

    def told() -> tuple[int, set[str]]:
        found, _ = examined(tool, code=1)
        seen = found["agent-distrusts-manager"]
        return seen["count"], {line["file"] for line in seen["evidence"]}

    assert told() == (3, {AGENT})
    # In its log all of them, or the first two and then the disk was full.
    for number, expected in ((3, (3, {AGENT_LOG})), (2, (3, {AGENT_LOG, AGENT}))):
        manager.write(AGENT_LOG, "".join(line + "\n" for line in lines[:number]), 0o600)
        written = time.time() - (300, 200, 100)[number - 1]
        os.utime(manager.path(AGENT_LOG), (written, written))
        assert told() == expected
    # Nobody asks for what is older than what was asked for.
    manager.run("rm", AGENT_LOG)
    manager.run("rm", "-f", "/mnt/journal.asked")
    found, _ = examined(tool, "--since", "150s", code=1)
    assert found["agent-distrusts-manager"]["count"] == 1
    (words,) = [words for words in asked(manager) if f"--unit={AGENT.split()[-1]}" in words]
    (since,) = [int(word.partition("@")[2]) for word in words if word.startswith("--since=@")]
    assert abs(time.time() - 150 - since) < 10, words


@newer_build_and([PLAIN])
def test_a_long_journal_is_read_in_pieces_and_words_of_clients_are_none_of_nginx(manager: Manager, tool: Tool) -> None:
    """An access log that goes to standard output is in the journal: the same words mean the same as in a file."""
    with_journal(manager, tool, "nginx")
    manager.write("/mnt/nginx.pid", manager.read("/run/nginx.pid"))
    manager.path(LOG).unlink()
    before, _ = examined(tool)
    says(manager, "nginx", "nginx: [emerg] " + TAKEN, ago=4000)
    forged = f'10.0.0.66 - - [{ago(minutes=50):%d/%b/%Y:%H:%M:%S +0000}] "GET /nginx:[emerg]{TAKEN} HTTP/1.1" 404 1'
    entries = manager.path("/mnt/journal.entries")
    for number in range(1200):
        says(manager, "nginx", forged if number == 3 else f"line {number}", ago=3000 - number)
    assert len(entries.read_text().splitlines()) == 1201
    found, sources = examined(tool)
    assert sources[NGINX]["why"].startswith("1201 lines"), sources[NGINX]
    assert len([words for words in asked(manager) if "--reverse" in words and any("after-cursor" in word for word in words)]) == 2
    # It runs, and has loaded its files since: what it refused is over.
    (taken,) = [each for name, each in found.items() if name not in before]
    assert (taken["cause"], taken["severity"], taken["count"]) == ("port-taken", "info", 1), taken


@newer_build_and([PLAIN])
def test_who_may_not_read_the_journal_is_told(manager: Manager, tool: Tool) -> None:
    with_journal(manager, tool, "nginx")
    _, sources = examined(tool, before=("setpriv", "--reuid", "65534", "--clear-groups"))
    assert not sources[NGINX]["read"] and "systemd-journal" in sources[NGINX]["why"], sources


@newer_build_and([PLAIN])
@pytest.mark.parametrize("option", ["--root", "without systemd"])
def test_nobody_is_asked_where_no_journal_is_meant(manager: Manager, tool: Tool, option: str) -> None:
    with_journal(manager, tool, "nginx")
    says(manager, "nginx", f"nginx: [emerg] {TAKEN}")
    if option == "--root":
        found, sources = examined(tool, "--root", "/", code=0)
    else:
        manager.run("rm", "-rf", "/run/systemd/system")
        found, sources = examined(tool, code=0)
    assert asked(manager) == [] and not any(path.startswith("journal of") for path in sources), sources
    assert not any(each["cause"] == "port-taken" for each in found.values())


@newer_build_and([PLAIN])
def test_a_bundle_has_the_end_of_the_journal(manager: Manager, tool: Tool) -> None:
    with_journal(manager, tool, "nginx")
    says(manager, "nginx", "a line of the journal with token=hunter2hunter2")
    done = tool.run("doctor", "--bundle", "/mnt/all.tar.gz", "--format", "json")
    names = [member["name"] for member in done.document["bundle"]["members"]]
    assert "nim-tls-support/logs/journal_of_nginx.service" in names, names
    text = manager.run("tar", "-xzOf", "/mnt/all.tar.gz", "--wildcards", "*journal_of_nginx.service").stdout
    assert "a line of the journal" in text and "hunter2" not in text, text
