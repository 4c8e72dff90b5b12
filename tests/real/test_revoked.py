"""Certificates of agents that are no longer good: refused anew, refused with a session of before, and their open
calls ended.

What makes them red: in src/plan/revoking.rs, a certificate of before that is not on the list; in src/plan/nginx.rs,
sessions that are not forgotten when only the list has changed.
"""

import dataclasses

import pytest
import snapshot
from conftest import each_build_and, newer_build_and
from lab import wait_for
from manager import Manager, both_services
from nim_tree import PLAIN
from test_gate import PROPER, with_issued
from tool import AGENTS, STATE, Tool, answers, issued

CRL = "/etc/nms/certs/agents.crl"
GONE, STAYS = AGENTS[0], AGENTS[1]


def revoke(tool: Tool, *names: str) -> dict:
    return tool.run("certs", "revoke", *names, "--yes", "--format", "json").must(0, "applied")


def read_by_openssl(manager: Manager, path: str) -> str:
    return manager.run("openssl", "crl", "-noout", "-text", "-in", path).stdout


def serial(manager: Manager, path: str) -> str:
    return manager.run("openssl", "x509", "-noout", "-serial", "-in", path).stdout.strip().removeprefix("serial=")


@each_build_and([PLAIN])
def test_a_revoked_agent_is_refused_and_its_open_stream_ends(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    before = snapshot.take(manager)
    gone = dataclasses.replace(with_issued(GONE), client="grpcio")
    session = manager.hold("session", dataclasses.replace(with_issued(GONE), client="h2"))
    assert session.report()["grpc"] == 12
    done = revoke(tool, GONE)
    refused = [row for row in done["proof"] if row["case"] == f"revoked certificate of {GONE}"]
    assert len(refused) == 2 and all(row["ok"] for row in refused), done["proof"]
    assert all(row["ok"] is not False for row in done["proof"])

    outcomes = manager.attempt([*both_services(gone), *both_services(with_issued(STAYS))])
    assert [each.reached for each in outcomes] == [False, False, True, True], outcomes
    assert session.report()["grpc"] != 12
    assert serial(manager, issued(GONE, "agent.crt")) in read_by_openssl(manager, f"{STATE}/ca/intermediate.crl")
    assert "No Revoked Certificates" in read_by_openssl(manager, f"{STATE}/ca/root.crl")
    verified = manager.run(
        "openssl", "verify", "-crl_check_all", "-CAfile", f"{STATE}/ca/root.crt", "-CRLfile", CRL,
        "-untrusted", f"{STATE}/ca/intermediate.crt", issued(GONE, "agent.crt"), check=False,
    )  # fmt: skip
    assert "certificate revoked" in verified.stderr + verified.stdout, verified

    handed = tool.run("certs", "hand-out", GONE)
    assert handed.code == 1 and "its certificate is revoked" in handed.err, handed

    # Neither the same answers nor a renewal bring it back; asked for by name, there is a new one.
    again = tool.apply(answers())
    assert again.must(0)["outcome"] == "unchanged", again
    assert any("revoked" in note for note in again.document["notes"]), again.document
    tool.run("certs", "renew", "--within", "3000", "--yes", "--format", "json").must(0, "applied")
    assert not any(each.reached for each in manager.attempt(both_services(gone)))
    tool.run("certs", "issue", GONE, "--yes", "--format", "json").must(0, "applied")
    assert all(each.reached for each in manager.attempt(both_services(gone)))
    assert tool.run("verify").code == 0
    for _ in range(3):
        tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
def test_a_certificate_of_before_its_renewal_is_revoked_too(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    manager.run("cp", "-r", f"{STATE}/issued/{GONE}", "/mnt/stolen")
    tool.run("certs", "renew", "--within", "3000", "--yes", "--format", "json").must(0, "applied")
    stolen = dataclasses.replace(with_issued(GONE), cert="/mnt/stolen/agent.crt", key="/mnt/stolen/agent.key")
    assert all(each.reached for each in manager.attempt(both_services(stolen)))
    # Where the key was brought to its instance, the certificate is enough.
    manager.run("rm", issued(GONE, "agent.key"))
    done = revoke(tool, GONE)
    row = next(row for row in done["proof"] if row["case"] == f"revoked certificate of {GONE}")
    assert row["ok"] is None, row
    assert not any(each.reached for each in manager.attempt(both_services(stolen)))


@newer_build_and([PLAIN])
def test_lists_from_the_first_day_and_what_cannot_be_revoked(manager: Manager, tool: Tool) -> None:
    done = tool.run("certs", "revoke", GONE, "--yes")
    assert done.code == 1 and "no run that stands has set client mTLS up" in done.err, done
    tool.apply(answers() + "options: {crl: true}\n").must(0, "applied")
    assert manager.read(CRL).count("BEGIN X509 CRL") == 2
    done = tool.run("certs", "revoke", "nobody.example.com", "--yes")
    assert done.code == 1 and "nothing to revoke" in done.err, done
    manager.run("rm", f"{STATE}/ca/intermediate.key")
    done = tool.run("certs", "revoke", GONE, "--yes")
    assert done.code == 1 and "only with it can anything be revoked" in done.err, done
