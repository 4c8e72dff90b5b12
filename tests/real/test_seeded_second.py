"""A second set of faults and healthy hosts, written when the doctor had been made better by the first.

The first set (test_seeded_held_out.py) is what the doctor was tried on; this one says how it does on what was never
shown to it: the same causes in other places and words, two at once, other shapes of host. Instances are in
test_seeded_second_agents.py.
"""

import dataclasses
import sys
import uuid
from datetime import UTC, datetime, timedelta

import certs
import neighbours
from clients import Attempt
from conftest import each_case
from grounds import AGENTS_PORT, DB_1, DOOR
from lab import wait_for
from manager import NAME, both_services
from nim1 import CERTS as CERTS_1
from nim1 import CONF_D
from nim1 import SETTINGS as SETTINGS_1
from nim_tree import CERTS, NMS_HTTP, VENDOR_NAME, follow_vendor
from patient import Patient, all_in, judge, let_in, refused
from seeded import Case, Cases
from test_dedicated import FILE as OWN_SERVER
from test_dedicated import OWN
from test_import_ca import LISTED, carried
from tool import AGENTS, CA_ROOT, SERVER_CERT, SERVER_KEY, STATE, issued

SECOND = Cases("second", in_turn=("distribution", "newer"))
fault, well = SECOND.fault, SECOND.well
MAIN, BUNDLE, LOG = "/etc/nginx/nginx.conf", f"{CERTS}/nim-tls-ca.pem", "/var/log/nginx/error.log"
CHECK = "/etc/nms/nginx/locations/nim-tls-agents.conf"
UPSTREAMS_1, UI_1, GRPC_1 = (f"{CONF_D}/nginx-manager-{name}.conf" for name in ("upstreams", "noauth", "grpc"))
STREAM_1 = "/etc/nginx/stream.conf.d/nginx-grpc-stream.conf"
CA_EXT = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign", "subjectKeyIdentifier=hash")
PAIR = f"    ssl_certificate {SERVER_CERT};\n    ssl_certificate_key {SERVER_KEY};\n"


def root_of(host: Patient) -> certs.Pair:
    folder = host.folder()
    for kind in ("crt", "key"):
        (folder / f"root.{kind}").write_text(host.host.read(f"{STATE}/ca/root.{kind}"))
    return certs.Pair(folder / "root.crt", folder / "root.key")


def signed(
    host: Patient, above: certs.Pair, name: str, *extensions: str, life: tuple[str, str] = certs.PRESENT, kind: str = "ec"
) -> certs.Pair:  # fmt: skip
    """Any certificate with a chosen life; `extensions` as openssl's configuration has them."""
    folder = host.folder()
    (folder / "index.txt").touch()
    (folder / "ca.cnf").write_text(certs.CA_CONFIG.format(folder=folder))
    (folder / "ext").write_text("\n".join(extensions) + "\nauthorityKeyIdentifier=keyid\n")
    pair = certs.Pair(folder / "made.pem", folder / "made.key")
    certs.openssl(
        "req", "-new", "-newkey", *certs.KINDS[kind], "-nodes", "-subj", f"/CN={name}",
        "-keyout", str(pair.key), "-out", f"{folder}/csr",
    )  # fmt: skip
    certs.openssl(
        "ca", "-batch", "-notext", "-config", f"{folder}/ca.cnf", "-cert", str(above.cert), "-keyfile", str(above.key),
        "-startdate", life[0], "-enddate", life[1], "-extfile", f"{folder}/ext", "-in", f"{folder}/csr",
        "-out", str(pair.cert),
    )  # fmt: skip
    return pair


def for_server(name: str = NAME) -> tuple[str, ...]:
    return "basicConstraints=critical,CA:FALSE", "extendedKeyUsage=serverAuth", f"subjectAltName=DNS:{name}"


def behind(pair: certs.Pair, *above: certs.Pair) -> certs.Pair:
    """The same with these put behind it in the file."""
    pair.cert.write_text("".join(each.cert.read_text() for each in (pair, *above)))
    return pair


def placed(host: Patient, pair: certs.Pair, path: str) -> str:
    """The directives of a server that shows this certificate, at a path of its own."""
    host.host.write(f"{path}.pem", pair.cert.read_bytes())
    host.host.write(f"{path}.key", pair.key.read_bytes(), 0o600)
    return f"    ssl_certificate {path}.pem;\n    ssl_certificate_key {path}.key;\n"


def serve_also(host: Patient, pair: certs.Pair) -> None:
    """With two certificates of two kinds of keys."""
    line = next(line for line in host.lines(NMS_HTTP) if "ssl_certificate " in line)
    host.edit(NMS_HTTP, line, placed(host, pair, "/etc/nginx/rsa") + line)


def life_until(**from_now: int) -> tuple[str, str]:
    return certs.PRESENT[0], f"{datetime.now(UTC) + timedelta(**from_now):%Y%m%d%H%M%SZ}"


def site(host: Patient, name: str, text: str) -> None:
    host.host.write(f"{CONF_D}/{name}.conf", text)


