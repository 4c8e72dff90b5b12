"""Who gets through to the agents' services after `apply`: judged by the services' own call log."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import certs
import pytest
from clients import Attempt
from conftest import each_build_and
from lab import Nginx
from manager import NAME, Manager, both_services
from nim_tree import OLDER, PLAIN, SHAPES, VENDOR_NAME, Shape
from tool import AGENTS, CA_INTERMEDIATE, CA_INTERMEDIATE_KEY, SERVER_CERT, SERVER_KEY, Tool, answers, issued

PROPER = Attempt(sni=NAME)


@each_build_and(SHAPES)
@pytest.mark.alternating
def test_only_issued_certificates_get_through(manager: Manager, tool: Tool, shape: Shape) -> None:
    tool.apply(answers()).must(0, "applied")

    welcome = [each for agent in AGENTS for each in both_services(with_issued(agent))]
    refused = [each for attempt in strangers(manager) for each in both_services(attempt)]
    refused += [each for way in ways_round(shape) for each in both_services(way)]
    outcomes = manager.attempt(welcome + refused)

    let_in, kept_out = outcomes[: len(welcome)], outcomes[len(welcome) :]
    wrong = [each for each in let_in if not each.reached] + [each for each in kept_out if each.reached]
    assert not wrong, "\n".join(map(str, wrong))


def with_issued(agent: str) -> Attempt:
    """What a real agent does: its own certificate, trusting only the root."""
    ca, cert, key = (issued(agent, file) for file in ("ca.pem", "agent.crt", "agent.key"))
    return dataclasses.replace(PROPER, client="grpcio", ca=ca, cert=cert, key=key)


def strangers(
    manager: Manager,
    usual: Attempt = PROPER,
    server: tuple[str, str] = (SERVER_CERT, SERVER_KEY),
    clients: tuple[str, ...] = ("grpcio", "h2"),
) -> list[Attempt]:
    """Clients at the right door with the wrong papers, by two implementations."""
    foreign_ca = certs.authority(manager.work, "foreign-ca")
    foreign = certs.issue(manager.work, foreign_ca, "foreign", "clientAuth")
    own_ca = issuing_ca(manager)
    expired = certs.issue(manager.work, own_ca, AGENTS[0], "clientAuth", life=certs.PAST, chain=own_ca.cert)
    papers = [
        (None, None),
        *((manager.carry(pair.cert), manager.carry(pair.key)) for pair in (foreign, expired)),
        server,
    ]
    return [
        dataclasses.replace(usual, client=client, ca=issued(AGENTS[0], "ca.pem"), cert=cert, key=key)
        for client in clients
        for cert, key in papers
    ]


def issuing_ca(manager: Manager) -> certs.Pair:
    """The CA that the tool made, taken out of its state folder."""
    pair = certs.Pair(manager.work / "intermediate.crt", manager.work / "intermediate.key")
    pair.cert.write_text(manager.read(CA_INTERMEDIATE))
    pair.key.write_text(manager.read(CA_INTERMEDIATE_KEY))
    return pair


def ways_round(shape: Shape) -> list[Attempt]:
    """Clients without a certificate that try other doors."""
    ways = [
        Attempt(authority=NAME),  # no name in the handshake
        Attempt(address="10.0.0.5"),
        Attempt(sni="wrong.example.com"),
        Attempt(sni=VENDOR_NAME),
        Attempt(sni="other.example.com", authority=NAME),
        Attempt(sni=NAME, authority="other.example.com"),
        Attempt(sni=NAME, authority=VENDOR_NAME),
        Attempt(sni=NAME, client="http1"),
        Attempt(authority=NAME, client="http1"),
    ]
    if shape.ipv6:
        ways += [Attempt(address="::1", sni=NAME), Attempt(address="::1")]
    return ways


@each_build_and([PLAIN])
def test_an_expired_certificate_of_our_ca_is_refused_for_its_age_alone(manager: Manager, tool: Tool) -> None:
    # The positive control of the stranger above: the same issuing, with dates that hold, gets through.
    tool.apply(answers()).must(0, "applied")
    own_ca = issuing_ca(manager)
    good = certs.issue(manager.work, own_ca, AGENTS[0], "clientAuth", chain=own_ca.cert)
    known = dataclasses.replace(PROPER, cert=manager.carry(good.cert), key=manager.carry(good.key))
    outcomes = manager.attempt(both_services(known))
    assert all(outcome.reached for outcome in outcomes), "\n".join(map(str, outcomes))


@each_build_and([PLAIN, OLDER])
def test_what_was_open_before_is_dead_after(manager: Manager, tool: Tool) -> None:
    vendor = certs.Pair(manager.work / "vendor-ca.pem", manager.work / "vendor-ca.key")
    nobody = Attempt(sni=VENDOR_NAME, ca=str(vendor.cert))
    stream = manager.hold("stream", nobody)
    without = manager.hold("session", dataclasses.replace(nobody, ca=None))
    # Where the vendor's CA was asked for, this one's session remembers SUCCESS.
    old_agent = certs.issue(manager.work, vendor, "old-agent", "clientAuth")
    paper = dataclasses.replace(nobody, ca=None, cert=str(old_agent.cert), key=str(old_agent.key))
    with_vendors = manager.hold("session", paper)
    held = (stream, without, with_vendors)
    assert stream.report()["flowing"]
    assert without.report()["resumed"] and with_vendors.report()["resumed"], "nothing would be shown"

    tool.apply(answers()).must(0, "applied")

    before = entries(manager)
    assert not stream.report()["flowing"]
    reports = [without.report(), with_vendors.report()]
    assert all(entries(manager)[each.marker] == before[each.marker] for each in held), reports
    assert not manager.old_workers()


@each_build_and([Shape("2.21-other-default-443", release=OLDER.release, other_default=443)])
def test_sessions_are_dead_where_another_site_rules_the_socket(manager: Manager, tool: Tool) -> None:
    vendor = certs.Pair(manager.work / "vendor-ca.pem", manager.work / "vendor-ca.key")
    old_agent = certs.issue(manager.work, vendor, "old-agent", "clientAuth")
    session = manager.hold("session", Attempt(sni=NAME, cert=str(old_agent.cert), key=str(old_agent.key)))
    assert session.report()["resumed"], "nothing would be shown"
    tool.apply(answers()).must(0, "applied")
    before = entries(manager)
    report = session.report()
    assert entries(manager) == before, report


def entries(manager: Manager) -> dict[str, int]:
    """How many lines of the call log each client caused."""
    markers = [call["attempt"] for call in manager.call_log()]
    return {marker: markers.count(marker) for marker in markers}


@each_build_and([PLAIN])
@pytest.mark.parametrize("services", ["stopped", "running"])
def test_rate_limit_and_stopped_services_do_not_disturb_the_proof(
    make_manager: Callable[[Nginx, Shape], Manager], nginx: Nginx, shape: Shape, binary: Path, services: str
) -> None:
    manager = make_manager(nginx, shape)
    if services == "running":
        manager.start_services()
    manager.start_nginx()
    # The limit's bucket is full before the proof begins.
    manager.run("sh", "-c", "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do curl -sko /dev/null https://127.0.0.1/modules; done")
    done = Tool(manager, binary).apply(answers()).must(0, "applied")
    assert done["proof"] and not [row for row in done["proof"] if row["ok"] is False], done["proof"]
