"""Role ca and `nim-tls certs`: issue first, hand out, enforce later; further agents; what files say.

What makes these tests red: in src/plan/issuing.rs, a plan that reaches outside of the state folder; in
src/certificate/flaws.rs, a flaw that is left out.
"""

import dataclasses
from pathlib import Path

import pytest
import snapshot
import yaml
from clients import Attempt
from conftest import newer_build_and
from folder import Folder, FolderTool
from instance import SETTINGS, agent_calls, with_agent
from lab import wait_for
from manager import NAME, Manager, both_services
from nim_tree import PLAIN
from tool import ANSWERS_FILE, CA_ROOT, STATE, Tool, answers, issued

NEW = "app-1.example.com"


def of_authority(text: str = "") -> str:
    return (text or answers()).replace("role: manager", "role: ca")


@pytest.fixture
def folder(binary: Path, tmp_path: Path) -> FolderTool:
    return FolderTool(Folder(tmp_path / "root"), binary)


def attempt(manager: Manager, agent: str) -> list[Attempt]:
    carried = {file: manager.carry(manager.path(issued(agent, f"agent.{file}")), f"{agent}.{file}") for file in ("crt", "key")}
    ca = manager.carry(manager.path(CA_ROOT), "root.crt")
    return both_services(Attempt(sni=NAME, ca=ca, cert=carried["crt"], key=carried["key"]))


@newer_build_and([PLAIN])
def test_issue_first_hand_out_enforce_later(manager: Manager, tool: Tool) -> None:
    before = snapshot.take(manager)
    done = tool.apply(of_authority()).must(0, "applied")
    assert all(path.startswith(STATE) for path in done["changed"]), done["changed"]
    assert done["reload"] == "not needed" and done["proof"] == []
    first = manager.read(issued("web-1.example.com", "agent.crt"))
    assert tool.apply(of_authority()).must(0)["outcome"] == "unchanged"
    # Nobody is asked for anything yet.
    open_to_all = manager.attempt(both_services(Attempt(sni=NAME)))
    assert all(outcome.reached for outcome in open_to_all), open_to_all

    tool.apply(answers()).must(0, "applied")
    assert manager.read(issued("web-1.example.com", "agent.crt")) == first, "what was handed out stays good"
    done = tool.run("certs", "issue", NEW, "--yes", "--format", "json").must(0, "applied")
    assert all(path.startswith(f"{STATE}/issued/{NEW}") for path in done["changed"]), done["changed"]
    for agent in ("web-1.example.com", NEW):
        through = manager.attempt(attempt(manager, agent))
        assert all(outcome.reached for outcome in through), through
    refused = manager.attempt(both_services(Attempt(sni=NAME)))
    assert not any(outcome.reached for outcome in refused), refused

    for _ in range(3):
        tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(manager)) == []


@newer_build_and([PLAIN])
def test_what_is_handed_out_brings_an_agent_through(manager: Manager, tool: Tool) -> None:
    """By the printed answers alone; only the folder lies elsewhere, because a lab has no /root of its own."""
    tool.apply(answers()).must(0, "applied")
    assert tool.run("certs", "issue", NEW, "--yes").code == 0
    said = tool.run("certs", "hand-out", NEW, "--format", "json").must(0)
    scp = f"scp -pr {STATE}/issued/{NEW} root@{NEW}:/root/{NEW}"
    assert said["here"] == [f"ssh root@{NEW} rm -rf /root/{NEW}", scp], said
    with_agent(manager, tool)
    manager.run("cp", "-pr", said["folder"], f"/mnt/{NEW}")
    text = said["answers"].replace("/root/", "/mnt/") + "options: {trust_store: false}\n"
    tool.apply(text).must(0, "applied")
    assert yaml.safe_load(manager.read(SETTINGS))["server"]["host"] == NAME
    wait_for(lambda: "Commander/CommandChannel" in agent_calls(manager), "the agent")


