"""What browsers and administrators see: the UI as before, modern TLS only, chains that hold."""

from collections.abc import Callable

import pytest
from conftest import each_build_and
from lab import Nginx
from manager import NAME, Manager
from nim_tree import OLDER, PLAIN, SHAPES, Shape
from tool import AGENTS, ALT_NAMES, ANCHOR, CA_INTERMEDIATE, CA_ROOT, SERVER_CERT, Tool, answers, issued

pytestmark = pytest.mark.alternating

PATHS = ("/", "/ui/", "/ui/some/page", "/api/platform/v1/health", "/nothing-here")
WEB_SERVER, WEB_CLIENT = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"
# Each must work with the control server and be refused by the manager.
OUTDATED = {
    "TLS 1.0": ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
    "TLS 1.1": ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
    "CBC": ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0"],
    "static RSA": ["-tls1_2", "-cipher", "AES128-GCM-SHA256:AES128-SHA:@SECLEVEL=0"],
}
CONTROL_PORT = 9001


def names(shape: Shape) -> list[str]:
    """Every name and address that the manager answers by, the nameless ways (addresses) included."""
    return [NAME, *ALT_NAMES, "127.0.0.1", *(["[::1]"] if shape.ipv6 else [])]


def pages(manager: Manager, host: str, *trust: str) -> list[str]:
    """Status, target of a redirect and body of each path, as a browser without a certificate gets them."""
    shown = "\n%{http_code} %{redirect_url}"
    return [
        manager.run("curl", "-s", "--max-time", "10", *trust, "-w", shown, f"https://{host}{path}").stdout
        for path in PATHS
    ]


@each_build_and(SHAPES)
def test_the_ui_answers_as_before(manager: Manager, tool: Tool, shape: Shape) -> None:
    answer_as_before(manager, tool, shape, "client-mtls")


@each_build_and([PLAIN, OLDER, SHAPES[-3]])
def test_the_ui_answers_as_before_under_ssl_termination(manager: Manager, tool: Tool, shape: Shape) -> None:
    answer_as_before(manager, tool, shape, "ssl-termination")


def answer_as_before(manager: Manager, tool: Tool, shape: Shape, method: str) -> None:
    # Where another site is the default of the port, that site is what addresses got and get.
    before = {host: pages(manager, host, "-k") for host in names(shape)}
    expected = "the other site" if shape.other_default == 443 else "Instance Manager"
    assert expected in before["127.0.0.1"][1]

    tool.apply(answers(method)).must(0, "applied")

    assert {host: pages(manager, host, "-k") for host in names(shape)} == before
    ours = [host for host in (NAME, *ALT_NAMES) if "Instance Manager" in before[host][1]]
    assert NAME in ours
    assert {host: pages(manager, host, "--cacert", CA_ROOT) for host in ours} == {host: before[host] for host in ours}


@each_build_and([PLAIN, OLDER])
def test_outdated_protocols_and_ciphers_are_refused(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    assert {what: accepts(manager, 443, *how) for what, how in OUTDATED.items()} == dict.fromkeys(OUTDATED, False)
    assert accepts(manager, 443, "-tls1_3") and accepts(manager, 443, "-tls1_2")


def test_the_outdated_work_where_they_are_allowed(make_manager: Callable[[Nginx, Shape], Manager], nginx: Nginx) -> None:
    manager = make_manager(nginx, PLAIN)
    for kind in ("rsa:2048", "ec"):
        curve = ["-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else []
        key, cert = f"/mnt/{kind}.key", f"/mnt/{kind}.pem"
        manager.run(
            "openssl", "req", "-x509", "-newkey", kind, *curve, "-nodes", "-subj", "/CN=control",
            "-keyout", key, "-out", cert,
        )  # fmt: skip
    control = manager.spawn(
        "openssl", "s_server", "-accept", str(CONTROL_PORT), "-quiet", "-cipher", "ALL:@SECLEVEL=0",
        "-cert", "/mnt/rsa:2048.pem", "-key", "/mnt/rsa:2048.key", "-dcert", "/mnt/ec.pem", "-dkey", "/mnt/ec.key",
    )  # fmt: skip
    manager.run("sh", "-c", f"until ss -ltnH 'sport = :{CONTROL_PORT}' | grep -q .; do sleep 0.1; done", timeout=10)
    assert {what: accepts(manager, CONTROL_PORT, *how) for what, how in OUTDATED.items()} == dict.fromkeys(OUTDATED, True)
    control.stdin.close()


def accepts(manager: Manager, port: int, *how: str) -> bool:
    """Whether a handshake of this kind comes to an end with a cipher."""
    said = manager.run(
        "openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", NAME, *how, check=False, timeout=15
    )
    return "Cipher is (NONE)" not in said.stdout and "Cipher is" in said.stdout


@each_build_and([PLAIN])
def test_chains_hold_and_serve_one_purpose_only(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    manager.run("openssl", "verify", "-x509_strict", "-CAfile", CA_ROOT, CA_INTERMEDIATE)
    leaves = {SERVER_CERT: ("sslserver", "sslclient", WEB_SERVER, WEB_CLIENT)}
    for agent in AGENTS:
        leaves[issued(agent, "agent.crt")] = ("sslclient", "sslserver", WEB_CLIENT, WEB_SERVER)
    for leaf, (right, wrong, right_oid, wrong_oid) in leaves.items():
        strict = ["openssl", "verify", "-x509_strict", "-CAfile", CA_ROOT, "-untrusted", leaf, "-purpose"]
        manager.run(*strict, right, leaf)
        assert manager.run(*strict, wrong, leaf, check=False).returncode != 0, f"{leaf} as {wrong}"
        gnutls = ["certtool", "--verify", f"--load-ca-certificate={CA_ROOT}", f"--infile={leaf}"]
        manager.run(*gnutls, f"--verify-purpose={right_oid}")
        assert manager.run(*gnutls, f"--verify-purpose={wrong_oid}", check=False).returncode != 0, f"{leaf} as {wrong}"
    # On the instance and in trust stores: the root alone.
    for anchor in (ANCHOR, issued(AGENTS[0], "ca.pem")):
        assert manager.read(anchor).count("BEGIN CERTIFICATE") == 1


@each_build_and([PLAIN])
def test_the_systems_trust_store_accepts_the_server(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    for host in (NAME, *ALT_NAMES):
        # curl and GnuTLS read the bundle, `openssl verify` the folder of hashed links.
        manager.run("curl", "-sf", "-o", "/dev/null", f"https://{host}/ui/")
        check = "-verify_ip" if host[0].isdigit() else "-verify_hostname"
        manager.run("openssl", "verify", "-CApath", "/etc/ssl/certs", "-untrusted", SERVER_CERT, check, host, SERVER_CERT)
    manager.run("gnutls-cli", "--sni-hostname", NAME, "--verify-hostname", NAME, "-p", "443", "127.0.0.1")