def listens(port: str, host: Patient, more: str = "") -> str:
    """`http2` in the words that every nginx knows."""
    return f"    listen {port} ssl http2{more};\n"


def inform(host: Patient) -> None:
    host.log_refusals()
    host.reload()


# The manager's certificate.


@fault("mutual", "server-cert-expired")
def intermediate_of_the_server_ran_out(host: Patient) -> None:
    former = signed(host, root_of(host), "Issuing CA of last year", *CA_EXT, life=certs.PAST)
    host.serve(behind(signed(host, former, NAME, *for_server()), former))
    host.reload()
    assert "certificate has expired" in host.browse().stderr


@fault("mutual", "cert-expiring")
def intermediate_of_the_server_ends_in_six_days(host: Patient) -> None:
    former = signed(host, root_of(host), "Issuing CA", *CA_EXT, life=life_until(days=6))
    host.serve(behind(signed(host, former, NAME, *for_server()), former))
    host.reload()
    let_in(host.call(host.agent()))
    assert host.browse().stdout == "200"


@fault("mutual", "server-name-mismatch")
def wildcard_is_one_level_too_deep(host: Patient) -> None:
    host.serve(host.issue(f"*.{NAME}", "serverAuth", san=f"DNS:*.{NAME},DNS:manager.{NAME}"))
    host.reload()
    assert "no alternative certificate subject name matches" in host.browse().stderr


@fault("mutual", "server-chain-incomplete")
def another_intermediate_is_behind_the_leaf(host: Patient) -> None:
    other = signed(host, root_of(host), "Issuing CA for mail", *CA_EXT)
    host.serve(host.issue(NAME, "serverAuth", chain=other.cert))
    host.reload()
    assert "unable to get local issuer" in host.browse().stderr


@fault("mutual", "server-cert-expired")
def second_certificate_of_the_server_ran_out(host: Patient) -> None:
    serve_also(host, behind(signed(host, host.authority, NAME, *for_server(), life=certs.PAST, kind="rsa"), host.authority))
    host.reload()
    let_in(host.call(host.agent()))
    by_rsa = ("--cacert", CA_ROOT, "--tls-max", "1.2", "--ciphers", "ECDHE-RSA-AES128-GCM-SHA256")
    assert "certificate has expired" in host.browse(*by_rsa).stderr


# Files.


@fault("mutual", "key-mismatch")
def snippet_of_the_server_names_another_key(host: Patient) -> None:
    key = next(line for line in host.lines(NMS_HTTP) if "ssl_certificate_key" in line)
    host.host.write("/etc/nginx/snippets/pair.conf", f"ssl_certificate_key {CERTS}/manager-server.key;\n")
    host.edit(NMS_HTTP, key, "    include snippets/pair.conf;")
    host.must_not_load("key values mismatch")


@fault("generation-1", "file-missing", only="distribution")
def included_file_was_swept_away(host: Patient) -> None:
    host.host.path("/etc/nginx/https_headers.conf").unlink()
    host.must_not_load("https_headers.conf")


@fault("dedicated", "file-not-pem")
def bundle_for_agents_is_a_key(host: Patient) -> None:
    host.edit(OWN_SERVER, BUNDLE, SERVER_KEY)
    host.must_not_load("SSL_CTX_load_verify_locations", "no certificate or crl found", "no start line")


@fault("mutual", "key-encrypted")
def passphrase_in_the_file_is_an_old_one(host: Patient) -> None:
    old_form = ("openssl", "ec", "-in", SERVER_KEY, "-aes128", "-passout", "pass:winter")
    host.host.path(SERVER_KEY).write_text(host.host.run(*old_form).stdout)
    host.host.write("/etc/nginx/passphrases", "summer\n", 0o600)
    host.edit(MAIN, "    default_type", "    ssl_password_file /etc/nginx/passphrases;\n    default_type")
    host.must_not_load("PEM_read_bio_PrivateKey")


@fault("mutual", "key-readable-by-others")
def anybody_may_read_the_authoritys_key(host: Patient) -> None:
    for folder in (STATE, f"{STATE}/ca"):
        host.host.path(folder).chmod(0o755)
    host.host.path(f"{STATE}/ca/intermediate.key").chmod(0o644)
    host.host.run("setpriv", "--reuid", "65534", "--clear-groups", "cat", f"{STATE}/ca/intermediate.key")


@fault("mutual", "file-permission")
def sockets_of_the_api_are_roots(host: Patient) -> None:
    for name in ("core", "dpm"):
        host.host.path(f"/run/nms/{name}.sock").chmod(0o660)
    api = host.browse(url=f"https://{NAME}/api/platform/v1/systems")
    assert api.stdout == "502"
    let_in(host.call(host.agent()))


# Agents' certificates.


@fault("observe", "client-cert-expired", only="newer")
def watched_agent_has_an_old_certificate(host: Patient) -> None:
    inform(host)
    for _ in range(2):
        refused(host.call(host.carrying(host.issue(AGENTS[1], "clientAuth", life=certs.PAST), source=DB_1)))
    host.logged("(10:certificate has expired)")