def test_an_authority_needs_no_nginx(folder: FolderTool) -> None:
    folder.manager.run("rm", "-r", str(folder.manager.path("/etc/nginx")), str(folder.manager.path("/etc/nms")))
    folder.apply(of_authority()).must(0, "applied")
    key = folder.manager.path(issued("web-1.example.com", "agent.key"))
    assert key.stat().st_mode & 0o777 == 0o600 and key.parent.stat().st_mode & 0o777 == 0o700
    # Another agent, and one that is there already.
    done = folder.run("certs", "issue", NEW, "web-1.example.com", "--yes", "--format", "json").must(0, "applied")
    assert {Path(path).parent.name for path in done["changed"]} == {NEW, "issued"}, done["changed"]
    assert folder.run("certs", "issue", NEW, "--yes", "--format", "json").must(0)["outcome"] == "unchanged"
    history = folder.run("history", "--format", "json").document["runs"]
    assert [run["command"] for run in history] == ["apply", "certs issue"]


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("issue", "x.other.org", "--yes"), 1, "x.other.org lies outside the names"),
        (("issue", "not a name", "--yes"), 2, "not a name"),
        (("issue", NEW, NEW, "--yes"), 2, "is there twice"),
        (("issue", NEW), 2, "--yes"),
        (("hand-out", NEW), 1, f"nim-tls certs issue {NEW}"),
        (("inspect", "/mnt/nothing"), 2, "/mnt/nothing"),
        (("inspect",), 2, "<FILE>"),
    ],
)
def test_what_cannot_be_is_said(folder: FolderTool, argv: tuple[str, ...], code: int, words: str) -> None:
    folder.apply(of_authority()).must(0, "applied")
    done = folder.run("certs", *argv)
    place = f" --root {folder.place}"
    assert done.code == code and words in " ".join(done.err.replace(place, "").split()), done


def test_without_an_authority_nothing_is_issued(folder: FolderTool) -> None:
    done = folder.run("certs", "issue", NEW, "--yes")
    assert done.code == 1 and "there is no authority" in done.err, done


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("agents: [web-1.example.com, db-1.example.com]", "agents: []"), "agents (line 8, column 9) is empty"),
        (("keep: plaintext", "keep: discard"), "would be gone before the manager's certificate is made"),
    ],
)
def test_answers_of_an_authority_that_will_not_do(folder: FolderTool, change: tuple[str, str], words: str) -> None:
    done = folder.apply(of_authority().replace(*change))
    assert done.code == 2 and words in " ".join(done.err.split()), done


@dataclasses.dataclass
class Maker:
    """Files of certificates by openssl."""

    root: Path

    def make(self, name: str, *argv: str, key: str = "ec:/dev/null", days: int = 300) -> tuple[str, str]:
        cert, pem = self.root / f"{name}.crt", self.root / f"{name}.key"
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if key.startswith("ec") else ["-newkey", key]
        Folder.run(self, "openssl", "req", "-x509", *kind, "-nodes", "-subj", f"/CN={name}", "-days", str(days),
                   "-keyout", str(pem), "-out", str(cert), *argv)  # fmt: skip
        pem.chmod(0o600)
        return str(cert), str(pem)


LEAF = ("-addext", "basicConstraints=critical,CA:FALSE")
SERVER = (*LEAF, "-addext", "extendedKeyUsage=serverAuth", "-addext", "keyUsage=digitalSignature")
NAMED = (*SERVER, "-addext", "subjectAltName=DNS:nim.example.com")


def causes(folder: FolderTool, *files: str) -> list[str]:
    done = Tool.run(folder, "certs", "inspect", *files, "--format", "json")
    found = done.document["files"]
    errors = [one for file in found for one in file["findings"] if one["severity"] == "error"]
    assert done.code == (1 if errors else 0), done
    return [one["cause"] for file in found for one in file["findings"]]


