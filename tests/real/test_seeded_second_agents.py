"""Instances, and logs that were brought from elsewhere: see test_seeded_second.py, of whose set they are.

As in the first set the settings are really wrong and the agent (a stand-in) really stays away; what it says of that are
the words of NGINX Agent 2.46.7, or of Go.
"""

from datetime import UTC, datetime, timedelta

import certs
import yaml
from conftest import each_case
from grounds import DOOR
from instance import AGENT, CERTS, SETTINGS
from manager import NAME
from patient import AGENT_LOG, Patient, judge
from seeded import Case, Cases
from test_seeded_held_out_agents import HANDSHAKE, HTTP_400, RECEIVED, TLS_FATAL, UNAVAILABLE, carries, keeps_saying, without

SECOND = Cases("second", in_turn=("newer",))
fault, well = SECOND.fault, SECOND.well
CERT, KEY, CA = f"{CERTS}/agent.crt", f"{CERTS}/agent.key", f"{CERTS}/agent-ca.pem"
MAIN, BROUGHT = "/etc/nginx/nginx.conf", "/mnt/brought.log"
SERVER = f"{{host: {NAME}, grpcPort: 443, 'command': '{NAME}', \"metrics\": {NAME}, token: 'not-for-your-eyes'}}"
TLS = f'{{enable: true, ca: {CA}, cert: "{CERT}", key: \'{KEY}\', skip_verify: false}}'


def settle(host: Patient, server: str = SERVER, tls: str = TLS, more: str = "") -> None:
    """The settings in the short form of YAML, as somebody writes them who likes it so."""
    log = "log: {level: info, path: /var/log/nginx-agent/}"
    host.host.path(SETTINGS).write_text(f"---\n# Ours.\nserver: {server} # see the wiki\ntls: {tls}\n{log}\n{more}")


# Its settings.


@fault("instance", "agent-tls-off")
def tls_is_off_in_the_short_form(host: Patient) -> None:
    settle(host, tls=TLS.replace("enable: true", "Enable: false"))
    host.agent_stays_away()


@fault("instance", "agent-skip-verify")
def anybody_is_believed_in_the_short_form(host: Patient) -> None:
    settle(host, tls=TLS.replace("skip_verify: false", 'skip_verify: "true"'))
    host.agent_gets_through()


@fault("instance", "agent-half-pair")
def key_is_named_and_empty(host: Patient) -> None:
    host.edit(SETTINGS, f'key: "{KEY}"', 'key: ""   # to be done')
    host.agent_stays_away()
    host.agent_says("fatal", f"{TLS_FATAL}cert and key must both be provided")


@fault("instance", "agent-server-section")
def port_is_named_as_in_version_3(host: Patient) -> None:
    settle(host, server=SERVER.replace("grpcPort", "port"))
    host.agent_stays_away()
    host.agent_says("info", "GRPC clients not created due to missing server config")


# The agent takes the first of its files, and this one is of years ago.
@fault("instance", "agent-server-section")
def file_of_generation_1_is_read_first(host: Patient) -> None:
    host.host.write(
        "/etc/nginx-manager/nginx-agent.conf",
        f"server: {NAME}:10443\ntls:\n  enable: true\n  cert: {CERT}\n  key: {KEY}\n  ca: {CA}\n",
    )
    host.agent_stays_away()
    host.agent_says("info", "GRPC clients not created due to missing server config")


@fault("instance", "agent-yaml")
def one_line_is_too_far_to_the_left(host: Patient) -> None:
    line = next(line for line in host.lines(SETTINGS) if line.startswith("  cert:"))
    host.edit(SETTINGS, line, line[1:])
    host.agent_stays_away()
    number = host.lines(SETTINGS).index(line[1:]) + 1
    host.agent_says(
        "fatal", "Unable to load properties from config files (nginx-agent.conf, agent-dynamic.conf): While parsing config: "
        f"yaml: line {number}: did not find expected key",
    )  # fmt: skip


@fault("instance", "server-name-mismatch")
def manager_is_called_by_its_address(host: Patient) -> None:
    settle(host, server=f"{{host: {DOOR}, grpcPort: 443, token: x}}")
    host.agent_stays_away()
    keeps_saying(
        host, f'{HANDSHAKE}tls: failed to verify certificate: x509: certificate is valid for 10.0.0.5, not {DOOR}"'
    )  # fmt: skip


