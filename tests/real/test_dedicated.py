"""A server of its own for the agents of NGINX Instance Manager 2, beside the one with the pages."""

import dataclasses
from pathlib import Path

import certs
import pytest
import yaml
from clients import Attempt
from conftest import each_build_and
from instance import BUNDLE, SETTINGS, agent_calls, hand_out, with_agent
from lab import wait_for
from manager import NAME, Manager, both_services
from nim_tree import NMS_HTTP, PLAIN, SHAPES, VENDOR_NAME, Shape
from snapshot import take
from test_gate import issuing_ca
from test_import_ca import carried, corporate, import_answers
from tool import AGENTS, SERVER_CERT, SERVER_KEY, Tool, answers, issued

pytestmark = pytest.mark.alternating

OWN = "agents.example.com"
FILE = "/etc/nginx/conf.d/nim-tls-agents-server.conf"
SHARED = "options: {agent_auth: dedicated-server}\n"
REJECTING = "options: {agent_auth: dedicated-server, unknown_names: reject}\nports: {grpc: 8444}\n"


def dedicated(more: str = SHARED) -> str:
    return answers() + f"agent_name: {OWN}\n" + more


def with_issued(agent: str, port: int = 443) -> Attempt:
    ca, cert, key = (issued(agent, file) for file in ("ca.pem", "agent.crt", "agent.key"))
    return Attempt(sni=OWN, port=port, client="grpcio", ca=ca, cert=cert, key=key)


def strangers(manager: Manager, port: int) -> list[Attempt]:
    foreign_ca = certs.authority(manager.work, "foreign-ca")
    foreign = certs.issue(manager.work, foreign_ca, "foreign", "clientAuth")
    own_ca = issuing_ca(manager)
    expired = certs.issue(manager.work, own_ca, AGENTS[0], "clientAuth", life=certs.PAST, chain=own_ca.cert)
    papers = [
        (None, None),
        *((manager.carry(pair.cert), manager.carry(pair.key)) for pair in (foreign, expired)),
        (SERVER_CERT, SERVER_KEY),
    ]
    wrong = [
        Attempt(sni=OWN, port=port, client=client, ca=issued(AGENTS[0], "ca.pem"), cert=cert, key=key)
        for client in ("grpcio", "h2")
        for cert, key in papers
    ]
    proper = with_issued(AGENTS[0])
    ways = [
        Attempt(port=port, authority=OWN),
        Attempt(port=port, address="10.0.0.5"),
        Attempt(sni="wrong.example.com", port=port),
        Attempt(sni=OWN, port=port, authority=NAME),
        Attempt(sni=NAME, authority=OWN),
        Attempt(sni=NAME),
        Attempt(sni=VENDOR_NAME),
        Attempt(sni=OWN, port=port, client="http1"),
        # The right certificate, by a name of the pages: nobody is served there.
        dataclasses.replace(proper, sni=NAME, client="h2"),
    ]
    return wrong + ways


def fits(shape: Shape) -> bool:
    return shape.release == PLAIN.release


@each_build_and([shape for shape in SHAPES if fits(shape)])
@pytest.mark.parametrize("more", [SHARED, REJECTING], ids=["shared", "rejecting"])
def test_agents_get_through_their_own_server_and_nobody_else(
    manager: Manager, tool: Tool, shape: Shape, more: str
) -> None:
    before = take(manager)
    page = browse(manager)
    done = tool.apply(dedicated(more)).must(0, "applied")
    assert all(row["ok"] is not False for row in done["proof"]), done["proof"]
    port = 8444 if more == REJECTING else 443
    welcome = [each for agent in AGENTS for each in both_services(with_issued(agent, port))]
    refused = [each for attempt in strangers(manager, port) for each in both_services(attempt)]
    outcomes = manager.attempt(welcome + refused)
    wrong = [each for each in outcomes[: len(welcome)] if not each.reached]
    wrong += [each for each in outcomes[len(welcome) :] if each.reached]
    assert not wrong, "\n".join(map(str, wrong))
    # Browsers meet what they met.
    assert browse(manager) == page
    tool.apply().must(0, "unchanged")
    assert tool.run("verify").code == 0
    assert tool.run("agents", "--format", "json").document["enforced"] == "require"
    tool.rollback().must(0, "rolled-back")
    assert take(manager) == before


