"""Certificates that an authority elsewhere signs: requests are written, what was signed is brought back, the plan goes on.

`openssl` plays that authority: it reads the requests, and signs what they ask for.

What makes them red: in src/plan/requests.rs, a certificate that is taken without looking whether its key, its names,
its use or its issuer are right; a key that is written where the answer to the one before is still awaited.
"""

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path

import certs
import pytest
import snapshot
from conftest import each_build_and, newer_build_and
from manager import NAME, Manager
from nim1 import Nim1, nim1_answers, nim1_tool
from nim_tree import PLAIN
from test_gate import with_issued
from test_import_ca import NOT_LISTED, Corporate, carried, corporate, let_in, refused_everywhere, row, strangers
from tool import AGENTS, ALT_NAMES, SERVER_CERT, SERVER_KEY, STATE, Done, Tool, answers, issued

pytestmark = pytest.mark.alternating

REQUESTS = f"{STATE}/requests"
AUTHORITY = f"{REQUESTS}/ca.pem"
OF_SERVER = f"{REQUESTS}/server"
BOTH = "certificates:\n  server: {source: csr}\n  clients: {source: csr}\n"
NO_AUTHORITY = "  ca_key: {keep: plaintext}\n"


def of_agent(agent: str) -> str:
    return f"{REQUESTS}/agents/{agent}"


def csr_answers(text: str = "", sources: str = BOTH) -> str:
    """With an authority of its own only where these say so."""
    return (text or answers()).replace("certificates:\n" + NO_AUTHORITY, sources)


def sign(manager: Manager, ca: Corporate, stem: str, *extensions: str, copied: bool = True, days: int = 300) -> str:
    """What the authority makes of a request: what it asks for, and the authorities below the root after it."""
    request = manager.path(f"{stem}.csr")
    argv = ["x509", "-req", "-in", str(request), "-CA", str(ca.issuing.cert), "-CAkey", str(ca.issuing.key), "-days", str(days)]
    if copied:
        argv += ["-copy_extensions", "copyall"]
    if extensions:
        extra = ca.folder / "more.ext"
        extra.write_text("\n".join(extensions) + "\n")
        argv += ["-extfile", str(extra)]
    return certs.openssl(*argv) + ca.between()


def bring(manager: Manager, ca: Corporate, stems: Iterable[str]) -> None:
    for stem in stems:
        manager.write(f"{stem}.crt", sign(manager, ca, stem))


def awaited(done: Done, outcome: str) -> str:
    notes = " ".join(done.must(0, outcome)["notes"])
    assert "awaited" in notes, notes
    return notes


def request_text(manager: Manager, stem: str) -> str:
    return certs.openssl("req", "-in", str(manager.path(f"{stem}.csr")), "-noout", "-text", "-verify", "-nameopt", "RFC2253")


def without_requests(manager: Manager, tool: Tool, before: snapshot.Snapshot) -> list[str]:
    """What was brought is not ours to take away, nor the folders that it lies in: both are named."""
    done = tool.rollback().must(4, "incomplete")
    assert done["left"] == [REQUESTS, f"{REQUESTS}/agents"], done
    left = snapshot.differences(before, snapshot.take(manager))
    assert not [line for line in left if line.endswith((".key", ".csr"))], left
    return [line for line in left if REQUESTS not in line and not line.endswith(STATE)]


