"""Of the third set (test_seeded_third.py): instances, usage reports, and logs that were brought from elsewhere.

What agents say is in the words of NGINX Agent 2.46.7, with names, addresses and times of the case.
"""

import gzip
import time
from datetime import UTC, datetime, timedelta

import certs
import plus
from conftest import each_case
from grounds import DYNAMIC, INSTANCE
from instance import CERTS, PACKAGED_1, SETTINGS
from manager import NAME
from patient import AGENT_LOG, Patient, judge
from seeded import Case, Cases
from test_seeded_held_out_agents import (
    CA,
    CERT,
    HANDSHAKE,
    HTTP_400,
    KEY,
    MAIN,
    RECEIVED,
    TLS_FATAL,
    UNAVAILABLE,
    carries,
    keeps_saying,
    without,
)
from third import ERROR_LOG, add_line, agent_line, ago, as_release, in_days, nginx_says, set_up_last_month

THIRD = Cases("third", in_turn=("newer",))
fault = THIRD.fault
DIAL = f"{UNAVAILABLE}transport: Error while dialing: "
X509 = f"{HANDSHAKE}tls: failed to verify certificate: x509: "
BROUGHT = "/mnt/from-elsewhere.log"
NO_SERVER = "GRPC clients not created due to missing server config"


# Its settings.


@fault("instance", "agent-tls-off")
def unit_of_the_agent_switches_tls_off(host: Patient) -> None:
    host.host.write("/mnt/agent.env", "NGINX_AGENT_TLS_ENABLE=false\n")
    host.agent_stays_away()
    keeps_saying(
        host, f"{UNAVAILABLE}error reading server preface: http2: failed reading the frame payload: http2: frame too large, "
        'note that the frame header looked like an HTTP/1.1 header"',
    )  # fmt: skip


@fault("instance", "agent-skip-verify")
def file_of_changing_settings_believes_anybody(host: Patient) -> None:
    host.host.write(DYNAMIC, "tags:\n- web\ninstance_group: front\ntls:\n  skip_verify: true\n")
    host.agent_gets_through()


@fault("instance", "agent-server-section")
def port_has_the_name_that_managers_give_it(host: Patient) -> None:
    host.edit(SETTINGS, "grpcPort: 443", "grpc_port: 443")
    host.agent_stays_away()
    host.agent_says("info", NO_SERVER)


# Version 2 is installed, and what is written is for 3.
@fault("instance", "agent-server-section", "agent-version")
def settings_are_written_for_version_3(host: Patient) -> None:
    host.host.path(SETTINGS).write_text(
        f"log:\n  level: info\n  path: /var/log/nginx-agent/\ncommand:\n  server:\n    host: {NAME}\n    port: 443\n"
        f"  auth:\n    token: not-for-your-eyes\n  tls:\n    cert: {CERT}\n    key: {KEY}\n    ca: {CA}\n    skip_verify: false\n"
    )
    host.agent_stays_away()
    host.agent_says("info", NO_SERVER)


# The agent looks there first.
@fault("instance", "agent-server-section")
def settings_of_generation_1_were_left_behind(host: Patient) -> None:
    host.host.write("/etc/nginx-manager/nginx-agent.conf", PACKAGED_1, 0o640)
    host.agent_stays_away()
    host.agent_says("info", NO_SERVER)


@fault("instance", "agent-yaml")
def one_line_stands_too_far_to_the_right(host: Patient) -> None:
    host.edit(SETTINGS, "  ca: ", "   ca: ")
    number = next(number for number, line in enumerate(host.lines(SETTINGS), 1) if line.startswith("   ca: "))
    host.agent_stays_away()
    host.agent_says(
        "fatal", f"Unable to load properties from config files ({SETTINGS}, {DYNAMIC}): While parsing config: yaml: "
        f"line {number}: mapping values are not allowed in this context",
    )  # fmt: skip


@fault("instance", "server-name-mismatch")
def agent_calls_the_manager_by_its_address(host: Patient) -> None:
    without(host, "metrics", "command")
    host.edit(SETTINGS, f'host: "{NAME}"', "host: 10.20.0.1")
    host.agent_stays_away()
    keeps_saying(host, f'{X509}certificate is valid for 10.0.0.5, not 10.20.0.1"')