def browse(manager: Manager) -> list[str]:
    asked = []
    for address in (f"https://{NAME}/", "https://10.0.0.5/", f"https://{NAME}/ui/"):
        told = manager.run("curl", "-sk", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", address, check=False)
        asked.append(told.stdout)
    return asked


@each_build_and([PLAIN])
def test_nobody_is_refused_while_agents_are_observed(manager: Manager, tool: Tool) -> None:
    observed = dedicated(SHARED.replace("server}", "server, enforce: observe}"))
    tool.apply(observed).must(0, "applied")
    nobody = Attempt(sni=OWN, ca=issued(AGENTS[0], "ca.pem"))
    assert all(each.reached for each in manager.attempt(both_services(nobody)))
    known = tool.run("agents", "--format", "json").document
    assert known["enforced"] == "observe"
    tool.apply(dedicated()).must(0, "applied")
    assert not any(each.reached for each in manager.attempt(both_services(nobody)))
    assert all(each.reached for each in manager.attempt(both_services(with_issued(AGENTS[1]))))
    tool.run("certs", "revoke", AGENTS[1], "--yes", "--format", "json").must(0, "applied")
    assert not any(each.reached for each in manager.attempt(both_services(with_issued(AGENTS[1]))))


@each_build_and([PLAIN])
def test_an_upgrade_that_brings_the_locations_back_is_mended_by_applying_again(manager: Manager, tool: Tool) -> None:
    stock, page = manager.read(NMS_HTTP), browse(manager)
    tool.apply(dedicated()).must(0, "applied")
    manager.write(NMS_HTTP, stock)
    manager.restart_tree()
    # As the plan has said: without the word for it, the pages are no longer the default of the port.
    assert browse(manager) != page
    tool.apply().must(0, "applied")
    assert browse(manager) == page
    nobody = Attempt(sni=NAME)
    assert not any(each.reached for each in manager.attempt(both_services(nobody)))
    assert all(each.reached for each in manager.attempt(both_services(with_issued(AGENTS[0]))))


@each_build_and([PLAIN])
def test_an_instance_joins_by_the_answers_that_are_handed_out(manager: Manager, tool: Tool) -> None:
    tool.apply(dedicated()).must(0, "applied")
    with_agent(manager, tool)
    hand_out(manager)
    told = tool.run("certs", "hand-out", AGENTS[0], "--format", "json").document["answers"]
    assert f'agent_name: "{OWN}"\n' in told
    told = told.replace(f"/root/{AGENTS[0]}", BUNDLE)
    done = tool.apply(told + "options: {trust_store: false}\n").must(0, "applied")
    assert all(row["ok"] for row in done["proof"]), done["proof"]
    wait_for(lambda: len(agent_calls(manager)) == 3, "the calls of the agent")
    server = yaml.safe_load(manager.read(SETTINGS))["server"]
    assert (server["host"], server["command"], server["metrics"]) == (NAME, OWN, OWN)


@each_build_and([PLAIN])
def test_the_other_way_of_judging_has_to_be_put_back_first(manager: Manager, tool: Tool) -> None:
    tool.apply(answers()).must(0, "applied")
    refused = tool.apply(dedicated())
    assert refused.code == 1 and "judged in the server with the pages" in refused.err, refused
    tool.rollback().must(0, "rolled-back")
    tool.apply(dedicated()).must(0, "applied")
    for other in (answers(), answers("ssl-termination")):
        refused = tool.apply(other)
        assert refused.code == 1 and "nim-tls rollback" in refused.err, refused


@each_build_and([PLAIN])
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("options: {agent_auth: dedicated-server}\n", "agent_name is missing"),
        (f"agent_name: {NAME}\n{SHARED}", "leads to the pages"),
        (f"agent_name: {OWN}\noptions: {{agent_auth: dedicated-server, unknown_names: reject}}\n", "say another port"),
        ("options: {unknown_names: reject}\n", "needs a port for agents alone"),
        ("options: {unknown_names: nobody}\n", "say ui or reject"),
    ],
)
def test_what_such_a_server_needs_is_said(manager: Manager, tool: Tool, more: str, said: str) -> None:
    before = take(manager)
    refused = tool.apply(answers() + more)
    assert refused.code == 2 and said in refused.err, refused
    assert take(manager) == before
    assert Path(FILE).name not in manager.run("ls", "/etc/nginx/conf.d").stdout


@each_build_and([PLAIN])
def test_of_an_authority_from_elsewhere_only_those_listed_get_through(manager: Manager, tool: Tool) -> None:
    ca = corporate(manager)
    tool.apply(import_answers(text=dedicated())).must(0, "applied")
    assert "ssl_verify_depth 2;" in manager.read(FILE)
    listed = [each for agent in AGENTS for each in both_services(with_issued(agent))]
    nobody = Attempt(sni=OWN, ca=issued(AGENTS[0], "ca.pem"))
    others = [carried(manager, ca, subject, nobody) for subject in ("/CN=printer", f"/CN={AGENTS[0]}/O=Lab")]
    outcomes = manager.attempt([*listed, *others, nobody])
    assert [each.reached for each in outcomes] == [True] * len(listed) + [False] * 3, outcomes
    tool.apply().must(0, "unchanged")
