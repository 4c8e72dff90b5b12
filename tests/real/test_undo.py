"""Going back, going again, and going nowhere: the tree as a witness."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import snapshot
from clients import Attempt
from conftest import each_build_and, newer_build_and
from lab import Nginx
from manager import NAME, Manager, both_services
from nim_tree import NMS_HTTP, OLDER, PLAIN, SHAPES, TRAPPED, VENDOR_NAME, Shape
from tool import AGENTS, ANCHOR, STATE, Done, Tool, answers

pytestmark = pytest.mark.alternating

BROKEN = "/etc/nginx/conf.d/zz-broken.conf"
HOOKS = "/etc/ca-certificates/update.d"
STORE = "/etc/ssl/certs/ca-certificates.crt"
# What the hook of Debian's package for Java does: notes what is pending, wakes dpkg, rewrites a store.
JAVA_HOOK = """#!/bin/sh
set -e
mkdir -p /var/lib/ca-certificates-java /etc/ssl/certs/java
cat >>/var/lib/ca-certificates-java/pending
echo update-ca-certificates-java >>/var/lib/dpkg/triggers/Unincorp
date +%N >>/etc/ssl/certs/java/cacerts
"""


@each_build_and(SHAPES)
def test_rollback_puts_everything_back(manager: Manager, tool: Tool) -> None:
    before = snapshot.take(manager)
    tool.apply(answers()).must(0, "applied")
    assert snapshot.differences(before, snapshot.take(manager)), "apply changed nothing, so nothing would be shown"

    tool.rollback().must(0, "rolled-back")

    assert snapshot.differences(before, snapshot.take(manager)) == []
    assert not manager.old_workers()
    (outcome,) = manager.attempt([Attempt(sni=NAME)])
    assert outcome.reached, f"nginx still runs what was rolled back: {outcome}"


@each_build_and([PLAIN])
@pytest.mark.parametrize("method", ["client-mtls", "ssl-termination"])
def test_rollback_needs_no_configuration_that_loads(manager: Manager, tool: Tool, method: str) -> None:
    before = snapshot.take(manager)
    tool.apply(answers(method)).must(0, "applied")
    manager.write(BROKEN, "server {\n    lisssten 80;\n}\n")

    done = tool.rollback()

    assert "refused" in str(done.must(0, "rolled-back")["reload"]), done
    assert f"{BROKEN}:2" in done.out + done.err, done
    manager.path(BROKEN).unlink()
    assert snapshot.differences(before, snapshot.take(manager)) == []


@each_build_and([PLAIN])
@pytest.mark.parametrize("hooks", ["of Java's kind", "of this machine"])
def test_rollback_covers_what_the_trust_stores_hooks_did(manager: Manager, tool: Tool, hooks: str) -> None:
    if hooks == "of this machine":
        for hook in filter(Path.is_file, Path(HOOKS).iterdir()):
            manager.write(f"{HOOKS}/{hook.name}", hook.read_bytes(), 0o755)
    else:
        manager.write(f"{HOOKS}/java", JAVA_HOOK, 0o755)
    before = snapshot.take(manager)
    tool.apply(answers()).must(0, "applied")
    tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(manager)) == []


class WithAllAuthorities(Manager):
    """Every other lab trusts a few of the distribution's."""

    authorities = 10_000


def test_a_store_of_all_the_distributions_authorities_is_added_to_and_put_back(nginx: Nginx, binary: Path) -> None:
    with WithAllAuthorities(nginx, PLAIN) as manager:
        manager.start()
        tool = Tool(manager, binary)
        before, store = snapshot.take(manager), manager.read(STORE)
        assert store.count("BEGIN CERTIFICATE") > 100
        tool.apply(answers()).must(0, "applied")
        added = manager.read(STORE)
        assert added.count("BEGIN CERTIFICATE") == store.count("BEGIN CERTIFICATE") + 1
        assert manager.read(ANCHOR) in added
        tool.rollback().must(0, "rolled-back")
        assert snapshot.differences(before, snapshot.take(manager)) == []