@fault("mutual", "client-cert-wrong-ca")
def agent_signed_for_itself_in_a_busy_log(host: Patient) -> None:
    inform(host)
    own = for_itself(host)
    for _ in range(3):
        refused(host.call(host.carrying(own)))
    host.logged("(18:")
    now = f"{datetime.now(UTC):%Y/%m/%d %H:%M:%S}"
    noise = "".join(
        f"{now} [info] 812#812: *{9000 + number} client 10.20.0.{number % 200 + 20} closed keepalive connection\n"
        for number in range(20000)
    )
    with host.host.path(LOG).open("a") as log:
        log.write(noise)


def for_itself(host: Patient) -> certs.Pair:
    folder = host.folder()
    certs.openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "300", "-subj", f"/CN={AGENTS[0]}",
        "-addext", "extendedKeyUsage=clientAuth", "-keyout", f"{folder}/own.key", "-out", f"{folder}/own.pem",
    )  # fmt: skip
    return certs.Pair(folder / "own.pem", folder / "own.key")


@fault("dedicated", "client-cert-wrong-purpose", only="newer")
def refusal_is_in_yesterdays_file(host: Patient) -> tuple[str, ...]:
    inform(host)
    refused(host.call(host.carrying(host.issue(AGENTS[0], "serverAuth"), sni=OWN)))
    host.logged("(26:")
    host.host.run("mv", LOG, f"{LOG}.1")
    host.host.run(*host.nginx.argv, "-s", "reopen")
    return "--log", f"{LOG}.1"


@fault("dedicated", "client-cert-revoked")
def revoked_at_the_server_of_the_agents(host: Patient) -> None:
    lists = revocations(host, revoked=issued(AGENTS[1], "agent.crt"))
    host.host.write(f"{CERTS}/agents.crl", "".join(lists))
    host.edit(OWN_SERVER, "    ssl_verify_client on;", f"    ssl_verify_client on;\n    ssl_crl {CERTS}/agents.crl;")
    inform(host)
    refused(host.call(host.agent(AGENTS[1], sni=OWN)))
    let_in(host.call(host.agent(sni=OWN)))
    host.logged("(23:certificate revoked)")


def revocations(host: Patient, revoked: str = "", root_life: tuple[str, str] = certs.PRESENT) -> list[str]:
    """The lists of both authorities, the intermediate's first."""
    lists = []
    for name, life in (("intermediate", certs.PRESENT), ("root", root_life)):
        folder = host.folder()
        (folder / "index.txt").touch()
        (folder / "ca.cnf").write_text(certs.CA_CONFIG.format(folder=folder))
        for kind in ("crt", "key"):
            (folder / f"ca.{kind}").write_text(host.host.read(f"{STATE}/ca/{name}.{kind}"))
        usual = ["-config", f"{folder}/ca.cnf", "-cert", f"{folder}/ca.crt", "-keyfile", f"{folder}/ca.key"]
        if revoked and name == "intermediate":
            (folder / "revoked.crt").write_text(host.host.read(revoked))
            certs.openssl("ca", *usual, "-revoke", f"{folder}/revoked.crt")
        certs.openssl(
            "ca", *usual, "-gencrl", "-crl_lastupdate", life[0], "-crl_nextupdate", life[1], "-out", f"{folder}/crl"
        )  # fmt: skip
        lists.append((folder / "crl").read_text())
    return lists


# Nothing is in the log: its level is as the package has it.
@fault("mutual", "crl-expired")
def list_of_the_root_ran_out_and_the_log_is_silent(host: Patient) -> None:
    host.host.write(f"{CERTS}/agents.crl", "".join(revocations(host, root_life=certs.PAST)))
    host.edit(NMS_HTTP, f"{BUNDLE};", f"{BUNDLE};\n    ssl_crl {CERTS}/agents.crl;")
    host.reload()
    for name in AGENTS:
        refused(host.call(host.agent(name)))
    assert not any("CRL has expired" in line for line in host.lines(LOG))


# A newer nginx does not load that.
@fault("mutual", "crl-missing", only="distribution")
def certificate_stands_where_a_list_should(host: Patient) -> None:
    host.edit(NMS_HTTP, f"{BUNDLE};", f"{BUNDLE};\n    ssl_crl {CA_ROOT};")
    inform(host)
    refused(host.call(host.agent()))
    host.logged("(3:unable to get certificate CRL)")


@fault("imported", "client-not-listed", "drift", only="newer")
def line_of_an_agent_was_lost_from_the_list(host: Patient) -> None:
    line = next(line for line in host.lines(LISTED) if "web-1" in line)
    host.edit(LISTED, f"{line}\n", "")
    host.reload()
    refused(host.call(host.agent()))
    let_in(host.call(host.agent(AGENTS[1])))


# The chain is longer than what is looked along: nginx names it a missing issuer.
@fault("imported", "client-ca-incomplete", "client-chain-incomplete", "drift", only="distribution")
def agents_are_not_followed_far_enough(host: Patient) -> None:
    host.edit(NMS_HTTP, "ssl_verify_depth 2;", "ssl_verify_depth 1;")
    inform(host)
    for name in AGENTS:
        refused(host.call(host.agent(name)))
    host.logged("client SSL certificate verify error")


