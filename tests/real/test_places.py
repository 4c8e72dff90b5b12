"""Hosts on which names, paths and rules decide: who is who, who may connect, who reads what."""

import dataclasses
import re
from collections.abc import Callable

import pytest
import snapshot
from clients import Attempt
from conftest import BUILDS, each_build_and
from manager import NAME, Manager, both_services
from nim_tree import CERTS, NMS_HTTP, OLDER, PLAIN, grpc_locations
from tool import AGENTS, Tool, answers, issued

pytestmark = pytest.mark.alternating

SITE = "/etc/nginx/conf.d/zz-site.conf"
SNIPPET = "/etc/letsencrypt/options-ssl-nginx.conf"
LISTEN = "    listen 443 ssl http2;"
CERTIFICATE = f"ssl_certificate {CERTS}/manager-server.pem; ssl_certificate_key {CERTS}/manager-server.key;"
# What certbot writes, and each of its sites reads.
CERTBOT = """ssl_session_cache shared:le_nginx_SSL:10m;
ssl_session_timeout 1440m;
ssl_session_tickets off;
ssl_protocols TLSv1.2 TLSv1.3;
ssl_prefer_server_ciphers off;
ssl_ciphers "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:DHE-RSA-AES256-GCM-SHA384";
"""


def site(listen: str, body: str, name: str = "site.example.com") -> str:
    return f"server {{\n    listen {listen};\n    server_name {name};\n    {CERTIFICATE}\n    {body}\n}}\n"


def passing_to(target: str) -> str:
    return site("8443 ssl http2", f"location / {{ grpc_pass {target}; }}")


def services_on_tcp(manager: Manager) -> None:
    for service, port in (("am", 8036), ("ingestion", 8035)):
        manager.edit(NMS_HTTP, f"    server unix:/var/run/nms/{service}.sock;", f"    server 127.0.0.1:{port};")


def by_host_name(manager: Manager) -> None:
    services_on_tcp(manager)
    manager.write(SITE, passing_to("grpc://nim:8036"))


def by_linked_folder(manager: Manager) -> None:
    manager.run("ln", "-s", "/run/nms", "/run/nms2")
    manager.write(SITE, passing_to("grpc://unix:/run/nms2/am.sock"))


def by_dots(manager: Manager) -> None:
    manager.write(SITE, passing_to("grpc://unix:/run/nms/../nms/am.sock"))


def behind_a_balancer(manager: Manager) -> None:
    manager.edit(NMS_HTTP, LISTEN, LISTEN.replace(";", " proxy_protocol;"))


def agents_apart(manager: Manager) -> None:
    manager.edit(NMS_HTTP, grpc_locations(), "")
    manager.write(SITE, site("443 ssl http2", grpc_locations(), name="agents.example.com"))


UNFIT = {
    "host-name": (by_host_name, rf"{SITE}:5: passes to grpc://nim:8036 as well"),
    "linked-folder": (by_linked_folder, rf"{SITE}:5: passes to .*nms2"),
    "dots": (by_dots, rf"{SITE}:5: passes to "),
    "proxy-protocol": (behind_a_balancer, rf"{NMS_HTTP}:\d+: .*PROXY protocol"),
    "agents-apart": (agents_apart, rf"{SITE}:1: .*user interface, which is in the server at {NMS_HTTP}:\d+"),
}


@pytest.mark.parametrize(("change", "says"), UNFIT.values(), ids=UNFIT)
def test_a_host_that_does_not_fit_is_refused_with_the_line_and_left_alone(
    make_manager: Callable[..., Manager], binary, change: Callable[[Manager], None], says: str
) -> None:
    manager = make_manager(BUILDS[0], PLAIN)
    change(manager)
    manager.start()
    before = snapshot.take(manager)
    done = Tool(manager, binary).apply(answers())
    assert done.code == 1 and re.search(says, done.err), done
    assert snapshot.differences(before, snapshot.take(manager)) == []


def listens_by_name(manager: Manager) -> None:
    manager.write("/etc/hosts", f"127.0.0.1 {NAME} nim\n")
    manager.edit(NMS_HTTP, LISTEN, f"    listen {NAME}:443 ssl http2;")


