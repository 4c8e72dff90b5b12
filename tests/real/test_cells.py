"""Every cell of the table, with both generations of the manager and both of nginx, on a host of its own and on one with
other sites: what is applied is proven by the program, asked again by `verify`, and tried by clients that know nothing of
it. Hosts where another method is in force are in test_cells_switched.py, cells of NGINX Plus in test_cells_plus.py.

Cells are proven, judged (and it is said by whom), or refused; the end of a run counts each kind by itself.

What makes them red: in src/method.rs a cell that is offered and was not, or the reverse (`not_applicable`); in
src/plan/nim1/proxied.rs the other site that is no longer made the default of its port; in src/verify/prove.rs a
question that is not asked; in src/plan/nim1/texts.rs or src/plan/check.rs agents who are not asked for a certificate.
"""

import functools
from collections.abc import Callable
from pathlib import Path

import neighbours
import pytest
from cells import CELLS, LIVE, REFUSED, Cell, STAND_IN, host, plan_hash, play, say, side_by_side
from clients import Attempt
from lab import EXTRA_ADDRESS, Nginx
from manager import NAME, Manager, both_services
from snapshot import differences, take
from test_gate import strangers
from test_import_ca import HOSTILE, corporate, import_answers, let_in, refused_everywhere
from test_import_ca import strangers as strangers_of
from tool import AGENTS, Tool, issued

pytestmark = pytest.mark.alternating

by_name = functools.partial(pytest.mark.parametrize, "cell", ids=str)


def test_the_table_of_these_tests_is_that_of_the_program(nginx: Nginx, binary: Path) -> None:
    with host("nim2", nginx, binary) as (_, tool):
        told = tool.run("methods", "--format", "json").must(0)["cells"]
    offered = {(cell["generation"], cell["method"], cell["proxy"]): cell["offered"] for cell in told}
    assert len(told) == 18
    assert offered == {(cell.generation, cell.method, cell.proxy): cell.shown != "refused" for cell in CELLS}
    reasons = {(cell["generation"], cell["method"], cell["proxy"]): cell["reason"] for cell in told}
    for cell in REFUSED:
        assert cell.by in reasons[cell.generation, cell.method, cell.proxy]
    assert all(cell.by for cell in CELLS if cell.shown != "proven"), "who judges it, or why it is refused, is said"


@pytest.mark.parametrize("generation", ["nim1", "nim2"])
def test_a_cell_that_is_not_offered_is_refused_with_its_reason(nginx: Nginx, binary: Path, generation: str) -> None:
    with host(generation, nginx, binary) as (manager, tool):
        before = take(manager)
        for cell in REFUSED:
            if cell.generation == generation:
                refused = tool.apply(cell.answers)
                assert refused.code == 2 and cell.by in " ".join(refused.err.split()), refused
                assert differences(before, take(manager)) == []
                say(cell, nginx)


@by_name(LIVE)
def test_a_cell_is_proven_where_it_is_alone_and_beside_other_sites(nginx: Nginx, binary: Path, cell: Cell) -> None:
    ways = [alone, beside, by_an_authority_from_elsewhere] if cell.is_mutual else [alone, beside]
    side_by_side([functools.partial(way, nginx, binary, cell) for way in ways])
    say(cell, nginx)


def alone(nginx: Nginx, binary: Path, cell: Cell) -> None:
    with host(cell.generation, nginx, binary) as (manager, tool):
        there_and_back(manager, tool, cell)


def beside(nginx: Nginx, binary: Path, cell: Cell) -> None:
    with host(cell.generation, nginx, binary) as (manager, tool):
        neighbours.move_in(manager)
        before = neighbours.told(manager)
        assert "made behind" in before["https://shop.example.com/a"], before
        there_and_back(manager, tool, cell, lambda: told_the_same(manager, before))
        told_the_same(manager, before)