# Who gets through, and should not.


@fault("mutual-ipv6", "bypass-default-server", "mtls-not-asked", "mtls-not-enforced", only="newer")
def server_of_another_team_by_ipv6(host: Patient) -> None:
    host.edit(NMS_HTTP, "    listen [::]:443 ssl;\n", "")
    site(
        host, "v6-legacy", f"server {{\n{listens('[::]:443', host)}    server_name legacy.example.com;\n{PAIR}"
        "    location ~ ^/f5\\.nginx\\.agent {\n        grpc_pass grpc://unix:/var/run/nms/am.sock;\n    }\n}\n",
    )  # fmt: skip
    host.reload()
    (outcome,) = host.host.attempt([Attempt(client="h2", address="::1", sni=NAME)])
    let_in(outcome)


@fault("mutual", "bypass-default-server", "mtls-not-asked", "mtls-not-enforced")
def door_for_the_lan_on_another_port(host: Patient) -> None:
    site(
        host, "zz-lan", "upstream agents_lan {\n    server unix:/var/run/nms/am.sock;\n}\n"
        f"server {{\n{listens('8443', host)}    server_name lan.example.com;\n{PAIR}"
        "    location / {\n        grpc_pass grpc://agents_lan;\n    }\n}\n",
    )  # fmt: skip
    host.reload()
    let_in(host.call(host.stranger(port=8443)))
    let_in(host.call(host.agent()))


@fault("mutual", "bypass-satisfy-any")
def office_is_let_in_by_an_included_file(host: Patient) -> None:
    host.edit(NMS_HTTP, "        satisfy all;\n", "")
    host.host.write(
        "/etc/nms/nginx/locations/office.conf", "# Our people.\nsatisfy   any ;\nallow 10.20.0.0/16;\ndeny  all;\n"
    )
    host.reload()
    let_in(host.call(host.stranger()))


# The page for people answers 200 now, and the judgement is overruled by it.
@fault("stock", "bypass-error-page")
def page_of_the_refusal_became_friendly(host: Patient) -> None:
    follow_vendor(host.host)
    host.edit("/etc/nms/nginx/errors.http_conf", "return 401 ", "return 200 ")
    host.edit(NMS_HTTP, "error_page 401 /401.json;", "error_page 401 = /401.json;")
    host.reload()
    let_in(host.call(host.stranger()))


@fault("mutual", "mtls-not-enforced", "drift")
def measurements_are_taken_from_anybody(host: Patient) -> None:
    host.edit(NMS_HTTP, "        auth_request /nim-tls/agent-certificate;\n", "        auth_request off;\n", 1)
    host.reload()
    let_in(host.call(host.stranger(service="MetricsService")))
    refused(host.call(host.stranger()))


@fault("mutual", "mtls-not-enforced", "drift")
def judge_says_yes_to_everybody(host: Patient) -> None:
    host.edit(CHECK, "return 401;", "return 204;")
    host.reload()
    let_in(host.call(host.stranger()))


@fault("dedicated", "mtls-not-enforced", "drift", only="newer")
def any_certificate_will_do(host: Patient) -> None:
    host.edit(OWN_SERVER, "ssl_verify_client on;", "ssl_verify_client optional_no_ca;")
    host.edit(OWN_SERVER, "auth_request /nim-tls/agent-certificate;", "# auth_request /nim-tls/agent-certificate;")
    host.reload()
    folder = host.folder()
    anybody = certs.issue(folder, certs.authority(folder, "anybodys-ca"), "anybody", "clientAuth")
    let_in(host.call(host.carrying(anybody, sni=OWN)))


@fault("generation-1-stream", "mtls-not-enforced", "mtls-not-asked", "drift", only="distribution")
def stream_asks_and_does_not_insist(host: Patient) -> None:
    host.edit(STREAM_1, "ssl_verify_client on;", "ssl_verify_client optional;")
    host.reload()
    let_in(host.call(host.stranger(port=AGENTS_PORT)))


@fault("generation-1", "plaintext-port-exposed", only="newer")
def manager_of_generation_1_is_open_behind_its_proxy(host: Patient) -> None:
    host.edit(SETTINGS_1, "bind_address: 127.0.0.1", "bind_address: 0.0.0.0   # for the new collector")
    host.ground.start_again()
    assert called_in_the_clear(host, 10000)


@fault("mutual", "plaintext-port-exposed")
def services_are_published_without_tls(host: Patient) -> None:
    new = host.nginx.has_http2_directive
    how = f"    listen {DOOR}:8090;\n    http2 on;\n" if new else f"    listen {DOOR}:8090 http2;\n"
    site(host, "lab", f"server {{\n{how}    location / {{\n        grpc_pass unix:/var/run/nms/am.sock;\n    }}\n}}\n")
    host.reload()
    assert called_in_the_clear(host, 8090)