@fault("instance", "server-cert-untrusted")
def authority_is_not_named_and_the_system_does_not_know_it(host: Patient) -> None:
    without(host, "ca")
    host.agent_stays_away()
    keeps_saying(host, f'{HANDSHAKE}tls: failed to verify certificate: x509: certificate signed by unknown authority"')


@fault("instance", "dns-failed")
def name_was_lost_from_the_hosts(host: Patient) -> None:
    host.host.write("/etc/hosts", "127.0.0.1 localhost\n")
    host.agent_stays_away()
    keeps_saying(
        host, f'{UNAVAILABLE}transport: Error while dialing: dial tcp: lookup {NAME} on 127.0.0.53:53: server misbehaving"'
    )  # fmt: skip


@fault("instance", "port-closed")
def nobody_is_at_the_address(host: Patient) -> None:
    host.edit(SETTINGS, f'  host: "{NAME}"', "  host: 10.20.0.99")
    host.agent_stays_away()
    keeps_saying(host, f'{UNAVAILABLE}transport: Error while dialing: dial tcp 10.20.0.99:443: i/o timeout"')


# Its files.


@fault("instance", "client-cert-not-yet-valid")
def certificate_of_the_instance_is_of_next_week(host: Patient) -> None:
    begin = f"{datetime.now(UTC) + timedelta(days=7):%Y%m%d%H%M%SZ}"
    carries(host, issued_by_manager(host, life=(begin, certs.PRESENT[1])))
    host.agent_stays_away()
    keeps_saying(host, HTTP_400)


def issued_by_manager(host: Patient, **how: object) -> certs.Pair:
    return host.issue(AGENT, "clientAuth", **how)


@fault("instance", "key-mismatch", "file-not-pem")
def certificate_and_key_were_switched(host: Patient) -> None:
    settle(host, tls=TLS.replace(CERT, "X").replace(KEY, CERT).replace("X", KEY))
    host.agent_stays_away()
    host.agent_says(
        "fatal", f"{TLS_FATAL}could not load X509 keypair: tls: failed to find certificate PEM data in certificate input, "
        "but did find a private key; PEM inputs may have been switched",
    )  # fmt: skip


@fault("instance", "file-missing")
def path_of_the_certificate_is_misspelt(host: Patient) -> None:
    host.edit(SETTINGS, CERT, "/etc/nms/cert/agent.crt")
    host.agent_stays_away()
    host.agent_says(
        "fatal", f"{TLS_FATAL}could not load X509 keypair: open /etc/nms/cert/agent.crt: no such file or directory"
    )  # fmt: skip


@fault("instance", "file-not-pem")
def authority_is_a_page_of_html(host: Patient) -> None:
    host.host.path(CA).write_text("<html><body>401 Unauthorized</body></html>\n")
    host.agent_stays_away()
    host.agent_says("fatal", f"{TLS_FATAL}could not parse CA cert ({CA})")


# Logs of agents elsewhere, read beside a manager that is well.


def brought(host: Patient, *messages: str, after: timedelta = timedelta()) -> tuple[str, ...]:
    when = f"{datetime.now(UTC) + after:%Y-%m-%dT%H:%M:%SZ}"
    quoted = [message.replace('"', '\\"') for message in messages]
    host.host.write(BROUGHT, "".join(f'time="{when}" level=error msg="{message}"\n' for message in quoted))
    return "--log", BROUGHT


