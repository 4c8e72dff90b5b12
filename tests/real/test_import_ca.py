"""Agents' certificates of an authority that is there already, made by openssl: whom it has signed for is no agent yet.

What makes them red: in src/plan/listed.rs a pattern that is not anchored at both ends, or takes a subject in which the
name is not the first part; in src/plan/check.rs a depth that is not set, or a check that does not ask for the list; in
src/certificate/chain.rs (`authorities_hold`) a flaw that is not looked for.
"""

import dataclasses
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path

import certs
import pytest
import snapshot
from clients import Attempt
from conftest import each_build_and, newer_build_and
from lab import Nginx
from manager import NAME, Manager, both_services
from nim1 import CERTS, CONF_D, Nim1, nim1_answers, nim1_tool
from nim_tree import PLAIN
from test_gate import with_issued
from tool import AGENTS, SERVER_CERT, SERVER_KEY, STATE, Tool, answers, issued

pytestmark = pytest.mark.alternating

CA_CERT, CA_KEY, PASSPHRASE = "/mnt/corporate.pem", "/mnt/corporate.key", "/mnt/corporate.pass"
LISTED = "/etc/nginx/conf.d/nim-tls-listed.conf"
NMS_HTTP = "/etc/nginx/conf.d/nms-http.conf"
NOT_LISTED = "certificate of the same CA, not listed"
WITH_KEY = f"{{source: import-ca, ca_cert: {CA_CERT}, ca_key: {CA_KEY}}}"
WITHOUT_KEY = f"{{source: import-ca, ca_cert: {CA_CERT}}}"


@dataclasses.dataclass(frozen=True)
class Corporate:
    """The authority that issues, what stands above it, and a folder to work in."""

    folder: Path
    issuing: certs.Pair
    above: tuple[certs.Pair, ...] = ()

    def chain(self) -> str:
        return "".join(one.cert.read_text() for one in (self.issuing, *self.above))

    def between(self) -> str:
        return "".join(one.cert.read_text() for one in (self.issuing, *self.above)[:-1])


def corporate(manager: Manager, levels: int = 2, kind: str = "ec", form: tuple[str, ...] = ()) -> Corporate:
    """An authority with so many intermediates below its root, brought to where the answers say."""
    folder = Path(tempfile.mkdtemp(dir=manager.work))
    above = [certs.root(folder, "corporate-root", kind)]
    for level in range(levels):
        above.insert(0, certs.subordinate(folder, above[0], f"corporate-{level}", kind=kind))
    made = Corporate(folder, above[0], tuple(above[1:]))
    manager.write(CA_CERT, made.chain())
    manager.write(CA_KEY, certs.openssl("pkey", "-in", str(made.issuing.key), *form), 0o600)
    return made


def import_answers(clients: str = WITH_KEY, text: str = "", ca_key: str = "") -> str:
    found = (text or answers()).replace("certificates:\n", f"certificates:\n  clients: {clients}\n")
    return found.replace("keep: plaintext", f"keep: plaintext{ca_key}")


def carried(manager: Manager, ca: Corporate, subject: str, usual: Attempt) -> Attempt:
    """A client with a certificate of this authority, and what is between it and the root."""
    pair = certs.leaf(ca.folder, ca.issuing, subject)
    pair.cert.write_text(pair.cert.read_text() + ca.between())
    return dataclasses.replace(usual, cert=manager.carry(pair.cert), key=manager.carry(pair.key))


AGENT = AGENTS[0]
# Each says the name of an agent somewhere, and is none.
HOSTILE = (
    "/CN=printer.example.com",
    f"/CN={AGENT}/O=Lab",  # the organization is the first part as it is printed
    f"/O=x\\,CN={AGENT}",
    f"/CN=x\\,CN={AGENT}",
    f"/CN={AGENT}\\,x",
    f"/CN=x,CN={AGENT},O=y",
    f"/CN=CN={AGENT}",
    f"/CN={AGENT}.evil.example.com",
    f"/CN=x{AGENT}",
    f"/CN={AGENT.replace('.', 'x')}",
    f"/CN={AGENT} ",
    f"/CN={AGENT.upper()}",
    f"/CN={AGENT}+OU=x",
    f"/OU=x+CN={AGENT}",
    f"/OU={AGENT}",
    f"/CN={AGENT}/emailAddress=a@example.com",
    f"/CN={AGENT}\u0430",
)


