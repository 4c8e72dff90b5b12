"""Of the fourth set (test_seeded_fourth.py): instances, logs from elsewhere, usage reports, and hosts that are well."""

import certs
from conftest import each_case
from grounds import DOOR, DYNAMIC, STRANGER
from instance import SETTINGS
from manager import NAME, both_services
from nim1 import AGENTS_PORT, CONF_D
from nim_tree import CERTS, NMS_HTTP
from patient import AGENT_LOG, Patient, judge, let_in
from seeded import Case, Cases
from test_dedicated import OWN
from test_seeded_held_out import everybody_comes
from test_seeded_held_out_agents import CA, CERT, KEY, TLS_FATAL, UNAVAILABLE, keeps_saying
from test_seeded_third_agents import DIAL, NO_SERVER, X509, brought, every
from third import ERROR_LOG, MAIN, add_line, agent_line, ago, below_root, listen, nginx_says
from tool import AGENTS, SERVER_CERT, SERVER_KEY

FOURTH = Cases("fourth", in_turn=("distribution", "newer"))
fault, well = FOURTH.fault, FOURTH.well
COMMANDS = "POST /f5.nginx.agent.sdk.Commander/CommandChannel HTTP/2.0"


# Instances.


@fault("instance", "port-closed")
def unit_of_the_agent_names_another_port(host: Patient) -> None:
    host.host.write("/mnt/agent.env", "NGINX_AGENT_SERVER_GRPCPORT=10443\n")
    host.agent_stays_away()
    keeps_saying(host, f'{DIAL}dial tcp {DOOR}:10443: connect: connection refused"')


# The agent takes over what older releases were told, with a warning.
@fault("instance", "agent-skip-verify")
def unit_of_an_older_release_believes_anybody(host: Patient) -> None:
    host.host.write("/mnt/agent.env", "NMS_TLS_SKIP_VERIFY=true\n")
    host.agent_gets_through()
    host.agent_says("warning", "The NMS_TLS_SKIP_VERIFY environment variable is deprecated, use NGINX_AGENT_TLS_SKIP_VERIFY")


@fault("instance", "dns-failed")
def changing_settings_name_a_manager_of_before(host: Patient) -> None:
    host.host.write(DYNAMIC, "instance_group: front\nserver:\n  host: nim-old.example.com\n")
    host.agent_stays_away()
    keeps_saying(host, f'{DIAL}dial tcp: lookup nim-old.example.com on 10.20.0.53:53: no such host"')


@fault("instance", "agent-yaml")
def section_stands_there_twice(host: Patient) -> None:
    path = host.host.path(SETTINGS)
    first = host.lines(SETTINGS).index("tls:") + 1
    path.write_text(path.read_text() + "tls:\n  enable: true\n")
    again = len(host.lines(SETTINGS)) - 1
    host.agent_stays_away()
    host.agent_says(
        "fatal", f"Unable to load properties from config files ({SETTINGS}, {DYNAMIC}): While parsing config: yaml: unmarshal "
        f'errors: line {again}: mapping key "tls" already defined at line {first}',
    )  # fmt: skip


@fault("instance", "file-missing")
def agent_finds_no_settings_at_all(host: Patient) -> None:
    host.host.run("mv", SETTINGS, f"{SETTINGS}.dpkg-bak")
    host.agent_stays_away()
    told = "a valid configuration has not been found in any of the search paths"
    host.agent_says("fatal", f"Failed to load configuration file: {told}")


@fault("instance", "agent-server-section", "dns-failed")
def manager_was_written_as_an_address_of_the_web(host: Patient) -> None:
    host.edit(SETTINGS, f'host: "{NAME}"', f'host: "https://{NAME}"')
    host.agent_stays_away()
    keeps_saying(host, f'{DIAL}dial tcp: address https://{NAME}:443: too many colons in address"')


@fault("instance", "key-readable-by-others")
def certificate_of_the_instance_holds_its_key(host: Patient) -> None:
    host.host.path(CERT).write_text(host.host.read(CERT) + host.host.read(KEY))
    assert "PRIVATE KEY" in host.host.run("setpriv", "--reuid", "65534", "--clear-groups", "cat", CERT).stdout
    host.agent_gets_through()


