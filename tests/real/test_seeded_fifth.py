"""The ordinary faults of the first year, one at least for each word of the contract, and hosts that are well.

Made for real, on one nginx and the next one in turn, by somebody who had seen none of the doctor's rules.
"""

import time
from pathlib import Path

import certs
import neighbours
import nim_tree
from conftest import each_case
from grounds import DB_1, DOOR, GROUNDS, WEB_1, Ground, generation_1
from instance import CERTS as AGENTS_CERTS
from instance import SETTINGS
from lab import Nginx, wait_for
from manager import NAME
from nim1 import CERTS as CERTS_1
from nim1 import SETTINGS as SETTINGS_1
from nim1 import Nim1, nim1_answers, nim1_tool
from nim_tree import NMS_HTTP, PLAIN
from patient import Patient, judge, let_in, refused
from seeded import Case, Cases
from test_dedicated import FILE as AGENTS_SERVER
from test_dedicated import OWN
from test_import_ca import carried
from third import add_line, ago, below_root, calls_in_the_clear, in_days, made_otherwise, nginx_says, our_root, self_signed
from tool import AGENTS, ANCHOR, CA_ROOT, SERVER_CERT, SERVER_KEY, STATE

MAIN = "/etc/nginx/nginx.conf"
CLIENTS_CA = "/etc/nms/certs/nim-tls-ca.pem"
GRPC_1 = "/etc/nginx/conf.d/nginx-manager-grpc.conf"
STREAM_1 = "/etc/nginx/stream.conf.d/nginx-grpc-stream.conf"
SERVER_SAN = "DNS:nim.example.com,DNS:nim,IP:10.0.0.5"
LEAF, SERVER = "basicConstraints=critical,CA:FALSE", "extendedKeyUsage=serverAuth"
NEW_CALLS = "Unable to create command channel: rpc error: code = Unavailable desc = connection error: desc = "
HANDSHAKE = "transport: authentication handshake failed: "


def native(method: str):  # noqa: ANN201
    """A manager of generation 1 without an nginx before it."""

    class Native(Ground):
        def __init__(self, nginx: Nginx, binary: Path) -> None:
            manager = Nim1(nginx)
            text = nim1_answers(method).replace("proxy: nginx-oss", "proxy: none")
            super().__init__(manager, nim1_tool(manager, binary), text)

        def build(self) -> None:
            if method == "client-mtls":
                self.host.write("/mnt/verifies", "")
            super().build()

        def settle(self) -> None:
            super().settle()
            self.host.start_services()

    return Native


GROUNDS["fifth-1-termination"] = generation_1("ssl-termination")
GROUNDS["fifth-1-backend"] = generation_1("client-mtls", "options: {backend_tls: true}\n")
GROUNDS["fifth-1-native"] = native("ssl-termination")
GROUNDS["fifth-1-native-mutual"] = native("client-mtls")

cases = Cases("fifth", in_turn=("distribution", "newer"))


# Agents' certificates.


def refused_with(host: Patient, attempt: object, *words: str) -> None:
    host.log_refusals()
    host.reload()
    refused(host.call(attempt))
    host.logged(*words)


@cases.fault("mutual", "client-cert-missing")
def agent_was_installed_without_its_certificate(host: Patient) -> None:
    for _ in range(3):
        refused(host.call(host.stranger(source=WEB_1)))


@cases.fault("instance", "client-cert-missing")
def lines_of_the_certificate_are_commented_out(host: Patient) -> None:
    host.edit(SETTINGS, "  cert:", "  # cert:")
    host.edit(SETTINGS, "  key:", "  # key:")
    host.agent_stays_away()
    host.agent_says(
        "error",
        f"Commander Channel Recv: error communicating with {NAME}:443, code=Unauthenticated, message=unauthorized",
    )


@cases.fault("mutual", "client-cert-wrong-ca")
def agent_has_a_certificate_of_the_test_labs_ca(host: Patient) -> None:
    folder = host.folder()
    other = certs.authority(folder, "Staging CA")
    pair = certs.issue(folder, other, AGENTS[0], "clientAuth", chain=other.cert)
    refused_with(host, host.carrying(pair), "client SSL certificate verify error: (19:")


@cases.fault("mutual", "client-cert-wrong-ca")
def agent_signed_its_certificate_itself(host: Patient) -> None:
    refused_with(host, host.carrying(self_signed(host, AGENTS[1])), "client SSL certificate verify error: (18:")


@cases.fault("mutual", "client-cert-expired")
def agents_certificate_ran_out_last_week(host: Patient) -> None:
    pair = host.issue(AGENTS[0], "clientAuth", life=(in_days(-372), in_days(-7)))
    refused_with(host, host.carrying(pair), "(10:certificate has expired)")


@cases.fault("instance", "client-cert-expired")
def own_certificate_of_the_instance_ran_out(host: Patient) -> None:
    pair = host.issue("web-1.example.com", "clientAuth", life=(in_days(-366), in_days(-1)))
    host.host.path(f"{AGENTS_CERTS}/agent.crt").write_bytes(pair.cert.read_bytes())
    host.host.path(f"{AGENTS_CERTS}/agent.key").write_bytes(pair.key.read_bytes())
    host.agent_stays_away()


@cases.fault("mutual", "client-cert-not-yet-valid")
def agents_certificate_begins_next_month(host: Patient) -> None:
    pair = host.issue(AGENTS[0], "clientAuth", life=(in_days(30), in_days(395)))
    refused_with(host, host.carrying(pair), "(9:certificate is not yet valid)")