def refused_everywhere(manager: Manager, attempts: Iterable[Attempt]) -> None:
    outcomes = manager.attempt(each for attempt in attempts for each in both_services(attempt))
    wrong = [each for each in outcomes if each.reached]
    assert outcomes and not wrong, "\n".join(map(str, wrong))


def let_in(manager: Manager, attempts: Iterable[Attempt]) -> None:
    outcomes = manager.attempt(each for attempt in attempts for each in both_services(attempt))
    wrong = [each for each in outcomes if not each.reached]
    assert outcomes and not wrong, "\n".join(map(str, wrong))


def strangers(
    manager: Manager, ca: Corporate, usual: Attempt, server: tuple[str, str], unlisted: tuple[str, ...] = HOSTILE
) -> list[Attempt]:
    foreign_ca = certs.authority(ca.folder, "foreign-ca")
    foreign = certs.issue(ca.folder, foreign_ca, "foreign", "clientAuth")
    late = certs.issue(ca.folder, ca.issuing, AGENT, "clientAuth", life=certs.PAST)
    late.cert.write_text(late.cert.read_text() + ca.between())
    papers = [(None, None), server]
    papers += [(manager.carry(pair.cert), manager.carry(pair.key)) for pair in (foreign, late)]
    found = [dataclasses.replace(usual, cert=cert, key=key) for cert, key in papers]
    return found + [carried(manager, ca, subject, usual) for subject in unlisted]


def row(done: dict, case: str) -> dict:
    found = [each for each in done["proof"] if each["case"] == case]
    assert found, [each["case"] for each in done["proof"]]
    return found[0]


def holds_key(manager: Manager, ca: Corporate) -> list[str]:
    """Files of the lab, outside of where it was brought, that hold the key of the authority."""
    secret = ca.issuing.key.read_text().splitlines()[1]
    found = manager.run("grep", "-rlF", secret, "/etc", "/var/lib", "/var/log", "/run", check=False).stdout
    return found.splitlines()


@each_build_and([PLAIN])
def test_agents_of_two_levels_get_through_and_nobody_else_of_that_authority(manager: Manager, tool: Tool) -> None:
    ca = corporate(manager)
    before = snapshot.take(manager)
    done = tool.apply(import_answers()).must(0, "applied")
    assert row(done, NOT_LISTED)["ok"] is True and row(done, "agent, our certificate")["ok"] is True, done["proof"]
    assert all(each["ok"] is not False for each in done["proof"]), done["proof"]
    assert "ssl_verify_depth 2;" in " ".join(manager.read(NMS_HTTP).split())
    assert holds_key(manager, ca) == []

    chain = manager.read(issued(AGENT, "agent.crt"))
    assert chain.count("BEGIN CERTIFICATE") == 3 and chain.endswith(ca.between())
    bundle = manager.carry(ca.above[-1].cert)
    between = manager.carry(ca.issuing.cert), manager.carry(ca.above[0].cert)
    untrusted = [each for one in between for each in ("-untrusted", one)]
    manager.run("openssl", "verify", "-purpose", "sslclient", "-CAfile", bundle, *untrusted, issued(AGENT, "agent.crt"))

    let_in(manager, map(with_issued, AGENTS))
    usual = dataclasses.replace(with_issued(AGENT), client="h2")
    refused_everywhere(manager, strangers(manager, ca, usual, (SERVER_CERT, SERVER_KEY)))
    # The same issuing, with the subject that is listed, gets through: what was refused was refused for its subject.
    let_in(manager, [carried(manager, ca, f"/CN={AGENT}", usual)])

    tool.apply(import_answers()).must(0, "unchanged")
    verified = tool.run("verify", "--format", "json").must(0)
    assert row(verified, NOT_LISTED)["ok"] is True and row(verified, "expired certificate")["ok"] is True
    tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(manager)) == []


