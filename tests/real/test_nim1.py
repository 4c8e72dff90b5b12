"""NGINX Instance Manager 1 behind nginx: its files are ours, its service is a stand-in (see nim1.py)."""

import dataclasses
import json
from pathlib import Path

import certs
import pytest
import yaml
from clients import Attempt
from instance import PACKAGED_1, agent_calls, hand_out, with_agent
from instance import SETTINGS as AGENT_SETTINGS
from lab import Nginx, wait_for
from manager import NAME, both_services
from nim1 import (
    AGENTS_PORT, CERTS, CONF_D, IN_THE_OPEN, OUTSIDE, PACKAGED, PROPER, SETTINGS, Nim1, nim1_answers, nim1_tool,
    with_issued,
)  # fmt: skip
from snapshot import take
from test_gate import issuing_ca
from tool import AGENTS, Tool, issued
from walk import there_and_back

pytestmark = pytest.mark.alternating

GRPC_LOG = "/var/log/nginx/nginx-manager-grpc-access.log"


@pytest.fixture
def tool(nim1: Nim1, binary: Path) -> Tool:
    return nim1_tool(nim1, binary)


def test_agents_with_a_certificate_get_through_on_a_port_of_their_own(nim1: Nim1, tool: Tool) -> None:
    done = tool.apply(nim1_answers()).must(0, "applied")
    rows = {(row["leg"], row["case"]): row["seen"] for row in done["proof"]}
    assert rows["Commander at 127.0.0.1:10443", "the server's certificate"] == f"trusted, for {NAME}"
    assert all(row["ok"] is not False for row in done["proof"])

    foreign_ca = certs.authority(nim1.work, "foreign-ca")
    foreign = certs.issue(nim1.work, foreign_ca, "foreign", "clientAuth")
    own = issuing_ca(nim1)
    expired = certs.issue(nim1.work, own, AGENTS[0], "clientAuth", life=certs.PAST, chain=own.cert)
    papers = [(nim1.carry(pair.cert), nim1.carry(pair.key)) for pair in (foreign, expired)]
    papers += [(None, None), (f"{CERTS}/nginx-manager.crt", f"{CERTS}/nginx-manager.key")]
    ca = issued(AGENTS[0], "ca.pem")
    strangers = [
        dataclasses.replace(PROPER, client=client, ca=ca, cert=cert, key=key)
        for client in ("grpcio", "h2")
        for cert, key in papers
    ]
    strangers += [
        Attempt(port=AGENTS_PORT, authority=NAME),
        Attempt(port=AGENTS_PORT, address=OUTSIDE),
        Attempt(port=AGENTS_PORT, sni="wrong.example.com"),
        Attempt(port=AGENTS_PORT, sni=NAME, authority="wrong.example.com"),
        Attempt(port=AGENTS_PORT, sni=NAME, client="http1"),
        # The port of browsers knows no services.
        Attempt(sni=NAME),
        dataclasses.replace(with_issued(AGENTS[0]), port=443),
    ]
    welcome = [each for agent in AGENTS for each in both_services(with_issued(agent))]
    refused = [each for attempt in strangers for each in both_services(attempt)]
    outcomes = nim1.attempt(welcome + refused)
    let_in, kept_out = outcomes[: len(welcome)], outcomes[len(welcome) :]
    wrong = [each for each in let_in if not each.reached]
    wrong += [each for each in kept_out if each.reached and each.attempt.port == AGENTS_PORT]
    assert not wrong, "\n".join(map(str, wrong))
    # A client of gRPC is told so in its own words.
    assert {each.told.grpc for each in kept_out if each.attempt.port == AGENTS_PORT and each.told.http == 200} == {16}

    lines = [json.loads(line) for line in nim1.read(GRPC_LOG).splitlines()]
    assert {line["verify"] for line in lines} >= {"SUCCESS", "NONE"}
    assert tool.run("verify").code == 0

    session = nim1.hold("session", dataclasses.replace(with_issued(AGENTS[0]), client="h2"))
    assert session.report()["grpc"] == 12
    tool.run("certs", "revoke", AGENTS[0], "--yes", "--format", "json").must(0, "applied")
    assert session.report()["grpc"] != 12
    outcomes = nim1.attempt([each for agent in AGENTS for each in both_services(with_issued(agent))])
    assert [each.reached for each in outcomes] == [False, False, True, True], outcomes


