"""Hosts as they are found: other servers beside the manager, links in the tree, containers."""

from collections.abc import Callable
from pathlib import Path

import pytest
import snapshot
from clients import Attempt
from conftest import each_build_and
from lab import Nginx
from manager import NAME, Manager, both_services
from nim_tree import CERTS, NMS_HTTP, PLAIN, Shape
from tool import AGENTS, STATE, Tool, answers, issued

pytestmark = pytest.mark.alternating

Make = Callable[[Nginx, Shape], Manager]
PAIR = f"ssl_certificate {CERTS}/manager-server.pem;\n    ssl_certificate_key {CERTS}/manager-server.key;"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# What is common in containers: root, without the right to make a namespace.
NO_NAMESPACES = ("setpriv", "--inh-caps=-sys_admin", "--bounding-set=-sys_admin")


def other_server(listen: str, names: str = "other.example.com", answer: str = 'return 200 "other site\\n";') -> str:
    return f"server {{\n    listen {listen};\n    server_name {names};\n    {PAIR}\n    {answer}\n}}\n"


def holds_and_goes_back(manager: Manager, tool: Tool, before: tuple[str, ...] = ()) -> dict:
    """Applies, sees who gets through, applies again in vain, and puts everything back."""
    tree = snapshot.take(manager)
    done = tool.apply(answers(), before=before)
    found = done.must(0, "applied")
    paper = {part: issued(AGENTS[0], file) for part, file in (("ca", "ca.pem"), ("cert", "agent.crt"), ("key", "agent.key"))}
    welcome = both_services(Attempt(sni=NAME, client="grpcio", **paper))
    for outcome in manager.attempt(welcome):
        assert outcome.reached, outcome
    for outcome in manager.attempt(both_services(Attempt(sni=NAME))):
        assert not outcome.reached, outcome
    assert tool.apply(answers(), before=before).must(0, "unchanged")["changed"] == []
    tool.rollback(before).must(0, "rolled-back")
    assert snapshot.differences(tree, snapshot.take(manager)) == []
    return found


@each_build_and([PLAIN])
@pytest.mark.parametrize("listen", ["10.0.0.5:443 ssl", "127.0.0.1:443 ssl", "10.0.0.5:443 ssl reuseport"])
def test_another_server_on_an_address_of_its_own(
    make_manager: Make, nginx: Nginx, shape: Shape, binary: Path, listen: str
) -> None:
    # nginx opens no socket of its own for such an address, unless an option is set for it.
    manager = make_manager(nginx, shape)
    manager.write("/etc/nginx/conf.d/zz-other.conf", other_server(listen))
    if "reuseport" in listen:
        manager.edit(NMS_HTTP, "listen 443 ssl http2", "listen 443 ssl http2 reuseport")
    if listen.startswith("127."):
        manager.write("/etc/hosts", f"10.0.0.5 {NAME} nim\n127.0.0.1 localhost\n")
    manager.start()
    tree = snapshot.take(manager)
    tool = Tool(manager, binary)
    tool.apply(answers()).must(0, "applied")
    address = "10.0.0.5" if listen.startswith("127.") else "127.0.0.1"
    for outcome in manager.attempt(both_services(Attempt(sni=NAME, address=address))):
        assert not outcome.reached, outcome
    tool.rollback().must(0, "rolled-back")
    assert snapshot.differences(tree, snapshot.take(manager)) == []


@each_build_and([PLAIN])
@pytest.mark.parametrize(
    ("folder", "elsewhere"),
    [
        ("/var/log/nginx", "/mnt/logs/nginx"),
        ("/var/log/nginx", "/var/log/elsewhere/nginx"),
        ("/etc/nginx/conf.d", "/etc/opt/conf.d"),
        ("/etc/nms/certs", "/var/lib/nms-certs"),
        ("/etc/nms/nginx/locations", "/etc/nms/locations"),
        ("/usr/local/share/ca-certificates", "/etc/anchors"),
    ],
)
def test_a_folder_that_lies_elsewhere(
    make_manager: Make, nginx: Nginx, shape: Shape, binary: Path, folder: str, elsewhere: str
) -> None:
    manager = make_manager(nginx, shape)
    if folder.startswith("/usr/local"):
        # Only this folder of it can be written, so what leads to it is laid over it.
        manager.run("mount", "-n", "-t", "tmpfs", "-o", "mode=0755", "lab", "/usr/local/share")
    move = f"mkdir -p $(dirname {elsewhere}); mv {folder} {elsewhere} 2>/dev/null || mkdir {elsewhere}; ln -sr {elsewhere} {folder}"
    manager.run("sh", "-ec", move)
    manager.start()
    holds_and_goes_back(manager, Tool(manager, binary))


@each_build_and([PLAIN])
@pytest.mark.parametrize(("owner", "why"), [("nms", "symbolic link of user"), ("root", "which is not there")])
def test_a_folder_that_somebody_could_move_is_refused(
    make_manager: Make, nginx: Nginx, shape: Shape, binary: Path, owner: str, why: str
) -> None:
    manager = make_manager(nginx, shape)
    folder = "/etc/nms/nginx/locations"
    manager.run("sh", "-ec", f"mv {folder} /etc/nms/loc; ln -s ../loc {folder}; chown -h {owner} {folder}")
    if owner == "root":
        manager.run("rmdir", "/etc/nms/loc")
    manager.start()
    tree = snapshot.take(manager)
    done = Tool(manager, binary).apply(answers())
    assert done.code == 1 and folder in done.err and why in done.err, done
    assert snapshot.differences(tree, snapshot.take(manager)) == []


