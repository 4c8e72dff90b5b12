"""Of the third set (test_seeded_third.py): hosts that are well, whatever else is about them. None may have an error.

What is in their logs comes from sites and strangers that have nothing to do with the manager, or has passed.
"""

import dataclasses
import gzip
import sys

import certs
import neighbours
import plus
from conftest import each_case
from grounds import AGENTS_PORT, DOOR, DYNAMIC, STRANGER
from instance import SETTINGS
from manager import NAME
from nim1 import CONF_D
from nim_tree import CERTS, NMS_HTTP, PLAIN, nms_http
from patient import AGENT_LOG, Patient, all_in, judge, let_in, refused
from seeded import EACH, Case
from test_dedicated import OWN
from test_seeded_held_out import NOT_CA, SERVES, everybody_comes, revocations, with_chain
from test_seeded_held_out_agents import CA, CERT, KEY, MAIN, RECEIVED, UNAVAILABLE
from third import (
    ACCESS_LOG,
    ASKED,
    DOOR_6,
    ERROR_LOG,
    add_line,
    agent_line,
    as_release,
    ago,
    nginx_says,
    put_before,
    set_up_last_month,
    third,
    with_ipv6,
)
from tool import AGENTS, SERVER_CERT, SERVER_KEY, issued

WELL = third()
well = WELL.well


# Written by other hands.


@well("mutual", only=EACH)
def file_was_indented_anew(host: Patient) -> None:
    lines = [line.strip() for line in host.lines(NMS_HTTP)]
    depth, told = 0, []
    for line in lines:
        depth -= line.startswith("}")
        told.append("\t" * depth + line)
        depth += line.endswith("{")
    host.host.path(NMS_HTTP).write_text("\n".join(told) + "\n")
    host.reload()
    everybody_comes(host)


@well("mutual")
def agents_locations_lie_in_a_file_of_their_own(host: Patient) -> None:
    text = host.host.read(NMS_HTTP)
    start, end = text.index("    # Measurements sent by agents."), text.index("    # Judges what the handshake")
    host.host.write("/etc/nms/nginx/agents.inc", text[start:end])
    host.host.path(NMS_HTTP).write_text(f"{text[:start]}    include /etc/nms/nginx/agents.inc;\n{text[end:]}")
    host.reload()
    everybody_comes(host)
    refused_as_own_question(host)


def refused_as_own_question(host: Patient) -> None:
    """A stranger is refused; what that leaves in the logs is of our asking, and is taken out again."""
    logs = (ACCESS_LOG, ERROR_LOG, "/var/log/nginx/nim-tls-agents.log")
    before = {log: host.host.read(log) for log in logs if host.host.path(log).exists()}
    refused(host.call(host.stranger()))
    for log, text in before.items():
        host.host.path(log).write_text(text)


@well("mutual")
def key_has_a_passphrase_and_nginx_knows_it(host: Patient) -> None:
    locked = host.host.run("openssl", "pkey", "-in", SERVER_KEY, "-aes256", "-passout", "pass:spring").stdout
    host.host.path(SERVER_KEY).write_text(locked)
    host.host.write(f"{CERTS}/server.pass", "spring\n", 0o600)
    host.edit(NMS_HTTP, "    ssl_session_timeout ", f"    ssl_password_file {CERTS}/server.pass;\n    ssl_session_timeout ")
    host.reload()
    everybody_comes(host)


@well("mutual", only=EACH)
def two_pairs_one_of_rsa(host: Patient) -> None:
    second = with_chain(host, NOT_CA, SERVES, f"subjectAltName=DNS:{NAME},DNS:nim,IP:10.0.0.5", kind="rsa")
    host.host.write(f"{CERTS}/server-rsa.crt", second.cert.read_bytes())
    host.host.write(f"{CERTS}/server-rsa.key", second.key.read_bytes(), 0o600)
    more = f"    ssl_certificate_key {CERTS}/server-rsa.key;\n    ssl_certificate {CERTS}/server-rsa.crt;\n"
    host.edit(NMS_HTTP, "    ssl_session_timeout ", f"{more}    ssl_session_timeout ")
    host.reload()
    everybody_comes(host)


# OpenSSL passes over it.
@well("mutual")
def an_editor_put_a_mark_before_the_first_line(host: Patient) -> None:
    host.host.path(SERVER_CERT).write_bytes(b"\xef\xbb\xbf" + host.host.path(SERVER_CERT).read_bytes())
    host.reload()
    everybody_comes(host)