def test_browsers_get_the_pages_over_tls_and_nothing_else_changes(nim1: Nim1, tool: Tool) -> None:
    nim1.write(
        f"{CONF_D}/other.conf",
        "server {\n    listen 80;\n    server_name other.example.com;\n    return 200 other;\n}\n",
    )
    nim1.restart_tree()
    before = take(nim1)
    tool.apply(nim1_answers("ssl-termination", "options: {redirect_http: true}\n")).must(0, "applied")
    page = nim1.run("curl", "-sS", "-i", "--cacert", issued(AGENTS[0], "ca.pem"), f"https://{NAME}/ui").stdout
    assert '"path": "/ui"' in page
    headers = {line.partition(":")[0].lower() for line in page.splitlines()}
    assert headers >= {"strict-transport-security", "x-frame-options", "x-content-type-options", "referrer-policy"}
    sent_on = nim1.run("curl", "-sS", "-i", f"http://{NAME}/ui").stdout
    assert f"https://{NAME}/ui" in sent_on
    assert nim1.run("curl", "-sS", "http://other.example.com/", "--resolve", "other.example.com:80:127.0.0.1").stdout == "other"
    told = nim1.run("curl", "-sS", "http://127.0.0.1:8080/nginx_status", check=False).stdout
    # One of the builds knows no status page, and the plan has said so.
    assert told.startswith("Active connections") == nim1.has_status_page
    outcomes = nim1.attempt(both_services(dataclasses.replace(PROPER, ca=issued(AGENTS[0], "ca.pem"))))
    assert all(each.reached for each in outcomes), outcomes

    tool.rollback().must(0, "rolled-back")
    assert take(nim1) == before


def test_a_manager_that_was_open_to_everybody_is_moved_behind_nginx(nginx: Nginx, binary: Path) -> None:
    with Nim1(nginx, IN_THE_OPEN) as nim1:
        nim1.start()
        tool = nim1_tool(nim1, binary)
        assert nim1.listens_on(10000) == {"0.0.0.0"}
        done = tool.apply(nim1_answers()).must(0, "applied")
        closed = [row for row in done["proof"] if row["expected"] == "nobody listens"]
        assert {row["leg"].rpartition(" ")[2] for row in closed} >= {f"{OUTSIDE}:10000", f"{OUTSIDE}:11000"}
        assert nim1.listens_on(10000) == nim1.listens_on(11000) == {"127.0.0.1"}
        assert nim1.read(SETTINGS) == IN_THE_OPEN.replace("bind_address: 0.0.0.0", 'bind_address: "127.0.0.1"')

        tool.rollback().must(0, "rolled-back")
        assert nim1.listens_on(10000) == {"0.0.0.0"}
        assert nim1.read(SETTINGS) == IN_THE_OPEN


def test_applying_again_changes_nothing_and_switching_method_leaves_agents_uncut(nim1: Nim1, tool: Tool) -> None:
    tool.apply(nim1_answers()).must(0, "applied")
    tool.apply(nim1_answers()).must(0, "unchanged")
    tool.apply(nim1_answers("ssl-termination")).must(0, "applied")
    outcomes = nim1.attempt(both_services(dataclasses.replace(PROPER, ca=issued(AGENTS[0], "ca.pem"))))
    assert all(each.reached for each in outcomes), outcomes
    tool.apply(nim1_answers()).must(0, "applied")
    assert nim1.read(SETTINGS) == PACKAGED


def native(method: str) -> str:
    return nim1_answers(method).replace("proxy: nginx-oss", "proxy: none")