@cases.fault("generation-1", "client-cert-wrong-purpose")
def agent_was_given_a_server_certificate(host: Patient) -> None:
    pair = host.issue(AGENTS[0], "serverAuth")
    refused_with(host, host.carrying(pair), "(26:")


@cases.fault("mutual", "client-cert-revoked")
def agent_was_revoked_and_still_calls(host: Patient) -> None:
    done = host.tool.run("certs", "revoke", AGENTS[0], "--yes")
    assert done.code == 0, done
    refused_with(host, host.agent(), "(23:certificate revoked)")


@cases.fault("mutual", "client-chain-incomplete")
def agent_of_another_branch_sends_its_leaf_alone(host: Patient) -> None:
    branch = below_root(host, "Branch office CA")
    pair = certs.issue(host.folder(), branch, AGENTS[0], "clientAuth")
    refused_with(host, host.carrying(pair), "(21:unable to verify the first certificate)")


@cases.fault("mutual", "client-ca-incomplete")
def root_was_left_out_of_the_clients_bundle(host: Patient) -> None:
    host.host.path(CLIENTS_CA).write_text(host.host.read(f"{STATE}/ca/intermediate.crt"))
    refused_with(host, host.agent(), "(2:unable to get issuer certificate)")


@cases.fault("imported", "client-not-listed")
def printer_of_the_same_authority_calls(host: Patient) -> None:
    attempt = carried(host.host, host.ground.authority, "/CN=printer-7.example.com", host.stranger(source=DB_1))
    for _ in range(2):
        refused(host.call(attempt))


# Lists of revoked certificates.


def crl(host: Patient, ca: certs.Pair, *life: str) -> str:
    folder = host.folder()
    (folder / "index.txt").touch()
    (folder / "number").write_text("01\n")
    (folder / "crl.cnf").write_text(
        f"[ca]\ndefault_ca=lab\n[lab]\ndatabase={folder}/index.txt\ncrlnumber={folder}/number\ndefault_md=sha256\n"
    )
    out = folder / "crl.pem"
    certs.openssl(
        "ca", "-gencrl", "-config", f"{folder}/crl.cnf", "-cert", str(ca.cert), "-keyfile", str(ca.key),
        "-out", str(out), *(life or ("-crldays", "30")),
    )  # fmt: skip
    return out.read_text()


def with_crl(host: Patient, text: str) -> None:
    host.host.write("/etc/nms/certs/clients.crl", text)
    host.edit(NMS_HTTP, "    ssl_verify_client ", "    ssl_crl /etc/nms/certs/clients.crl;\n    ssl_verify_client ")


@cases.fault("mutual", "crl-expired")
def nobody_renewed_the_revocation_list(host: Patient) -> None:
    short = ("-crlsec", "1")
    with_crl(host, crl(host, host.authority, *short) + crl(host, our_root(host), *short))
    time.sleep(2.2)
    refused_with(host, host.agent(), "(12:CRL has expired)")


@cases.fault("mutual", "crl-missing")
def revocation_list_of_the_root_was_forgotten(host: Patient) -> None:
    with_crl(host, crl(host, host.authority))
    refused_with(host, host.agent(), "(3:unable to get certificate CRL)")


# The manager's certificate.


def serves(host: Patient, pair: certs.Pair) -> None:
    host.serve(pair)
    host.reload()
    assert host.browse().returncode != 0, "a browser trusts it"


@cases.fault("instance", "server-cert-untrusted")
def agent_goes_by_the_authority_of_before(host: Patient) -> None:
    other = certs.authority(host.folder(), "Retired CA")
    host.host.path(f"{AGENTS_CERTS}/agent-ca.pem").write_bytes(other.cert.read_bytes())
    host.agent_stays_away()
    host.agent_says(
        "error",
        f'{NEW_CALLS}"{HANDSHAKE}tls: failed to verify certificate: x509: certificate signed by unknown authority"',
    )


@cases.fault("mutual", "server-cert-expired")
def managers_certificate_ran_out_last_night(host: Patient) -> None:
    serves(host, host.issue(NAME, "serverAuth", san=SERVER_SAN, life=(in_days(-366), in_days(-0.4))))


@cases.fault("mutual", "server-cert-wrong-purpose")
def managers_certificate_was_made_for_a_client(host: Patient) -> None:
    serves(host, host.issue(NAME, "clientAuth", san=SERVER_SAN))


@cases.fault("mutual", "server-name-mismatch")
def managers_certificate_is_that_of_the_old_name(host: Patient) -> None:
    serves(host, host.issue("nim-old.example.com", "serverAuth"))


@cases.fault("instance", "server-name-mismatch")
def agent_calls_the_manager_by_its_address(host: Patient) -> None:
    host.edit(SETTINGS, f'host: "{NAME}"', f"host: {DOOR}")
    host.edit(SETTINGS, f'  metrics: "{NAME}"\n', "")
    host.edit(SETTINGS, f'  command: "{NAME}"\n', "")
    host.agent_stays_away()


@cases.fault("mutual", "server-chain-incomplete")
def managers_certificate_came_without_its_issuer(host: Patient) -> None:
    folder = host.folder()
    serves(host, certs.issue(folder, host.authority, NAME, "serverAuth", san=SERVER_SAN))


@cases.fault("mutual", "common-name-only")
def managers_certificate_has_a_common_name_alone(host: Patient) -> None:
    pair = made_otherwise(host, NAME, LEAF, SERVER, kind="ec")
    assert "Alternative" not in certs.openssl("x509", "-noout", "-text", "-in", str(pair.cert))
    host.serve(pair)
    host.reload()


