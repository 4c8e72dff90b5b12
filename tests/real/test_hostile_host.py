"""Files of the host that were made to harm whoever looks at it: what a terminal would obey is never written to one, and
what has no end, or is too large to be read, ends with words, soon and in little memory.

What makes these tests red: in src/front/output.rs, text that passes by the last gate (`shown`) and JSON that passes by
`shown_json`, with `escaped` in src/values/text.rs that gives the text back; in src/probe/reader.rs, `LARGEST` without a
bound; in src/doctor/reading.rs, a log that is read whole.
"""

import os
import resource
import subprocess
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import newer_build_and
from folder import Folder, FolderTool
from lab import environment
from manager import Manager
from nim_tree import CERTS, NMS_HTTP, PLAIN
from talk import Talk
from tool import ANSWERS_FILE, Tool, answers

# A colour, a title that some terminals give back as if typed, one in C1, other directions, the start of the line.
NASTY = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202eleft\u2066\u200b\rover\x08\x7f\u2028"
QUESTIONS = (
    ("What next?", ""),
    ("What next?", ""),
    ("How should traffic", ""),
    ("Which proxy?", ""),
    ("Name of the manager", "nim.example.com"),
    ("Further names", "10.0.0.5"),
    ("Agents", "web-1.example.com"),
    ("Certificates of agents", ""),
    ("Send browsers", ""),
    ("What becomes of", "plaintext"),
    ("Certificate of the manager", ""),
    ("Kind of keys", ""),
    ("Put the root", ""),
)
FORMATS = ("text", "json")
GIGABYTE = 1 << 30
MEMORY = 200 << 10
SECONDS = 20