def test_the_manager_itself_speaks_tls_and_its_key_is_for_its_user_alone(nim1: Nim1, tool: Tool) -> None:
    before = take(nim1)
    done = tool.apply(native("ssl-termination")).must(0, "applied")
    # What nobody can set is told as that.
    assert {row["ok"] for row in done["proof"] if row["case"] == "TLS 1.1"} == {None}
    ca = issued(AGENTS[0], "ca.pem")
    page = nim1.run("curl", "-sS", "--cacert", ca, f"https://{NAME}:11000/ui").stdout
    assert '"path": "/ui"' in page
    at_manager = dataclasses.replace(PROPER, port=10000, ca=ca, client="grpcio")
    assert all(each.reached for each in nim1.attempt(both_services(at_manager)))
    assert nim1.run("stat", "-c", "%a %u:%g", f"{CERTS}/nginx-manager.key").stdout.strip() == "600 0:0"
    tool.apply(native("ssl-termination")).must(0, "unchanged")
    assert tool.run("verify").code == 0
    # From there to nginx before it, and all the way back.
    tool.apply(nim1_answers()).must(0, "applied")
    refused = tool.apply(native("ssl-termination"))
    assert refused.code == 1 and "nginx is before the manager" in refused.err, refused
    assert nim1.listens_on(10000) == {"127.0.0.1"}
    assert all(each.reached for each in nim1.attempt(both_services(with_issued(AGENTS[0]))))
    tool.rollback().must(0, "rolled-back")
    assert all(each.reached for each in nim1.attempt(both_services(at_manager)))
    tool.rollback().must(0, "rolled-back")
    assert take(nim1) == before


def test_native_mtls_is_proven_or_put_back(nim1: Nim1, tool: Tool) -> None:
    """The product's own answer is not known here: both are played by the stand-in."""
    before = take(nim1)
    failed = tool.apply(native("client-mtls")).must(3)
    wrong = [row for row in failed["proof"] if row["ok"] is False]
    assert {row["case"] for row in wrong} >= {"no certificate"}
    assert take(nim1) == before

    nim1.write("/mnt/verifies", "")
    done = tool.apply().must(0, "applied")
    refused = [row for row in done["proof"] if row["expected"] == "refused" and row["leg"].startswith("Commander")]
    assert {row["ok"] for row in refused if not row["case"].startswith("TLS")} <= {True, None}
    outcomes = nim1.attempt([
        dataclasses.replace(with_issued(AGENTS[0]), port=10000),
        dataclasses.replace(PROPER, port=10000, ca=issued(AGENTS[0], "ca.pem")),
    ])  # fmt: skip
    assert [each.reached for each in outcomes] == [True, False]
    # It is in no file whether it does so still: each time it is tried.
    nim1.run("rm", "/mnt/verifies")
    nim1.start_services()
    failed = tool.apply().must(1)
    assert "proof does not hold" in failed["problem"], failed["problem"]


def test_the_inner_leg_is_encrypted_and_nginx_takes_nobody_else_for_the_manager(nim1: Nim1, tool: Tool) -> None:
    before = take(nim1)
    done = tool.apply(nim1_answers(more="options: {backend_tls: true}\n")).must(0, "applied")
    assert all(row["ok"] is not False for row in done["proof"])
    assert "grpcs://" in nim1.read(f"{CONF_D}/nginx-manager-grpc.conf")
    refused = nim1.run("curl", "-sS", "http://127.0.0.1:11000/", check=False)
    assert refused.returncode != 0, refused.stdout
    agent = with_issued(AGENTS[0])
    assert all(each.reached for each in nim1.attempt(both_services(agent)))

    # Somebody else on the manager's ports, with a certificate of another authority.
    other = certs.issue(nim1.work, certs.authority(nim1.work, "other-ca"), NAME, "serverAuth")
    settings = nim1.read(SETTINGS)
    nim1.write("/mnt/other.crt", other.cert.read_bytes())
    nim1.write("/mnt/other.key", other.key.read_bytes())
    nim1.write(SETTINGS, settings.replace(f"{CERTS}/nginx-manager.", "/mnt/other."))
    nim1.start_services()
    outcomes = nim1.attempt(both_services(agent))
    assert not any(each.reached for each in outcomes), outcomes
    page = nim1.run("curl", "-sS", "--cacert", agent.ca, "-o", "/dev/null", "-w", "%{http_code}", f"https://{NAME}/")
    assert page.stdout == "502"

    nim1.write(SETTINGS, settings)
    nim1.start_services()
    tool.rollback().must(0, "rolled-back")
    assert take(nim1) == before


