"""Review by four eyes: `plan --save` keeps a plan, `apply --plan` does it where its host is still the same."""

import hashlib
import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import snapshot
from conftest import BUILDS
from nim_tree import NMS_HTTP, PLAIN
from test_root import ANSWERS, contents, run, tree  # noqa: F401
from tool import ANSWERS_FILE, Tool, answers

NGINX_CONF = "etc/nginx/nginx.conf"
EDITED = NMS_HTTP.lstrip("/")


@pytest.fixture
def saved(binary: Path, tree: Path, tmp_path: Path) -> Path:  # noqa: F811
    """A plan of the tree, kept for review."""
    file = tmp_path / "plan.json"
    done = plan(binary, tree, file)
    assert done.returncode == 0, done
    return file


def plan(binary: Path, tree: Path, file: Path, *more: str) -> subprocess.CompletedProcess[str]:  # noqa: F811
    return run(binary, tree, "plan", "--answers", str(ANSWERS), "--save", str(file), *more)


def apply(binary: Path, tree: Path, file: Path, **how: object) -> subprocess.CompletedProcess[str]:  # noqa: F811
    return run(binary, tree, "apply", "--plan", str(file), "--yes", **how)


def said(binary: Path, file: Path, *more: str) -> str:
    """What a reviewer reads."""
    return subprocess.run([binary, "plan", "--plan", file, *more], capture_output=True, text=True, check=True).stdout


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """One JSON document and one clear error, with something to do."""
    assert done.returncode == code, done
    document = json.loads(done.stdout)
    assert document["schema"] == 1 and document["outcome"] == "refused" and document["run"] is None, document
    assert re.search("^nim-tls: .*\n  do: ", done.stderr, re.DOTALL | re.MULTILINE), done
    assert "panicked" not in done.stderr and "\x1b" not in done.stderr, done
    for word in words:
        assert word in done.stderr and word in document["problem"], (word, done)


def sealed(document: dict) -> str:
    """As the program writes a plan down: what somebody can forge who knows how."""
    def text(seal: str) -> str:
        return json.dumps(dict(document, hash=seal), indent=2, ensure_ascii=False) + "\n"

    return text(hashlib.sha256(text("").encode()).hexdigest())


def test_saved_shown_and_done_as_with_answers(binary: Path, tree: Path, saved: Path, tmp_path: Path) -> None:  # noqa: F811
    """Red where `--save` writes with another mode, where `--plan` shows another plan, or where it does another."""
    before = contents(tree)
    assert saved.stat().st_mode & 0o7777 == 0o600
    kept = json.loads(saved.read_text())
    assert kept["schema"] == 1 and kept["program"].startswith("nim-tls ") and kept["root"] == str(tree), kept
    assert kept["state_dir"] == f"{tree}/var/lib/nim-tls" and re.match(r"20\d\d-\d\d-\d\dT.*Z$", kept["saved"]), kept
    assert "\n".join(kept["answers"]) == ANSWERS.read_text()
    assert "PRIVATE KEY" not in saved.read_text()

    fresh = json.loads(run(binary, tree, "plan", "--answers", str(ANSWERS)).stdout)
    shown = json.loads(run(binary, tree, "plan", "--plan", str(saved)).stdout)
    about = shown.pop("saved")
    assert shown == fresh
    assert about["hash"] == kept["hash"] and about["file"] == str(saved) and about["answers"] == kept["answers"]
    wanted = [file["diff"] for file in fresh["files"] if file["diff"]]
    assert wanted and said(binary, saved, "--format", "diff") == "".join(wanted)
    as_text = said(binary, saved)
    assert kept["hash"] in as_text and "Steps, in this order:" in as_text and "manager_name: nim.example.com" in as_text
    assert contents(tree) == before and not (tree / "var/lib/nim-tls").exists()

    twin = tmp_path / "twin"
    subprocess.run(["cp", "-a", str(tree), str(twin)], check=True)
    done = apply(binary, tree, saved)
    assert done.returncode == 0 and json.loads(done.stdout)["outcome"] == "applied", done
    assert kept["hash"] in done.stderr, done
    usual = run(binary, twin, "apply", "--answers", str(ANSWERS), "--yes")
    assert json.loads(done.stdout)["changed"] == json.loads(usual.stdout)["changed"]
    assert {path: what[:3] for path, what in contents(tree).items()} == {
        path: what[:3] for path, what in contents(twin).items()
    }
    assert contents(tree)[EDITED] == contents(twin)[EDITED] != before[EDITED]

    refused(apply(binary, tree, saved), 1, "is left to be done")


