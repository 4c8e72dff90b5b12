"""Faults of instances, and logs that were brought from elsewhere: see test_seeded_held_out.py, of whose set they are.

The settings and files are really wrong, and the agent (a stand-in) really does not get through to a manager on another
host. What it says of that is told in the words of NGINX Agent 2.46.7, as they were recorded.
"""

from datetime import UTC, datetime, timedelta

import certs
from conftest import each_case
from grounds import INSTANCE
from instance import CERTS, SETTINGS
from manager import NAME
from nim_tree import NMS_HTTP
from patient import Patient, judge
from seeded import Case, Cases

# What is looked at here is the agent: one nginx beside it is enough.
HELD_OUT = Cases("held out", in_turn=("newer",))
fault, well = HELD_OUT.fault, HELD_OUT.well
CERT, KEY, CA = f"{CERTS}/agent.crt", f"{CERTS}/agent.key", f"{CERTS}/agent-ca.pem"
MAIN = "/etc/nginx/nginx.conf"
BROUGHT = "/mnt/brought.log"

UNAVAILABLE = 'Unable to create command channel: rpc error: code = Unavailable desc = connection error: desc = "'
HANDSHAKE = f"{UNAVAILABLE}transport: authentication handshake failed: "
TLS_FATAL = "Failed to load secure metric gRPC dial options: failed to configure tls: "
RECEIVED = f"Commander Channel Recv: error communicating with {NAME}:443, code="
HTTP_400 = (
    f"{RECEIVED}Internal, message=unexpected HTTP status code received from server: 400 (Bad Request); transport: received "
    'unexpected content-type "text/html"'
)


def keeps_saying(host: Patient, message: str) -> None:
    """As an agent does that tries again and again."""
    for _ in range(4):
        host.agent_says("error", message)


def without(host: Patient, *keys: str) -> None:
    """The settings, without the lines of these keys."""
    lines = host.lines(SETTINGS)
    kept = [line for line in lines if line.strip().split(":")[0] not in keys]
    assert len(kept) == len(lines) - len(keys), lines
    host.host.path(SETTINGS).write_text("\n".join(kept) + "\n")


# Its settings.


@fault("instance", "agent-tls-off")
def tls_of_the_agent_is_off(host: Patient) -> None:
    host.edit(SETTINGS, "enable: true", "enable: false")
    host.agent_stays_away()
    keeps_saying(
        host, f"{UNAVAILABLE}error reading server preface: http2: failed reading the frame payload: http2: frame too large, "
        'note that the frame header looked like an HTTP/1.1 header"',
    )  # fmt: skip


@fault("instance", "agent-skip-verify")
def agent_believes_anybody(host: Patient) -> None:
    host.edit(SETTINGS, "skip_verify: false", "skip_verify: true")
    host.agent_gets_through()


@fault("instance", "agent-half-pair")
def key_of_the_agent_is_not_named(host: Patient) -> None:
    without(host, "key")
    host.agent_stays_away()
    host.agent_says("fatal", f"{TLS_FATAL}cert and key must both be provided")


@fault("instance", "agent-server-section")
def server_is_written_as_for_generation_1(host: Patient) -> None:
    without(host, "host", "grpcPort", "metrics", "command", "token")
    host.edit(SETTINGS, "server:", f"server: {NAME}:443")
    host.agent_stays_away()
    host.agent_says("info", "GRPC clients not created due to missing server config")


@fault("instance", "agent-server-section")
def port_of_the_manager_is_not_named(host: Patient) -> None:
    without(host, "grpcPort")
    host.agent_stays_away()
    host.agent_says("info", "GRPC clients not created due to missing server config")