@fault("instance", "file-not-pem", "file-missing")
def authority_is_a_folder(host: Patient) -> None:
    host.edit(SETTINGS, f'ca: "{CA}"', 'ca: "/etc/ssl/certs"')
    host.agent_stays_away()
    host.agent_says("fatal", f"{TLS_FATAL}could not read CA file (/etc/ssl/certs): read /etc/ssl/certs: is a directory")


@fault("instance", "agent-server-section")
def section_of_the_server_is_misspelt(host: Patient) -> None:
    host.edit(SETTINGS, "server:\n", "servers:\n")
    host.agent_stays_away()
    host.agent_says("info", NO_SERVER)


# Logs from elsewhere, read beside a manager that is well.


@fault("mutual", "server-name-mismatch")
def agent_elsewhere_has_an_address_for_a_name(host: Patient) -> tuple[str, ...]:
    told = f"{X509}cannot validate certificate for 172.20.4.9 because it doesn't contain any IP SANs\""
    return brought(host, *(agent_line(when, "error", told) for when in every(20, 7)))


# Below HTTP, or from the manager itself, a refusal comes after the handshake, without a word.
@fault("mutual", "client-cert-missing", "client-cert-wrong-ca")
def agent_elsewhere_is_hung_up_on(host: Patient) -> tuple[str, ...]:
    ends = ("EOF", "read tcp 172.20.4.7:52114->172.20.4.9:10443: read: connection reset by peer", "EOF",
            "write tcp 172.20.4.7:52120->172.20.4.9:10443: write: broken pipe", "EOF")  # fmt: skip
    lines = (f'{UNAVAILABLE}error reading server preface: {end}"' for end in ends)
    return brought(host, *(agent_line(when, "error", line) for when, line in zip(every(30, 5), lines, strict=True)))


@fault("mutual", "client-cert-wrong-ca")
def agent_elsewhere_is_of_an_authority_unknown_there(host: Patient) -> tuple[str, ...]:
    told = f'{UNAVAILABLE}error reading server preface: remote error: tls: unknown certificate authority"'
    return brought(host, *(agent_line(when, "error", told) for when in every(15, 6)))


@fault("mutual", "cipher-mismatch")
def agent_elsewhere_shares_no_cipher(host: Patient) -> tuple[str, ...]:
    told = f'{UNAVAILABLE}transport: authentication handshake failed: remote error: tls: handshake failure"'
    return brought(host, *(agent_line(when, "error", told) for when in every(15, 6)))


# Its certificate has a common name alone, which is no name to an agent.
@fault("mutual", "server-name-mismatch", "common-name-only")
def agent_elsewhere_meets_a_certificate_without_names(host: Patient) -> tuple[str, ...]:
    told = f'{X509}certificate is not valid for any names, but wanted to match nim.corp.example.net"'
    return brought(host, *(agent_line(when, "error", told) for when in every(15, 6)))


@fault("mutual", "agent-version")
def agent_elsewhere_is_of_version_3(host: Patient) -> tuple[str, ...]:
    lines = []
    for when in every(60, 5):
        at = f"time={when:%Y-%m-%dT%H:%M:%S}.402Z"
        lines += [
            f'{at} level=INFO msg="Starting NGINX Agent" version=v3.11.3 commit=8d2b1a7',
            f'{at} level=INFO msg="Dialing grpc server" server_addr=nim.corp.example.net:443',
            f'{at} level=ERROR msg="Failed to create connection" error="rpc error: code = Unimplemented desc = unexpected HTTP '
            'status code received from server: 404 (Not Found); transport: received unexpected content-type \\"text/html\\""',
        ]
    return brought(host, *lines)


@fault("mutual", "port-closed")
def packets_of_an_agent_elsewhere_are_dropped(host: Patient) -> tuple[str, ...]:
    told = f'{DIAL}dial tcp 172.20.4.9:443: i/o timeout"'
    return brought(host, *(agent_line(when, "error", told) for when in every(40, 6)))


