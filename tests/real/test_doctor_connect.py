"""What `doctor --connect HOST:PORT` says of a manager's port, with each fault made on a real nginx.

What makes these tests red: in src/doctor/connection.rs, a fault that is taken for another one, or for none; in
src/verify/outside.rs, `answered` that takes nginx's words for those of the service; in src/doctor/finding.rs, evidence
in another form; in src/front/diagnosis.rs, `connect` that is always true.
"""

import dataclasses
import re
from pathlib import Path

import certs
import pytest
from conftest import each_build_and, newer_build_and
from manager import NAME, Manager
from nim_tree import PLAIN
from tool import SERVER_CERT, SERVER_KEY, STATE, Done, Tool, answers

SITES = "/etc/nginx/conf.d/sites.conf"
SYSTEM = "/etc/ssl/certs/ca-certificates.crt"
PORT = 9443
SDK = "/f5.nginx.agent.sdk"
LET_IN = f"location {SDK} {{ grpc_pass grpc://dpm-grpc-service; }}"
REQUIRED = "ssl_verify_client on; ssl_client_certificate /mnt/files/trusted.pem;"
FUTURE = ("20400101000000Z", "20410101000000Z")
CLOCK = """
import http.server, sys
class Clock(http.server.BaseHTTPRequestHandler):
    def date_time_string(self, timestamp=None):
        import time
        return super().date_time_string(time.time() + int(sys.argv[1]))
    def do_GET(self):
        self.send_response(200); self.end_headers()
print("ready", flush=True)
http.server.HTTPServer(("127.0.0.1", 9081), Clock).serve_forever()
"""


@dataclasses.dataclass(frozen=True)
class Fault:
    """A server with one fault, and what is found of it: causes in their order. Of warnings alone, the exit code is 0."""

    name: str
    causes: tuple[str, ...]
    seen: str
    cert: str = "good"
    listen: str = "ssl"
    http2: bool = True
    inside: str = REQUIRED + LET_IN
    code: int = 1


FAULTS = [
    Fault("healthy", (), "", code=0),
    Fault("in the clear", ("tls-to-plaintext",), "in the clear", listen=""),
    Fault("expired", ("server-cert-expired",), "expired", cert="expired"),
    Fault("early", ("clock-skew",), "not valid yet", cert="early"),
    Fault("other name", ("server-name-mismatch",), "not for nim.example.com, only for other.example.com", cert="other"),
    Fault("self-signed", ("server-cert-untrusted",), "by CN=self", cert="self"),
    Fault("other authority", ("server-cert-untrusted",), "by CN=foreign", cert="foreign"),
    Fault("common name", ("common-name-only",), "names no host", cert="alone"),
    Fault("a name of mail alone", ("common-name-only",), "not for nim.example.com", cert="nameless"),
    Fault("for clients", ("server-cert-wrong-purpose",), "serverAuth", cert="client"),
    Fault("weak", ("weak-key",), "rsa-1024", cert="weak", code=0,
          inside=REQUIRED + LET_IN + "ssl_ciphers DEFAULT@SECLEVEL=0;"),
    Fault("HTTP/1.1", ("http2-missing",), "http/1.1", http2=False),
    Fault("old TLS", ("protocol-mismatch",), "", inside=LET_IN + "ssl_protocols TLSv1.1; ssl_ciphers ALL@SECLEVEL=0;"),
    Fault("other ciphers", ("cipher-mismatch",), "handshake failure",
          inside=LET_IN + "ssl_protocols TLSv1.2; ssl_ciphers AES128-SHA;"),
    Fault("names refused", ("sni-mismatch",), "unrecognized name", inside="ssl_reject_handshake on;"),
    Fault("not asked", ("mtls-not-asked",), "Commander without a certificate: grpc-status 12", inside=LET_IN, code=0),
    Fault("not enforced", ("mtls-not-enforced",), "MetricsService without a certificate: grpc-status 12",
          inside=REQUIRED.replace("client on", "client optional_no_ca") + LET_IN, code=0),
    Fault("nothing for agents", ("grpc-location-missing",), "HTTP 404", inside="location / { return 404; }"),
    Fault("the same in gRPC", ("grpc-location-missing",), "grpc-status 12",
          inside="location / { include /etc/nms/nginx/errors-grpc.loc_conf; return 404; } "
                 "include /etc/nms/nginx/errors-grpc.server_conf;"),
    Fault("nobody behind", ("upstream-down", "mtls-not-asked"), "HTTP 502",
          inside=f"location {SDK} {{ grpc_pass grpc://unix:/var/run/nms/none.sock; }}"),
    Fault("the same said by gRPC", ("upstream-down", "mtls-not-asked"), "grpc-status 14",
          inside=f"location {SDK} {{ include /etc/nms/nginx/errors-grpc.loc_conf; grpc_pass grpc://unix:/none.sock; }} "
                 "include /etc/nms/nginx/errors-grpc.server_conf;"),
    Fault("an empty answer", ("grpc-error-mapping",), "HTTP 204", inside=f"location {SDK} {{ return 204; }}"),
    Fault("a page", ("grpc-error-mapping",), "HTTP 302", inside=f"location {SDK} {{ return 302 /sign-in; }}"),
]  # fmt: skip