@fault("instance", "agent-yaml")
def tab_in_the_settings(host: Patient) -> None:
    host.edit(SETTINGS, "  enable: true", "\tenable: true")
    number = host.lines(SETTINGS).index("\tenable: true") + 1
    host.agent_stays_away()
    host.agent_says(
        "fatal", "Unable to load properties from config files (nginx-agent.conf, agent-dynamic.conf): While parsing config: "
        f"yaml: line {number}: found character that cannot start any token",
    )  # fmt: skip


@fault("instance", "agent-version")
def agent_was_upgraded_to_version_3(host: Patient) -> None:
    host.host.write("/mnt/agent.version", "3.11.3")
    host.host.path(SETTINGS).write_text(
        f"log:\n  level: info\n  path: /var/log/nginx-agent/\ncommand:\n  server:\n    host: {NAME}\n    port: 443\n"
        f"  tls:\n    cert: {CERT}\n    key: {KEY}\n    ca: {CA}\n"
    )
    host.agent_stays_away()


@fault("instance", "server-name-mismatch")
def agent_expects_another_name(host: Patient) -> None:
    for key in ("metrics", "command"):
        host.edit(SETTINGS, f'{key}: "{NAME}"', f'{key}: "agents.example.com"')
    host.agent_stays_away()
    keeps_saying(
        host, f"{HANDSHAKE}tls: failed to verify certificate: x509: certificate is valid for {NAME}, nim, not "
        'agents.example.com"',
    )  # fmt: skip


@fault("instance", "dns-failed")
def name_of_the_manager_is_misspelt(host: Patient) -> None:
    wrong = NAME.replace("example", "exmaple")
    for key in ("host", "metrics", "command"):
        host.edit(SETTINGS, f' {key}: "{NAME}"', f' {key}: "{wrong}"')
    host.agent_stays_away()
    keeps_saying(host, f'{UNAVAILABLE}transport: Error while dialing: dial tcp: lookup {wrong}: no such host"')


@fault("instance", "port-closed")
def nobody_listens_on_the_port(host: Patient) -> None:
    host.edit(SETTINGS, "grpcPort: 443", "grpcPort: 8443")
    host.agent_stays_away()
    keeps_saying(
        host, f'{UNAVAILABLE}transport: Error while dialing: dial tcp 10.20.0.1:8443: connect: connection refused"'
    )  # fmt: skip


@fault("instance", "client-cert-missing")
def agent_has_no_pair_in_its_settings(host: Patient) -> None:
    without(host, "cert", "key")
    host.agent_stays_away()
    keeps_saying(host, HTTP_400)


# Its files.


@fault("instance", "client-cert-expired")
def certificate_of_the_instance_ran_out(host: Patient) -> None:
    carries(host, host.issue("web-1.example.com", "clientAuth", life=certs.PAST))
    host.agent_stays_away()
    keeps_saying(host, HTTP_400)


@fault("instance", "client-cert-wrong-ca")
def certificate_of_the_instance_is_of_another_authority(host: Patient) -> None:
    folder = host.folder()
    carries(host, certs.issue(folder, certs.authority(folder, "lab-ca"), "web-1.example.com", "clientAuth"))
    host.agent_stays_away()
    keeps_saying(host, HTTP_400)


@fault("instance", "client-cert-wrong-purpose")
def certificate_of_the_instance_is_for_servers(host: Patient) -> None:
    carries(host, host.issue("web-1.example.com", "serverAuth"))
    host.agent_stays_away()
    keeps_saying(host, HTTP_400)


def carries(host: Patient, pair: certs.Pair) -> None:
    host.host.path(CERT).write_bytes(pair.cert.read_bytes())
    host.host.path(KEY).write_bytes(pair.key.read_bytes())


@fault("instance", "key-mismatch")
def key_of_the_instance_is_another(host: Patient) -> None:
    host.host.path(KEY).write_bytes(host.issue("web-1.example.com", "clientAuth").key.read_bytes())
    host.agent_stays_away()
    host.agent_says("fatal", f"{TLS_FATAL}could not load X509 keypair: tls: private key does not match public key")


