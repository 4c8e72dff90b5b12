"""A fourth set of faults, written without a look at the rules of the doctor: hosts of managers.

Instances, logs from elsewhere, usage reports and hosts that are well: test_seeded_fourth_agents.py.
"""

import dataclasses
import sys
import uuid

import certs
from conftest import each_case
from grounds import DOOR, STRANGER
from lab import wait_for
from manager import NAME, both_services
from nim1 import CONF_D
from nim_tree import CERTS, NMS_HTTP
from patient import Patient, judge, let_in, refused
from seeded import Case, Cases
from test_dedicated import FILE, OWN
from test_import_ca import LISTED, carried
from test_seeded_held_out import BUNDLE, revocations, with_lists
from test_seeded_third import CHECK
from third import ACCESS_LOG, MAIN, calls_in_the_clear, in_days, listen, our_root
from tool import AGENTS, SERVER_CERT, SERVER_KEY, issued

FOURTH = Cases("fourth", in_turn=("distribution", "newer"))
fault = FOURTH.fault
LOCATIONS = "/etc/nms/nginx/locations"
COMMANDS = "grpc_pass grpc://dpm-grpc-service;"
OUR_PAIR = f"    ssl_certificate {SERVER_CERT};\n    ssl_certificate_key {SERVER_KEY};\n"


def posts(host: Patient, path: str, *options: str) -> bool:
    """A call without a certificate; says whether it has reached the services."""
    marker = uuid.uuid4().hex
    headers = ("content-type: application/grpc", "te: trailers", f"x-attempt: {marker}")
    more = [word for header in headers for word in ("-H", header)]
    host.browse("-k", "-m", "8", "--data-binary", "", *more, *options, url=f"https://{NAME}{path}")
    return any(call["attempt"] == marker for call in host.manager.call_log())


# Who gets through, and should not.


@fault("mutual", "mtls-not-enforced", "drift")
def map_takes_whoever_has_not_failed(host: Patient) -> None:
    text = "map $ssl_client_verify $agent_is_good {\n    default 1;\n    ~^FAILED 0;\n}\n"
    host.host.write("/etc/nginx/conf.d/00-agents.conf", text)
    host.edit(CHECK, "if ($ssl_client_verify = SUCCESS)", "if ($agent_is_good)")
    host.reload()
    let_in(host.call(host.stranger()))


@fault("mutual", "mtls-not-enforced", "drift")
def header_of_the_monitoring_opens_the_door(host: Patient) -> None:
    opens = '    if ($http_x_probe = "8c1f") {\n        return 204;\n    }\n'
    host.edit(CHECK, "    if ($ssl_client_verify", f"{opens}    if ($ssl_client_verify")
    host.reload()
    call = "/f5.nginx.agent.sdk.Commander/CommandChannel"
    assert not posts(host, call)
    assert posts(host, call, "-H", "x-probe: 8c1f")


@fault("mutual", "mtls-not-enforced")
def uploads_were_given_more_room(host: Patient) -> None:
    host.host.write(
        f"{LOCATIONS}/60-uploads.conf",
        f"location /f5.nginx.agent.sdk.Commander/Upload {{\n    client_max_body_size 500m;\n    {COMMANDS}\n}}\n",
    )
    host.reload()
    refused(host.call(host.stranger()))
    assert posts(host, "/f5.nginx.agent.sdk.Commander/Upload")


# Whoever comes by this address finds another server, which asks nobody.
@fault("mutual", "bypass-default-server", "mtls-not-asked", "mtls-not-enforced")
def one_address_has_a_server_of_its_own(host: Patient) -> None:
    host.host.write(
        "/etc/nginx/conf.d/zz-lan.conf",
        f"server {{\n    {listen(host, f'{DOOR}:443')}\n    server_name {NAME};\n{OUR_PAIR}"
        f"    location /f5.nginx.agent.sdk.Commander/ {{\n        {COMMANDS}\n    }}\n}}\n",
    )
    host.reload()
    let_in(host.call(host.stranger()))


@fault("mutual", "mtls-not-enforced", "mtls-not-asked", "bypass-default-server")
def gateway_shows_its_own_certificate_for_everybody(host: Patient) -> None:
    cert, key = (issued(AGENTS[0], file) for file in ("agent.crt", "agent.key"))
    host.host.write(
        "/etc/nginx/conf.d/zz-gateway.conf",
        f"server {{\n    {listen(host, '9443')}\n    server_name {NAME};\n{OUR_PAIR}    location / {{\n"
        f"        grpc_ssl_certificate {cert};\n        grpc_ssl_certificate_key {key};\n"
        f"        grpc_ssl_server_name on;\n        grpc_ssl_name {NAME};\n"
        "        grpc_pass grpcs://127.0.0.1:443;\n    }\n}\n",
    )
    host.reload()
    refused(host.call(host.stranger()))
    let_in(host.call(host.stranger(port=9443)))


