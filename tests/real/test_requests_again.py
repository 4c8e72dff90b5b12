"""What comes back from an authority elsewhere is not always what was asked for, and it comes again.

What makes them red: in src/plan/requested.rs, a chain that is not completed, a name that is not looked at, a certificate
for the key that is in use which counts as a stranger's; in src/plan/certificates.rs (`for_agents`), a root that is
forgotten.
"""

import dataclasses

import pytest
import yaml
from certs import openssl
from conftest import newer_build_and
from manager import Manager
from nim1 import Nim1, nim1_answers, nim1_tool
from nim_tree import PLAIN
from test_gate import with_issued
from test_import_ca import Corporate, corporate, let_in, refused_everywhere
from test_requests import (
    AUTHORITY, NO_AUTHORITY, OF_SERVER, awaited, bring, csr_answers, of_agent, request_text, sign,
)  # fmt: skip
from tool import AGENTS, SERVER_CERT, Tool, issued


def alone(chain: str) -> str:
    """The first certificate without its issuers."""
    return chain[: chain.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----\n")]


def in_force(manager: Manager, tool: Tool, text: str) -> Corporate:
    awaited(tool.apply(text), "applied")
    ca = corporate(manager)
    manager.write(AUTHORITY, ca.chain())
    bring(manager, ca, [OF_SERVER, *map(of_agent, AGENTS)])
    done = tool.apply(text).must(0, "applied")
    assert all(each["ok"] is not False for each in done["proof"]), done["proof"]
    return ca


@newer_build_and([PLAIN])
def test_issuers_that_were_left_out_are_added_or_said_and_taken_later(manager: Manager, tool: Tool) -> None:
    text = csr_answers()
    awaited(tool.apply(text), "applied")
    ca = corporate(manager)
    manager.write(AUTHORITY, ca.chain())
    bring(manager, ca, map(of_agent, AGENTS))
    whole = sign(manager, ca, OF_SERVER)
    manager.write(f"{OF_SERVER}.crt", alone(whole))
    tool.apply(text).must(0, "applied")
    assert manager.read(SERVER_CERT) == whole
    assert manager.read(issued(AGENTS[0], "ca.pem")) == ca.above[-1].cert.read_text()
    tool.apply(text).must(0, "unchanged")


@newer_build_and([PLAIN])
def test_where_nobody_knows_the_issuers_it_is_said_and_they_can_be_brought(manager: Manager, tool: Tool) -> None:
    text = csr_answers(sources="certificates:\n  server: {source: csr}\n" + NO_AUTHORITY)
    awaited(tool.apply(text), "applied")
    ca = corporate(manager)
    whole = sign(manager, ca, OF_SERVER)
    manager.write(f"{OF_SERVER}.crt", alone(whole))
    notes = " ".join(tool.apply(text).must(0, "applied")["notes"])
    assert "is not known here: unless it is a root" in notes, notes
    manager.write(f"{OF_SERVER}.crt", whole)
    tool.apply(text).must(0, "applied")
    assert manager.read(SERVER_CERT) == whole
    # Signed again, for the same key.
    again = sign(manager, ca, OF_SERVER, days=800)
    manager.write(f"{OF_SERVER}.crt", again)
    done = tool.apply(text).must(0, "applied")
    assert manager.read(SERVER_CERT) == again and all(each["ok"] is not False for each in done["proof"])
    tool.apply(text).must(0, "unchanged")


@newer_build_and([PLAIN])
def test_a_certificate_with_the_name_of_another_agent_is_refused(manager: Manager, tool: Tool) -> None:
    text = csr_answers()
    awaited(tool.apply(text), "applied")
    ca = corporate(manager)
    manager.write(AUTHORITY, ca.chain())
    bring(manager, ca, [OF_SERVER, *map(of_agent, AGENTS)])
    stem = of_agent(AGENTS[0])
    asked = manager.path(f"{stem}.csr")
    ours = asked.read_text()
    for subject in (f"/CN={AGENTS[1]}", "/O=Lab", f"/CN={AGENTS[0].upper()}"):
        # The authority writes a subject of its own.
        other = openssl(
            "req", "-new", "-key", str(manager.path(f"{stem}.key")), "-subj", subject,
            "-addext", f"subjectAltName=DNS:{AGENTS[0]}", "-addext", "extendedKeyUsage=clientAuth",
        )  # fmt: skip
        asked.write_text(other)
        manager.write(f"{stem}.crt", sign(manager, ca, stem))
        asked.write_text(ours)
        done = tool.apply(text)
        assert done.code == 1 and f"has to be {AGENTS[0]}" in " ".join(done.err.split()), done


@newer_build_and([PLAIN])
def test_further_certificates_keep_the_root_that_verifies_the_manager(manager: Manager, tool: Tool) -> None:
    text = csr_answers()
    ca = in_force(manager, tool, text)
    settings = manager.read(issued(AGENTS[0], "nginx-agent.conf"))
    assert yaml.safe_load(settings)["tls"]["ca"]
    assert tool.run("certs", "issue", AGENTS[0], "--yes").code == 0
    assert manager.read(issued(AGENTS[0], "nginx-agent.conf")) == settings
    tool.apply(text).must(0, "unchanged")
    third = "cache-1.example.com"
    tool.run("certs", "issue", third, "--yes")
    waits = tool.run("certs", "hand-out", third)
    assert waits.code == 1 and "its certificate is awaited" in " ".join(waits.err.split()), waits
    bring(manager, ca, [of_agent(third)])
    assert tool.run("certs", "issue", third, "--yes").code == 0
    assert manager.read(issued(third, "ca.pem")) == ca.above[-1].cert.read_text()
    # Whom nginx lets in is for the manager's answers to say.
    refused_everywhere(manager, [dataclasses.replace(with_issued(third), client="h2")])
    tool.apply(text.replace("agents: [", f"agents: [{third}, ")).must(0, "applied")
    let_in(manager, [with_issued(third)])
    done = tool.run("certs", "revoke", third, "--yes")
    assert done.code == 1 and "take the name out of agents" in " ".join(done.err.split()), done


def test_another_name_for_agents_is_asked_for_and_nothing_is_switched_before(nim1: Nim1, binary: object) -> None:
    tool = nim1_tool(nim1, binary)
    text = nim1_answers("client-mtls").replace(NO_AUTHORITY, "  server: {source: csr}\n  clients: {source: csr}\n")
    ca = in_force(nim1, tool, text)
    other = text.replace("alt_names", "agent_name: agents.example.com\nalt_names")
    said = awaited(tool.apply(other), "applied")
    assert "agents.example.com" in said and "agents.example.com" in request_text(nim1, OF_SERVER)
    assert tool.run("verify").code == 0
    bring(nim1, ca, [OF_SERVER])
    done = tool.apply(other).must(0, "applied")
    assert all(each["ok"] is not False for each in done["proof"]), done["proof"]


@newer_build_and([PLAIN])
@pytest.mark.parametrize("waits", [True, False])
def test_nobody_is_revoked_by_a_word_that_does_nothing(manager: Manager, tool: Tool, waits: bool) -> None:
    if waits:
        awaited(tool.apply(csr_answers()), "applied")
    else:
        in_force(manager, tool, csr_answers())
    done = tool.run("certs", "revoke", AGENTS[0], "--yes")
    assert done.code == 1 and "its own to sign" in " ".join(done.err.split()), done
