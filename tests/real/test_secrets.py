"""Canaries: a passphrase, private keys, and secrets in files of the host are found again in nothing that is printed,
recorded or handed on, whatever is done and however it ends.

The new text of an nginx file is in the run's own plan.json, and its old text in before/, both as private as keys are.

What makes these tests red: in src/values/secret.rs, `masked` that gives the line back, or `masked_lines` that forgets
what it hides from one line to the next; in src/front/reviewed.rs, `as_kept` that gives the plan back; in
src/probe/nginx.rs, a complaint that is not masked; in src/host/detached.rs, `leave_no_core` with a limit of 0; in
src/worker/spawn.rs, a worker that is given the passphrase as an argument.
"""

import os
import re
import stat
import subprocess
import time
from pathlib import Path

import pytest
from conftest import newer_build_and
from folder import Folder, FolderTool
from manager import Manager
from nim_tree import NMS_HTTP, PLAIN
from talk import Talk
from tool import ANSWERS_FILE, STATE, Tool, answers

PASSPHRASE = "canary-passphrase zebra zephyr"
TRACES = "/mnt/traces"
# In a file that a run edits: beside the lines that change, further off, and over several lines.
IN_SERVER = {
    "    root /var/www/nms;\n": '    # password: canary-01\n    set $api_token "canary-02"; # other words\n',
    "    ssl_session_timeout 10m;\n": '    set $api_secret "canary-03\n        canary-04"; # token: canary-05\n',
    "    ssl_verify_client off;\n": '    add_header X-Token\n        "canary-06";\n    if ($http_x_api_key != "canary-07") { set $x 1; }\n',
    "grpc_send_timeout 5m;\n": '        grpc_set_header Authorization "Basic canary-08\n            canary-09"\n        ;\n',
    "    limit_req zone=calls": '    set $x "http://user:canary-10@127.0.0.1";\n    # the token in plain words\n    limit_req zone=calls',
}
BEFORE_SERVER = """
map $http_x_api_key $client {
    default "";
    "canary-11" one;
}
"""
# In files that are read. The last is met by the rules of `doctor`.
SETTINGS = """user: nms
token: canary-20
password: |-
  canary-21

  canary-22
"api_key": >
  canary-23
flow: {secret: canary-24, "token": "canary-25"}
'passphrase': 'canary-26
  canary-27'
credentials:
- canary-28
"""
# Of now: what was last seen more than a day ago is a note.
NOW = time.strftime("%Y/%m/%d %H:%M:%S")
LOG = (
    f'{NOW} [error] 7#7: *1 upstream timed out, request: "GET /?token=canary-30 HTTP/1.1", '
    'host: "a", Authorization: canary-31\n'
    f"{NOW} [crit] 7#7: *1 connect() to unix:/var/run/nms/am.sock failed (2: No such file or directory), "
    'client: 10.0.0.9, upstream: "grpc://x", password=canary-32\n'
)


def with_canaries(folder: Folder) -> None:
    server = folder.path(NMS_HTTP)
    text = server.read_text()
    for line, more in IN_SERVER.items():
        assert line in text
        text = text.replace(line, line + more if line.endswith("\n") else more)
    server.write_text(text.replace("\nserver {", f"{BEFORE_SERVER}\nserver {{", 1))
    folder.path("/etc/nms/nms.conf").write_text(SETTINGS)
    folder.path("/var/log/nginx").mkdir(parents=True)
    folder.path("/var/log/nginx/error.log").write_text(LOG)
    key = folder.path("/etc/nms/certs/manager-server.key")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
    key.chmod(0o600)


def bodies(tree: Path) -> set[str]:
    """The lines of each private key in this tree."""
    found = set()
    for path in tree.rglob("*"):
        if path.is_file() and not path.is_symlink() and b"PRIVATE KEY" in (text := path.read_bytes()):
            found |= {line for line in text.decode().splitlines() if not line.startswith("-----")}
    return found


