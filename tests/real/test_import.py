"""A manager's certificate that was brought from elsewhere: judged, placed with its key, and served.

What makes them red: in src/plan/server_certificate.rs (`imported`), a pair that is placed without its lines in nginx,
or a flaw that is not looked for.
"""

import dataclasses
import tempfile
from pathlib import Path

import certs
import pytest
import snapshot
from conftest import each_build_and, newer_build_and
from manager import NAME, Manager, both_services
from nim_tree import PLAIN
from test_gate import PROPER
from tool import AGENTS, Tool, answers, issued

CERT, KEY = "/mnt/own.crt", "/mnt/own.key"
IMPORT = f"certificates:\n  server: {{source: import, cert: {CERT}, key: {KEY}}}\n"
# How openssl writes the three forms of a key.
FORMS = {"pkcs8": (), "traditional": ("-traditional",)}


def bring(manager: Manager, name: str = NAME, usage: str = "serverAuth", form: str = "pkcs8") -> certs.Pair:
    """Puts a certificate of somebody else's authority, and its key, where the answers say."""
    folder = Path(tempfile.mkdtemp(dir=manager.work))
    own_ca = certs.authority(folder, "own-ca")
    pair = certs.issue(folder, own_ca, name, usage)
    manager.write(CERT, pair.cert.read_bytes())
    key = certs.openssl("pkey", *FORMS[form], "-in", str(pair.key))
    manager.write(KEY, key, 0o600)
    return own_ca


def import_answers(**kwargs: str) -> str:
    return answers(**kwargs).replace("certificates:\n", IMPORT)


@each_build_and([PLAIN])
@pytest.mark.parametrize("form", FORMS)
def test_it_is_served_and_agents_are_judged_by_our_authority(manager: Manager, tool: Tool, form: str) -> None:
    own_ca = bring(manager, form=form)
    before = snapshot.take(manager)
    done = tool.apply(import_answers()).must(0, "applied")
    assert all(row["ok"] is not False for row in done["proof"])
    ca = manager.carry(own_ca.cert)
    assert manager.run("curl", "-sS", "--cacert", ca, "-o", "/dev/null", "-w", "%{http_code}", f"https://{NAME}/ui/").stdout
    key = manager.path("/etc/nms/certs/server.key")
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_bytes() == manager.path(KEY).read_bytes()
    cert, agent_key = (issued(AGENTS[0], file) for file in ("agent.crt", "agent.key"))
    agent = dataclasses.replace(PROPER, client="grpcio", ca=ca, cert=cert, key=agent_key)
    nobody = dataclasses.replace(PROPER, client="grpcio", ca=ca)
    outcomes = manager.attempt([*both_services(agent), *both_services(nobody)])
    assert [each.reached for each in outcomes] == [True, True, False, False]
    # No root of ours would verify it.
    assert "\n  ca:" not in manager.read(issued(AGENTS[0], "nginx-agent.conf"))
    tool.apply(import_answers()).must(0, "unchanged")
    tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
def test_what_would_not_do_is_refused_and_nothing_is_touched(manager: Manager, tool: Tool) -> None:
    for name, usage, said in [
        ("other.example.com", "serverAuth", f"which is not for {NAME}"),
        (NAME, "clientAuth", "is not made for servers"),
    ]:
        bring(manager, name, usage)
        before = snapshot.take(manager)
        done = tool.apply(import_answers())
        assert done.code == 1 and said in done.err, done
        assert snapshot.differences(before, snapshot.take(manager)) == []
    bring(manager)
    manager.run("openssl", "pkey", "-aes256", "-passout", "pass:secret", "-in", KEY, "-out", "/mnt/encrypted.key")
    manager.run("mv", "/mnt/encrypted.key", KEY)
    done = tool.apply(import_answers())
    assert done.code == 1 and "is encrypted, and nginx asks nobody for a passphrase" in done.err, done
    half = import_answers().replace(f", key: {KEY}", "")
    done = tool.apply(half)
    assert done.code == 2 and "say cert (with its chain) and key" in done.err, done