def edit(path: str, more: str) -> Callable[[Path], None]:
    def act(tree: Path) -> None:  # noqa: F811
        (tree / path).write_text((tree / path).read_text() + more)

    return act


CHANGES = {
    "the file that is edited": (edit(EDITED, "# by hand\n"), f"/{EDITED}", "contents"),
    "another line of nginx.conf": (edit(NGINX_CONF, "worker_rlimit_nofile 4096;\n"), f"/{NGINX_CONF}", "contents"),
    "the mode of the file that is edited": (lambda tree: (tree / EDITED).chmod(0o640), f"/{EDITED}", "mode or owner"),
    "a site more": (
        lambda tree: (tree / "etc/nginx/conf.d/zz.conf").write_text("server { listen 81; }\n"),
        "/etc/nginx/conf.d/zz.conf",
        "is there now",
    ),
    "a certificate that was to be made": (
        lambda tree: (tree / "etc/nms/certs/server.crt").write_text("somebody's\n"),
        "/etc/nms/certs/server.crt",
        "is there now",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_fact_that_has_changed_is_named_and_nothing_is_touched(
    binary: Path,
    tree: Path,  # noqa: F811
    saved: Path,
    case: str,
) -> None:
    """Red where the digest of one of these files is left out of what a plan rests on."""
    change, path, words = CHANGES[case]
    change(tree)
    before = contents(tree)
    refused(apply(binary, tree, saved), 1, path, words)
    assert contents(tree) == before and not (tree / "var/lib/nim-tls/runs").exists()


def test_what_the_plan_does_not_rest_on_may_change(binary: Path, tree: Path, saved: Path) -> None:  # noqa: F811
    (tree / "etc/motd").write_text("welcome\n")
    (tree / "etc/nginx/conf.d/not-loaded.txt").write_text("x\n")
    os.utime(tree / EDITED, (1, 1))
    done = apply(binary, tree, saved)
    assert done.returncode == 0 and json.loads(done.stdout)["outcome"] == "applied", done


EDITS = {
    "an answer": lambda text: text.replace('"agents: [web-1', '"agents: [evil-1'),
    "a planned line": lambda text: text.replace("ssl_verify_client", "ssl_verify_depth", 1),
    "the hash": lambda text: re.sub(r'"hash": "....', '"hash": "0000', text),
    "the host": lambda text: re.sub(r'"host": "[^"]*"', '"host": "elsewhere"', text),
    "a field more": lambda text: text.replace('{\n  "schema": 1,', '{\n  "schema": 1,\n  "more": 1,'),
    "a field more inside": lambda text: text.replace('"action": {', '"more": 1,\n "action": {', 1),
    "white space": lambda text: text + " ",
    "carriage returns": lambda text: text.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("case", EDITS)
def test_an_edited_plan(binary: Path, tree: Path, saved: Path, case: str) -> None:  # noqa: F811
    """Red where the bytes of the file are not compared with what was read of them."""
    text = saved.read_text()
    changed = EDITS[case](text)
    assert changed != text
    saved.write_text(changed, newline="")
    before = contents(tree)
    refused(apply(binary, tree, saved), 2, str(saved))
    assert run(binary, tree, "plan", "--plan", str(saved)).returncode == 2
    assert contents(tree) == before


def test_a_forged_plan_does_nothing_that_is_not_planned_here(binary: Path, tree: Path, saved: Path) -> None:  # noqa: F811
    """Red where what is carried out is the plan of the file."""
    honest = json.loads(saved.read_text())
    assert sealed(honest) == saved.read_text()
    before = contents(tree)

    text = saved.read_text().replace("ssl_verify_client optional", "ssl_verify_client off")
    saved.write_text(sealed(json.loads(text)))
    refused(apply(binary, tree, saved), 1, f"/{EDITED}", "is not what was reviewed")

    added = json.loads(sealed(honest))
    added["plan"]["files"].append(dict(added["plan"]["files"][0], path="/etc/cron.d/evil", status="create", before=None))
    saved.write_text(sealed(added))
    refused(apply(binary, tree, saved), 1, "/etc/cron.d/evil")

    other = json.loads(sealed(honest))
    other["answers"] = [line.replace("web-1", "evil-1") for line in other["answers"]]
    saved.write_text(sealed(other))
    refused(apply(binary, tree, saved), 1, "evil-1")
    assert contents(tree) == before

    saved.write_text(sealed(honest))
    assert apply(binary, tree, saved).returncode == 0


def test_a_file_that_is_no_saved_plan(binary: Path, tree: Path, saved: Path, tmp_path: Path) -> None:  # noqa: F811
    """Red where the file is read without a limit, or opened without a look at what it is."""
    whole = saved.read_bytes()
    before = contents(tree)
    made = {f"cut-{at}": whole[:at] for at in (0, 1, 40, 200, len(whole) // 2, len(whole) - 3, len(whole) - 1)}
    made |= {
        "random": os.urandom(4096),
        "deep": b"[" * 1_000_000,
        "many": b'{"schema": 1, "program": [' + b'"",' * 2_000_000,
        "other": run(binary, tree, "plan", "--answers", str(ANSWERS)).stdout.encode(),
        "answers": ANSWERS.read_bytes(),
        "older": re.sub(rb'"program": "[^"]*"', rb'"program": "nim-tls 0.0.9\\u001b[31m"', whole),
        "heavy": whole.replace(b'"notes": [', b'"notes": [' + b'"",' * 400_000, 1),
        "newer": whole.replace(b'"schema": 1,', b'"schema": 2,', 1),
    }
    files = [tmp_path / name for name in [*made, "folder", "fifo", "huge", "absent"]]
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "huge").touch()
    os.truncate(tmp_path / "huge", 1 << 34)
    limited = ("sh", "-c", 'ulimit -v 400000; exec "$@"', "sh")
    for file in files:
        began = time.monotonic()
        refused(apply(binary, tree, file, before=limited), 2, str(file))
        shown = run(binary, tree, "plan", "--plan", str(file), before=limited)
        assert shown.returncode == 2 and str(file) in shown.stderr, shown
        # Not one of them is waited for, however busy the machine is.
        assert time.monotonic() - began < 30, file
    assert contents(tree) == before


def test_saving_replaces_nothing_and_follows_no_link(binary: Path, tree: Path, tmp_path: Path) -> None:  # noqa: F811
    """Red where the place is not looked at, or where the file is placed under its name, not renamed to it."""
    there, links = tmp_path / "there", tmp_path / "links"
    there.write_text("mine")
    links.mkdir()
    (links / "to-it").symlink_to(there)
    (links / "to-nothing").symlink_to(tmp_path / "nothing")
    (links / "folder").mkdir()
    for file in (there, *links.iterdir(), tmp_path / "no-folder" / "plan.json"):
        done = plan(binary, tree, file)
        named = str(file if file.parent.exists() else file.parent)
        assert done.returncode == 2 and named in done.stderr and "\n  do: ls -l" in done.stderr, done
        # To move away whatever is there, such as /etc/passwd, is no advice to be pasted.
        assert "name another file" in done.stderr or not file.parent.exists(), done
        assert named in json.loads(done.stdout)["problem"], done
    assert there.read_text() == "mine" and not (tmp_path / "nothing").exists()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["links", "root", "there"]

    # Between the look and the end somebody else makes a file of that name.
    raced = tmp_path / "raced"
    late = ("strace", "-f", "-e", "inject=renameat2:error=EEXIST", "-o", "/dev/null")
    done = run(binary, tree, "plan", "--answers", str(ANSWERS), "--save", str(raced), before=late)
    assert done.returncode == 2 and str(raced) in done.stderr, done
    assert sorted(one.name for one in tmp_path.iterdir()) == ["links", "root", "there"]


def test_a_plan_of_another_place(binary: Path, tree: Path, saved: Path, tmp_path: Path) -> None:  # noqa: F811
    twin = tmp_path / "twin"
    subprocess.run(["cp", "-a", str(tree), str(twin)], check=True)
    before = contents(twin)
    refused(apply(binary, twin, saved), 2, f"--root {tree}")
    elsewhere = run(binary, tree, "apply", "--plan", str(saved), "--yes", "--state-dir", str(tree / "srv/tls"))
    refused(elsewhere, 2, f"the state folder {tree}/var/lib/nim-tls")
    assert contents(twin) == contents(tree) == before

    kept = json.loads(saved.read_text())
    saved.write_text(sealed(dict(kept, host="elsewhere")))
    (tree / "etc/hostname").write_text("here\n")
    refused(apply(binary, tree, saved), 1, "elsewhere", "here")


def test_one_source_and_a_name_that_is_shown_as_it_is(binary: Path, tree: Path, saved: Path, tmp_path: Path) -> None:  # noqa: F811
    both = run(binary, tree, "apply", "--yes", "--plan", str(saved), "--answers", str(ANSWERS))
    none = run(binary, tree, "apply", "--yes")
    again = run(binary, tree, "plan", "--plan", str(saved), "--save", str(tmp_path / "again"))
    for done in (both, none, again):
        assert done.returncode == 2 and json.loads(done.stdout)["problem"], done
    assert not (tmp_path / "again").exists()

    odd = tmp_path / "pl\x1b[31man it's.json"
    as_text = [binary, "plan", "--answers", ANSWERS, "--root", tree, "--save", odd]
    done = subprocess.run(as_text, capture_output=True, text=True, check=True)
    assert "\x1b" not in done.stdout + done.stderr and "\\u{1b}" in done.stdout, done
    command = [line.strip() for line in done.stdout.splitlines() if "apply --plan" in line]
    assert len(command) == 1 and command[0].startswith("nim-tls apply --plan $'"), command
    document = json.loads(plan(binary, tree, tmp_path / "other.json").stdout)
    assert document["saved"]["command"] == f"nim-tls apply --plan {tmp_path}/other.json --root {tree}", document["saved"]


@pytest.fixture
def nginx():  # noqa: ANN201
    """One build is enough here: none of this depends on the version."""
    return BUILDS[1]


@pytest.fixture
def shape():  # noqa: ANN201
    return PLAIN


def test_on_a_running_host(tool: Tool) -> None:
    """Red where the number of nginx's process counts as a change, or where a step comes from the file."""
    manager, file = tool.manager, "/mnt/plan.json"
    manager.write(ANSWERS_FILE, answers())
    before = snapshot.take(manager)
    done = tool.run("plan", "--answers", ANSWERS_FILE, "--save", file, "--format", "json")
    assert done.code == 0 and snapshot.differences(before, snapshot.take(manager)) == [], done
    nginx = done.document["saved"]["rests_on"]["versions"]["nginx"]
    assert ".".join(map(str, BUILDS[1].version)) in nginx, nginx

    forged = json.loads(manager.read(file))
    for step in forged["plan"]["steps"]:
        if step["id"] == "test":
            step["action"]["test"]["binary"] = "/mnt/evil"
    manager.write("/mnt/forged.json", sealed(forged))
    manager.write("/mnt/evil", "#!/bin/sh\ntouch /mnt/evil-ran\n", 0o755)
    done = tool.run("apply", "--plan", "/mnt/forged.json", "--yes", "--format", "json")
    assert done.must(1, "refused") and "test the new files" in done.err, done
    assert not manager.path("/mnt/evil-ran").exists()
    assert snapshot.differences(before, snapshot.take(manager)) == []

    manager.edit("/etc/nginx/nginx.conf", "worker_connections", "multi_accept on; worker_connections")
    done = tool.run("apply", "--plan", file, "--yes", "--format", "json")
    assert done.must(1, "refused") and "/etc/nginx/nginx.conf" in done.err, done
    manager.edit("/etc/nginx/nginx.conf", "multi_accept on; worker_connections", "worker_connections")
    assert snapshot.differences(before, snapshot.take(manager)) == []

    # Another process of nginx: nothing that was reviewed.
    master = manager.read("/run/nginx.pid").strip()
    manager.run(*manager.nginx.argv, "-s", "quit")
    manager.run("sh", "-c", f"while kill -0 {master} 2>/dev/null; do sleep 0.05; done", timeout=20)
    manager.start_nginx()
    done = tool.run("apply", "--plan", file, "--yes", "--format", "json")
    assert done.must(0, "applied")["proof"], done