class Witness:
    """Runs commands, and keeps what each of their processes was started with and all that they print."""

    def __init__(self, folder: Folder, binary: Path) -> None:
        self.folder, self.tool = folder, FolderTool(folder, binary)
        self.said: dict[str, str] = {}
        self.keys: set[str] = bodies(folder.root)
        folder.path(TRACES).mkdir()

    def tracer(self) -> tuple[str, ...]:
        file = self.tool.inside(f"{TRACES}/{len(self.said)}")
        calls = "trace=execve,prlimit64,fsync"
        return ("strace", "-ff", "--seccomp-bpf", "-v", "-s", "100000", "-qq", "-e", calls, "-o", file)

    def run(self, code: int, *argv: str, more: tuple[str, ...] = ()) -> str:
        done = self.tool.run(*argv, before=(*self.tracer(), *more))
        assert done.code == code, (argv, done)
        return self.keep(" ".join(argv), done.out + done.err)

    def keep(self, name: str, said: str) -> str:
        self.said[f"{len(self.said)} {name}"] = said
        # Keys come and go.
        self.keys |= bodies(self.folder.root)
        return said

    def check(self) -> None:
        assert len(self.keys) > 8, self.keys
        traces = {path.name: path.read_text(errors="replace") for path in self.folder.path(TRACES).iterdir()}
        for name, text in (self.said | traces).items():
            self.holds_no_secret(name, text, canaries=True)
        started = [text for text in traces.values() if re.search(r"^execve\(.*/nim-tls\"", text)]
        assert len(started) > len(self.said)
        for text in started:
            assert "prlimit64(0, RLIMIT_CORE, {rlim_cur=1, rlim_max=1}" in text, text
        for path in self.folder.path(f"{STATE}/runs").rglob("*"):
            mode = stat.S_IMODE(path.lstat().st_mode)
            assert mode == (0o700 if path.is_dir() else 0o600), (path, mode)
            if path.is_file():
                copy = path.parent.name in ("before", "removed")
                text = path.read_text()
                if path.parent.name != "removed":
                    self.holds_no_secret(str(path), text, canaries=not copy and path.name != "plan.json")

    def holds_no_secret(self, where: str, text: str, *, canaries: bool) -> None:
        found = [word for word in (PASSPHRASE, PASSPHRASE.split()[1], "PRIVATE KEY-----") if word in text]
        found += [body for body in self.keys if body in text]
        found += re.findall(r"canary-\d+", text) if canaries else []
        assert found == [], (where, found, text)


@pytest.fixture
def witness(binary: Path, tmp_path: Path) -> Witness:
    folder = Folder(tmp_path / "root")
    with_canaries(folder)
    return Witness(folder, binary)


def encrypted(witness: Witness, word: str = "") -> str:
    """The answers, with the authority's key encrypted, in their place."""
    file = witness.folder.path(ANSWERS_FILE)
    file.write_text(file.read_text().replace("{keep: plaintext}", f"{{keep: encrypted{word}}}"))
    return str(file)


def test_no_secret_is_printed_recorded_or_handed_on(witness: Witness, tmp_path: Path) -> None:
    passphrase, saved = tmp_path / "pass", tmp_path / "plan.json"
    passphrase.write_text(f"{PASSPHRASE}\nzebra in the second line\n")
    passphrase.chmod(0o600)
    file = encrypted(witness, f", passphrase_file: {passphrase}")
    shown = witness.run(0, "plan", "--answers", file)
    assert shown.count("********") > 5, shown
    for format_ in ("json", "diff"):
        assert "********" in witness.run(0, "plan", "--answers", file, "--format", format_)
    witness.run(0, "plan", "--answers", file, "--save", str(saved))
    witness.holds_no_secret("the saved plan", saved.read_text(), canaries=True)
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    for format_ in ("text", "json", "diff"):
        shown = witness.keep("plan --plan", witness.folder.run(
            str(witness.tool.binary), "plan", "--plan", str(saved), "--format", format_).stdout)  # fmt: skip
        assert "********" in shown, shown
    # A fault in the middle: it is put back.
    fault = ("-e", "inject=fsync:error=EIO:when=50")
    assert "Input/output error" in witness.run(3, "apply", "--answers", file, "--yes", more=fault)
    witness.run(0, "apply", "--plan", str(saved), "--yes")
    witness.run(0, "rollback", "--yes", "--format", "json")
    witness.run(0, "apply", "--answers", file, "--yes", "--format", "json")
    # More agents, for which the key is opened; with the wrong passphrase first.
    answers_ = Path(file).read_text()
    Path(file).write_text(answers_.replace("agents: [", "agents: [web-7.example.com, "))
    passphrase.write_text("zebra wrong\n")
    assert "does not open" in witness.run(2, "apply", "--answers", file, "--yes")
    passphrase.write_text(PASSPHRASE)
    witness.run(0, "apply", "--answers", file, "--yes")
    for format_ in ("text", "json"):
        witness.run(0, "history", "--format", format_)
        witness.run(0, "watch", "--format", format_)
        witness.run(1, "verify", "--format", format_)
        # What the log told before this host was changed is a note.
        assert "********" in witness.run(0, "doctor", "--format", format_)
        witness.run(0, "check", "--format", format_)
    log = witness.tool.inside("/var/log/nginx/error.log")
    witness.run(1, "doctor", "--log", log)
    witness.run(0, "doctor", "--log", witness.tool.inside("/etc/nms/certs/manager-server.key"))
    witness.run(0, "rollback", "--yes")
    removed = list(witness.folder.path(f"{STATE}/runs").glob("*/removed/*"))
    assert any("PRIVATE KEY" in path.read_text() for path in removed)
    witness.check()