# Commands arrive, measurements do not.
@fault("instance", "server-name-mismatch", "agent-server-section")
def measurements_expect_another_name(host: Patient) -> None:
    host.edit(SETTINGS, f'metrics: "{NAME}"', 'metrics: "ingest.example.com"')
    host.ground.restart_agent()
    before = len(host.manager.call_log())
    time.sleep(2)
    called = {call["service"].rpartition(".")[2] for call in host.manager.call_log()[before:] if call["attempt"] == "agent"}
    assert called == {"Commander"}, called


@fault("instance", "agent-half-pair")
def key_is_named_by_a_word_that_the_agent_does_not_know(host: Patient) -> None:
    host.edit(SETTINGS, f'  key: "{KEY}"', f'  key_file: "{KEY}"')
    host.agent_stays_away()
    host.agent_says("fatal", f"{TLS_FATAL}cert and key must both be provided")


@fault("instance", "tls-to-plaintext")
def agent_speaks_tls_to_the_pages_of_its_own_nginx(host: Patient) -> None:
    host.edit(SETTINGS, f'host: "{NAME}"', "host: 127.0.0.1")
    host.edit(SETTINGS, "grpcPort: 443", "grpcPort: 80")
    host.agent_stays_away()
    keeps_saying(host, f'{HANDSHAKE}tls: first record does not look like a TLS handshake"')


@fault("instance", "client-cert-missing")
def places_of_the_pair_were_left_empty(host: Patient) -> None:
    host.edit(SETTINGS, f'cert: "{CERT}"', 'cert: ""')
    host.edit(SETTINGS, f'key: "{KEY}"', 'key: ""')
    host.agent_stays_away()
    keeps_saying(host, HTTP_400)


# How it finds its manager.


# The name leads to where nobody is any more: the name is out of date, or nobody listens there.
@fault("instance", "port-closed", "dns-failed")
def manager_moved_and_the_hosts_file_did_not(host: Patient) -> None:
    host.host.path("/etc/hosts").write_text(f"127.0.0.1 localhost\n10.20.0.99 {NAME} nim\n")
    host.agent_stays_away()
    keeps_saying(host, f'{DIAL}dial tcp 10.20.0.99:443: connect: no route to host"')


@fault("instance", "dns-failed")
def nobody_knows_the_name_of_the_manager(host: Patient) -> None:
    host.host.path("/etc/hosts").write_text("127.0.0.1 localhost\n")
    host.agent_stays_away()
    told = f"lookup {NAME} on 10.20.0.53:53: read udp {INSTANCE}:41032->10.20.0.53:53: i/o timeout"
    keeps_saying(host, f'{DIAL}dial tcp: {told}"')


# Its files.


# Without a file of its own the agent goes by the trust store, and the store does not know the root.
@fault("instance", "server-cert-untrusted", "trust-store-ineffective")
def no_authority_is_named_and_the_system_knows_none(host: Patient) -> None:
    without(host, "ca")
    host.agent_stays_away()
    keeps_saying(host, f'{X509}certificate signed by unknown authority"')


@fault("instance", "server-cert-untrusted")
def authority_is_the_one_of_before_it_was_made_anew(host: Patient) -> None:
    folder = host.folder()
    now, key, former = folder / "now.pem", folder / "former.key", folder / "former.pem"
    now.write_text(host.host.read(CA))
    certs.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key))
    certs.openssl("x509", "-in", str(now), "-signkey", str(key), "-days", "3000", "-out", str(former))
    host.host.path(CA).write_text(former.read_text())
    host.agent_stays_away()
    keeps_saying(
        host, f'{X509}certificate signed by unknown authority (possibly because of "x509: ECDSA verification failure" while '
        'trying to verify candidate authority certificate "nim-tls root")"',
    )  # fmt: skip


@fault("instance", "client-cert-not-yet-valid")
def certificate_of_the_instance_begins_tomorrow(host: Patient) -> None:
    carries(host, host.issue("web-1.example.com", "clientAuth", life=(in_days(1), certs.PRESENT[1])))
    host.agent_stays_away()
    keeps_saying(host, HTTP_400)


@fault("instance", "cert-expiring")
def certificate_of_the_instance_ends_in_three_days(host: Patient) -> None:
    carries(host, host.issue("web-1.example.com", "clientAuth", life=(certs.PRESENT[0], in_days(3))))
    host.agent_gets_through()


@fault("instance", "key-encrypted")
def key_of_the_instance_wants_a_passphrase(host: Patient) -> None:
    locked = host.host.run("openssl", "pkey", "-in", KEY, "-aes256", "-passout", "pass:winter").stdout
    host.host.path(KEY).write_text(locked)
    host.agent_stays_away()
    host.agent_says("fatal", f"{TLS_FATAL}could not load X509 keypair: tls: failed to parse private key")