def pairs(folder: Path) -> dict[str, certs.Pair]:
    trusted = certs.authority(folder, "trusted")
    foreign = certs.authority(folder, "foreign")
    name = f"DNS:{NAME}"

    def issue(kind: str, above: certs.Pair = trusted, usage: str = "serverAuth", **more: object) -> certs.Pair:
        return certs.issue(folder, above, kind, usage, **({"san": name} | more))

    made = {
        "good": issue("good"),
        "expired": issue("expired", life=certs.PAST),
        "early": issue("early", life=FUTURE),
        "other": issue("other", san="DNS:other.example.com"),
        "foreign": issue("foreign-leaf", foreign),
        "client": issue("client", usage="clientAuth"),
        "nameless": issue("nameless", san="email:nobody@example.com"),
    }
    for kind, words in {"self": ("-newkey", "rsa:2048"), "weak": ("-newkey", "rsa:1024"), "alone": ("-newkey", "rsa:2048")}.items():
        made[kind] = certs.Pair(folder / f"{kind}.pem", folder / f"{kind}.key")
        above = () if kind == "self" else ("-CA", str(trusted.cert), "-CAkey", str(trusted.key))
        certs.openssl("req", "-x509", *words, "-nodes", "-days", "30", "-subj", f"/CN={kind}", *above,
                      *(("-addext", f"subjectAltName={name}") if kind != "alone" else ()),
                      "-addext", "basicConstraints=critical,CA:FALSE",
                      "-keyout", str(made[kind].key), "-out", str(made[kind].cert))  # fmt: skip
    return made | {"trusted": trusted}


def site(manager: Manager, port: int, fault: Fault) -> str:
    modern = manager.nginx.has_http2_directive
    http2 = fault.http2 and fault.listen == "ssl"
    listen = f"{fault.listen}{' http2' if http2 and not modern else ''}"
    return f"""
server {{
    listen {port} {listen};
    server_name {NAME};
    {"http2 on;" if http2 and modern else ""}
    {f"ssl_certificate /mnt/files/{fault.cert}.pem; ssl_certificate_key /mnt/files/{fault.cert}.key;" if fault.listen else ""}
    {fault.inside if fault.listen else "location / { return 200; }"}
}}
"""


def prepared(manager: Manager) -> None:
    made = pairs(manager.work)
    for kind, pair in made.items():
        manager.carry(pair.cert, f"{kind}.pem")
        manager.carry(pair.key, f"{kind}.key")
    trust(manager, made["trusted"].cert.read_text())


def trust(manager: Manager, pem: str) -> None:
    manager.write(SYSTEM, pem)


def looked(tool: Tool, peer: str, code: int, *options: str) -> tuple[list[dict], str]:
    """Findings that rest on connections, and what was seen in all."""
    done = tool.run("doctor", "--connect", peer, "--format", "json", *options)
    assert done.code == code and "panicked" not in done.err, (peer, done)
    found = done.document
    by_connection = [each for each in found["findings"] if each["id"].startswith("connection-")]
    for finding in by_connection:
        assert all(set(seen) == {"connection", "seen"} for seen in finding["evidence"]), finding
        assert finding["evidence"] and finding["count"] == len(finding["evidence"])
        assert all(peer in seen["connection"] for seen in finding["evidence"]), finding
    (told,) = (each for each in found["sources"] if each["path"] == f"connection to {peer}")
    return by_connection, told["why"]