@fault("instance", "key-readable-by-others")
def anybody_may_read_the_agents_key(host: Patient) -> None:
    host.host.path(KEY).chmod(0o664)
    host.host.run("setpriv", "--reuid", "65534", "--clear-groups", "cat", KEY)
    host.agent_gets_through()


@fault("instance", "server-cert-untrusted")
def agent_trusts_another_authority(host: Patient) -> None:
    host.host.path(CA).write_bytes(certs.authority(host.folder(), "former-ca").cert.read_bytes())
    host.agent_stays_away()
    keeps_saying(host, f'{HANDSHAKE}tls: failed to verify certificate: x509: certificate signed by unknown authority"')


@fault("instance", "file-missing")
def authority_was_not_copied(host: Patient) -> None:
    host.host.path(CA).unlink()
    host.agent_stays_away()
    host.agent_says("fatal", f"{TLS_FATAL}could not read CA file ({CA}): open {CA}: no such file or directory")


@fault("instance", "file-not-pem")
def certificate_of_the_instance_came_as_der(host: Patient) -> None:
    host.host.run("openssl", "x509", "-in", CERT, "-outform", "DER", "-out", CERT)
    host.agent_stays_away()
    message = "could not load X509 keypair: tls: failed to find any PEM data in certificate input"
    host.agent_says("fatal", f"{TLS_FATAL}{message}")


# Its manager.


@fault("instance", "upstream-down")
def services_of_the_manager_are_dead(host: Patient) -> None:
    host.end_services()
    host.agent_stays_away()
    keeps_saying(
        host, f"{RECEIVED}Unavailable, message=unexpected HTTP status code received from server: 502 (Bad Gateway); "
        'transport: received unexpected content-type "text/html"',
    )  # fmt: skip


@fault("mutual", "http2-missing", only="distribution")
def agents_log_tells_of_a_port_without_http_2(host: Patient) -> tuple[str, ...]:
    host.edit(NMS_HTTP, "listen 443 ssl http2;", "listen 443 ssl;")
    host.reload()
    return brought(host, f'{HANDSHAKE}remote error: tls: no application protocol"')


# Logs of agents elsewhere, read beside a manager that is well.


def brought(host: Patient, *messages: str, before: timedelta = timedelta()) -> tuple[str, ...]:
    when = f"{datetime.now(UTC) - before:%Y-%m-%dT%H:%M:%SZ}"
    quoted = [message.replace('"', '\\"') for message in messages]
    host.host.write(BROUGHT, "".join(f'time="{when}" level=error msg="{message}"\n' for message in quoted))
    return "--log", BROUGHT


@fault("mutual", "alpn-missing")
def agents_log_tells_of_no_selected_protocol(host: Patient) -> tuple[str, ...]:
    told = "credentials: cannot check peer: missing selected ALPN property. If you upgraded from a grpc-go version earlier "
    return brought(host, f'{HANDSHAKE}{told}than 1.67, your TLS connections may have stopped working due to ALPN enforcement."')


@fault("mutual", "common-name-only", only="distribution")
def agents_log_tells_of_a_common_name(host: Patient) -> tuple[str, ...]:
    told = "x509: certificate relies on legacy Common Name field, use SANs instead"
    return brought(host, f'{HANDSHAKE}tls: failed to verify certificate: {told}"')


@fault("mutual", "server-cert-wrong-purpose")
def agents_log_tells_of_a_key_usage(host: Patient) -> tuple[str, ...]:
    told = "x509: certificate specifies an incompatible key usage"
    return brought(host, f'{HANDSHAKE}tls: failed to verify certificate: {told}"')


@fault("mutual", "protocol-mismatch", only="distribution")
def agents_log_tells_of_an_old_protocol(host: Patient) -> tuple[str, ...]:
    return brought(host, f'{HANDSHAKE}remote error: tls: protocol version not supported"')