# A key stands where a certificate should, and the other way round.
@fault("instance", "file-not-pem", "key-mismatch")
def certificate_and_key_changed_places(host: Patient) -> None:
    host.edit(SETTINGS, f'cert: "{CERT}"', 'cert: "HERE"')
    host.edit(SETTINGS, f'key: "{KEY}"', f'key: "{CERT}"')
    host.edit(SETTINGS, '"HERE"', f'"{KEY}"')
    host.agent_stays_away()
    host.agent_says(
        "fatal", f"{TLS_FATAL}could not load X509 keypair: tls: failed to find certificate PEM data in certificate input, but "
        "did find a private key; PEM inputs may have been switched",
    )  # fmt: skip


@fault("instance", "file-missing")
def certificate_was_saved_under_another_name(host: Patient) -> None:
    host.host.run("mv", CERT, f"{CERTS}/web-1.example.com.crt")
    host.agent_stays_away()
    host.agent_says("fatal", f"{TLS_FATAL}could not load X509 keypair: open {CERT}: no such file or directory")


@fault("instance", "file-not-pem")
def page_of_a_portal_was_saved_as_the_authority(host: Patient) -> None:
    host.host.path(CA).write_text("<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body></body></html>\n")
    host.agent_stays_away()
    host.agent_says("fatal", f"{TLS_FATAL}could not parse CA cert ({CA})")


@fault("instance", "client-cert-expired")
def certificate_ran_out_and_so_did_one_that_nobody_uses(host: Patient) -> None:
    """Only the one in use matters; the agent sees 401 where errors are told in the words of gRPC."""
    late = host.issue("web-1.example.com", "clientAuth", life=("20240101000000Z", "20260601000000Z"))
    former = host.issue("old.example.com", "clientAuth", life=certs.PAST)
    host.host.write(f"{CERTS}/agent.crt.2023", former.cert.read_bytes())
    carries(host, late)
    host.agent_stays_away()
    keeps_saying(host, f"{RECEIVED}Unauthenticated, message=401. Unauthorized.")


# The name was not known in the night; since then it is another thing.
@fault("instance", "server-cert-untrusted")
def names_failed_in_the_night_and_now_it_is_trust(host: Patient) -> None:
    told = f'{DIAL}dial tcp: lookup {NAME} on [2001:db8::53]:53: server misbehaving"'
    set_up_last_month(host)
    add_line(host, AGENT_LOG, *(agent_line(ago(hours=7, seconds=-60 * number), "error", told) for number in range(30)))
    host.host.path(CA).write_bytes(certs.authority(host.folder(), "branch-ca").cert.read_bytes())
    host.agent_stays_away()
    keeps_saying(host, f'{X509}certificate signed by unknown authority"')


# Logs from elsewhere, read beside a manager that is well.


def brought(host: Patient, *lines: str) -> tuple[str, ...]:
    host.host.write(BROUGHT, "".join(f"{line}\n" for line in lines))
    return "--log", BROUGHT


def every(seconds: int, count: int) -> list[datetime]:
    """The times of so many lines, the last of them just now."""
    return [ago(seconds=seconds * number) for number in reversed(range(count))]


@fault("mutual", "file-permission")
def agent_elsewhere_may_not_read_its_authority(host: Patient) -> tuple[str, ...]:
    told = f"{TLS_FATAL}could not read CA file (/opt/pki/nim/ca.pem): open /opt/pki/nim/ca.pem: permission denied"
    return brought(host, *(agent_line(when, "fatal", told) for when in every(5, 12)))


@fault("mutual", "selinux-denied")
def nginx_elsewhere_may_not_take_its_port(host: Patient) -> tuple[str, ...]:
    message = "bind() to [::]:10443 failed (13: Permission denied)"
    return brought(host, *(nginx_says(when, "emerg", message, 40177 + n) for n, when in enumerate(every(20, 3))))