def obeyed(said: str) -> set[str]:
    """What of it a terminal obeys, or passes over."""
    return {hex(ord(c)) for c in said if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")}


def hostile(folder: Folder) -> None:
    def add(inside: str, text: str) -> None:
        path = folder.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", newline="") as file:
            file.write(text)

    folder.path("/etc/os-release").unlink()
    add("/etc/os-release", f'PRETTY_NAME="Debian {NASTY}"\nID=debian\nVERSION_ID="12{NASTY}"\n')
    add("/etc/hostname", f"host{NASTY}\n")
    add("/etc/hosts", f"127.0.0.1 nim.example.com{NASTY}\n")
    add("/etc/passwd", f"nms{NASTY}:x:998:998:{NASTY}:/:/bin/sh\n")
    add("/etc/nms/nms.conf", f"# {NASTY}\nuser: {NASTY}\n")
    status = folder.path("/var/lib/dpkg/status")
    status.write_text(status.read_text().replace("\nVersion: ", f"\nVersion: 2{NASTY.replace(chr(13), '')}", 1), newline="")
    text = folder.path(NMS_HTTP).read_text()
    text = text.replace("    ssl_verify_client off;", f"    # {NASTY}\n    ssl_verify_client off; # {NASTY}")
    text = text.replace("    server_name _;", f'    server_name _ "{NASTY}";')
    folder.path(NMS_HTTP).write_text(text, newline="")
    odd = f"/etc/nginx/conf.d/a{NASTY}.conf"
    add(odd, f'map $uri $odd {{ default "{NASTY}"; }}\nerror_log "/var/log/nginx/b{NASTY}.log";\n')
    for log in ("error.log", f"b{NASTY}.log"):
        add(
            f"/var/log/nginx/{log}",
            f"2026/11/26 11:00:00 [crit] 7#7: *1 connect() to unix:/var/run/nms/{NASTY.replace(chr(0x2028), '')}.sock "
            f'failed (2: No such file or directory), client: {NASTY}, upstream: "{NASTY}"\n',
        )
    add("/var/log/nginx-agent/agent.log", f'level=error msg="{NASTY} certificate signed by unknown authority"\n')
    certificate(folder.path(CERTS) / "manager-server")


def certificate(path: Path) -> None:
    """Of a subject and a name that hold all of it, and a line end."""
    config = path.with_suffix(".cnf")
    config.write_text("[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\n[ext]\n")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-utf8", "-days", "2", "-config", config,
         "-subj", f"/CN=x\n{NASTY}/O={NASTY}", "-addext", f"subjectAltName=DNS:a\x1b[31m,URI:x{chr(0x1b)}]0;",
         "-keyout", path.with_suffix(".key"), "-out", path.with_suffix(".pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    config.unlink()


def said(tool: Tool, *argv: str, place: bool = True) -> str:
    """What it writes, byte for byte; it comes to its end."""
    command = tool.command(*argv) if place else [str(tool.binary), *argv]
    done = subprocess.run(command, capture_output=True, timeout=60, env=environment(), stdin=subprocess.DEVNULL, check=False)
    whole = (done.stdout + done.stderr).decode()
    assert "panicked" not in whole and done.returncode in range(7), (argv, done)
    assert obeyed(whole) == set(), (argv, done)
    return whole


@pytest.fixture
def tool(binary: Path, tmp_path: Path) -> FolderTool:
    return FolderTool(Folder(tmp_path / "root"), binary)


def test_no_terminal_is_addressed(tool: FolderTool, tmp_path: Path) -> None:
    hostile(tool.manager)
    file, saved = tool.inside(ANSWERS_FILE), str(tmp_path / f"plan{NASTY}.json")
    shown = ""
    for format_ in FORMATS:
        shown += said(tool, "check", "--format", format_)
        shown += said(tool, "doctor", "--format", format_)
        log = tool.inside(f"/var/log/nginx/b{NASTY}.log")
        shown += said(tool, "doctor", "--log", log, "--log", f"{log}.none", "--format", format_)
        shown += said(tool, "plan", "--answers", file, "--format", format_)
        said(tool, "plan", "--answers", f"{file}{NASTY}", "--format", format_)
        said(tool, "methods", "--format", format_)
        said(tool, "check", f"--{NASTY}")
    shown += said(tool, "plan", "--answers", file, "--format", "diff")
    assert "\\u{1b}[31mred" in shown and "\\u{202e}" in shown, shown
    said(tool, "plan", "--answers", file, "--save", saved)
    for format_ in (*FORMATS, "diff"):
        assert "[31mred" in said(tool, "plan", "--plan", saved, "--format", format_, place=False)
    # Whatever it comes to: here, that it is not reviewed any more, or done.
    said(tool, "apply", "--plan", saved, "--yes")
    said(tool, "apply", "--answers", file, "--yes")
    runs = [path for path in tool.manager.path("/var/lib/nim-tls/runs").iterdir() if path.is_dir()]
    for run in runs:
        for name in ("request.json", "receipt.json", "events.jsonl", "proof.txt"):
            record = run / name
            if record.exists():
                record.write_bytes(record.read_bytes().replace(b"no terminal", NASTY.encode()).replace(b"done", NASTY.encode()))
    for format_ in FORMATS:
        for argv in (("history",), ("watch",), ("verify",), ("check",), ("rollback", "--yes")):
            said(tool, *argv, "--format", format_)
    assert runs


def test_the_wizard_in_lines_addresses_no_terminal(tool: FolderTool) -> None:
    hostile(tool.manager)
    with Talk(None, *tool.command(), columns=100, rows=400, TERM="dumb") as talk:
        for question, text in QUESTIONS:
            talk.answer(question, text)
        talk.wait_for_news("6/8 Files")
        talk.answer("Show which file?", "1")
        talk.wait_for_news("Show which file?")
        talk.type("quit\r")
        talk.settle()
        text = talk.bytes.decode().replace("\r\n", "\n")
    assert obeyed(text) == set(), text
    assert "\\u{1b}[31m" in text, text


@newer_build_and([PLAIN])
def test_a_live_host_addresses_no_terminal(manager: Manager, binary: Path) -> None:
    """What programs print of the same files: nginx, ss, getent, and a process with such a name."""
    live = Tool(manager, binary)
    for path in ("/etc/os-release", "/etc/hostname"):
        manager.run("rm", "-f", path)
        manager.write(path, f'PRETTY_NAME="{NASTY}"\nID="{NASTY}"\n')
    manager.write(f"/etc/nginx/conf.d/a{NASTY}.conf", f'map $uri $odd {{ default "{NASTY}"; }}\n')
    manager.edit(NMS_HTTP, "ssl_verify_client      off;", f"ssl_verify_client      off; # {NASTY}")
    manager.spawn("python3", "-c", f"import ctypes,sys;ctypes.CDLL(None).prctl(15,b'nginx\\x1b[31m');sys.stdin.read() #{NASTY}")
    manager.write(ANSWERS_FILE, answers())
    for argv in (("check",), ("plan", "--answers", ANSWERS_FILE), ("apply", "--answers", ANSWERS_FILE, "--yes"), ("doctor",)):
        for format_ in FORMATS:
            said(live, *argv, "--format", format_)
    manager.edit(NMS_HTTP, "server_name", f'"{NASTY}" x;\n    server_name')
    for argv in (("check",), ("plan", "--answers", ANSWERS_FILE), ("doctor",), ("rollback", "--yes"), ("history",)):
        for format_ in FORMATS:
            said(live, *argv, "--format", format_)


def sparse(inside: str) -> Callable[[Folder], None]:
    def make(folder: Folder) -> None:
        path = folder.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.truncate(path, GIGABYTE)

    return make


def many(folder: Folder) -> None:
    for number in range(20_000):
        folder.path(f"/etc/nginx/conf.d/{number}.conf").write_text(f"# {number}\n")


def endless_line(folder: Folder) -> None:
    folder.path("/var/log/nginx").mkdir(parents=True)
    folder.path("/var/log/nginx/error.log").write_bytes(b"upstream timed out " * (4 << 20))


LARGE = {
    "error-log": (sparse("/var/log/nginx/error.log"), "doctor", "NUL|no text|MiB|error.log"),
    "agent-log": (sparse("/var/log/nginx-agent/agent.log"), "doctor", "agent.log"),
    "endless-line": (endless_line, "doctor", "error.log"),
    "main-conf": (sparse("/etc/nginx/nginx.conf"), "plan", "nginx.conf"),
    "conf": (sparse(NMS_HTTP), "plan", "nms-http.conf"),
    "certificate": (sparse(f"{CERTS}/manager-server.pem"), "plan", "manager-server.pem"),
    "os-release": (sparse("/etc/os-release"), "check", "os-release"),
    "packages": (sparse("/var/lib/dpkg/status"), "check", "version unknown"),
    "passwd": (sparse("/etc/passwd"), "check", ""),
    "settings": (sparse("/etc/nms/nms.conf"), "check", ""),
    "journal": (sparse("/var/lib/nim-tls/runs/2026-01-01-01/journal.jsonl"), "history", "cut-short"),
    "many-files": (many, "plan", ""),
}


@pytest.mark.parametrize("case", LARGE)
def test_what_is_too_large_ends_with_words(tool: FolderTool, case: str) -> None:
    make, command, names = LARGE[case]
    make(tool.manager)
    for argv in ((command,), ("check",), ("apply", "--yes")):
        if argv[0] in ("plan", "apply"):
            argv = (*argv, "--answers", tool.inside(ANSWERS_FILE))
        process = subprocess.Popen(
            tool.command(*argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(), stdin=subprocess.DEVNULL
        )
        text = process.stdout.read().decode()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        # Of the processor: other tests run beside this one.
        took = used.ru_utime + used.ru_stime
        assert process.returncode in range(6) and "panicked" not in text, (argv, process.returncode, text[-2000:])
        assert took < SECONDS and used.ru_maxrss < MEMORY, (argv, took, used.ru_maxrss, text[-2000:])
        print(f"{case} {argv[0]}: {took:.1f} s, {used.ru_maxrss >> 10} MiB, exit {process.returncode}")
        if argv[0] == command:
            said_ = " ".join(text.split())
            assert not names or any(name in said_ for name in names.split("|")), text[-2000:]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < MEMORY << 1