@well("mutual")
def certificate_file_has_words_between_and_the_root_behind(host: Patient) -> None:
    told = host.host.run("openssl", "x509", "-in", SERVER_CERT, "-text").stdout
    chain = host.host.read(SERVER_CERT).split("-----END CERTIFICATE-----\n", 1)[1]
    root = host.host.read(issued(AGENTS[0], "ca.pem"))
    text = f"# Ours.\n{told}\n# Issuing.\n{chain}\n# Root.\n{root}"
    host.host.path(SERVER_CERT).write_bytes(text.replace("\n", "\r\n").encode())
    host.reload()
    everybody_comes(host)


@well("mutual")
def several_names_and_a_wildcard(host: Patient) -> None:
    host.serve(host.issue(NAME, "serverAuth", san="DNS:*.example.com,DNS:nim,DNS:example.com,IP:10.0.0.5"))
    host.edit(NMS_HTTP, "    server_name _;", f"    server_name {NAME} nim old-nim.example.com _;")
    host.reload()
    everybody_comes(host)


@well("mutual")
def everybody_may_come_by_ipv6(host: Patient) -> None:
    with_ipv6(host)
    more = " ssl" if host.nginx.has_http2_directive else " ssl http2"
    host.edit(NMS_HTTP, "    listen 443 ssl", f"    listen [::]:443{more} ipv6only=on;\n    listen 443 ssl", 1)
    host.reload()
    everybody_comes(host)
    all_in(host.calls(*(host.agent(name, address=DOOR_6, source=None) for name in AGENTS)))


@well("mutual")
def a_second_port_leads_to_the_same(host: Patient) -> None:
    more = "" if host.nginx.has_http2_directive else " http2"
    host.edit(NMS_HTTP, "    listen 443 ssl", f"    listen 8443 ssl{more};\n    listen 443 ssl", 1)
    host.reload()
    everybody_comes(host)
    let_in(host.call(host.agent(port=8443)))


@well("mutual")
def port_80_sends_browsers_on(host: Patient) -> None:
    host.host.write(
        "/etc/nginx/conf.d/zz-redirect.conf",
        "server {\n    listen 80 default_server;\n    server_name _;\n    location /.well-known/acme-challenge/ {\n"
        "        root /var/www/acme;\n    }\n    location / {\n        return 301 https://$host$request_uri;\n    }\n}\n"
        "server {\n    listen 127.0.0.1:8080;\n    location /nginx_status {\n        access_log off;\n        allow 127.0.0.1;\n"
        "        deny all;\n        return 200;\n    }\n}\n",
    )
    host.reload()
    everybody_comes(host)
    assert host.browse("-s", url=f"http://{NAME}/ui/").stdout == "301"


@well("mutual")
def package_left_its_files_beside(host: Patient) -> None:
    for ending in (".dpkg-dist", ".rpmnew", ".bak"):
        host.host.write(f"{NMS_HTTP}{ending}", nms_http(PLAIN))
    late = host.issue("former.example.com", "serverAuth", life=certs.PAST)
    host.host.write(f"{CERTS}/former.crt", late.cert.read_bytes())
    host.host.write(f"{CERTS}/former.key", late.key.read_bytes(), 0o600)
    host.reload()
    everybody_comes(host)


@well("mutual")
def lists_of_revoked_in_other_order_with_text(host: Patient) -> None:
    crl = f"{CERTS}/lists.pem"
    host.host.write(crl, "# Of the root, then of the other.\n" + "".join(reversed(revocations(host))))
    host.edit(NMS_HTTP, ASKED, f"{ASKED}\n    ssl_verify_depth 3;\n    ssl_crl {crl};")
    host.reload()
    everybody_comes(host)


@well("mutual")
def logs_go_elsewhere_and_say_more(host: Patient) -> None:
    host.edit(MAIN, "error_log /var/log/nginx/error.log;", "error_log /var/log/nginx/all.log notice;")
    more = "    access_log /var/log/nginx/nim.access.log;\n    error_log /var/log/nginx/nim.error.log info;\n"
    host.edit(NMS_HTTP, "    server_tokens off;", f"{more}    server_tokens off;")
    host.reload()
    everybody_comes(host)


# Strangers, neighbours, and what has passed.



