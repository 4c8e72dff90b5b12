"""Faults of a manager's host that were written before the rules of the doctor, and not for them; healthy hosts too.

Who writes rules does not look in here: these show how the doctor does on what it was not made for. The faults of
instances, and logs that were brought from elsewhere, are in test_seeded_held_out_agents.py.
"""

import dataclasses
import sys
from datetime import UTC, datetime, timedelta

import certs
import neighbours
from clients import Attempt
from conftest import each_case
from grounds import AGENTS_PORT, DB_1, DOOR
from lab import wait_for
from manager import NAME, both_services
from nim1 import Nim1
from nim_tree import CERTS, NMS_HTTP, PLAIN, TRAPS, follow_vendor, nms_http
from patient import Patient, all_in, judge, let_in, refused
from seeded import EACH, Case, Cases
from test_dedicated import OWN
from test_import_ca import carried
from tool import AGENTS, ANCHOR, CA_INTERMEDIATE, CA_ROOT, SERVER_CERT, SERVER_KEY, STATE, issued

HELD_OUT = Cases("held out", in_turn=("distribution", "newer"))
fault, well = HELD_OUT.fault, HELD_OUT.well
MAIN, BUNDLE, CRL = "/etc/nginx/nginx.conf", f"{CERTS}/nim-tls-ca.pem", f"{CERTS}/agents.crl"
ASKED = "ssl_verify_client      optional;"
NOT_CA, SERVES = "basicConstraints=critical,CA:FALSE", "extendedKeyUsage=serverAuth"


# The manager's certificate.


@fault("mutual", "server-cert-expired", only=EACH)
def server_certificate_ran_out(host: Patient) -> None:
    host.serve(host.issue(NAME, "serverAuth", life=certs.PAST))
    host.reload()
    assert "certificate has expired" in host.browse().stderr


@fault("mutual", "cert-expiring")
def server_certificate_ends_in_two_days(host: Patient) -> None:
    end = datetime.now(UTC) + timedelta(days=2)
    host.serve(host.issue(NAME, "serverAuth", life=(certs.PRESENT[0], f"{end:%Y%m%d%H%M%SZ}")))
    host.reload()
    let_in(host.call(host.agent()))


@fault("mutual", "server-name-mismatch")
def server_certificate_is_for_another_name(host: Patient) -> None:
    host.serve(host.issue("old-nim.example.com", "serverAuth"))
    host.reload()
    assert "no alternative certificate subject name matches" in host.browse().stderr


@fault("mutual", "common-name-only")
def server_certificate_has_no_alternative_names(host: Patient) -> None:
    host.serve(with_chain(host, NOT_CA, SERVES))
    host.reload()
    assert host.browse().stdout == "200", "older clients take the common name"
    assert "Hostname mismatch" in host.from_outside(sys.executable, "-c", AS_GO_DOES, check=False).stderr


AS_GO_DOES = f"""
import socket, ssl
tls = ssl.create_default_context(cafile="{CA_ROOT}")
tls.hostname_checks_common_name = False
tls.wrap_socket(socket.create_connection(("{DOOR}", 443)), server_hostname="{NAME}")
"""


def with_chain(host: Patient, *extensions: str, kind: str = "ec") -> certs.Pair:
    pair = certs.subordinate(host.folder(), host.authority, NAME, *extensions, kind=kind)
    pair.cert.write_text(pair.cert.read_text() + host.authority.cert.read_text())
    return pair


@fault("mutual", "server-cert-wrong-purpose")
def server_certificate_was_made_for_clients(host: Patient) -> None:
    host.serve(host.issue(NAME, "clientAuth"))
    host.reload()
    assert "purpose" in host.browse().stderr


@fault("mutual", "server-cert-untrusted")
def server_certificate_is_of_an_authority_nobody_knows(host: Patient) -> None:
    folder = host.folder()
    host.serve(certs.issue(folder, certs.authority(folder, "acme-ca"), NAME, "serverAuth"))
    host.reload()
    assert "unable to get local issuer" in host.browse().stderr


@fault("mutual", "server-chain-incomplete")
def server_sends_its_leaf_alone(host: Patient) -> None:
    leaf = host.host.read(SERVER_CERT).split("-----END")[0] + "-----END CERTIFICATE-----\n"
    host.host.path(SERVER_CERT).write_text(leaf)
    host.reload()
    assert "unable to get local issuer" in host.browse().stderr