INSTANCE = f"""version: 1
role: instance
generation: nim1
proxy: nginx-oss
method: client-mtls
manager_name: {NAME}
certificates: {{agent: {{bundle: /mnt/web-1}}}}
options: {{trust_store: false}}
"""


def test_an_agent_of_version_1_is_told_in_its_own_form_and_gets_through(nim1: Nim1, tool: Tool) -> None:
    tool.apply(nim1_answers()).must(0, "applied")
    with_agent(nim1, tool, settings=PACKAGED_1, version="1.0.3")
    hand_out(nim1)
    before = take(nim1)
    done = tool.apply(INSTANCE).must(0, "applied")
    assert all(row["ok"] for row in done["proof"]), done["proof"]
    wait_for(lambda: len(agent_calls(nim1)) == 3, "the calls of the agent")
    text = nim1.read(AGENT_SETTINGS)
    assert yaml.safe_load(text)["server"] == f"{NAME}:{AGENTS_PORT}"
    assert yaml.safe_load(text)["tls"] == {
        "enable": True, "ca": f"{CERTS}/agent-ca.pem", "cert": f"{CERTS}/agent.crt", "key": f"{CERTS}/agent.key",
    }  # fmt: skip
    assert all(line in text for line in PACKAGED_1.splitlines() if "#" in line), text
    tool.apply(INSTANCE).must(0, "unchanged")
    assert "role: instance\ngeneration: nim1\n" in tool.run("certs", "hand-out", AGENTS[0], "--format", "json").document[
        "answers"
    ]
    tool.rollback().must(0, "rolled-back")
    assert take(nim1) == before

    # Each version of the agent passes over what is meant for the other.
    for settings, version, generation, said in [
        (PACKAGED_1, "2.46.7", "nim1", "is not of version 1"),
        (PACKAGED_1, "1.0.3", "nim2", "is not of version 2"),
        ("server:\n  host: a\n  grpcPort: 1\n", "1.0.3", "nim1", "in the way of agents of version 2"),
    ]:
        nim1.write(AGENT_SETTINGS, settings)
        nim1.write("/mnt/agent.version", version)
        refused = tool.apply(INSTANCE.replace("nim1", generation))
        assert refused.code == 1 and said in refused.err, refused


def test_a_manager_that_cannot_be_restarted_is_not_left_open_beside_nginx(nginx: Nginx, binary: Path) -> None:
    with Nim1(nginx, IN_THE_OPEN) as nim1:
        nim1.start()
        tool = nim1_tool(nim1, binary)
        # Told right by somebody, and not restarted since.
        nim1.write(SETTINGS, PACKAGED)
        tool.apply(nim1_answers()).must(0, "applied")
        assert nim1.listens_on(10000) == {"127.0.0.1"}
        tool.rollback().must(0, "rolled-back")

        nim1.write(SETTINGS, IN_THE_OPEN)
        nim1.start_services()
        before = take(nim1)
        nim1.run("mv", "/mnt/stand-in/start-manager", "/mnt/stand-in/away")
        refused = tool.apply(nim1_answers())
        assert refused.code == 1 and "no service nginx-manager of systemd" in refused.err, refused
        assert take(nim1) == before


def test_a_manager_that_stays_down_on_the_way_back_is_said(nim1: Nim1, tool: Tool) -> None:
    before = take(nim1)
    tool.apply(native("ssl-termination")).must(0, "applied")
    nim1.write("/mnt/stand-in/start-manager", "#!/bin/sh\nexit 1\n", 0o755)
    done = tool.rollback()
    assert done.code == 4 and "systemctl restart nginx-manager" in done.document["problem"], done
    assert take(nim1) == before


def test_a_manager_of_another_user_can_read_its_key_and_nobody_else(nim1: Nim1, tool: Tool) -> None:
    nim1.write("/mnt/run-as", "65534")
    nim1.start_services()
    tool.apply(nim1_answers()).must(0, "applied")
    tool.apply(nim1_answers(more="options: {backend_tls: true}\n")).must(0, "applied")
    key = nim1.run("stat", "-c", "%a %u:%g", f"{CERTS}/nginx-manager.key").stdout.strip()
    assert key == "640 0:65534"