@fault("mutual", "server-cert-expired")
def agents_hang_up_on_an_nginx_elsewhere(host: Patient) -> tuple[str, ...]:
    told = (
        "SSL_do_handshake() failed (SSL: error:0A000415:SSL routines::sslv3 alert certificate expired:SSL alert number 45) "
        "while SSL handshaking"
    )
    return brought(host, *(
        nginx_says(when, "info", f"*{n + 400} {told}, client: 172.20.{n % 5}.{n + 9}, server: 0.0.0.0:443", 3011 + n % 2)
        for n, when in enumerate(every(6, 14))
    ))  # fmt: skip


@fault("mutual", "upstream-down")
def nginx_elsewhere_has_no_way_to_its_service(host: Patient) -> tuple[str, ...]:
    told = "connect() failed (113: No route to host) while connecting to upstream"
    upstream = 'upstream: "grpc://172.20.9.3:10000", host: "nim.corp.example.net"'
    tail = f'server: nim.corp.example.net, request: "{COMMANDS}", {upstream}'
    return brought(host, *(
        nginx_says(when, "error", f"*{n} {told}, client: 172.20.4.{n + 7}, {tail}", 3011) for n, when in enumerate(every(12, 6))
    ))  # fmt: skip


@fault("mutual", "file-missing")
def nginx_elsewhere_has_lost_its_bundle(host: Patient) -> tuple[str, ...]:
    told = (
        'SSL_CTX_load_verify_locations("/etc/nms/certs/agents/ca.pem") failed (SSL: error:80000002:system library::No such '
        "file or directory:calling fopen(/etc/nms/certs/agents/ca.pem, r) error:10000080:BIO routines::no such file)"
    )
    return brought(host, *(nginx_says(when, "emerg", told, 40 + n) for n, when in enumerate(every(60, 3))))


# Usage reports.


# Nothing is told of the exact words; the number is OpenSSL's.
@fault("plus", "usage-report-failing", only="distribution")
def reports_meet_a_server_that_is_not_trusted(host: Patient) -> None:
    told = f"SSL certificate verify error: (20:unable to get local issuer certificate) for {NAME}:443 during usage report"
    add_line(host, ERROR_LOG, *(nginx_says(when, "error", told, 812) for when in every(1800, 4)))


@fault("plus", "file-missing", "usage-report-failing", only="distribution")
def authority_of_the_reports_was_deleted(host: Patient) -> None:
    host.host.path("/etc/nginx/manager-ca.pem").unlink()


# Hosts that are well, whatever else is about them.


@well("mutual")
def second_intermediate_of_our_root_signs_too(host: Patient) -> None:
    second = below_root(host, "Issuing, branch office")
    pair = certs.issue(host.folder(), second, AGENTS[1], "clientAuth", chain=second.cert)
    host.log_refusals()
    host.reload()
    everybody_comes(host)
    let_in(host.call(host.carrying(pair)))


@well("mutual")
def logs_go_to_the_network_as_well_and_pictures_are_left_out(host: Patient) -> None:
    host.host.write("/etc/nginx/conf.d/00-log.conf", "map $uri $worth_it {\n    default 1;\n    ~\\.(png|svg|ico)$ 0;\n}\n")
    logs = "access_log /var/log/nginx/access.log combined if=$worth_it;"
    host.edit(NMS_HTTP, "    location /ui {", f"    location /ui {{\n        {logs}")
    host.edit(MAIN, "error_log /var/log", "error_log syslog:server=127.0.0.1:514,tag=nim warn;\nerror_log /var/log")
    host.reload()
    everybody_comes(host)


@well("mutual")
def group_of_services_has_two_sockets(host: Patient) -> None:
    host.host.run("ln", "-sf", "am.sock", "/run/nms/am-b.sock")
    both = "server unix:/var/run/nms/am.sock max_fails=0;\n    server unix:/var/run/nms/am-b.sock backup;"
    host.edit(NMS_HTTP, "server unix:/var/run/nms/am.sock;", both)
    host.reload()
    everybody_comes(host)


@well("mutual")
def probe_of_the_host_has_a_socket_of_its_own(host: Patient) -> None:
    host.host.write(
        "/etc/nginx/conf.d/zz-probe.conf",
        "server {\n    listen unix:/run/nginx-probe.sock;\n    access_log off;\n    location /f5.nginx.agent.sdk.Commander/ {\n"
        "        grpc_pass grpc://dpm-grpc-service;\n    }\n    location = /alive {\n        return 204;\n    }\n}\n",
    )
    host.reload()
    everybody_comes(host)