def by_an_authority_from_elsewhere(nginx: Nginx, binary: Path, cell: Cell) -> None:
    """With two levels below its root. Each way in which a subject can be taken for another is in test_import_ca.py."""
    with host(cell.generation, nginx, binary) as (manager, tool):
        ca, before = corporate(manager, levels=2), take(manager)
        text = import_answers(text=cell.answers)
        if cell.by == STAND_IN:
            refused = tool.apply(text)
            assert refused.code == 2 and "an authority from elsewhere" in refused.err, refused
        else:
            all_asked(cell, tool.apply(text).must(0, "applied")["proof"])
            usual = cell.agent(AGENTS[0], "h2")
            let_in(manager, [cell.agent(agent, "h2") for agent in AGENTS])
            refused_everywhere(manager, strangers_of(manager, ca, usual, cell.server, HOSTILE[:2]))
            tool.apply().must(0, "unchanged")
            tool.rollback().must(0, "rolled-back")
        assert differences(before, take(manager)) == []


def told_the_same(manager: Manager, before: dict[str, str]) -> None:
    assert neighbours.told(manager) == before


def there_and_back(manager: Manager, tool: Tool, cell: Cell, applied: Callable[[], None] = lambda: None) -> None:
    play(manager, cell)
    before, planned = take(manager), plan_hash(tool, cell.answers)
    done = tool.apply(cell.answers).must(0, "applied")
    all_asked(cell, done["proof"])
    verified = tool.run("verify", "--format", "json").must(0)
    all_asked(cell, verified["proof"])
    assert verified["holds"] and verified["complete"] == (cell.shown == "proven"), verified
    only_agents_get_through(manager, cell)
    applied()
    tool.apply(cell.answers).must(0, "unchanged")
    tool.rollback().must(0, "rolled-back")
    assert differences(before, take(manager)) == []
    assert plan_hash(tool, cell.answers) == planned


CASES = {"no certificate", "certificate of another CA", "expired certificate"}


def all_asked(cell: Cell, proof: list[dict]) -> None:
    """Each question was answered as it has to be, and none that makes the cell was left out."""
    assert proof and all(row["ok"] is not False for row in proof), proof
    open_ended = [row for row in proof if row["ok"] is None and row["leg"] != "from another host"]
    # What a manager without nginx takes of old TLS nobody can set.
    by_itself = [row for row in open_ended if row["case"].startswith("TLS 1.") and cell.by == STAND_IN]
    assert open_ended == by_itself, open_ended
    good = {row["case"] for row in proof if row["ok"] and row["leg"].startswith(("Commander", "MetricsService"))}
    welcome = "agent, our certificate" if cell.is_mutual else "agent, no certificate"
    wanted = {welcome} | (CASES if cell.is_mutual else set())
    if not cell.is_mutual and cell.generation == "nim2":
        # There, nothing of agents changes: they are as they were.
        wanted = set()
    assert wanted <= good, sorted(good)
    assert any(row["ok"] and row["case"].startswith("browser, as") for row in proof), proof


def only_agents_get_through(manager: Manager, cell: Cell) -> None:
    """The same by clients of this suite; whom the services have met stands in their own log."""
    ca = issued(AGENTS[0], "ca.pem")
    page = manager.run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", ca, cell.page).stdout
    assert page == "200"
    nobody = Attempt(sni=NAME, port=cell.usual.port, ca=ca)
    if not cell.is_mutual:
        outcomes = manager.attempt(both_services(nobody))
        assert all(each.reached for each in outcomes), outcomes
        return
    welcome = [each for agent, client in zip(AGENTS, ("grpcio", "h2")) for each in both_services(cell.agent(agent, client))]
    doors = [
        Attempt(port=nobody.port, authority=NAME),
        Attempt(port=nobody.port, address=EXTRA_ADDRESS),
        Attempt(port=nobody.port, sni="wrong.example.com"),
        Attempt(port=nobody.port, sni=NAME, client="http1"),
    ]
    wrong_ones = [*strangers(manager, nobody, cell.server, ("h2",)), *doors]
    refused = [each for attempt in wrong_ones for each in both_services(attempt)]
    outcomes = manager.attempt(welcome + refused)
    wrong = [each for each in outcomes[: len(welcome)] if not each.reached]
    wrong += [each for each in outcomes[len(welcome) :] if each.reached]
    assert not wrong, "\n".join(map(str, wrong))