@each_build_and([PLAIN])
def test_requests_are_signed_elsewhere_and_the_plan_goes_on(manager: Manager, tool: Tool) -> None:
    before = snapshot.take(manager)
    text = csr_answers()
    first = tool.apply(text)
    said = awaited(first, "applied")
    for stem in (OF_SERVER, *map(of_agent, AGENTS)):
        assert f"{stem}.csr" in said or "NAME.csr" in said, said
        key = manager.path(f"{stem}.key")
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.read_text().splitlines()[1] not in first.out + first.err
    assert AUTHORITY in said, said
    # Nothing but that: neither nginx nor its certificates have changed.
    outside = [line for line in snapshot.differences(before, snapshot.take(manager)) if STATE not in line]
    assert outside == []

    asked = request_text(manager, OF_SERVER)
    assert f"CN={NAME}" in asked and f"DNS:{NAME}, " in asked and "TLS Web Server Authentication" in asked
    assert all(name in asked for name in ALT_NAMES)
    asked = request_text(manager, of_agent(AGENTS[0]))
    assert f"CN={AGENTS[0]}" in asked and "TLS Web Client Authentication" in asked

    requests = {path: manager.read(path) for path in (f"{OF_SERVER}.csr", f"{of_agent(AGENTS[1])}.csr")}
    awaited(tool.apply(text), "unchanged")
    ca = corporate(manager)
    bring(manager, ca, [OF_SERVER, of_agent(AGENTS[0])])
    manager.write(AUTHORITY, ca.chain())
    said = awaited(tool.apply(text), "unchanged")
    assert AGENTS[1] in said and AGENTS[0] not in said and "server" not in said, said
    assert requests == {path: manager.read(path) for path in requests}
    assert tool.run("verify").code == 1

    bring(manager, ca, [of_agent(AGENTS[1])])
    waiting = snapshot.take(manager)
    done = tool.apply(text).must(0, "applied")
    assert row(done, "agent, our certificate")["ok"] is True, done["proof"]
    assert row(done, NOT_LISTED)["ok"] is None and "key" in row(done, NOT_LISTED)["why"]
    assert all(each["ok"] is not False for each in done["proof"]), done["proof"]
    # The keys have gone where they are used, and lie nowhere else.
    for stem in (OF_SERVER, *map(of_agent, AGENTS)):
        assert not manager.path(f"{stem}.key").exists()
    assert manager.path(SERVER_KEY).stat().st_mode & 0o777 == 0o600
    root = manager.carry(ca.above[-1].cert)
    for agent in AGENTS:
        assert manager.path(issued(agent, "agent.key")).stat().st_mode & 0o777 == 0o600
        assert manager.read(issued(agent, "agent.crt")) == manager.read(f"{of_agent(agent)}.crt")
    assert manager.run("curl", "-sS", "--cacert", root, "-o", "/dev/null", "-w", "%{http_code}", f"https://{NAME}/ui/").stdout

    let_in(manager, map(with_issued, AGENTS))
    usual = dataclasses.replace(with_issued(AGENTS[0]), client="h2")
    refused_everywhere(manager, strangers(manager, ca, usual, (SERVER_CERT, SERVER_KEY)))
    tool.apply(text).must(0, "unchanged")
    assert tool.run("verify").code == 0
    tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(waiting, snapshot.take(manager)) == []
    assert without_requests(manager, tool, before) == []


WRONG = {
    "another key": lambda manager, ca: certs.issue(ca.folder, ca.issuing, NAME, "serverAuth").cert.read_text() + ca.between(),
    "another name": lambda manager, ca: sign(manager, ca, OF_SERVER, "subjectAltName=DNS:other.example.com", copied=False),
    "for clients": lambda manager, ca: sign(
        manager, ca, OF_SERVER, f"subjectAltName=DNS:{NAME}", "extendedKeyUsage=clientAuth", copied=False
    ),
    "no certificate": lambda manager, ca: "signed, see attachment\n",
    "the request": lambda manager, ca: manager.read(f"{OF_SERVER}.csr"),
}  # fmt: skip


@newer_build_and([PLAIN])
@pytest.mark.parametrize("what", WRONG)
def test_what_comes_back_for_the_server_is_looked_at(manager: Manager, tool: Tool, what: str) -> None:
    text = csr_answers(sources="certificates:\n  server: {source: csr}\n" + NO_AUTHORITY)
    awaited(tool.apply(text), "applied")
    ca = corporate(manager)
    manager.write(f"{OF_SERVER}.crt", WRONG[what](manager, ca))
    before = snapshot.take(manager)
    done = tool.apply()
    assert done.code == 1 and f"{OF_SERVER}.crt" in done.err, done
    assert snapshot.differences(before, snapshot.take(manager)) == []
    bring(manager, ca, [OF_SERVER])
    done = tool.apply().must(0, "applied")
    assert all(each["ok"] is not False for each in done["proof"]), done["proof"]
    let_in(manager, [dataclasses.replace(with_issued(AGENTS[0]), ca=manager.carry(ca.above[-1].cert))])


def by_another(manager: Manager, ca: Corporate) -> str:
    other = dataclasses.replace(ca, issuing=certs.authority(ca.folder, "other"), above=())
    return sign(manager, other, of_agent(AGENTS[0]))


