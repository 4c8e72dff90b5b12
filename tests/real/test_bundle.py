"""What `doctor --bundle` hands on: what helps is in it, no secret is, and it takes nobody's place.

What makes these tests red: in src/support/masking.rs, a text that is given back as it is; in src/support.rs, an archive
that is not searched; in src/support/secrets.rs, `found_in` that finds nothing, or a kind of place that is left out of
`keys` or `passphrases`; in src/front/saving.rs, a file that is written over, or with another mode.
"""

import gzip
import io
import json
import os
import stat
import tarfile
from pathlib import Path

import pytest
from conftest import newer_build_and
from folder import Folder, FolderTool
from instance import PACKAGED, SETTINGS
from manager import Manager
from nim_tree import NMS_HTTP, PLAIN
from test_secrets import BEFORE_SERVER, IN_SERVER, LOG as LOG_LINES, PASSPHRASE, SETTINGS as NMS_SETTINGS, bodies
from tool import AGENTS, STATE, Done, Tool, answers, issued

LOG = "/var/log/nginx/error.log"
FILE = "/mnt/support.tar.gz"
NOBODY = ("setpriv", "--reuid", "65534", "--clear-groups")
TOP = "nim-tls-support"


def unpacked(path: Path) -> dict[str, str]:
    """The text of each member; all of them are plain files below one folder."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes()), mode="r:gz") as archive:
        for member in archive:
            assert member.isreg() and member.mode == 0o600 and ".." not in member.name, member
            top, name = member.name.split("/", 1)
            assert top == TOP and name not in found
            found[name] = archive.extractfile(member).read().decode()
    return found


def keys_of(*folders: Path) -> set[str]:
    return set().union(*(bodies(folder) for folder in folders))


def holds_no_secret(members: dict[str, str], keys: set[str]) -> None:
    assert keys
    for name, text in members.items():
        words = ("canary", "zebra", "zephyr", "PRIVATE KEY-----", "not-for-your-eyes")
        found = [word for word in words if word in text] + [key for key in keys if key in text]
        assert found == [], (name, found, text)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "root")


@pytest.fixture
def on_folder(folder: Folder, binary: Path) -> FolderTool:
    return FolderTool(folder, binary)


def bundle(tool: Tool, code: int, *options: str, file: str = FILE, before: tuple[str, ...] = ()) -> Done:
    done = tool.run("doctor", "--bundle", tool.inside(file), *options, before=before)
    assert done.code == code and "panicked" not in done.err, done
    return done


@newer_build_and([PLAIN])
def test_all_that_helps_is_in_it_and_no_secret(manager: Manager, tool: Tool) -> None:
    manager.write("/mnt/pass", f"{PASSPHRASE}\n", 0o600)
    tool.apply(answers().replace("{keep: plaintext}", "{keep: encrypted, passphrase_file: /mnt/pass}")).must(0, "applied")
    text = manager.read(NMS_HTTP)
    for line, more in IN_SERVER.items():
        # What is left of the file after the run.
        text = text.replace(line, line + more if line.endswith("\n") else more)
    assert text.count("canary") > 4
    manager.write(NMS_HTTP, text.replace("\nserver {", f"{BEFORE_SERVER}\nserver {{", 1))
    manager.write("/etc/nms/nms.conf", NMS_SETTINGS)
    manager.write(SETTINGS, PACKAGED, 0o640)
    key = manager.read(f"{STATE}/ca/root.key") + manager.read("/etc/nms/certs/server.key")
    manager.write(LOG, f"{manager.read(LOG)}{LOG_LINES}dumped: {key}\nafter the keys token=canary-60\n")
    manager.write(f"{LOG}.1.gz", gzip.compress(f"packed away\n{key}".encode()))
    done = tool.run("doctor", "--bundle", FILE)
    assert done.code in (0, 1) and "panicked" not in done.err, done
    file = manager.path(FILE)
    assert stat.S_IMODE(file.lstat().st_mode) == 0o600 and file.stat().st_uid == os.geteuid()
    members = unpacked(file)
    holds_no_secret(members, keys_of(manager.path(STATE), manager.path("/etc/nms")))
    assert not {"canary", "zebra"} & set(done.out.split()), done
    run = json.loads(members["history.json"])["runs"][0]
    assert run["outcome"] == "applied" and run["command"] == "apply", run
    findings = json.loads(members["findings.json"])
    assert findings["schema"] == 1 and findings["findings"] and findings["sources"]
    assert done.code == any(each["severity"] == "error" for each in findings["findings"]), done
    assert findings["findings"][0]["title"] in " ".join(members["findings.txt"].split())
    assert {check["id"] for check in json.loads(members["checks.json"])["checks"]}
    assert "refused" in members["proof.txt"] and "issued for: 2 agents" in members["host.txt"], members["host.txt"]
    assert "********" in members[f"nginx{NMS_HTTP}"] and "ssl_verify_client" in members[f"nginx{NMS_HTTP}"]
    assert "grpcPort: 54789" in members[f"agent{SETTINGS}"] and "token: ********" in members[f"agent{SETTINGS}"]
    assert "user: nms" in members["manager/etc/nms/nms.conf"]
    assert members[f"logs{LOG}"].endswith("after the keys token=********\n")
    assert members[f"logs{LOG}.1.gz"].startswith("packed away\n")
    # What is told of it is what is in it.
    told = [line.split()[0] for line in done.out.splitlines() if line.startswith(f"  {TOP}/")]
    assert sorted(told) == sorted(f"{TOP}/{name}" for name in members), done
    assert FILE in done.out and f"{file.stat().st_size} bytes" in done.out and "Look at what is in it" in done.out
    said = tool.run("doctor", "--bundle", "/mnt/other.tar.gz", "--format", "json").document["bundle"]
    assert said["path"] == "/mnt/other.tar.gz" and said["bytes"] == manager.path("/mnt/other.tar.gz").stat().st_size
    assert {each["name"] for each in said["members"]} == set(told) and "Look at" in said["note"]


def test_a_secret_that_no_mask_covers_keeps_it_from_being_written(folder: Folder, on_folder: FolderTool) -> None:
    passphrase = folder.path("/mnt/pass")
    passphrase.write_text(PASSPHRASE)
    authority = answers().replace("{keep: plaintext}", f"{{keep: encrypted, passphrase_file: {passphrase}}}")
    on_folder.apply(authority).must(0, "applied")
    outside = folder.path("/srv/keys/other.key")
    outside.parent.mkdir(parents=True)
    folder.run("openssl", "genpkey", "-algorithm", "rsa", "-out", str(outside))
    conf = folder.path("/etc/nginx/conf.d/other.conf")
    conf.write_text("server { listen 9443 ssl; ssl_certificate_key /srv/keys/other.key; ssl_password_file /srv/keys/pass; }\n")
    log = folder.path(LOG)
    log.parent.mkdir(parents=True, exist_ok=True)
    quiet = "2026/11/26 11:00:00 [notice] 7#7: nothing\n"
    folder.path("/srv/keys/pass").write_text("canary-70 in nginx\n")

    def line(path: str, number: int) -> str:
        return folder.path(path).read_text().splitlines()[number]

    lines = {
        "a line of a key of the authority": line(f"{STATE}/ca/intermediate.key", 3),
        "an issued key, in a line": "x" + line(issued(AGENTS[0], "agent.key"), 2) + "x",
        "the key of the server": line("/etc/nms/certs/server.key", 1),
        "a key that nginx alone names": line("/srv/keys/other.key", 20),
        "the passphrase": f"said: {PASSPHRASE}.",
        "a passphrase of nginx": "said: canary-70 in nginx.",
    }
    for what, secret in lines.items():
        log.write_text(f"{quiet}{secret}\n{quiet}")
        done = bundle(on_folder, 1)
        assert "was not written" in done.err and "logs/var/log/nginx/error.log" in done.err, (what, done)
        assert secret not in done.err + done.out and not folder.path(FILE).exists(), (what, done)
        assert not list(folder.path("/mnt").glob(".nim-tls*")), what
    log.write_text(quiet)
    bundle(on_folder, 0)
    holds_no_secret(unpacked(folder.path(FILE)), keys_of(folder.root))


def test_it_takes_nobodys_place(folder: Folder, on_folder: FolderTool, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("theirs")
    for name, make in (
        ("file", lambda path: path.write_text("theirs")),
        ("link", lambda path: path.symlink_to(other)),
        ("nowhere", lambda path: path.symlink_to(tmp_path / "none")),
        ("folder", lambda path: path.mkdir()),
        ("fifo", os.mkfifo),
    ):
        path = folder.path(f"/mnt/{name}")
        make(path)
        before = path.lstat()
        done = bundle(on_folder, 2, file=f"/mnt/{name}")
        assert "--bundle replaces nothing" in done.err and "ls -ld" in done.err, done
        assert path.lstat().st_ino == before.st_ino and path.lstat().st_mtime_ns == before.st_mtime_ns
        document = on_folder.run("doctor", "--bundle", str(path), "--format", "json").document
        assert "replaces nothing" in document["problem"]
    assert other.read_text() == "theirs" and not (tmp_path / "none").exists()
    done = bundle(on_folder, 2, file="/mnt/none/x.tar.gz")
    assert "cannot be saved" in done.err, done
    for more in (("--explain", "drift"), ("--fix", "drift")):
        assert on_folder.run("doctor", "--bundle", str(tmp_path / "new"), *more).code == 2
    assert not (tmp_path / "new").exists()


def test_it_has_an_end(folder: Folder, on_folder: FolderTool) -> None:
    """Of large logs their ends; of very many files those that fit. It stays small in memory too."""
    log = folder.path(LOG)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("".join(f"2026/11/26 11:00:00 [notice] 7#7: {number:09}\n" for number in range(200_000)))
    for number in range(5):
        path = folder.path(f"/etc/nginx/conf.d/{number}.conf")
        path.write_text("# " + os.urandom(3 << 20).hex() + "\n")
    peak = Path(f"{folder.root}.peak")
    done = bundle(on_folder, 0, "--format", "json", before=("/usr/bin/time", "-f", "%M", "-o", str(peak)))
    told = done.document["bundle"]
    members = unpacked(folder.path(FILE))
    end = members[f"logs{LOG}"]
    assert end.endswith("000199999\n") and 250 << 10 < len(end) <= 256 << 10 and end.startswith("2026/"), end[:80]
    cuts = {each["name"].removeprefix(f"{TOP}/"): each["cut"] for each in told["members"]}
    assert cuts[f"logs{LOG}"] == f"its last {len(end)} bytes"
    assert cuts["nginx/etc/nginx/conf.d/0.conf"] == f"its first {4 << 20} bytes"
    assert sum(map(len, members.values())) <= 28 << 20 and "its last" in members["ABOUT.txt"]
    print(f"with 30 MiB of configuration: {int(peak.read_text().split()[-1]) >> 10} MiB at most")


@newer_build_and([PLAIN])
def test_who_is_not_root_gets_what_can_be_read(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    manager.path(LOG).chmod(0o600)
    manager.write(SETTINGS, PACKAGED, 0o600)
    manager.run("mkdir", "-m", "1777", "/mnt/open")
    file = "/mnt/open/mine.tar.gz"
    done = tool.run("doctor", "--bundle", file, before=NOBODY)
    assert done.code in (0, 1) and "panicked" not in done.err, done
    members = unpacked(manager.path(file))
    assert manager.path(file).stat().st_uid == 65534 and stat.S_IMODE(manager.path(file).stat().st_mode) == 0o600
    assert "nginx/etc/nginx/nginx.conf" in members and f"logs{LOG}" not in members
    about = members["ABOUT.txt"].split("Not in it:")[1]
    for path in (LOG, SETTINGS, STATE):
        assert path in about and path in done.out, (path, about, done)
    assert "could not be searched" in about
    holds_no_secret(members, keys_of(manager.path(STATE), manager.path("/etc/nms")))


@newer_build_and([PLAIN])
def test_a_link_in_the_way_to_it_leads_nowhere(manager: Manager, tool: Tool) -> None:
    """A folder that somebody else can change must not send root's file elsewhere."""
    manager.run("mkdir", "-m", "1777", "/mnt/open")
    manager.run(*NOBODY, "ln", "-s", "/etc", "/mnt/open/there")
    done = tool.run("doctor", "--bundle", "/mnt/open/there/x.tar.gz")
    assert done.code == 2 and "link" in done.err and not manager.path("/etc/x.tar.gz").exists(), done