@each_build_and([PLAIN])
def test_a_file_that_somebody_edited_since_is_left_and_named(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    manager.write(NMS_HTTP, manager.read(NMS_HTTP) + "# a later thought\n")
    done = tool.rollback()
    done.must(4, "incomplete")
    assert NMS_HTTP in done.out + done.err, done
    assert manager.read(NMS_HTTP).endswith("# a later thought\n")


@each_build_and([PLAIN, OLDER])
@pytest.mark.parametrize("method", ["client-mtls", "ssl-termination"])
def test_a_second_apply_changes_nothing(manager: Manager, tool: Tool, method: str) -> None:
    tool.apply(answers(method)).must(0, "applied")
    before, workers = snapshot.take(manager), manager.workers()
    certificates = issued_files(manager)

    assert tool.apply().must(0, "unchanged")["changed"] == []

    assert snapshot.differences(before, snapshot.take(manager)) == []
    assert issued_files(manager) == certificates
    assert manager.workers() == workers


@each_build_and([PLAIN])
def test_one_agent_more_adds_its_files_only(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    before, had = snapshot.take(manager), issued_files(manager)

    tool.apply(answers(agents=(*AGENTS, "new.example.com"))).must(0, "applied")

    folder = f"{STATE}/issued/new.example.com"
    different = snapshot.differences(before, snapshot.take(manager))
    assert different and all(line.startswith(f"appeared: {folder}") for line in different), different
    now = issued_files(manager)
    assert {path: now[path] for path in had} == had
    added = now.keys() - had.keys()
    assert {f"{folder}/agent.crt", f"{folder}/agent.key", f"{folder}/ca.pem"} <= added
    assert all(path.startswith(folder) for path in added), added


def issued_files(manager: Manager) -> snapshot.Snapshot:
    """What the state folder holds of certificates and keys; runs are recorded elsewhere in it."""
    return snapshot.take(manager, (f"{STATE}/ca", f"{STATE}/issued"))


@each_build_and(TRAPPED)
def test_a_trap_is_dealt_with_or_refused_by_name(manager: Manager, tool: Tool) -> None:
    before = snapshot.take(manager)
    done = tool.apply(answers())
    if done.code == 0:
        ways = [Attempt(sni=NAME), Attempt(sni=VENDOR_NAME), Attempt(sni="agents.example.com"), Attempt()]
        outcomes = manager.attempt(each for way in ways for each in both_services(way))
        assert not [each for each in outcomes if each.reached], "\n".join(map(str, outcomes))
    else:
        refused(done, r"/etc/nginx/conf\.d/[a-z-]+\.conf:\d+")
        assert snapshot.differences(before, snapshot.take(manager)) == []


def refused(done: Done, what: str) -> None:
    """Nothing was done, or everything put back, and the reason names what stood in the way."""
    assert done.code in (1, 3), done
    assert re.search(what, done.err), done


@each_build_and([PLAIN])
def test_a_reload_that_nginx_refuses_in_silence_is_noticed(manager: Manager, tool: Tool) -> None:
    # Green for `nginx -t`, as the port is nobody's to nginx; at the reload the old configuration stays.
    taker = manager.spawn("openssl", "s_server", "-accept", "9443", "-nocert", "-quiet")
    manager.run("sh", "-c", "until ss -ltnH 'sport = :9443' | grep -q .; do sleep 0.1; done", timeout=10)
    manager.write("/etc/nginx/conf.d/zz-new.conf", "server {\n    listen 9443;\n    return 204;\n}\n")
    before = snapshot.take(manager)
    done = tool.apply(answers())
    refused(done, "9443")
    assert snapshot.differences(before, snapshot.take(manager)) == []
    taker.stdin.close()


@each_build_and([PLAIN])
@pytest.mark.parametrize("kind", ["bind-mounted", "read-only", "immutable"])
def test_a_target_that_cannot_be_replaced_is_refused(
    make_manager: Callable[[Nginx, Shape], Manager], nginx: Nginx, shape: Shape, binary: Path, kind: str
) -> None:
    manager = make_manager(nginx, shape)
    if kind == "immutable":
        try:
            subprocess.run(["chattr", "+i", str(manager.path(NMS_HTTP))], check=True, capture_output=True)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this kernel's tmpfs knows no immutable files: {error.stderr.decode()}")
    else:
        manager.write("/mnt/nms-http.conf", manager.read(NMS_HTTP))
        manager.run("mount", "-n", "--bind", "/mnt/nms-http.conf", NMS_HTTP)
    if kind == "read-only":
        manager.run("mount", "-n", "-o", "remount,bind,ro", NMS_HTTP)
    manager.start()
    before = snapshot.take(manager)

    done = Tool(manager, binary).apply(answers())

    refused(done, re.escape(NMS_HTTP))
    assert snapshot.differences(before, snapshot.take(manager)) == []


@each_build_and([PLAIN])
@pytest.mark.parametrize("folder", ["/etc/nms/nginx/locations", "/etc/nginx/conf.d", "/usr/local/share/ca-certificates"])
def test_a_folder_that_takes_no_new_file_is_refused(
    make_manager: Callable[[Nginx, Shape], Manager], nginx: Nginx, shape: Shape, binary: Path, folder: str
) -> None:
    manager = make_manager(nginx, shape)
    manager.run("mount", "-n", "--bind", folder, folder)
    manager.run("mount", "-n", "-o", "remount,bind,ro", folder)
    manager.start()
    before = snapshot.take(manager)

    done = Tool(manager, binary).apply(answers())

    refused(done, re.escape(folder) + "/.*read-only")
    assert done.code == 1, done  # seen while planning, not while placing
    assert snapshot.differences(before, snapshot.take(manager)) == []


@each_build_and([PLAIN, OLDER])
def test_no_private_key_is_readable_by_others(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    keys = [path for path in everything(manager) if b"PRIVATE KEY-----" in manager.path(path).read_bytes()]
    assert len([path for path in keys if path.startswith(STATE)]) >= 2 + len(AGENTS), keys
    modes = {path: manager.path(path).stat().st_mode & 0o777 for path in keys}
    assert {path: oct(mode) for path, mode in modes.items() if mode not in (0o600, 0o640)} == {}


def everything(manager: Manager) -> list[str]:
    """Every regular file of the folders that a run may touch, the state folder included."""
    taken = snapshot.take(manager, ("/etc/nms", "/etc/nginx", STATE, "/usr/local/share/ca-certificates", "/var/www"), ())
    return [path for path, entry in taken.items() if entry.kind == "file"]


@each_build_and([PLAIN])
def test_keys_are_born_private(manager: Manager, tool: Tool) -> None:
    trace = "/mnt/trace"
    calls = "trace=openat,openat2,write,writev,pwrite64"
    tracer = ("strace", "-f", "--seccomp-bpf", "-y", "-s", "64", "-e", calls, "-o", trace)
    tool.apply(answers(), before=tracer).must(0, "applied")
    born: dict[str, str] = {}
    holding = set()
    waiting: dict[str, str] = {}  # strace cuts a call in two where another process comes between
    for line in manager.read(trace).splitlines():
        process = line.split(maxsplit=1)[0]
        if begun := re.search(r"O_CREAT.*?, 0?(\d{3,4}) <unfinished", line):
            waiting[process] = begun[1]
        if resumed := re.search(r"open\w+ resumed>.* = \d+<([^>]+)>", line):
            if process in waiting:
                born[resumed[1]] = waiting.pop(process)
        if opened := re.search(r"O_CREAT.*?0?(\d{3,4})[,)}].* = \d+<([^>]+)>", line):
            born[opened[2]] = opened[1]
        elif written := re.search(r"write\w*\(\d+<([^>]+)>.*-----BEGIN [A-Z ]*PRIVATE KEY", line):
            holding.add(written[1])
    assert len(holding) >= 2 + len(AGENTS), holding
    assert {path: born.get(path) for path in holding} == dict.fromkeys(holding, "600")


@newer_build_and([PLAIN])
def test_where_the_disk_is_full_nginx_still_loads_and_the_next_try_ends_it(manager: Manager, tool: Tool) -> None:
    """Red where files are taken away that one names which could not be put back (src/worker/undo.rs)."""
    before = snapshot.take(manager)
    tool.apply(answers()).must(0, "applied")
    used = manager.run("df", "-k", "--output=used", "/etc").stdout.split()[-1]
    resize(manager, f"{used}k")
    full = tool.rollback().must(4, "incomplete")
    assert "No space left on device" in full["problem"], full
    assert manager.test_config().returncode == 0
    resize(manager, "50%")
    tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(manager)) == []


def resize(manager: Manager, size: str) -> None:
    manager.run("mount", "-n", "-t", "tmpfs", "-o", f"remount,size={size}", "lab", "/etc")


@newer_build_and([PLAIN])
@pytest.mark.parametrize(
    ("spoil", "says", "remedy", "mend"),
    [
        (
            "mount --bind /etc /etc && mount -o remount,bind,ro /etc",
            "mounted read-only",
            "mount -o remount,rw",
            "mount -o remount,bind,rw /etc && umount /etc",
        ),
        (f"ln {NMS_HTTP} /etc/nginx/second", "hard links", "cp -a", "rm /etc/nginx/second"),
        (f"chmod 0777 {STATE}", "everybody may replace files", "chmod o-w", f"chmod 0700 {STATE}"),
        (f"chown 1234 {STATE}/runs", "belongs to user 1234", "chown root", f"chown root {STATE}/runs"),
    ],
    ids=["read-only", "hard-link", "open-state", "state-of-another"],
)
def test_what_would_stop_a_rollback_half_way_is_told_before_it_begins(
    manager: Manager, tool: Tool, spoil: str, says: str, remedy: str, mend: str
) -> None:
    before = snapshot.take(manager)
    tool.apply(answers()).must(0, "applied")
    applied = snapshot.take(manager)
    manager.run("sh", "-c", spoil)
    done = tool.rollback()
    manager.run("sh", "-c", mend)
    assert done.code == 1, done
    said = " ".join(done.err.split())
    assert "nothing was put back: " in said and says in said and f"do: {remedy}" in said, done
    assert snapshot.differences(applied, snapshot.take(manager)) == []
    tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(before, snapshot.take(manager)) == []
