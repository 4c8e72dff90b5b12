"""A third set of faults, written without a look at the rules of the doctor: certificates, and who gets through.

The rest of the set: test_seeded_third_hosts.py (connections, services, what nginx loads), test_seeded_third_agents.py
(instances, logs from elsewhere) and test_seeded_third_well.py (hosts that are well).
"""

import dataclasses

import certs
from conftest import each_case
from grounds import DOOR, STRANGER, WEB_1
from lab import wait_for
from manager import NAME
from nim1 import Nim1
from nim_tree import CERTS, NMS_HTTP, TRAPS, follow_vendor
from patient import Patient, judge, let_in, refused
from seeded import EACH, Case
from test_dedicated import FILE, OWN
from test_import_ca import LISTED
from test_seeded_held_out import BUNDLE, CRL, NOT_CA, SERVES, revocations, with_chain, with_lists
from third import (
    ASKED,
    DOOR_6,
    below_root,
    calls_in_the_clear,
    in_days,
    listen,
    made_otherwise,
    our_root,
    self_signed,
    third,
    with_ipv6,
)
from tool import AGENTS, SERVER_CERT, SERVER_KEY, STATE

THIRD = third()
fault = THIRD.fault
CHECK = "/etc/nms/nginx/locations/nim-tls-agents.conf"
AUTH = "auth_request /nim-tls/agent-certificate;"
END = "-----END CERTIFICATE-----\n"


# The manager's certificate.


# An agent's words are the same for one that is not valid yet and for a clock that is wrong.
@fault("mutual", "server-cert-expired", "clock-skew")
def server_certificate_begins_next_week(host: Patient) -> None:
    host.serve(host.issue(NAME, "serverAuth", life=(in_days(6), certs.PRESENT[1])))
    host.reload()
    assert "not yet valid" in host.browse().stderr


@fault("mutual", "server-name-mismatch")
def wildcard_is_one_level_too_deep(host: Patient) -> None:
    host.serve(host.issue("wild.example.com", "serverAuth", san=f"DNS:example.com,DNS:*.{NAME}"))
    host.reload()
    assert "no alternative certificate subject name matches" in host.browse().stderr


@fault("dedicated", "server-name-mismatch", only="newer")
def agents_name_fell_off_the_renewed_certificate(host: Patient) -> None:
    host.serve(host.issue(NAME, "serverAuth", san=f"DNS:{NAME},DNS:nim,IP:10.0.0.5"))
    host.reload()
    assert host.browse().stdout == "200"
    assert "mismatch" in refused(host.call(host.agent(sni=OWN))).error


@fault("mutual", "server-chain-incomplete")
def root_was_put_in_the_place_of_the_intermediate(host: Patient) -> None:
    host.serve(host.issue(NAME, "serverAuth", chain=our_root(host).cert))
    host.reload()
    assert "unable to get local issuer" in host.browse().stderr


# The chain that is sent does not lead from the leaf to the root: seen from a client, the same as none.
@fault("mutual", "server-chain-incomplete", "server-cert-untrusted")
def chain_is_that_of_before_the_authority_was_renewed(host: Patient) -> None:
    new, former = (below_root(host, "Issuing 1") for _ in range(2))
    host.serve(certs.issue(host.folder(), new, NAME, "serverAuth", chain=former.cert))
    host.reload()
    assert "unable to get local issuer" in host.browse().stderr


@fault("mutual", "server-cert-expired")
def intermediate_ran_out_before_its_leaf(host: Patient) -> None:
    late = below_root(host, "Issuing 2019", certs.PAST)
    host.serve(certs.issue(host.folder(), late, NAME, "serverAuth", chain=late.cert))
    host.reload()
    assert "certificate has expired" in host.browse().stderr


@fault("mutual", "cert-expiring")
def intermediate_ends_in_five_days(host: Patient) -> None:
    ends = below_root(host, "Issuing 2021", (certs.PRESENT[0], in_days(5)))
    host.serve(certs.issue(host.folder(), ends, NAME, "serverAuth", chain=ends.cert))
    host.reload()
    assert host.browse().stdout == "200"


@fault("mutual", "key-mismatch")
def second_pair_has_the_key_of_another(host: Patient) -> None:
    second = with_chain(host, NOT_CA, SERVES, f"subjectAltName=DNS:{NAME}", kind="rsa")
    wrong = with_chain(host, NOT_CA, SERVES, f"subjectAltName=DNS:{NAME}", kind="rsa")
    host.host.write(f"{CERTS}/server-rsa.crt", second.cert.read_bytes())
    host.host.write(f"{CERTS}/server-rsa.key", wrong.key.read_bytes(), 0o600)
    more = f"    ssl_certificate_key {CERTS}/server-rsa.key;\n    ssl_certificate {CERTS}/server-rsa.crt;\n"
    host.edit(NMS_HTTP, "    ssl_session_timeout ", f"{more}    ssl_session_timeout ")
    host.must_not_load("key values mismatch")


