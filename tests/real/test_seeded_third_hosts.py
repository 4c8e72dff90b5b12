"""Of the third set (test_seeded_third.py): connections, services, what nginx loads; and two faults at once."""

import sys
from datetime import UTC, datetime

import certs
from conftest import each_case
from lab import wait_for
from manager import NAME, both_services
from nim1 import CERTS as CERTS_1
from nim1 import CONF_D, SETTINGS, Nim1
from nim_tree import CERTS, NMS_HTTP
from patient import Patient, judge, let_in, refused
from seeded import EACH, Case
from test_dedicated import OWN
from test_seeded_held_out import BUNDLE, NOT_CA, SERVES, revocations, with_lists
from third import (
    ACCESS_LOG,
    ERROR_LOG,
    MAIN,
    add_line,
    ago,
    calls_in_the_clear,
    in_days,
    listen,
    made_otherwise,
    nginx_says,
    set_up_last_month,
    third,
)
from tool import AGENTS, CA_ROOT, SERVER_CERT, SERVER_KEY, issued

THIRD = third()
fault = THIRD.fault
GRPC_1 = f"{CONF_D}/nginx-manager-grpc.conf"
STREAM_1 = "/etc/nginx/stream.conf.d/nginx-grpc-stream.conf"


# Talking past each other.


@fault("generation-1", "http2-missing", "drift", only="distribution")
def agents_port_of_generation_1_lost_http_2(host: Patient) -> None:
    host.edit(GRPC_1, "listen *:10443 ssl http2;", "listen *:10443 ssl;")
    host.reload()
    refused(host.call(host.agent()))


@fault("generation-1-stream", "alpn-missing", "drift", only="distribution")
def stream_says_no_protocol(host: Patient) -> None:
    host.edit(STREAM_1, "    ssl_alpn h2;\n", "")
    host.reload()
    assert "does not speak HTTP/2" in refused(host.call(host.agent())).error