@fault("mutual", "weak-key", only=EACH)
def server_key_has_1024_bits(host: Patient) -> None:
    host.serve(with_chain(host, NOT_CA, SERVES, f"subjectAltName=DNS:{NAME}", kind="rsa1024"))
    # One nginx refuses it, the other serves it; then clients refuse.
    if host.host.test_config().returncode:
        host.must_not_load("key too small")
    else:
        host.reload()
        assert "too weak" in host.browse().stderr


# Files.


@fault("mutual", "key-mismatch", only=EACH)
def server_key_is_of_another_certificate(host: Patient) -> None:
    host.host.path(SERVER_KEY).write_bytes(host.issue(NAME, "serverAuth").key.read_bytes())
    host.must_not_load("key values mismatch")


# The words of nginx are those of a mismatch, and what is in the file is a chain that is out of order.
@fault("mutual", "key-mismatch", "server-chain-incomplete")
def intermediate_was_put_before_the_leaf(host: Patient) -> None:
    first, second, _ = host.host.read(SERVER_CERT).split("-----END CERTIFICATE-----\n")
    end = "-----END CERTIFICATE-----\n"
    host.host.path(SERVER_CERT).write_text(second + end + first + end)
    host.must_not_load("key values mismatch")


@fault("mutual", "key-encrypted")
def server_key_wants_a_passphrase(host: Patient) -> None:
    locked = host.host.run("openssl", "pkey", "-in", SERVER_KEY, "-aes256", "-passout", "pass:winter").stdout
    host.host.path(SERVER_KEY).write_text(locked)
    host.must_not_load("bad password read", "PEM_read_bio_PrivateKey")


@fault("mutual", "key-readable-by-others")
def anybody_may_read_the_server_key(host: Patient) -> None:
    host.host.path(SERVER_KEY).chmod(0o644)
    host.host.run("setpriv", "--reuid", "65534", "--clear-groups", "cat", SERVER_KEY)


@fault("mutual", "file-missing")
def bundle_for_agents_was_deleted(host: Patient) -> None:
    host.host.path(BUNDLE).unlink()
    host.must_not_load("No such file")


@fault("mutual", "file-not-pem")
def server_certificate_came_as_der(host: Patient) -> None:
    host.host.run("openssl", "x509", "-in", SERVER_CERT, "-outform", "DER", "-out", SERVER_CERT)
    host.must_not_load("no start line")


@fault("mutual", "trust-store-ineffective")
def anchor_has_an_ending_that_the_store_passes_over(host: Patient) -> None:
    host.host.run("mv", ANCHOR, ANCHOR.replace(".crt", ".pem"))
    # What update-ca-certificates makes of that, which takes its time.
    all_of_them, root = "/etc/ssl/certs/ca-certificates.crt", host.host.read(CA_ROOT)
    host.edit(all_of_them, root, "")
    host.host.run("find", "/etc/ssl/certs", "-lname", "*nim-tls-root*", "-delete")
    assert host.host.run("curl", "-sS", f"https://{NAME}/ui/", check=False).returncode == 60


# Agents' certificates.