SCANS = """
import socket, ssl, sys
door = (sys.argv[1], 443)
def send(data, tls=None):
    try:
        plain = socket.create_connection(door, 5, (sys.argv[2], 0))
        plain.settimeout(2)
        with (tls.wrap_socket(plain) if tls else plain) as opened:
            opened.sendall(data)
            opened.recv(300)
    except OSError as error:
        print(error)
def tls(**changes):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    for name, value in changes.items():
        setattr(made, name, value)
    return made
send(b"GET / HTTP/1.1\\r\\nHost: 203.0.113.7\\r\\n\\r\\n")
send(b"\\x03\\x00\\x00\\x13\\x0e\\xe0\\x00\\x00\\x00\\x00\\x00\\x01\\x00\\x08\\x00\\x03\\x00\\x00\\x00")
send(b"SSH-2.0-Go\\r\\n")
send(bytes.fromhex("16030100050100000103"))
for path in ("/.env", "/wp-login.php", "/actuator/health", "/cgi-bin/luci", "/boaform/admin/formLogin"):
    send(f"GET {path} HTTP/1.1\\r\\nHost: nim\\r\\nConnection: close\\r\\n\\r\\n".encode(), tls())
send(b"\\x16\\x03\\x01 nonsense\\r\\n\\r\\n", tls())
strict = ssl.create_default_context()
strict.check_hostname = False
send(b"", strict)
old = tls(minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)
old.set_ciphers("DEFAULT@SECLEVEL=0")
send(b"", old)
rare = tls(maximum_version=ssl.TLSVersion.TLSv1_2)
rare.set_ciphers("AES128-SHA")
send(b"", rare)
other = tls()
other.set_alpn_protocols(["acme-tls/1"])
send(b"", other)
"""