@fault("mutual", "key-encrypted")
def passphrase_of_the_key_is_not_the_one_in_the_file(host: Patient) -> None:
    locked = host.host.run("openssl", "pkey", "-in", SERVER_KEY, "-aes256", "-passout", "pass:spring").stdout
    host.host.path(SERVER_KEY).write_text(locked)
    host.host.write(f"{CERTS}/server.pass", "winter\n", 0o600)
    host.edit(NMS_HTTP, "    ssl_session_timeout ", f"    ssl_password_file {CERTS}/server.pass;\n    ssl_session_timeout ")
    host.must_not_load("PEM_read_bio_PrivateKey")


@fault("mutual", "file-not-pem")
def full_disk_cut_the_certificate(host: Patient) -> None:
    host.host.path(SERVER_CERT).write_text(host.host.read(SERVER_CERT)[:400])
    host.must_not_load("PEM_read_bio_X509")


@fault("mutual", "key-readable-by-others")
def anybody_may_read_the_key_of_the_authority(host: Patient) -> None:
    for folder in (STATE, f"{STATE}/ca"):
        host.host.path(folder).chmod(0o755)
    host.host.path(f"{STATE}/ca/root.key").chmod(0o644)
    host.host.run("setpriv", "--reuid", "65534", "--clear-groups", "cat", f"{STATE}/ca/root.key")


# Agents' certificates.