@each_build_and([PLAIN])
@pytest.mark.parametrize("how", ["ssl_reject_handshake", "return 444"])
def test_a_default_server_that_refuses(make_manager: Make, nginx: Nginx, shape: Shape, binary: Path, how: str) -> None:
    manager = make_manager(nginx, shape)
    manager.edit(NMS_HTTP, "server_name _", "server_name nim.example.com nim")
    default = other_server("443 ssl default_server", "_", "return 444;")
    if how == "ssl_reject_handshake":
        default = "server {\n    listen 443 ssl default_server;\n    server_name _;\n    ssl_reject_handshake on;\n}\n"
    manager.write("/etc/nginx/conf.d/00-default.conf", default)
    manager.start()
    tool = Tool(manager, binary)
    rows = holds_and_goes_back(manager, tool)["proof"]
    # Nobody's name in the handshake, and ours in the request: only the former refuses that.
    nameless = ["browser, no name in the handshake"] if how == "ssl_reject_handshake" else []
    for case in ["browser, as 10.0.0.5", *nameless]:
        (row,) = (row for row in rows if row["case"] == case)
        assert row["ok"] is True, row
        assert row["expected"].startswith("as before: refused (") and row["seen"].startswith("refused ("), row
    tool.apply(answers()).must(0, "applied")
    done = tool.run("verify")
    assert done.code == 0 or "unrecognized subcommand" in done.err, done


@each_build_and([PLAIN])
def test_where_no_namespace_can_be_had_the_weaker_test_is_made(manager: Manager, tool: Tool) -> None:
    everywhere = (*snapshot.FOLDERS, "/run", "/var/log")
    # Not loaded yet: nginx makes what is missing of it when it is asked.
    late = "server {\n    listen 9443;\n    access_log /var/log/nginx/late.log;\n    proxy_temp_path /var/lib/nginx/late;\n}\n"
    manager.write("/etc/nginx/conf.d/zz-late.conf", late)
    before = snapshot.take(manager, everywhere)
    manager.write("/mnt/answers.yaml", answers())
    planned = tool.run("plan", "--answers", "/mnt/answers.yaml", before=NO_NAMESPACES)
    assert planned.code == 0 and "weaker test" in planned.out, planned
    assert snapshot.differences(before, snapshot.take(manager, everywhere)) == []
    usual = tool.run("plan", "--answers", "/mnt/answers.yaml")
    assert usual.code == 0 and "weaker" not in usual.out, usual
    manager.path("/etc/nginx/conf.d/zz-late.conf").unlink()

    holds_and_goes_back(manager, tool, NO_NAMESPACES)

    shown = tool.run("apply", "--answers", "/mnt/answers.yaml", "--yes", before=NO_NAMESPACES)
    assert shown.code == 0 and "weaker test" in shown.out + shown.err, shown
    runs = manager.run("find", f"{STATE}/runs", "-name", "test").stdout
    assert runs == "", runs


@each_build_and([PLAIN])
def test_the_weaker_test_finds_a_mistake_too(manager: Manager, tool: Tool) -> None:
    # Found in what is there already; that it changes nothing is what counts.
    manager.write("/etc/nginx/conf.d/zz-broken.conf", "server {\n    lisssten 80;\n}\n")
    before = snapshot.take(manager)
    done = tool.apply(answers(), before=NO_NAMESPACES)
    assert done.code == 1 and "zz-broken.conf:2" in done.err, done
    assert snapshot.differences(before, snapshot.take(manager)) == []


@each_build_and([PLAIN])
@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (f"cp {BUNDLE} /mnt/bundle; mount -n --bind /mnt/bundle {BUNDLE}", BUNDLE),
        (f"chattr +i {BUNDLE}", BUNDLE),
        ("mount -n --bind /etc/ssl/certs /etc/ssl/certs; mount -n -o remount,bind,ro /etc/ssl/certs", "/etc/ssl/certs"),
        ("chattr +i /etc/ssl/certs", "/etc/ssl/certs"),
        ("chattr +i /etc/nms/nginx/locations", "/etc/nms/nginx/locations"),
        ("chattr +i /etc/nginx/conf.d", "/etc/nginx/conf.d"),
    ],
)
def test_what_cannot_be_written_is_found_while_planning(
    make_manager: Make, nginx: Nginx, shape: Shape, binary: Path, spoil: str, named: str
) -> None:
    manager = make_manager(nginx, shape)
    spoiled = manager.run("sh", "-ec", spoil, check=False)
    if spoiled.returncode and "chattr" in spoil:
        pytest.skip(f"this kernel's tmpfs knows no immutable files: {spoiled.stderr}")
    assert not spoiled.returncode, spoiled
    manager.start()
    before = snapshot.take(manager)
    tool = Tool(manager, binary)
    done = tool.apply(answers())
    assert done.code == 1 and named in done.err, done
    planned = tool.run("plan", "--answers", "/mnt/answers.yaml")
    assert planned.code == 1 and named in planned.err, planned
    assert snapshot.differences(before, snapshot.take(manager)) == []


@each_build_and([PLAIN])
def test_an_nginx_that_has_only_just_been_started(make_manager: Make, nginx: Nginx, shape: Shape, binary: Path) -> None:
    manager = make_manager(nginx, shape)
    manager.start_services()
    manager.write("/mnt/answers.yaml", answers())
    start = " ".join(nginx.argv)
    plan = f"for n in 1 2 3 4 5 6; do {start}; {binary} plan --answers /mnt/answers.yaml >/dev/null || exit 1; {start} -s quit; while pgrep -x nginx >/dev/null; do sleep 0.01; done; done"
    done = manager.run("sh", "-c", plan, check=False, timeout=120)
    assert done.returncode == 0, done