@fault("mutual", "clock-skew", only="distribution")
def agent_elsewhere_lives_ten_years_ahead(host: Patient) -> tuple[str, ...]:
    end = host.host.run("openssl", "x509", "-in", "/etc/nms/certs/server.crt", "-noout", "-enddate").stdout
    ends = datetime.strptime(end.strip().removeprefix("notAfter="), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    ahead = datetime.now(UTC) + timedelta(days=3650)
    assert ahead > ends
    told = f"current time {ahead:%Y-%m-%dT%H:%M:%SZ} is after {ends:%Y-%m-%dT%H:%M:%SZ}"
    line = agent_line(ahead, "error", f'{X509}certificate has expired or is not yet valid: {told}"')
    return brought(host, *[line] * 4)


@fault("mutual", "client-cert-wrong-purpose", only="distribution")
def nginx_elsewhere_refuses_certificates_for_servers(host: Patient) -> tuple[str, ...]:
    return brought(host, *(
        nginx_says(when, "info", f"*{9113 + n} client SSL certificate verify error: (26:unsuitable certificate purpose) while "
                   f"reading client request headers, client: 2001:db8:7::{n % 3 + 1}, server: agents.corp.example.net, "
                   'request: "POST /f5.nginx.agent.sdk.Commander/CommandChannel HTTP/2.0", host: "agents.corp.example.net:8443"',
                   pid=31874 + n % 4)
        for n, when in enumerate(every(11, 9))
    ))  # fmt: skip


# Many agents at once: all their certificates are new, or it is the clock of the manager.
@fault("mutual", "client-cert-not-yet-valid", "clock-skew")
def nginx_elsewhere_takes_every_certificate_for_one_of_tomorrow(host: Patient) -> tuple[str, ...]:
    lines = [
        nginx_says(when, "info", f"*{n} client SSL certificate verify error: (9:certificate is not yet valid) while reading "
                   f"client request headers, client: 172.16.{n % 6}.{n + 3}, server: nim.corp.example.net, request: "
                   '"POST /f5.nginx.agent.sdk.MetricsService/Stream HTTP/2.0", host: "nim.corp.example.net"', pid=77 + n % 2)
        for n, when in enumerate(every(4, 24))
    ]  # fmt: skip
    host.host.write("/mnt/error.log.1.gz", gzip.compress("".join(f"{line}\n" for line in lines).encode()))
    return "--log", "/mnt/error.log.1.gz"


@fault("mutual", "client-cert-missing", only="distribution")
def agent_elsewhere_is_told_that_a_certificate_is_required(host: Patient) -> tuple[str, ...]:
    told = 'error reading server preface: remote error: tls: certificate required"'
    return brought(host, *(agent_line(when, "error", f"{UNAVAILABLE}{told}") for when in every(30, 6)))


@fault("mutual", "upstream-tls-mismatch", only="distribution")
def nginx_elsewhere_speaks_tls_to_a_plain_service(host: Patient) -> tuple[str, ...]:
    told = "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream"
    return brought(host, *(
        nginx_says(when, "error", f"*{n * 3} {told}, client: 2001:db8:7::9, server: nim.corp.example.net, request: "
                   '"POST /f5.nginx.agent.sdk.Commander/CommandChannel HTTP/2.0", upstream: "grpcs://[::1]:10000", '
                   'host: "nim.corp.example.net:10443"', pid=512 + n)
        for n, when in enumerate(every(15, 5))
    ))  # fmt: skip


@fault("mutual", "port-closed")
def agent_elsewhere_finds_no_port_by_ipv6(host: Patient) -> tuple[str, ...]:
    told = 'dial tcp [2001:db8:20::1]:8443: connect: connection refused"'
    return brought(host, *(agent_line(when, "error", f"{DIAL}{told}") for when in every(45, 8)))


# Usage reports.


@fault("plus", "usage-report-unverified", only="distribution")
def older_release_does_not_verify_unless_told(host: Patient) -> None:
    host.edit(MAIN, "    ssl_verify on;\n    ssl_trusted_certificate /etc/nginx/manager-ca.pem;\n", "    ssl on;\n")
    as_release(host, plus.R32)


@fault("plus", "usage-report-failing", only="distribution")
def nobody_takes_the_reports(host: Patient) -> None:
    message = f"connect() failed (111: Connection refused) for {NAME}:443 during usage report"
    add_line(host, ERROR_LOG, *(nginx_says(when, "error", message, 812) for when in every(1800, 4)))


@fault("plus", "usage-report-failing", "dns-failed", only="distribution")
def name_for_reports_is_not_known(host: Patient) -> None:
    host.edit(MAIN, f"endpoint={NAME};", "endpoint=nim.exmaple.com:8443;")
    host.reload()
    message = "nim.exmaple.com:8443 could not be resolved (host not found) during usage report"
    add_line(host, ERROR_LOG, *(nginx_says(when, "error", message, 812) for when in every(1800, 3)))


@each_case(THIRD.faults)
def test_the_cause_comes_first(patient: Patient, case: Case) -> None:
    judge(patient, case)