@each_build_and([PLAIN])
def test_without_its_key_agents_bring_their_own(manager: Manager, tool: Tool) -> None:
    ca = corporate(manager, levels=1)
    manager.path(CA_KEY).unlink()
    done = tool.apply(import_answers(WITHOUT_KEY)).must(0, "applied")
    for case in (NOT_LISTED, "agent, our certificate"):
        assert row(done, case)["ok"] is None and "key" in row(done, case)["why"], row(done, case)
    assert "ssl_verify_depth" not in manager.read(NMS_HTTP)
    assert not manager.path(f"{STATE}/issued").exists()
    usual = Attempt(sni=NAME)
    own = [f"/CN={AGENT}", f"/O=Lab/OU=Web/CN={AGENT}", f'/O=Lab "$x";, Inc./CN={AGENT}']
    let_in(manager, [carried(manager, ca, subject, usual) for subject in own])
    refused_everywhere(manager, strangers(manager, ca, usual, (SERVER_CERT, SERVER_KEY)))
    # What the same authority could sign for, had it a key here, is refused by name.
    done = tool.run("certs", "issue", "more.example.com", "--yes")
    assert done.code != 0 and "certificates.clients.ca_key" in done.err, done
    assert tool.run("verify").code == 0


FORMS = {
    "rsa-pkcs1": ("rsa", ("-traditional",)),
    "rsa4096-pkcs8": ("rsa4096", ()),
    "p384-sec1": ("p384", ("-traditional",)),
    "p256-encrypted": ("ec", ("-aes256", "-passout", "pass:four words of mine")),
}


@newer_build_and([PLAIN])
@pytest.mark.parametrize("form", FORMS)
def test_keys_of_every_form_sign_and_stay_where_they_are(manager: Manager, tool: Tool, form: str) -> None:
    kind, how = FORMS[form]
    ca = corporate(manager, levels=0, kind=kind, form=how)
    manager.write(PASSPHRASE, "four words of mine\n", 0o600)
    file = f", passphrase_file: {PASSPHRASE}" if "encrypted" in form else ""
    text = import_answers(ca_key=file)
    if file:
        manager.write(PASSPHRASE, "not these\n", 0o600)
        done = tool.apply(text)
        assert done.code == 2 and f"does not open {CA_KEY}" in done.err, done
        manager.write(PASSPHRASE, "four words of mine\n", 0o600)
    done = tool.apply(text).must(0, "applied")
    assert all(each["ok"] is not False for each in done["proof"]), done["proof"]
    assert row(done, NOT_LISTED)["ok"] is True
    let_in(manager, map(with_issued, AGENTS))
    assert holds_key(manager, ca) == []


@each_build_and([PLAIN])
def test_observed_first_who_is_not_listed_is_not_ready(manager: Manager, tool: Tool) -> None:
    ca = corporate(manager)
    text = import_answers()
    done = tool.apply(text + "options: {enforce: observe}\n").must(0, "applied")
    assert row(done, NOT_LISTED)["ok"] is True, done["proof"]
    usual = dataclasses.replace(with_issued(AGENT), client="h2")
    unlisted = carried(manager, ca, "/OU=Staff/CN=clerk.example.com", usual)
    let_in(manager, [usual, unlisted, dataclasses.replace(usual, cert=None, key=None)])
    found = tool.run("agents", "--format", "json").must(0)
    assert found["enforced"] == "observe"
    by_subject = {each["subject"]: each for each in found["agents"]}
    assert by_subject[f"CN={AGENT}"]["ready"]
    clerk = by_subject["CN=clerk.example.com,OU=Staff"]
    assert not clerk["ready"] and clerk["verify"] == "SUCCESS, not listed", clerk
    assert "not among the agents" in " ".join(tool.run("agents").out.split())
    assert causes(tool).get("client-not-listed"), tool.run("doctor").out
    tool.apply(text + "options: {enforce: observe}\n").must(0, "unchanged")

    done = tool.apply(text).must(0, "applied")
    assert "not listed" in " ".join(done["notes"]), done["notes"]
    let_in(manager, [usual])
    refused_everywhere(manager, [unlisted])
    found = tool.run("agents", "--format", "json").must(0)
    clerks = {each["ready"] for each in found["agents"] if each["subject"] == "CN=clerk.example.com,OU=Staff"}
    assert clerks == {False}


def causes(tool: Tool) -> dict[str, str]:
    found = json.loads(tool.run("doctor", "--format", "json").out)
    return {each["cause"]: each["severity"] for each in found["findings"]}