def called_in_the_clear(host: Patient, port: int) -> bool:
    mark = uuid.uuid4().hex
    headers = ("content-type: application/grpc", "te: trailers", f"x-attempt: {mark}")
    host.from_outside(
        "curl", "-sS", "-m", "5", "-o", "/dev/null", "--http2-prior-knowledge", "-X", "POST", "--data-binary", "@-",
        *(word for header in headers for word in ("-H", header)),
        f"http://{DOOR}:{port}/f5.nginx.agent.sdk.Commander/LabProbe", check=False,
    )  # fmt: skip
    return any(call["attempt"] == mark for call in host.manager.call_log())


# As the vendor's page had it once.
@fault("generation-1", "plaintext-port-exposed", only="distribution")
def pages_of_generation_1_on_port_88(host: Patient) -> None:
    host.edit(UI_1, "    listen *:443", "    listen 0.0.0.0:88;\n    listen *:443")
    host.reload()
    assert host.browse(url=f"http://{NAME}:88/").stdout == "200"


# Talking past each other.


@fault("dedicated", "http2-missing", only="newer")
def server_of_the_agents_lost_http_2(host: Patient) -> None:
    host.edit(NMS_HTTP, "listen 443 ssl http2 default_server;", "listen 443 ssl default_server;\n    http2 on;")
    host.edit(OWN_SERVER, "    http2 on;\n", "")
    host.reload()
    assert "application protocol" in refused(host.call(host.agent(sni=OWN))).error
    assert host.browse().stdout == "200"


@fault("mutual-ipv6", "http2-missing", only="distribution")
def http_2_is_missing_by_ipv6_alone(host: Patient) -> None:
    host.edit(NMS_HTTP, "listen [::]:443 ssl http2;", "listen [::]:443 ssl;")
    host.reload()
    let_in(host.call(host.agent()))
    (outcome,) = host.host.attempt([dataclasses.replace(host.agent(source=None), address="::1")])
    refused(outcome)


@fault("generation-1-stream", "alpn-missing", only="distribution")
def stream_selects_no_protocol(host: Patient) -> None:
    host.edit(STREAM_1, "    ssl_alpn h2;\n", "")
    host.reload()
    assert "does not speak HTTP/2" in refused(host.call(host.agent())).error


# Before nginx 1.29.2 the protocols of a port are those of its default server.
@fault("mutual", "protocol-mismatch", only="distribution")
def default_server_of_the_port_speaks_an_old_protocol(host: Patient) -> None:
    host.edit(NMS_HTTP, "server_name _;", f"server_name {NAME};")
    site(
        host, "00-shop", f"server {{\n{listens('443', host, ' default_server')}    server_name shop.example.com;\n{PAIR}"
        "    ssl_protocols TLSv1 TLSv1.1;\n    return 204;\n}\n",
    )  # fmt: skip
    inform(host)
    for _ in range(3):
        refused(host.call(host.agent()))
    host.logged("unsupported protocol")


@fault("rejecting", "sni-mismatch", only="newer")
def agent_comes_by_address(host: Patient) -> None:
    inform(host)
    let_in(host.call(host.agent(sni=OWN, port=8444)))
    for _ in range(3):
        refused(host.call(host.agent(AGENTS[1], sni=None, port=8444)))
    host.logged("handshake rejected", DB_1)


@fault("mutual", "port-closed", "drift")
def manager_listens_on_its_own_host_alone(host: Patient) -> None:
    host.edit(NMS_HTTP, "listen 443 ssl", "listen 127.0.0.1:443 ssl")
    host.end_nginx()
    wait_for(lambda: ":443 " not in host.host.run("ss", "-ltnH").stdout, "the end of nginx")
    host.host.start_nginx()
    wait_for(host.host.workers, "nginx")
    assert "refused" in refused(host.call(host.agent())).error


# What lies behind.


@fault("mutual", "upstream-down")
def measurements_go_to_a_port_where_nobody_listens(host: Patient) -> None:
    host.edit(NMS_HTTP, "    # server 127.0.0.1:8035;\n", "    server 127.0.0.1:8035;\n")
    host.edit(NMS_HTTP, "    server unix:/var/run/nms/ingestion.sock;\n", "")
    host.reload()
    refused(host.call(host.agent(service="MetricsService")))
    let_in(host.call(host.agent()))
    host.logged("127.0.0.1:8035", "(111: Connection refused)")


@fault("mutual", "upstream-down")
def service_of_commands_hangs(host: Patient) -> None:
    silent = "import socket; taken = socket.create_server(('127.0.0.1', 8036)); print('ready', flush=True); input()"
    assert host.start(sys.executable, "-c", silent).stdout.readline() == "ready\n"
    host.edit(NMS_HTTP, "    server unix:/var/run/nms/am.sock;\n", "    server 127.0.0.1:8036;\n")
    host.edit(NMS_HTTP, "grpc_read_timeout 5m;", "grpc_read_timeout 1s;")
    host.reload()
    refused(host.call(host.agent()))
    host.logged("upstream timed out (110: ")