@fault("dedicated", "client-cert-wrong-ca", only="newer")
def agent_made_a_certificate_for_itself(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    own = self_signed(host, AGENTS[0])
    for _ in range(3):
        refused(host.call(host.carrying(own, sni=OWN)))
    host.logged("(18:self")


# nginx's level is that of every day; the log of agents' calls tells.
@fault("generation-1", "client-cert-expired", only="distribution")
def whole_fleet_ran_out_in_one_night(host: Patient) -> None:
    for name in AGENTS:
        refused(host.call(host.carrying(host.issue(name, "clientAuth", life=certs.PAST))))
    host.logged("FAILED:certificate has expired", log="/var/log/nginx/nginx-manager-grpc-access.log")


@fault("mutual", "weak-key", only="distribution")
def agent_has_a_key_of_1024_bits(host: Patient) -> None:
    host.log_refusals()
    host.reload()
    short = made_otherwise(host, AGENTS[0], NOT_CA, certs.CLIENT, f"subjectAltName=DNS:{AGENTS[0]}", kind="rsa1024")
    pair = [host.host.carry(path, f"short{path.suffix}") for path in (short.cert, short.key)]
    call = f"POST /f5.nginx.agent.sdk.Commander/CommandChannel HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 0\r\n\r\n"
    for _ in range(3):
        host.from_outside(
            "openssl", "s_client", "-quiet", "-cipher", "DEFAULT@SECLEVEL=0", "-connect", f"{DOOR}:443", "-servername", NAME,
            "-bind", f"{WEB_1}:0", "-cert", pair[0], "-cert_chain", pair[0], "-key", pair[1], "-ign_eof",
            stdin=call, check=False,
        )  # fmt: skip
    host.logged("key too weak")


# So deep that no intermediate fits between.
@fault("mutual", "client-ca-incomplete", "client-chain-incomplete")
def depth_leaves_no_room_for_the_intermediate(host: Patient) -> None:
    host.edit(NMS_HTTP, ASKED, f"{ASKED}\n    ssl_verify_depth 0;")
    host.log_refusals()
    host.reload()
    for name in AGENTS:
        refused(host.call(host.agent(name)))
    host.logged("client SSL certificate verify error")


# A newer nginx does not load it.
@fault("mutual", "crl-missing", only="distribution")
def list_of_revoked_is_a_certificate(host: Patient) -> None:
    host.edit(NMS_HTTP, ASKED, f"{ASKED}\n    ssl_crl {BUNDLE};")
    host.log_refusals()
    host.reload()
    refused(host.call(host.agent()))
    host.logged("(3:unable to get certificate CRL)")


@fault("mutual", "crl-expired")
def list_of_revoked_ended_and_nobody_has_called_since(host: Patient) -> None:
    with_lists(host, revocations(host, life=certs.PAST))
    assert "Next Update: Jan  1 00:00:00 2021" in host.host.run("openssl", "crl", "-in", CRL, "-noout", "-text").stdout


@fault("dedicated", "client-cert-revoked", only="newer")
def machine_from_a_backup_carries_what_was_revoked(host: Patient) -> None:
    done = host.tool.run("certs", "revoke", AGENTS[1], "--yes")
    assert done.code == 0, done
    host.log_refusals()
    host.reload()
    for _ in range(4):
        refused(host.call(host.agent(AGENTS[1], sni=OWN)))
    let_in(host.call(host.agent(sni=OWN)))
    host.logged("(23:certificate revoked)")


@fault("imported", "client-not-listed", "drift", only="distribution")
def somebody_took_an_agent_off_the_list(host: Patient) -> None:
    line = next(line for line in host.lines(LISTED) if "db-1" in line)
    host.edit(LISTED, f"{line}\n", "")
    host.reload()
    for _ in range(3):
        refused(host.call(host.agent(AGENTS[1])))
    let_in(host.call(host.agent()))


# Who gets through, and should not.


@fault("mutual", "mtls-not-enforced", "drift")
def check_is_off_in_an_included_file(host: Patient) -> None:
    host.host.write("/etc/nms/nginx/agents-auth.inc", "# Until all agents have theirs.\nauth_request off;\n")
    host.edit(NMS_HTTP, AUTH, "include /etc/nms/nginx/agents-auth.inc;")
    host.reload()
    let_in(host.call(host.stranger()))


@fault("mutual", "mtls-not-enforced", "drift", only=EACH)
def check_says_yes_to_everybody(host: Patient) -> None:
    host.edit(CHECK, "return 401;", "return 204;")
    host.reload()
    let_in(host.call(host.stranger()))


@fault("mutual", "mtls-not-enforced")
def pattern_of_a_colleague_is_looked_at_first(host: Patient) -> None:
    host.host.write(
        "/etc/nms/nginx/locations/50-long-calls.conf",
        "location ~ ^/f5\\.nginx\\.agent\\.sdk\\.Commander/ {\n    grpc_read_timeout 2h;\n"
        "    grpc_pass grpc://dpm-grpc-service;\n}\n",
    )
    host.reload()
    let_in(host.call(host.stranger()))


# Both are true: this server does not ask, and whoever has nothing gets through.
@fault("stock", "mtls-not-asked", "mtls-not-enforced")
def servers_own_line_undoes_that_of_all_servers(host: Patient) -> None:
    host.host.write("/etc/nginx/conf.d/00-mtls.conf", f"ssl_client_certificate {CERTS}/ca.pem;\nssl_verify_client on;\n")
    host.reload()
    let_in(host.call(host.stranger()))


@fault("mutual", "mtls-not-enforced", "drift")
def any_certificate_will_do(host: Patient) -> None:
    host.edit(NMS_HTTP, ASKED, "ssl_verify_client      optional_no_ca;")
    host.edit(CHECK, "if ($ssl_client_verify = SUCCESS) {\n        return 204;\n    }\n    return 401;",
              "if ($ssl_client_verify = NONE) {\n        return 401;\n    }\n    return 204;")  # fmt: skip
    host.reload()
    refused(host.call(host.stranger()))
    let_in(host.call(host.carrying(self_signed(host, "nobody"), source=STRANGER)))


def other_server(host: Patient, where: str, name: str, more: str = "") -> str:
    return (
        f"server {{\n    {listen(host, where, more)}\n    server_name {name};\n"
        f"    ssl_certificate {CERTS}/manager-server.pem;\n    ssl_certificate_key {CERTS}/manager-server.key;\n"
        "    location /f5.nginx.agent.sdk. {\n        grpc_pass grpc://dpm-grpc-service;\n    }\n}\n"
    )


@fault("mutual", "bypass-default-server", "mtls-not-enforced")
def agents_old_name_is_still_served(host: Patient) -> None:
    host.host.write("/etc/nginx/conf.d/zz-before-the-move.conf", other_server(host, "443", "nms-old.example.com"))
    host.reload()
    refused(host.call(host.stranger()))
    let_in(host.call(host.stranger(sni="nms-old.example.com")))


@fault("mutual", "bypass-default-server", "mtls-not-enforced")
def ipv6_leads_to_another_server(host: Patient) -> None:
    with_ipv6(host)
    host.host.write("/etc/nginx/conf.d/zz-six.conf", other_server(host, "[::]:443", "six.example.com", " ipv6only=on"))
    host.reload()
    refused(host.call(host.stranger()))
    let_in(host.call(host.stranger(address=DOOR_6, source=None)))


@fault("stock", "bypass-error-page")
def pages_of_errors_lead_to_the_front_page(host: Patient) -> None:
    follow_vendor(host.host)
    host.edit(NMS_HTTP, "    root /var/www/nms;\n", "    root /var/www/nms;\n" + TRAPS["recursive-error-pages"])
    host.reload()
    let_in(host.call(host.stranger()))


@fault("stock", "bypass-satisfy-any")
def addresses_were_let_in_for_all_sites(host: Patient) -> None:
    follow_vendor(host.host)
    exact = "location = /check-agent-client-cert {\n        error_page 404 /404.json;"
    host.edit(NMS_HTTP, "location /check-agent-client-cert {", exact)
    host.host.write("/etc/nginx/conf.d/00-office.conf", "satisfy any;\nallow 10.0.0.0/8;\ndeny all;\n")
    host.reload()
    let_in(host.call(host.stranger()))


# nginx was replaced while it ran, and the one of before was never told to end.
@fault("mutual", "old-workers-serving", "reload-not-effective", only="distribution")
def nginx_of_before_the_upgrade_still_takes_calls(host: Patient) -> None:
    enforced = host.host.read(NMS_HTTP)
    host.end_nginx()
    # As systemd starts it: one that was started by a name alone cannot start the next.
    host.edit(NMS_HTTP, AUTH, "")
    host.host.run("/usr/sbin/nginx")
    host.host.path(NMS_HTTP).write_text(enforced)
    host.host.run("kill", "-USR2", host.host.read("/run/nginx.pid").strip())
    wait_for(lambda: len(host.host.workers()) == 4, "the workers of both")
    assert any(host.call(host.stranger()).reached for _ in range(9)), "the old one takes no calls"


@fault("mutual", "plaintext-port-exposed", "mtls-not-enforced")
def port_of_the_laboratory_was_forgotten(host: Patient) -> None:
    host.host.write(
        "/etc/nginx/conf.d/zz-lab.conf",
        "server {\n    listen 50051 http2;\n    location / {\n        grpc_pass grpc://dpm-grpc-service;\n    }\n}\n",
    )
    host.reload()
    assert calls_in_the_clear(host, 50051)


# The file is one that is set up here as well.
@fault("generation-1", "plaintext-port-exposed", "drift", only="distribution")
def manager_listens_on_every_address(host: Patient) -> None:
    assert isinstance(host.host, Nim1)
    host.edit("/etc/nginx-manager/nginx-manager.conf", "bind_address: 127.0.0.1", "bind_address: 0.0.0.0")
    host.host.start_services()
    wait_for(lambda: "0.0.0.0" in host.host.listens_on(11000), "the manager")
    assert host.browse("-s", url=f"http://{NAME}:11000/api").stdout == "200"
    assert calls_in_the_clear(host, 10000)


@fault("dedicated", "shared-session-cache", "drift", only="newer")
def agents_share_their_sessions_with_the_pages(host: Patient) -> None:
    host.edit(FILE, "ssl_session_cache off;\n    ssl_session_tickets off;", "ssl_session_cache shared:SSL:10m;")
    host.reload()
    loaded = host.host.run(*host.nginx.argv, "-T").stdout
    assert loaded.count("shared:SSL:10m") == 2


@fault("dedicated", "drift", "bypass-default-server", "mtls-not-enforced", only="newer")
def upgrade_brought_agents_back_to_the_pages(host: Patient) -> None:
    # What the package brings: the services behind the name of the pages, and nobody is asked.
    text = host.host.read(NMS_HTTP)
    calls = host.host.read(FILE).partition("    location /f5")[2].partition("    location @grpc")[0]
    moved = f"    location /f5{calls}".replace(f"        {AUTH}\n", "").replace("        satisfy all;\n", "")
    host.host.path(NMS_HTTP).write_text(text.replace("    location = /modules", f"{moved}    location = /modules"))
    host.reload()
    refused(host.call(host.stranger(sni=OWN)))
    let_in(host.call(host.stranger(sni=NAME)))


# Agents by their old address find the default server, which knows them.
@fault("dedicated", "bypass-default-server", "mtls-not-enforced", only="newer")
def pages_still_hold_the_services_for_callers_by_address(host: Patient) -> None:
    host.host.write(
        "/etc/nms/nginx/locations/by-address.conf",
        "location /f5.nginx.agent.sdk.Commander/ {\n    grpc_pass grpc://dpm-grpc-service;\n}\n",
    )
    host.reload()
    let_in(host.call(dataclasses.replace(host.stranger(), sni=None, authority=DOOR)))


@each_case(THIRD.faults)
def test_the_cause_comes_first(patient: Patient, case: Case) -> None:
    judge(patient, case)