@newer_build_and([PLAIN])
def test_what_comes_back_for_an_agent_is_looked_at(manager: Manager, tool: Tool) -> None:
    text = csr_answers(sources="certificates:\n  clients: {source: csr}\n" + NO_AUTHORITY)
    stem = of_agent(AGENTS[0])
    awaited(tool.apply(text), "applied")
    ca = corporate(manager, levels=1)
    manager.write(AUTHORITY, ca.chain())
    bring(manager, ca, map(of_agent, AGENTS))
    for wrong in (
        by_another(manager, ca),
        sign(manager, ca, stem, "extendedKeyUsage=serverAuth", copied=False),
        manager.read(f"{of_agent(AGENTS[1])}.crt"),
        manager.read(f"{stem}.csr"),
    ):
        manager.write(f"{stem}.crt", wrong)
        done = tool.apply()
        assert done.code == 1 and f"{stem}.crt" in done.err, done
    manager.write(f"{stem}.crt", sign(manager, ca, stem))
    done = tool.apply().must(0, "applied")
    assert row(done, "agent, our certificate")["ok"] is True, done["proof"]
    let_in(manager, map(with_issued, AGENTS))


@each_build_and([PLAIN])
def test_a_certificate_that_ends_soon_is_asked_for_anew_and_stays_meanwhile(manager: Manager, tool: Tool) -> None:
    text = csr_answers()
    awaited(tool.apply(text), "applied")
    ca = corporate(manager, levels=1)
    manager.write(AUTHORITY, ca.chain())
    bring(manager, ca, [OF_SERVER, *map(of_agent, AGENTS)])
    tool.apply(text).must(0, "applied")
    old = manager.read(SERVER_CERT), manager.read(issued(AGENTS[0], "agent.crt"))

    done = tool.run("certs", "renew", "--within", "400", "--yes", "--format", "json")
    said = awaited(done, "applied")
    assert "server" in said and AGENTS[0] in said, said
    assert old == (manager.read(SERVER_CERT), manager.read(issued(AGENTS[0], "agent.crt")))
    assert tool.run("verify").code == 0
    awaited(tool.run("certs", "renew", "--within", "400", "--yes", "--format", "json"), "unchanged")
    # An agent that goes is refused at once, whatever is awaited.
    gone, stays = AGENTS
    few = text.replace(f"{gone}, ", "")
    tool.apply(few).must(0, "applied")
    let_in(manager, [with_issued(stays)])
    refused_everywhere(manager, [dataclasses.replace(with_issued(gone), client="h2")])
    tool.apply(text).must(0, "applied")

    bring(manager, ca, [OF_SERVER, *map(of_agent, AGENTS)])
    done = tool.apply(text).must(0, "applied")
    assert all(each["ok"] is not False for each in done["proof"]), done["proof"]
    assert old[0] != manager.read(SERVER_CERT) and old[1] != manager.read(issued(AGENTS[0], "agent.crt"))
    let_in(manager, map(with_issued, AGENTS))
    tool.apply(text).must(0, "unchanged")


@newer_build_and([PLAIN])
def test_another_name_is_asked_for_anew_and_where_it_is_not_given_once(manager: Manager, tool: Tool) -> None:
    text = csr_answers()
    awaited(tool.apply(text), "applied")
    more = text.replace("alt_names: [", "alt_names: [more.example.com, ")
    awaited(tool.apply(more), "applied")
    assert "more.example.com" in request_text(manager, OF_SERVER)
    awaited(tool.apply(more), "unchanged")
    ca = corporate(manager, levels=1)
    manager.write(AUTHORITY, ca.chain())
    bring(manager, ca, [OF_SERVER, *map(of_agent, AGENTS)])
    # This authority gives the first name only.
    only = sign(manager, ca, OF_SERVER, f"subjectAltName=DNS:{NAME}", "extendedKeyUsage=serverAuth", copied=False)
    manager.write(f"{OF_SERVER}.crt", only)
    done = tool.apply(more).must(0, "applied")
    assert "more.example.com" in " ".join(done["notes"]), done["notes"]
    done = tool.apply(more).must(0, "unchanged")
    assert "awaited" not in " ".join(done["notes"])