@fault("mutual", "mtls-not-asked", "mtls-not-enforced", "bypass-default-server")
def stream_leads_past_the_check(host: Patient) -> None:
    host.host.path(MAIN).write_text(
        host.host.read(MAIN) + f"stream {{\n    server {{\n        listen 9443 ssl;\n        ssl_alpn h2;\n{OUR_PAIR}"
        "        proxy_pass unix:/var/run/nms/am.sock;\n    }\n}\n"
    )
    host.reload()
    let_in(host.call(host.stranger(port=9443)))


RELAY = """
import asyncio
async def pump(source, sink):
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()
async def met(reader, writer):
    behind, before = await asyncio.open_unix_connection('/var/run/nms/am.sock')
    await asyncio.gather(pump(reader, before), pump(behind, writer), return_exceptions=True)
async def main():
    server = await asyncio.start_server(met, '0.0.0.0', 8036)
    print('ready', flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


# The way to a cluster: by TCP, and on every address.
@fault("mutual", "plaintext-port-exposed")
def service_of_commands_listens_to_the_network(host: Patient) -> None:
    assert host.start(sys.executable, "-c", RELAY).stdout.readline() == "ready\n"
    host.edit("/etc/nms/nms.conf", "grpc_addr: unix:/var/run/nms/am.sock", "grpc_addr: 0.0.0.0:8036")
    host.edit(NMS_HTTP, "    # server 127.0.0.1:8036;\n    server unix:/var/run/nms/am.sock;", "    server 127.0.0.1:8036;")
    host.reload()
    let_in(host.call(host.agent()))
    assert calls_in_the_clear(host, 8036)


@fault("mutual", "drift", "mtls-not-enforced")
def another_authority_was_added_to_the_bundle(host: Patient) -> None:
    folder = host.folder()
    other = certs.authority(folder, "printers-ca")
    host.host.path(BUNDLE).write_text(host.host.read(BUNDLE) + other.cert.read_text())
    host.reload()
    let_in(host.call(host.carrying(certs.issue(folder, other, "printer-3", "clientAuth"), source=STRANGER)))


# Whoever is verified by the pages, and then asks for the agents' name.
@fault("dedicated", "mtls-not-enforced", "bypass-default-server", only="newer")
def card_of_the_staff_makes_an_agent(host: Patient) -> None:
    folder = host.folder()
    cards = certs.authority(folder, "staff-cards")
    host.host.write("/etc/nginx/staff.pem", cards.cert.read_bytes())
    asks = "ssl_client_certificate /etc/nginx/staff.pem;\n    ssl_verify_client      optional;"
    host.edit(NMS_HTTP, "ssl_verify_client      off;", asks)
    host.reload()
    clerk = host.carrying(certs.issue(folder, cards, "clerk", "clientAuth"), ca=None, source=STRANGER)
    refused(host.call(dataclasses.replace(clerk, sni=OWN)))
    let_in(host.call(dataclasses.replace(clerk, sni=None, authority=OWN)))


@fault("generation-1", "mtls-not-enforced", "mtls-not-asked", "bypass-default-server", "drift", only="distribution")
def pages_of_generation_1_lead_agents_in_too(host: Patient) -> None:
    place = "    location /f5.nginx.agent.sdk. {\n        grpc_pass grpc://nginx-manager_grpc_servers;\n    }\n    location / {"
    host.edit(f"{CONF_D}/nginx-manager-noauth.conf", "    location / {", place)
    host.reload()
    refused(host.call(host.stranger(port=10443)))
    let_in(host.call(host.stranger(port=443)))


@fault("generation-1-stream", "plaintext-port-exposed", only="distribution")
def old_agents_have_a_stream_without_tls(host: Patient) -> None:
    server = "server {\n    listen 10444;\n    proxy_pass 127.0.0.1:10000;\n}\n"
    host.host.write("/etc/nginx/stream.conf.d/zz-old-agents.conf", server)
    host.reload()
    assert calls_in_the_clear(host, 10444)


@fault("imported", "mtls-not-enforced", "drift", only="newer")
def list_lets_in_who_is_not_on_it(host: Patient) -> None:
    host.edit(LISTED, "    default 0;", "    default 1;")
    host.reload()
    let_in(host.call(carried(host.host, host.ground.authority, "/CN=clerk.example.com", host.agent(source=STRANGER))))


@fault("imported", "client-not-listed", only="distribution")
def certificate_was_issued_anew_with_another_subject(host: Patient) -> None:
    subject = f"/O=Lab, Inc./OU=Operations/CN={AGENTS[1]}/L=Berlin"
    anew = carried(host.host, host.ground.authority, subject, host.agent(AGENTS[1]))
    for _ in range(3):
        refused(host.call(anew))
    let_in(host.call(host.agent()))


# Lists of revoked, authorities, trust.


# The list is of the day after tomorrow: made by a host whose clock is ahead.
@fault("mutual", "crl-expired", "clock-skew")
def list_of_revoked_is_from_the_future(host: Patient) -> None:
    with_lists(host, revocations(host, life=(in_days(2), certs.PRESENT[1])))
    for name in AGENTS:
        refused(host.call(host.agent(name)))
    host.logged("(11:CRL is not yet valid)")


@fault("mutual", "client-cert-revoked")
def root_has_revoked_the_authority_that_issues(host: Patient) -> None:
    folder, root = host.folder(), our_root(host)
    (folder / "index.txt").touch()
    (folder / "ca.cnf").write_text(certs.CA_CONFIG.format(folder=folder))
    usual = ("-config", f"{folder}/ca.cnf", "-cert", str(root.cert), "-keyfile", str(root.key))
    certs.openssl("ca", *usual, "-revoke", str(host.authority.cert))
    certs.openssl("ca", *usual, "-gencrl", "-crldays", "900", "-out", f"{folder}/crl")
    with_lists(host, [revocations(host)[0], (folder / "crl").read_text()])
    for name in AGENTS:
        refused(host.call(host.agent(name)))
    host.logged("(23:certificate revoked)")


@fault("mutual", "server-cert-untrusted")
def fleet_knows_another_root(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    other = host.manager.carry(certs.authority(host.folder(), "former-root").cert, "former-root.pem")
    for name in AGENTS * 3:
        refused(host.call(host.agent(name, ca=other)))
    host.logged("alert unknown ca")


@fault("mutual", "trust-store-ineffective")
def store_was_made_anew_without_our_root(host: Patient) -> None:
    body = our_root(host).cert.read_text().strip()
    host.edit("/etc/ssl/certs/ca-certificates.crt", body, "")
    host.host.run("sh", "-c", "find /etc/ssl/certs -name 'nim-tls-root*' -delete; find /etc/ssl/certs -xtype l -delete")
    told = host.host.run("openssl", "verify", SERVER_CERT, check=False)
    assert told.returncode != 0, told


@fault("mutual", "weak-key")
def authority_in_the_chain_has_a_short_key(host: Patient) -> None:
    short = certs.subordinate(host.folder(), our_root(host), "Issuing 2009", kind="rsa1024")
    host.serve(certs.issue(host.folder(), short, NAME, "serverAuth", chain=short.cert))
    host.must_not_load("too small", "too weak")


# Modes and owners.


@fault("mutual", "key-readable-by-others", "drift")
def workers_own_the_key(host: Patient) -> None:
    host.host.run("chown", "www-data", SERVER_KEY)
    host.host.run("setpriv", "--reuid", "www-data", "--clear-groups", "cat", SERVER_KEY)


@fault("mutual", "key-readable-by-others")
def certificate_file_holds_the_key_as_for_haproxy(host: Patient) -> None:
    host.host.path(SERVER_CERT).write_text(host.host.read(SERVER_CERT) + host.host.read(SERVER_KEY))
    host.reload()
    assert "PRIVATE KEY" in host.host.run("setpriv", "--reuid", "65534", "--clear-groups", "cat", SERVER_CERT).stdout
    let_in(host.call(host.agent()))


@fault("mutual", "file-permission")
def pages_are_roots_alone(host: Patient) -> None:
    host.host.path("/var/www/nms/ui").chmod(0o700)
    assert host.browse().stdout != "200"
    host.logged("/var/www/nms/ui", "(13: Permission denied)")


# Talking past each other, and what lies behind.


@fault("mutual", "grpc-location-missing")
def pattern_against_leaks_meets_the_agents(host: Patient) -> None:
    host.host.write(f"{LOCATIONS}/00-hardening.conf", "location ~* \\.(?:bak|conf|ini|log|sdk|sql)\\b {\n    deny all;\n}\n")
    host.reload()
    for outcome in host.calls(*both_services(host.agent())):
        refused(outcome)
    host.logged("access forbidden by rule")


@fault("mutual", "grpc-location-missing", "duplicate-directive")
def another_file_has_taken_the_name(host: Patient) -> None:
    host.edit(NMS_HTTP, "    server_name _;", f"    server_name {NAME} nim;")
    host.host.write(
        "/etc/nginx/conf.d/00-welcome.conf",
        f"server {{\n    {listen(host, '443')}\n    server_name {NAME};\n{OUR_PAIR}    root /var/www/welcome;\n}}\n",
    )
    assert f'conflicting server name "{NAME}"' in host.host.test_config().stderr
    host.reload()
    assert refused(host.call(host.agent())).http == 404


@fault("dedicated", "sni-mismatch", "drift", "grpc-location-missing", only="newer")
def name_of_the_agents_server_is_misspelt(host: Patient) -> None:
    host.edit(FILE, f"server_name {OWN};", "server_name agents.exmaple.com;")
    host.reload()
    for name in AGENTS:
        refused(host.call(host.agent(name, sni=OWN)))


# nginx waits for the words of a balancer that is not there.
@fault("mutual", "protocol-mismatch", "drift")
def balancer_was_taken_away_and_its_protocol_was_not(host: Patient) -> None:
    host.edit(NMS_HTTP, "listen 443 ssl", "listen 443 proxy_protocol ssl")
    host.reload()
    for name in AGENTS * 2:
        refused(host.call(host.agent(name)))


@fault("generation-1", "protocol-mismatch", "upstream-tls-mismatch", "drift", only="distribution")
def two_ports_of_the_manager_were_mixed_up(host: Patient) -> None:
    file = f"{CONF_D}/nginx-manager-upstreams.conf"
    for old, new in (("11000", "PORT"), ("10000", "11000"), ("PORT", "10000")):
        host.edit(file, old, new)
    host.reload()
    for _ in range(2):
        refused(host.call(host.agent()))
        assert host.browse().stdout != "200"
    host.logged("upstream sent")


@fault("mutual", "upstream-down")
def service_was_marked_as_down_for_the_upgrade(host: Patient) -> None:
    host.edit(NMS_HTTP, "server unix:/var/run/nms/am.sock;", "server unix:/var/run/nms/am.sock down;")
    host.reload()
    for name in AGENTS:
        refused(host.call(host.agent(name)))
    host.logged("no live upstreams while connecting to upstream")


@fault("mutual", "dns-failed")
def service_is_a_variable_and_nobody_resolves_it(host: Patient) -> None:
    host.edit(NMS_HTTP, COMMANDS, "set $commands dpm.nim.internal;\n        grpc_pass grpc://$commands:8036;")
    host.reload()
    for name in AGENTS:
        refused(host.call(host.agent(name)))
    host.logged("no resolver defined to resolve dpm.nim.internal")


# It is nginx that comes without a certificate here.
@fault("mutual", "upstream-tls-mismatch", "client-cert-missing")
def service_wants_a_certificate_of_nginx(host: Patient) -> None:
    host.start(
        "openssl", "s_server", "-accept", "127.0.0.1:8036", "-cert", f"{CERTS}/manager-server.pem", "-key",
        f"{CERTS}/manager-server.key", "-alpn", "h2", "-Verify", "1", "-verify_return_error", "-CAfile", f"{CERTS}/ca.pem",
    )  # fmt: skip
    wait_for(lambda: ":8036" in host.host.run("ss", "-ltnH").stdout, "the service")
    host.edit(NMS_HTTP, COMMANDS, "grpc_pass grpcs://127.0.0.1:8036;")
    host.reload()
    for name in AGENTS:
        refused(host.call(host.agent(name)))
    host.logged("upstream", "127.0.0.1:8036")


# What nginx does not load, or has not loaded.


@fault("mutual", "syntax")
def variable_of_a_tenant_is_unknown(host: Patient) -> None:
    host.host.write("/etc/nms/nginx/upstreams/mapped_apis/tenants.conf", '"~^/api/platform/v1/tenants" $tenant_service;\n')
    host.must_not_load('unknown "tenant_service" variable')


@fault("mutual", "syntax")
def version_of_tls_is_not_invented_yet(host: Patient) -> None:
    host.host.write("/etc/nginx/conf.d/00-tls.conf", "ssl_protocols TLSv1.2 TLSv1.3 TLSv1.4;\n")
    host.must_not_load('invalid value "TLSv1.4"')


@fault("mutual", "duplicate-directive", "syntax")
def two_sizes_of_one_session_cache(host: Patient) -> None:
    host.host.write(
        "/etc/nginx/conf.d/zz-portal.conf",
        f"server {{\n    listen 8443 ssl;\n{OUR_PAIR}    ssl_session_cache shared:nim_tls_1:20m;\n}}\n",
    )
    host.must_not_load("conflicts with already declared size")


@fault("mutual", "cipher-mismatch", "syntax")
def ciphers_are_those_of_ten_years_ago(host: Patient) -> None:
    line = next(line for line in host.lines(NMS_HTTP) if "ssl_ciphers" in line)
    host.edit(NMS_HTTP, line, "    ssl_ciphers EECDH+3DES:RSA+3DES;")
    host.must_not_load("no cipher match")


@fault("mutual", "client-ca-incomplete", "syntax", only="distribution")
def bundle_for_agents_was_commented_out(host: Patient) -> None:
    host.edit(NMS_HTTP, "    ssl_client_certificate /etc", "    # ssl_client_certificate /etc")
    host.must_not_load("for ssl_verify_client")


@fault("mutual", "upstream-untrusted", "syntax")
def service_is_verified_by_nobody(host: Patient) -> None:
    host.edit(NMS_HTTP, COMMANDS, "grpc_ssl_verify on;\n        grpc_pass grpcs://127.0.0.1:8036;")
    host.must_not_load("no grpc_ssl_trusted_certificate for grpc_ssl_verify")


# nginx takes the name of a group for that of a host.
@fault("mutual", "syntax", "dns-failed")
def group_of_services_is_misspelt(host: Patient) -> None:
    host.edit(NMS_HTTP, COMMANDS, "grpc_pass grpc://dpm-grpc-servce;")
    host.must_not_load("in upstream")


@fault("mutual", "duplicate-directive")
def pages_are_described_twice(host: Patient) -> None:
    host.host.write(f"{LOCATIONS}/10-pages.conf", "location /ui {\n    expires 1h;\n}\n")
    host.must_not_load('duplicate location "/ui"')


@fault("mutual", "module-missing", only="newer")
def module_is_of_another_nginx(host: Patient) -> None:
    module = "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n"
    host.host.path(MAIN).write_text(module + host.host.read(MAIN))
    host.must_not_load("instead of", "binary compatible", "dlopen()")


@fault("mutual", "file-missing")
def folder_of_a_log_was_never_made(host: Patient) -> None:
    host.edit(NMS_HTTP, "    server_tokens off;", "    server_tokens off;\n    error_log /var/log/nms/gateway/error.log warn;")
    host.must_not_load('open() "/var/log/nms/gateway/error.log" failed (2')


@fault("mutual", "reload-not-effective")
def number_of_nginx_was_swept_away(host: Patient) -> None:
    host.host.path("/run/nginx.pid").unlink()
    host.serve(host.issue(NAME, "serverAuth", san=f"DNS:{NAME},DNS:nim,IP:10.0.0.5"))
    assert host.host.run(*host.nginx.argv, "-s", "reload", check=False).returncode != 0
    serial = host.host.run("openssl", "x509", "-in", SERVER_CERT, "-noout", "-serial").stdout.strip()
    shown = host.host.run("openssl", "s_client", "-connect", "127.0.0.1:443", "-servername", NAME).stdout
    assert serial not in host.host.run("openssl", "x509", "-noout", "-serial", stdin=shown).stdout


@fault("mutual", "reload-not-effective", "port-closed")
def address_of_the_cluster_is_elsewhere(host: Patient) -> None:
    host.host.write(
        "/etc/nginx/conf.d/zz-cluster.conf",
        f"server {{\n    {listen(host, '10.20.0.250:8443')}\n    server_name {NAME};\n{OUR_PAIR}    return 404;\n}}\n",
    )
    host.host.run(*host.nginx.argv, "-s", "reload", check=False)
    host.logged("bind() to 10.20.0.250:8443 failed (99")


@fault("mutual", "logging-off")
def condition_of_the_log_is_never_met(host: Patient) -> None:
    host.host.write("/etc/nginx/conf.d/00-quiet.conf", "map $status $worth_it {\n    default 0;\n    ~^5 0;\n}\n")
    host.edit(MAIN, f"access_log {ACCESS_LOG};", f"access_log {ACCESS_LOG} combined if=$worth_it;")
    host.reload()
    before = len(host.lines(ACCESS_LOG))
    assert host.browse().stdout == "200"
    assert len(host.lines(ACCESS_LOG)) == before


@each_case(FOURTH.faults)
def test_the_cause_comes_first(patient: Patient, case: Case) -> None:
    judge(patient, case)