@well("mutual")
def people_run_into_limits_of_the_pages(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    everybody_comes(host)
    for path in ("/nowhere.png", "/401.json", "/modules"):
        host.browse(url=f"https://{NAME}{path}")
    tail = f'client: {STRANGER}, server: _, request: "GET /ui/app.js HTTP/2.0", host: "{NAME}"'
    for text in (
        'limiting requests, excess: 20.400 by zone "nms-ratelimit"', "client intended to send too large body: 71303168 bytes",
        "a client request body is buffered to a temporary file /var/lib/nginx/body/0000000007",
        '"/var/www/nms/ui/old/index.html" is not found (2: No such file or directory)', "access forbidden by rule",
    ):  # fmt: skip
        level = "warn" if "buffered" in text else "error"
        add_line(host, ERROR_LOG, *(nginx_says(when, level, f"*{n} {text}, {tail}") for n, when in enumerate(every(9, 5))))


@well("mutual")
def balancer_looks_whether_the_port_is_open(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    knock = (
        "import socket\nfor _ in range(40):\n"
        f"    opened = socket.create_connection(('{DOOR}', 443), 5, ('{STRANGER}', 0))\n    opened.close()\n"
    )
    host.from_outside("python3", "-c", knock)
    everybody_comes(host)


@well("mutual-ipv6")
def one_line_listens_for_both_kinds_of_addresses(host: Patient) -> None:
    text = host.host.read(NMS_HTTP)
    lines = [line for line in text.splitlines(keepends=True) if not line.strip().startswith("listen 443 ")]
    host.host.path(NMS_HTTP).write_text("".join(lines).replace("listen [::]:443 ssl", "listen [::]:443 ipv6only=off ssl"))
    # A socket that is taken over stays what it is.
    host.host.restart_nginx()
    everybody_comes(host)


@well("mutual")
def file_is_a_link_as_on_debian(host: Patient) -> None:
    host.host.run("mv", NMS_HTTP, "/etc/nginx/nms-http.available")
    host.host.run("ln", "-s", "../nms-http.available", NMS_HTTP)
    host.reload()
    everybody_comes(host)


@well("dedicated", only="newer")
def staff_shows_cards_on_a_port_of_its_own(host: Patient) -> None:
    host.host.write("/etc/nginx/staff.pem", certs.authority(host.folder(), "staff-cards").cert.read_bytes())
    host.host.write(
        "/etc/nginx/conf.d/zz-staff.conf",
        f"server {{\n    {listen(host, '9443')}\n    server_name {NAME};\n    ssl_certificate {SERVER_CERT};\n"
        f"    ssl_certificate_key {SERVER_KEY};\n    ssl_client_certificate /etc/nginx/staff.pem;\n    ssl_verify_client on;\n"
        "    location / {\n        proxy_pass http://core-api-service;\n    }\n}\n",
    )
    host.reload()
    everybody_comes(host, sni=OWN)


@well("generation-1", only="distribution")
def old_port_of_the_pages_sends_people_on(host: Patient) -> None:
    host.host.write(
        f"{CONF_D}/zz-88.conf",
        f"server {{\n    listen 88;\n    server_name {NAME};\n    return 301 https://{NAME}$request_uri;\n}}\n"
        f"server {{\n    {listen(host, '8443')}\n    server_name {NAME};\n"
        "    ssl_certificate /etc/ssl/nginx-manager/nginx-manager.crt;\n"
        "    ssl_certificate_key /etc/ssl/nginx-manager/nginx-manager.key;\n    location / {\n"
        "        proxy_pass http://nginx-manager_servers;\n    }\n}\n",
    )
    host.reload()
    everybody_comes(host, port=AGENTS_PORT)
    assert host.browse("-s", url=f"http://{NAME}:88/").stdout == "301"


@well("generation-1-stream", only="distribution")
def stream_has_rules_and_a_neighbour(host: Patient) -> None:
    stream = "/etc/nginx/stream.conf.d/nginx-grpc-stream.conf"
    host.edit(stream, "    ssl_alpn h2;", "    ssl_alpn h2;\n    ssl_handshake_timeout 20s;")
    host.host.write(
        "/etc/nginx/stream.conf.d/syslog.conf",
        "server {\n    listen 127.0.0.1:5514 udp;\n    proxy_pass 127.0.0.1:514;\n    proxy_responses 0;\n}\n",
    )
    host.reload()
    everybody_comes(host, port=AGENTS_PORT)


@well("termination", only="newer")
def agents_still_carry_certificates_of_a_former_authority(host: Patient) -> None:
    folder = host.folder()
    former = certs.authority(folder, "former-agents")
    for name in AGENTS:
        pair = certs.issue(folder, former, name, "clientAuth")
        cert, key = (host.manager.carry(path, path.name) for path in (pair.cert, pair.key))
        for outcome in host.calls(*both_services(host.stranger(cert=cert, key=key))):
            let_in(outcome)


@well("instance")
def manager_is_called_by_address_under_its_name(host: Patient) -> None:
    host.edit(SETTINGS, f'host: "{NAME}"', f"host: {DOOR}")
    host.agent_gets_through()


@well("instance")
def authorities_of_the_whole_company_are_in_one_file(host: Patient) -> None:
    folder = host.folder()
    late = certs.issue(folder, certs.authority(folder, "former"), "old-root", "serverAuth", life=certs.PAST)
    more = [certs.authority(folder, name).cert.read_text() for name in ("company-2024", "company-2026")]
    text = f"# Company\n{more[0]}\n# Until 2021\n{late.cert.read_text()}\n# Instance Manager\n{host.host.read(CA)}\n{more[1]}"
    host.host.path(CA).write_text(text)
    host.agent_gets_through()


@well("instance")
def certificate_and_key_share_a_file(host: Patient) -> None:
    host.host.write(f"{CERTS}/web-1.pem", host.host.read(CERT) + host.host.read(KEY), 0o600)
    host.edit(SETTINGS, CERT, f"{CERTS}/web-1.pem")
    host.edit(SETTINGS, KEY, f"{CERTS}/web-1.pem")
    host.agent_gets_through()


@well("instance")
def agent_tells_of_what_it_finds_on_its_nginx(host: Patient) -> None:
    host.agent_gets_through()
    for level, message in (
        ("warning", "Unable to find SSL certificate /etc/nginx/ssl/shop.crt: no such file or directory"),
        ("error", 'Failed to collect metrics from http://127.0.0.1:8080/nginx_status: dial tcp 127.0.0.1:8080: connect: '
                  "connection refused"),
        ("warning", "Unable to collect NGINX Plus API metrics: 404 Not Found"),
        ("error", "Failed to read access log /var/log/nginx/shop.log: open /var/log/nginx/shop.log: permission denied"),
    ):  # fmt: skip
        for when in every(60, 5):
            add_line(host, AGENT_LOG, agent_line(when, level, message))


@well("plus", only="distribution")
def reports_of_the_release_have_all_their_lines(host: Patient) -> None:
    more = (
        "license_token /etc/nginx/license.jwt;\n    enforce_initial_report off;\n    state_path /var/lib/nginx/state;\n"
        "    resolver 127.0.0.53;"
    )
    host.edit(MAIN, f"usage_report endpoint={NAME};", f"usage_report endpoint={NAME}:443 interval=30m;\n    {more}")
    host.reload()
    told = "renewed license does not match the original one; using original license"
    add_line(host, ERROR_LOG, nginx_says(ago(hours=3), "notice", told))


@well("plus", only="distribution")
def reports_go_where_the_release_sends_them(host: Patient) -> None:
    text = host.host.read(MAIN)
    host.host.path(MAIN).write_text(text[: text.index("mgmt {")])
    host.reload()


@each_case(FOURTH.faults)
def test_the_cause_comes_first(patient: Patient, case: Case) -> None:
    judge(patient, case)


@each_case(FOURTH.healthy)
def test_a_healthy_host_has_no_error(patient: Patient, case: Case) -> None:
    judge(patient, case)