@well("mutual", only=EACH)
def scanners_of_the_internet_came_by(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    host.from_outside(sys.executable, "-c", SCANS, DOOR, STRANGER)
    everybody_comes(host)
    assert len(host.lines(ERROR_LOG)) > 4


@well("generation-1", only="distribution")
def scanners_came_to_generation_1(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    host.from_outside(sys.executable, "-c", SCANS, DOOR, STRANGER)
    everybody_comes(host, port=AGENTS_PORT)


@well("mutual")
def shop_next_door_is_in_trouble(host: Patient) -> None:
    neighbours.move_in(host.host)
    host.edit(neighbours.FILE, "    server 127.0.0.1:9100;", "    server 127.0.0.1:9199 max_fails=0;")
    host.host.write(
        "/etc/nginx/conf.d/zz-again.conf", "server {\n    listen 80;\n    server_name shop.example.com;\n    return 204;\n}\n"
    )
    host.edit(neighbours.FILE, "    add_header X-Shop open;", "    ssl_stapling on;\n    add_header X-Shop open;")
    host.reload()
    for _ in range(5):
        assert host.browse("-k", url="https://shop.example.com/").stdout == "502"
    host.logged("127.0.0.1:9199", "Connection refused")
    everybody_comes(host)


@well("mutual")
def partners_of_another_site_have_old_certificates(host: Patient) -> None:
    neighbours.move_in(host.host)
    folder = host.folder()
    ca = certs.authority(folder, "partners")
    host.host.write("/etc/nginx/partners.pem", ca.cert.read_bytes())
    asks = "    ssl_client_certificate /etc/nginx/partners.pem;\n    ssl_verify_client on;\n"
    host.edit(neighbours.FILE, "    server_name intranet.example.com;", f"    server_name intranet.example.com;\n{asks}")
    host.log_refusals()
    host.reload()
    late = certs.issue(folder, ca, "partner-7", "clientAuth", life=certs.PAST)
    cert, key = (host.host.carry(path, f"partner{path.suffix}") for path in (late.cert, late.key))
    for _ in range(4):
        assert host.browse("-k", "--cert", cert, "--key", key, url="https://intranet.example.com:8081/").stdout == "400"
        assert host.browse("-k", url="https://intranet.example.com:8081/").stdout == "400"
    host.logged("(10:certificate has expired)", "intranet.example.com")
    everybody_comes(host)


@well("mutual")
def application_next_door_speaks_grpc_and_is_down(host: Patient) -> None:
    neighbours.move_in(host.host)
    place = "    location /orders.v1.Orders/ {\n        grpc_pass grpcs://127.0.0.1:9443;\n    }\n"
    host.edit(neighbours.FILE, "    location /closed {", f"{place}    location /closed {{")
    host.reload()
    for _ in range(4):
        assert host.browse("-k", "-X", "POST", url="https://shop.example.com/orders.v1.Orders/List").stdout == "502"
    everybody_comes(host)


@well("mutual", only=EACH)
def services_were_renewed_in_the_night(host: Patient) -> None:
    lines = []
    for number in range(60):
        service, call, which = (
            ("am", "Commander/CommandChannel", 10) if number % 2 else ("ingestion", "MetricsService/Stream", 11)
        )
        lines.append(nginx_says(
            ago(hours=9, seconds=-2 * number), "error",
            f"*{8000 + number} connect() to unix:/var/run/nms/{service}.sock failed (111: Connection refused) while connecting "
            f'to upstream, client: 10.20.0.{which}, server: _, request: "POST /f5.nginx.agent.sdk.{call} HTTP/2.0", upstream: '
            f'"grpc://unix:/var/run/nms/{service}.sock:", host: "{NAME}"', pid=900 + number % 2,
        ))  # fmt: skip
    set_up_last_month(host)
    put_before(host, ERROR_LOG, *lines)
    everybody_comes(host)


@well("mutual")
def trouble_of_last_week_is_still_in_rotated_logs(host: Patient) -> None:
    tail = f'client: 10.20.0.11, server: _, request: "POST /f5.nginx.agent.sdk.Commander/CommandChannel HTTP/2.0", host: "{NAME}"'
    said = "client SSL certificate verify error: (12:CRL has expired) while reading client request headers"
    lines = [nginx_says(ago(days=4, seconds=-number), "info", f"*{number} {said}, {tail}", 31) for number in range(50)]
    refusal = "SSL_do_handshake() failed (SSL: error:0A0000EB:SSL routines::no application protocol) while SSL handshaking"
    other = "client: 10.20.0.12, server: 0.0.0.0:443"
    older = [nginx_says(ago(days=6, seconds=-number), "info", f"*{number} {refusal}, {other}", 30) for number in range(50)]
    set_up_last_month(host)
    add_line(host, f"{ERROR_LOG}.1", *lines)
    host.host.write(f"{ERROR_LOG}.2.gz", gzip.compress("".join(f"{line}\n" for line in older).encode()))
    everybody_comes(host)


@well("dedicated", only="newer")
def people_who_open_the_agents_name_in_a_browser(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    for _ in range(5):
        assert host.browse("-k", url=f"https://{OWN}/").stdout == "400"
    host.logged("client sent no required SSL certificate")
    everybody_comes(host, sni=OWN)


@well("dedicated", only="newer")
def list_of_revoked_made_by_the_tool_and_nobody_on_it_calls(host: Patient) -> None:
    done = host.tool.run("certs", "revoke", AGENTS[1], "--yes")
    assert done.code == 0, done
    let_in(host.call(host.agent(sni=OWN)))


@well("generation-1", only="newer")
def generation_1_on_a_newer_nginx_with_more_of_its_own(host: Patient) -> None:
    more = "client_max_body_size 200m;\n        proxy_read_timeout 5m;"
    host.edit(f"{CONF_D}/nginx-manager-noauth.conf", "client_max_body_size 50m;", more)
    host.edit(f"{CONF_D}/nginx-manager-upstreams.conf", "    keepalive 20;", "    keepalive 40;")
    host.reload()
    everybody_comes(host, port=AGENTS_PORT)


@well("generation-1-stream", only="distribution")
def generation_1_below_http(host: Patient) -> None:
    everybody_comes(host, port=AGENTS_PORT)


@well("termination", only="distribution")
def pages_keep_their_own_longer_promise(host: Patient) -> None:
    host.edit(NMS_HTTP, "max-age=86400", "max-age=31536000")
    host.reload()
    everybody_comes(host, cert=None, key=None)


@well("observe", only="distribution")
def agents_are_watched_and_an_old_one_shows_none(host: Patient) -> None:
    for _ in range(3):
        let_in(host.call(dataclasses.replace(host.agent(AGENTS[1]), cert=None, key=None)))
    let_in(host.call(host.agent()))


# Instances.


@well("instance", only="newer")
def agents_settings_are_written_in_another_way(host: Patient) -> None:
    host.host.path(SETTINGS).write_text(
        f"---\nTLS: {{enable: true, skip_verify: false, ca: '{CA}', cert: {CERT}, key: {KEY}}}\n"
        f"server: {{host: {NAME}, grpcport: 443, token: not-for-your-eyes}}   # one line\n"
        "log: {level: debug, path: /var/log/nginx-agent/}\nnginx:\n  exclude_logs: /var/log/nginx/*.gz\n"
        "dataplane:\n  status:\n    poll_interval: 30s\nmetrics:\n  bulk_size: 20\n  mode: aggregated\n"
        "config_dirs: /etc/nginx:/opt/nginx\nfeatures: [registration, metrics, nginx-config-async]\n"
    )
    host.agent_gets_through()


@well("instance", only="newer")
def files_of_the_agent_are_links_of_a_renewal(host: Patient) -> None:
    at = "/etc/pki/live/web-1"
    for name, path in (("cert", CERT), ("privkey", KEY), ("chain", CA)):
        host.host.write(f"{at}/{name}3.pem", host.host.path(path).read_bytes(), 0o400 if name == "privkey" else 0o644)
        host.host.run("ln", "-s", f"{name}3.pem", f"{at}/{name}.pem")
        host.edit(SETTINGS, f'"{path}"', f'"{at}/{name}.pem"')
    host.agent_gets_through()


@well("instance", only="newer")
def agent_came_back_after_the_nightly_restart(host: Patient) -> None:
    down = f'{UNAVAILABLE}transport: Error while dialing: dial tcp 10.20.0.1:443: connect: connection refused"'
    gone = f"{RECEIVED}Unavailable, message=error reading from server: EOF"
    at = [ago(hours=9, seconds=-15 * number) for number in range(12)]
    lines = [agent_line(at[0], "error", gone), *(agent_line(when, "error", down) for when in at[1:])]
    lines += [
        agent_line(ago(hours=8, minutes=-number), "debug", message)
        for number in range(20)
        for message in (
            "Processing metrics report", "Status message from server: Ok", "Checking for file changes: no TLS, no error",
            "ssl certificate /etc/nginx/ssl/shop.crt could not be parsed: x509: malformed certificate",
            "nginx config test: nginx: [warn] conflicting server name \"shop.example.com\" on 0.0.0.0:80, ignored",
        )
    ]  # fmt: skip
    set_up_last_month(host)
    put_before(host, AGENT_LOG, *lines)
    host.agent_gets_through()


@well("instance", only="newer")
def pages_of_the_instance_have_their_own_trouble(host: Patient) -> None:
    tail = (
        'client: 198.51.100.7, server: shop.example.com, request: "GET / HTTP/1.1", '
        'upstream: "https://127.0.0.1:9443/", host: "shop.example.com"'
    )
    set_up_last_month(host)
    for minutes in (9, 6, 2):
        for text in (
            "upstream timed out (110: Connection timed out) while reading response header from upstream",
            "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to "
            "upstream",
            "upstream SSL certificate verify error: (10:certificate has expired) while SSL handshaking to upstream",
        ):
            add_line(host, ERROR_LOG, nginx_says(ago(minutes=minutes), "error", f"*{minutes} {text}, {tail}", 70 + minutes % 2))
    status = "OCSP responder timed out (110: Connection timed out) while requesting certificate status, responder: ocsp.test"
    stapling = '"ssl_stapling" ignored, no OCSP responder URL in the certificate "/etc/nginx/shop.crt"'
    add_line(host, ERROR_LOG, nginx_says(ago(minutes=1), "error", status), nginx_says(ago(minutes=1), "warn", stapling))
    host.agent_gets_through()


@well("instance", only="newer")
def changing_settings_hold_tags_alone(host: Patient) -> None:
    host.host.write(DYNAMIC, "tags:\n- dmz\n- web\ninstance_group: front\n")
    host.host.write("/mnt/agent.env", "NGINX_AGENT_LOG_LEVEL=debug\n")
    host.agent_gets_through()


@well("plus", only="distribution")
def older_release_verifies_with_all_its_lines(host: Patient) -> None:
    more = "# Verified since spring.\n    resolver 127.0.0.53 valid=30s;\n    connect_timeout 10s;\n    ssl on;\n"
    host.edit(MAIN, "    ssl_verify on;\n", f"    {more}    ssl_verify on;\n    ssl_verify_depth 2;\n")
    as_release(host, plus.R32)
    add_line(host, ERROR_LOG, nginx_says(ago(hours=2), "warn", "license will expire in 14 days", 812))


@well("plus", only="distribution")
def one_report_failed_in_the_night(host: Patient) -> None:
    message = f"connect() failed (111: Connection refused) for {NAME}:443 during usage report"
    add_line(host, ERROR_LOG, nginx_says(ago(hours=30), "error", message, 812))
    add_line(host, ERROR_LOG, nginx_says(ago(hours=26), "notice", "signal process started", 812))


@each_case(WELL.healthy)
def test_a_healthy_host_has_no_error(patient: Patient, case: Case) -> None:
    judge(patient, case)
