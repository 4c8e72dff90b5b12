"""Browsers that come without TLS are sent on, and whoever answers on port 80 for other names goes on doing so.

What makes this red: in src/plan/redirect.rs, a server that is the default of port 80 without being asked
(`stays_the_default`), or the manager's own `listen 80` left where it is (`no_more_pages_without_tls`).
"""

import sys

import pytest
from conftest import each_build_and, newer_build_and
from manager import NAME, Manager
from nim_tree import NMS_HTTP, PLAIN, Shape
from tool import ALT_NAMES, Tool, answers

pytestmark = pytest.mark.alternating

OTHER = "/etc/nginx/conf.d/zz-other-http.conf"
OWN = "/etc/nginx/conf.d/nim-tls-redirect.conf"
ASKED = answers("ssl-termination") + "options: {redirect_http: true}\n"
IPV6 = Shape("ipv6", ipv6=True)


def sent(manager: Manager, name: str, address: str = "127.0.0.1") -> str:
    """Status, target and first line of the page."""
    shown = "%{http_code} %{redirect_url}\n"
    return manager.run(
        "curl", "-s", "--max-time", "5", "-H", f"Host: {name}", "-w", shown, "-o", "/dev/null", f"http://{address}/ui/a?b=c",
        check=False,
    ).stdout.strip()  # fmt: skip


ON = f"301 https://{NAME}/ui/a?b=c"


@each_build_and([PLAIN, IPV6])
def test_every_name_of_the_manager_is_sent_on(manager: Manager, tool: Tool, shape: Shape) -> None:
    assert sent(manager, NAME).startswith("000"), "somebody is there already"
    done = tool.apply(ASKED).must(0, "applied")
    addresses = ["127.0.0.1", *(["[::1]"] if shape.ipv6 else [])]
    assert {sent(manager, name, at) for name in (NAME, *ALT_NAMES) for at in addresses} == {ON}
    proven = [row for row in done["proof"] if row["leg"].startswith("HTTP at ")]
    assert len(proven) == len(addresses) and all(row["ok"] for row in proven), done["proof"]
    tool.apply(ASKED).must(0, "unchanged")
    tool.rollback().must(0)
    assert sent(manager, NAME).startswith("000") and not manager.path(OWN).exists()


@each_build_and([PLAIN])
@pytest.mark.parametrize("listen", ["80", "80 default_server"])
def test_another_site_answers_for_the_rest_as_before(manager: Manager, tool: Tool, listen: str) -> None:
    manager.write(OTHER, f"server {{\n    listen {listen};\n    server_name other.example.com;\n    return 204;\n}}\n")
    manager.restart_tree()
    assert {sent(manager, name) for name in (NAME, "other.example.com", "who.example.com")} == {"204"}
    tool.apply(ASKED).must(0, "applied")
    assert [sent(manager, name) for name in (NAME, "other.example.com", "who.example.com")] == [ON, "204", "204"]
    tool.rollback().must(0)
    assert {sent(manager, name) for name in (NAME, "other.example.com", "who.example.com")} == {"204"}


@each_build_and([PLAIN])
def test_a_listener_on_one_address_leaves_no_room_for_one_on_all(manager: Manager, tool: Tool) -> None:
    manager.write(OTHER, "server {\n    listen 127.0.0.1:80;\n    return 204;\n}\n")
    manager.restart_tree()
    done = tool.apply(ASKED)
    assert done.code == 1 and "nginx listens on 127.0.0.1:80 alone" in done.err and not manager.path(OWN).exists(), done
    # What it says helps.
    manager.edit(OTHER, "listen 127.0.0.1:80;", "listen 80;")
    manager.restart_nginx()
    tool.apply(ASKED).must(0, "applied")
    assert (sent(manager, NAME), sent(manager, "who.example.com")) == (ON, "204")


@each_build_and([PLAIN])
def test_the_manager_without_tls_is_gone(manager: Manager, tool: Tool) -> None:
    manager.edit(NMS_HTTP, "    listen 443 ssl", "    listen 80;\n    listen 443 ssl")
    manager.restart_tree()
    assert sent(manager, NAME).startswith("200")
    tool.apply(ASKED).must(0, "applied")
    # Nobody else is there, so every name ends up here.
    assert {sent(manager, name) for name in (NAME, "who.example.com")} == {ON}


@newer_build_and([PLAIN])
def test_a_stranger_on_the_port_is_named_before_anything_happens(manager: Manager, tool: Tool) -> None:
    stranger = manager.spawn(sys.executable, "-m", "http.server", "80")
    manager.run("sh", "-c", "until ss -ltnH 'sport = :80' | grep -q .; do sleep 0.1; done", timeout=10)
    done = tool.apply(ASKED)
    assert done.code == 1 and "port 80 belongs to python" in done.err and "ss -ltnp" in done.err, done
    assert not manager.path(OWN).exists()
    stranger.stdin.close()