@fault("mutual", "client-cert-expired")
def certificate_of_an_agent_ran_out(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    refused(host.call(host.carrying(host.issue(AGENTS[0], "clientAuth", life=certs.PAST))))
    host.logged("(10:certificate has expired)")


@fault("mutual", "client-cert-not-yet-valid")
def certificate_of_an_agent_is_of_tomorrow(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    life = (f"{tomorrow:%Y%m%d%H%M%SZ}", certs.PRESENT[1])
    refused(host.call(host.carrying(host.issue(AGENTS[0], "clientAuth", life=life))))
    host.logged("(9:certificate is not yet valid)")


@fault("mutual", "client-cert-wrong-purpose")
def agent_carries_a_certificate_for_servers(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    refused(host.call(host.carrying(host.issue(AGENTS[0], "serverAuth"))))
    host.logged("(26:")


@fault("mutual", "client-cert-wrong-ca")
def agent_carries_a_certificate_of_another_authority(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    folder = host.folder()
    foreign = certs.root(folder, "branch-office")
    pair = certs.issue(folder, foreign, AGENTS[0], "clientAuth", chain=foreign.cert)
    for _ in range(3):
        refused(host.call(host.carrying(pair)))
    host.logged("(19:")


@fault("mutual", "client-cert-missing")
def agent_was_never_given_its_files(host: Patient) -> None:
    for outcome in host.calls(*both_services(host.agent(cert=None, key=None))):
        refused(outcome)


# The manager's bundle has lost the intermediate, and this agent does not bring it either.
@fault("mutual", "client-chain-incomplete", "client-ca-incomplete")
def agent_sends_its_leaf_alone(host: Patient) -> None:
    host.host.path(BUNDLE).write_text(host.host.read(CA_ROOT))
    host.log_refusals()
    host.reload()
    let_in(host.call(host.agent(AGENTS[1])))
    refused(host.call(host.carrying(host.issue(AGENTS[0], "clientAuth", chain=None))))
    host.logged("client SSL certificate verify error")


@fault("mutual", "client-ca-incomplete")
def bundle_for_agents_has_lost_the_root(host: Patient) -> None:
    host.host.path(BUNDLE).write_text(host.host.read(CA_INTERMEDIATE))
    host.log_refusals()
    host.reload()
    for name in AGENTS:
        refused(host.call(host.agent(name)))
    host.logged("(2:unable to get issuer certificate)")


# Agents' certificates are good; to the manager, which was given another bundle, they are of a wrong authority.
@fault("mutual", "client-cert-wrong-ca", "client-ca-incomplete")
def bundle_for_agents_is_the_vendors(host: Patient) -> None:
    host.edit(NMS_HTTP, BUNDLE, f"{CERTS}/ca.pem")
    host.log_refusals()
    host.reload()
    for name in AGENTS:
        refused(host.call(host.agent(name)))
    host.logged("client SSL certificate verify error")


@fault("mutual", "client-cert-revoked")
def agent_that_was_revoked_goes_on_calling(host: Patient) -> None:
    with_lists(host, revocations(host, issued(AGENTS[0], "agent.crt")))
    refused(host.call(host.agent()))
    let_in(host.call(host.agent(AGENTS[1])))
    host.logged("(23:certificate revoked)")


@fault("mutual", "crl-expired")
def list_of_revoked_was_not_renewed(host: Patient) -> None:
    with_lists(host, revocations(host, life=certs.PAST))
    refused(host.call(host.agent()))
    host.logged("(12:CRL has expired)")


@fault("mutual", "crl-missing")
def list_of_one_authority_is_not_there(host: Patient) -> None:
    with_lists(host, revocations(host)[:1])
    refused(host.call(host.agent()))
    host.logged("(3:unable to get certificate CRL)")


def revocations(host: Patient, *revoked: str, life: tuple[str, str] = certs.PRESENT) -> list[str]:
    """The lists of both authorities; the intermediate's names these certificates of the host."""
    lists = []
    for name in ("intermediate", "root"):
        folder = host.folder()
        (folder / "index.txt").touch()
        (folder / "ca.cnf").write_text(certs.CA_CONFIG.format(folder=folder))
        for kind in ("crt", "key"):
            (folder / f"ca.{kind}").write_text(host.host.read(f"{STATE}/ca/{name}.{kind}"))
        usual = ["-config", f"{folder}/ca.cnf", "-cert", f"{folder}/ca.crt", "-keyfile", f"{folder}/ca.key"]
        for number, path in enumerate(revoked if name == "intermediate" else ()):
            (folder / f"{number}.crt").write_text(host.host.read(path))
            certs.openssl("ca", *usual, "-revoke", f"{folder}/{number}.crt")
        certs.openssl(
            "ca", *usual, "-gencrl", "-crl_lastupdate", life[0], "-crl_nextupdate", life[1], "-out", f"{folder}/crl"
        )  # fmt: skip
        lists.append((folder / "crl").read_text())
    return lists


def with_lists(host: Patient, lists: list[str]) -> None:
    host.host.write(CRL, "".join(lists))
    host.edit(NMS_HTTP, ASKED, f"{ASKED}\n    ssl_crl {CRL};")
    host.log_refusals()
    host.reload()


@fault("imported", "client-not-listed", only="distribution")
def somebody_of_the_same_authority_who_is_no_agent(host: Patient) -> None:
    printer = carried(host.host, host.ground.authority, "/CN=printer.example.com", host.agent())
    refused(host.call(printer))
    let_in(host.call(host.agent(AGENTS[1])))


# Nothing tells the reason, and an operator has to know that before anything else.
@fault("mutual", "log-level-hides")
def refusals_leave_no_reason_behind(host: Patient) -> None:
    refused(host.call(host.carrying(host.issue(AGENTS[0], "clientAuth", life=certs.PAST))))
    assert not any("expired" in line for line in host.lines("/var/log/nginx/error.log"))


@fault("mutual", "logging-off")
def logs_were_switched_off(host: Patient) -> None:
    host.edit(MAIN, "error_log /var/log/nginx/error.log;", "error_log /dev/null crit;")
    host.edit(MAIN, "access_log /var/log/nginx/access.log;", "access_log off;")
    host.reload()
    before = len(host.lines("/var/log/nginx/access.log"))
    assert host.browse().stdout == "200"
    assert len(host.lines("/var/log/nginx/access.log")) == before


# Who gets through, and should not.


@fault("stock", "mtls-not-enforced")
def certificates_are_asked_for_and_nobody_looks(host: Patient) -> None:
    host.edit(NMS_HTTP, "# ssl_client_certificate", "ssl_client_certificate")
    host.edit(NMS_HTTP, "ssl_verify_client      off;", ASKED)
    host.reload()
    let_in(host.call(host.stranger()))


# The stock file of the older release is the same in other words.
@fault("stock-2.21", "mtls-not-enforced")
def older_release_as_it_was_shipped(host: Patient) -> None:
    let_in(host.call(host.stranger()))


# Switched off by hand: both are true, and each leads to the line.
@fault("mutual", "mtls-not-asked", "drift")
def verification_was_switched_off_by_hand(host: Patient) -> None:
    host.edit(NMS_HTTP, ASKED, "ssl_verify_client      off;")
    host.reload()
    refused(host.call(host.agent()))


@fault("mutual", "drift", only=EACH)
def upgrade_put_the_vendors_file_back(host: Patient) -> None:
    host.host.path(NMS_HTTP).write_text(nms_http(PLAIN))
    host.reload()
    let_in(host.call(host.stranger()))


@fault("stock", "bypass-error-page")
def vendors_procedure_and_an_error_page_for_people(host: Patient) -> None:
    follow_vendor(host.host)
    host.edit(NMS_HTTP, "    root /var/www/nms;\n", "    root /var/www/nms;\n" + TRAPS["error-page-named"])
    host.reload()
    let_in(host.call(host.stranger()))


@fault("mutual", "bypass-satisfy-any")
def office_network_was_let_in_as_well(host: Patient) -> None:
    host.edit(NMS_HTTP, "satisfy all;", "satisfy any;\n        allow 10.20.0.0/16;\n        deny all;")
    host.reload()
    let_in(host.call(host.stranger()))


@fault("mutual", "bypass-default-server", only=EACH)
def forgotten_server_takes_whoever_says_no_name(host: Patient) -> None:
    host.host.write(
        "/etc/nginx/conf.d/00-legacy.conf",
        "server {\n    listen 443 ssl http2 default_server;\n    server_name legacy.example.com;\n"
        f"    ssl_certificate {CERTS}/manager-server.pem;\n    ssl_certificate_key {CERTS}/manager-server.key;\n"
        "    location /f5.nginx.agent.sdk.Commander {\n        grpc_pass grpc://dpm-grpc-service;\n    }\n}\n",
    )
    host.reload()
    let_in(host.call(host.stranger(sni=None, authority=DOOR)))


@fault("mutual", "old-workers-serving")
def stream_of_before_goes_on(host: Patient) -> None:
    enforced = host.host.read(NMS_HTTP)
    host.edit(NMS_HTTP, "auth_request /nim-tls/agent-certificate;", "")
    host.reload()
    stream = host.host.hold("stream", Attempt(address=DOOR, sni=NAME, ca=issued(AGENTS[0], "ca.pem")))
    assert stream.report()["flowing"]
    host.host.path(NMS_HTTP).write_text(enforced)
    host.reload()
    assert stream.report()["flowing"] and host.host.old_workers()


@fault("mutual", "shared-session-cache", only=EACH)
def session_of_before_outlives_a_revocation(host: Patient) -> None:
    host.edit(NMS_HTTP, "ssl_session_timeout ", "ssl_session_tickets off;\n    ssl_session_timeout ")
    host.reload()
    session = host.host.hold("session", host.agent(source=None))
    assert session.report()["grpc"] == 12
    with_lists(host, revocations(host, issued(AGENTS[0], "agent.crt")))
    still = session.report()
    assert still["resumed"] and still["grpc"] == 12, still


@fault("mutual", "plaintext-port-exposed")
def pages_are_served_in_the_clear_too(host: Patient) -> None:
    host.edit(NMS_HTTP, "    listen 443 ssl", "    listen 8080;\n    listen 443 ssl", 1)
    host.reload()
    assert host.browse(url=f"http://{NAME}:8080/ui/").stdout == "200"


# Talking past each other.


@fault("mutual", "http2-missing", only=EACH)
def port_of_agents_lost_http_2(host: Patient) -> None:
    if host.nginx.has_http2_directive:
        host.edit(NMS_HTTP, "    http2 on;\n", "")
    else:
        host.edit(NMS_HTTP, "listen 443 ssl http2;", "listen 443 ssl;")
    host.reload()
    refused(host.call(host.agent()))


@fault("mutual", "plaintext-to-tls")
def script_calls_the_api_by_http(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    for _ in range(4):
        assert host.browse(url=f"http://{NAME}:443/api/platform/v1/systems").stdout == "400"
    host.logged("client sent plain HTTP request to HTTPS port", DB_1)


# The port that agents know is no longer one of TLS: whoever comes in TLS fails, whoever does not is served.
@fault("mutual", "tls-to-plaintext", "plaintext-port-exposed", only=EACH)
def listen_line_lost_its_ssl(host: Patient) -> None:
    host.edit(NMS_HTTP, "listen 443 ssl", "listen 443")
    host.log_refusals()
    host.reload()
    assert "SSL" in refused(host.call(host.agent())).error
    host.logged("client")


@fault("mutual", "protocol-mismatch")
def server_speaks_tls_1_3_only(host: Patient) -> None:
    host.edit(NMS_HTTP, "TLSv1.2 TLSv1.3;", "TLSv1.3;")
    host.log_refusals()
    host.reload()
    for _ in range(3):
        assert host.browse("-k", "--tls-max", "1.2").returncode == 35
    host.logged("unsupported protocol")


@fault("mutual", "cipher-mismatch", only=EACH)
def ciphers_are_for_keys_of_another_kind(host: Patient) -> None:
    host.edit(NMS_HTTP, "TLSv1.2 TLSv1.3;", "TLSv1.2;")
    line = next(line for line in host.lines(NMS_HTTP) if "ssl_ciphers" in line)
    host.edit(NMS_HTTP, line, "    ssl_ciphers ECDHE-RSA-AES256-GCM-SHA384;")
    host.log_refusals()
    host.reload()
    refused(host.call(host.agent()))
    host.logged("no shared cipher")


# Agents have a server of their own here, and this one still asks for the name of the pages.
@fault("dedicated", "sni-mismatch", only="newer")
def agent_asks_for_the_name_of_the_pages(host: Patient) -> None:
    let_in(host.call(host.agent(AGENTS[1], sni=OWN)))
    for outcome in host.calls(*both_services(host.agent())):
        assert refused(outcome).http == 404


@fault("mutual", "grpc-location-missing")
def location_of_commands_was_retired(host: Patient) -> None:
    host.edit(NMS_HTTP, "location /f5.nginx.agent.sdk.Commander {", "location /retired/f5.nginx.agent.sdk.Commander {")
    host.reload()
    refused(host.call(host.agent()))
    let_in(host.call(host.agent(service="MetricsService")))


# What lies behind.


@fault("mutual", "upstream-down")
def services_were_killed(host: Patient) -> None:
    host.end_services()
    for outcome in host.calls(*both_services(host.agent())):
        refused(outcome)
    host.logged("am.sock failed (111: Connection refused)")


@fault("generation-1", "upstream-down", only="distribution")
def manager_of_generation_1_was_killed(host: Patient) -> None:
    host.host.run("kill", "-KILL", host.host.read("/mnt/manager.pid").strip())
    wait_for(lambda: ":10000" not in host.host.listening(), "the end of the manager")
    refused(host.call(host.agent()))
    host.logged("(111: Connection refused)")


@fault("mutual", "upstream-socket-missing")
def socket_of_commands_was_swept_away(host: Patient) -> None:
    host.host.path("/run/nms/am.sock").unlink()
    refused(host.call(host.agent()))
    host.logged("am.sock failed (2: No such file or directory)")


@fault("mutual", "file-permission")
def workers_may_not_use_the_socket(host: Patient) -> None:
    host.host.path("/run/nms/am.sock").chmod(0o600)
    refused(host.call(host.agent()))
    host.logged("am.sock failed (13: Permission denied)")


@fault("mutual", "upstream-tls-mismatch", only=EACH)
def nginx_speaks_tls_to_a_service_that_does_not(host: Patient) -> None:
    host.edit(NMS_HTTP, "grpc_pass grpc://dpm-grpc-service;", "grpc_pass grpcs://dpm-grpc-service;")
    host.reload()
    refused(host.call(host.agent()))
    host.logged("upstream", "grpcs://")


@fault("mutual", "upstream-untrusted")
def service_shows_a_certificate_that_nginx_does_not_trust(host: Patient) -> None:
    to_a_service_with_tls(host, CA_ROOT)
    host.logged("upstream SSL certificate verify error")


@fault("mutual", "upstream-name-mismatch")
def service_shows_a_certificate_for_another_name(host: Patient) -> None:
    to_a_service_with_tls(host, f"{CERTS}/ca.pem")
    host.logged("upstream SSL certificate does not match")


def to_a_service_with_tls(host: Patient, trusted: str) -> None:
    pair = ("-cert", f"{CERTS}/manager-server.pem", "-key", f"{CERTS}/manager-server.key")
    host.start("openssl", "s_server", "-accept", "127.0.0.1:8036", *pair, "-alpn", "h2")
    wait_for(lambda: ":8036" in host.host.run("ss", "-ltnH").stdout, "the service")
    verify = f"grpc_ssl_verify on;\n        grpc_ssl_trusted_certificate {trusted};\n        "
    host.edit(NMS_HTTP, "grpc_pass grpc://dpm-grpc-service;", f"{verify}grpc_pass grpcs://127.0.0.1:8036;")
    host.reload()
    refused(host.call(host.agent()))


# What nginx does not load, or has not loaded.


@fault("mutual", "syntax")
def last_brace_was_lost(host: Patient) -> None:
    host.host.path(NMS_HTTP).write_text(host.host.read(NMS_HTTP).rstrip().removesuffix("}"))
    host.must_not_load("unexpected end of file")


@fault("mutual", "unknown-directive")
def directive_is_misspelt(host: Patient) -> None:
    host.edit(NMS_HTTP, ASKED, "ssl_verfy_client      optional;")
    host.must_not_load('unknown directive "ssl_verfy_client"')


@fault("mutual", "unknown-directive", only="distribution")
def directive_is_of_a_newer_nginx(host: Patient) -> None:
    host.edit(NMS_HTTP, "listen 443 ssl http2;", "listen 443 ssl;\n    http2 on;")
    host.must_not_load('unknown directive "http2"')


@fault("mutual", "plus-only-directive")
def directive_is_of_nginx_plus(host: Patient) -> None:
    host.edit(NMS_HTTP, "log_format oidc_jwt", "keyval_zone zone=agents:1m;\nlog_format oidc_jwt")
    host.must_not_load('unknown directive "keyval_zone"')


@fault("mutual", "duplicate-directive")
def line_stands_there_twice(host: Patient) -> None:
    host.edit(NMS_HTTP, ASKED, f"{ASKED}\n    ssl_client_certificate {CERTS}/ca.pem;")
    host.must_not_load("directive is duplicate")


@fault("mutual", "duplicate-directive")
def two_files_name_the_same_upstream(host: Patient) -> None:
    host.host.write("/etc/nginx/conf.d/zz-own.conf", "upstream dpm-grpc-service {\n    server 127.0.0.1:8036;\n}\n")
    host.must_not_load('duplicate upstream "dpm-grpc-service"')


@fault("mutual", "module-missing")
def module_is_not_installed(host: Patient) -> None:
    host.host.path(MAIN).write_text(f"load_module modules/ngx_http_js_module.so;\n{host.host.read(MAIN)}")
    host.must_not_load("dlopen()", "dynamic modules")


@fault("mutual", "port-taken", only=EACH)
def another_program_was_faster(host: Patient) -> None:
    host.end_nginx()
    other = "import socket; taken = socket.create_server(('0.0.0.0', 443)); print('ready', flush=True); input()"
    assert host.start(sys.executable, "-c", other).stdout.readline() == "ready\n"
    assert "bind() to 0.0.0.0:443 failed (98: " in host.host.run(*host.nginx.argv, check=False).stderr


@fault("mutual", "reload-not-effective")
def renewed_certificate_was_never_loaded(host: Patient) -> None:
    renewed = {path: host.host.path(path).read_bytes() for path in (SERVER_CERT, SERVER_KEY)}
    host.serve(host.issue(NAME, "serverAuth", life=certs.PAST))
    host.reload()
    for path, content in renewed.items():
        host.host.path(path).write_bytes(content)
    assert "certificate has expired" in host.browse().stderr


# Hosts that are well.


@well("mutual", only=EACH)
def agents_come_and_go(host: Patient) -> None:
    everybody_comes(host)


def everybody_comes(host: Patient, **how: object) -> None:
    all_in(host.calls(*(each for name in AGENTS for each in both_services(host.agent(name, **how)))))
    assert host.browse().stdout == "200"


@well("mutual")
def agents_come_while_refusals_are_logged(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    everybody_comes(host)
    assert host.tool.run("verify").code == 0


@well("mutual")
def other_sites_and_own_lines(host: Patient) -> None:
    neighbours.move_in(host.host)
    host.edit(NMS_HTTP, "    server_tokens off;", "    # Ours, { since 2024.\n    server_tokens off;\n    gzip on;")
    host.edit(NMS_HTTP, "    location = / {", "    location = /health {\n        return 204;\n    }\n\n    location = / {")
    host.reload()
    everybody_comes(host)
    neighbours.told(host.host)


@well("mutual")
def lists_of_revoked_that_are_fresh(host: Patient) -> None:
    with_lists(host, revocations(host))
    everybody_comes(host)


@well("mutual")
def certificate_renewed_by_hand(host: Patient) -> None:
    host.serve(host.issue(NAME, "serverAuth", san=f"DNS:{NAME},DNS:nim,IP:{DOOR}"))
    host.reload()
    everybody_comes(host)


@well("stock")
def vendors_procedure_with_the_missing_line(host: Patient) -> None:
    follow_vendor(host.host)
    host.edit(
        NMS_HTTP, "location /check-agent-client-cert {", "location = /check-agent-client-cert {\n        error_page 404 /404.json;"
    )  # fmt: skip
    host.reload()
    folder = host.folder()
    vendor = certs.Pair(host.host.work / "vendor-ca.pem", host.host.work / "vendor-ca.key")
    let_in(host.call(dataclasses.replace(host.carrying(certs.issue(folder, vendor, "web-1", "clientAuth")), ca=None)))
    refused(host.call(host.stranger()))
    # That stranger was our own question, and is no agent of anybody.
    host.host.write("/var/log/nginx/access.log", "")


@well("stock", only=EACH)
def as_it_was_shipped(host: Patient) -> None:
    let_in(host.call(host.stranger()))
    assert host.browse("-k").stdout == "200"


@well("termination", only="newer")
def encrypted_and_nobody_is_asked(host: Patient) -> None:
    everybody_comes(host, cert=None, key=None)


@well("observe", only="newer")
def agents_are_watched_and_one_is_not_ready(host: Patient) -> None:
    everybody_comes(host)
    let_in(host.call(host.stranger()))


@well("dedicated", only="newer")
def agents_have_a_server_of_their_own(host: Patient) -> None:
    everybody_comes(host, sni=OWN)


@well("generation-1", only="distribution")
def generation_1_at_work(host: Patient) -> None:
    assert isinstance(host.host, Nim1)
    everybody_comes(host, port=AGENTS_PORT)


@each_case(HELD_OUT.faults)
def test_the_cause_comes_first(patient: Patient, case: Case) -> None:
    judge(patient, case)


@each_case(HELD_OUT.healthy)
def test_a_healthy_host_has_no_error(patient: Patient, case: Case) -> None:
    judge(patient, case)
