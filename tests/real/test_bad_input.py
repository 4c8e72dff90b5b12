"""Bad input and hosts that are not fit: one clear error that names the thing, and nothing touched."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import snapshot
from conftest import BUILDS
from manager import NAME, Manager
from nim_tree import NMS_HTTP, PLAIN
from tool import ANSWERS_FILE, STATE, Done, Tool, answers

# What is put in place of `old` in the answers, and what the error must say.
WRONG_ANSWERS = {
    "unknown field": ("version: 1\n", "version: 1\nmethodd: client-mtls\n", "methodd"),
    "unknown field inside": ("{keep: plaintext}", "{keep: plaintext, pass: x}", "pass"),
    "unknown method": ("client-mtls", "client-mtsl", "client-mtls"),
    "no word about the CA's key": ("  ca_key: {keep: plaintext}", "  key: ecdsa-p256", "encrypted.*plaintext.*discard"),
    "missing field": (f"manager_name: {NAME}\n", "", "manager_name"),
    "semicolon": (NAME, '"nim.example.com;"', "manager_name"),
    "new line": (NAME, r'"nim.example.com\nx"', "manager_name"),
    "quote": (NAME, "'nim\"example.com'", "manager_name"),
    "space": (NAME, '"nim example.com"', "manager_name"),
    "escape sequence": (NAME, r'"\e[31mnim.example.com"', "manager_name"),
    "agent with a path": ("web-1.example.com", "../../etc/passwd", "agents"),
    "port 0": ("method:", "ports: {https: 0}\nmethod:", "ports.https"),
    "port 70000": ("method:", "ports: {https: 70000}\nmethod:", "ports.https"),
    "not yaml": ("version: 1", "version: [1", "line"),
    "other version": ("version: 1", "version: 2", "version"),
}


@pytest.fixture
def nginx():  # noqa: ANN201
    """One build is enough here: none of this depends on the version."""
    return BUILDS[0]


@pytest.fixture
def shape():  # noqa: ANN201
    return PLAIN


@pytest.fixture
def resting(make_manager: Callable[..., Manager], nginx, shape) -> Manager:  # noqa: ANN001
    """A manager whose nginx does not run."""
    return make_manager(nginx, shape)


def untouched(tool: Tool, code: int | tuple[int, ...], names: str, act: Callable[[], Done]) -> None:
    before = snapshot.take(tool.manager)
    done = act()
    assert done.code in (code if isinstance(code, tuple) else (code,)), done
    assert re.search(names, done.err, re.DOTALL), done
    assert "panicked" not in done.err and "\x1b" not in done.out + done.err, done
    assert snapshot.differences(before, snapshot.take(tool.manager)) == []


@pytest.mark.parametrize("case", WRONG_ANSWERS)
def test_wrong_answers(tool: Tool, case: str) -> None:
    old, new, names = WRONG_ANSWERS[case]
    assert old in answers()
    untouched(tool, 2, names, lambda: tool.apply(answers().replace(old, new)))


def test_an_unknown_field_is_named_with_its_place(tool: Tool) -> None:
    done = tool.apply(answers().replace("version: 1\n", "version: 1\nmethodd: x\n"))
    assert re.search(r"\b2\b", done.err) and "method" in done.err, done


def test_random_bytes(tool: Tool) -> None:
    untouched(tool, 2, re.escape(ANSWERS_FILE), lambda: tool.apply(os.urandom(4096)))


def test_a_gigabyte(tool: Tool) -> None:
    tool.manager.write(ANSWERS_FILE, "")
    os.truncate(tool.manager.path(ANSWERS_FILE), 1 << 30)
    limited = ("sh", "-c", 'ulimit -v 1000000; exec "$@"', "sh")
    untouched(tool, 2, re.escape(ANSWERS_FILE), lambda: tool.apply(before=limited))


def test_no_answers_file(tool: Tool) -> None:
    untouched(tool, 2, "/mnt/nowhere.yaml", lambda: tool.run("apply", "--answers", "/mnt/nowhere.yaml", "--yes"))


def test_no_yes_and_no_terminal(tool: Tool) -> None:
    tool.manager.write(ANSWERS_FILE, answers())
    untouched(tool, 2, "--yes", lambda: tool.run("apply", "--answers", ANSWERS_FILE))


def test_not_root(tool: Tool) -> None:
    tool.manager.run("chmod", "0755", "/mnt")
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    # The binary may lie where only root can go.
    tool.manager.write("/mnt/nim-tls", Path(tool.binary).read_bytes(), 0o755)
    as_nobody = Tool(tool.manager, Path("/mnt/nim-tls"))
    untouched(as_nobody, 1, "root", lambda: as_nobody.apply(answers(), before=nobody))


def test_no_nginx(resting: Manager, binary: Path) -> None:
    resting.run("mount", "-n", "-t", "tmpfs", "lab", "/usr/sbin")
    tool = Tool(resting, binary)
    untouched(tool, 1, "nginx", lambda: tool.apply(answers()))


def test_an_nginx_that_does_not_load_today(tool: Tool) -> None:
    tool.manager.write("/etc/nginx/conf.d/zz-broken.conf", "server {\n    lisssten 80;\n}\n")
    untouched(tool, 1, r"zz-broken\.conf:2", lambda: tool.apply(answers()))


def test_no_manager_here(tool: Tool) -> None:
    tool.manager.path(NMS_HTTP).unlink()
    untouched(tool, 1, r"nms-http\.conf", lambda: tool.apply(answers()))


def test_a_truncated_file(tool: Tool) -> None:
    text = tool.manager.read(NMS_HTTP)
    tool.manager.write(NMS_HTTP, text[: len(text) // 2])
    untouched(tool, 1, r"nms-http\.conf:\d+", lambda: tool.apply(answers()))


def test_a_folder_in_the_files_place(tool: Tool) -> None:
    tool.manager.path(NMS_HTTP).unlink()
    tool.manager.path(NMS_HTTP).mkdir()
    untouched(tool, 1, r"nms-http\.conf", lambda: tool.apply(answers()))


def test_the_port_is_somebody_elses(resting: Manager, binary: Path) -> None:
    taker = resting.spawn("openssl", "s_server", "-accept", "443", "-nocert", "-quiet")
    resting.run("sh", "-c", "until ss -ltnH 'sport = :443' | grep -q .; do sleep 0.1; done", timeout=10)
    tool = Tool(resting, binary)
    untouched(tool, 1, "443.*openssl|openssl.*443", lambda: tool.apply(answers()))
    taker.stdin.close()


@pytest.mark.parametrize("place", [STATE, "/etc/nms/certs"])
def test_no_space(tool: Tool, place: str) -> None:
    manager = tool.manager
    kept = {entry.name: entry.read_bytes() for entry in manager.path(place).iterdir()} if place != STATE else {}
    manager.path(place).mkdir(exist_ok=True)
    manager.run("mount", "-n", "-t", "tmpfs", "-o", "size=24k", "lab", place)
    for name, content in kept.items():
        manager.write(f"{place}/{name}", content, 0o600)
    manager.run("sh", "-c", f"cat /dev/zero >{place}/filler 2>/dev/null", check=False)
    untouched(tool, (1, 3), "space", lambda: tool.apply(answers()))


def test_a_name_that_does_not_resolve(tool: Tool) -> None:
    text = answers().replace(NAME, "nowhere.example.com")
    untouched(tool, 1, r"nowhere\.example\.com", lambda: tool.apply(text))