# Two at once: the words that agents are told hide that nobody is there.
@fault("mutual", "upstream-down")
def services_are_dead_and_errors_have_no_content(host: Patient) -> None:
    host.edit("/etc/nms/nginx/errors-grpc.server_conf", "return 200;", "return 204;")
    host.reload()
    host.end_services()
    for outcome in host.calls(*both_services(host.agent())):
        refused(outcome)
    host.logged("(111: Connection refused)")


@fault("generation-1", "upstream-down", only="newer")
def manager_of_generation_1_moved_to_another_port(host: Patient) -> None:
    host.edit(SETTINGS_1, "grpc_port: 10000", "grpc_port: 10001")
    host.ground.start_again()
    refused(host.call(host.agent()))
    host.logged(":10000", "(111: Connection refused)")


@fault("mutual", "upstream-tls-mismatch")
def api_is_asked_in_tls(host: Patient) -> None:
    host.edit(NMS_HTTP, "proxy_pass http://$mapped_upstream;", "proxy_pass https://$mapped_upstream;")
    host.reload()
    assert host.browse(url=f"https://{NAME}/api/platform/v1/systems").stdout == "502"
    host.logged("upstream", "https://")


@fault("generation-1", "upstream-tls-mismatch", only="distribution")
def manager_of_generation_1_speaks_tls_now(host: Patient) -> None:
    with_tls_behind(host)
    refused(host.call(host.agent()))
    assert host.browse().stdout == "502"
    host.logged("upstream", ":10000")


def with_tls_behind(host: Patient) -> None:
    for name in ("cert", "key"):
        host.edit(SETTINGS_1, f"# {name}: ", f"{name}: ")
    host.ground.start_again()


@fault("generation-1", "upstream-name-mismatch", only="newer")
def manager_is_expected_under_the_name_of_its_group(host: Patient) -> None:
    with_tls_behind(host)
    verify = f"grpc_ssl_verify on;\n        grpc_ssl_trusted_certificate {CERTS_1}/ca.pem;\n        "
    host.edit(GRPC_1, "grpc_pass grpc://", f"{verify}grpc_pass grpcs://")
    host.reload()
    refused(host.call(host.agent()))
    host.logged("upstream SSL certificate does not match")


@fault("mutual", "upstream-untrusted")
def certificate_of_a_service_ran_out(host: Patient) -> None:
    old = signed(host, host.authority, "am.example.com", *for_server("am.example.com"), life=certs.PAST)
    placed(host, behind(old, host.authority), "/etc/nginx/am")
    host.start(
        "openssl", "s_server", "-accept", "127.0.0.1:8036", "-cert", "/etc/nginx/am.pem", "-key", "/etc/nginx/am.key",
        "-alpn", "h2",
    )  # fmt: skip
    wait_for(lambda: ":8036" in host.host.run("ss", "-ltnH").stdout, "the service")
    verify = f"grpc_ssl_verify on;\n        grpc_ssl_trusted_certificate {BUNDLE};\n        grpc_ssl_name am.example.com;"
    host.edit(NMS_HTTP, "grpc_pass grpc://dpm-grpc-service;", f"{verify}\n        grpc_pass grpcs://127.0.0.1:8036;")
    host.reload()
    refused(host.call(host.agent()))
    host.logged("upstream SSL certificate verify error: (10:")


# What nginx does not load.


# Two at once: what has run out is served only because nothing new is loaded any more.
@fault("mutual", "syntax")
def typing_error_elsewhere_keeps_a_renewed_certificate_out(host: Patient) -> None:
    renewed = {path: host.host.path(path).read_bytes() for path in (SERVER_CERT, SERVER_KEY)}
    host.serve(host.issue(NAME, "serverAuth", life=certs.PAST))
    host.reload()
    for path, content in renewed.items():
        host.host.path(path).write_bytes(content)
    site(host, "shop", "server {\n    listen 8081\n}\n")
    host.must_not_load('unexpected "}"')
    assert "certificate has expired" in host.browse().stderr


@fault("generation-1", "syntax", only="newer")
def listen_line_has_no_end(host: Patient) -> None:
    line = next(line for line in host.lines(GRPC_1) if "listen" in line)
    host.edit(GRPC_1, line, line.rstrip(";"))
    host.must_not_load("invalid parameter", "invalid number of arguments", "unexpected")


@fault("mutual", "syntax")
def whole_configuration_was_put_into_the_folder(host: Patient) -> None:
    site(host, "default", "http {\n    server {\n        listen 8081;\n    }\n}\n")
    host.must_not_load('"http" directive is not allowed here')


@fault("mutual", "duplicate-directive")
def copy_for_safety_lies_beside_it(host: Patient) -> None:
    host.host.write(f"{CONF_D}/nms-http-before-upgrade.conf", host.host.read(NMS_HTTP))
    host.must_not_load("already bound", "duplicate")


@fault("mutual", "duplicate-directive")
def two_want_to_be_the_default(host: Patient) -> None:
    host.edit(NMS_HTTP, "listen 443 ssl", "listen 443 default_server ssl")
    site(host, "shop", f"server {{\n{listens('443', host, ' default_server')}{PAIR}    return 204;\n}}\n")
    host.must_not_load("a duplicate default server")