@each_build_and([PLAIN])
def test_each_fault_is_told_by_its_cause(manager: Manager, tool: Tool) -> None:
    prepared(manager)
    # What the host's own configuration shows is another matter: it is not this machine that is asked about.
    faults = [fault for fault in FAULTS if manager.nginx.version >= (1, 19, 4) or "reject" not in fault.inside]
    manager.write(SITES, "".join(site(manager, PORT + number, fault) for number, fault in enumerate(faults)))
    manager.restart_tree()
    wrong = []
    for number, fault in enumerate(faults):
        done = tool.run("doctor", "--connect", f"{NAME}:{PORT + number}", "--format", "json")
        found = [each for each in done.document["findings"] if each["id"].startswith("connection-")]
        causes = [each["cause"] for each in found]
        seen = [seen["seen"] for each in found for seen in each["evidence"]]
        severe = any(each["severity"] == "error" for each in found)
        told = not fault.seen or any(fault.seen in words for words in seen)
        if causes != [*fault.causes] or severe != bool(fault.code) or not told:
            wrong.append((fault.name, causes, seen))
    assert not wrong, "\n".join(map(str, wrong))
    print(f"faults of a manager's port: {len(faults)} on nginx {manager.nginx.version}")


@newer_build_and([PLAIN])
def test_where_nobody_is_that_is_said(manager: Manager, tool: Tool) -> None:
    for peer, cause in (
        ("nowhere.invalid:443", "dns-failed"),
        (f"{NAME}:9099", "port-closed"),
        ("[::1]:9099", "port-closed"),
        ("192.0.2.1:443", "port-closed"),
    ):
        found, why = looked(tool, peer, 1)
        assert [each["cause"] for each in found] == [cause] and why, (peer, found)
    text = tool.run("doctor", "--connect", f"{NAME}:9099")
    assert text.code == 1 and f"> {NAME}:9099: " in text.out and "(port-closed)" in text.out, text
    for wrong in ("nim", "nim:", ":1", "nim:70000", "https://nim:443", "::1:443", "a b:1"):
        done = tool.run("doctor", "--connect", wrong)
        assert done.code == 2 and "HOST:PORT" in done.err, (wrong, done)
    for more in (("--no-connect",), ("--explain", "drift"), ("--fix", "drift")):
        assert tool.run("doctor", "--connect", "nim:443", *more).code == 2


@newer_build_and([PLAIN])
def test_a_manager_of_ours_is_sound_and_a_chain_that_is_not_whole_is_told(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    found, why = looked(tool, f"{NAME}:443", 0)
    assert found == [] and "trusted" in why and "Commander without a certificate" in why, (found, why)
    leaf = re.search("-----BEGIN.*?-----END CERTIFICATE-----\n", manager.read(SERVER_CERT), re.DOTALL)[0]
    manager.write("/mnt/files/leaf.pem", leaf)
    alone = Fault("leaf alone", ("server-chain-incomplete",), "", cert="leaf",
                  inside=LET_IN + f"ssl_verify_client on; ssl_client_certificate {STATE}/ca/root.crt;")
    manager.write(SITES, site(manager, PORT, alone).replace("/mnt/files/leaf.key", SERVER_KEY))
    manager.restart_tree()
    found, _ = looked(tool, f"{NAME}:{PORT}", 1)
    assert [each["cause"] for each in found] == ["server-chain-incomplete"], found


@newer_build_and([PLAIN])
@pytest.mark.parametrize(("ahead", "words"), [(0, None), (-400, "behind"), (400, "ahead of")])
def test_a_clock_that_differs_is_told(manager: Manager, tool: Tool, ahead: int, words: str | None) -> None:
    prepared(manager)
    manager.write("/mnt/clock.py", CLOCK)
    clock = manager.spawn(*manager.python("upstream.py")[:1], "/mnt/clock.py", str(ahead))
    try:
        assert clock.stdout.readline() == "ready\n"
        there = "location / { proxy_pass http://127.0.0.1:9081; proxy_pass_header Date; }"
        manager.write(SITES, site(manager, PORT, Fault("clock", (), "", inside=LET_IN + there)))
        manager.restart_tree()
        found, _ = looked(tool, f"{NAME}:{PORT}", 0)
        skew = [each["evidence"][0]["seen"] for each in found if each["cause"] == "clock-skew"]
        assert bool(skew) == bool(words) and all(words in seen for seen in skew), found
    finally:
        clock.kill()
        clock.wait()


@newer_build_and([PLAIN])
def test_without_leave_no_connection_is_made(manager: Manager, tool: Tool) -> None:
    """Neither to others nor to this host; programs that are asked are theirs to make some."""
    tool.apply(answers()).must(0, "applied")

    def connections(*options: str) -> list[str]:
        trace = ("strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect", "-o", "/mnt/trace")
        done: Done = tool.run("doctor", *options, before=trace)
        assert done.code == 0, done
        lines = manager.read("/mnt/trace").splitlines()
        return [line for line in lines if "AF_INET" in line and "htons(443)" in line]

    assert connections("--connect", f"{NAME}:443")
    assert connections("--no-connect") == []