@each_build_and([PLAIN])
def test_the_list_is_what_revokes_and_what_lets_more_in(manager: Manager, tool: Tool) -> None:
    corporate(manager, levels=1)
    tool.apply(import_answers()).must(0, "applied")
    gone, stays = AGENTS
    stream = manager.hold("stream", dataclasses.replace(with_issued(gone), client="h2"))
    session = manager.hold("session", dataclasses.replace(with_issued(gone), client="h2"))
    assert stream.report()["flowing"] and session.report()["grpc"] == 12
    done = tool.run("certs", "revoke", gone, "--yes", "--format", "json")
    assert done.code == 1 and "out of agents" in done.out, done

    tool.run("certs", "issue", "more.example.com", "--yes", "--format", "json").must(0, "applied")
    refused_everywhere(manager, [with_issued("more.example.com")])
    agents = (stays, "more.example.com")
    tool.apply(import_answers(text=answers(agents=agents))).must(0, "applied")
    let_in(manager, map(with_issued, agents))
    refused_everywhere(manager, [with_issued(gone)])
    assert not stream.report()["flowing"] and session.report()["grpc"] != 12
    tool.apply(import_answers(text=answers(agents=agents))).must(0, "unchanged")
    done = tool.run("certs", "renew", "--within", "400", "--yes", "--format", "json").must(0, "applied")
    assert all(each["ok"] is not False for each in done["proof"]), done["proof"]
    let_in(manager, map(with_issued, agents))
    handed = tool.run("certs", "hand-out", stays)
    assert handed.code == 0 and stays in handed.out, handed


@newer_build_and([PLAIN])
def test_handed_out_first_and_enforced_later(manager: Manager, tool: Tool) -> None:
    corporate(manager)
    before = manager.read(NMS_HTTP)
    tool.apply(import_answers().replace("role: manager", "role: ca")).must(0, "applied")
    assert manager.read(NMS_HTTP) == before and not manager.path(LISTED).exists()
    handed = manager.read(issued(AGENT, "agent.crt"))
    done = tool.apply(import_answers()).must(0, "applied")
    assert all(each["ok"] is not False for each in done["proof"]), done["proof"]
    assert manager.read(issued(AGENT, "agent.crt")) == handed
    let_in(manager, map(with_issued, AGENTS))