@cases.fault("mutual", "cert-expiring")
def managers_certificate_ends_on_friday(host: Patient) -> None:
    host.serve(host.issue(NAME, "serverAuth", san=SERVER_SAN, life=(in_days(-360), in_days(5))))
    host.reload()
    assert host.browse().stdout == "200"


# Files of keys and certificates.


@cases.fault("mutual", "key-mismatch")
def key_of_the_last_order_was_installed(host: Patient) -> None:
    host.host.path(SERVER_KEY).write_bytes(host.issue(NAME, "serverAuth", san=SERVER_SAN).key.read_bytes())
    host.must_not_load("key values mismatch")


@cases.fault("instance", "key-mismatch")
def agent_has_the_key_of_another_instance(host: Patient) -> None:
    pair = host.issue("app-9.example.com", "clientAuth")
    host.host.path(f"{AGENTS_CERTS}/agent.key").write_bytes(pair.key.read_bytes())
    host.agent_stays_away()


@cases.fault("mutual", "key-encrypted")
def managers_key_has_a_passphrase(host: Patient) -> None:
    path = host.host.path(SERVER_KEY)
    path.write_text(certs.openssl("pkcs8", "-topk8", "-in", str(path), "-passout", "pass:s3cret-of-the-lab", "-v2", "aes256"))
    host.must_not_load("cannot load certificate key")


@cases.fault("mutual", "key-readable-by-others")
def managers_key_was_copied_with_everybodys_rights(host: Patient) -> None:
    host.host.path(SERVER_KEY).chmod(0o644)


@cases.fault("instance", "key-readable-by-others")
def agents_key_was_copied_with_everybodys_rights(host: Patient) -> None:
    host.host.path(f"{AGENTS_CERTS}/agent.key").chmod(0o664)


@cases.fault("mutual", "weak-key")
def managers_certificate_is_from_an_old_appliance(host: Patient) -> None:
    pair = made_otherwise(host, NAME, LEAF, SERVER, f"subjectAltName={SERVER_SAN}", kind="rsa1024")
    host.serve(pair)
    if host.host.test_config().returncode == 0:
        host.reload()
    else:
        host.must_not_load("key too small")


@cases.fault("mutual", "file-missing")
def certificates_were_tidied_away(host: Patient) -> None:
    host.host.run("mv", CLIENTS_CA, "/root/nim-tls-ca.pem.old" if host.host.path("/root").exists() else "/mnt/old.pem")
    host.must_not_load("No such file or directory")
    host.host.run("rm", "-f", "/root/nim-tls-ca.pem.old", "/mnt/old.pem")


@cases.fault("instance", "file-missing")
def agents_certificate_has_another_name(host: Patient) -> None:
    host.edit(SETTINGS, f"{AGENTS_CERTS}/agent.crt", f"{AGENTS_CERTS}/agent.pem")
    host.agent_stays_away()


@cases.fault("mutual", "file-not-pem")
def certificate_came_as_der(host: Patient) -> None:
    path = host.host.path(SERVER_CERT)
    certs.openssl("x509", "-in", str(path), "-outform", "DER", "-out", str(host.manager.work / "der"))
    path.write_bytes((host.manager.work / "der").read_bytes())
    host.must_not_load("no start line")


@cases.fault("mutual", "file-permission")
def sockets_of_the_services_are_closed_to_nginx(host: Patient) -> None:
    host.host.path("/run/nms/am.sock").chmod(0o600)
    refused(host.call(host.agent()))
    host.logged("(13: Permission denied) while connecting to upstream")


@cases.fault("mutual", "file-permission")
def pages_may_not_be_read_by_nginx(host: Patient) -> None:
    host.host.path("/var/www/nms").chmod(0o700)
    host.host.run("chown", "root:root", "/var/www/nms")
    host.browse()
    host.logged("(13: Permission denied)")


@cases.fault("mutual", "trust-store-ineffective")
def trust_store_was_restored_from_a_backup(host: Patient) -> None:
    bundle = host.host.path("/etc/ssl/certs/ca-certificates.crt")
    root = host.host.read(CA_ROOT).strip()
    assert root in bundle.read_text()
    bundle.write_text(bundle.read_text().replace(root + "\n", ""))
    host.host.run("sh", "-c", "find /etc/ssl/certs -lname '*nim-tls-root*' -delete")
    assert host.host.path(ANCHOR).exists()
    assert host.host.run("openssl", "verify", CA_ROOT, check=False).returncode != 0


# Protocols, ports and names.


@cases.fault("mutual", "http2-missing")
def http2_was_lost_in_an_edit(host: Patient) -> None:
    host.edit(NMS_HTTP, "listen 443 ssl http2;", "listen 443 ssl;")
    host.reload()
    refused(host.call(host.agent()))


@cases.fault("generation-1-stream", "alpn-missing")
def stream_does_not_offer_h2(host: Patient) -> None:
    host.edit(STREAM_1, "    ssl_alpn h2;\n", "")
    host.reload()
    refused(host.call(host.agent()))