def denies_loopback(manager: Manager) -> None:
    manager.edit(NMS_HTTP, LISTEN, f"{LISTEN}\n    allow 10.0.0.0/8;\n    deny all;")


def matches_by_expression(manager: Manager) -> None:
    manager.edit(NMS_HTTP, "location /f5.nginx.agent.sdk.Commander", r"location ~ ^/f5\.nginx\.agent\.sdk\.Commander")


def rewrites_old_paths(manager: Manager) -> None:
    manager.edit(NMS_HTTP, LISTEN, f"{LISTEN}\n    rewrite ^/old-ui/(.*)$ /ui/$1 last;")


FIT = {
    "listen-name": (listens_by_name, "127.0.0.1"),
    "deny-loopback": (denies_loopback, "10.0.0.5"),
    "expression": (matches_by_expression, "127.0.0.1"),
    "rewrite": (rewrites_old_paths, "127.0.0.1"),
}


@pytest.mark.parametrize(("change", "address"), FIT.values(), ids=FIT)
def test_a_host_that_fits_is_proven_where_it_can_be_reached(
    make_manager: Callable[..., Manager], binary, change: Callable[[Manager], None], address: str
) -> None:
    manager = make_manager(BUILDS[1], PLAIN)
    change(manager)
    manager.start()
    done = Tool(manager, binary).apply(answers()).must(0, "applied")
    through = [row for row in done["proof"] if row["expected"] == "through"]
    assert len(through) == 2 and all(row["ok"] and f" at {address}:443" in row["leg"] for row in through), through
    only_issued_get_in(manager, address)


def only_issued_get_in(manager: Manager, address: str = "127.0.0.1") -> None:
    # From an address that the rules of the host know: the source is then that address as well.
    nobody = Attempt(sni=NAME, address=address)
    cert, key = (issued(AGENTS[0], file) for file in ("agent.crt", "agent.key"))
    known = dataclasses.replace(nobody, cert=cert, key=key)
    outcomes = manager.attempt([*both_services(known), *both_services(nobody)], one_source=True)
    assert [outcome.reached for outcome in outcomes] == [True, True, False, False], "\n".join(map(str, outcomes))


def test_what_cannot_be_tried_from_here_is_said_to_be_so(make_manager: Callable[..., Manager], binary) -> None:
    manager = make_manager(BUILDS[0], PLAIN)
    manager.edit(NMS_HTTP, LISTEN, f"{LISTEN}\n    allow 192.0.2.0/24;\n    deny all;")
    manager.start()
    tool = Tool(manager, binary)
    done = tool.apply(answers()).must(0, "applied")
    through = [row for row in done["proof"] if row["expected"] == "through"]
    assert len(through) == 2, through
    assert all(row["ok"] is None and '"deny all" at ' in row["why"] for row in through), through
    assert tool.run("verify").code == 0


@each_build_and([PLAIN, OLDER])
def test_a_file_that_every_site_reads_is_left_alone_and_sessions_end_all_the_same(
    make_manager: Callable[..., Manager], binary, nginx, shape
) -> None:
    manager = make_manager(nginx, shape)
    text = manager.read(NMS_HTTP)
    text = re.sub(r"\n *ssl_(session_timeout|session_cache|protocols)[^\n]*", "", text)
    text = re.sub(r"\n *ssl_ciphers[^\n]*", f"\n    include {SNIPPET};", text)
    manager.write(NMS_HTTP, text)
    manager.write(SNIPPET, CERTBOT)
    manager.write(SITE, site("443 ssl", f"include {SNIPPET}; return 200;"))
    manager.start()
    held = [
        manager.hold("session", Attempt(sni=NAME, cert=f"{CERTS}/manager-client.pem", key=f"{CERTS}/manager-client.key")),
        manager.hold("session", Attempt(sni=NAME)),
    ]
    assert all(each.report()["resumed"] for each in held), "nothing would be shown"
    Tool(manager, binary).apply(answers()).must(0, "applied")
    assert manager.read(SNIPPET) == CERTBOT
    assert not any(each.report()["resumed"] for each in held)
    only_issued_get_in(manager)