@each_build_and([PLAIN])
def test_from_an_authority_of_ours_and_back(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    manager.run("cp", "-a", f"{STATE}/issued/{AGENT}", "/mnt/before")
    tool.run("certs", "revoke", AGENTS[1], "--yes", "--format", "json").must(0, "applied")
    old = dataclasses.replace(with_issued(AGENT), cert="/mnt/before/agent.crt", key="/mnt/before/agent.key")
    let_in(manager, [old])
    corporate(manager)
    done = tool.apply(import_answers()).must(0, "applied")
    assert all(each["ok"] is not False for each in done["proof"]), done["proof"]
    let_in(manager, map(with_issued, AGENTS))
    refused_everywhere(manager, [old])
    done = tool.apply(answers()).must(0, "applied")
    assert all(each["ok"] is not False for each in done["proof"]), done["proof"]
    assert any(LISTED in note for note in done["notes"]), done["notes"]
    let_in(manager, [with_issued(AGENT)])


@each_build_and([PLAIN])
def test_servers_and_agents_each_have_an_authority_from_elsewhere(manager: Manager, tool: Tool) -> None:
    ca = corporate(manager)
    own = certs.authority(ca.folder, "web-ca")
    pair = certs.issue(ca.folder, own, NAME, "serverAuth", chain=own.cert)
    manager.write("/mnt/own.crt", pair.cert.read_bytes())
    manager.write("/mnt/own.key", pair.key.read_bytes(), 0o600)
    server = "  server: {source: import, cert: /mnt/own.crt, key: /mnt/own.key}\n"
    text = import_answers().replace("  ca_key: {keep: plaintext}\n", server)
    done = tool.apply(text).must(0, "applied")
    assert all(each["ok"] is not False for each in done["proof"]), done["proof"]
    assert not manager.path(f"{STATE}/ca").exists()
    # What verifies the manager is not what verifies agents.
    assert manager.read(issued(AGENT, "ca.pem")) == certs.openssl("x509", "-in", str(own.cert))
    let_in(manager, map(with_issued, AGENTS))
    tool.apply(text).must(0, "unchanged")
    assert row(tool.run("verify", "--format", "json").must(0), NOT_LISTED)["ok"] is True
    tool.run("certs", "issue", "more.example.com", "--yes", "--format", "json").must(0, "applied")


@newer_build_and([PLAIN])
def test_what_would_not_do_is_refused_and_nothing_is_touched(manager: Manager, tool: Tool) -> None:
    ca = corporate(manager)
    between = [ca.issuing, ca.above[0]]
    root = ca.above[-1]
    other = certs.root(ca.folder, "other-root")
    no_room = certs.subordinate(ca.folder, root, "no-room", f"{certs.CA_TRUE},pathlen:0", certs.CA_USE)
    below = certs.subordinate(ca.folder, no_room, "below")
    elsewhere = certs.subordinate(
        ca.folder, root, "elsewhere", certs.CA_TRUE, certs.CA_USE, "nameConstraints=critical,permitted;DNS:example.org"
    )
    for_servers = certs.subordinate(ca.folder, root, "for-servers", certs.CA_TRUE, certs.CA_USE, "extendedKeyUsage=serverAuth")
    agent = certs.leaf(ca.folder, ca.issuing, f"/CN={AGENT}")
    short = certs.subordinate(ca.folder, root, "short", kind="rsa1024")
    old_fashioned = certs.subordinate(ca.folder, root, "old-fashioned", digest="sha1")

    def text(*pairs: certs.Pair) -> str:
        return "".join(pair.cert.read_text() for pair in pairs)

    for chain, key, said in [
        (text(*between), ca.issuing, "the root is missing"),
        (text(root, *reversed(between)), ca.issuing, "the order is wrong"),
        (text(ca.above[0], ca.issuing, root), ca.above[0], "the order is wrong"),
        (text(ca.issuing, root), ca.issuing, "which is not here"),
        (text(*between, root), other, "is not the key of the certificate beside it"),
        (text(*between, root), agent, "is not the key of the certificate beside it"),
        (text(agent, *between, root), agent, "is not an authority"),
        (text(below, no_room, root), below, "is not allowed to have so many authorities below it"),
        (text(elsewhere, root), elsewhere, f"must not vouch for {AGENTS[1]}"),
        (text(short, root), short, "has a key that is too weak (rsa-1024)"),
        (text(old_fashioned, root), old_fashioned, "is signed over MD5 or SHA-1"),
        (text(for_servers, root), for_servers, "cannot be used as a certificate for: agent"),
    ]:
        manager.write(CA_CERT, chain)
        manager.write(CA_KEY, key.key.read_bytes(), 0o600)
        before = snapshot.take(manager)
        done = tool.apply(import_answers())
        assert done.code == 1 and said in done.err, (said, done)
        assert snapshot.differences(before, snapshot.take(manager)) == []
    no_agents = import_answers().replace(f"agents: [{', '.join(AGENTS)}]", "agents: []")
    done = tool.apply(no_agents)
    assert done.code == 2 and "may have signed for others too" in done.err, done


@pytest.mark.parametrize("enforce", ["require", "observe"])
def test_agents_of_nim_1_are_listed_too(nginx: Nginx, binary: Path, enforce: str) -> None:
    with Nim1(nginx) as nim1:
        nim1.start()
        tool = nim1_tool(nim1, binary)
        ca = corporate(nim1)
        text = import_answers(text=nim1_answers())
        usual = Attempt(sni=NAME, port=10443)
        if enforce == "observe":
            text += "options: {enforce: observe}\n"
        done = tool.apply(text).must(0, "applied")
        assert row(done, NOT_LISTED)["ok"] is True, done["proof"]
        assert all(each["ok"] is not False for each in done["proof"]), done["proof"]
        assert "ssl_verify_depth 2;" in nim1.read(f"{CONF_D}/nginx-manager-grpc.conf")
        let_in(nim1, [dataclasses.replace(with_issued(agent), port=10443) for agent in AGENTS])
        if enforce == "require":
            server = (f"{CERTS}/nginx-manager.crt", f"{CERTS}/nginx-manager.key")
            refused_everywhere(nim1, strangers(nim1, ca, usual, server))
        tool.apply(text).must(0, "unchanged")
        assert tool.run("verify").code == 0