# Its certificate is good until later than it thinks it is now.
@fault("mutual", "clock-skew")
def agents_clock_is_years_ahead(host: Patient) -> tuple[str, ...]:
    end = host.host.run("openssl", "x509", "-in", "/etc/nms/certs/server.crt", "-noout", "-enddate").stdout
    ends = datetime.strptime(end.strip().removeprefix("notAfter="), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    ahead = timedelta(days=2000)
    now = datetime.now(UTC) + ahead
    assert now > ends
    told = f"current time {now:%Y-%m-%dT%H:%M:%SZ} is after {ends:%Y-%m-%dT%H:%M:%SZ}"
    return brought(
        host, f'{HANDSHAKE}tls: failed to verify certificate: x509: certificate has expired or is not yet valid: {told}"',
        after=ahead,
    )  # fmt: skip


# On a manager with both services in place, a call that is not found went to another server.
@fault("dedicated", "sni-mismatch", "grpc-location-missing")
def agents_log_tells_of_a_page_not_found(host: Patient) -> tuple[str, ...]:
    told = 'received from server: 404 (Not Found); transport: received unexpected content-type "text/html"'
    return brought(host, f"{RECEIVED}Unimplemented, message=unexpected HTTP status code {told}")


@fault("mutual", "client-cert-missing")
def agents_log_tells_of_a_refusal_among_much_else(host: Patient) -> tuple[str, ...]:
    noise = [f"Failed to read metric {number}: stub_status: context deadline exceeded" for number in range(5000)]
    told = "Unauthenticated, message=unexpected HTTP status code received from server: 401 (Unauthorized); transport: "
    return brought(host, *noise, *[f'{RECEIVED}{told}received unexpected content-type "application/json"'] * 3)


# Usage reports.


@fault("plus", "usage-report-unverified", only="distribution")
def reports_go_to_anybody_by_an_included_file(host: Patient) -> None:
    text = host.host.read(MAIN)
    begin = text.index("mgmt {")
    host.host.write("/etc/nginx/mgmt.d/usage.conf", text[begin:].replace("ssl_verify on", "ssl_verify   off"))
    host.host.path(MAIN).write_text(text[:begin] + "include mgmt.d/*.conf;\n")
    host.reload()


@fault("plus", "usage-report-failing", only="distribution")
def place_of_reports_is_not_found(host: Patient) -> None:
    now = f"{datetime.now(UTC):%Y/%m/%d %H:%M:%S}"
    with host.host.path("/var/log/nginx/error.log").open("a") as log:
        log.write(f"{now} [error] 36387#36387: {NAME}:443 could not be resolved (host not found) during usage report\n" * 3)


# Instances that are well.


@well("instance")
def settings_in_the_short_form(host: Patient) -> None:
    settle(host, more="# tls: {enable: false, skip_verify: true}\n# server: localhost:10000\nTags: ['web', \"dmz\"]\n")
    host.agent_gets_through()


@well("instance")
def settings_with_anchors_and_dos_lines(host: Patient) -> None:
    text = (
        f"manager: &name {NAME}\nserver:\n  host: *name\n  GRPCPort: 443\n  command: *name\n  metrics: *name\n  token: x\n"
        f"tls:\n    enable: true\n    ca: >-\n      {CA}\n    cert: {CERT}\n    key: {KEY}\n    skip_verify: false\n"
    ).replace("\n", "\r\n")
    assert yaml.safe_load(text)["server"]["host"] == NAME
    host.host.path(SETTINGS).write_text(text)
    host.agent_gets_through()


# The manager has the intermediate itself, so that it is not needed here.
@well("instance")
def agent_brings_its_leaf_alone(host: Patient) -> None:
    leaf = host.host.read(CERT).split("-----END")[0] + "-----END CERTIFICATE-----\n"
    host.host.path(CERT).write_text(leaf)
    host.agent_gets_through()


@well("instance")
def agent_talks_of_other_certificates(host: Patient) -> None:
    host.agent_gets_through()
    for level, message in (
        ("debug", "nginx config: ssl certificate /etc/ssl/shop.pem has expired"),
        ("info", "Uploading /etc/nginx/conf.d/tls: failed to verify certificate.conf"),
        ("warning", "Skipped log /var/log/shop/connection refused.log: not an access log"),
        ("info", f"OneTimeRegistration completed, server {NAME}"),
    ):
        host.agent_says(level, message)
    assert any("OneTimeRegistration" in line for line in host.lines(AGENT_LOG))


@well("plus", only="distribution")
def reports_are_verified_by_an_included_file(host: Patient) -> None:
    text = host.host.read(MAIN)
    begin = text.index("mgmt {")
    host.host.write("/etc/nginx/mgmt.d/usage.conf", f"# Reports.\n{text[begin:]}")
    host.host.path(MAIN).write_text(text[:begin] + "include mgmt.d/*.conf;\n")
    host.reload()


@each_case(SECOND.faults)
def test_the_cause_comes_first(patient: Patient, case: Case) -> None:
    judge(patient, case)


@each_case(SECOND.healthy)
def test_a_healthy_host_has_no_error(patient: Patient, case: Case) -> None:
    judge(patient, case)