@newer_build_and([PLAIN])
def test_one_more_agent_waits_for_its_certificate_and_role_ca_asks_first(manager: Manager, tool: Tool) -> None:
    text = csr_answers(sources="certificates:\n  clients: {source: csr}\n" + NO_AUTHORITY)
    before = snapshot.take(manager)
    as_authority = text.replace("role: manager", "role: ca")
    awaited(tool.apply(as_authority), "applied")
    ca = corporate(manager)
    manager.write(AUTHORITY, ca.chain())
    bring(manager, ca, map(of_agent, AGENTS))
    done = tool.apply(as_authority).must(0, "applied")
    assert not [line for line in snapshot.differences(before, snapshot.take(manager)) if STATE not in line]
    assert manager.path(issued(AGENTS[0], "agent.key")).exists()
    done = tool.apply(text).must(0, "applied")
    assert row(done, "agent, our certificate")["ok"] is True, done["proof"]

    third = "cache-1.example.com"
    more = text.replace("agents: [", f"agents: [{third}, ")
    said = awaited(tool.apply(more), "applied")
    assert third in said and AGENTS[0] not in said, said
    let_in(manager, map(with_issued, AGENTS))
    usual = dataclasses.replace(with_issued(AGENTS[0]), client="h2")
    refused_everywhere(manager, [carried(manager, ca, f"/CN={third}", usual)])
    bring(manager, ca, [of_agent(third)])
    tool.apply(more).must(0, "applied")
    let_in(manager, map(with_issued, (third, *AGENTS)))
    out = tool.run("certs", "hand-out", third).out
    assert f"issued/{third}" in out, out


@pytest.mark.parametrize("paths", [False, True])
@newer_build_and([PLAIN])
def test_it_is_looked_for_where_the_answers_say(manager: Manager, tool: Tool, paths: bool) -> None:
    if not paths:
        text, at = csr_answers(), REQUESTS
    else:
        at = "/mnt/signed"
        sources = f"server: {{source: csr, cert: {at}/server.crt}}\n  clients: {{source: csr, ca_cert: {at}/ca.pem, certs: {at}/agents}}"
        text = csr_answers(sources=f"certificates:\n  {sources}\n")
        manager.run("mkdir", "-p", f"{at}/agents")
    said = awaited(tool.apply(text), "applied")
    assert f"{at}/server.crt" in said and f"{at}/ca.pem" in said and f"{at}/agents/NAME.crt" in said, said
    ca = corporate(manager, levels=0)
    manager.write(f"{at}/ca.pem", ca.chain())
    manager.write(f"{at}/server.crt", sign(manager, ca, OF_SERVER))
    for agent in AGENTS:
        manager.write(f"{at}/agents/{agent}.crt", sign(manager, ca, of_agent(agent)))
    done = tool.apply(text).must(0, "applied")
    assert all(each["ok"] is not False for each in done["proof"]), done["proof"]


def test_before_manager_1_too(nim1: Nim1, binary: Path) -> None:
    tool = nim1_tool(nim1, binary)
    text = nim1_answers("client-mtls").replace(NO_AUTHORITY, "  server: {source: csr}\n  clients: {source: csr}\n")
    before = snapshot.take(nim1)
    awaited(tool.apply(text), "applied")
    ca = corporate(nim1)
    nim1.write(AUTHORITY, ca.chain())
    bring(nim1, ca, [OF_SERVER, *map(of_agent, AGENTS)])
    done = tool.apply(text).must(0, "applied")
    assert row(done, "agent, our certificate")["ok"] is True, done["proof"]
    assert all(each["ok"] is not False for each in done["proof"]), done["proof"]
    tool.apply(text).must(0, "unchanged")
    tool.rollback().must(0, "rolled-back")
    assert without_requests(nim1, tool, before) == []


def test_answers_that_do_not_go_together_are_refused(nim1: Nim1, binary: Path) -> None:
    tool = nim1_tool(nim1, binary)
    base = nim1_answers("client-mtls")
    for old, new, field in (
        (NO_AUTHORITY, "  server: {source: csr, key: /root/x.key}\n", "certificates.server"),
        (NO_AUTHORITY, NO_AUTHORITY + "  clients: {source: csr, ca_key: /root/x.key}\n", "certificates.clients"),
        (NO_AUTHORITY, NO_AUTHORITY + "  clients: {source: import-ca, ca_cert: /x, certs: /y}\n", "certificates.clients"),
        (NO_AUTHORITY, NO_AUTHORITY + "  clients: {source: csr}\n  days: {agent: 30}\n", "certificates.days.agent"),
        (NO_AUTHORITY, "  server: {source: csr}\n  days: {server: 30}\n", "certificates.days.server"),
    ):
        assert old in base
        done = tool.apply(base.replace(old, new))
        assert done.code == 2 and re.search(rf"\b{re.escape(field)}\b", done.err), done