def test_a_manager_that_is_down_can_read_its_key_once_it_is_started(nim1: Nim1, tool: Tool) -> None:
    nim1.write("/mnt/run-as", "65534")
    nim1.write("/mnt/manager-user", "nobody")
    nim1.run("sh", "-c", "kill -9 $(cat /mnt/manager.pid)")
    wait_for(lambda: down(tool), "the manager is down")
    tool.apply(native("ssl-termination")).must(0, "applied")
    key = nim1.run("stat", "-c", "%a %u:%g", f"{CERTS}/nginx-manager.key").stdout.strip()
    assert key == "640 0:65534"


def down(tool: Tool) -> bool:
    checks = tool.run("check", "--format", "json").document["checks"]
    return any("nginx-manager inactive" in check["detail"] for check in checks)


def test_a_manager_that_nginx_does_not_find_is_no_proof(nim1: Nim1, tool: Tool) -> None:
    """Behind nginx, its services show the certificate of another authority than its pages."""
    nim1.write("/mnt/other-grpc-certificate", "")
    before = take(nim1)
    failed = tool.apply(nim1_answers(more="options: {backend_tls: true}\n")).must(3)
    wrong = {row["case"] for row in failed["proof"] if row["ok"] is False}
    assert "agent, our certificate" in wrong, failed["proof"]
    assert take(nim1) == before


def test_from_cell_to_cell_and_all_the_way_back(nim1: Nim1, tool: Tool) -> None:
    """Methods are changed by other answers. Each cell after each other one is in test_cells_switched.py."""
    more = "options: {backend_tls: true}\n"
    observe = "options: {enforce: observe}\n"
    steps = [
        native("ssl-termination"),
        nim1_answers("ssl-termination"),
        nim1_answers(),
        nim1_answers(more=more),
        nim1_answers(more=observe),
        nim1_answers("ssl-termination", more),
        nim1_answers(),
    ]
    there_and_back(tool, steps, lambda step: agents_are_met_by(nim1, step))


def agents_are_met_by(nim1: Nim1, step: str) -> None:
    """As these answers say, by clients with and without a certificate."""
    outcomes = nim1.attempt(both_services(dataclasses.replace(PROPER, ca=issued(AGENTS[0], "ca.pem"))))
    if "client-mtls" in step and "observe" not in step:
        assert not any(each.reached for each in outcomes), step
        assert all(each.reached for each in nim1.attempt(both_services(with_issued(AGENTS[0])))), step
    elif "proxy: none" not in step:
        assert all(each.reached for each in outcomes), step


def test_whoever_asks_for_another_name_is_hung_up_on(nim1: Nim1, tool: Tool) -> None:
    before = take(nim1)
    tool.apply(nim1_answers()).must(0, "applied")
    usual = with_issued(AGENTS[0])
    elsewhere = [dataclasses.replace(usual, sni=sni, client="h2", ca=None) for sni in ("other.example.com", None)]
    # Without it whoever has a certificate is let in by every name.
    assert all(each.reached for each in nim1.attempt(elsewhere))
    done = tool.apply(nim1_answers(more="options: {unknown_names: reject}\n")).must(0, "applied")
    assert all(row["ok"] is not False for row in done["proof"]), done["proof"]
    outcomes = nim1.attempt([*both_services(usual), *elsewhere])
    assert [each.reached for each in outcomes] == [True, True, False, False], outcomes
    assert tool.run("verify").code == 0
    tool.apply().must(0, "unchanged")
    for more, said in (("grpc_context: stream, ", "needs grpc_context: http"),):
        done = tool.apply(nim1_answers(more=f"options: {{{more}unknown_names: reject}}\n"))
        assert done.code == 2 and said in done.err, done
    done = tool.apply(nim1_answers().replace("nginx-oss", "none") + "options: {unknown_names: reject}\n")
    assert done.code == 2 and "needs a proxy" in done.err, done
    tool.rollback().must(0, "rolled-back")
    tool.rollback().must(0, "rolled-back")
    assert take(nim1) == before