@fault("mutual", "plaintext-to-tls", "agent-tls-off")
def agents_come_without_tls(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    for _ in range(4):
        assert not calls_in_the_clear(host, 443)
    host.logged("PRI * HTTP/2.0", log=ACCESS_LOG)


# nginx hands through what comes, and the service behind knows no TLS: who speaks it fails, who does not is served.
@fault("generation-1", "tls-to-plaintext", "plaintext-port-exposed", "drift", only="distribution")
def stream_hands_agents_through_to_a_manager_without_tls(host: Patient) -> None:
    host.host.path(GRPC_1).unlink()
    stream = "stream {\n    server {\n        listen 10443;\n        proxy_pass 127.0.0.1:10000;\n    }\n}\n"
    host.host.path(MAIN).write_text(host.host.read(MAIN) + stream)
    host.reload()
    assert "SSL" in refused(host.call(host.agent())).error
    assert calls_in_the_clear(host, 10443)


# Before nginx 1.29.2 the default server of a port says for all of them which versions of TLS there are.
@fault("mutual", "protocol-mismatch", only="distribution")
def default_site_of_the_port_allows_tls_1_3_alone(host: Patient) -> None:
    host.edit(NMS_HTTP, "    server_name _;", f"    server_name {NAME} nim;")
    host.host.write("/etc/nginx/conf.d/00-portal.conf", portal(host, "ssl_protocols TLSv1.3;"))
    host.log_refusals()
    host.reload()
    for _ in range(3):
        assert host.browse("-k", "--tls-max", "1.2").returncode == 35
    let_in(host.call(host.agent()))
    host.logged("unsupported protocol")


def portal(host: Patient, more: str) -> str:
    pair = host.issue("portal.example.com", "serverAuth")
    host.host.write("/etc/nginx/portal.crt", pair.cert.read_bytes())
    host.host.write("/etc/nginx/portal.key", pair.key.read_bytes(), 0o600)
    return (
        f"server {{\n    listen 443 ssl http2 default_server;\n    server_name portal.example.com;\n    {more}\n"
        "    ssl_certificate /etc/nginx/portal.crt;\n    ssl_certificate_key /etc/nginx/portal.key;\n    return 404;\n}\n"
    )


@fault("generation-1", "cipher-mismatch", "drift", only="distribution")
def ciphers_want_parameters_that_nobody_made(host: Patient) -> None:
    pair = made_otherwise(host, NAME, NOT_CA, SERVES, f"subjectAltName=DNS:{NAME},DNS:nim", kind="rsa")
    host.host.path(f"{CERTS_1}/nginx-manager.crt").write_bytes(pair.cert.read_bytes())
    host.host.path(f"{CERTS_1}/nginx-manager.key").write_bytes(pair.key.read_bytes())
    line = next(line for line in host.lines(GRPC_1) if "ssl_ciphers" in line)
    host.edit(GRPC_1, line, "    ssl_ciphers DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256;")
    host.edit(GRPC_1, "TLSv1.2 TLSv1.3;", "TLSv1.2;")
    host.log_refusals()
    host.reload()
    for _ in range(3):
        refused(host.call(host.agent()))
    host.logged("no shared cipher")


@fault("dedicated", "sni-mismatch", only="newer")
def agent_greets_one_server_and_asks_for_another(host: Patient) -> None:
    host.edit(NMS_HTTP, "    server_name _;", f"    server_name {NAME} nim;")
    host.log_refusals()
    host.reload()
    for _ in range(3):
        assert refused(host.call(host.agent(sni=NAME, authority=OWN))).http == 421
    host.logged("different from the one that was negotiated")


@fault("mutual", "sni-mismatch")
def agent_calls_by_a_name_that_is_turned_away(host: Patient) -> None:
    host.edit(NMS_HTTP, "    server_name _;", f"    server_name {NAME};")
    turned_away = f"server {{\n    {listen(host, '443', ' default_server')}\n    ssl_reject_handshake on;\n}}\n"
    host.host.write("/etc/nginx/conf.d/00-nobody.conf", turned_away)
    host.log_refusals()
    host.reload()
    let_in(host.call(host.agent()))
    for _ in range(3):
        refused(host.call(host.agent(AGENTS[1], sni="nim")))
    host.logged("handshake rejected while SSL handshaking")


@fault("mutual", "grpc-location-missing")
def location_of_metrics_is_an_exact_one(host: Patient) -> None:
    host.edit(NMS_HTTP, "location /f5.nginx.agent.sdk.MetricsService {", "location = /f5.nginx.agent.sdk.MetricsService {")
    host.reload()
    for name in AGENTS:
        refused(host.call(host.agent(name, service="MetricsService")))
    let_in(host.call(host.agent()))


# Our own file was edited, too.
@fault("generation-1", "grpc-error-mapping", "drift", only="distribution")
def errors_become_answers_without_content(host: Patient) -> None:
    host.edit(f"{CONF_D}/errors.grpc_conf", "return 200;", "return 204;")
    host.reload()
    let_in(host.call(host.agent()))
    cert, key = (issued(AGENTS[0], file) for file in ("agent.crt", "agent.key"))
    url = f"https://{NAME}:10443/f5.nginx.agent.sdk.Commander/CommandChannel"
    assert host.browse("--cacert", CA_ROOT, "--cert", cert, "--key", key, "-X", "TRACE", url=url).stdout == "204"


@fault("mutual", "agent-version")
def agents_of_version_3_call_services_that_are_not_here(host: Patient) -> None:
    cert, key = (issued(AGENTS[0], file) for file in ("agent.crt", "agent.key"))
    for method in ("CommandService/CreateConnection", "CommandService/Subscribe", "FileService/GetOverview"):
        told = host.browse(
            "--cacert", CA_ROOT, "--cert", cert, "--key", key, "-A", "nginx-agent/v3.11.3 grpc-go/1.79.3",
            "-H", "content-type: application/grpc", "--data-binary", "", url=f"https://{NAME}/mpi.v1.{method}",
        )  # fmt: skip
        assert told.stdout in ("404", "405"), told
    host.logged("POST /mpi.v1.FileService/GetOverview", log=ACCESS_LOG)


# Ports.


@fault("mutual", "port-taken", "reload-not-effective")
def port_of_a_reload_belongs_to_another_program(host: Patient) -> None:
    other = "import socket; taken = socket.create_server(('0.0.0.0', 8443)); print('ready', flush=True); input()"
    assert host.start(sys.executable, "-c", other).stdout.readline() == "ready\n"
    more = "    listen 8443 ssl;\n" if host.nginx.has_http2_directive else "    listen 8443 ssl http2;\n"
    host.edit(NMS_HTTP, "    listen 443 ssl", f"{more}    listen 443 ssl", 1)
    host.host.run(*host.nginx.argv, "-s", "reload", check=False)
    host.logged("bind() to 0.0.0.0:8443 failed (98")


# Of the newer nginx, which is started with -c, nothing tells its files once it is gone.
@fault("mutual", "port-closed", only="distribution")
def nginx_does_not_run(host: Patient) -> None:
    host.end_nginx()
    assert "refused" in refused(host.call(host.agent())).error


@fault("mutual", "port-closed", "drift")
def nginx_listens_to_the_host_itself_alone(host: Patient) -> None:
    host.edit(NMS_HTTP, "listen 443 ssl", "listen 127.0.0.1:443 ssl")
    host.host.restart_nginx()
    assert "refused" in refused(host.call(host.agent())).error


# What lies behind.


@fault("mutual", "dns-failed")
def upstream_of_another_site_has_no_address(host: Patient) -> None:
    host.host.write("/etc/nginx/conf.d/wiki.conf", "upstream wiki_backend {\n    server wiki.corp.example.net:8080;\n}\n")
    host.must_not_load("host not found in upstream")


@fault("mutual", "upstream-down")
def nginx_asks_a_port_where_the_service_has_a_socket(host: Patient) -> None:
    host.edit(NMS_HTTP, "    # server 127.0.0.1:8036;\n    server unix:/var/run/nms/am.sock;", "    server 127.0.0.1:8036;")
    host.reload()
    refused(host.call(host.agent()))
    host.logged("(111: Connection refused)", "127.0.0.1:8036")


@fault("mutual", "upstream-socket-missing")
def socket_of_metrics_is_misspelt(host: Patient) -> None:
    host.edit(NMS_HTTP, "ingestion.sock;", "ingest.sock;")
    host.reload()
    refused(host.call(host.agent(service="MetricsService")))
    host.logged("ingest.sock failed (2: No such file or directory)")


@fault("generation-1", "upstream-tls-mismatch", "drift", only="distribution")
def manager_speaks_tls_now_and_nginx_does_not(host: Patient) -> None:
    assert isinstance(host.host, Nim1)
    pair = f"cert: {CERTS_1}/nginx-manager.crt\nkey: {CERTS_1}/nginx-manager.key\n"
    host.host.path(SETTINGS).write_text(host.host.read(SETTINGS) + pair)
    host.host.start_services()
    for outcome in host.calls(*both_services(host.agent())):
        refused(outcome)
    host.logged("upstream")


@fault("mutual", "upstream-untrusted", "server-cert-expired")
def certificate_of_the_service_ran_out(host: Patient) -> None:
    folder = host.folder()
    ca = certs.authority(folder, "services-ca")
    pair = certs.issue(folder, ca, "dpm.internal", "serverAuth", life=certs.PAST)
    at = [host.host.carry(path, f"dpm{path.suffix}") for path in (pair.cert, pair.key)]
    serves(host, 8036, *at)
    host.host.write("/etc/nginx/services-ca.pem", ca.cert.read_bytes())
    verify = (
        "grpc_ssl_verify on;\n        grpc_ssl_trusted_certificate /etc/nginx/services-ca.pem;\n"
        "        grpc_ssl_name dpm.internal;\n        "
    )
    host.edit(NMS_HTTP, "grpc_pass grpc://dpm-grpc-service;", f"{verify}grpc_pass grpcs://127.0.0.1:8036;")
    host.reload()
    for _ in range(2):
        refused(host.call(host.agent()))
    host.logged("upstream SSL certificate verify error: (10:certificate has expired)")


@fault("mutual", "upstream-name-mismatch")
def api_is_known_by_the_name_of_a_group(host: Patient) -> None:
    serves(host, 8033, f"{CERTS}/manager-server.pem", f"{CERTS}/manager-server.key")
    host.host.write("/etc/nginx/conf.d/00-core.conf", "upstream core-over-tls {\n    server 127.0.0.1:8033;\n}\n")
    verify = f"proxy_ssl_verify on;\n        proxy_ssl_trusted_certificate {CERTS}/ca.pem;\n        "
    host.edit(NMS_HTTP, "proxy_pass http://$mapped_upstream;", f"{verify}proxy_pass https://core-over-tls;")
    host.reload()
    for _ in range(2):
        assert host.browse(url=f"https://{NAME}/api/platform/v1/systems").stdout == "502"
    host.logged('upstream SSL certificate does not match "core-over-tls"')


def serves(host: Patient, port: int, cert: str, key: str) -> None:
    host.start("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", cert, "-key", key, "-alpn", "h2")
    wait_for(lambda: f":{port}" in host.host.run("ss", "-ltnH").stdout, "the service")


# Logs.


@fault("mutual", "logging-off")
def manager_alone_keeps_no_logs(host: Patient) -> None:
    host.edit(NMS_HTTP, "    server_tokens off;", "    server_tokens off;\n    access_log off;\n    error_log /dev/null;")
    host.reload()
    before = len(host.lines(ACCESS_LOG))
    assert host.browse().stdout == "200"
    assert len(host.lines(ACCESS_LOG)) == before


@fault("mutual", "logging-off")
def rotation_took_the_logs_and_told_nobody(host: Patient) -> None:
    for log in (ACCESS_LOG, ERROR_LOG):
        host.host.path(log).unlink()
    assert host.browse().stdout == "200"
    assert not host.host.path(ACCESS_LOG).exists()


# What nginx does not load, or has not loaded.


@fault("mutual", "file-missing")
def snippet_was_not_rolled_out(host: Patient) -> None:
    host.edit(NMS_HTTP, "    server_tokens off;", "    server_tokens off;\n    include /etc/nginx/snippets/hardening.conf;")
    host.must_not_load('open() "/etc/nginx/snippets/hardening.conf" failed (2')


@fault("mutual", "syntax")
def location_stands_outside_of_every_server(host: Patient) -> None:
    host.host.write(
        "/etc/nginx/conf.d/agents-extra.conf",
        "location /f5.nginx.agent.sdk.Commander/Upload {\n    grpc_pass grpc://dpm-grpc-service;\n}\n",
    )
    host.must_not_load('"location" directive is not allowed here')


@fault("generation-1", "syntax", only="distribution")
def line_above_lost_its_semicolon(host: Patient) -> None:
    host.edit(GRPC_1, "listen *:10443 ssl http2;", "listen *:10443 ssl http2")
    host.must_not_load("invalid parameter")


@fault("mutual", "unknown-directive", only="newer")
def directive_is_of_a_bygone_nginx(host: Patient) -> None:
    host.edit(NMS_HTTP, "    server_tokens off;", "    ssl on;\n    server_tokens off;")
    host.must_not_load('unknown directive "ssl"')


@fault("mutual", "plus-only-directive", only="newer")
def block_for_usage_reports_without_nginx_plus(host: Patient) -> None:
    block = f"mgmt {{\n    usage_report endpoint={NAME} interval=30m;\n    ssl_verify on;\n}}\n"
    host.host.path(MAIN).write_text(host.host.read(MAIN) + block)
    host.must_not_load('unknown directive "mgmt"')


@fault("generation-1", "plus-only-directive", only="distribution")
def health_check_without_nginx_plus(host: Patient) -> None:
    host.edit(GRPC_1, "        satisfy all;", "        satisfy all;\n        health_check type=grpc grpc_status=12;")
    host.must_not_load('unknown directive "health_check"')


@fault("mutual", "duplicate-directive", only=EACH)
def safety_copy_lies_where_nginx_reads(host: Patient) -> None:
    host.host.run("cp", NMS_HTTP, f"/etc/nginx/conf.d/nms-http-{datetime.now(UTC):%Y-%m}.conf")
    host.must_not_load("duplicate", "already bound")


@fault("mutual", "duplicate-directive")
def two_servers_want_to_be_the_default(host: Patient) -> None:
    host.edit(NMS_HTTP, "listen 443 ssl", "listen 443 default_server ssl")
    host.host.write("/etc/nginx/conf.d/portal.conf", portal(host, ""))
    host.must_not_load("a duplicate default server for 0.0.0.0:443")


# nginx says that it does not know the word; it would with the module.
@fault("mutual", "module-missing", "unknown-directive", only="distribution")
def stream_needs_a_module_that_was_removed(host: Patient) -> None:
    host.host.run("rm", "/etc/nginx/modules-enabled/50-mod-stream.conf")
    stream = "stream {\n    server {\n        listen 127.0.0.1:5514;\n        proxy_pass 127.0.0.1:514;\n    }\n}\n"
    host.host.path(MAIN).write_text(host.host.read(MAIN) + stream)
    host.must_not_load('unknown directive "stream"')


@fault("mutual", "reload-not-effective", only="distribution")
def somebody_mended_the_file_and_never_reloaded(host: Patient) -> None:
    good = host.host.read(NMS_HTTP)
    host.edit(NMS_HTTP, "listen 443 ssl http2;", "listen 443 ssl;")
    host.reload()
    host.host.path(NMS_HTTP).write_text(good)
    refused(host.call(host.agent()))


# A file of ours is away: the host is not as it was set up.
@fault("mutual", "drift", "file-missing")
def own_location_was_tidied_away(host: Patient) -> None:
    host.host.path("/etc/nms/nginx/locations/nim-tls-agents.conf").unlink()
    host.reload()
    for outcome in host.calls(*both_services(host.agent())):
        refused(outcome)


# Two at once, and one of them is in the way of mending the other.


@fault("mutual", "syntax")
def typing_error_of_another_site_keeps_the_new_certificate_out(host: Patient) -> None:
    renewed = {path: host.host.path(path).read_bytes() for path in (SERVER_CERT, SERVER_KEY)}
    host.serve(host.issue(NAME, "serverAuth", life=certs.PAST))
    host.reload()
    for path, content in renewed.items():
        host.host.path(path).write_bytes(content)
    host.host.write("/etc/nginx/conf.d/wiki.conf", "server {\n    listen 8090;\n    root /srv/wiki\n}\n")
    host.must_not_load('unexpected "}"')
    assert "certificate has expired" in host.browse().stderr


@fault("mutual", "key-mismatch")
def list_ended_and_nginx_loads_no_new_one_for_want_of_a_key(host: Patient) -> None:
    with_lists(host, revocations(host, life=certs.PAST))
    refused(host.call(host.agent()))
    host.host.path(SERVER_KEY).write_bytes(host.issue(NAME, "serverAuth").key.read_bytes())
    host.must_not_load("key values mismatch")


@fault("mutual", "crl-expired")
def list_ended_and_one_agent_ran_out_as_well(host: Patient) -> None:
    with_lists(host, revocations(host, life=certs.PAST))
    for name in AGENTS:
        refused(host.call(host.agent(name)))
    refused(host.call(host.carrying(host.issue("app-1.example.com", "clientAuth", life=certs.PAST))))
    host.logged("(12:CRL has expired)")


@fault("mutual", "file-missing", only="distribution")
def nginx_did_not_come_up_without_the_bundle(host: Patient) -> None:
    host.end_nginx()
    host.host.path(BUNDLE).unlink()
    assert host.host.run(*host.nginx.argv, check=False).returncode != 0
    assert "refused" in refused(host.call(host.agent())).error


@fault("generation-1", "upstream-down", only="distribution")
def manager_is_away_and_its_certificate_ends_soon(host: Patient) -> None:
    pair = host.issue(NAME, "serverAuth", life=(certs.PRESENT[0], in_days(6)), san=f"DNS:{NAME},DNS:nim")
    host.host.path(f"{CERTS_1}/nginx-manager.crt").write_bytes(pair.cert.read_bytes())
    host.host.path(f"{CERTS_1}/nginx-manager.key").write_bytes(pair.key.read_bytes())
    host.reload()
    host.host.run("kill", "-KILL", host.host.read("/mnt/manager.pid").strip())
    wait_for(lambda: ":10000" not in host.host.listening(), "the end of the manager")
    refused(host.call(host.agent()))
    host.logged("(111: Connection refused)")


# Yesterday's trouble has passed and is still in the log, of other workers and before a rotation.
@fault("mutual", "crl-missing")
def list_is_away_and_the_services_were_away_yesterday(host: Patient) -> None:
    said = (
        "connect() to unix:/var/run/nms/am.sock failed (111: Connection refused) while connecting to upstream, client: "
        '10.20.0.11, server: _, request: "POST /f5.nginx.agent.sdk.Commander/CommandChannel HTTP/2.0", '
        f'upstream: "grpc://unix:/var/run/nms/am.sock:", host: "{NAME}"'
    )
    times = [ago(hours=20, seconds=-9 * number) for number in range(40)]
    lines = [nginx_says(when, "error", f"*{n} {said}", 700 + n % 4) for n, when in enumerate(times)]
    set_up_last_month(host)
    add_line(host, f"{ERROR_LOG}.1", *lines)
    with_lists(host, revocations(host)[:1])
    for name in AGENTS:
        refused(host.call(host.agent(name)))
    host.logged("(3:unable to get certificate CRL)")


@each_case(THIRD.faults)
def test_the_cause_comes_first(patient: Patient, case: Case) -> None:
    judge(patient, case)