def test_a_passphrase_that_is_typed_is_nowhere_else(witness: Witness) -> None:
    file = encrypted(witness)
    command = witness.tool.command("apply", "--answers", file)
    with Talk(None, *witness.tracer(), *command, rows=400, TERM="dumb") as talk:
        talk.answer("Do this now?", "yes")
        talk.answer("Passphrase for the key", PASSPHRASE)
        talk.answer("The same again", PASSPHRASE)
        assert talk.exit_code() == 0, talk.text
        witness.keep("apply", talk.bytes.decode())
    assert "ENCRYPTED" in witness.folder.path(f"{STATE}/ca/root.key").read_text()
    witness.run(0, "rollback", "--yes")
    witness.check()


@newer_build_and([PLAIN])
def test_what_nginx_says_of_a_secret_is_masked(manager: Manager, tool: Tool) -> None:
    """A line that nginx refuses, and prints."""
    text = manager.read(NMS_HTTP)
    manager.write(NMS_HTTP, text.replace("server_name", "error_log syslog:secret=canary-40;\n    server_name", 1))
    assert "canary-40" in manager.test_config().stderr
    manager.write(ANSWERS_FILE, answers())
    for argv in (("check",), ("doctor",), ("plan", "--answers", ANSWERS_FILE), ("apply", "--answers", ANSWERS_FILE, "--yes")):
        for format_ in ("text", "json"):
            done = tool.run(*argv, "--format", format_)
            assert done.code == 1 and "********" in done.out + done.err, (argv, done)
            assert "canary" not in done.out + done.err, (argv, done)


@newer_build_and([PLAIN])
def test_a_live_run_hands_no_secret_to_a_program(manager: Manager, tool: Tool) -> None:
    """With the test of nginx, the trust store and the proof: what they are started with is looked at while it is so."""
    manager.write("/mnt/pass", PASSPHRASE, 0o600)
    manager.write(ANSWERS_FILE, answers().replace("{keep: plaintext}", "{keep: encrypted, passphrase_file: /mnt/pass}"))
    manager.path(TRACES).mkdir()
    tracer = ("strace", "-ff", "--seccomp-bpf", "-v", "-s", "100000", "-qq", "-e", "trace=execve", "-o", f"{TRACES}/of")
    done = tool.run("apply", "--answers", ANSWERS_FILE, "--yes", before=tracer)
    assert done.code == 0, done
    keys = set().union(*(bodies(manager.path(folder)) for folder in (STATE, "/etc/nms")))
    traces = [path.read_text(errors="replace") for path in manager.path(TRACES).iterdir()]
    texts = [*traces, done.out, done.err]
    texts += [path.read_text() for path in manager.path(f"{STATE}/runs").rglob("*") if path.is_file() and path.parent.name != "before"]
    assert any("nginx" in text for text in traces) and any("PROVEN" in text.upper() for text in texts)
    for text in texts:
        found = [word for word in (PASSPHRASE, "zebra", *keys) if word in text]
        assert found == [], (found, text)
    assert os.path.exists(manager.path(f"{STATE}/runs"))
