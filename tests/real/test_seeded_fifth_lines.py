"""The ordinary faults of the first year as they stand in logs that somebody else sends: with what shippers put in front.

Each log lies in a file of its own and is handed over by `--log`; the host itself is well. And logs that look alarming
and are not.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from conftest import each_case
from patient import Patient, judge
from seeded import Case, Cases
from third import ago, set_up_last_month

cases = Cases("fifth", in_turn=("distribution", "newer"))
LOG = "/mnt/sent-in.log"
Wrap = Callable[[datetime, str], str]


# What stands in front.


def bare(when: datetime, text: str) -> str:
    return text


def syslog(host: str, tag: str) -> Wrap:
    return lambda when, text: f"{when:%b %e %H:%M:%S} {host} {tag}: {text}"


def iso_syslog(host: str, tag: str) -> Wrap:
    """As rsyslog writes it since 8.2208, and `journalctl -o short-iso`."""
    return lambda when, text: f"{when:%Y-%m-%dT%H:%M:%S.%f+00:00} {host} {tag}: {text}"


def rfc5424(host: str, tag: str) -> Wrap:
    return lambda when, text: f"<27>1 {when:%Y-%m-%dT%H:%M:%S.%fZ} {host} {tag} 8123 - - {text}"


def docker(when: datetime, text: str) -> str:
    return json.dumps({"log": text + "\n", "stream": "stderr", "time": f"{when:%Y-%m-%dT%H:%M:%S.%f}123Z"})


def cri(when: datetime, text: str) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S.%f}789Z stderr F {text}"


def beat(when: datetime, text: str) -> str:
    return json.dumps({
        "@timestamp": f"{when:%Y-%m-%dT%H:%M:%S.000Z}", "log": {"offset": 91823, "file": {"path": "/var/log/nginx/error.log"}},
        "message": text, "host": {"name": "gw-a.corp.example.org"}, "agent": {"type": "filebeat", "version": "8.14.1"},
    })  # fmt: skip


def grepped(path: str) -> Wrap:
    return lambda when, text: f"{path}:{4000 + when.minute * 60 + when.second}:{text}"


# Who says it.


def nginx(level: str, text: str, pid: int = 30412) -> Wrap:
    def said(when: datetime, number: str) -> str:
        return f"{when:%Y/%m/%d %H:%M:%S} [{level}] {pid}#{pid}: {text.replace('*N', '*' + number)}"

    return said


def starting(text: str) -> Wrap:
    """On standard error, which systemd keeps."""
    return lambda when, number: f"nginx: [emerg] {text}"


def agent(level: str, text: str) -> Wrap:
    quoted = text.replace('"', '\\"')
    return lambda when, number: f'time="{when:%Y-%m-%dT%H:%M:%SZ}" level={level} msg="{quoted}"'


def channel(reason: str) -> Wrap:
    return agent("error", f'Unable to create command channel: rpc error: code = Unavailable desc = connection error: desc = "{reason}"')


def handshake(reason: str) -> Wrap:
    return channel(f"transport: authentication handshake failed: {reason}")


def received(rest: str, port: int = 443) -> Wrap:
    return agent("error", f"Commander Channel Recv: error communicating with nim.corp.example.org:{port}, code={rest}")


def fatal(reason: str) -> Wrap:
    return agent("fatal", f"Failed to load secure metric gRPC dial options: failed to configure tls: {reason}")


def judged(reason: str, client: str = "172.20.4.31") -> Wrap:
    return nginx("info", f"*N {reason} while reading client request headers, {call(client)}")


def call(client: str, service: str = "Commander/CommandChannel") -> str:
    return (
        f'client: {client}, server: nim.corp.example.org, request: "POST /f5.nginx.agent.sdk.{service} HTTP/2.0", '
        'host: "nim.corp.example.org"'
    )


def send_in(host: Patient, front: Wrap, *said: Wrap, times: int = 4) -> Sequence[str]:
    """So many times in the last quarter of an hour."""
    set_up_last_month(host)
    lines = []
    for turn in range(times):
        when = ago(minutes=3.5 * (times - turn))
        lines += [front(when, each(when, str(8800 + 7 * turn))) for each in said]
    host.host.write(LOG, "".join(f"{line}\n" for line in lines))
    return ["--log", LOG]


def fault(name: str, causes: str, front: Wrap, *said: Wrap, ground: str = "mutual", times: int = 4) -> None:
    def make(host: Patient) -> Sequence[str]:
        return send_in(host, front, *said, times=times)

    make.__name__ = "sent_in_" + name
    cases.fault(ground, *causes.split())(make)


GW = syslog("gw-a", "nginx")
WEB = syslog("web-17", "nginx-agent[811]")

# What nginx says of its clients.
fault("no_certificate", "client-cert-missing", GW, judged("client sent no required SSL certificate"))
fault("certificate_of_another_root", "client-cert-wrong-ca", docker,
      judged("client SSL certificate verify error: (19:self-signed certificate in certificate chain)"))
fault("certificate_expired", "client-cert-expired", cri, judged("client SSL certificate verify error: (10:certificate has expired)"))
fault("certificate_not_yet_valid", "client-cert-not-yet-valid", beat,
      judged("client SSL certificate verify error: (9:certificate is not yet valid)"))
fault("certificate_of_a_server", "client-cert-wrong-purpose", rfc5424("gw-b.corp.example.org", "nginx"),
      judged("client SSL certificate verify error: (26:unsuitable certificate purpose)"))
fault("certificate_of_a_server_by_an_older_openssl", "client-cert-wrong-purpose", iso_syslog("gw-b", "nginx"),
      judged("client SSL certificate verify error: (26:unsupported certificate purpose)"))
fault("certificate_revoked", "client-cert-revoked", grepped("/srv/collected/gw-a/error.log"),
      judged("client SSL certificate verify error: (23:certificate revoked)"))
fault("issuer_of_the_issuer", "client-ca-incomplete", iso_syslog("gw-a", "nginx"),
      judged("client SSL certificate verify error: (2:unable to get issuer certificate)"))
fault("first_certificate", "client-chain-incomplete client-cert-wrong-ca", beat,
      judged("client SSL certificate verify error: (21:unable to verify the first certificate)"))
fault("list_of_revoked_has_ended", "crl-expired", docker, judged("client SSL certificate verify error: (12:CRL has expired)"))
fault("no_list_for_an_authority", "crl-missing", GW, judged("client SSL certificate verify error: (3:unable to get certificate CRL)"))
fault("plain_request", "plaintext-to-tls", cri,
      nginx("info", '*N client sent plain HTTP request to HTTPS port while reading client request headers, client: 172.20.9.8, server: nim.corp.example.org, request: "GET /ui/ HTTP/1.1", host: "nim.corp.example.org:443"'))
fault("preface_in_the_clear", "agent-tls-off plaintext-to-tls", GW,
      nginx("info", '*N client sent invalid request while reading client request line, client: 172.20.9.8, server: nim.corp.example.org, request: "PRI * HTTP/2.0"'))
fault("handshake_to_a_plain_port", "tls-to-plaintext", GW,
      nginx("info", '*N client sent invalid method while reading client request line, client: 172.20.9.8, server: nim.corp.example.org, request: "\\x16\\x03\\x01\\x00\\xEE\\x01\\x00\\x00\\xEA\\x03\\x03"'))
fault("no_protocol_in_common", "http2-missing", docker,
      nginx("info", "*N SSL_do_handshake() failed (SSL: error:0A0000EB:SSL routines::no application protocol) while SSL handshaking, client: 172.20.4.40, server: 0.0.0.0:443"))
fault("no_cipher_in_common", "cipher-mismatch", syslog("gw-a", "nginx[30412]"),
      nginx("info", "*N SSL_do_handshake() failed (SSL: error:0A0000C1:SSL routines::no shared cipher) while SSL handshaking, client: 172.20.4.41, server: 0.0.0.0:443"))
fault("old_protocol", "protocol-mismatch", beat,
      nginx("info", "*N SSL_do_handshake() failed (SSL: error:0A000102:SSL routines::unsupported protocol) while SSL handshaking, client: 172.20.4.41, server: 0.0.0.0:443"))
fault("another_name_than_agreed", "sni-mismatch", GW,
      nginx("info", f"*N client attempted to request the server name different from the one that was negotiated while reading client request headers, {call('172.20.4.44')}"))
fault("clients_do_not_trust_it", "server-cert-untrusted", bare,
      nginx("info", "*N SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48) while SSL handshaking, client: 172.20.4.52, server: 0.0.0.0:443"))

# What nginx says of what stands behind it.
BEHIND = call("172.20.4.31")
fault("service_refuses", "upstream-down", GW,
      nginx("error", f'*N connect() to unix:/var/run/nms/am.sock failed (111: Connection refused) while connecting to upstream, {BEHIND[:-28]}upstream: "grpc://unix:/var/run/nms/am.sock:", host: "nim.corp.example.org"'))
fault("no_socket", "upstream-socket-missing", iso_syslog("gw-a", "nginx"),
      nginx("crit", f'*N connect() to unix:/var/run/nms/ingestion.sock failed (2: No such file or directory) while connecting to upstream, {call("172.20.4.33", "MetricsService/Stream")}'))
fault("selinux_and_a_port_behind", "selinux-denied", GW,
      nginx("crit", f'*N connect() to 127.0.0.1:8036 failed (13: Permission denied) while connecting to upstream, {BEHIND}'))
fault("audit_says_denied", "selinux-denied", syslog("gw-rhel9", "kernel"),
      lambda when, number: f'audit: type=1400 audit({when.timestamp():.3f}:{number}): avc:  denied  {{ name_connect }} for  pid=30412 comm="nginx" dest=8036 scontext=system_u:system_r:httpd_t:s0 tcontext=system_u:object_r:unreserved_port_t:s0 tclass=tcp_socket permissive=0')
fault("audit_log_of_a_key", "selinux-denied", bare,
      lambda when, number: f'type=AVC msg=audit({when.timestamp():.3f}:{number}): avc:  denied  {{ read }} for  pid=30390 comm="nginx" name="server.key" dev="dm-0" ino=33619 scontext=system_u:system_r:httpd_t:s0 tcontext=unconfined_u:object_r:user_home_t:s0 tclass=file permissive=0')
fault("behind_speaks_no_tls", "upstream-tls-mismatch", cri,
      nginx("error", f"*N SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream, {BEHIND}"))
fault("behind_is_not_trusted", "upstream-untrusted", docker,
      nginx("error", f"*N upstream SSL certificate verify error: (20:unable to get local issuer certificate) while SSL handshaking to upstream, {BEHIND}"))
fault("behind_has_another_name", "upstream-name-mismatch", beat,
      nginx("error", f'*N upstream SSL certificate does not match "dpm-grpc-service" while SSL handshaking to upstream, {BEHIND}'))
fault("service_of_agents_is_not_found", "grpc-location-missing sni-mismatch", GW,
      nginx("error", f'*N open() "/usr/share/nginx/html/f5.nginx.agent.sdk.Commander/CommandChannel" failed (2: No such file or directory), {BEHIND}'))

# What nginx says when it starts, as systemd has it.
UNIT = syslog("gw-a", "nginx[1877]")
ISO_UNIT = iso_syslog("gw-c", "nginx[1877]")
fault("port_is_taken", "port-taken", UNIT, starting("bind() to 0.0.0.0:443 failed (98: Address already in use)"), starting("still could not bind()"), times=2)
fault("port_may_not_be_had", "selinux-denied", ISO_UNIT, starting("bind() to 0.0.0.0:10443 failed (13: Permission denied)"), times=2)
fault("key_does_not_fit", "key-mismatch", UNIT,
      starting('SSL_CTX_use_PrivateKey("/etc/pki/nim/privkey.pem") failed (SSL: error:05800074:x509 certificate routines::key values mismatch)'), times=2)
fault("key_wants_a_passphrase", "key-encrypted", ISO_UNIT,
      starting('cannot load certificate key "/etc/pki/nim/privkey.pem": PEM_read_bio_PrivateKey() failed (SSL: error:1C800064:Provider routines::bad decrypt error:0480006D:PEM routines::problems getting password)'), times=2)
fault("key_wants_a_passphrase_by_openssl_1", "key-encrypted", UNIT,
      starting('cannot load certificate key "/etc/pki/nim/privkey.pem": PEM_read_bio_PrivateKey() failed (SSL: error:0906406D:PEM routines:PEM_def_callback:problems getting password error:0906A068:PEM routines:PEM_do_header:bad password read)'), times=2)
fault("certificate_is_not_there", "file-missing", UNIT,
      starting('cannot load certificate "/etc/pki/nim/fullchain.pem": BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:calling fopen(/etc/pki/nim/fullchain.pem, r) error:10000080:BIO routines::no such file)'), times=2)
fault("certificate_may_not_be_read", "file-permission selinux-denied", ISO_UNIT,
      starting('cannot load certificate "/etc/pki/nim/fullchain.pem": BIO_new_file() failed (SSL: error:8000000D:system library::Permission denied:calling fopen(/etc/pki/nim/fullchain.pem, r) error:10080002:BIO routines::system lib)'), times=2)
fault("certificate_is_no_pem", "file-not-pem", UNIT,
      starting('cannot load certificate "/etc/pki/nim/nim.pfx": PEM_read_bio_X509_AUX() failed (SSL: error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE)'), times=2)
fault("key_is_too_small", "weak-key", UNIT,
      starting('SSL_CTX_use_certificate("/etc/pki/nim/fullchain.pem") failed (SSL: error:0A00018F:SSL routines::ee key too small)'), times=2)
fault("directive_nobody_knows", "unknown-directive", ISO_UNIT, starting('unknown directive "ssl_verify_clients" in /etc/nginx/conf.d/agents.conf:19'), times=2)
fault("directive_of_plus", "plus-only-directive", UNIT, starting('unknown directive "status_zone" in /etc/nginx/conf.d/gateway.conf:31'), times=2)
fault("directive_stands_twice", "duplicate-directive", UNIT, starting('"ssl_client_certificate" directive is duplicate in /etc/nginx/conf.d/gateway.conf:44'), times=2)
fault("brace_too_many", "syntax", ISO_UNIT, starting('unexpected "}" in /etc/nginx/conf.d/gateway.conf:52'), times=2)
fault("module_cannot_be_opened", "module-missing", UNIT,
      starting('dlopen() "/etc/nginx/modules/ngx_stream_module.so" failed (/etc/nginx/modules/ngx_stream_module.so: cannot open shared object file: No such file or directory) in /etc/nginx/nginx.conf:3'), times=2)
fault("stream_is_not_known", "module-missing", ISO_UNIT, starting('unknown directive "stream" in /etc/nginx/nginx.conf:61'), times=2)
fault("plus_is_not_answered", "usage-report-failing", GW,
      nginx("error", "connect() failed (111: Connection refused) for nim.corp.example.org:443 during usage report"))
fault("plus_does_not_find_the_manager", "usage-report-failing dns-failed", bare,
      nginx("error", "nim.corp.example.org:443 could not be resolved (host not found) during usage report"))

# What the agent says.
fault("agent_knows_no_such_authority", "server-cert-untrusted", WEB,
      handshake("tls: failed to verify certificate: x509: certificate signed by unknown authority"))
fault("agent_calls_another_name", "server-name-mismatch", docker,
      handshake("tls: failed to verify certificate: x509: certificate is valid for manager-server, not nim.corp.example.org"))
fault("agent_calls_an_address", "server-name-mismatch", cri,
      handshake("tls: failed to verify certificate: x509: cannot validate certificate for 192.0.2.44 because it doesn't contain any IP SANs"))
fault("agent_sees_a_common_name", "common-name-only", WEB,
      handshake("tls: failed to verify certificate: x509: certificate relies on legacy Common Name field, use SANs instead"))
fault("agent_sees_an_expired_certificate", "server-cert-expired", iso_syslog("web-17", "nginx-agent[811]"),
      lambda when, number: handshake(f"tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time {when:%Y-%m-%dT%H:%M:%SZ} is after {ago(days=3):%Y-%m-%dT%H:%M:%SZ}")(when, number))
fault("agent_lives_in_the_past", "clock-skew", WEB,
      lambda when, number: handshake(f"tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2021-01-01T00:00:09Z is before {ago(days=40):%Y-%m-%dT%H:%M:%SZ}")(when, number))
fault("agent_sees_a_certificate_for_clients", "server-cert-wrong-purpose", WEB,
      handshake("tls: failed to verify certificate: x509: certificate specifies an incompatible key usage"))
fault("agent_agrees_on_no_protocol", "http2-missing", WEB, handshake("remote error: tls: no application protocol"))
fault("agent_misses_alpn", "alpn-missing", beat,
      handshake("credentials: cannot check peer: missing selected ALPN property. If you upgraded from a grpc-go version earlier than 1.67, your TLS connections may have stopped working due to ALPN enforcement. For more details, see: https://github.com/grpc/grpc-go/issues/434"))
fault("agent_speaks_tls_to_a_plain_port", "tls-to-plaintext", WEB, handshake("tls: first record does not look like a TLS handshake"))
fault("agent_speaks_without_tls", "agent-tls-off plaintext-to-tls", rfc5424("web-17", "nginx-agent"),
      channel("error reading server preface: http2: failed reading the frame payload: http2: frame too large, note that the frame header looked like an HTTP/1.1 header"))
fault("agent_finds_nobody", "port-closed", WEB, channel("transport: Error while dialing: dial tcp 192.0.2.44:8443: connect: connection refused"))
fault("agent_finds_no_address", "dns-failed", docker, channel("transport: Error while dialing: dial tcp: lookup nim01.corp.example.org on 10.9.0.53:53: no such host"))
fault("agent_hears_of_old_protocols", "protocol-mismatch", WEB, handshake("remote error: tls: protocol version not supported"))
fault("agent_hears_bad_gateway", "upstream-down", cri,
      received('Unavailable, message=unexpected HTTP status code received from server: 502 (Bad Gateway); transport: received unexpected content-type "text/html"'))
fault("agent_hears_no_content", "grpc-error-mapping upstream-down", WEB,
      received("Unknown, message=unexpected HTTP status code received from server: 204 (No Content); malformed header: missing HTTP content-type", 10443))
fault("agent_hears_not_found", "grpc-location-missing sni-mismatch", WEB,
      received('Unimplemented, message=unexpected HTTP status code received from server: 404 (Not Found); transport: received unexpected content-type "text/html"'))
fault("agent_hears_unauthenticated", "client-cert-missing", WEB,
      received('Unauthenticated, message=unexpected HTTP status code received from server: 401 (Unauthorized); transport: received unexpected content-type "application/json"'))
fault("agent_has_half_a_pair", "agent-half-pair", WEB, fatal("cert and key must both be provided"))
fault("agent_has_another_key", "key-mismatch", iso_syslog("web-17", "nginx-agent[903]"), fatal("could not load X509 keypair: tls: private key does not match public key"))
fault("agent_finds_no_authority", "file-missing", WEB, fatal("could not read CA file (/opt/agent/tls/root.pem): open /opt/agent/tls/root.pem: no such file or directory"))
fault("agent_may_not_read_its_key", "file-permission", WEB, fatal("could not load X509 keypair: open /opt/agent/tls/web-17.key: permission denied"))
fault("agent_cannot_read_the_authority", "file-not-pem", docker, fatal("could not parse CA cert (/opt/agent/tls/root.der)"))
fault("agent_has_no_server", "agent-server-section", WEB, agent("info", "GRPC clients not created due to missing server config"))
fault("agent_met_a_tab", "agent-yaml", bare,
      agent("fatal", "Unable to load properties from config files (/etc/nginx-agent/nginx-agent.conf, /var/lib/nginx-agent/agent-dynamic.conf) - error in merging: While parsing config: yaml: line 17: found character that cannot start any token"))


# Logs that are well.


def well(name: str, front: Wrap, *said: Wrap, ground: str = "mutual", times: int = 4) -> None:
    def make(host: Patient) -> Sequence[str]:
        return send_in(host, front, *said, times=times)

    make.__name__ = "sent_in_well_" + name
    cases.well(ground)(make)


well("starts_and_reloads", UNIT,
     lambda when, number: 'nginx: [warn] the "listen ... http2" directive is deprecated, use the "http2" directive instead in /etc/nginx/conf.d/nms-http.conf:48',
     lambda when, number: "nginx: configuration file /etc/nginx/nginx.conf test is successful",
     lambda when, number: 'nginx: [warn] "ssl_stapling" ignored, no OCSP responder URL in the certificate "/etc/nginx/shop.crt"')
well("notices_of_reloads", GW,
     nginx("notice", "signal 1 (SIGHUP) received from 1, reconfiguring"), nginx("notice", "gracefully shutting down"),
     nginx("notice", "worker process 30412 exited with code 0"), nginx("notice", "signal 17 (SIGCHLD) received from 30412"))
well("browsers_and_scanners", docker,
     nginx("error", '*N open() "/var/www/nms/expired.pem" failed (2: No such file or directory), client: 203.0.113.50, server: _, request: "GET /expired.pem HTTP/1.1", host: "192.0.2.44"'),
     nginx("error", '*N open() "/var/www/nms/connection refused" failed (2: No such file or directory), client: 203.0.113.50, server: _, request: "GET /connection%20refused HTTP/1.1", host: "192.0.2.44"'),
     nginx("info", "*N client closed connection while waiting for request, client: 203.0.113.50, server: 0.0.0.0:443"),
     nginx("info", "*N peer closed connection in SSL handshake while SSL handshaking, client: 203.0.113.50, server: 0.0.0.0:443"),
     nginx("info", "*N client 203.0.113.50 closed keepalive connection"))
well("agent_at_its_work", WEB,
     agent("info", "NGINX Agent v2.46.7 at 1d2f with pid 811, clientID=e0 name=web-17"),
     agent("warning", "The NGINX API is not configured. Please configure it to collect NGINX metrics."),
     agent("info", "Config apply: nginx -t: [warn] certificate /etc/nginx/shop.crt will be reread; error_log unchanged"),
     agent("info", "OneTimeRegistration completed; TLS enabled, certificate loaded, no error"))
well("other_programs_in_the_same_syslog", bare,
     lambda when, number: f"{when:%b %e %H:%M:%S} gw-a postfix/smtp[3001]: connect to mx.example.net[198.51.100.3]:25: Connection refused",
     lambda when, number: f"{when:%b %e %H:%M:%S} gw-a sshd[3012]: error: kex_exchange_identification: Connection closed by remote host",
     lambda when, number: f"{when:%b %e %H:%M:%S} gw-a dovecot: imap-login: Error: TLS handshaking: certificate has expired: SSL alert number 45",
     lambda when, number: f'{when:%b %e %H:%M:%S} gw-a kernel: audit: type=1400 audit({when.timestamp():.3f}:{number}): apparmor="ALLOWED" operation="open" profile="mariadbd" name="/etc/ssl/server.key"')
well("services_of_the_manager", syslog("gw-a", "nms-dpm[990]"),
     lambda when, number: f'{when:%Y-%m-%dT%H:%M:%S.000Z} [INFO] [990] nms-dpm/am.go:88 agent reconnected after "connection refused" at start',
     lambda when, number: f"{when:%Y-%m-%dT%H:%M:%S.000Z} [WARN] [990] nms-dpm/certs.go:41 certificate shop.example.com on instance web-17 expires in 29 days",
     lambda when, number: f"{when:%Y-%m-%dT%H:%M:%S.000Z} [DEBUG] [990] nms-dpm/tls.go:12 no error: x509 verify ok")


@each_case(cases.faults)
def test_the_cause_comes_first(patient: Patient, case: Case) -> None:
    judge(patient, case)


@each_case(cases.healthy)
def test_logs_that_are_well_tell_no_error(patient: Patient, case: Case) -> None:
    judge(patient, case)