@fault("mutual", "tls-to-plaintext")
def agents_log_tells_of_a_port_without_tls(host: Patient) -> tuple[str, ...]:
    return brought(host, f'{HANDSHAKE}tls: first record does not look like a TLS handshake"')


# An answer without a body is how a failure behind nginx reaches an agent where errors are mapped so.
@fault("mutual", "grpc-error-mapping", "upstream-down", only="distribution")
def agents_log_tells_of_an_answer_without_content(host: Patient) -> tuple[str, ...]:
    told = "unexpected HTTP status code received from server: 204 (No Content); malformed header: missing HTTP content-type"
    return brought(host, f"{RECEIVED}Unknown, message={told}")


@fault("mutual", "clock-skew")
def agents_clock_is_behind(host: Patient) -> tuple[str, ...]:
    start = host.host.run("openssl", "x509", "-in", "/etc/nms/certs/server.crt", "-noout", "-startdate").stdout
    begins = datetime.strptime(start.strip().removeprefix("notBefore="), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    now = datetime.now(UTC) - timedelta(hours=5)
    assert now < begins
    told = f"current time {now:%Y-%m-%dT%H:%M:%SZ} is before {begins:%Y-%m-%dT%H:%M:%SZ}"
    return brought(
        host, f'{HANDSHAKE}tls: failed to verify certificate: x509: certificate has expired or is not yet valid: {told}"',
        before=timedelta(hours=5),
    )  # fmt: skip


@fault("mutual", "selinux-denied")
def nginx_elsewhere_may_not_connect(host: Patient) -> tuple[str, ...]:
    line = (
        f"{datetime.now(UTC):%Y/%m/%d %H:%M:%S} [crit] 2118#2118: *57 connect() to 127.0.0.1:10000 failed (13: Permission "
        "denied) while connecting to upstream, client: 10.1.4.17, server: nim.example.com, request: "
        '"POST /f5.nginx.agent.sdk.Commander/CommandChannel HTTP/2.0", upstream: "grpc://127.0.0.1:10000", '
        'host: "nim.example.com:10443"\n'
    )
    host.host.write(BROUGHT, line * 5)
    return "--log", BROUGHT


# Usage reports.


@fault("plus", "usage-report-unverified", only="distribution")
def reports_go_to_anybody(host: Patient) -> None:
    host.edit(MAIN, "    ssl_verify on;\n", "    ssl_verify off;\n")
    host.reload()


@fault("plus", "usage-report-failing", only="distribution")
def reports_are_refused(host: Patient) -> None:
    now = f"{datetime.now(UTC):%Y/%m/%d %H:%M:%S}"
    with host.host.path("/var/log/nginx/error.log").open("a") as log:
        log.write(f"{now} [error] 36387#36387: server returned 401 for {NAME}:443 during usage report\n" * 3)


# Instances that are well.


@well("instance")
def agent_is_connected(host: Patient) -> None:
    host.agent_gets_through()


@well("instance")
def agent_has_a_tag_and_a_log_of_its_own(host: Patient) -> None:
    host.host.path(SETTINGS).write_text(f"{host.host.read(SETTINGS)}tags: [web, dmz]\ninstance_group: front\n")
    host.agent_gets_through()
    host.agent_says("info", f"OneTimeRegistration completed, server {NAME}, address {INSTANCE}")


@well("plus", only="distribution")
def reports_are_verified(host: Patient) -> None:
    assert "ssl_verify on" in host.host.read(MAIN)


@well("mutual")
def brought_log_of_an_agent_that_is_well(host: Patient) -> tuple[str, ...]:
    return brought(host, "Config apply was canceled by its user")


@each_case(HELD_OUT.faults)
def test_the_cause_comes_first(patient: Patient, case: Case) -> None:
    judge(patient, case)


@each_case(HELD_OUT.healthy)
def test_a_healthy_host_has_no_error(patient: Patient, case: Case) -> None:
    judge(patient, case)