@cases.fault("mutual", "plaintext-to-tls")
def monitoring_asks_without_tls(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    for _ in range(3):
        told = host.from_outside("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"http://{DOOR}:443/ui/")
        assert told.stdout == "400", told
    host.logged("client sent plain HTTP request to HTTPS port")


@cases.fault("mutual", "agent-tls-off", "plaintext-to-tls")
def agents_call_in_the_clear(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    assert not calls_in_the_clear(host, 443)


@cases.fault("mutual", "tls-to-plaintext")
def listen_lost_its_ssl(host: Patient) -> None:
    host.edit(NMS_HTTP, "listen 443 ssl http2;", "listen 443;")
    host.reload()
    for _ in range(2):
        refused(host.call(host.agent()))
    host.logged('"\\x16\\x03\\x01', log="/var/log/nginx/access.log")


@cases.fault("mutual", "protocol-mismatch")
def tls_1_3_alone_and_a_client_of_1_2(host: Patient) -> None:
    host.edit(NMS_HTTP, "TLSv1.2 TLSv1.3;", "TLSv1.3;")
    host.log_refusals()
    host.reload()
    for _ in range(2):
        assert host.browse("--cacert", CA_ROOT, "--tls-max", "1.2").returncode != 0
    host.logged("unsupported protocol")


@cases.fault("mutual", "cipher-mismatch")
def rsa_certificate_with_ciphers_of_ecdsa(host: Patient) -> None:
    host.serve(made_otherwise(host, NAME, LEAF, SERVER, f"subjectAltName={SERVER_SAN}", kind="rsa"))
    text = host.host.read(NMS_HTTP)
    line = next(line for line in text.splitlines() if line.strip().startswith("ssl_ciphers"))
    host.edit(NMS_HTTP, line, "    ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256;")
    host.edit(NMS_HTTP, "TLSv1.2 TLSv1.3;", "TLSv1.2;")
    host.log_refusals()
    host.reload()
    refused(host.call(host.agent()))
    host.logged("no shared cipher")


@cases.fault("mutual", "port-taken")
def another_program_took_443_while_nginx_was_down(host: Patient) -> None:
    host.end_nginx()
    host.start("python3", "-m", "http.server", "443")
    wait_for(lambda: ":443" in host.host.run("ss", "-ltnH").stdout, "the other program")
    done = host.host.run(*host.nginx.argv, check=False)
    assert done.returncode != 0, done
    host.logged("bind() to 0.0.0.0:443 failed (98:")


@cases.fault("instance", "port-closed")
def agent_goes_to_a_port_where_nobody_listens(host: Patient) -> None:
    host.edit(SETTINGS, "grpcPort: 443", "grpcPort: 10443")
    host.agent_stays_away()
    host.agent_says("error", f'{NEW_CALLS}"transport: Error while dialing: dial tcp {DOOR}:10443: connect: connection refused"')


@cases.fault("instance", "dns-failed")
def name_of_the_manager_is_misspelt(host: Patient) -> None:
    host.edit(SETTINGS, f'"{NAME}"', '"nim.exmaple.com"')
    host.agent_stays_away()
    host.agent_says("error", f'{NEW_CALLS}"transport: Error while dialing: dial tcp: lookup nim.exmaple.com on 10.1.0.2:53: no such host"')


@cases.fault("rejecting", "sni-mismatch")
def agent_asks_for_the_pages_name_where_that_is_rejected(host: Patient) -> None:
    refused_with(host, host.agent(sni=NAME, port=8444), "handshake rejected")


@cases.fault("dedicated", "sni-mismatch")
def agent_asks_for_the_name_of_the_pages(host: Patient) -> None:
    for _ in range(2):
        refused(host.call(host.agent(sni=NAME)))


# What stands behind.


@cases.fault("mutual", "upstream-down")
def services_were_killed(host: Patient) -> None:
    host.end_services()
    refused(host.call(host.agent()))
    host.logged("(111: Connection refused) while connecting to upstream")


@cases.fault("generation-1", "upstream-down")
def manager_of_generation_1_is_down(host: Patient) -> None:
    host.host.run("sh", "-c", "kill -9 $(cat /mnt/manager.pid)")
    wait_for(lambda: ":10000" not in host.host.run("ss", "-ltnH").stdout, "the end of the manager")
    refused(host.call(host.agent()))
    host.logged("(111: Connection refused) while connecting to upstream")


@cases.fault("mutual", "upstream-socket-missing")
def upstream_names_a_socket_that_is_not_there(host: Patient) -> None:
    host.edit(NMS_HTTP, "server unix:/var/run/nms/am.sock;", "server unix:/var/run/nms/dpm-grpc.sock;")
    host.reload()
    refused(host.call(host.agent()))
    host.logged("(2: No such file or directory) while connecting to upstream")


@cases.fault("generation-1", "upstream-tls-mismatch")
def nginx_speaks_tls_to_a_manager_that_does_not(host: Patient) -> None:
    host.edit(GRPC_1, "grpc_pass grpc://", "grpc_pass grpcs://")
    host.reload()
    refused(host.call(host.agent()))
    host.logged("upstream")


@cases.fault("fifth-1-backend", "upstream-tls-mismatch")
def managers_own_tls_was_switched_off(host: Patient) -> None:
    host.edit(SETTINGS_1, '\ncert: "', '\n# cert: "')
    host.edit(SETTINGS_1, '\nkey: "', '\n# key: "')
    host.host.start_services()
    refused(host.call(host.agent()))
    host.logged("upstream")


@cases.fault("fifth-1-backend", "upstream-name-mismatch")
def nginx_expects_another_name_behind(host: Patient) -> None:
    host.edit(GRPC_1, f"grpc_ssl_name {NAME};", "grpc_ssl_name nginx-manager;")
    host.reload()
    refused(host.call(host.agent()))
    host.logged("upstream SSL certificate does not match")


@cases.fault("fifth-1-backend", "upstream-untrusted")
def nginx_trusts_another_authority_behind(host: Patient) -> None:
    other = certs.authority(host.folder(), "Old backend CA")
    host.host.write(f"{CERTS_1}/backend-ca.pem", other.cert.read_bytes())
    host.edit(GRPC_1, f"grpc_ssl_trusted_certificate {CERTS_1}/ca.pem", f"grpc_ssl_trusted_certificate {CERTS_1}/backend-ca.pem")
    host.reload()
    refused(host.call(host.agent()))
    host.logged("upstream SSL certificate verify error")


@cases.fault("mutual", "grpc-location-missing")
def location_of_commands_is_misspelt(host: Patient) -> None:
    host.edit(NMS_HTTP, "location /f5.nginx.agent.sdk.Commander {", "location /f5.nginx.agent.sdk.Comander {")
    host.reload()
    refused(host.call(host.agent()))


@cases.fault("mutual", "grpc-error-mapping")
def errors_are_told_to_agents_as_204(host: Patient) -> None:
    host.edit("/etc/nms/nginx/errors-grpc.server_conf", "return 200;", "return 204;")
    host.reload()
    (outcome,) = host.manager.attempt([host.agent(address="127.0.0.1", cert=None, key=None)])
    assert refused(outcome).http == 204, outcome


# Whether agents are judged.


@cases.fault("stock", "mtls-not-asked")
def nobody_has_turned_it_on(host: Patient) -> None:
    let_in(host.call(host.stranger()))


@cases.fault("mutual", "mtls-not-asked")
def asking_was_switched_off_for_a_test(host: Patient) -> None:
    host.edit(NMS_HTTP, "ssl_verify_client      optional;", "ssl_verify_client      off;")
    host.reload()
    refused(host.call(host.agent()))


@cases.fault("mutual", "mtls-not-enforced")
def check_was_commented_out_for_a_test(host: Patient) -> None:
    host.edit(NMS_HTTP, "auth_request /nim-tls", "# auth_request /nim-tls")
    host.reload()
    let_in(host.call(host.stranger()))


@cases.fault("stock-2.21", "mtls-not-enforced")
def certificates_are_asked_for_and_nobody_looks(host: Patient) -> None:
    let_in(host.call(host.stranger()))


@cases.fault("stock", "bypass-error-page")
def errors_of_grpc_are_included_for_the_whole_server(host: Patient) -> None:
    nim_tree.follow_vendor(host.host)
    usual = "    error_page 502 /502.json;\n    error_page 401 /401.json;\n    error_page 403 /403.json;\n"
    host.edit(NMS_HTTP, usual, "    include /etc/nms/nginx/errors-grpc.loc_conf;\n")
    host.reload()
    let_in(host.call(host.stranger()))


def agents_server(name: str = OWN, cert: str = "/etc/nms/certs/manager-server", ca: str = "/etc/nms/certs/ca.pem") -> str:
    return (
        f"server {{\n    @LISTEN@\n    server_name {name};\n    ssl_certificate {cert}.pem;\n    ssl_certificate_key {cert}.key;\n"
        f"    ssl_client_certificate {ca};\n    ssl_verify_client on;\n    ssl_session_cache shared:agents:5m;\n"
        "    ssl_protocols TLSv1.2 TLSv1.3;\n    include /etc/nms/nginx/errors-grpc.server_conf;\n"
        + nim_tree.grpc_locations()
        + "\n}\n"
    )


@cases.fault("stock", "bypass-default-server")
def agents_got_a_server_and_the_old_one_kept_their_services(host: Patient) -> None:
    # In the form of the stock listen line, so that both share the port.
    host.host.write("/etc/nginx/conf.d/zz-agents.conf", agents_server().replace("@LISTEN@", "listen 443 ssl http2;"))
    host.reload()
    refused(host.call(host.stranger(sni=OWN)))
    let_in(host.call(host.stranger()))


@cases.fault("dedicated", "bypass-default-server")
def services_came_back_to_the_server_with_the_pages(host: Patient) -> None:
    host.host.write("/etc/nms/nginx/locations/agents.conf", nim_tree.grpc_locations())
    host.reload()
    let_in(host.call(host.stranger()))


@cases.fault("mutual", "bypass-satisfy-any")
def whoever_is_on_the_network_is_let_in(host: Patient) -> None:
    host.edit(NMS_HTTP, "satisfy all;", "satisfy any;\n        allow 10.20.0.0/24;\n        deny all;")
    host.reload()
    let_in(host.call(host.stranger()))


@cases.fault("stock", "old-workers-serving")
def stream_of_before_goes_on(host: Patient) -> None:
    held = host.manager.hold("stream", host.stranger(client="grpcio", ca="/etc/nms/certs/ca.pem", sni="manager-server", source=None))
    wait_for(lambda: held.report()["flowing"], "the stream")
    nim_tree.follow_vendor(host.host)
    host.reload()
    refused(host.call(host.stranger()))
    assert held.report()["flowing"] and host.host.old_workers()


@cases.fault("mutual", "reload-not-effective")
def certificate_was_renewed_and_nginx_not_told(host: Patient) -> None:
    host.serve(host.issue(NAME, "serverAuth", san=SERVER_SAN, life=(in_days(-1), in_days(364))))


@cases.fault("mutual", "logging-off")
def logs_were_switched_off_to_save_space(host: Patient) -> None:
    host.edit(MAIN, "error_log /var/log/nginx/error.log;", "error_log /dev/null crit;")
    host.edit(MAIN, "access_log /var/log/nginx/access.log;", "access_log off;")
    host.reload()


@cases.fault("mutual", "log-level-hides")
def agents_are_refused_and_no_line_says_why(host: Patient) -> None:
    pair = host.issue(AGENTS[0], "clientAuth", life=certs.PAST)
    for _ in range(3):
        assert refused(host.call(host.carrying(pair))).http == 400


@cases.fault("mutual", "plaintext-port-exposed")
def old_agents_got_a_port_without_tls(host: Patient) -> None:
    http2 = "listen 8080;\n    http2 on;" if host.nginx.has_http2_directive else "listen 8080 http2;"
    host.host.write(
        "/etc/nginx/conf.d/legacy-agents.conf",
        f"server {{\n    {http2}\n    location /f5.nginx.agent.sdk. {{\n        grpc_pass grpc://dpm-grpc-service;\n    }}\n}}\n",
    )
    host.reload()
    assert calls_in_the_clear(host, 8080)


@cases.fault("generation-1", "plaintext-port-exposed")
def managers_own_ports_are_open_to_everybody(host: Patient) -> None:
    host.edit(SETTINGS_1, "bind_address: 127.0.0.1", "bind_address: 0.0.0.0")
    host.host.start_services()
    assert calls_in_the_clear(host, 10000)


@cases.fault("dedicated", "shared-session-cache")
def both_servers_share_their_sessions(host: Patient) -> None:
    host.edit(AGENTS_SERVER, "    ssl_session_cache off;\n    ssl_session_tickets off;\n", "    ssl_session_cache shared:SSL:10m;\n")
    host.reload()


@cases.fault("mutual", "drift")
def upgrade_put_its_own_file_back(host: Patient) -> None:
    host.host.path(NMS_HTTP).write_text(nim_tree.nms_http(PLAIN))
    host.reload()
    let_in(host.call(host.stranger()))


# Configurations that do not load.


@cases.fault("mutual", "unknown-directive", only="distribution")
def http2_on_came_from_a_newer_page(host: Patient) -> None:
    host.edit(NMS_HTTP, "listen 443 ssl http2;", "listen 443 ssl;\n    http2 on;")
    host.must_not_load('unknown directive "http2"')


@cases.fault("mutual", "unknown-directive", only="newer")
def ssl_on_came_from_an_older_page(host: Patient) -> None:
    host.edit(NMS_HTTP, "    server_name _;", "    ssl on;\n    server_name _;")
    host.must_not_load('unknown directive "ssl"')


@cases.fault("mutual", "plus-only-directive")
def health_check_on_open_source(host: Patient) -> None:
    host.edit(NMS_HTTP, "        grpc_pass grpc://dpm-grpc-service;", "        health_check interval=10;\n        grpc_pass grpc://dpm-grpc-service;")
    host.must_not_load('unknown directive "health_check"')


@cases.fault("mutual", "duplicate-directive")
def line_was_pasted_twice(host: Patient) -> None:
    host.edit(NMS_HTTP, "    ssl_verify_client      optional;\n", "    ssl_verify_client      optional;\n    ssl_verify_client      on;\n")
    host.must_not_load("directive is duplicate")


@cases.fault("mutual", "syntax")
def semicolon_was_lost(host: Patient) -> None:
    host.edit(NMS_HTTP, "    keepalive_timeout 75s;", "    keepalive_timeout 75s")
    host.must_not_load("invalid number of arguments", "is not terminated", "unexpected")


@cases.fault("mutual", "syntax")
def brace_was_lost(host: Patient) -> None:
    path = host.host.path(NMS_HTTP)
    path.write_text(path.read_text().rstrip().removesuffix("}"))
    host.must_not_load("unexpected end of file")


@cases.fault("generation-1-stream", "module-missing", only="distribution")
def module_of_streams_was_disabled(host: Patient) -> None:
    host.host.run("rm", "/etc/nginx/modules-enabled/50-mod-stream.conf")
    host.must_not_load('unknown directive "stream"')


@cases.fault("mutual", "module-missing", only="distribution")
def module_of_njs_is_not_installed(host: Patient) -> None:
    path = host.host.path(MAIN)
    path.write_text("load_module modules/ngx_http_js_module.so;\n" + path.read_text())
    host.must_not_load("dlopen()")


# The agent's settings.


@cases.fault("instance", "agent-tls-off")
def tls_was_left_off(host: Patient) -> None:
    host.edit(SETTINGS, "  enable: true", "  enable: false")
    host.agent_stays_away()
    host.agent_says(
        "error",
        f'{NEW_CALLS}"error reading server preface: http2: failed reading the frame payload: http2: frame too large, '
        'note that the frame header looked like an HTTP/1.1 header"',
    )


@cases.fault("instance", "agent-skip-verify")
def verification_was_skipped_for_a_test(host: Patient) -> None:
    host.edit(SETTINGS, "  skip_verify: false", "  skip_verify: true")
    host.agent_gets_through()


@cases.fault("instance", "agent-server-section")
def server_is_written_as_for_version_1(host: Patient) -> None:
    text = host.host.read(SETTINGS)
    start, end = text.index("server:\n"), text.index("tls:\n")
    host.host.path(SETTINGS).write_text(text[:start] + f"server: {NAME}:443\n" + text[end:])
    host.agent_stays_away()
    host.agent_says("info", "GRPC clients not created due to missing server config")


@cases.fault("instance", "agent-server-section")
def port_was_forgotten(host: Patient) -> None:
    host.edit(SETTINGS, "  grpcPort: 443\n", "")
    host.agent_stays_away()


@cases.fault("instance", "agent-half-pair")
def key_was_forgotten(host: Patient) -> None:
    host.edit(SETTINGS, f'  key: "{AGENTS_CERTS}/agent.key"\n', "")
    host.agent_stays_away()


@cases.fault("instance", "agent-yaml")
def settings_are_indented_by_a_tab(host: Patient) -> None:
    host.edit(SETTINGS, "  ca: ", "\tca: ")
    host.agent_stays_away()


@cases.fault("instance", "agent-version")
def agent_was_upgraded_to_version_3(host: Patient) -> None:
    host.host.write("/mnt/agent.version", "3.6.1")
    host.ground.restart_agent()


# Usage reports.


@cases.fault("plus", "usage-report-unverified", only="distribution")
def reports_go_to_whoever_answers(host: Patient) -> None:
    host.edit(MAIN, "ssl_verify on;", "ssl_verify off;")
    host.reload()


@cases.fault("plus", "usage-report-failing", only="distribution")
def reports_do_not_arrive(host: Patient) -> None:
    for minutes in (41, 21, 1):
        add_line(host, "/var/log/nginx/error.log", nginx_says(ago(minutes=minutes), "error", f"server returned 401 for {NAME}:443 during usage report"))


# Hosts that are well. Those without a body are as they were set up.


def each_ground() -> None:
    for ground in (
        "stock", "mutual", "termination", "mutual-ipv6", "dedicated", "rejecting", "observe", "imported",
        "generation-1", "generation-1-stream", "fifth-1-termination", "fifth-1-backend", "fifth-1-native",
        "fifth-1-native-mutual", "instance",
    ):  # fmt: skip
        for build in ("distribution", "newer"):

            def make(host: Patient) -> None:
                """As it was set up, and used."""

            make.__name__ = "as_set_up_" + ground.replace("-", "_").replace(".", "_")
            cases.well(ground, only=build)(make)


each_ground()


@cases.well("plus", only="distribution")
def plus_reports_and_is_well(host: Patient) -> None:
    pass


@cases.well("mutual")
def agents_come_and_go(host: Patient) -> None:
    for name in AGENTS:
        let_in(host.call(host.agent(name)))
        let_in(host.call(host.agent(name, service="MetricsService")))
    assert host.browse().stdout == "200"


@cases.well("mutual")
def other_ciphers_chosen_by_hand(host: Patient) -> None:
    text = host.host.read(NMS_HTTP)
    line = next(line for line in text.splitlines() if line.strip().startswith("ssl_ciphers"))
    host.edit(NMS_HTTP, line, '    ssl_ciphers "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL";\n    ssl_prefer_server_ciphers on;\n    ssl_ecdh_curve X25519:prime256v1;')
    host.edit(NMS_HTTP, "client_max_body_size 50M;", "client_max_body_size 120M; # large bundles, ticket 4711")
    host.reload()
    let_in(host.call(host.agent()))


@cases.well("mutual")
def certificate_lies_elsewhere_under_another_name(host: Patient) -> None:
    host.host.run("mkdir", "-p", "/etc/pki/nim")
    host.host.run("cp", "-p", SERVER_CERT, "/etc/pki/nim/fullchain.pem")
    host.host.run("cp", "-p", SERVER_KEY, "/etc/pki/nim/privkey.pem")
    host.host.run("cp", "-p", CLIENTS_CA, "/etc/pki/nim/agents-ca.crt")
    host.edit(NMS_HTTP, SERVER_CERT, "/etc/pki/nim/fullchain.pem")
    host.edit(NMS_HTTP, SERVER_KEY, "/etc/pki/nim/privkey.pem")
    host.edit(NMS_HTTP, CLIENTS_CA, "/etc/pki/nim/agents-ca.crt")
    host.reload()
    let_in(host.call(host.agent()))
    refused(host.manager.attempt([host.agent(address="127.0.0.1", cert=None, key=None)])[0])


@cases.well("mutual")
@cases.well("mutual")
def shop_lives_beside_it(host: Patient) -> None:
    neighbours.move_in(host.manager)
    let_in(host.call(host.agent()))
    assert "made behind" in neighbours.ask(host.manager, "https://shop.example.com/a", "--cacert", neighbours.CA)


@cases.well("generation-1")
@cases.well("generation-1")
def shop_lives_beside_generation_1(host: Patient) -> None:
    neighbours.move_in(host.manager)
    let_in(host.call(host.agent()))


@cases.well("mutual")
def own_error_page(host: Patient) -> None:
    host.host.write("/var/www/nms/oops.html", "<h1>We are looking into it</h1>\n")
    host.edit(
        NMS_HTTP,
        "    error_page 502 /502.json;",
        "    error_page 404 /oops.html;\n    error_page 500 503 504 /oops.html;\n    location = /oops.html {\n        internal;\n    }\n    error_page 502 /502.json;",
    )
    host.reload()
    assert host.browse(url=f"https://{NAME}/nowhere").stdout == "404"
    let_in(host.call(host.agent()))


BY_HAND = "/etc/nms/certs/by-hand"


@cases.well("stock")
@cases.well("stock")
def mutual_tls_was_built_by_hand_and_well(host: Patient) -> None:
    """A server of their own for agents, which asks for certificates, and nothing of theirs elsewhere."""
    folder = host.folder()
    ca = certs.authority(folder, "Our own CA")
    server = certs.issue(folder, ca, NAME, "serverAuth", san=f"DNS:{NAME},DNS:{OWN},DNS:nim", life=(in_days(-20), in_days(345)))
    agent = certs.issue(folder, ca, AGENTS[0], "clientAuth", life=(in_days(-20), in_days(345)))
    host.host.write(f"{BY_HAND}.pem", server.cert.read_bytes())
    host.host.write(f"{BY_HAND}.key", server.key.read_bytes(), 0o600)
    host.host.write("/etc/nms/certs/by-hand-ca.pem", ca.cert.read_bytes())
    text = host.host.read(NMS_HTTP).replace(nim_tree.grpc_locations() + "\n", "")
    text = text.replace("/etc/nms/certs/manager-server", BY_HAND).replace("listen 443 ssl http2;", "listen 443 ssl http2 default_server;")
    host.host.path(NMS_HTTP).write_text(text)
    own = agents_server(cert=BY_HAND, ca="/etc/nms/certs/by-hand-ca.pem").replace("@LISTEN@", "listen 443 ssl http2;")
    host.host.write("/etc/nginx/conf.d/zz-agents.conf", own)
    host.reload()
    let_in(host.call(host.carrying(agent, sni=OWN, ca=None)))
    refused(host.manager.attempt([host.stranger(address="127.0.0.1", sni=OWN)])[0])
    refused(host.manager.attempt([host.stranger(address="127.0.0.1")])[0])


@cases.well("mutual")
def balancer_looks_after_it(host: Patient) -> None:
    lines = []
    for seconds in range(900, 0, -5):
        when = f"{ago(seconds=seconds):%d/%b/%Y:%H:%M:%S +0000}"
        lines.append(f'10.20.0.2 - - [{when}] "GET /api/liveness/core HTTP/1.1" 200 42 "-" "ELB-HealthChecker/2.0"')
        lines.append(f'10.20.0.3 - - [{when}] "HEAD / HTTP/1.0" 302 0 "-" "-"')
        lines.append(f'10.20.0.3 - - [{when}] "" 400 0 "-" "-"')
    add_line(host, "/var/log/nginx/access.log", *lines)
    # And one that connects and hangs up.
    host.from_outside("python3", "-c", f"import socket\nfor _ in range(5): socket.create_connection(('{DOOR}', 443)).close()")
    host.from_outside("curl", "-sk", "-o", "/dev/null", "--connect-to", f"::{DOOR}:", f"https://{NAME}/api/liveness/dpm")


@cases.well("mutual")
def balancer_is_seen_at_the_level_info(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    host.from_outside("python3", "-c", f"import socket\nfor _ in range(5): socket.create_connection(('{DOOR}', 443)).close()")
    let_in(host.call(host.agent()))


@cases.well("mutual")
def error_log_is_full_of_harmless_warnings(host: Patient) -> None:
    tail = f'client: 198.51.100.23, server: _, request: "GET /api/platform/v1/systems HTTP/2.0", host: "{NAME}"'
    said = [
        ("warn", "*311 a client request body is buffered to a temporary file /var/lib/nginx/body/0000000017, " + tail),
        ("warn", "*315 an upstream response is buffered to a temporary file /var/lib/nginx/proxy/4/00/0000000004 while reading upstream, " + tail),
        ("warn", 'conflicting server name "shop.example.com" on 0.0.0.0:443, ignored'),
        ("warn", '"ssl_stapling" ignored, no OCSP responder URL in the certificate "/etc/nginx/shop.crt"'),
        ("warn", "could not build optimal proxy_headers_hash, you should increase either proxy_headers_hash_max_size: 512"),
        ("error", f'*320 open() "/var/www/nms/favicon.ico" failed (2: No such file or directory), client: 198.51.100.23, server: _, request: "GET /favicon.ico HTTP/2.0", host: "{NAME}"'),
        ("error", f'*321 open() "/var/www/nms/wp-login.php" failed (2: No such file or directory), client: 203.0.113.99, server: _, request: "GET /wp-login.php HTTP/1.1", host: "{NAME}"'),
        ("error", f'*322 limiting requests, excess: 20.340 by zone "nms-ratelimit", client: 198.51.100.24, server: _, request: "GET /api/platform/v1/systems HTTP/2.0", host: "{NAME}"'),
        ("error", f'*322 client intended to send too large body: 62914560 bytes, client: 198.51.100.24, server: _, request: "POST /api/x HTTP/1.1", host: "{NAME}"'),
        ("notice", "signal process started"),
        ("crit", "*330 SSL_do_handshake() failed (SSL: error:0A00006C:SSL routines::bad key share) while SSL handshaking, client: 203.0.113.99, server: 0.0.0.0:443"),
        ("crit", "*331 SSL_do_handshake() failed (SSL: error:141CF06C:SSL routines:tls_parse_ctos_key_share:bad key share) while SSL handshaking, client: 203.0.113.7, server: 0.0.0.0:443"),
    ]
    add_line(host, "/var/log/nginx/error.log", *(nginx_says(ago(seconds=300 - 20 * at), *each) for at, each in enumerate(said)))


@cases.well("instance")
@cases.well("instance")
def agent_had_a_bad_night_and_is_well(host: Patient) -> None:
    log = host.host.path("/var/log/nginx-agent/agent.log")
    log.parent.mkdir(exist_ok=True)
    lines = []
    for minutes in range(600, 540, -1):
        lines.append((minutes, "error", f'{NEW_CALLS}"transport: Error while dialing: dial tcp {DOOR}:443: connect: connection refused"'))
    for minutes in range(240, 0, -4):
        lines.append((minutes, "info", "NGINX status: 1 master, 2 workers; 0 certificates expired, config valid"))
        lines.append((minutes, "warning", "The NGINX API is not configured. Please configure it to collect NGINX metrics."))
    add_line(host, str(Path("/var/log/nginx-agent/agent.log")), *(f'time="{ago(minutes=m):%Y-%m-%dT%H:%M:%SZ}" level={level} msg="{text.replace(chr(34), chr(92) + chr(34))}"' for m, level, text in lines))
    log.chmod(0o600)
    host.agent_gets_through()


@each_case(cases.faults)
def test_the_cause_comes_first(patient: Patient, case: Case) -> None:
    judge(patient, case)


@each_case(cases.healthy)
def test_a_host_that_is_well_has_no_error(patient: Patient, case: Case) -> None:
    judge(patient, case)