@fault("dedicated", "plus-only-directive", only="newer")
def health_check_in_the_server_of_the_agents(host: Patient) -> None:
    last = "grpc_pass grpc://dpm-grpc-service;"
    host.edit(OWN_SERVER, last, f"{last}\n        health_check type=grpc grpc_status=12;")
    host.must_not_load('unknown directive "health_check"')


@fault("generation-1", "plus-only-directive", only="distribution")
def zone_of_the_vendors_page(host: Patient) -> None:
    host.edit(GRPC_1, "    server_name", "    status_zone nginx-manager_grpcs;\n    server_name")
    host.must_not_load('unknown directive "status_zone"')


@fault("generation-1-stream", "module-missing", only="distribution")
def stream_is_no_longer_loaded(host: Patient) -> None:
    host.edit(MAIN, "include /etc/nginx/modules-enabled/*.conf;\n", "")
    host.must_not_load('unknown directive "stream"')


# `nginx -t` is content; the two halves of one nginx want the same port.
@fault("generation-1", "port-taken", only="distribution")
def stream_and_http_want_the_same_port(host: Patient) -> None:
    with host.host.path(MAIN).open("a") as main:
        main.write(f"stream {{\n    server {{\n        listen {AGENTS_PORT};\n        proxy_pass 127.0.0.1:10000;\n")
        main.write("    }\n}\n")
    assert host.host.test_config().returncode == 0
    host.end_nginx()
    assert f":{AGENTS_PORT} failed (98: " in host.host.run(*host.nginx.argv, check=False).stderr


# Hosts that are well.


def everybody_comes(host: Patient, **how: object) -> None:
    all_in(host.calls(*(each for name in AGENTS for each in both_services(host.agent(name, **how)))))