def test_inspect_names_what_is_wrong(folder: FolderTool, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    good, key = maker.make("good", *NAMED)
    other, _ = maker.make("other", *NAMED)
    assert causes(folder, good, key) == []
    assert causes(folder, other, key) == ["key-mismatch"]
    assert causes(folder, maker.make("weak", *NAMED, key="rsa:1024")[0]) == ["weak-key"]
    assert causes(folder, maker.make("nameless", *SERVER)[0]) == ["common-name-only"]
    assert causes(folder, maker.make("soon", *NAMED, days=5)[0]) == ["cert-expiring"]
    Path(key).chmod(0o644)
    assert causes(folder, key) == ["key-readable-by-others"]
    chain = tmp_path / "chain.pem"
    chain.write_text(Path(good).read_text() + Path(other).read_text())
    assert causes(folder, str(chain)) == ["server-chain-incomplete"]
    # An authority first; one of the same name with another key; a root that signed over SHA-1.
    ca, _ = maker.make("ca")
    chain.write_text(Path(ca).read_text() + Path(good).read_text())
    assert causes(folder, str(chain)) == ["server-chain-incomplete"]
    folder.apply(of_authority()).must(0, "applied")
    agent = folder.manager.path(issued("web-1.example.com", "agent.crt")).read_text()
    leaf = agent[: agent.index("-----END") + 26]
    fake, _ = maker.make("nim-tls intermediate CA nim.example.com")
    chain.write_text(leaf + Path(fake).read_text())
    assert causes(folder, str(chain)) == ["client-chain-incomplete"]
    assert causes(folder, maker.make("old-root", "-sha1", key="rsa:2048")[0]) == []
    # Half of it damaged, and a link to a key that everybody reads.
    good_key = maker.make("more", *NAMED)[1]
    for damaged, whole in ((good, good_key), (good_key, good)):
        text = Path(damaged).read_text().splitlines()
        chain.write_text("\n".join([text[0], *text[2:]]) + "\n" + Path(whole).read_text())
        chain.chmod(0o600)
        assert causes(folder, str(chain)) == ["file-not-pem"], damaged
    link = tmp_path / "link.key"
    link.symlink_to(key)
    assert causes(folder, str(link)) == ["key-readable-by-others"]
    (tmp_path / "text").write_text("nothing\n")
    assert causes(folder, str(tmp_path / "text")) == ["file-not-pem"]
    said = Tool.run(folder, "certs", "inspect", good, key)
    assert "BEGIN" not in said.out and f"the key of {good}" in " ".join(said.out.split()), said


def test_inspect_sees_what_has_expired(folder: FolderTool, tmp_path: Path) -> None:
    cert, _ = Maker(tmp_path).make("old", *NAMED, days=1)
    done = Tool.run(folder, "certs", "inspect", cert, "--format", "json", before=("faketime", "+3 days"))
    assert done.code == 1 and done.document["files"][0]["findings"][0]["cause"] == "server-cert-expired", done


def test_further_agents_are_made_as_the_first_were(folder: FolderTool) -> None:
    """Key, lifetime, subject, port and passphrase are those of the answers that stand."""
    secret = folder.manager.path("/mnt/ca.pass")
    secret.write_text("correct horse battery\n")
    more = f"{{keep: encrypted, passphrase_file: {secret}}}\n  key: rsa-2048\n  days: {{agent: 90}}\n  subject: {{organization: Acme}}"
    folder.apply(of_authority().replace("{keep: plaintext}", more) + "ports: {https: 8443}\n").must(0, "applied")
    folder.run("certs", "issue", NEW, "--yes", "--format", "json").must(0, "applied")
    path = str(folder.manager.path(issued(NEW, "agent.crt")))
    leaf = Tool.run(folder, "certs", "inspect", path, "--format", "json").document["files"][0]["certificates"][0]
    assert leaf["key"] == "rsa-2048" and leaf["days_left"] <= 90 and leaf["subject"] == f"CN={NEW},O=Acme", leaf
    assert "ports: {grpc: 8443}" in folder.run("certs", "hand-out", NEW, "--format", "json").document["answers"]
    # One that is good already stays as it is.
    done = folder.run("certs", "issue", "web-1.example.com", "--yes", "--format", "json").must(0)
    assert done["outcome"] == "unchanged", done
    # And all of them are renewed, in time and by the same answers.
    done = folder.run("certs", "renew", "--within", "100", "--yes", "--format", "json").must(0, "applied")
    renewed = {Path(path).parent.name for path in done["changed"]}
    assert renewed == {NEW, "web-1.example.com", "db-1.example.com"}, done["changed"]


def test_what_cannot_work_is_not_handed_out(folder: FolderTool) -> None:
    folder.apply(of_authority()).must(0, "applied")
    one, other = (folder.manager.path(issued(name, "agent.key")) for name in ("web-1.example.com", "db-1.example.com"))
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    done = folder.run("certs", "hand-out", "web-1.example.com")
    assert done.code == 1 and "agent.key is not the key of agent.crt" in " ".join(done.err.split()), done
    one.unlink()
    assert folder.run("certs", "hand-out", "web-1.example.com").code == 1
    one.write_bytes(kept)
    assert folder.run("certs", "hand-out", "web-1.example.com").code == 0
    done = folder.run("certs", "hand-out", "web-1.example.com", before=("faketime", "+2 years"))
    assert done.code == 1 and "has expired" in done.err, done


@newer_build_and([PLAIN])
def test_the_manager_is_renewed_whatever_was_issued_since(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    more = of_authority().replace("[web-1.example.com, db-1.example.com]", "[new-1.example.com]")
    tool.apply(more).must(0, "applied")
    server = manager.read("/etc/nms/certs/server.crt")
    done = tool.run("certs", "renew", "--within", "370", "--yes", "--format", "json").must(0, "applied")
    assert manager.read("/etc/nms/certs/server.crt") != server
    renewed = {Path(path).parent.name for path in done["changed"] if path.endswith("agent.crt")}
    assert renewed == {"web-1.example.com", "db-1.example.com", "new-1.example.com"}, done["changed"]


@newer_build_and([PLAIN])
def test_renew_makes_anew_what_ends_soon_and_proves_it(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    files = [issued("web-1.example.com", "agent.crt"), issued("db-1.example.com", "agent.crt"), "/etc/nms/certs/server.crt"]
    first = [manager.read(path) for path in files]
    assert tool.run("certs", "renew", "--yes", "--format", "json").must(0)["outcome"] == "unchanged"
    # Agents live 330 and 331 days, the manager 365.
    assert tool.run("certs", "renew", "--within", "300", "--yes", "--format", "json").must(0)["outcome"] == "unchanged"
    done = tool.run("certs", "renew", "--within", "340", "--yes", "--format", "json").must(0, "applied")
    second = [manager.read(path) for path in files]
    assert [was != now for was, now in zip(first, second, strict=True)] == [True, True, False], done["changed"]
    through = manager.attempt(attempt(manager, "web-1.example.com"))
    assert all(outcome.reached for outcome in through), through
    done = tool.run("certs", "renew", "--within", "370", "--yes", "--format", "json").must(0, "applied")
    assert manager.read(files[2]) != first[2] and done["reload"] == "done", done
    assert all(row["ok"] is not False for row in done["proof"]) and done["proof"], done["proof"]
    history = tool.run("history", "--format", "json").document["runs"]
    assert [run["command"] for run in history] == ["apply", "certs renew", "certs renew"], history


def test_renew_needs_answers_that_were_kept(folder: FolderTool) -> None:
    done = folder.run("certs", "renew", "--yes")
    assert done.code == 1 and "nim-tls apply" in done.err, done
    folder.apply(of_authority()).must(0, "applied")
    done = folder.run("certs", "renew", "--within", "400", "--yes", "--format", "json").must(0, "applied")
    assert {Path(path).name for path in done["changed"]} == {"agent.crt", "agent.key", "former.pem"}, done["changed"]
    assert folder.run("certs", "renew", "--within", "0").code == 2