@well("mutual")
def scanners_knock_as_they_do_everywhere(host: Patient) -> None:
    inform(host)
    everybody_comes(host)
    assert host.browse(url=f"http://{NAME}:443/").stdout == "400"
    assert host.browse("-k", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0").returncode == 35
    assert host.browse("-k", url=f"https://{DOOR}/.env").stdout in ("404", "429")
    host.from_outside("bash", "-c", f"printf 'SSH-2.0-scan\\r\\n\\r\\n' > /dev/tcp/{DOOR}/443", check=False)
    everybody_comes(host)


@well("mutual")
def own_lines_everywhere(host: Patient) -> None:
    neighbours.move_in(host.host)
    ours = "    map $remote_addr $office { default 0; ~^10\\. 1; }\n"
    ours += "    log_format ours '$remote_addr \"$request\" $office $ssl_protocol $ssl_client_verify';\n"
    host.edit(MAIN, "    default_type", f"{ours}    default_type")
    host.edit(MAIN, "access_log /var/log/nginx/access.log;", "access_log /var/log/nginx/access.log ours;")
    site(
        host, "zz-intranet", "limit_req_zone $binary_remote_addr zone=ours:1m rate=1r/s;\n"
        "server {\n    listen 8082;\n    limit_req zone=ours;\n    location / {\n        deny 10.20.0.12;\n"
        "        allow all;\n        root /var/www/nms;\n    }\n}\n",
    )  # fmt: skip
    host.reload()
    for _ in range(4):
        assert host.browse(url=f"http://{NAME}:8082/").stdout in ("403", "503")
    host.logged("access forbidden by rule")
    everybody_comes(host)


@well("mutual")
def addresses_that_say_what_they_are_not(host: Patient) -> None:
    site(host, "zz-blog", "server {\n    listen 8083;\n    root /var/www/blog;\n}\n")
    inform(host)
    for words in (
        "client SSL certificate verify error: (10:certificate has expired) while reading client request headers",
        "connect() failed (111: Connection refused) while connecting to upstream",
        "client sent no required SSL certificate while reading client request headers",
        "SSL_do_handshake() failed (SSL: error:0A0000EB:SSL routines::no application protocol) while SSL handshaking",
    ):
        assert host.browse(url=f"http://{NAME}:8083/{words.replace(' ', '%20')}").stdout == "404"
    host.logged("/var/www/blog/client SSL certificate verify error: (10:certificate has expired)")
    everybody_comes(host)


@well("mutual")
def nobody_keeps_a_list_of_requests(host: Patient) -> None:
    host.edit(MAIN, "access_log /var/log/nginx/access.log;", "access_log off;")
    host.reload()
    everybody_comes(host)


@well("mutual")
def two_kinds_of_keys(host: Patient) -> None:
    serve_also(host, behind(signed(host, host.authority, NAME, *for_server(), kind="rsa"), host.authority))
    host.reload()
    everybody_comes(host)
    by_rsa = ("--cacert", CA_ROOT, "--tls-max", "1.2", "--ciphers", "ECDHE-RSA-AES128-GCM-SHA256")
    assert host.browse(*by_rsa).stdout == "200"


# Browsers meet a certificate of an authority that they know, agents the one of ours.
@well("dedicated", only="newer")
def pages_have_a_public_certificate(host: Patient) -> None:
    top = certs.root(host.folder(), "Public Root", "rsa")
    first = signed(host, top, "Public Intermediate 1", *CA_EXT, kind="rsa")
    second = signed(host, first, "Public Intermediate 2", *CA_EXT)
    host.host.write("/usr/local/share/ca-certificates/public.crt", top.cert.read_bytes())
    with host.host.path("/etc/ssl/certs/ca-certificates.crt").open("a") as store:
        store.write(top.cert.read_text())
    lines = [line for line in host.lines(NMS_HTTP) if "ssl_certificate" in line and SERVER_CERT[:-4] in line]
    assert len(lines) == 2
    pair = behind(signed(host, second, NAME, *for_server(), life=life_until(days=80)), second, first)
    host.edit(NMS_HTTP, lines[0] + "\n", placed(host, pair, f"/etc/letsencrypt/live/{NAME}/current"))
    host.edit(NMS_HTTP, lines[1] + "\n", "")
    host.reload()
    everybody_comes(host, sni=OWN)
    assert host.browse("--cacert", "/etc/ssl/certs/ca-certificates.crt").stdout == "200"


@well("imported", only="distribution")
def a_third_agent_was_listed_by_hand(host: Patient) -> None:
    host.edit(LISTED, "    default 0;\n", '    default 0;\n    # The lab.\n    "~^CN=lab-[0-9]+\\.example\\.com\\z"   1;\n')
    host.reload()
    let_in(host.call(carried(host.host, host.ground.authority, "/CN=lab-7.example.com", host.agent())))
    everybody_comes(host)


@well("generation-1", only="newer")
def generation_1_beside_other_sites(host: Patient) -> None:
    neighbours.move_in(host.host)
    host.edit(UPSTREAMS_1, "    keepalive 20;", "    keepalive 40;   # since we have more of them")
    inform(host)
    everybody_comes(host)
    assert host.browse().stdout == "200"


@well("generation-1-stream", only="distribution")
def generation_1_below_http(host: Patient) -> None:
    everybody_comes(host)
    assert host.browse().stdout == "200"


@well("mutual-ipv6", only="newer")
def both_kinds_of_addresses(host: Patient) -> None:
    inform(host)
    everybody_comes(host)
    (outcome,) = host.host.attempt([dataclasses.replace(host.agent(source=None), address="::1")])
    let_in(outcome)


@well("rejecting", only="newer")
def who_says_no_name_is_turned_away(host: Patient) -> None:
    inform(host)
    refused(host.call(host.stranger(sni=None, port=8444)))
    everybody_comes(host, sni=OWN, port=8444)


# Without any of this program: an agents' server as a careful operator writes it.
@well("stock", only="newer")
def server_for_agents_made_by_hand(host: Patient) -> None:
    text = host.host.read(NMS_HTTP)
    begin, end = text.index("    # Measurements sent by agents."), text.index("    # Judges what the handshake")
    locations = text[begin:end]
    host.host.path(NMS_HTTP).write_text(text[:begin] + text[end:])
    pair = f"    ssl_certificate {CERTS}/manager-server.pem;\n    ssl_certificate_key {CERTS}/manager-server.key;\n"
    site(
        host, "zz-agents", f"server {{\n{listens('8443', host)}    server_name {VENDOR_NAME};\n{pair}"
        f"    ssl_client_certificate {CERTS}/ca.pem;\n    ssl_verify_client on;\n    ssl_protocols TLSv1.2 TLSv1.3;\n"
        f"    include /etc/nms/nginx/errors-grpc.server_conf;\n{locations}}}\n",
    )  # fmt: skip
    host.reload()
    vendor = certs.Pair(host.host.work / "vendor-ca.pem", host.host.work / "vendor-ca.key")
    mine = certs.issue(host.folder(), vendor, "web-1", "clientAuth")
    let_in(host.call(dataclasses.replace(host.carrying(mine), ca=None, sni=VENDOR_NAME, port=8443)))


# The services were started anew in the night; since then all is as it should be.
@well("observe", only="newer")
def services_were_away_for_a_moment_in_the_night(host: Patient) -> None:
    then = f"{datetime.now(UTC) - timedelta(hours=9):%Y/%m/%d %H:%M:%S}"
    with host.host.path(LOG).open("a") as log:
        log.write(
            f"{then} [error] 71#71: *8 connect() to unix:/var/run/nms/am.sock failed (111: Connection refused) while "
            f'connecting to upstream, client: 10.20.0.11, server: _, request: "POST /f5.nginx.agent.sdk.Commander/'
            f'CommandChannel HTTP/2.0", upstream: "grpc://unix:/var/run/nms/am.sock:", host: "{NAME}"\n'
        )
    everybody_comes(host)
    assert host.browse().stdout == "200"


@each_case(SECOND.faults)
def test_the_cause_comes_first(patient: Patient, case: Case) -> None:
    judge(patient, case)


@each_case(SECOND.healthy)
def test_a_healthy_host_has_no_error(patient: Patient, case: Case) -> None:
    judge(patient, case)
